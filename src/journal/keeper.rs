//! The thread that keeps house: zeros ahead of the writer, the next segment file, sidecars, retention, free space.
//!
//! An append into a file that already has its size costs the disk one flush instead of two, and a full disk is
//! met here, where nothing was promised yet.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::core::{Core, lock};
use super::index::MemIndex;
use super::segment::{FIRST, Segment, write_zeros};
use super::sieve::Filter;
use super::steady::Steadiness;
use super::writer::Refused;
use super::{File, JournalError, retention};

/// How far the zeros reach ahead of the writer, at least.
const AHEAD: u64 = 4 << 20;
/// How often the free space is looked at, and retention runs, when nothing happens.
const LOOK: Duration = Duration::from_secs(5);
const RETAIN: Duration = Duration::from_mins(10);
/// While entries are refused for want of space.
const LOOK_WHEN_FULL: Duration = Duration::from_millis(500);

/// The file in use, through a handle of our own: each handle is told of a failed write-back once, and the syncer's
/// news must not be taken away by us.
struct Runway {
    file: Arc<dyn File>,
    extended: u64,
}

/// A finished segment file that still needs its sidecar.
struct Finished {
    segment: Arc<Segment>,
    index: Arc<MemIndex>,
    end: u64,
}

struct Next {
    segment: Arc<Segment>,
    file: Arc<dyn File>,
    extended: u64,
}

/// The meeting place of writer and keeper.
pub(crate) struct Keeping {
    runway: Mutex<Runway>,
    extended: AtomicU64,
    written: AtomicU64,
    segment_bytes: u64,
    next: Mutex<Option<Next>>,
    has_next: AtomicBool,
    finished: Mutex<VecDeque<Finished>>,
    /// Something is to be done; the end has come.
    roused: Mutex<(bool, bool)>,
    wake: Condvar,
    /// Whether the clock may be believed; read from the disk when it is first asked for.
    pub(crate) steadiness: Mutex<Option<Steadiness>>,
    /// Removal by age waits because the clock jumped; said once.
    pub(crate) doubted: AtomicBool,
}

impl Keeping {
    pub(crate) fn new(file: Arc<dyn File>, extended: u64, segment_bytes: u32) -> Self {
        Self {
            runway: Mutex::new(Runway { file, extended }),
            extended: AtomicU64::new(extended),
            written: AtomicU64::new(0),
            segment_bytes: u64::from(segment_bytes),
            next: Mutex::new(None),
            has_next: AtomicBool::new(false),
            finished: Mutex::new(VecDeque::new()),
            roused: Mutex::new((false, false)),
            wake: Condvar::new(),
            steadiness: Mutex::new(None),
            doubted: AtomicBool::new(false),
        }
    }

    /// How many bytes of zeros follow the head of a new file.
    pub(crate) fn first_runway(segment_bytes: u32) -> u64 {
        AHEAD.min(u64::from(segment_bytes - FIRST))
    }

    /// Up to where the file in use has its space.
    pub(crate) fn extended(&self) -> u64 {
        self.extended.load(Ordering::Acquire)
    }

    /// The writer got to `offset`.
    pub(crate) fn progress(&self, offset: u64) {
        self.written.store(offset, Ordering::Release);
        if self.wants_runway() || self.wants_next() {
            self.rouse();
        }
    }

    fn wants_runway(&self) -> bool {
        let extended = self.extended();
        extended < self.segment_bytes && extended < self.written.load(Ordering::Acquire) + AHEAD
    }

    fn wants_next(&self) -> bool {
        self.written.load(Ordering::Acquire) > self.segment_bytes / 2
            && !self.has_next.load(Ordering::Acquire)
    }

    pub(crate) fn rouse(&self) {
        let mut roused = lock(&self.roused);
        if !roused.0 {
            roused.0 = true;
            drop(roused);
            self.wake.notify_one();
        }
    }

    pub(crate) fn stop(&self) {
        lock(&self.roused).1 = true;
        self.wake.notify_one();
    }

    /// Extends the file in use to `end` now: the writer got there before us, or an entry is larger than the file.
    pub(crate) fn extend(&self, core: &Core, end: u64) -> Result<(), Refused> {
        let mut runway = lock(&self.runway);
        while runway.extended < end {
            let to = end.max((runway.extended + AHEAD).min(self.segment_bytes));
            if let Err(error) = write_zeros(&*runway.file, runway.extended, to) {
                return Err(refuse(core, &error));
            }
            runway.extended = to;
        }
        self.extended.store(runway.extended, Ordering::Release);
        Ok(())
    }

    /// The next segment file, made now if it was not made ahead.
    pub(crate) fn next(
        &self,
        core: &Core,
        after: &Segment,
    ) -> Result<(Arc<Segment>, Arc<dyn File>), Refused> {
        let mut next = lock(&self.next);
        if next.is_none() {
            *next = Some(make(
                core,
                after,
                AHEAD.min(self.segment_bytes - u64::from(FIRST)),
            )?);
        }
        let Some(made) = next.take() else {
            return Err(Refused::Dead);
        };
        let own = core
            .files
            .open(&made.segment.path, true)
            .map_err(|error| refuse(core, &error))?;
        *lock(&self.runway) = Runway {
            file: own,
            extended: made.extended,
        };
        self.extended.store(made.extended, Ordering::Release);
        self.written.store(u64::from(FIRST), Ordering::Release);
        self.has_next.store(false, Ordering::Release);
        Ok((made.segment, made.file))
    }

