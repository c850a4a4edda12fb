//! Whether the computer's clock may be believed when it says that messages are old.
//!
//! Removal by age trusts a clock that can be wrong by a century, and one message received meanwhile would make all
//! before it look ancient. So the file `clock` keeps when the clock was last looked at: a step of more than a day,
//! forwards or backwards, also over a restart, puts removal by age off until the clock has gone on for a day.
//! An engine that was off for days waits as well; that costs a day of disk space.

use std::io::{ErrorKind, IoSlice, Result};
use std::path::Path;

use super::{File, Files};

const DAY: i64 = 24 * 3600 * 1_000_000;
/// How often a clock that behaves is written down.
const HOUR: i64 = DAY / 24;

/// What is known of the clock; times in microseconds since 1970.
///
/// | offset | bytes | field of the file |
/// |---|---|---|
/// | 0 | 8 | last looked at |
/// | 8 | 8 | doubted until |
/// | 16 | 4 | CRC-32C |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steadiness {
    seen: i64,
    doubted_until: i64,
    /// `seen` as the file has it.
    kept: Option<i64>,
}

impl Steadiness {
    /// As it was left in `dir`. Where nothing is known, the newest entry tells what the clock said last.
    pub(crate) fn read(files: &dyn Files, dir: &Path, newest: Option<i64>, now: i64) -> Self {
        let mut bytes = [0; 20];
        let read = files
            .open(&dir.join("clock"), false)
            .and_then(|file| file.read_at(&mut bytes, 0));
        let known = read.ok().filter(|count| *count == bytes.len());
        known
            .and_then(|_| Self::decode(&bytes))
            .unwrap_or_else(|| Self {
                seen: newest.unwrap_or(now),
                doubted_until: i64::MIN,
                kept: None,
            })
    }

    /// Looks at the clock, which says `now`: whether its word on ages is to be taken.
    pub(crate) fn look(&mut self, now: i64) -> bool {
        if now.abs_diff(self.seen) > DAY.unsigned_abs() {
            self.doubted_until = now.saturating_add(DAY);
            self.kept = None;
        }
        self.seen = now;
        now >= self.doubted_until
    }

    /// Writes it down where that is due.
    pub(crate) fn keep(&mut self, files: &dyn Files, dir: &Path) -> Result<()> {
        if self
            .kept
            .is_some_and(|kept| self.seen.abs_diff(kept) < HOUR.unsigned_abs())
        {
            return Ok(());
        }
        let path = dir.join("clock");
        let file = match files.open(&path, true) {
            Err(error) if error.kind() == ErrorKind::NotFound => files.create(&path)?,
            other => other?,
        };
        write(&*file, &self.encode())?;
        self.kept = Some(self.seen);
        Ok(())
    }

    fn encode(&self) -> [u8; 20] {
        let mut out = [0; 20];
        let times = [self.seen.to_le_bytes(), self.doubted_until.to_le_bytes()].concat();
        let crc = crc32c::crc32c(&times).to_le_bytes();
        let bytes = times.into_iter().chain(crc);
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        out
    }

    fn decode(bytes: &[u8; 20]) -> Option<Self> {
        let (times, crc) = bytes.split_first_chunk::<16>()?;
        let (seen, doubted) = times.split_first_chunk::<8>()?;
        let seen = i64::from_le_bytes(*seen);
        (crc == crc32c::crc32c(times).to_le_bytes()).then_some(Self {
            seen,
            doubted_until: i64::from_le_bytes(*doubted.first_chunk()?),
            kept: Some(seen),
        })
    }
}

fn write(file: &dyn File, bytes: &[u8]) -> Result<()> {
    file.write_at(&mut [IoSlice::new(bytes)], 0)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::DiskFiles;

    fn new(seen: i64) -> Steadiness {
        let dir = tempfile::tempdir().unwrap();
        Steadiness::read(&DiskFiles, dir.path(), Some(seen), 0)
    }

    #[test]
    fn a_clock_that_goes_on_is_believed_and_one_that_jumped_only_after_a_day() {
        let mut clock = new(0);
        assert!(clock.look(HOUR) && clock.look(DAY));
        for jumped in [100 * 365 * DAY, -DAY, 7000 * 365 * DAY, i64::MIN, 40 * DAY] {
            assert!(!clock.look(jumped), "{jumped}");
            assert!(!clock.look(jumped.saturating_add(HOUR)), "{jumped}");
        }
        assert!(!clock.look(40 * DAY + HOUR) && clock.look(41 * DAY));
    }

    #[test]
    fn a_doubt_outlives_a_restart_and_a_damaged_file_knows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut clock = new(0);
        assert!(!clock.look(3 * DAY));
        clock.keep(&DiskFiles, dir.path()).unwrap();
        let again = |newest| Steadiness::read(&DiskFiles, dir.path(), Some(newest), 0);
        assert!(!again(3 * DAY).look(3 * DAY + HOUR));
        assert!(again(3 * DAY).look(4 * DAY));
        std::fs::write(dir.path().join("clock"), [7; 20]).unwrap();
        assert!(again(3 * DAY).look(3 * DAY + HOUR));
        assert!(!again(0).look(3 * DAY));
    }
}
