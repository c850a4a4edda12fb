//! The recipe every received message goes through.
//!
//! ```text
//! parse → judge → seen before? → build acknowledgments → journal (durable) → answer
//! ```
//!
//! The acknowledgment is stored with the message, so that a sender who did not get it and sends again gets the very same
//! bytes. Nothing positive leaves before the journal says that the message is durable.

use std::borrow::Cow;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::arriving::Arriving;
use super::intake::Intake;
use super::judge::judge;
use super::keys::search_keys;
use super::status::{SourceStatus, count};
use super::verdict::{Received, Verdict};
use super::{answer, batch};
use crate::clock::Clock;
use crate::hl7::Message;
use crate::hl7::acknowledgment::{Outcome, Refusal, is_acknowledgment};
use crate::journal::{
    Disposition, Duplicate, Journal, JournalError, MessageType, NewEntry, SearchKeys,
};
use crate::mllp::Turn;
use crate::route::Routes;

/// What all sources of an engine share.
#[derive(Clone)]
pub struct Surroundings {
    /// Where messages are kept.
    pub journal: Journal,
    /// The rules now in force.
    pub routes: Arc<ArcSwap<Routes>>,
    /// Time and control IDs.
    pub clock: Clock,
}

/// One source's way of receiving.
pub struct Receiver {
    name: Arc<str>,
    intake: ArcSwap<Intake>,
    around: Surroundings,
    arriving: Arriving,
    status: Arc<SourceStatus>,
}

/// Bytes that arrived, with what the wire said of them.
pub struct Arrival<'t> {
    /// The sender's address, if there is one.
    pub peer: Option<Arc<str>>,
    /// The bytes.
    pub body: Bytes,
    /// Another frame began inside this one: its end is lost.
    pub truncated: bool,
    /// Names of the oddities of its framing.
    pub warnings: Vec<Cow<'static, str>>,
    /// The right to be stored before the frames that came after it on the same connection; given up as soon as the message
    /// has its place in the journal's queue.
    pub turn: Option<Turn<'t>>,
}

impl Receiver {
    /// A receiver for the source `name`.
    #[must_use]
    pub fn new(name: Arc<str>, intake: Intake, around: Surroundings) -> Self {
        let status = Arc::new(SourceStatus::default());
        Self {
            name,
            intake: ArcSwap::from_pointee(intake),
            around,
            arriving: Arriving::default(),
            status,
        }
    }

    /// The source's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its counters.
    #[must_use]
    pub fn status(&self) -> &SourceStatus {
        &self.status
    }

    /// Puts other rules for what is taken into force, for messages from now on.
    pub fn set_intake(&self, intake: Intake) {
        self.intake.store(Arc::new(intake));
    }

    pub(super) fn intake(&self) -> Arc<Intake> {
        self.intake.load_full()
    }

    pub(super) const fn around(&self) -> &Surroundings {
        &self.around
    }

    /// Receives one frame and gives the frames to answer with, in order.
    pub async fn receive_frame(&self, arrival: Arrival<'_>) -> Vec<Bytes> {
        if batch::is_enveloped(&arrival.body) && !arrival.truncated {
            return batch::receive(self, arrival).await;
        }
        self.receive_one(arrival).await.replies
    }

    /// Receives every message of a file, in order, up to the first that cannot be stored.
    pub async fn receive_file(&self, bytes: Bytes) -> Vec<Verdict> {
        let received = batch::receive_each(self, None, bytes, Vec::new()).await;
        received.into_iter().map(|one| one.verdict).collect()
    }

