//! Message → safe storage: the segmented log behind every positive acknowledgment.
//!
//! # Promises
//! - [`Journal::append`] returns when the entry is on the disk. A failed write or sync ends the journal for good
//!   ([`JournalError::Poisoned`]): nothing is retried, nothing is guessed, a restart recovers.
//! - [`Journal::settle`] returns when the outcome is written; the disk has it with the next sync, 100 ms later at most.
//!   So a killed process may send at most the one message a destination had in flight twice, and a power cut those
//!   of the last 100 ms as well.
//! - Opening cuts off only the torn end of a write that nobody was told of. Damage is refused with its place
//!   ([`JournalError::Corrupt`]); [`verify()`] finds all of it, [`salvage()`] is an operator's decision.
//!
//! # On the disk
//! One folder, `<data>/journal`, mode 0700, files 0600:
//!
//! | file | what |
//! |---|---|
//! | `00000003.log` | a segment file: a head of 4096 bytes (`segment.rs`), then records (`record.rs`), then zeros |
//! | `00000003.idx` | its index (`sidecar.rs`): derived, may be deleted |
//! | `00000004.log` without records | the next one, made ahead |
//! | `durable` | how far the log was synced when the last engine ended: position `u64`, CRC-32C; not synced itself |
//! | `clock` | when the clock was last looked at, and until when it is doubted (`steady.rs`) |
//! | `index.key` | the secret of the index hashes: `0` and 32 bytes, or `1` and the same wrapped like a data key |
//! | `lock` | held by the engine; its process ID |
//! | `*.damaged` | what salvage took out, as it was |
//!
//! A [`Position`] is a segment number and a byte offset, so finding an entry is one read. Every start begins a new segment
//! file, every segment file begins with a checkpoint of the whole state (`state.rs`), and a file is begun only when all
//! before it is on the disk: recovery walks the last file alone (`recovery.rs`).
//!
//! | record | body |
//! |---|---|
//! | checkpoint | destinations, segment files, next ordinal (postcard) |
//! | entry | ordinal `u64`, length `u32` and postcard of the description, the raw message |
//! | outcome | destination, position, ordinal, time, and what: settled how, or to be replayed (postcard) |
//! | cursor | a destination registered or forgotten, or ordinals that do not exist (postcard) |
//! | retired | numbers of the segment files that go (postcard); they are unlinked once this is on the disk |
//! | close | empty: the engine stopped in order |
//! | skip | sequence of the next record `u64`, zeros: what salvage puts over damage |
//!
//! With a key, bodies are sealed (`cipher.rs`); checksums cover the sealed bytes, so checking needs no key.

mod archive;
mod batch;
mod cipher;
mod core;
mod effect;
mod entry;
mod error;
pub mod faults;
mod files;
mod finding;
mod folder;
mod fuzz;
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
mod sieve;
mod state;
mod steady;
mod syncer;
mod tail;
mod verify;
mod writer;

pub use archive::{Archive, Query, Row, Standing};
pub use cipher::Secret32;
pub use entry::{Disposition, Entry, MessageType, NewEntry, SearchKeys};
pub use error::JournalError;
pub use files::{DiskFiles, File, Files};
pub use folder::check_folder;
#[doc(hidden)]
pub use fuzz::fuzz_record;
pub use handle::Journal;
pub use lane::{Lane, Next};
pub use outcome::{DestinationState, Duplicate, Outcome, OutcomeKind, Start};
pub use position::{Position, PositionError};
pub use salvage::{Salvaged, salvage};
pub use settings::{Cut, JournalSettings, Opened};
pub use verify::{Fault, Report, SegmentReport, verify};

#[cfg(test)]
mod tests;
