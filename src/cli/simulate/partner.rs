//! `wardwire simulate partner`: a receiver that refuses, delays, drops and garbles by odds, and counts what it was given.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::report::{self, Tally, locked};
use super::truth;
use crate::cli::exit::{Ending, Exit};
use crate::cli::output::{Format, Output, tell};
use crate::cli::partner::{self, Answers};
use crate::cli::values;
use crate::clock::Clock;
use crate::hl7::acknowledgment::{self, Code};
use crate::hl7::{Message, Occurrence, Path, Segments};
use crate::mllp::{ConnectionEvent, Frame, Peer, Service, Turn};
use crate::simulate::{Audit, Dice, Odds, Spread, Taking};

const EXAMPLES: &str = "\
Examples:
  wardwire simulate partner                                   takes everything
  wardwire simulate partner --nak 5% --drop 1% --garble 1% --delay 10ms..200ms
  wardwire simulate partner --listen 127.0.0.1:2576 --truth truth.json --for 10m
  wardwire simulate partner --reject 1% --count 10000 --seed 7 --format json

It knows the messages of `wardwire simulate hospital` by their control IDs. With --truth it knows which there are, tells \
which are lost, and ends when all have come; without it, it tells repetitions and disorder among those of a patient.

Exit codes: 0 clean, 2 something is lost or out of order, 64 usage, 69 cannot listen there.";

/// Be a partner at its worst: refuse, delay, drop and garble by odds
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Partner {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2576")]
    listen: SocketAddr,
    /// The share that is refused with AE, to be sent again
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    nak: Odds,
    /// The share that is rejected with AR, for good
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    reject: Odds,
    /// The share that is taken and never answered
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    drop: Odds,
    /// The share that is taken and answered with nonsense
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    garble: Odds,
    /// How long each answer takes, such as 50ms or 10ms..200ms
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = range)]
    delay: Spread,
    /// Makes the choices repeatable
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What `simulate hospital` wrote with its own --truth
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this long
    #[arg(long = "for", value_name = "TIME", value_parser = values::duration)]
    how_long: Option<Duration>,
    /// text or json, for the audit
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

fn share(text: &str) -> Result<Odds, String> {
    Odds::read(text).ok_or_else(|| "expected a share such as 5%, 0.5% or 0.005".to_owned())
}

/// Milliseconds from .. to.
fn range(text: &str) -> Result<Spread, String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let ms = |text: &str| {
        values::duration(text).map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
    };
    let (least, most) = (ms(least)?, ms(most)?);
    if least > most {
        return Err("expected the shorter time first, such as 10ms..200ms".to_owned());
    }
    Ok(Spread::new(least, most))
}

/// The receiving side of a run.
pub(super) struct Receiver {
    audit: Arc<Mutex<Audit>>,
    answers: Answers,
    mischief: Option<Mutex<Mischief>>,
    tally: Mutex<Tallied>,
    count: Option<u64>,
    until_all: bool,
    enough: CancellationToken,
}

/// What goes wrong, and the dice that say when.
struct Mischief {
    dice: Dice,
    nak: Odds,
    reject: Odds,
    drop: Odds,
    garble: Odds,
    delay: Spread,
}

#[derive(Default)]
struct Tallied {
    answers: BTreeMap<String, u64>,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// What is done with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Answers(Code),
    Nothing,
    /// Answers with one of three kinds of nonsense.
    Garbles(u64),
}

impl Partner {
    pub(super) async fn run(self, clock: &Clock, out: &mut Output) -> Ending {
        let mut audit = Audit::new(None);
        if let Some(file) = &self.truth {
            truth::announce(file, &mut audit)?;
        }
        let listener = partner::bind(self.listen)?;
        partner::tell_listening(&listener);
        let enough = CancellationToken::new();
        let mut receiver =
            Receiver::faithful(Arc::new(Mutex::new(audit)), clock.clone(), enough.clone());
        receiver.until_all = self.truth.is_some();
        receiver.count = self.count;
        receiver.mischief = Some(Mutex::new(Mischief {
            dice: Dice::new(self.seed),
            nak: self.nak,
            reject: self.reject,
            drop: self.drop,
            garble: self.garble,
            delay: self.delay,
        }));
        let receiver = Arc::new(receiver);
        let serving = partner::serve(listener, Arc::clone(&receiver), &enough);
        tokio::pin!(serving);
        let how_long = self.how_long.unwrap_or(Duration::MAX);
        if timeout(how_long, &mut serving).await.is_err() {
            enough.cancel();
            serving.await;
        }
        let report = locked(&receiver.audit).report(false, true);
        report::write(&report, &receiver.tally(), self.format, out)?;
        Ok(if report.has_findings() {
            Exit::Findings
        } else {
            Exit::Ok
        })
    }
}

impl Receiver {
    /// One that takes everything.
    pub(super) fn faithful(
        audit: Arc<Mutex<Audit>>,
        clock: Clock,
        enough: CancellationToken,
    ) -> Self {
        Self {
            audit,
            answers: Answers::new(clock),
            mischief: None,
            tally: Mutex::default(),
            count: None,
            until_all: false,
            enough,
        }
    }

