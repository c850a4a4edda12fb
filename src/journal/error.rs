//! What can go wrong with the journal, by who has to act: the operator, the environment, or us.

use std::io;
use std::path::PathBuf;

use super::Position;

/// Why the journal refused. None of these carries content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The journal was closed, or a thread of it is gone.
    #[error("the journal is closed")]
    Closed,
    /// Bytes that were once safely stored are damaged: nothing is guessed, an operator decides.
    #[error(
        "{} is damaged at offset {offset:#x}: run `wardwire journal verify`, then `wardwire journal salvage`", file.display()
    )]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where the damage begins, in bytes.
        offset: u64,
    },
    /// The disk is nearly full: entries are refused until space returns, outcomes are still taken.
    #[error("the disk is nearly full: fewer than {floor} bytes are free")]
    DiskFloor {
        /// The least free space in bytes below which no entry is taken.
        floor: u64,
    },
    /// Another engine has this journal open.
    #[error("another engine uses {} (process {})", dir.display(), pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string()))]
    InUse {
        /// The journal's folder.
        dir: PathBuf,
        /// The other engine's process ID if it left one.
        pid: Option<u32>,
    },
    /// An operation on a file failed outside of the commit path.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, in words.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The journal is encrypted and no key was given.
    #[error("{} is encrypted and no key is configured", file.display())]
    KeyMissing {
        /// The encrypted file.
        file: PathBuf,
    },
    /// The key given does not open this journal. Nothing was changed.
    #[error("the configured key does not open {}", file.display())]
    KeyWrong {
        /// The encrypted file.
        file: PathBuf,
    },
    /// Written by a newer wardwire. Nothing was changed.
    #[error("{} has format version {found}, this program knows up to {known}", file.display())]
    NewerFormat {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u16,
        /// The newest version known here.
        known: u16,
    },
    /// No entry lies at this position (never did, or retention removed it).
    #[error("there is no message {position}")]
    NotFound {
        /// What was asked for.
        position: Position,
    },
    /// The folder is not fit to hold patients' messages.
    #[error("{} {problem}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A write or a sync failed. What reached the disk is unknown, so nothing more is promised until a restart.
    #[error("the journal stopped after a failed {action}: restart the engine to recover")]
    Poisoned {
        /// The operation that failed.
        action: &'static str,
    },
    /// A segment file that must be there is missing or was swapped for another.
    #[error("segment file {} is missing or is not the one that belongs here", file.display())]
    SegmentMissing {
        /// The file.
        file: PathBuf,
    },
    /// The entry is larger than a segment file can ever be.
    #[error("an entry of {bytes} bytes is larger than the journal takes ({limit})")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The largest size in bytes.
        limit: usize,
    },
    /// No destination of this name is registered.
    #[error("the journal knows no destination {name}")]
    UnknownDestination {
        /// The name.
        name: String,
    },
}

impl JournalError {
    /// An [`JournalError::Io`] of `action` on `path`, for `map_err`.
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
