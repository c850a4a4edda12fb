//! What a running engine does when it is asked through its control socket.

use super::control::{Request, Response};
use super::{Engine, EngineReport};
use crate::clock::Clock;
use crate::journal::{Disposition, Journal, Outcome, OutcomeKind, Position};

impl Engine {
    /// Does what is asked and says what came of it.
    pub(super) async fn answer(&self, request: Request) -> Response {
        match request {
            Request::Status => self.answer_status(),
            Request::Reload { discard } => match self.reload(&discard).await {
                Ok(reloaded) => Response::done(reloaded.to_string()),
                Err(error) => Response::refused(in_full(&error)),
            },
            Request::Replay { id, to } => self.replay(&id, &to).await,
            Request::Park { id, to, reason } => {
                self.settle(&id, &to, OutcomeKind::Parked, reason).await
            }
            Request::Discard { id, to, reason } => {
                self.settle(&id, &to, OutcomeKind::Discarded, reason).await
            }
        }
    }

    fn answer_status(&self) -> Response {
        let report: EngineReport = self.report();
        match serde_json::to_value(&report) {
            Ok(data) => Response {
                ok: true,
                text: String::new(),
                data,
            },
            Err(error) => Response::refused(error.to_string()),
        }
    }

    async fn replay(&self, id: &str, to: &str) -> Response {
        let position = match position_of(id) {
            Ok(position) => position,
            Err(refused) => return refused,
        };
        if let Err(error) = self.journal.read(position).await {
            return Response::refused(error.to_string());
        }
        match self.journal.request_replay(to, position).await {
            Ok(()) => {
                tracing::info!(destination = to, %position, "an operator sends a message again");
                Response::done(format!("{position} goes to {to} again"))
            }
            Err(error) => Response::refused(error.to_string()),
        }
    }

    async fn settle(&self, id: &str, to: &str, kind: OutcomeKind, reason: String) -> Response {
        let position = match position_of(id) {
            Ok(position) => position,
            Err(refused) => return refused,
        };
        match settle_by_operator(&self.journal, &self.clock, (position, to), kind, &reason).await {
            Ok(text) => {
                let word = kind.as_str();
                tracing::info!(destination = to, %position, word, "an operator settled a message");
                Response::done(text)
            }
            Err(error) => Response::refused(error),
        }
    }
}

/// Records what an operator decided about a message at a destination, in a running engine or without one; what was done.
/// What waits can be parked or discarded, what is parked can be discarded; what is settled stays as it is.
///
/// # Errors
/// Why not, in words.
pub async fn settle_by_operator(
    journal: &Journal,
    clock: &Clock,
    (position, to): (Position, &str),
    kind: OutcomeKind,
    reason: &str,
) -> Result<String, String> {
    let entry = journal
        .read(position)
        .await
        .map_err(|error| error.to_string())?;
    if entry.disposition != Disposition::Accepted {
        return Err(format!("{position} was not accepted, so it goes nowhere"));
    }
    let parked = journal.parked(to).contains(&position);
    if journal.is_settled(to, position) && (kind == OutcomeKind::Parked || !parked) {
        let word = if parked { "parked" } else { "settled" };
        return Err(format!("{position} is {word} at {to} already"));
    }
    let mut outcome = Outcome::new(kind, clock.now());
    outcome.reason = Some(format!("by an operator: {reason}"));
    journal
        .settle(to, position, outcome)
        .await
        .map_err(|error| error.to_string())?;
    Ok(format!("{position} is {} at {to}", kind.as_str()))
}

fn position_of(id: &str) -> Result<Position, Response> {
    id.parse()
        .map_err(|_| Response::refused(format!("{id} is no message ID (they look like 3-1f40)")))
}

/// An error with its causes, in one line.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
