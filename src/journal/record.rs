//! One record of the log: the bytes, the checksum that binds them to their segment file, and the walk over them.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 2 | magic `WR` |
//! | 2 | 1 | kind |
//! | 3 | 1 | flags: bit 0 = the body is sealed |
//! | 4 | 4 | length of the body |
//! | 8 | 8 | sequence: one more than the record before, over all segment files |
//! | 16 | 4 | durable: up to where this file was known to be on the disk when the record was made |
//! | 20 | 4 | CRC-32C over bytes 0..20, the segment's ID and the body as stored |
//! | 24 | n | body; zeros follow up to a multiple of 8 |
//!
//! Numbers are little-endian. The segment's ID in the checksum keeps bytes of another file from ever looking valid.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::File;

/// Bytes before the body.
pub(crate) const HEAD: usize = 24;
/// The largest body in bytes.
pub(crate) const LARGEST: usize = 1 << 30;
const MAGIC: [u8; 2] = *b"WR";
/// How much is read at a time.
const CHUNK: usize = 256 << 10;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The whole state; the first record of every segment file.
    Checkpoint = 1,
    /// A received message.
    Entry = 2,
    /// What became of one at a destination.
    Outcome = 3,
    /// A destination came, went or jumped.
    Cursor = 4,
    /// Segment files that retention removes.
    Retired = 5,
    /// The engine stopped in order.
    Close = 6,
    /// What salvage put over damage; its body begins with the sequence of the next record.
    Skip = 7,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Checkpoint,
            2 => Self::Entry,
            3 => Self::Outcome,
            4 => Self::Cursor,
            5 => Self::Retired,
            6 => Self::Close,
            7 => Self::Skip,
            _ => return None,
        })
    }
}

/// A record's head, without its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) sealed: bool,
    pub(crate) len: u32,
    pub(crate) sequence: u64,
    pub(crate) durable: u32,
}

impl Head {
    /// Bytes 0..20: what the checksum covers first, and what sealing authenticates.
    pub(crate) fn encode(&self) -> [u8; 20] {
        let mut out = [0; 20];
        let fields = MAGIC
            .into_iter()
            .chain([self.kind as u8, u8::from(self.sealed)])
            .chain(self.len.to_le_bytes())
            .chain(self.sequence.to_le_bytes())
            .chain(self.durable.to_le_bytes());
        out.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        out
    }

    fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let [m0, m1, kind, flags, rest @ ..] = bytes.first_chunk::<HEAD>()?;
        if [*m0, *m1] != MAGIC || *flags > 1 {
            return None;
        }
        let head = Self {
            kind: Kind::of(*kind)?,
            sealed: *flags == 1,
            len: number32(rest, 0)?,
            sequence: number64(rest, 4)?,
            durable: number32(rest, 12)?,
        };
        Some((head, number32(rest, 16)?))
    }

    /// Bytes that the record takes on disk.
    pub(crate) fn size(&self) -> u64 {
        size_of_body(self.len as usize) as u64
    }
}

/// Bytes that a record with a body of `len` bytes takes on disk.
pub(crate) fn size_of_body(len: usize) -> usize {
    (HEAD + len).next_multiple_of(8)
}

/// The checksum of a record.
pub(crate) fn checksum<'a>(
    head: &[u8; 20],
    id: &[u8; 16],
    body: impl IntoIterator<Item = &'a [u8]>,
) -> u32 {
    let start = crc32c::crc32c_append(crc32c::crc32c(head), id);
    body.into_iter().fold(start, crc32c::crc32c_append)
}

/// The `u32` at `at`.
pub(crate) fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The `u64` at `at`.
pub(crate) fn number64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A valid record as stored.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) at: u64,
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Record({:?} at {:#x}, {} bytes)",
            self.head.kind,
            self.at,
            self.body.len()
        )
    }
}

/// What the walk found.
#[derive(Debug)]
pub(crate) enum Step {
    /// A valid record.
    Record(Record),
    /// Zeros or the end of the file: nothing was written here.
    Blank,
    /// Bytes that are no valid record.
    Bad,
}

/// The walk over one segment file.
pub(crate) struct Scanner {
    file: Arc<dyn File>,
    id: [u8; 16],
    size: u64,
    /// Where the next record begins.
    pub(crate) at: u64,
    chunk: Bytes,
    chunk_at: u64,
}

impl Scanner {
    pub(crate) fn new(file: Arc<dyn File>, id: [u8; 16], at: u64) -> io::Result<Self> {
        let size = file.size()?;
        Ok(Self {
            file,
            id,
            size,
            at,
            chunk: Bytes::new(),
            chunk_at: 0,
        })
    }

    /// `len` bytes at `at`, fewer at the end of the file.
    fn bytes(&mut self, at: u64, len: usize) -> io::Result<Bytes> {
        let inside = |chunk: &Bytes, chunk_at: u64| {
            let from = usize::try_from(at.checked_sub(chunk_at)?).ok()?;
            (from + len <= chunk.len()).then(|| chunk.slice(from..from + len))
        };
        if let Some(found) = inside(&self.chunk, self.chunk_at) {
            return Ok(found);
        }
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut chunk = BytesMut::zeroed(len.max(CHUNK).min(left));
        let count = self.file.read_at(&mut chunk, at)?;
        chunk.truncate(count);
        (self.chunk, self.chunk_at) = (chunk.freeze(), at);
        Ok(self.chunk.slice(..len.min(count)))
    }

    /// The record at the walk's place; moves on only over a valid one.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        let at = self.at;
        let head_bytes = self.bytes(at, HEAD)?;
        if head_bytes.iter().all(|b| *b == 0) {
            return Ok(Step::Blank);
        }
        let Some((head, crc)) = Head::decode(&head_bytes) else {
            return Ok(Step::Bad);
        };
        if head.len as usize > LARGEST || at + HEAD as u64 + u64::from(head.len) > self.size {
            return Ok(Step::Bad);
        }
        let body = self.bytes(at + HEAD as u64, head.len as usize)?;
        if body.len() != head.len as usize || checksum(&head.encode(), &self.id, [&*body]) != crc {
            return Ok(Step::Bad);
        }
        self.at = at + head.size();
        Ok(Step::Record(Record { at, head, body }))
    }

    /// Goes to the next valid record at or after the walk's place, over whatever lies between.
    pub(crate) fn seek_valid(&mut self) -> io::Result<Option<Record>> {
        while self.at + HEAD as u64 <= self.size {
            let look = self.bytes(self.at, HEAD)?;
            if look.starts_with(&MAGIC)
                && let Step::Record(record) = self.step()?
            {
                return Ok(Some(record));
            }
            self.at = (self.at + 8) & !7;
        }
        Ok(None)
    }

    /// The offset after the last byte that is not zero, at or after the walk's place; the place itself if all are zero.
    pub(crate) fn last_used(&mut self) -> io::Result<u64> {
        let (mut at, mut last) = (self.at, self.at);
        while at < self.size {
            let chunk = self.bytes(
                at,
                usize::try_from(self.size - at).unwrap_or(CHUNK).min(CHUNK),
            )?;
            if let Some(place) = chunk.iter().rposition(|b| *b != 0) {
                last = at + place as u64 + 1;
            }
            if chunk.is_empty() {
                break;
            }
            at += chunk.len() as u64;
        }
        Ok(last)
    }
}
