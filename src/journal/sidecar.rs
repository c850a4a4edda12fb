//! The index file of a finished segment, `00000003.idx`.
//!
//! | bytes | field |
//! |---|---|
//! | 8 | `WARDIDX2` |
//! | 16 | keyed hash of the segment file's ID |
//! | 4 × 4 | length of the names (postcard), number of rows, number of postings, length of the filter |
//! | … | names; rows of 24 bytes by offset; postings of 12 bytes by hash, then offset; filter of the dedup hashes (`sieve.rs`) |
//! | 4 | CRC-32C over all before |
//!
//! Derived: when it is missing or damaged it is made again from the records.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::index::{MemIndex, RowData};
use super::record::{number32, number64};
use super::sieve::Filter;
use super::{Disposition, Files, MessageType};

const MAGIC: &[u8; 8] = b"WARDIDX2";
const HEAD: usize = 40;
const ROW: usize = 24;
const POSTING: usize = 12;
/// How many postings are read at once around the place where a hash must be.
const NEAR: u64 = 512;

/// The sidecar of the segment file at `log`.
pub(crate) fn path(log: &Path) -> PathBuf {
    log.with_extension("idx")
}

/// An open sidecar: the small parts in memory, the rest read when asked.
#[derive(Debug)]
pub(crate) struct Sidecar {
    path: PathBuf,
    pub(crate) names: Vec<Arc<str>>,
    rows_at: u64,
    rows: u64,
    postings_at: u64,
    postings: u64,
}

