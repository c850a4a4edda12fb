//! What the handles and the three threads share.
//!
//! ```text
//! append ──► queue ──► writer: encode, one pwritev a batch ──► syncer: fdatasync, release, tell the lanes
//! settle ──►   │         │  released when written
//!              └ keeper: zeros ahead of the writer, the next segment file, sidecars, retention, free space
//! ```
//!
//! Locks are taken in the order of the fields and held for memory work only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{oneshot, watch};

use super::index::{Hashes, IndexKey, MemIndex};
use super::keeper::Keeping;
use super::payload::{Cursor, Note};
use super::segment::Segment;
use super::sidecar::Sidecar;
use super::sieve::{Filter, Sieve};
use super::state::State;
use super::syncer::Syncing;
use super::tail::Tail;
use super::{Entry, Files, JournalError, JournalSettings, NewEntry, Position, Start};
use crate::clock::Clock;

/// Takes a lock. No code that holds one can panic half-way through a change, so a poisoned lock holds good data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers with nothing but success.
pub(crate) type Done = oneshot::Sender<Result<(), JournalError>>;

/// What is asked of the writer.
pub(crate) enum Request {
    Append {
        entry: NewEntry,
        description: Vec<u8>,
        hashes: Hashes,
        done: oneshot::Sender<Result<Position, JournalError>>,
    },
    /// `durable`: answer when it is on the disk, not when it is written.
    Note {
        note: Note,
        durable: bool,
        done: Option<Done>,
    },
    Register {
        destination: Arc<str>,
        start: Start,
        done: Done,
    },
    Cursor {
        cursor: Cursor,
        done: Option<Done>,
    },
    Retire {
        numbers: Vec<u32>,
        done: Done,
    },
    Close {
        done: Done,
    },
}

/// What waits for the writer.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) requests: Vec<Request>,
    /// The writer waits to be woken.
    pub(crate) asleep: bool,
    /// Nothing more is taken.
    pub(crate) stopped: bool,
}

/// State, and what of it is on its way.
pub(crate) struct Live {
    pub(crate) state: State,
    pub(crate) desks: HashMap<Arc<str>, Desk>,
}

/// What the running engine knows of a destination beyond the state.
pub(crate) struct Desk {
    /// Settled, but the record is not written yet.
    pub(crate) pending: BTreeSet<Position>,
    /// Given to the lane: the ordinals.
    pub(crate) handed: BTreeMap<Position, u64>,
    pub(crate) changes: watch::Sender<u64>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            pending: BTreeSet::new(),
            handed: BTreeMap::new(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Live {
    pub(crate) fn desk(&mut self, destination: &Arc<str>) -> &mut Desk {
        self.desks.entry(Arc::clone(destination)).or_default()
    }
}

/// The index of every segment.
pub(crate) struct Indexes {
    /// Of the segment in use.
    pub(crate) active: MemIndex,
    pub(crate) active_segment: u32,
    /// Finished, sidecar not yet written.
    pub(crate) sealing: BTreeMap<u32, Arc<MemIndex>>,
    /// Opened sidecars.
    pub(crate) sidecars: BTreeMap<u32, Arc<Sidecar>>,
    /// Where re-sent messages may be, of the files that are neither in use nor being finished.
    pub(crate) sieve: Sieve,
}

/// The journal behind all its handles.
pub(crate) struct Core {
    pub(crate) settings: JournalSettings,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) clock: Clock,
    pub(crate) index_key: IndexKey,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) queue_wake: Condvar,
    pub(crate) live: Mutex<Live>,
    pub(crate) segments: Mutex<BTreeMap<u32, Arc<Segment>>>,
    pub(crate) index: Mutex<Indexes>,
    /// Held while a sidecar is read or made again.
    pub(crate) sidecar_reading: Mutex<()>,
    pub(crate) tail: Mutex<Tail>,
    pub(crate) syncing: Syncing,
    pub(crate) keeping: Keeping,
    /// The end of what is on the disk; also as a number, for the writer.
    pub(crate) durable: watch::Sender<Position>,
    pub(crate) durable_at: AtomicU64,
    /// Entries are refused for want of disk space.
    pub(crate) floor: AtomicBool,
    pub(crate) poison: OnceLock<&'static str>,
    /// Held as long as anything of the journal lives.
    pub(crate) _lock: std::fs::File,
}

impl Core {
    /// Hands a request to the writer.
    pub(crate) fn push(&self, request: Request) -> Result<(), JournalError> {
        let mut queue = lock(&self.queue);
        if queue.stopped {
            drop(queue);
            return Err(self.ended());
        }
        queue.requests.push(request);
        if std::mem::take(&mut queue.asleep) {
            drop(queue);
            self.queue_wake.notify_one();
        }
        Ok(())
    }

