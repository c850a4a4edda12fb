//! `wardwire certify`: a score card of what a receiver does on the wire.

mod card;
mod junit;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};

use self::card::Card;
use super::exit::{Ending, Exit, Failure, OrExit};
use super::output::{Output, content_allowed, tell};
use super::progress::Progress;
use super::send::TlsArgs;
use super::values;
use crate::certify::{self, Case, EnhancedMode, Kit, Outcome, Score, Settings, Target};
use crate::clock::Clock;
use crate::hl7::{Draft, Message, batch};

const EXAMPLES: &str = "\
Examples:
  wardwire certify --list                                 the cases, and what each of them expects
  wardwire certify 127.0.0.1:2575                         all of them, against the engine of this machine
  wardwire certify 10.20.9.4:6661 --set MSH-5=LAB --set MSH-11=P
  wardwire certify 10.20.9.4:6661 --message adt_a01.hl7   made out of a message that the receiver takes
  wardwire certify lab:6661 --case plain --case id-escape
  wardwire certify lab:6661 --format junit > certify.xml

Real messages are sent, and the receiver will take them over: never run this at a production system. Without --message they \
are ADT^A01 2.5.1 about CERTIFY^NOBODY with processing ID T. The receiver must accept that message in original mode; what \
else a case needs is in --list. Cases of enhanced mode are skipped where the receiver has none.

Verdicts: pass; tolerated: not what is recommended, but allowed; inconclusive: what the case is about did not happen; \
skipped; fail: with what was sent and received as evidence.

Bounds: each answer may take --timeout, each case four times that and its own pauses (three seconds at most, \
15 s with --slow), the whole --limit. Fewer than 250 messages on fewer than 200 connections, 2 MB in all; with --slow 23 MB.

Exit codes: 0 nothing failed, 2 something failed, 1 no base message, 69 nobody listens.";

/// Find out what an MLLP receiver does, by sending it test messages
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Certify {
    /// The receiver
    #[arg(value_name = "HOST:PORT", required_unless_present = "list")]
    address: Option<String>,
    /// Only this case, by name or number (may be repeated)
    #[arg(long, value_name = "CASE", value_parser = case)]
    case: Vec<&'static Case>,
    /// Print the cases and send nothing
    #[arg(long)]
    list: bool,
    /// Also run the cases that need minutes or megabytes
    #[arg(long)]
    slow: bool,
    /// What the receiver knows: auto finds out; with enhanced, not heeding MSH-15 is a failure
    #[arg(long, value_name = "MODE", value_enum, default_value_t)]
    mode: Mode,
    /// How long to wait for each answer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = values::duration)]
    timeout: Duration,
    /// How long the whole may take; cases that have not begun by then are skipped
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::duration)]
    limit: Duration,
    /// Make the messages out of the first one in this file
    #[arg(long, value_name = "FILE", help_heading = "Messages")]
    message: Option<PathBuf>,
    /// Change a value in all messages, such as MSH-6=LAB (may be repeated)
    #[arg(long, value_name = "PATH=VALUE", value_parser = setting, help_heading = "Messages")]
    set: Vec<(crate::hl7::Path, String)>,
    /// With --message, show its bytes as evidence when standard output is no terminal, too
    #[arg(long, requires = "message", help_heading = "Messages")]
    phi: bool,
    /// Show evidence of everything that is no plain pass, too
    #[arg(long)]
    evidence: bool,
    /// text, json (one object a case, then the score) or junit (XML)
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: CardFormat,
    #[command(flatten)]
    tls: TlsArgs,
}

/// How the score card is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CardFormat {
    #[default]
    Text,
    Json,
    Junit,
}

/// What the receiver is said to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    #[default]
    Auto,
    Original,
    Enhanced,
}

fn case(text: &str) -> Result<&'static Case, String> {
    certify::find(text).ok_or_else(|| {
        let near = certify::all()
            .map(|case| (strsim::jaro_winkler(case.id, text), case.id))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let near = near.filter(|(score, _)| *score > 0.8);
        let hint = near.map_or_else(String::new, |(_, id)| format!("; did you mean {id}?"));
        format!("there is no such case, see --list{hint}")
    })
}

