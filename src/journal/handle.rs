//! The journal as the engine holds it.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::core::{Core, Request, lock};
use super::payload::{Cursor, Note, PREFIX, What, describe};
use super::record::LARGEST;
use super::tail::After;
use super::{
    DestinationState, Disposition, Duplicate, Entry, Files, JournalError, JournalSettings, Lane,
    NewEntry, Opened, Outcome, Position, Start, finding, opening, retention,
};
use crate::clock::Clock;

/// The journal. Cheap to clone; all clones are the same journal. When the last is dropped without
/// [`Journal::close`] the threads end as if the process had been killed: what was acknowledged is safe.
#[derive(Clone)]
pub struct Journal {
    pub(crate) core: Arc<Core>,
    threads: Arc<Threads>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.core.fmt(f)
    }
}

struct Threads {
    core: Arc<Core>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    fn join(&self) {
        let running = std::mem::take(&mut *lock(&self.running));
        for thread in running {
            // A panic in it has poisoned the journal already.
            drop(thread.join());
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.core.stop();
        self.join();
    }
}

impl Journal {
    /// Opens or makes the journal: checks the folder, takes the lock, recovers, begins a new segment file. Blocks for
    /// some tens of milliseconds: call it outside of async code or in `spawn_blocking`.
    ///
    /// # Errors
    /// Anything that makes the journal unfit: see [`JournalError`]. Damage is never repaired here.
    pub fn open(
        settings: JournalSettings,
        files: Arc<dyn Files>,
        clock: Clock,
    ) -> Result<(Self, Opened), JournalError> {
        let (core, running, opened) = opening::open(settings, files, clock)?;
        let threads = Arc::new(Threads {
            core: Arc::clone(&core),
            running: Mutex::new(running),
        });
        Ok((Self { core, threads }, opened))
    }

    /// Stores an entry; returns its position when it is DURABLE: only then may it be acknowledged.
    ///
    /// # Errors
    /// [`JournalError::DiskFloor`], [`JournalError::TooLarge`]: not stored. [`JournalError::Poisoned`],
    /// [`JournalError::Closed`]: perhaps stored, not to be acknowledged.
    pub async fn append(&self, mut entry: NewEntry) -> Result<Position, JournalError> {
        // To the microsecond, as it will be read back.
        entry.received =
            Timestamp::from_microsecond(entry.received.as_microsecond()).unwrap_or(entry.received);
        let description = describe(&entry);
        let bytes = PREFIX + description.len() + entry.raw.len() + super::cipher::TAG;
        if bytes > LARGEST {
            return Err(JournalError::TooLarge {
                bytes,
                limit: LARGEST,
            });
        }
        let accepted = entry.disposition == Disposition::Accepted;
        let hashes = self
            .core
            .index_key
            .of_entry(&entry.source, accepted, &entry.keys);
        self.core
            .ask(|done| Request::Append {
                entry,
                description,
                hashes,
                done,
            })
            .await
    }

    /// Among the 16 youngest accepted entries of `source` with this dedup key received within the last `window`: the
    /// youngest with this body, else the youngest. Returns only an entry that is durable, waiting for one that is being written.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn duplicate(
        &self,
        source: &str,
        dedup: &[u8],
        body_hash: u64,
        window: Duration,
    ) -> Result<Option<Duplicate>, JournalError> {
        finding::duplicate(&self.core, source, dedup, body_hash, window).await
    }

    /// The entry at `position`.
    ///
    /// # Errors
    /// [`JournalError::NotFound`]; [`JournalError::Corrupt`] if its bytes are damaged.
    pub async fn read(&self, position: Position) -> Result<Arc<Entry>, JournalError> {
        if self.core.segment(position.segment()).is_none() {
            return Err(JournalError::NotFound { position });
        }
        if let Some(entry) = lock(&self.core.tail).at(position) {
            return Ok(entry);
        }
        let core = Arc::clone(&self.core);
        let read = tokio::task::spawn_blocking(move || core.read(position)).await;
        read.map_or_else(|_| Err(self.core.ended()), |entry| entry.map(Arc::new))
    }

