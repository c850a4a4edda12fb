//! A received message as the journal keeps it: raw, with where and when it came and what we answered.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Position;

/// What we made of a message on arrival. Only accepted entries reach the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Disposition {
    /// Taken over: it goes to the destinations.
    Accepted,
    /// Refused with this error condition (table 0357, as in ERR-3); kept as evidence, delivered nowhere.
    Refused(u16),
    /// An acknowledgment that nobody waited for.
    UnmatchedAck,
    /// No HL7 message could be made of the bytes.
    Damaged,
}

/// Message code and trigger event (MSH-9.1, MSH-9.2), three characters each, safe to print.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageType {
    code: [u8; 3],
    trigger: [u8; 3],
}

impl MessageType {
    /// Takes the first three characters of each; what is neither an ASCII letter nor a digit becomes `?`.
    #[must_use]
    pub fn new(code: &[u8], trigger: &[u8]) -> Self {
        Self {
            code: sanitised(code),
            trigger: sanitised(trigger),
        }
    }

    /// The message code, such as `ADT`; empty if there was none.
    #[must_use]
    pub fn code(&self) -> &str {
        shown(&self.code)
    }

    /// The trigger event, such as `A01`; empty if there was none.
    #[must_use]
    pub fn trigger(&self) -> &str {
        shown(&self.trigger)
    }

    pub(crate) fn to_bytes(self) -> [u8; 6] {
        let mut out = [0; 6];
        let both = self.code.into_iter().chain(self.trigger);
        out.iter_mut().zip(both).for_each(|(to, from)| *to = from);
        out
    }

    pub(crate) fn from_bytes(bytes: [u8; 6]) -> Self {
        let (code, trigger) = bytes.split_at(3);
        Self::new(code, trigger)
    }
}

fn sanitised(text: &[u8]) -> [u8; 3] {
    let mut out = [0; 3];
    for (to, from) in out.iter_mut().zip(text.iter().take_while(|b| **b != 0)) {
        *to = if from.is_ascii_alphanumeric() {
            *from
        } else {
            b'?'
        };
    }
    out
}

fn shown(text: &[u8; 3]) -> &str {
    let end = text.iter().position(|b| *b == 0).unwrap_or(3);
    text.get(..end)
        .and_then(|t| std::str::from_utf8(t).ok())
        .unwrap_or_default()
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())?;
        if self.trigger().is_empty() {
            Ok(())
        } else {
            write!(f, "^{}", self.trigger())
        }
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an entry can be found by. The values stay inside the entry; the index holds keyed hashes of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SearchKeys {
    /// MSH-10.
    pub control_id: Option<Bytes>,
    /// What makes a re-sent message the same one (the caller decides: usually MSH-3, MSH-4 and MSH-10).
    pub dedup: Option<Bytes>,
    /// A hash of the whole message, to tell a re-send from a reused control ID.
    pub body_hash: u64,
    /// Patient identifiers (PID-3.1 and the like).
    pub patient_ids: Vec<Bytes>,
    /// Visit numbers (PV1-19.1).
    pub visits: Vec<Bytes>,
    /// Placer and filler order numbers.
    pub orders: Vec<Bytes>,
}

impl fmt::Debug for SearchKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = usize::from(self.control_id.is_some())
            + self.patient_ids.len()
            + self.visits.len()
            + self.orders.len();
        write!(f, "SearchKeys({count} values)")
    }
}

/// A message to be journaled.
#[derive(Clone)]
pub struct NewEntry {
    /// The source's name in the configuration.
    pub source: Arc<str>,
    /// When the whole message was here.
    pub received: Timestamp,
    /// The sender's address, as text.
    pub peer: Option<Arc<str>>,
    /// What we made of it.
    pub disposition: Disposition,
    /// The acknowledgments that will be answered, in order; usually one.
    pub acknowledgments: Vec<Bytes>,
    /// Stable codes of what was odd about it; never content.
    pub warnings: Vec<Cow<'static, str>>,
    /// MSH-9.1 and MSH-9.2.
    pub message_type: MessageType,
    /// What it can be found by.
    pub keys: SearchKeys,
    /// The bytes as they came.
    pub raw: Bytes,
}

impl fmt::Debug for NewEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NewEntry({}, {} bytes from {})",
            self.message_type,
            self.raw.len(),
            self.source
        )
    }
}

/// A message in the journal.
#[derive(Clone)]
pub struct Entry {
    /// Where it lies: its message ID.
    pub position: Position,
    /// How many accepted entries came before it, since the journal was made.
    pub ordinal: u64,
    /// The source's name in the configuration.
    pub source: Arc<str>,
    /// When the whole message was here, to the microsecond.
    pub received: Timestamp,
    /// The sender's address, as text.
    pub peer: Option<Arc<str>>,
    /// What we made of it.
    pub disposition: Disposition,
    /// The acknowledgments that were answered, in order.
    pub acknowledgments: Vec<Bytes>,
    /// Stable codes of what was odd about it.
    pub warnings: Vec<Cow<'static, str>>,
    /// MSH-9.1 and MSH-9.2.
    pub message_type: MessageType,
    /// What it can be found by.
    pub keys: SearchKeys,
    /// The bytes as they came.
    pub raw: Bytes,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Entry({}, {}, {} bytes from {})",
            self.position,
            self.message_type,
            self.raw.len(),
            self.source
        )
    }
}

impl Entry {
    /// The entry that `new` becomes at `position`.
    pub(crate) fn at(position: Position, ordinal: u64, new: NewEntry) -> Self {
        Self {
            position,
            ordinal,
            source: new.source,
            received: new.received,
            peer: new.peer,
            disposition: new.disposition,
            acknowledgments: new.acknowledgments,
            warnings: new.warnings,
            message_type: new.message_type,
            keys: new.keys,
            raw: new.raw,
        }
    }
}
