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
use jiff::tz::TimeZone;

use super::batch;
use super::intake::{Intake, Unrouted};
use super::judge::judge;
use super::keys::search_keys;
use super::status::{SourceStatus, count};
use crate::clock::Clock;
use crate::hl7::Message;
use crate::hl7::acknowledgment::{
    self, Code, Fault, Mode, Outcome, Refusal, Reply, Requested, is_acknowledgment, requested,
};
use crate::journal::{Disposition, Journal, JournalError, MessageType, NewEntry, SearchKeys};
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
    /// The zone of the times that we write.
    pub zone: TimeZone,
    /// Our name in MSH-3, where we originate a message.
    pub application: Arc<str>,
}

/// One source's way of receiving.
pub struct Receiver {
    name: Arc<str>,
    intake: ArcSwap<Intake>,
    around: Surroundings,
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

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Durable, or known already.
    Accepted,
    /// Refused for good; the reason, without content.
    Refused(String),
    /// It could not be stored: nothing is known of it here, and the sender must try again.
    Unsafe,
}

/// What became of one message, and what its sender is told.
pub(super) struct Received {
    pub(super) verdict: Verdict,
    pub(super) replies: Vec<Bytes>,
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

    /// Receives every message of a file, in order.
    pub async fn receive_file(&self, bytes: Bytes) -> Vec<Verdict> {
        let received = batch::receive_each(self, None, bytes).await;
        received.into_iter().map(|one| one.verdict).collect()
    }

    /// The recipe for one message.
    pub(super) async fn receive_one(&self, mut arrival: Arrival<'_>) -> Received {
        let intake = self.intake();
        let message = match Message::parse(arrival.body.clone()) {
            Ok(message) => message.with_default_charset(intake.charset),
            Err(error) => return self.unreadable(arrival, &error.to_string()).await,
        };
        let odd = message
            .warnings()
            .iter()
            .map(|warning| Cow::Borrowed(warning.code.name()));
        arrival.warnings.extend(odd);
        if is_acknowledgment(&message) {
            return self.unmatched(&message, arrival).await;
        }
        let refusal = if arrival.truncated {
            Some(Refusal::Truncated)
        } else {
            judge(&message, &intake).or_else(|| self.unrouted(&message, &intake))
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
        if let (Some(dedup), false) = (&keys.dedup, intake.dedup.is_zero()) {
            let journal = &self.around.journal;
            match journal
                .duplicate(&self.name, dedup, keys.body_hash, intake.dedup)
                .await
            {
                Ok(Some(first)) if first.same_body => match journal.read(first.position).await {
                    Ok(entry) => {
                        count(&self.status.duplicates);
                        let replies = entry.acknowledgments.clone();
                        return Received {
                            verdict: Verdict::Accepted,
                            replies,
                        };
                    }
                    Err(error) => return self.not_stored(message, intake, &error),
                },
                Ok(Some(_)) => arrival.warnings.push("reused_control_id".into()),
                Ok(None) => {}
                Err(error) => return self.not_stored(message, intake, &error),
            }
        }
        let replies = self.replies(message, intake.mode, Outcome::Accept, None);
        match self
            .store(
                Some(message),
                arrival,
                Disposition::Accepted,
                keys,
                &replies,
            )
            .await
        {
            Ok(()) => {
                count(&self.status.accepted);
                Received {
                    verdict: Verdict::Accepted,
                    replies,
                }
            }
            Err(error) => self.not_stored(message, intake, &error),
        }
    }

    async fn refuse(
        &self,
        message: &Message,
        intake: &Intake,
        arrival: Arrival<'_>,
        refusal: Refusal,
    ) -> Received {
        count(&self.status.refused);
        let replies = self.replies(message, intake.mode, refusal.outcome(), Some(refusal));
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
            replies,
        }
    }

