//! Message → safe storage: the segmented log behind every positive acknowledgment.

mod archive;
mod batch;
mod cipher;
mod core;
mod entry;
mod error;
pub mod faults;
mod files;
mod finding;
mod folder;
mod handle;
mod index;
mod keeper;
mod lane;
mod opening;
mod outcome;
mod payload;
mod position;
mod reader;
mod record;
mod recovery;
mod retention;
mod salvage;
mod segment;
mod settings;
mod sidecar;
mod state;
mod syncer;
mod tail;
mod verify;
mod writer;

pub use archive::{Archive, Query, Row, Standing};
pub use cipher::Secret32;
pub use entry::{Disposition, Entry, MessageType, NewEntry, SearchKeys};
pub use error::JournalError;
pub use files::{DiskFiles, File, Files};
pub use handle::Journal;
pub use lane::{Lane, Next};
pub use outcome::{DestinationState, Duplicate, Outcome, OutcomeKind, Start};
pub use position::{Position, PositionError};
pub use salvage::{Salvaged, salvage};
pub use settings::{Cut, JournalSettings, Opened};
pub use verify::{Fault, Report, SegmentReport, verify};

#[cfg(test)]
mod tests;
