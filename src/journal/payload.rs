//! The bodies of records: postcard for what is ours, the message's own bytes last so that they are never copied.
//!
//! An entry's body: ordinal `u64`, length of the description `u32`, the description, the raw message.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::{number32, number64};
use super::{
    Disposition, Entry, MessageType, NewEntry, Outcome, OutcomeKind, Position, SearchKeys,
};

/// Bytes before an entry's description.
pub(crate) const PREFIX: usize = 12;

#[derive(Serialize, Deserialize)]
struct Description<'a> {
    source: &'a str,
    received: i64,
    peer: Option<&'a str>,
    disposition: Disposition,
    #[serde(borrow)]
    acknowledgments: Vec<&'a [u8]>,
    warnings: Vec<&'a str>,
    message_type: MessageType,
    control_id: Option<&'a [u8]>,
    dedup: Option<&'a [u8]>,
    body_hash: u64,
    patient_ids: Vec<&'a [u8]>,
    visits: Vec<&'a [u8]>,
    orders: Vec<&'a [u8]>,
}

/// The description of `entry`.
pub(crate) fn describe(entry: &NewEntry) -> Vec<u8> {
    fn slices(list: &[Bytes]) -> Vec<&[u8]> {
        list.iter().map(|b| &**b).collect()
    }
    let description = Description {
        source: &entry.source,
        received: entry.received.as_microsecond(),
        peer: entry.peer.as_deref(),
        disposition: entry.disposition,
        acknowledgments: slices(&entry.acknowledgments),
        warnings: entry.warnings.iter().map(|w| &**w).collect(),
        message_type: entry.message_type,
        control_id: entry.keys.control_id.as_deref(),
        dedup: entry.keys.dedup.as_deref(),
        body_hash: entry.keys.body_hash,
        patient_ids: slices(&entry.keys.patient_ids),
        visits: slices(&entry.keys.visits),
        orders: slices(&entry.keys.orders),
    };
    let room = Vec::with_capacity(256);
    postcard::to_extend(&description, room).unwrap_or_default()
}

/// The entry in `body`; nothing if the body is none of ours.
pub(crate) fn entry(position: Position, body: &Bytes) -> Option<Entry> {
    let ordinal = number64(body, 0)?;
    let size = number32(body, 8)? as usize;
    let told: Description<'_> = postcard::from_bytes(body.get(PREFIX..PREFIX + size)?).ok()?;
    let cut = |part: &[u8]| body.slice_ref(part);
    let cuts = |parts: &[&[u8]]| parts.iter().map(|part| body.slice_ref(part)).collect();
    Some(Entry {
        position,
        ordinal,
        source: Arc::from(told.source),
        received: Timestamp::from_microsecond(told.received).ok()?,
        peer: told.peer.map(Arc::from),
        disposition: told.disposition,
        acknowledgments: cuts(&told.acknowledgments),
        warnings: told
            .warnings
            .iter()
            .map(|w| Cow::Owned((*w).to_owned()))
            .collect(),
        message_type: told.message_type,
        keys: SearchKeys {
            control_id: told.control_id.map(cut),
            dedup: told.dedup.map(cut),
            body_hash: told.body_hash,
            patient_ids: cuts(&told.patient_ids),
            visits: cuts(&told.visits),
            orders: cuts(&told.orders),
        },
        raw: body.slice(PREFIX + size..),
    })
}

/// The body of an outcome record.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) destination: Arc<str>,
    pub(crate) position: Position,
    pub(crate) ordinal: u64,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) what: What,
}

/// What a [`Note`] says.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum What {
    /// The entry is settled.
    Settled {
        kind: OutcomeKind,
        attempts: u32,
        code: Option<String>,
        reason: Option<String>,
        reply: Option<Vec<u8>>,
    },
    /// A person asked to send it again.
    Replay,
}

impl Note {
    pub(crate) fn settled(
        destination: Arc<str>,
        position: Position,
        ordinal: u64,
        outcome: Outcome,
    ) -> Self {
        let what = What::Settled {
            kind: outcome.kind,
            attempts: outcome.attempts,
            code: outcome.code,
            reason: outcome.reason,
            reply: outcome.reply.map(|reply| reply.to_vec()),
        };
        Self {
            destination,
            position,
            ordinal,
            at: outcome.at.as_microsecond(),
            what,
        }
    }

    /// The outcome, if it is one.
    pub(crate) fn outcome(self) -> Option<(Arc<str>, Outcome)> {
        let What::Settled {
            kind,
            attempts,
            code,
            reason,
            reply,
        } = self.what
        else {
            return None;
        };
        let at = Timestamp::from_microsecond(self.at).ok()?;
        let reply = reply.map(Bytes::from);
        Some((
            self.destination,
            Outcome {
                kind,
                at,
                attempts,
                code,
                reason,
                reply,
            },
        ))
    }
}

/// The body of a cursor record.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Cursor {
    /// A destination reads from this ordinal on, which lies after this position.
    Registered {
        destination: Arc<str>,
        from: u64,
        after: Position,
    },
    /// A destination is gone.
    Forgotten { destination: Arc<str> },
    /// No entries with these ordinals exist (any more).
    Gap { from: u64, to: u64 },
}