    /// The recipe for one message.
    pub(super) async fn receive_one(&self, mut arrival: Arrival<'_>) -> Received {
        let intake = self.intake();
        let message = match Message::parse(arrival.body.clone()) {
            Ok(message) => message.with_default_charset(intake.charset),
            Err(error) => return self.unreadable(&intake, arrival, error.to_string()).await,
        };
        let odd = message
            .warnings()
            .iter()
            .map(|warning| Cow::Borrowed(warning.code.name()));
        arrival
            .warnings
            .extend(odd.chain(answer::oddities(&message, intake.mode)));
        if is_acknowledgment(&message) {
            return self.unmatched(&message, arrival).await;
        }
        let refusal = if arrival.truncated {
            Some(Refusal::Truncated)
        } else {
            let routes = self.around.routes.load();
            judge(&message, &intake)
                .or_else(|| answer::unrouted(&message, &intake, &routes, &self.name))
        };
        if let Some(refusal) = refusal {
            return self.refuse(&message, &intake, arrival, refusal).await;
        }
        self.accept(&message, &intake, arrival).await
    }

    async fn accept(
        &self,
        message: &Message,
        intake: &Intake,
        mut arrival: Arrival<'_>,
    ) -> Received {
        let keys = search_keys(message, &arrival.body);
        // Held until the message is where the next copy of it will be found.
        let mut _claim = None;
        if let (Some(dedup), false) = (&keys.dedup, intake.dedup.is_zero()) {
            _claim = Some(self.arriving.claim(dedup).await);
            match self.first_of(&keys, intake).await {
                Ok(Some(First::Same(replies))) => {
                    count(&self.status.duplicates);
                    return Received::accepted(replies);
                }
                Ok(Some(First::Other)) => arrival.warnings.push("reused_control_id".into()),
                Ok(None) => {}
                Err(error) => return self.not_stored(message, intake, &error),
            }
        }
        let replies = self.replies(message, intake, Outcome::Accept, None);
        let disposition = Disposition::Accepted;
        match self
            .store(Some(message), arrival, disposition, keys, &replies)
            .await
        {
            Ok(()) => {
                count(&self.status.accepted);
                Received::accepted(replies)
            }
            Err(error) => self.not_stored(message, intake, &error),
        }
    }

    /// Whether there was a message with this control ID before, and what it was answered if it was this one.
    async fn first_of(
        &self,
        keys: &SearchKeys,
        intake: &Intake,
    ) -> Result<Option<First>, JournalError> {
        let Some(dedup) = &keys.dedup else {
            return Ok(None);
        };
        let journal = &self.around.journal;
        let found = journal
            .duplicate(&self.name, dedup, keys.body_hash, intake.dedup)
            .await?;
        Ok(match found {
            Some(Duplicate {
                position,
                same_body: true,
            }) => Some(First::Same(
                journal.read(position).await?.acknowledgments.clone(),
            )),
            Some(_) => Some(First::Other),
            None => None,
        })
    }

    async fn refuse(
        &self,
        message: &Message,
        intake: &Intake,
        arrival: Arrival<'_>,
        refusal: Refusal,
    ) -> Received {
        count(&self.status.refused);
        let replies = self.replies(message, intake, refusal.outcome(), Some(refusal));
        let keys = search_keys(message, &arrival.body);
        let disposition = if refusal == Refusal::Truncated {
            Disposition::Damaged
        } else {
            Disposition::Refused(refusal.condition().code().parse().unwrap_or(207))
        };
        let stored = self
            .store(Some(message), arrival, disposition, keys, &replies)
            .await;
        self.evidence_lost(stored);
        Received {
            verdict: Verdict::Refused(refusal.text().to_owned()),
            outcome: refusal.outcome(),
            replies,
        }
    }

    async fn unreadable(&self, intake: &Intake, arrival: Arrival<'_>, reason: String) -> Received {
        count(&self.status.damaged);
        let refusal = if arrival.truncated {
            Refusal::Truncated
        } else {
            Refusal::Unreadable
        };
        let outcome = refusal.outcome();
        let clock = &self.around.clock;
        let replies = match batch::header_of(&arrival.body).filter(|_| arrival.truncated) {
            Some(header) => answer::to_batch(&header, intake, clock, outcome, refusal.text()),
            None => answer::to_unreadable(&arrival.body, intake, clock, outcome),
        };
        let keys = SearchKeys::default();
        let stored = self
            .store(None, arrival, Disposition::Damaged, keys, &replies)
            .await;
        self.evidence_lost(stored);
        Received {
            verdict: Verdict::Refused(reason),
            outcome,
            replies,
        }
    }

