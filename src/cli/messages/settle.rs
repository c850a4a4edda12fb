//! `wardwire messages replay|park|discard`: what a person decides. The running engine is asked; where none runs, the
//! journal itself is opened.

use std::sync::Arc;

use clap::Args;

use crate::cli::exit::{Ending, Exit, Failure, OrExit};
use crate::cli::output::{Output, tell};
use crate::cli::place;
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::control::{self, ControlError, Request};
use crate::engine::settle_by_operator;
use crate::journal::{Archive, DiskFiles, Journal, OutcomeKind, Position, Query, Standing};

const REPLAY_EXAMPLES: &str = "\
Examples:
  wardwire messages replay 3-1f40                     wherever it is parked
  wardwire messages replay 3-1f40 3-2080 --to lab     to lab, whatever its state there
  wardwire messages replay --to lab --all-parked

A replayed message goes through the routes as they are now, ahead of what waits.";

const PARK_EXAMPLES: &str = "\
Example:
  wardwire messages park 3-1f40 --to lab --reason \"asks for a wrong test\"

A parked message no longer holds up those behind it. It stays in the journal until it is replayed or discarded.";

const DISCARD_EXAMPLES: &str = "\
Example:
  wardwire messages discard 3-1f40 --to lab --reason \"lab has it on paper\"

A discarded message counts as settled at that destination; the journal keeps it as long as any other, with the reason.";

/// Send messages to a destination again
#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(super) struct Replay {
    /// The messages, as `messages list` calls them
    #[arg(value_name = "ID", required_unless_present = "all_parked")]
    ids: Vec<Position>,
    /// To this destination; without it, to wherever each is parked
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    /// All that are parked there, oldest first
    #[arg(long, requires = "to", conflicts_with = "ids")]
    all_parked: bool,
}

/// Set messages aside at a destination, so that those behind them can go
#[derive(Debug, Args)]
#[command(after_help = PARK_EXAMPLES)]
pub(super) struct Park {
    #[command(flatten)]
    which: Which,
}

/// Give messages up for a destination
#[derive(Debug, Args)]
#[command(after_help = DISCARD_EXAMPLES)]
pub(super) struct Discard {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Which {
    /// The messages, as `messages list` calls them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<Position>,
    /// At this destination
    #[arg(long, value_name = "DESTINATION")]
    to: String,
    /// Why; it is kept with the message, so no patient's data here
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Clone)]
enum Decision {
    Replay,
    Park(String),
    Discard(String),
}

impl Replay {
    pub(super) async fn run(self, settings: &Settings, clock: &Clock, out: &mut Output) -> Ending {
        let archive = place::archive(settings)?;
        let mut targets = Vec::new();
        match &self.to {
            Some(to) if self.all_parked => {
                targets.extend(parked(&archive, to)?.into_iter().map(|id| (id, to.clone())));
            }
            Some(to) => targets.extend(self.ids.iter().map(|id| (*id, to.clone()))),
            None => {
                for &id in &self.ids {
                    targets.extend(parked_at(&archive, id)?.into_iter().map(|to| (id, to)));
                }
            }
        }
        if targets.is_empty() {
            tell("nothing is parked there");
        }
        decide(&targets, &Decision::Replay, settings, clock, out).await
    }
}

impl Park {
    pub(super) async fn run(self, settings: &Settings, clock: &Clock, out: &mut Output) -> Ending {
        let decision = Decision::Park(self.which.reason.clone());
        decide(&self.which.targets(), &decision, settings, clock, out).await
    }
}

impl Discard {
    pub(super) async fn run(self, settings: &Settings, clock: &Clock, out: &mut Output) -> Ending {
        let decision = Decision::Discard(self.which.reason.clone());
        decide(&self.which.targets(), &decision, settings, clock, out).await
    }
}

impl Which {
    fn targets(&self) -> Vec<(Position, String)> {
        self.ids.iter().map(|id| (*id, self.to.clone())).collect()
    }
}