    async fn unreadable(&self, arrival: Arrival<'_>, reason: &str) -> Received {
        count(&self.status.damaged);
        let around = &self.around;
        let id = around.clock.control_id();
        let at = around.clock.now().to_zoned(around.zone.clone());
        let nak = acknowledgment::build_unreadable(&arrival.body, &around.application, &id, &at);
        let replies = if self.intake().mode == Mode::None {
            Vec::new()
        } else {
            vec![nak]
        };
        let keys = SearchKeys::default();
        let stored = self
            .store(None, arrival, Disposition::Damaged, keys, &replies)
            .await;
        self.evidence_lost(stored);
        Received {
            verdict: Verdict::Refused(reason.to_owned()),
            replies,
        }
    }

    /// An acknowledgment is never acknowledged (wire rule 5): that would be a loop.
    async fn unmatched(&self, message: &Message, arrival: Arrival<'_>) -> Received {
        count(&self.status.unmatched_acknowledgments);
        let keys = search_keys(message, &arrival.body);
        let disposition = Disposition::UnmatchedAck;
        let stored = self
            .store(Some(message), arrival, disposition, keys, &[])
            .await;
        self.evidence_lost(stored);
        let verdict = Verdict::Refused("an acknowledgment that nobody waits for".to_owned());
        Received {
            verdict,
            replies: Vec::new(),
        }
    }

    fn unrouted(&self, message: &Message, intake: &Intake) -> Option<Refusal> {
        unrouted(message, intake, &self.around.routes.load(), &self.name)
    }

    fn not_stored(&self, message: &Message, intake: &Intake, error: &JournalError) -> Received {
        count(&self.status.not_stored);
        let refusal = match error {
            JournalError::DiskFloor { .. } => Refusal::DiskFloor,
            _ => Refusal::Storage,
        };
        let replies = self.replies(message, intake.mode, refusal.outcome(), Some(refusal));
        Received {
            verdict: Verdict::Unsafe,
            replies,
        }
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

    /// The acknowledgments that the sender asks for, if any.
    fn replies(
        &self,
        message: &Message,
        mode: Mode,
        outcome: Outcome,
        refusal: Option<Refusal>,
    ) -> Vec<Bytes> {
        let wanted = due(message, mode, outcome);
        let at = self.around.clock.now().to_zoned(self.around.zone.clone());
        let faults: Vec<Fault> = refusal.into_iter().map(Fault::from).collect();
        let build = |code| {
            let control_id = self.around.clock.control_id();
            let text = refusal.map_or("", Refusal::text);
            let reply = Reply {
                code,
                text,
                faults: &faults,
                control_id: &control_id,
                at: &at,
            };
            acknowledgment::build(message, &reply)
        };
        [wanted.accept, wanted.application]
            .into_iter()
            .flatten()
            .map(build)
            .collect()
    }
}

/// The codes with which a source with this intake would answer `raw`, if the journal takes it: for trying configurations.
#[must_use]
pub fn codes_for(raw: &Bytes, intake: &Intake, routes: &Routes, source: &str) -> Vec<Code> {
    let Ok(message) = Message::parse(raw.clone()) else {
        let rejected = Code::application(Refusal::Unreadable.outcome());
        return if intake.mode == Mode::None {
            Vec::new()
        } else {
            vec![rejected]
        };
    };
    let message = message.with_default_charset(intake.charset);
    if is_acknowledgment(&message) {
        return Vec::new();
    }
    let refusal = judge(&message, intake).or_else(|| unrouted(&message, intake, routes, source));
    let wanted = due(
        &message,
        intake.mode,
        refusal.map_or(Outcome::Accept, Refusal::outcome),
    );
    [wanted.accept, wanted.application]
        .into_iter()
        .flatten()
        .collect()
}

fn unrouted(message: &Message, intake: &Intake, routes: &Routes, source: &str) -> Option<Refusal> {
    let rejects = intake.unrouted == Unrouted::Reject;
    (rejects && routes.destinations(source, message).is_empty()).then_some(Refusal::Filtered)
}

fn due(message: &Message, mode: Mode, outcome: Outcome) -> Requested {
    let header = message.header();
    let (msh15, msh16) = (
        header.accept_acknowledgment_type(),
        header.application_acknowledgment_type(),
    );
    requested(msh15, msh16, mode, outcome)
}
