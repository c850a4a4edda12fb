//! `wardwire listen`: a partner that acknowledges, or does what partners do at their worst.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::exit::{Ending, Exit, Failure};
use super::output::{Format, Output, content_allowed, grouped, tell};
use super::partner::{self, Answers};
use super::{show, values};
use crate::clock::Clock;
use crate::hl7::Message;
use crate::hl7::acknowledgment::{self, Code};
use crate::mllp::{ConnectionEvent, Frame, Peer, Service, Turn};

const EXAMPLES: &str = "\
Examples:
  wardwire listen                                     the partner of the shipped config.toml
  wardwire listen 0.0.0.0:6661 --out received/
  wardwire listen --ack AE --count 3                  refuse three messages, then end
  wardwire listen --delay 200ms --drop 0.1            slow, and one in ten is never answered
  wardwire listen --quiet --stats                     the other end of a load

It ends at Ctrl-C or after --count messages.

Exit codes: 0 ended as asked, 1 a message could not be written to --out, 69 cannot listen there.";

/// Be a partner that acknowledges
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Listen {
    /// Where to listen; port 0 takes a free one
    #[arg(default_value = "127.0.0.1:2576", value_name = "ADDRESS")]
    address: SocketAddr,
    /// What to answer: AA, AE, AR, CA, CE or CR
    #[arg(long, value_name = "CODE", default_value = "AA", value_parser = code)]
    ack: Code,
    /// How long to wait before each answer
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    delay: Option<Duration>,
    /// The fraction of messages that never gets an answer
    #[arg(long, value_name = "FRACTION", default_value_t, value_parser = values::fraction)]
    drop: f64,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Write each message into a file of its own in this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Show each message as a tree (content: on a terminal, elsewhere only with --phi)
    #[arg(long)]
    show: bool,
    /// With --show, show content when standard output is no terminal, too
    #[arg(long, requires = "show")]
    phi: bool,
    /// No line a message
    #[arg(long, conflicts_with = "show")]
    quiet: bool,
    /// Print totals on standard output at the end
    #[arg(long)]
    stats: bool,
    /// text or json (one object a message)
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

fn code(text: &str) -> Result<Code, String> {
    let upper = text.to_ascii_uppercase();
    Code::read(upper.as_bytes()).ok_or_else(|| "expected AA, AE, AR, CA, CE or CR".to_owned())
}

/// The acknowledging partner.
struct Partner {
    args: Listen,
    answers: Answers,
    /// Names the files of this run.
    run: String,
    received: AtomicU64,
    failed: AtomicBool,
    totals: Mutex<Totals>,
    lines: Mutex<Lines>,
    enough: CancellationToken,
}

/// What is written while it runs, and why that ended if it did.
struct Lines {
    out: Output,
    end: Option<Failure>,
}

#[derive(Default)]
struct Totals {
    connections: u64,
    bytes: u64,
    unanswered: u64,
    types: BTreeMap<String, u64>,
    first: Option<Instant>,
    last: Option<Instant>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    peer: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    bytes: usize,
    answer: &'a str,
}

impl Listen {
    pub(super) async fn run(self, clock: &Clock, out: &mut Output) -> Ending {
        if self.show {
            content_allowed(self.phi)?;
        }
        if let Some(folder) = &self.out {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let listener = partner::bind(self.address)?;
        partner::tell_listening(&listener);

        let (stats, format) = (self.stats, self.format);
        let partner = Arc::new(Partner::new(
            self,
            clock.clone(),
            std::mem::replace(out, Output::stdout()),
        ));
        partner::serve(listener, Arc::clone(&partner), &partner.enough).await;
        partner.end(stats, format)
    }
}

impl Partner {
    fn new(args: Listen, clock: Clock, out: Output) -> Self {
        let run = clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
        Self {
            args,
            answers: Answers::new(clock),
            run,
            received: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            totals: Mutex::default(),
            lines: Mutex::new(Lines { out, end: None }),
            enough: CancellationToken::new(),
        }
    }

    /// Whether message `number` (from 1) is one of those that get no answer: evenly spread, the same in every run.
    fn drops(&self, number: u64) -> bool {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small numbers"
        )]
        let so_far = |number: u64| (number as f64 * self.args.drop) as u64;
        so_far(number) > so_far(number.saturating_sub(1))
    }

    fn note(&self, peer: &Peer, body: &Bytes, message: Option<&Message>, answer: &str) {
        let kind = message.map_or_else(
            || "-".to_owned(),
            |message| message.header().kind().to_string(),
        );
        if !self.args.quiet {
            let time = self.answers.now();
            let time = time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
            let line = Line {
                time: &time,
                peer: &peer.address.to_string(),
                kind: &kind,
                bytes: body.len(),
                answer,
            };
            let mut lines = locked(&self.lines);
            if let Err(failure) = self.write(&line, body, &mut lines.out) {
                lines.end.get_or_insert(failure);
                self.enough.cancel();
            }
        }
        let mut totals = locked(&self.totals);
        totals.bytes += body.len() as u64;
        totals.unanswered += u64::from(answer == "none");
        match totals.types.get_mut(&kind) {
            Some(count) => *count += 1,
            None => drop(totals.types.insert(kind, 1)),
        }
        let now = Instant::now();
        totals.first.get_or_insert(now);
        totals.last = Some(now);
    }

    fn write(&self, line: &Line<'_>, body: &Bytes, out: &mut Output) -> Result<(), Failure> {
        match self.args.format {
            Format::Json => out.json(line)?,
            Format::Text | Format::Csv => {
                let Line {
                    time,
                    peer,
                    kind,
                    bytes,
                    answer,
                } = line;
                out.line(format_args!(
                    "{time}  {peer}  {kind:<8}  {bytes:>7} bytes  {answer}"
                ))?;
            }
        }
        if self.args.show {
            show::show_all(body, self.args.format, false, out)?;
        }
        out.flush()
    }

    fn keep(&self, folder: &Path, number: u64, body: &Bytes) {
        let path = folder.join(format!("{}-{number:06}.hl7", self.run));
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        if let Err(error) = file.and_then(|mut file| file.write_all(body)) {
            tell(format_args!(
                "wardwire: cannot write {}: {error}",
                path.display()
            ));
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    fn end(&self, stats: bool, format: Format) -> Ending {
        let totals = locked(&self.totals);
        let mut lines = locked(&self.lines);
        if let Some(failure) = lines.end.take() {
            return Err(failure);
        }
        let count = self.received.load(Ordering::Relaxed);
        let took = match (totals.first, totals.last) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = if took > 0.0 {
            (count.saturating_sub(1)) as f64 / took
        } else {
            0.0
        };
        let types: Vec<String> = totals
            .types
            .iter()
            .map(|(kind, count)| format!("{} {kind}", grouped(*count)))
            .collect();
        let words = format!(
            "{} messages ({}), {} bytes, {} connections, {} unanswered, {rate:.1} messages/s",
            grouped(count),
            types.join(", "),
            grouped(totals.bytes),
            totals.connections,
            totals.unanswered,
        );
        if stats && format == Format::Json {
            lines.out.json(&serde_json::json!({
                "messages": count, "bytes": totals.bytes, "connections": totals.connections,
                "unanswered": totals.unanswered, "messages_per_second": rate, "types": totals.types,
            }))?;
        } else if stats {
            lines.out.line(words)?;
        } else {
            tell(words);
        }
        lines.out.flush()?;
        Ok(if self.failed.load(Ordering::Relaxed) {
            Exit::Failed
        } else {
            Exit::Ok
        })
    }
}

impl Service for Partner {
    async fn call(&self, peer: &Peer, frame: Frame, _turn: Turn<'_>) -> Vec<Bytes> {
        let number = self.received.fetch_add(1, Ordering::Relaxed) + 1;
        let whole = !frame.truncated;
        let message = Message::parse(frame.body.clone()).ok().filter(|_| whole);
        if let (Some(folder), true) = (&self.args.out, whole) {
            self.keep(folder, number, &frame.body);
        }
        if let Some(delay) = self.args.delay {
            tokio::time::sleep(delay).await;
        }
        let is_answer = message
            .as_ref()
            .is_some_and(acknowledgment::is_acknowledgment);
        let silent = is_answer || self.drops(number);
        let code = match (silent, message.is_some()) {
            (true, _) => "none",
            (false, true) => self.args.ack.as_str(),
            (false, false) => "AR",
        };
        self.note(peer, &frame.body, message.as_ref(), code);
        if self.args.count.is_some_and(|count| number >= count) {
            self.enough.cancel();
        }
        if silent {
            Vec::new()
        } else {
            let code = self.args.ack;
            vec![
                self.answers
                    .to(&frame.body, message.as_ref(), code, "WARDWIRE-LISTEN"),
            ]
        }
    }

    fn event(&self, _peer: &Peer, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Opened => locked(&self.totals).connections += 1,
            ConnectionEvent::Warned(warning) if !self.args.quiet => {
                tell(format_args!("warning: {warning}"));
            }
            _ => {}
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