    /// Makes a destination known; no effect on one that is. Durable when it returns.
    ///
    /// # Errors
    /// When the journal takes nothing more.
    pub async fn register(&self, destination: &str, start: Start) -> Result<(), JournalError> {
        if lock(&self.core.live)
            .state
            .destinations
            .contains_key(destination)
        {
            return Ok(());
        }
        let destination = Arc::from(destination);
        self.core
            .ask(|done| Request::Register {
                destination,
                start,
                done,
            })
            .await
    }

    /// Forgets a destination: what is not delivered there never will be. Durable when it returns.
    ///
    /// # Errors
    /// When the journal takes nothing more.
    pub async fn forget(&self, destination: &str) -> Result<(), JournalError> {
        let cursor = Cursor::Forgotten {
            destination: Arc::from(destination),
        };
        self.core
            .ask(|done| Request::Cursor {
                cursor,
                done: Some(done),
            })
            .await
    }

    /// Where the destinations stand, by name.
    #[must_use]
    pub fn destinations(&self) -> Vec<DestinationState> {
        let live = lock(&self.core.live);
        let mut all = finding::standings(&live.state);
        drop(live);
        let tail = lock(&self.core.tail);
        for state in all.iter_mut().filter(|state| state.backlog > 0) {
            if let After::Entry(entry) = tail.after(state.done_to) {
                state.oldest_waiting = Some(entry.received);
            }
        }
        all
    }

    /// What is set aside at a destination, oldest first.
    #[must_use]
    pub fn parked(&self, destination: &str) -> Vec<Position> {
        let live = lock(&self.core.live);
        let place = live.state.destinations.get(destination);
        place
            .map(|place| place.parked.keys().copied().collect())
            .unwrap_or_default()
    }

    /// A destination's reading of the journal. There should be one at a time for a destination.
    ///
    /// # Errors
    /// [`JournalError::UnknownDestination`] if it is not registered.
    pub fn lane(&self, destination: &str) -> Result<Lane, JournalError> {
        let (name, _) = self.known(destination)?;
        Lane::new(self.clone(), name)
    }

    /// Records what became of an entry at a destination; returns when it is WRITTEN (it survives the end of this
    /// process; the next sync, at most 100 ms later, makes it survive a power cut). Also ends a replay of it.
    ///
    /// # Errors
    /// When the journal takes nothing more, or the destination or the position is unknown.
    pub async fn settle(
        &self,
        destination: &str,
        position: Position,
        outcome: Outcome,
    ) -> Result<(), JournalError> {
        let (name, known) = self.known_with(destination, position)?;
        let ordinal = match known {
            Some(ordinal) => ordinal,
            None => self.read(position).await?.ordinal,
        };
        lock(&self.core.live).desk(&name).pending.insert(position);
        let note = Note::settled(name, position, ordinal, outcome);
        self.core
            .ask(|done| Request::Note {
                note,
                durable: false,
                done: Some(done),
            })
            .await
    }

    /// Like [`Journal::settle`] for an entry that the lane gave out, without waiting: the lane moves on at once.
    ///
    /// # Errors
    /// When the journal takes nothing more, or the entry was not given out by the destination's lane.
    pub fn settle_nowait(
        &self,
        destination: &str,
        position: Position,
        outcome: Outcome,
    ) -> Result<(), JournalError> {
        let (name, known) = self.known_with(destination, position)?;
        let ordinal = known.ok_or(JournalError::NotFound { position })?;
        lock(&self.core.live).desk(&name).pending.insert(position);
        let note = Note::settled(name, position, ordinal, outcome);
        self.core.push(Request::Note {
            note,
            durable: false,
            done: None,
        })
    }