    /// Hands over a request with an answer, and waits for it.
    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Request,
    ) -> Result<T, JournalError> {
        let (done, answer) = oneshot::channel();
        self.push(request(done))?;
        answer.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// Stops everything for good: a write or a sync failed, and what is on the disk is no longer known.
    pub(crate) fn poison(&self, action: &'static str, error: &(dyn std::error::Error + 'static)) {
        if self.poison.set(action).is_ok() {
            tracing::error!(
                action,
                error,
                "the journal stopped: nothing is acknowledged any more"
            );
        }
        self.stop();
    }

    /// Makes every thread end and every waiter look again.
    pub(crate) fn stop(&self) {
        let left = {
            let mut queue = lock(&self.queue);
            queue.stopped = true;
            std::mem::take(&mut queue.requests)
        };
        drop(left);
        self.queue_wake.notify_all();
        self.syncing.stop();
        self.keeping.stop();
        self.durable.send_modify(|_| ());
    }

    /// Why nothing more is done.
    pub(crate) fn ended(&self) -> JournalError {
        match self.poison.get() {
            Some(action) => JournalError::Poisoned { action },
            None => JournalError::Closed,
        }
    }

    /// Why opening failed in the writer.
    pub(crate) fn ended_or_full(&self) -> JournalError {
        if self.poison.get().is_none() {
            self.below_floor()
        } else {
            self.ended()
        }
    }

    pub(crate) fn check(&self) -> Result<(), JournalError> {
        if self.poison.get().is_some() || lock(&self.queue).stopped {
            return Err(self.ended());
        }
        Ok(())
    }

    pub(crate) fn below_floor(&self) -> JournalError {
        JournalError::DiskFloor {
            floor: self.settings.disk_floor,
        }
    }

    pub(crate) fn durable_end(&self) -> Position {
        Position::from_u64(self.durable_at.load(Ordering::Acquire))
    }

    /// Waits until the log is on the disk up to beyond `position`.
    pub(crate) async fn wait_durable(&self, position: Position) -> Result<(), JournalError> {
        let mut durable = self.durable.subscribe();
        while *durable.borrow_and_update() <= position {
            self.check()?;
            durable.changed().await.map_err(|_| self.ended())?;
        }
        Ok(())
    }

    pub(crate) fn segment(&self, number: u32) -> Option<Arc<Segment>> {
        lock(&self.segments).get(&number).cloned()
    }

    /// The entry at `position`, from the disk.
    pub(crate) fn read(&self, position: Position) -> Result<Entry, JournalError> {
        let none = || JournalError::NotFound { position };
        if position >= self.durable_end() {
            return Err(none());
        }
        let segment = self.segment(position.segment()).ok_or_else(none)?;
        super::reader::entry(&*self.files, &segment, position)
    }

    /// The segment file's index, made again from the records if the sidecar is missing or bad.
    pub(crate) fn sidecar(&self, number: u32) -> Result<Option<Arc<Sidecar>>, JournalError> {
        let known = || lock(&self.index).sidecars.get(&number).cloned();
        if let Some(known) = known() {
            return Ok(Some(known));
        }
        // After a start everybody asks for all of them at once; each is read by one.
        let _reading = lock(&self.sidecar_reading);
        if let Some(known) = known() {
            return Ok(Some(known));
        }
        let Some(segment) = self.segment(number) else {
            return Ok(None);
        };
        let stamp = self.index_key.stamp(&segment.id);
        let mut found = Sidecar::open(&*self.files, &segment.path, &stamp);
        if found.is_none() {
            let index = super::reader::index(&*self.files, &segment, &self.index_key)?;
            let filter = Filter::of(&index.dedups);
            super::sidecar::write(&*self.files, &segment.path, &stamp, &index, &filter)
                .map_err(JournalError::io("index", &segment.path))?;
            found = Sidecar::open(&*self.files, &segment.path, &stamp);
        }
        let Some((found, filter)) = found else {
            return Ok(None);
        };
        let found = Arc::new(found);
        let newest = lock(&self.live)
            .state
            .segments
            .get(&number)
            .map(|info| info.newest);
        let mut index = lock(&self.index);
        if let Some(newest) = newest {
            index.sieve.insert(number, newest, &filter);
        }
        index.sidecars.insert(number, Arc::clone(&found));
        Ok(Some(found))
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Journal({})", self.settings.dir.display())
    }
}
