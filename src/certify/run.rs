//! Runs cases one after the other against a receiver.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::case::{Case, Needs};
use super::cases;
use super::collect::Running;
use super::judge;
use super::outcome::{Finding, Outcome, Verdict};
use super::specimen::{Kit, Specimen};
use super::step::Step;
use super::transcript::Transcript;
use super::wire::{Heard, Target};
use crate::hl7::acknowledgment::Outcome as Said;

/// A case ends after so many timeouts, beyond its own pauses.
const TIMEOUTS: u32 = 4;

/// What is taken for granted about MSH-15 and MSH-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnhancedMode {
    /// It is found out; a receiver that does not know them is not blamed.
    Probe,
    /// The receiver heeds them: that it does not is a failure.
    Yes,
    /// It does not, and no case asks.
    No,
}

/// How cases are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Against whom.
    pub target: Target,
    /// How long each answer, connect and write may take. A case ends after four times that, and its own pauses.
    pub timeout: Duration,
    /// The run ends after this long: cases that have not begun by then are skipped.
    pub limit: Duration,
    /// About MSH-15 and MSH-16.
    pub enhanced: EnhancedMode,
    /// Also runs the cases that need [`Needs::Patience`].
    pub slow: bool,
}

/// Why nothing could be certified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertifyError {
    /// Nobody is there.
    #[error("cannot connect to {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

/// What is known about a receiver before any case.
struct Receiver {
    /// Why nothing but the first case can run.
    unusable: Option<&'static str>,
    /// Whether it heeds MSH-15.
    enhanced: bool,
}

/// Runs `selected` in the order of the list; `done` is told each outcome as it comes. An ordinary message is sent first,
/// whatever is selected: a receiver that does not accept that one cannot be judged by the others.
///
/// # Errors
/// [`CertifyError::Unreachable`].
pub async fn run(
    settings: &Settings,
    kit: &mut Kit,
    selected: &[&'static Case],
    mut done: impl FnMut(&Outcome),
) -> Result<Vec<Outcome>, CertifyError> {
    let began = Instant::now();
    let receiver = look(settings, kit).await?;
    let mut outcomes = Vec::new();
    for (index, case) in cases::all().enumerate() {
        if !selected.iter().any(|chosen| chosen.id == case.id) {
            continue;
        }
        let started = Instant::now();
        let reason = reason_to_skip(settings, &receiver, case, index, began);
        let (finding, transcript) = match reason {
            Some(reason) => (
                Finding::new(Verdict::Skipped, reason),
                Transcript::default(),
            ),
            None => run_case(settings, kit, case).await,
        };
        let outcome = Outcome {
            case,
            number: index + 1,
            finding,
            took: started.elapsed(),
            transcript,
        };
        done(&outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn reason_to_skip(
    settings: &Settings,
    receiver: &Receiver,
    case: &Case,
    index: usize,
    began: Instant,
) -> Option<String> {
    if index > 0
        && let Some(reason) = receiver.unusable
    {
        return Some(reason.to_owned());
    }
    if began.elapsed() >= settings.limit {
        return Some("the run took too long (--limit)".to_owned());
    }
    match case.needs {
        Needs::EnhancedMode if settings.enhanced == EnhancedMode::No => {
            Some("enhanced mode is not looked at (--mode original)".to_owned())
        }
        Needs::EnhancedMode if !receiver.enhanced => {
            let words =
                "the receiver answers in original mode only (--mode enhanced makes this a failure)";
            Some(words.to_owned())
        }
        Needs::Patience if !settings.slow => Some("slow (--slow)".to_owned()),
        _ => None,
    }
}

/// Sends an ordinary message, and one that asks for a commit acknowledgment.
async fn look(settings: &Settings, kit: &mut Kit) -> Result<Receiver, CertifyError> {
    let unreachable = |source| CertifyError::Unreachable {
        address: settings.target.address.clone(),
        source,
    };
    let opened = settings.target.open(settings.timeout).await;
    let mut wire = opened.map_err(unreachable)?;
    let plain = kit.message();
    let unusable = |why| Receiver {
        unusable: Some(why),
        enhanced: false,
    };
    // What cannot be written is not answered, and that is what counts.
    drop(wire.write(&plain.frame(), settings.timeout).await);
    let heard = wire.next(Instant::now() + settings.timeout, |_| {}).await;
    let why = match &heard {
        Heard::Reply(body) => judge_first(&plain, body),
        Heard::Unframed => Some("the receiver's answer to an ordinary message is in no frame"),
        Heard::Closed | Heard::Silence => {
            Some("the receiver does not acknowledge an ordinary message")
        }
    };
    if let Some(why) = why {
        return Ok(unusable(why));
    }
    let enhanced = match settings.enhanced {
        EnhancedMode::Yes => true,
        EnhancedMode::No => false,
        EnhancedMode::Probe => heeds_msh_15(settings, kit).await,
    };
    Ok(Receiver {
        unusable: None,
        enhanced,
    })
}

/// Why a receiver that gives this answer to an ordinary message cannot be judged any further.
fn judge_first(plain: &Specimen, body: &Bytes) -> Option<&'static str> {
    let Ok(read) = judge::read(body) else {
        return Some("the receiver's answer to an ordinary message cannot be read");
    };
    if !judge::is_echo(plain, &read.control_id) {
        return Some("the receiver's answer to an ordinary message names another one in MSA-2");
    }
    let refused = read.code.outcome() != Said::Accept;
    refused.then_some(
        "the receiver refuses the base message: give it one that it accepts (--message, --set)",
    )
}

async fn heeds_msh_15(settings: &Settings, kit: &mut Kit) -> bool {
    let Ok(mut wire) = settings.target.open(settings.timeout).await else {
        return false;
    };
    let asks = kit.with(&[(15, b"AL"), (16, b"NE")]);
    drop(wire.write(&asks.frame(), settings.timeout).await);
    match wire.next(Instant::now() + settings.timeout, |_| {}).await {
        Heard::Reply(body) => judge::read(&body).is_ok_and(|read| read.code.is_commit()),
        _ => false,
    }
}

async fn run_case(settings: &Settings, kit: &mut Kit, case: &Case) -> (Finding, Transcript) {
    let steps = (case.steps)(kit);
    let pauses: Duration = steps.iter().map(Step::pauses).sum();
    let limit = settings.timeout * TIMEOUTS + pauses;
    let mut running = Running::new(&settings.target, settings.timeout);
    let finding = match timeout(limit, running.run(steps)).await {
        Ok(finding) => finding,
        Err(_) => Finding::fail("it was not over in time"),
    };
    (finding, running.transcript)
}
