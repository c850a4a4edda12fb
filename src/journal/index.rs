//! Finding entries: rows by offset, and postings from keyed hashes to offsets, a set a segment file.
//!
//! The set of the segment in use is in memory; a finished segment's is in a sidecar file beside it, which is derived: it
//! can be deleted at any time and is made again. Values are never stored, only hashes under a random key.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::payload::Note;
use super::{Disposition, Entry, MessageType, Position, SearchKeys};

/// The kinds of values, so that a visit number does not find a patient.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tag {
    Control = b'C' as isize,
    Patient = b'P' as isize,
    Visit = b'V' as isize,
    Order = b'O' as isize,
    Dedup = b'D' as isize,
    /// Outcomes of the entry at a position.
    Outcome = b'R' as isize,
}

/// Every kind that the one search box looks under.
pub(crate) const SEARCHED: [Tag; 4] = [Tag::Control, Tag::Patient, Tag::Visit, Tag::Order];

/// The secret under which values are hashed.
#[derive(Clone)]
pub(crate) struct IndexKey(pub(crate) super::Secret32);

impl IndexKey {
    pub(crate) fn hash(&self, tag: Tag, parts: &[&[u8]]) -> u64 {
        // One small buffer and one call: setting up an incremental hasher costs more than hashing these few bytes.
        let mut all = Vec::with_capacity(64);
        all.push(tag as u8);
        for part in parts {
            all.extend_from_slice(part);
        }
        let bytes = *blake3::keyed_hash(self.0.bytes(), &all).as_bytes();
        bytes
            .first_chunk()
            .map_or(0, |first| u64::from_le_bytes(*first))
    }

    /// Where the outcomes of an entry are posted. Positions are no secret, so this is no keyed hash.
    pub(crate) fn of_outcome(position: Position) -> u64 {
        // The finisher of splitmix64: spreads near positions over the table.
        let mut x = position.to_u64() ^ Tag::Outcome as u64;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// What binds a sidecar to its segment and to this key.
    pub(crate) fn stamp(&self, id: &[u8; 16]) -> [u8; 16] {
        let hash = *blake3::keyed_hash(self.0.bytes(), id).as_bytes();
        hash.first_chunk().copied().unwrap_or_default()
    }

    pub(crate) fn of_dedup(&self, source: &str, dedup: &[u8]) -> u64 {
        self.hash(Tag::Dedup, &[source.as_bytes(), &[0], dedup])
    }

    /// The hashes of all that an entry is found by; the dedup hash, if any, apart.
    pub(crate) fn of_entry(&self, source: &str, accepted: bool, keys: &SearchKeys) -> Hashes {
        let lists = [
            (Tag::Patient, &keys.patient_ids),
            (Tag::Visit, &keys.visits),
            (Tag::Order, &keys.orders),
        ];
        let control = keys
            .control_id
            .iter()
            .map(|id| self.hash(Tag::Control, &[id]));
        let lists = lists
            .into_iter()
            .flat_map(|(tag, list)| list.iter().map(move |value| (tag, value)));
        let found = control
            .chain(lists.map(|(tag, value)| self.hash(tag, &[value])))
            .collect();
        let dedup = keys
            .dedup
            .as_ref()
            .filter(|_| accepted)
            .map(|dedup| self.of_dedup(source, dedup));
        Hashes { found, dedup }
    }
}

/// What an entry is posted under.
pub(crate) struct Hashes {
    pub(crate) found: Vec<u64>,
    pub(crate) dedup: Option<u64>,
}

/// What a list shows of an entry without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowData {
    pub(crate) offset: u32,
    /// Index into the names.
    pub(crate) source: u16,
    pub(crate) received: i64,
    pub(crate) message_type: MessageType,
    pub(crate) disposition: Disposition,
}

/// The hashes are random already.
#[derive(Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .first_chunk()
            .map_or(0, |first| u64::from_le_bytes(*first));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The index of one segment, in memory.
#[derive(Default)]
pub(crate) struct MemIndex {
    pub(crate) rows: Vec<RowData>,
    pub(crate) names: Vec<Arc<str>>,
    /// Hash → the place of its newest posting in `chain`, plus one.
    heads: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    /// Offset, and the place (plus one) of the posting before with the same hash.
    chain: Vec<(u32, u32)>,
    /// Dedup hashes, for the filter in the sidecar.
    pub(crate) dedups: Vec<u64>,
}

impl MemIndex {
    fn post(&mut self, hash: u64, offset: u32) {
        let next = u32::try_from(self.chain.len() + 1).unwrap_or(u32::MAX);
        let before = self.heads.insert(hash, next).unwrap_or(0);
        self.chain.push((offset, before));
    }

    /// Takes an entry in.
    pub(crate) fn entry(&mut self, entry: &Entry, hashes: &Hashes) {
        let offset = entry.position.offset();
        let known = self.names.iter().position(|name| *name == entry.source);
        let source = known.unwrap_or_else(|| {
            self.names.push(Arc::clone(&entry.source));
            self.names.len() - 1
        });
        self.rows.push(RowData {
            offset,
            source: u16::try_from(source).unwrap_or(u16::MAX),
            received: entry.received.as_microsecond(),
            message_type: entry.message_type,
            disposition: entry.disposition,
        });
        for hash in &hashes.found {
            self.post(*hash, offset);
        }
        if let Some(dedup) = hashes.dedup {
            self.post(dedup, offset);
            self.dedups.push(dedup);
        }
    }

    /// Takes an outcome record at `offset` in.
    pub(crate) fn note(&mut self, note: &Note, offset: u32) {
        self.post(IndexKey::of_outcome(note.position), offset);
    }

    /// The offsets posted under `hash`, newest first.
    pub(crate) fn lookup(&self, hash: u64) -> Vec<u32> {
        let mut found = Vec::new();
        let mut place = self.heads.get(&hash).copied().unwrap_or(0);
        while let Some((offset, before)) = (place as usize)
            .checked_sub(1)
            .and_then(|place| self.chain.get(place))
        {
            found.push(*offset);
            place = *before;
        }
        found
    }

    /// All postings, by hash, then offset.
    pub(crate) fn postings(&self) -> Vec<(u64, u32)> {
        #[expect(clippy::iter_over_hash_type, reason = "sorted below")]
        let mut all: Vec<_> = {
            let mut all = Vec::with_capacity(self.chain.len());
            for hash in self.heads.keys() {
                all.extend(self.lookup(*hash).into_iter().map(|offset| (*hash, offset)));
            }
            all
        };
        all.sort_unstable();
        all
    }
}
