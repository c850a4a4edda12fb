//! A destination's ordered reading of the journal.

use std::sync::Arc;

use super::{Entry, Journal, JournalError};

/// A destination's reading of the journal: entries in order, each until it is settled.
#[derive(Debug)]
pub struct Lane {
    journal: Journal,
    destination: Arc<str>,
}

/// What a lane has to do next.
#[derive(Debug, Clone)]
pub struct Next {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Whether a person asked to send it again.
    pub replay: bool,
}

impl Lane {
    pub(crate) fn new(journal: Journal, destination: Arc<str>) -> Self {
        Self {
            journal,
            destination,
        }
    }

    /// The destination's name.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The next entry that has no outcome, replays first; waits for one. The same entry comes again until
    /// [`Journal::settle`] was called for it. May be dropped at any time.
    ///
    /// # Errors
    /// When the journal is closed, poisoned or cannot be read.
    pub async fn next(&mut self) -> Result<Next, JournalError> {
        let _ = &self.journal;
        Err(JournalError::Closed)
    }
}
