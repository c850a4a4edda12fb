//! What the journal is told at the start, and what it says of what it found.

use std::path::PathBuf;
use std::time::Duration;

use super::{Position, Secret32};

/// How the journal keeps its entries.
#[derive(Debug, Clone)]
pub struct JournalSettings {
    /// The journal's own folder, usually `<data>/journal`; made (mode 0700) if it is not there.
    pub dir: PathBuf,
    /// The size of a segment file in bytes; 32 MiB by default, at least 16 KiB. A larger entry gets a larger file.
    pub segment_bytes: u32,
    /// Below this much free disk space, in bytes, entries are refused; 256 MiB by default.
    pub disk_floor: u64,
    /// How long settled entries are kept; 30 days by default.
    pub keep_age: Duration,
    /// How many bytes of segment files are kept at most, as long as what is in them is settled; no limit by default.
    pub keep_bytes: Option<u64>,
    /// The key that seals what is written from now on; plain if none.
    pub key: Option<Secret32>,
}

impl JournalSettings {
    /// The defaults, in `dir`.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: 32 << 20,
            disk_floor: 256 << 20,
            keep_age: Duration::from_hours(30 * 24),
            keep_bytes: None,
            key: None,
        }
    }
}

/// What opening found, for the start screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Accepted entries held.
    pub entries: u64,
    /// Segment files.
    pub segments: usize,
    /// Bytes of entries, outcomes and the like in them.
    pub bytes: u64,
    /// Whether the engine had closed the journal in order.
    pub clean: bool,
    /// The unacknowledged end that was cut off, if there was one.
    pub cut: Option<Cut>,
    /// How long opening took.
    pub took: Duration,
}

/// The end of the log that had not been safely stored, hence never acknowledged, and was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Where.
    pub position: Position,
    /// How many bytes, up to the last that was not zero.
    pub bytes: u64,
}