    fn tally(&self) -> Tally {
        let tally = tallied(&self.tally);
        let seconds = match (tally.first, tally.last) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        Tally {
            answers: tally.answers.clone(),
            seconds,
            broken: None,
        }
    }

    /// What to do with the next message, and when.
    fn choose(&self) -> (Does, Duration) {
        let Some(mischief) = &self.mischief else {
            return (Does::Answers(Code::ApplicationAccept), Duration::ZERO);
        };
        let mut mischief = mischief.lock().unwrap_or_else(PoisonError::into_inner);
        let Mischief {
            dice,
            nak,
            reject,
            drop,
            garble,
            delay,
        } = &mut *mischief;
        let wait = Duration::from_millis(u64::try_from(dice.within(*delay)).unwrap_or_default());
        let does = if dice.happens(*reject) {
            Does::Answers(Code::ApplicationReject)
        } else if dice.happens(*nak) {
            Does::Answers(Code::ApplicationError)
        } else if dice.happens(*drop) {
            Does::Nothing
        } else if dice.happens(*garble) {
            Does::Garbles(dice.below(3))
        } else {
            Does::Answers(Code::ApplicationAccept)
        };
        (does, wait)
    }

    /// Puts a message on record; `true` if that is enough.
    fn record(&self, message: &Message, does: Does) -> bool {
        let taking = match does {
            Does::Answers(Code::ApplicationAccept) => Taking::Taken,
            Does::Answers(_) => Taking::Refused,
            Does::Nothing | Does::Garbles(_) => Taking::Unanswered,
        };
        let control_id = message.text(&Path::field(*b"MSH", 10)).unwrap_or_default();
        let mut audit = locked(&self.audit);
        audit.received(control_id.as_bytes(), &lanes(message), taking);
        let counted = self.count.is_some_and(|count| audit.count() >= count);
        counted || self.until_all && audit.is_all_there(false)
    }

    fn garbled(&self, kind: u64, frame: &Frame, message: &Message) -> Bytes {
        let code = Code::ApplicationAccept;
        let right = self.answers.to(&frame.body, Some(message), code, NAME);
        match kind {
            // Half of it.
            0 => right.slice(..right.len() / 2),
            1 => Bytes::from_static(b"?#\x02 garbled"),
            // That of a message nobody sent.
            _ => {
                let text = String::from_utf8_lossy(&right).replace("MSA|AA|", "MSA|AA|X");
                Bytes::from(text.into_bytes())
            }
        }
    }
}

const NAME: &str = "WARDWIRE-PARTNER";

/// Whom a message is about: a patient (two, in a swap or merge), or a bed.
fn lanes(message: &Message) -> Vec<u64> {
    let second = Path {
        occurrence: Occurrence::Nth(2),
        ..Path::field(*b"PID", 3)
    };
    let places = [
        Path::field(*b"PID", 3).component(1),
        second.component(1),
        Path::field(*b"MRG", 1).component(1),
        Path::field(*b"NPU", 1),
    ];
    let about = places.iter().filter_map(|place| message.text(place));
    // FNV-1a, so that nothing of the message is kept.
    let hashed = about.filter(|text| !text.is_empty()).map(|text| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    });
    hashed.collect()
}

impl Service for Receiver {
    async fn call(&self, _peer: &Peer, frame: Frame, _turn: Turn<'_>) -> Vec<Bytes> {
        let message = Message::parse(frame.body.clone())
            .ok()
            .filter(|_| !frame.truncated);
        if message
            .as_ref()
            .is_some_and(acknowledgment::is_acknowledgment)
        {
            return Vec::new();
        }
        let (does, wait) = self.choose();
        let enough = message
            .as_ref()
            .is_some_and(|message| self.record(message, does));
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let (answer, told) = match (does, &message) {
            (Does::Nothing, _) => (None, "none"),
            (Does::Garbles(kind), Some(message)) => {
                (Some(self.garbled(kind, &frame, message)), "garbled")
            }
            (Does::Answers(code), Some(message)) => (
                Some(self.answers.to(&frame.body, Some(message), code, NAME)),
                code.as_str(),
            ),
            (_, None) => {
                let code = Code::ApplicationReject;
                (
                    Some(self.answers.to(&frame.body, None, code, NAME)),
                    code.as_str(),
                )
            }
        };
        let mut tally = tallied(&self.tally);
        *tally.answers.entry(told.to_owned()).or_default() += 1;
        let now = Instant::now();
        tally.first.get_or_insert(now);
        tally.last = Some(now);
        if enough {
            self.enough.cancel();
        }
        answer.into_iter().collect()
    }

    fn event(&self, _peer: &Peer, event: ConnectionEvent) {
        if let ConnectionEvent::Warned(warning) = event {
            tell(format_args!("warning: {warning}"));
        }
    }
}

fn tallied(tally: &Mutex<Tallied>) -> MutexGuard<'_, Tallied> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