/// Writes the sidecar of the segment at `log`.
pub(crate) fn write(
    files: &dyn Files,
    log: &Path,
    stamp: &[u8; 16],
    index: &MemIndex,
    filter: &Filter,
) -> io::Result<()> {
    let names: Vec<&str> = index.names.iter().map(|name| &**name).collect();
    let names = postcard::to_allocvec(&names).map_err(io::Error::other)?;
    let postings = index.postings();
    let mut out =
        Vec::with_capacity(HEAD + names.len() + index.rows.len() * ROW + postings.len() * POSTING);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(stamp);
    for count in [
        names.len(),
        index.rows.len(),
        postings.len(),
        filter.words().len() * 8,
    ] {
        out.extend_from_slice(
            &u32::try_from(count)
                .map_err(io::Error::other)?
                .to_le_bytes(),
        );
    }
    out.extend_from_slice(&names);
    for row in &index.rows {
        let (kind, condition) = match row.disposition {
            Disposition::Accepted => (0_u8, 0),
            Disposition::Refused(condition) => (1, condition),
            Disposition::UnmatchedAck => (2, 0),
            Disposition::Damaged => (3, 0),
        };
        out.extend_from_slice(&row.offset.to_le_bytes());
        out.extend_from_slice(&row.source.to_le_bytes());
        out.extend_from_slice(&row.received.to_le_bytes());
        out.extend_from_slice(&row.message_type.to_bytes());
        out.extend_from_slice(&condition.to_le_bytes());
        out.extend_from_slice(&[kind, 0]);
    }
    for (hash, offset) in postings {
        out.extend_from_slice(&hash.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
    }
    for word in filter.words() {
        out.extend_from_slice(&word.to_le_bytes());
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    let (made, making) = (path(log), log.with_extension("idx.tmp"));
    if files.open(&making, false).is_ok() {
        files.unlink(&making)?;
    }
    let file = files.create(&making)?;
    file.write_at(&mut [IoSlice::new(&out)], 0)?;
    files.rename(&making, &made)
}

impl Sidecar {
    /// Opens and checks the sidecar of the segment at `log`, and gives its filter; nothing if it is missing or not to be
    /// trusted.
    pub(crate) fn open(files: &dyn Files, log: &Path, stamp: &[u8; 16]) -> Option<(Self, Filter)> {
        let path = path(log);
        let file = files.open(&path, false).ok()?;
        let mut all = vec![0; usize::try_from(file.size().ok()?).ok()?];
        let read = file.read_at(&mut all, 0).ok()?;
        let (covered, crc) = all.get(..read)?.split_last_chunk::<4>()?;
        if !covered.starts_with(MAGIC)
            || covered.get(8..24) != Some(stamp)
            || crc32c::crc32c(covered) != u32::from_le_bytes(*crc)
        {
            return None;
        }
        let count = |at| number32(covered, at).map(u64::from);
        let (names, rows, postings) = (count(24)?, count(28)?, count(32)?);
        let rows_at = HEAD as u64 + names;
        let postings_at = rows_at + rows * ROW as u64;
        let filter_at = usize::try_from(postings_at + postings * POSTING as u64).ok()?;
        let names: Vec<Arc<str>> =
            postcard::from_bytes(covered.get(HEAD..usize::try_from(rows_at).ok()?)?).ok()?;
        let filter = covered
            .get(filter_at..)?
            .chunks_exact(8)
            .filter_map(|word| number64(word, 0))
            .collect();
        let sidecar = Self {
            path,
            names,
            rows_at,
            rows,
            postings_at,
            postings,
        };
        Some((sidecar, Filter::from_words(filter)?))
    }

    /// All rows, oldest first.
    pub(crate) fn rows(&self, files: &dyn Files) -> io::Result<Vec<RowData>> {
        let mut bytes = vec![0; usize::try_from(self.rows).unwrap_or(0) * ROW];
        let read = files
            .open(&self.path, false)?
            .read_at(&mut bytes, self.rows_at)?;
        Ok(bytes
            .get(..read)
            .unwrap_or_default()
            .chunks_exact(ROW)
            .filter_map(row)
            .collect())
    }

    /// The offsets posted under `hash`, newest first.
    pub(crate) fn lookup(&self, files: &dyn Files, hash: u64) -> io::Result<Vec<u32>> {
        if self.postings == 0 {
            return Ok(Vec::new());
        }
        let file = files.open(&self.path, false)?;
        // Hashes are evenly spread, so the place is known to within a few hundred postings.
        let guess = (u128::from(hash) * u128::from(self.postings)) >> 64;
        let guess = u64::try_from(guess).unwrap_or(0);
        let (mut from, mut to) = (
            guess.saturating_sub(NEAR),
            (guess + NEAR).min(self.postings),
        );
        loop {
            let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0) * POSTING];
            let read = file.read_at(&mut bytes, self.postings_at + from * POSTING as u64)?;
            let near = bytes.get(..read).unwrap_or_default();
            let all: Vec<(u64, u32)> = near
                .chunks_exact(POSTING)
                .filter_map(|posting| Some((number64(posting, 0)?, number32(posting, 8)?)))
                .collect();
            let below = from == 0 || all.first().is_some_and(|(first, _)| *first < hash);
            let above = to == self.postings || all.last().is_some_and(|(last, _)| *last > hash);
            if below && above {
                let found = all.iter().rev().filter(|(at, _)| *at == hash);
                return Ok(found.map(|(_, offset)| *offset).collect());
            }
            let width = (to - from) * 4;
            if !below {
                from = from.saturating_sub(width);
            }
            if !above {
                to = (to + width).min(self.postings);
            }
        }
    }
}

fn row(bytes: &[u8]) -> Option<RowData> {
    let condition = u16::from_le_bytes(*bytes.get(20..)?.first_chunk()?);
    Some(RowData {
        offset: number32(bytes, 0)?,
        source: u16::from_le_bytes(*bytes.get(4..)?.first_chunk()?),
        received: number64(bytes, 6)?.cast_signed(),
        message_type: MessageType::from_bytes(*bytes.get(14..)?.first_chunk()?),
        disposition: match bytes.get(22)? {
            0 => Disposition::Accepted,
            1 => Disposition::Refused(condition),
            2 => Disposition::UnmatchedAck,
            _ => Disposition::Damaged,
        },
    })
}