fn setting(text: &str) -> Result<(crate::hl7::Path, String), String> {
    let (path, value) = text
        .split_once('=')
        .ok_or("expected PATH=VALUE, such as MSH-6=LAB")?;
    let path = path.parse().map_err(|error| format!("{error}"))?;
    Ok((path, value.to_owned()))
}

impl Certify {
    pub(super) async fn run(self, clock: &Clock, out: &mut Output) -> Ending {
        let selected: Vec<&'static Case> = if self.case.is_empty() {
            certify::all().collect()
        } else {
            self.case.clone()
        };
        if self.list {
            card::list(&selected, self.format, out)?;
            return Ok(Exit::Ok);
        }
        let address = self.address.clone().unwrap_or_default();
        let mut kit = self.kit(clock)?;
        let card = Card {
            format: self.format,
            address: &address,
            evidence: self.evidence,
            content: kit.is_synthetic() || content_allowed(self.phi).is_ok(),
            under: Cell::default(),
            said: RefCell::default(),
        };
        let settings = Settings {
            target: Target {
                address: address.clone(),
                tls: self.tls.open()?,
            },
            timeout: self.timeout,
            limit: self.limit,
            enhanced: match self.mode {
                Mode::Auto => EnhancedMode::Probe,
                Mode::Original => EnhancedMode::No,
                Mode::Enhanced => EnhancedMode::Yes,
            },
            slow: self.slow,
        };
        let of_whom = match &self.message {
            None => "about a patient who does not exist".to_owned(),
            Some(file) => format!("made out of {}", file.display()),
        };
        tell(format_args!(
            "sending test messages {of_whom} to {address}, which will take them over: not for a production system"
        ));
        let outcomes = certify_all(&settings, &mut kit, &selected, &card, out).await?;
        card.end(&outcomes, clock, out)?;
        let failed = Score::of(&outcomes).failed > 0;
        Ok(if failed { Exit::Findings } else { Exit::Ok })
    }

    /// The base message: ours or the one in the file, with the changes asked for.
    fn kit(&self, clock: &Clock) -> Result<Kit, Failure> {
        let own = Kit::synthetic(clock.clone());
        let base = match &self.message {
            None => own.base().clone(),
            Some(file) => first_message(file)?,
        };
        let mut draft = Draft::of(&base);
        for (path, value) in &self.set {
            draft.set_text(path, value).or_exit(Exit::Usage)?;
        }
        let base = Message::parse(draft.write()).or_exit(Exit::Usage)?;
        if self.message.is_none() {
            return own.with_base(&base).or_exit(Exit::Usage);
        }
        Kit::of(&base, clock.clone()).or_exit(Exit::Failed)
    }
}

/// Runs the cases and shows each as it is done.
async fn certify_all(
    settings: &Settings,
    kit: &mut Kit,
    selected: &[&'static Case],
    card: &Card<'_>,
    out: &mut Output,
) -> Result<Vec<Outcome>, Failure> {
    let progress = Progress::beside_output(selected.len());
    let (mut shown, mut done) = (Ok(()), 0);
    let run = certify::run(settings, kit, selected, |outcome| {
        done += 1;
        progress.set(done);
        if shown.is_ok() {
            shown = card.show(outcome, out);
        }
    });
    let outcomes = run.await;
    progress.finish();
    shown?;
    outcomes.map_err(|error| {
        Failure::new(Exit::Unavailable, error)
            .hint("is the receiver running, and is this the address of its MLLP port?")
    })
}

fn first_message(file: &Path) -> Result<Message, Failure> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let bytes = bytes::Bytes::from(bytes);
    let found = batch::split(&bytes);
    let Some(first) = found.messages.first() else {
        let words = format!("there is no message in {}", file.display());
        return Err(Failure::said(Exit::Failed, words));
    };
    let message = Message::parse(bytes.slice(first.clone()));
    Ok(message.with_context(|| format!("cannot read the message in {}", file.display()))?)
}
