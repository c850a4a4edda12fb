//! A lane: one message after the other, each until it is settled, none before the one in front of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::attempt::{Attempt, Destination, Judgement, judge};
use super::error::DeliveryError;
use super::plan::{Planned, Planner};
use super::retry;
use super::settings::{DestinationSettings, OnPark};
use super::status::{LaneState, LaneStatus};
use crate::clock::Clock;
use crate::journal::{Journal, Lane, Next, Outcome, OutcomeKind, Position};

/// Delivers what its lane of the journal holds, until it is cancelled.
pub(super) struct Worker<D, P> {
    pub(super) settings: DestinationSettings,
    pub(super) journal: Journal,
    pub(super) lane: Lane,
    pub(super) changes: watch::Receiver<u64>,
    pub(super) destination: D,
    pub(super) planner: P,
    pub(super) clock: Clock,
    pub(super) status: Arc<LaneStatus>,
    pub(super) cancel: CancellationToken,
    pub(super) trouble: Trouble,
}

/// After so many filtered messages one is waited for.
const UNAWAITED: u64 = 256;

/// What the log has been told, so that it is told changes only.
#[derive(Default)]
pub(super) struct Trouble {
    retrying: bool,
    parking: u64,
    stopped: Option<Timestamp>,
}

/// How a message left the head of the lane.
#[derive(PartialEq, Eq)]
enum Left {
    /// It is settled, by us or by a person.
    Settled,
    /// The engine stops; the message stays where it is.
    Cancelled,
}

/// The failures of the message at the head of the lane.
struct Failing {
    since: Timestamp,
    /// Every try, for the pauses.
    tries: u32,
    /// The tries that may have reached the partner, for `max_attempts` and the outcome.
    sent: u32,
}

/// What ended a pause.
enum Pause {
    Over,
    Settled,
    Cancelled,
}

