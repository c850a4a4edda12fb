//! Records being gathered for one write.

use std::io::IoSlice;
use std::ops::Range;

use bytes::Bytes;

use super::JournalError;
use super::cipher::{Seal, TAG};
use super::record::{HEAD, Head, Kind, checksum, size_of_body};

/// Bodies from this size on are written from where they lie instead of being copied.
const VECTORED: usize = 8 << 10;

enum Part {
    Copied(Range<usize>),
    Borrowed(Bytes),
}

/// Records in the order of the log, ready to be written at one offset.
#[derive(Default)]
pub(crate) struct Batch {
    copied: Vec<u8>,
    parts: Vec<Part>,
    size: u64,
}

impl Batch {
    /// Bytes that the batch takes on disk.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn clear(&mut self) {
        self.copied.clear();
        self.parts.clear();
        self.size = 0;
        // One huge batch must not hold its memory for ever.
        self.copied.shrink_to(4 << 20);
    }

    /// Adds a record whose body is `pieces`, then `last`.
    pub(crate) fn put(
        &mut self,
        record: &New<'_>,
        pieces: &[&[u8]],
        last: &Bytes,
    ) -> Result<(), JournalError> {
        let plain = pieces.iter().map(|piece| piece.len()).sum::<usize>() + last.len();
        let len = plain + if record.seal.is_some() { TAG } else { 0 };
        let head = Head {
            kind: record.kind,
            sealed: record.seal.is_some(),
            len: u32::try_from(len).map_err(|_| JournalError::TooLarge {
                bytes: len,
                limit: super::record::LARGEST,
            })?,
            sequence: record.sequence,
            durable: record.durable,
        };
        let from = self.copied.len();
        let bytes = head.encode();
        self.copied.extend_from_slice(&bytes);
        self.copied.extend_from_slice(&[0; HEAD - 20]);
        for piece in pieces {
            self.copied.extend_from_slice(piece);
        }
        let borrow = record.seal.is_none() && last.len() >= VECTORED;
        if !borrow {
            self.copied.extend_from_slice(last);
        }
        let body = self.copied.get_mut(from + HEAD..).unwrap_or_default();
        if let Some(seal) = record.seal {
            let tag = seal.seal(&head, body).ok_or(JournalError::Closed)?;
            self.copied.extend_from_slice(&tag);
        }
        let body = self.copied.get(from + HEAD..).unwrap_or_default();
        let rest: &[u8] = if borrow { last } else { &[] };
        let crc = checksum(&bytes, record.id, [body, rest]).to_le_bytes();
        if let Some(place) = self.copied.get_mut(from + 20..from + HEAD) {
            place.copy_from_slice(&crc);
        }
        self.part(from);
        if borrow {
            self.parts.push(Part::Borrowed(last.clone()));
        }
        let size = size_of_body(len);
        let from = self.copied.len();
        self.copied.resize(from + size - HEAD - len, 0);
        self.part(from);
        self.size += size as u64;
        Ok(())
    }

    /// Takes what was copied since `from` into the parts.
    fn part(&mut self, from: usize) {
        let to = self.copied.len();
        match self.parts.last_mut() {
            _ if from == to => {}
            Some(Part::Copied(range)) if range.end == from => range.end = to,
            _ => self.parts.push(Part::Copied(from..to)),
        }
    }

    /// The whole, as the system takes it.
    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        let slices = self.parts.iter().map(|part| match part {
            Part::Copied(range) => self.copied.get(range.clone()).unwrap_or_default(),
            Part::Borrowed(bytes) => bytes,
        });
        slices.map(IoSlice::new).collect()
    }
}

/// What a new record's head needs.
pub(crate) struct New<'a> {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    pub(crate) durable: u32,
    pub(crate) id: &'a [u8; 16],
    pub(crate) seal: Option<&'a Seal>,
}