    /// An acknowledgment is never acknowledged (wire rule 5): that would be a loop.
    async fn unmatched(&self, message: &Message, arrival: Arrival<'_>) -> Received {
        count(&self.status.unmatched_acknowledgments);
        let keys = search_keys(message, &arrival.body);
        let disposition = if arrival.truncated {
            Disposition::Damaged
        } else {
            Disposition::UnmatchedAck
        };
        let stored = self
            .store(Some(message), arrival, disposition, keys, &[])
            .await;
        self.evidence_lost(stored);
        Received {
            verdict: Verdict::Refused("an acknowledgment that nobody waits for".to_owned()),
            outcome: Outcome::Reject,
            replies: Vec::new(),
        }
    }

    /// Answers a message of a batch in which one before it could not be stored: order would be lost if it were.
    pub(super) fn hold_back(&self, body: &Bytes) -> Received {
        count(&self.status.not_stored);
        let intake = self.intake();
        let outcome = Refusal::Storage.outcome();
        let replies = match Message::parse(body.clone()) {
            Ok(message) if is_acknowledgment(&message) => Vec::new(),
            Ok(message) => self.replies(&message, &intake, outcome, Some(Refusal::Storage)),
            Err(_) => answer::to_unreadable(body, &intake, &self.around.clock, outcome),
        };
        Received {
            verdict: Verdict::Unsafe,
            outcome,
            replies,
        }
    }

    fn not_stored(&self, message: &Message, intake: &Intake, error: &JournalError) -> Received {
        count(&self.status.not_stored);
        let refusal = match error {
            JournalError::DiskFloor { .. } => Refusal::DiskFloor,
            _ => Refusal::Storage,
        };
        let verdict = match error {
            // Trying again would not help.
            JournalError::TooLarge { .. } => Verdict::Refused(error.to_string()),
            _ => Verdict::Unsafe,
        };
        let replies = self.replies(message, intake, refusal.outcome(), Some(refusal));
        Received {
            verdict,
            outcome: refusal.outcome(),
            replies,
        }
    }

    fn replies(
        &self,
        message: &Message,
        intake: &Intake,
        outcome: Outcome,
        refusal: Option<Refusal>,
    ) -> Vec<Bytes> {
        answer::replies(message, intake, &self.around.clock, outcome, refusal)
    }

    /// A refused message is kept as evidence; where that fails, the refusal still holds, so it is only told.
    fn evidence_lost(&self, stored: Result<(), JournalError>) {
        if let Err(error) = stored {
            count(&self.status.not_stored);
            tracing::debug!(source = &*self.name, %error, "a refused message could not be kept");
        }
    }

    async fn store(
        &self,
        message: Option<&Message>,
        arrival: Arrival<'_>,
        disposition: Disposition,
        keys: SearchKeys,
        replies: &[Bytes],
    ) -> Result<(), JournalError> {
        let received = self.around.clock.now();
        self.status.saw(received);
        self.status.warned(arrival.warnings.len());
        let message_type = message.map_or_else(MessageType::default, |message| {
            let header = message.header();
            MessageType::new(header.message_code(), header.trigger_event())
        });
        let entry = NewEntry {
            source: Arc::clone(&self.name),
            received,
            peer: arrival.peer,
            disposition,
            acknowledgments: replies.to_vec(),
            warnings: arrival.warnings,
            message_type,
            keys,
            raw: arrival.body,
        };
        let append = self.around.journal.append(entry);
        match arrival.turn {
            Some(turn) => turn.until_waiting(append).await?,
            None => append.await?,
        };
        Ok(())
    }
}

/// What came before under the same control ID.
enum First {
    /// This very message, and it was answered so.
    Same(Vec<Bytes>),
    /// Another one.
    Other,
}
