//! Message → safe storage: the segmented log behind every positive acknowledgment.

mod archive;
mod cipher;
mod entry;
mod error;
mod files;
mod handle;
mod lane;
mod outcome;
mod position;
mod settings;
mod verify;

pub use archive::{Archive, Query, Row, Standing};
pub use cipher::Secret32;
pub use entry::{Disposition, Entry, MessageType, NewEntry, SearchKeys};
pub use error::JournalError;
pub use files::{DiskFiles, File, Files};
pub use handle::Journal;
pub use lane::{Lane, Next};
pub use outcome::{DestinationState, Duplicate, Outcome, OutcomeKind, Start};
pub use position::{Position, PositionError};
pub use settings::{Cut, JournalSettings, Opened};
pub use verify::{Fault, Report, Salvaged, SegmentReport, salvage, verify};
