//! A segment file: its name and its first 4096 bytes.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | `WARDWIRE` |
//! | 8 | 2 | format version |
//! | 10 | 2 | 1 if a data key follows |
//! | 12 | 4 | number |
//! | 16 | 16 | random ID |
//! | 32 | 8 | made at, microseconds since 1970 |
//! | 40 | 16 | ID of the segment file before |
//! | 56 | 72 | the data key, wrapped: nonce 24, key 32, tag 16 |
//! | 4092 | 4 | CRC-32C over all before |
//!
//! A new file is written under another name, synced, and only then renamed and used, so a bad head is always damage.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cipher::{Seal, Secret32, unwrap, wrap};
use super::record::{Record, Scanner, Step, number32, number64};
use super::{File, Files, JournalError};

/// Where the first record begins.
pub(crate) const FIRST: u32 = 4096;
/// The newest format this program reads and the one it writes.
pub(crate) const VERSION: u16 = 1;
const MAGIC: &[u8; 8] = b"WARDWIRE";

/// The segment file `number` in `dir`.
pub(crate) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}

/// The number in a segment file's name, if it is one.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".log")?;
    (digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// A segment file that was opened at least once.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) id: [u8; 16],
    pub(crate) previous: [u8; 16],
    pub(crate) path: PathBuf,
    /// How its bodies are sealed; none if they are plain or no key was given.
    pub(crate) seal: Option<Seal>,
}

impl Segment {
    /// Reads the head. Without `key` the bodies of a sealed segment stay closed.
    pub(crate) fn read(
        files: &dyn Files,
        dir: &Path,
        number: u32,
        key: Option<&Secret32>,
    ) -> Result<Self, JournalError> {
        let path = path(dir, number);
        let file = files
            .open(&path, false)
            .map_err(JournalError::io("open", &path))?;
        let mut head = vec![0; FIRST as usize];
        let count = file
            .read_at(&mut head, 0)
            .map_err(JournalError::io("read", &path))?;
        let damaged = || JournalError::Corrupt {
            file: path.clone(),
            offset: 0,
        };
        let (covered, crc) = head.split_last_chunk::<4>().ok_or_else(damaged)?;
        if count < FIRST as usize
            || !covered.starts_with(MAGIC)
            || crc32c::crc32c(covered) != u32::from_le_bytes(*crc)
        {
            return Err(damaged());
        }
        let two = |at| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
        let sixteen = |at| head.get(at..)?.first_chunk::<16>().copied();
        let version = two(8).ok_or_else(damaged)?;
        if version > VERSION {
            return Err(JournalError::NewerFormat {
                file: path,
                found: version,
                known: VERSION,
            });
        }
        if number32(&head, 12) != Some(number) {
            return Err(JournalError::SegmentMissing { file: path });
        }
        let id = sixteen(16).ok_or_else(damaged)?;
        let wrapped = (two(10) == Some(1))
            .then(|| head.get(56..)?.first_chunk::<72>().copied())
            .flatten();
        let seal = match (wrapped, key) {
            (Some(wrapped), Some(key)) => {
                let data = unwrap(key, &id, &wrapped)
                    .ok_or(JournalError::KeyWrong { file: path.clone() })?;
                Some(Seal::new(&data, id))
            }
            _ => None,
        };
        let _made = number64(&head, 32);
        let previous = sixteen(40).ok_or_else(damaged)?;
        Ok(Self {
            number,
            id,
            previous,
            path,
            seal,
        })
    }