impl<D: Destination, P: Planner> Worker<D, P> {
    /// Delivers until it is cancelled or the journal fails. Cancelled, it waits for the answer to the message in hand
    /// and begins no other; the caller drops it when that takes too long.
    pub(super) async fn run(mut self) -> Result<(), DeliveryError> {
        let cancel = self.cancel.clone();
        loop {
            let held = self.held();
            let next = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                next = self.lane.next() => next?,
                changed = self.changes.changed(), if held => match changed {
                    Ok(()) => continue,
                    Err(_) => return Err(crate::journal::JournalError::Closed.into()),
                },
            };
            if held && !next.replay {
                tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    changed = self.changes.changed() => {
                        changed.map_err(|_| crate::journal::JournalError::Closed)?;
                    }
                }
                continue;
            }
            if self.settle(&next).await? == Left::Cancelled {
                return Ok(());
            }
            // A long run of filtered messages never waits for anything.
            tokio::task::consume_budget().await;
        }
    }

    /// Whether something parked holds the lane; says so in status and log.
    fn held(&mut self) -> bool {
        self.changes.borrow_and_update();
        let parked = match self.settings.on_park {
            OnPark::Continue => Vec::new(),
            OnPark::Stop => self.journal.parked(&self.settings.name),
        };
        let name = &*self.settings.name;
        let Some(&position) = parked.first() else {
            if self.trouble.stopped.take().is_some() {
                info!(destination = name, "going on: nothing is parked any more");
            }
            self.status.set(LaneState::Idle);
            return false;
        };
        if self.trouble.stopped.is_none() {
            warn!(destination = name, id = %position, parked = parked.len(),
                "stopped until what is parked is replayed or discarded");
        }
        let since = *self.trouble.stopped.get_or_insert_with(|| self.clock.now());
        self.status.set(LaneState::Stopped {
            position,
            since,
            parked: parked.len(),
        });
        true
    }

    /// Tries one message until it is settled.
    async fn settle(&mut self, next: &Next) -> Result<Left, DeliveryError> {
        let position = next.entry.position;
        let mut failing = Failing {
            since: self.clock.now(),
            tries: 0,
            sent: 0,
        };
        loop {
            let dispatch = match self.planner.plan(&next.entry) {
                Planned::Filtered(reason) => {
                    let mut outcome = self.outcome(OutcomeKind::Filtered, failing.sent);
                    outcome.reason = Some(reason);
                    let name = &self.settings.name;
                    // The journal's queue takes what is not waited for, so now and then it is.
                    if next.replay || next.entry.ordinal.is_multiple_of(UNAWAITED) {
                        self.journal.settle(name, position, outcome).await?;
                    } else {
                        self.journal.settle_nowait(name, position, outcome)?;
                    }
                    self.status.count_filtered();
                    return Ok(Left::Settled);
                }
                Planned::Failed(reason) => {
                    let mut outcome = self.outcome(OutcomeKind::Parked, failing.sent);
                    outcome.reason = Some(reason);
                    self.park(position, outcome).await?;
                    return Ok(Left::Settled);
                }
                Planned::Deliver(dispatch) => dispatch,
            };
            if failing.tries == 0 {
                self.status.set(LaneState::Delivering);
            }
            let attempt = self.destination.send(&dispatch).await;
            drop(dispatch);
            failing.tries = failing.tries.saturating_add(1);
            failing.sent = failing.sent.saturating_add(u32::from(attempt.was_sent()));
            if let Some(left) = self.answered(position, attempt, &failing).await? {
                return Ok(left);
            }
        }
    }

    /// Does what an answer asks for. `None`: the message is to be sent again.
    async fn answered(
        &mut self,
        position: Position,
        attempt: Attempt,
        failing: &Failing,
    ) -> Result<Option<Left>, DeliveryError> {
        if let Some(code) = &attempt.code {
            self.status.saw_code(code);
        }
        let (on_reject, most) = (self.settings.on_reject, self.settings.retry.max_attempts);
        match judge(attempt.answer, on_reject, failing.sent, most) {
            Judgement::Settle => {
                self.delivered(position, attempt, failing).await?;
                Ok(Some(Left::Settled))
            }
            // Who settled it in the meantime had the last word.
            _ if self.is_settled(position) => Ok(Some(Left::Settled)),
            Judgement::Park => {
                let mut outcome = self.outcome(OutcomeKind::Parked, failing.sent);
                outcome.code = attempt.code.map(Into::into);
                outcome.reason = Some(attempt.reason.into());
                outcome.reply = attempt.reply;
                self.park(position, outcome).await?;
                Ok(Some(Left::Settled))
            }
            Judgement::Retry => Ok(match self.pause(position, &attempt, failing).await? {
                Pause::Over => None,
                Pause::Settled => {
                    info!(destination = &*self.settings.name, id = %position,
                        "moving on: somebody settled the message that did not get through");
                    Some(Left::Settled)
                }
                Pause::Cancelled => Some(Left::Cancelled),
            }),
        }
    }

    async fn delivered(
        &mut self,
        position: Position,
        attempt: Attempt,
        failing: &Failing,
    ) -> Result<(), DeliveryError> {
        let mut outcome = self.outcome(OutcomeKind::Delivered, failing.sent);
        let at = outcome.at;
        outcome.code = attempt.code.map(Into::into);
        outcome.reply = attempt.reply;
        self.journal
            .settle(&self.settings.name, position, outcome)
            .await?;
        self.status.count_delivered(at);
        if self.trouble.retrying || self.trouble.parking > 0 {
            info!(
                destination = &*self.settings.name,
                attempts = failing.tries,
                parked = self.trouble.parking,
                "delivering again"
            );
            self.trouble.retrying = false;
            self.trouble.parking = 0;
        }
        Ok(())
    }

    async fn park(&mut self, position: Position, outcome: Outcome) -> Result<(), DeliveryError> {
        let name = &*self.settings.name;
        let reason = outcome.reason.clone().unwrap_or_default();
        let (code, attempts) = (outcome.code.clone(), outcome.attempts);
        self.journal.settle(name, position, outcome).await?;
        self.status.count_parked();
        if self.trouble.parking == 0 {
            warn!(destination = name, id = %position, code, attempts, reason, "parked");
        } else {
            debug!(destination = name, id = %position, code, attempts, reason, "parked");
        }
        self.trouble.parking += 1;
        // Its answer ends the retrying, though not the way one wished for.
        self.trouble.retrying = false;
        Ok(())
    }

    /// Waits before the next try, and looks up when something is settled from outside.
    async fn pause(
        &mut self,
        position: Position,
        attempt: &Attempt,
        failing: &Failing,
    ) -> Result<Pause, DeliveryError> {
        let pause = retry::pause(&self.settings.retry, failing.tries, retry::random());
        let pause = retry::pause_asked(pause, attempt.retry_after);
        self.tell_retrying(position, attempt, failing, pause);
        let due = Instant::now() + pause;
        let cancel = self.cancel.clone();
        loop {
            self.changes.borrow_and_update();
            if self.is_settled(position) {
                return Ok(Pause::Settled);
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(Pause::Cancelled),
                () = sleep_until(due) => return Ok(Pause::Over),
                changed = self.changes.changed() => {
                    changed.map_err(|_| crate::journal::JournalError::Closed)?;
                }
            }
        }
    }

    fn tell_retrying(
        &mut self,
        position: Position,
        attempt: &Attempt,
        failing: &Failing,
        pause: Duration,
    ) {
        let name = &*self.settings.name;
        let (reason, code, attempts) = (&*attempt.reason, attempt.code.as_deref(), failing.tries);
        if self.trouble.retrying {
            debug!(destination = name, id = %position, code, attempts, reason, "still retrying");
        } else {
            warn!(destination = name, id = %position, code, reason, "retrying");
            self.trouble.retrying = true;
        }
        self.status.count_retry();
        let now = self.clock.now();
        self.status.set(LaneState::Retrying {
            position,
            since: failing.since,
            attempts,
            reason: reason.into(),
            next_try: now.checked_add(pause).unwrap_or(now),
        });
    }

    fn is_settled(&self, position: Position) -> bool {
        self.journal.is_settled(&self.settings.name, position)
    }

    fn outcome(&self, kind: OutcomeKind, attempts: u32) -> Outcome {
        let mut outcome = Outcome::new(kind, self.clock.now());
        outcome.attempts = attempts;
        outcome
    }
}