    /// A segment file is full.
    pub(crate) fn finished(&self, segment: Arc<Segment>, index: Arc<MemIndex>, end: u64) {
        lock(&self.finished).push_back(Finished {
            segment,
            index,
            end,
        });
        self.rouse();
    }

    /// Waits for something to do; false when the journal ends.
    fn wait(&self, at_most: Duration) -> bool {
        let mut roused = lock(&self.roused);
        if !roused.0 && !roused.1 {
            roused = self
                .wake
                .wait_timeout(roused, at_most)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        roused.0 = false;
        !roused.1
    }

    fn runway_ahead(&self, core: &Core) -> Result<(), Refused> {
        let mut runway = lock(&self.runway);
        let to = (runway.extended + AHEAD).min(self.segment_bytes);
        let wanted = self.written.load(Ordering::Acquire) + AHEAD;
        if runway.extended >= to || runway.extended >= wanted {
            return Ok(());
        }
        let made =
            write_zeros(&*runway.file, runway.extended, to).and_then(|()| runway.file.sync_data());
        made.map_err(|error| refuse(core, &error))?;
        runway.extended = to;
        self.extended.store(to, Ordering::Release);
        Ok(())
    }

    fn next_ahead(&self, core: &Core) -> Result<(), Refused> {
        let mut next = lock(&self.next);
        // Asked again under the lock: the writer may have begun that file since.
        if next.is_none() && self.wants_next() {
            let newest = lock(&core.segments).values().next_back().cloned();
            let Some(newest) = newest else { return Ok(()) };
            *next = Some(make(core, &newest, self.segment_bytes - u64::from(FIRST))?);
            self.has_next.store(true, Ordering::Release);
        }
        Ok(())
    }
}

/// A full disk refuses what needs the space; any other failure ends the journal.
fn refuse(core: &Core, error: &io::Error) -> Refused {
    if matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    ) {
        if !core.floor.swap(true, Ordering::AcqRel) {
            tracing::error!("the disk is full: messages are refused until there is space");
        }
        core.keeping.rouse();
        return Refused::Full;
    }
    core.poison("extension of a segment file", error);
    Refused::Dead
}

fn make(core: &Core, after: &Segment, runway: u64) -> Result<Next, Refused> {
    let made = Segment::make(
        &*core.files,
        &core.settings.dir,
        after.number + 1,
        after.id,
        core.clock.now().as_microsecond(),
        runway,
        core.settings.key.as_ref(),
    );
    match made {
        Ok((segment, file)) => Ok(Next {
            segment: Arc::new(segment),
            file,
            extended: u64::from(FIRST) + runway,
        }),
        Err(JournalError::Io { source, .. }) => Err(refuse(core, &source)),
        Err(error) => {
            core.poison("creation of a segment file", &error);
            Err(Refused::Dead)
        }
    }
}

/// The thread's life.
pub(crate) fn run(core: &Core) {
    let keeping = &core.keeping;
    let mut retained: Option<Instant> = None;
    let mut looked: Option<Instant> = None;
    loop {
        let full = core.floor.load(Ordering::Acquire);
        if !keeping.wait(if full { LOOK_WHEN_FULL } else { LOOK }) {
            return;
        }
        let wants = keeping.wants_runway() || keeping.wants_next();
        if full || wants || looked.is_none_or(|at| at.elapsed() >= LOOK) {
            look_at_space(core);
            looked = Some(Instant::now());
        }
        let below = core.floor.load(Ordering::Acquire);
        if keeping.wants_runway() && !below {
            // A refusal is already known to everybody.
            drop(keeping.runway_ahead(core));
        }
        if keeping.wants_next() && !below {
            drop(keeping.next_ahead(core));
        }
        let mut sealed = false;
        while let Some(finished) = { lock(&keeping.finished).pop_front() } {
            seal(core, &finished);
            sealed = true;
        }
        if sealed || retained.is_none_or(|at| at.elapsed() >= RETAIN) {
            retained = Some(Instant::now());
            if let Err(error) = retention::run(core) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "old messages were not removed"
                );
            }
        }
    }
}

fn look_at_space(core: &Core) {
    let Ok(free) = core.files.free_space(&core.settings.dir) else {
        return;
    };
    let below = free < core.settings.disk_floor;
    if core.floor.swap(below, Ordering::AcqRel) != below {
        if below {
            tracing::error!(
                free,
                "the disk is nearly full: messages are refused until there is space"
            );
        } else {
            tracing::info!(free, "there is disk space again: messages are taken");
        }
    }
}

/// Gives a finished segment its sidecar and cuts its unused zeros off.
fn seal(core: &Core, finished: &Finished) {
    let (files, segment) = (&*core.files, &finished.segment);
    let stamp = core.index_key.stamp(&segment.id);
    let cut = || files.open(&segment.path, true)?.set_size(finished.end);
    let filter = Filter::of(&finished.index.dedups);
    let written = super::sidecar::write(files, &segment.path, &stamp, &finished.index, &filter)
        .and_then(|()| cut());
    if let Err(error) = written {
        // It is derived: whoever needs it makes it again.
        tracing::warn!(
            segment = segment.number,
            error = &error as &dyn std::error::Error,
            "no index file was written"
        );
    }
    let newest = finished.index.rows.iter().map(|row| row.received).max();
    let mut index = lock(&core.index);
    if let Some(newest) = newest {
        index.sieve.insert(segment.number, newest, &filter);
    }
    index.sealing.remove(&segment.number);
}