    /// Makes the file with `runway` bytes of zeros after the head, synced, under its final name.
    pub(crate) fn make(
        files: &dyn Files,
        dir: &Path,
        number: u32,
        previous: [u8; 16],
        made: i64,
        runway: u64,
        key: Option<&Secret32>,
    ) -> Result<(Self, Arc<dyn File>), JournalError> {
        let path = path(dir, number);
        let making = path.with_extension("tmp");
        let (mut id, mut data) = ([0; 16], Secret32::new([0; 32]));
        fill(&mut id, &making)?;
        let (mut seal, mut wrapped) = (None, None);
        if let Some(key) = key {
            fill(data.bytes_mut(), &making)?;
            wrapped = Some(wrap(key, &id, &data, &making)?);
            seal = Some(Seal::new(&data, id));
        }
        let segment = Self {
            number,
            id,
            previous,
            path,
            seal,
        };
        let path = &segment.path;
        let head = head(&segment, made, wrapped.as_ref());
        if files.open(&making, false).is_ok() {
            files
                .unlink(&making)
                .map_err(JournalError::io("remove", &making))?;
        }
        if files.open(path, false).is_ok() {
            return Err(JournalError::io("make", path)(
                std::io::ErrorKind::AlreadyExists.into(),
            ));
        }
        let file = files
            .create(&making)
            .map_err(JournalError::io("create", &making))?;
        let write = || -> std::io::Result<()> {
            file.write_at(&mut [IoSlice::new(&head)], 0)?;
            let (mut at, end) = (u64::from(FIRST), u64::from(FIRST) + runway);
            // In pieces, so that the syncer of the file in use does not stand behind all of it.
            while at < end {
                let to = end.min(at + (4 << 20));
                write_zeros(&*file, at, to)?;
                file.sync_data()?;
                at = to;
            }
            files.rename(&making, path)?;
            files.sync_dir(dir)
        };
        write().map_err(JournalError::io("make", path))?;
        Ok((segment, file))
    }

    /// A walk over the records from `at`.
    pub(crate) fn scan(&self, files: &dyn Files, at: u64) -> Result<Scanner, JournalError> {
        let file = files
            .open(&self.path, false)
            .map_err(JournalError::io("open", &self.path))?;
        Scanner::new(file, self.id, at).map_err(JournalError::io("read", &self.path))
    }

    /// The next record of `scanner`, `None` where nothing was written.
    pub(crate) fn step(&self, scanner: &mut Scanner) -> Result<Option<Record>, JournalError> {
        match scanner
            .step()
            .map_err(JournalError::io("read", &self.path))?
        {
            Step::Record(record) => Ok(Some(self.unseal(record)?)),
            Step::Blank => Ok(None),
            Step::Bad => Err(self.corrupt(scanner.at)),
        }
    }

    /// The record with its body readable.
    pub(crate) fn unseal(&self, mut record: Record) -> Result<Record, JournalError> {
        if record.head.sealed {
            let seal = self.seal.as_ref().ok_or(JournalError::KeyMissing {
                file: self.path.clone(),
            })?;
            record.body = seal
                .open(&record.head, record.body)
                .ok_or_else(|| self.corrupt(record.at))?;
        }
        Ok(record)
    }

    /// Damage at `offset` of this file.
    pub(crate) fn corrupt(&self, offset: u64) -> JournalError {
        JournalError::Corrupt {
            file: self.path.clone(),
            offset,
        }
    }
}

/// The head of a segment file, with its data key if it is sealed.
pub(crate) fn head(segment: &Segment, made: i64, wrapped: Option<&[u8; 72]>) -> Vec<u8> {
    let mut head = vec![0; FIRST as usize - 4];
    let mut put = |at: usize, bytes: &[u8]| {
        head.iter_mut()
            .skip(at)
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
    };
    put(0, MAGIC);
    put(8, &VERSION.to_le_bytes());
    put(12, &segment.number.to_le_bytes());
    put(16, &segment.id);
    put(32, &made.to_le_bytes());
    put(40, &segment.previous);
    if let Some(wrapped) = wrapped {
        put(10, &1_u16.to_le_bytes());
        put(56, wrapped);
    }
    let crc = crc32c::crc32c(&head);
    head.extend_from_slice(&crc.to_le_bytes());
    head
}

fn fill(to: &mut [u8], path: &Path) -> Result<(), JournalError> {
    getrandom::fill(to).map_err(|_| {
        JournalError::io("find random bytes for", path)(std::io::ErrorKind::Other.into())
    })
}

/// Writes zeros over `from..to`.
pub(crate) fn write_zeros(file: &dyn File, from: u64, to: u64) -> std::io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut at = from;
    while at < to {
        let mut left = usize::try_from(to - at)
            .unwrap_or(usize::MAX)
            .min(ZEROS.len() * 64);
        let mut parts = Vec::with_capacity(64);
        while left > 0 {
            let part = ZEROS.get(..left.min(ZEROS.len())).unwrap_or_default();
            parts.push(IoSlice::new(part));
            left -= part.len();
            at += part.len() as u64;
        }
        let size: usize = parts.iter().map(|part| part.len()).sum();
        file.write_at(&mut parts, at - size as u64)?;
    }
    Ok(())
}