    /// Asks to send an entry (again) to a destination, ahead of what waits. It is no longer parked. Durable when it
    /// returns.
    ///
    /// # Errors
    /// When the journal takes nothing more, or the destination or the position is unknown.
    pub async fn request_replay(
        &self,
        destination: &str,
        position: Position,
    ) -> Result<(), JournalError> {
        let (destination, _) = self.known(destination)?;
        let entry = self.read(position).await?;
        if entry.disposition != Disposition::Accepted {
            return Err(JournalError::NotFound { position });
        }
        let at = self.core.clock.now().as_microsecond();
        let note = Note {
            destination,
            position,
            ordinal: entry.ordinal,
            at,
            what: What::Replay,
        };
        self.core
            .ask(|done| Request::Note {
                note,
                durable: true,
                done: Some(done),
            })
            .await
    }

    /// Whether nothing is left to do with an entry at a destination: it has an outcome and no replay is asked for.
    #[must_use]
    pub fn is_settled(&self, destination: &str, position: Position) -> bool {
        let live = lock(&self.core.live);
        let pending = live
            .desks
            .get(destination)
            .is_some_and(|desk| desk.pending.contains(&position));
        pending
            || live
                .state
                .destinations
                .get(destination)
                .is_some_and(|place| place.is_settled(position))
    }

    /// Changes whenever something is settled, parked, discarded or to be replayed at a destination, so that a lane
    /// that waits to retry can look again ([`Journal::is_settled`]).
    ///
    /// # Errors
    /// [`JournalError::UnknownDestination`] if it is not registered.
    pub fn changes(&self, destination: &str) -> Result<watch::Receiver<u64>, JournalError> {
        let (name, _) = self.known(destination)?;
        Ok(lock(&self.core.live).desk(&name).changes.subscribe())
    }

    /// Why the journal takes no entries at present, if it does not: poisoned, closed, or below the disk floor.
    #[must_use]
    pub fn trouble(&self) -> Option<JournalError> {
        self.core.check().err().or_else(|| {
            let below = self.core.floor.load(std::sync::atomic::Ordering::Acquire);
            below.then(|| self.core.below_floor())
        })
    }

    /// Removes what retention allows, now; how many bytes that gave back. It also happens by itself, every ten
    /// minutes and whenever a segment file is full.
    ///
    /// # Errors
    /// When the journal takes nothing more or a file cannot be removed.
    pub async fn retain(&self) -> Result<u64, JournalError> {
        let core = Arc::clone(&self.core);
        let run = tokio::task::spawn_blocking(move || retention::run(&core)).await;
        run.unwrap_or_else(|_| Err(self.core.ended()))
    }

    /// Ends the journal in order: what waits is stored, a closing mark is written, the threads end.
    ///
    /// # Errors
    /// When the journal had been poisoned; the threads have ended all the same.
    pub async fn close(&self) -> Result<(), JournalError> {
        let closed = self.core.ask(|done| Request::Close { done }).await;
        let threads = Arc::clone(&self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            threads.core.stop();
            threads.join();
        });
        joined.await.map_err(|_| self.core.ended())?;
        match closed {
            Err(JournalError::Closed) => Ok(()),
            other => other,
        }
    }

    fn known(&self, destination: &str) -> Result<(Arc<str>, u64), JournalError> {
        let live = lock(&self.core.live);
        let found = live.state.destinations.get_key_value(destination);
        let found = found.map(|(name, place)| (Arc::clone(name), place.done));
        found.ok_or_else(|| JournalError::UnknownDestination {
            name: destination.to_owned(),
        })
    }

    /// The destination's name, and the entry's ordinal if the destination has to do with it at present.
    fn known_with(
        &self,
        destination: &str,
        position: Position,
    ) -> Result<(Arc<str>, Option<u64>), JournalError> {
        let (name, _) = self.known(destination)?;
        let live = lock(&self.core.live);
        let handed = live
            .desks
            .get(destination)
            .and_then(|desk| desk.handed.get(&position).copied());
        let place = live.state.destinations.get(destination);
        let asked = || {
            place?
                .replays
                .iter()
                .find(|(at, _)| *at == position)
                .map(|(_, ordinal)| *ordinal)
        };
        let ordinal = handed
            .or_else(asked)
            .or_else(|| place?.parked.get(&position).copied());
        Ok((name, ordinal))
    }
}