/// What is parked at a destination, oldest first.
fn parked(archive: &Archive, to: &str) -> Result<Vec<Position>, Failure> {
    let query = Query {
        standing: Some(Standing::Settled(OutcomeKind::Parked)),
        destination: Some(to.to_owned()),
        ..Query::default()
    };
    let rows = archive.search(&query).map_err(place::unreadable)?;
    Ok(rows.iter().rev().map(|row| row.position).collect())
}

/// The destinations where a message is parked now.
fn parked_at(archive: &Archive, id: Position) -> Result<Vec<String>, Failure> {
    archive.entry(id).map_err(place::unreadable)?;
    let outcomes = archive.outcomes(id).map_err(place::unreadable)?;
    let mut last: Vec<(Arc<str>, OutcomeKind)> = Vec::new();
    for (to, outcome) in outcomes {
        last.retain(|(known, _)| *known != to);
        last.push((to, outcome.kind));
    }
    last.retain(|(_, kind)| *kind == OutcomeKind::Parked);
    if last.is_empty() {
        let words = format_args!("message {id} is parked nowhere").to_string();
        return Err(Failure::said(Exit::Failed, words)
            .hint("name the destination to send it to again: --to DESTINATION"));
    }
    Ok(last.into_iter().map(|(to, _)| to.to_string()).collect())
}

/// Carries a decision out for each message; one that fails does not keep the others from it.
async fn decide(
    targets: &[(Position, String)],
    decision: &Decision,
    settings: &Settings,
    clock: &Clock,
    out: &mut Output,
) -> Ending {
    let mut journal = None;
    let mut exit = Exit::Ok;
    for (id, to) in targets {
        let done = match &journal {
            Some(journal) => decision.record(journal, *id, to, clock).await,
            None => match decision.ask(settings, *id, to).await {
                Err(ControlError::NotRunning(_)) => {
                    let opened = open(settings, clock).await?;
                    let done = decision.record(&opened, *id, to, clock).await;
                    journal = Some(opened);
                    done
                }
                Err(error) => return Err(Failure::new(Exit::Unavailable, error)),
                Ok(answer) => answer,
            },
        };
        match done {
            Ok(text) => out.line(text)?,
            Err(text) => {
                tell(format_args!("wardwire: {id} at {to}: {text}"));
                exit = Exit::Failed;
            }
        }
    }
    if let Some(journal) = journal {
        journal.close().await.map_err(place::unreadable)?;
    }
    Ok(exit)
}

/// Opens the journal for writing: no engine may be running.
async fn open(settings: &Settings, clock: &Clock) -> Result<Journal, Failure> {
    let (settings, clock) = (settings.journal.clone(), clock.clone());
    let open = move || Journal::open(settings, Arc::new(DiskFiles), clock);
    let opened = tokio::task::spawn_blocking(open)
        .await
        .or_exit(Exit::Failed)?;
    Ok(opened.map_err(place::unreadable)?.0)
}

/// What was done, or why not.
type Done = Result<String, String>;

impl Decision {
    /// Has the running engine do it.
    async fn ask(&self, settings: &Settings, id: Position, to: &str) -> Result<Done, ControlError> {
        let (id, to) = (id.to_string(), to.to_owned());
        let request = match self.clone() {
            Self::Replay => Request::Replay { id, to },
            Self::Park(reason) => Request::Park { id, to, reason },
            Self::Discard(reason) => Request::Discard { id, to, reason },
        };
        let answer = control::call(&settings.engine.data, &request).await?;
        Ok(if answer.ok {
            Ok(answer.text)
        } else {
            Err(answer.text)
        })
    }

    /// Writes it into the journal itself.
    async fn record(&self, journal: &Journal, id: Position, to: &str, clock: &Clock) -> Done {
        let (kind, reason) = match self {
            Self::Replay => {
                let asked = journal.request_replay(to, id).await;
                let text = format!("{id} will be sent to {to} again when the engine runs");
                return asked.map(|()| text).map_err(|error| error.to_string());
            }
            Self::Park(reason) => (OutcomeKind::Parked, reason),
            Self::Discard(reason) => (OutcomeKind::Discarded, reason),
        };
        settle_by_operator(journal, clock, (id, to), kind, reason).await
    }
}
