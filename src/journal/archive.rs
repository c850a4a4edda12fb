//! Reading the journal from outside of the engine, also while it runs.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    DestinationState, Disposition, Entry, JournalError, MessageType, Outcome, OutcomeKind,
    Position, Secret32,
};

/// The journal, read only: no lock, nothing is changed, the engine may be running.
#[derive(Debug)]
pub struct Archive;

/// What to look for; everything set must hold.
#[derive(Clone, Default)]
pub struct Query {
    /// Received at or after this.
    pub since: Option<Timestamp>,
    /// Received before this.
    pub until: Option<Timestamp>,
    /// From this source.
    pub source: Option<String>,
    /// Of this message code and, if it has one, trigger event.
    pub message_type: Option<MessageType>,
    /// With this control ID, patient ID, visit or order number.
    pub id: Option<Vec<u8>>,
    /// Standing like this at any destination.
    pub standing: Option<Standing>,
    /// At this destination (for `standing`).
    pub destination: Option<String>,
    /// At most so many; 0 means no limit.
    pub limit: usize,
}

/// How an entry stands at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing happened yet.
    Waiting,
    /// A person asked to send it again.
    Replaying,
    /// It has an outcome.
    Settled(OutcomeKind),
    /// It was settled before what is still on record, or when the destination was not yet known.
    Past,
}

/// An entry in a list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its message ID.
    pub position: Position,
    /// When it came.
    pub received: Timestamp,
    /// From where.
    pub source: Arc<str>,
    /// MSH-9.1 and MSH-9.2.
    pub message_type: MessageType,
    /// What we made of it.
    pub disposition: Disposition,
    /// How it stands at each destination, by name; empty for what is not accepted.
    pub standings: Vec<(Arc<str>, Standing)>,
}

impl Archive {
    /// Opens the journal in `dir` for reading.
    pub fn open(dir: &Path, key: Option<&Secret32>) -> Result<Self, JournalError> {
        let _ = (dir, key);
        Err(JournalError::Closed)
    }

    /// What matches, newest first.
    pub fn search(&self, query: &Query) -> Result<Vec<Row>, JournalError> {
        let _ = query;
        Ok(Vec::new())
    }

    /// The entry at `position`.
    pub fn entry(&self, position: Position) -> Result<Entry, JournalError> {
        Err(JournalError::NotFound { position })
    }

    /// All that is recorded of an entry, oldest first: destination and outcome.
    pub fn outcomes(&self, position: Position) -> Result<Vec<(Arc<str>, Outcome)>, JournalError> {
        let _ = position;
        Ok(Vec::new())
    }

    /// Where the destinations stand, by name.
    #[must_use]
    pub fn destinations(&self) -> Vec<DestinationState> {
        Vec::new()
    }
}
