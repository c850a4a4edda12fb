//! The journal as the engine holds it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{
    DestinationState, Duplicate, Entry, Files, JournalError, JournalSettings, Lane, NewEntry,
    Opened, Outcome, Position, Start,
};
use crate::clock::Clock;

/// The journal. Cheap to clone; all clones are the same journal.
#[derive(Debug, Clone)]
pub struct Journal;

impl Journal {
    /// Opens or makes the journal: checks the folder, takes the lock, recovers. Blocks; call it outside of async code
    /// or in `spawn_blocking`.
    pub fn open(
        settings: JournalSettings,
        files: Arc<dyn Files>,
        clock: Clock,
    ) -> Result<(Self, Opened), JournalError> {
        let _ = (settings, files, clock);
        Err(JournalError::Closed)
    }

    /// Stores an entry; returns its position when it is DURABLE: only then may it be acknowledged.
    pub async fn append(&self, entry: NewEntry) -> Result<Position, JournalError> {
        let _ = entry;
        Err(JournalError::Closed)
    }

    /// The youngest accepted entry of `source` with this dedup key within the last `window`, if there is one. Returns
    /// only entries that are durable, waiting for one that is being written.
    pub async fn duplicate(
        &self,
        source: &str,
        dedup: &[u8],
        body_hash: u64,
        window: Duration,
    ) -> Result<Option<Duplicate>, JournalError> {
        let _ = (source, dedup, body_hash, window);
        Err(JournalError::Closed)
    }

    /// The entry at `position`.
    pub async fn read(&self, position: Position) -> Result<Arc<Entry>, JournalError> {
        Err(JournalError::NotFound { position })
    }

    /// Makes a destination known; no effect on one that is. Durable when it returns.
    pub async fn register(&self, destination: &str, start: Start) -> Result<(), JournalError> {
        let _ = (destination, start);
        Err(JournalError::Closed)
    }

    /// Forgets a destination: what is not delivered there never will be. Durable when it returns.
    pub async fn forget(&self, destination: &str) -> Result<(), JournalError> {
        let _ = destination;
        Err(JournalError::Closed)
    }

    /// Where the destinations stand, by name.
    #[must_use]
    pub fn destinations(&self) -> Vec<DestinationState> {
        Vec::new()
    }

    /// What is set aside at a destination, oldest first.
    #[must_use]
    pub fn parked(&self, destination: &str) -> Vec<Position> {
        let _ = destination;
        Vec::new()
    }

    /// A destination's reading of the journal. There should be one at a time for a destination.
    pub fn lane(&self, destination: &str) -> Result<Lane, JournalError> {
        Ok(Lane::new(self.clone(), Arc::from(destination)))
    }

    /// Records what became of an entry at a destination; returns when it is WRITTEN (it survives the end of this
    /// process; the next sync, at most 100 ms later, makes it survive a power cut). Also ends a replay of it.
    pub async fn settle(
        &self,
        destination: &str,
        position: Position,
        outcome: Outcome,
    ) -> Result<(), JournalError> {
        let _ = (destination, position, outcome);
        Err(JournalError::Closed)
    }

    /// Like [`Journal::settle`], without waiting: the lane moves on at once.
    pub fn settle_nowait(
        &self,
        destination: &str,
        position: Position,
        outcome: Outcome,
    ) -> Result<(), JournalError> {
        let _ = (destination, position, outcome);
        Err(JournalError::Closed)
    }

    /// Asks to send an entry (again) to a destination, ahead of what waits. It is no longer parked. Durable when it returns.
    pub async fn request_replay(
        &self,
        destination: &str,
        position: Position,
    ) -> Result<(), JournalError> {
        let _ = (destination, position);
        Err(JournalError::Closed)
    }

    /// Whether nothing is left to do with an entry at a destination: it has an outcome and no replay is asked for.
    #[must_use]
    pub fn is_settled(&self, destination: &str, position: Position) -> bool {
        let _ = (destination, position);
        false
    }

    /// Changes whenever something is settled, parked, discarded or to be replayed at a destination, so that a lane that
    /// waits to retry can look again ([`Journal::is_settled`]).
    pub fn changes(&self, destination: &str) -> Result<watch::Receiver<u64>, JournalError> {
        Err(JournalError::UnknownDestination {
            name: destination.to_owned(),
        })
    }

    /// Why the journal stopped taking entries, if it did: poisoned, or below the disk floor.
    #[must_use]
    pub fn trouble(&self) -> Option<JournalError> {
        None
    }

    /// Ends the journal in order: what waits is stored, a closing mark is written, the threads end.
    pub async fn close(&self) -> Result<(), JournalError> {
        Ok(())
    }
}
