//! What became of an entry at a destination, and where each destination stands.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Position;

/// How an entry ended at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OutcomeKind {
    /// The destination has it.
    Delivered,
    /// No route sends it there.
    Filtered,
    /// Set aside with its reason until a person replays or discards it.
    Parked,
    /// A person decided that it need not go there.
    Discarded,
}

impl OutcomeKind {
    /// The word operators see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Filtered => "filtered",
            Self::Parked => "parked",
            Self::Discarded => "discarded",
        }
    }
}

/// What became of an entry at a destination.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub kind: OutcomeKind,
    /// When.
    pub at: Timestamp,
    /// How often it was sent.
    pub attempts: u32,
    /// The acknowledgment code or status that decided, such as `AA` or `503`.
    pub code: Option<String>,
    /// Why, in words without content.
    pub reason: Option<String>,
    /// The partner's reply, raw.
    pub reply: Option<Bytes>,
}

impl Outcome {
    /// An outcome of `kind` with nothing more to say.
    #[must_use]
    pub fn new(kind: OutcomeKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            attempts: 0,
            code: None,
            reason: None,
            reply: None,
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reply = self.reply.as_ref().map_or(0, Bytes::len);
        write!(
            f,
            "Outcome({}, {} attempts, reply of {reply} bytes)",
            self.kind.as_str(),
            self.attempts
        )
    }
}

/// Where a new destination begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// With the next entry to arrive.
    Now,
    /// With the oldest entry still kept.
    Oldest,
}

/// Where a destination stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationState {
    /// The destination's name.
    pub name: String,
    /// The last entry of the unbroken run of settled ones; [`Position::ZERO`] before the first.
    pub done_to: Position,
    /// Accepted entries that have no outcome yet.
    pub backlog: u64,
    /// Entries set aside.
    pub parked: usize,
    /// Entries that a person asked to send again and that have not gone yet.
    pub replays: usize,
    /// When the oldest entry without an outcome was received, as far as known without reading the disk.
    pub oldest_waiting: Option<Timestamp>,
}

impl DestinationState {
    /// Whether anything is left to do there, by the engine or by a person.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.backlog > 0 || self.parked > 0 || self.replays > 0
    }
}

/// A re-sent message was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// The first one.
    pub position: Position,
    /// Whether the bytes are the same too; if not, somebody reused a control ID.
    pub same_body: bool,
}
