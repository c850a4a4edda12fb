//! Opening the journal: folder, lock, recovery, a new segment file, and the threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::watch;

use super::core::{Core, Indexes, Live, Queue};
use super::index::{IndexKey, MemIndex};
use super::keeper::{self, Keeping};
use super::recovery::{Last, Survey, Surveyor};
use super::segment::{FIRST, Segment};
use super::sieve::Sieve;
use super::state::State;
use super::syncer::{self, Syncing};
use super::tail::Tail;
use super::writer::Writer;
use super::{Cut, File, Files, JournalError, JournalSettings, Opened, Position, folder, retention};
use crate::clock::Clock;

/// The smallest and the largest segment file.
const SMALLEST: u32 = 16 << 10;
const LARGEST: u32 = 1 << 30;

/// The open journal, its threads, and what was found.
type Started = (Arc<Core>, Vec<JoinHandle<()>>, Opened);

/// Opens the journal.
pub(crate) fn open(
    mut settings: JournalSettings,
    files: Arc<dyn Files>,
    clock: Clock,
) -> Result<Started, JournalError> {
    let began = Instant::now();
    settings.segment_bytes = settings.segment_bytes.clamp(SMALLEST, LARGEST);
    let dir = settings.dir.clone();
    let key = settings.key.clone();
    folder::prepare(&dir)?;
    let held = folder::take_lock(&dir)?;
    let found_key = folder::index_key(&*files, &dir, key.as_ref())?;
    // Until recovery has said that all is well nothing is written, so a new key stays in memory at first.
    let for_now = found_key
        .clone()
        .map_or_else(|| folder::new_index_key(&dir), Ok)?;
    let surveyor = Surveyor {
        files: &*files,
        dir: &dir,
        key: key.as_ref(),
        index_key: &for_now,
        lenient: false,
    };
    let mut survey = surveyor.survey()?;
    folder::keep_index_key(&*files, &dir, &for_now, key.as_ref())?;
    let opened = report(&survey, began);
    tidy(&*files, &settings, &survey)?;
    let (core, mut writer, before) = build(settings, files, clock, held, for_now, &mut survey)?;
    let started = writer.begin().and_then(|()| writer.flush());
    if started.is_err() {
        return Err(core.ended_or_full());
    }
    if let Some(last) = before {
        let end = last.end;
        core.keeping
            .finished(last.segment, Arc::new(last.index), end);
    }
    let marker = marker_file(&core)?;
    // Before the first entry of this life can tell the clock's own story.
    retention::is_believed(&core, core.clock.now().as_microsecond());
    let threads = start(&core, writer, marker)?;
    if !core.syncing.wait_all(&core) {
        let error = core.ended();
        core.stop();
        for thread in threads {
            // Why it ended is in `error`.
            drop(thread.join());
        }
        return Err(error);
    }
    Ok((
        core,
        threads,
        Opened {
            took: began.elapsed(),
            ..opened
        },
    ))
}

fn report(survey: &Survey, began: Instant) -> Opened {
    let segments = &survey.state.segments;
    let last = survey.last.as_ref();
    if let Some(last) = last.filter(|last| last.torn > 0) {
        tracing::warn!(
            segment = last.segment.number,
            offset = last.end,
            bytes = last.torn,
            "the end of the journal was never safely stored nor acknowledged: it is cut off"
        );
    }
    Opened {
        entries: segments.values().map(|info| info.accepted).sum(),
        segments: segments.len(),
        bytes: segments.values().map(|info| u64::from(info.end)).sum(),
        clean: last.is_none_or(|last| last.clean),
        cut: last.filter(|last| last.torn > 0).map(|last| Cut {
            position: Position::new(
                last.segment.number,
                u32::try_from(last.end).unwrap_or(u32::MAX),
            ),
            bytes: last.torn,
        }),
        took: began.elapsed(),
    }
}

/// Cuts a torn end off, makes what was read durable, and removes files without use.
fn tidy(
    files: &dyn Files,
    settings: &JournalSettings,
    survey: &Survey,
) -> Result<(), JournalError> {
    if let Some(last) = &survey.last {
        let path = &last.segment.path;
        let cut = || {
            let file = files.open(path, true)?;
            file.set_size(last.end)?;
            // A killed process leaves records in the page cache that were never synced.
            file.sync_data()
        };
        cut().map_err(JournalError::io("cut", path))?;
    }
    for path in &survey.leftovers {
        files
            .unlink(path)
            .map_err(JournalError::io("remove", path))?;
    }
    files
        .sync_dir(&settings.dir)
        .map_err(JournalError::io("sync", &settings.dir))
}

fn build(
    settings: JournalSettings,
    files: Arc<dyn Files>,
    clock: Clock,
    held: std::fs::File,
    index_key: IndexKey,
    survey: &mut Survey,
) -> Result<(Arc<Core>, Writer, Option<Last>), JournalError> {
    let last = survey.last.take();
    let number = last.as_ref().map_or(1, |last| last.segment.number + 1);
    let previous = last.as_ref().map_or([0; 16], |last| last.segment.id);
    let runway = Keeping::first_runway(settings.segment_bytes);
    let made = clock.now().as_microsecond();
    let (segment, file) = Segment::make(
        &*files,
        &settings.dir,
        number,
        previous,
        made,
        runway,
        settings.key.as_ref(),
    )?;
    let own = files
        .open(&segment.path, true)
        .map_err(JournalError::io("open", &segment.path))?;
    let free = files
        .free_space(&settings.dir)
        .map_err(JournalError::io("look at", &settings.dir))?;
    let segment = Arc::new(segment);
    let mut segments = std::mem::take(&mut survey.segments);
    segments.insert(number, Arc::clone(&segment));
    let begin = Position::new(number, FIRST);
    let earlier = filled(&survey.state);
    let core = Arc::new(Core {
        queue: Mutex::new(Queue::default()),
        queue_wake: Condvar::new(),
        live: Mutex::new(Live {
            state: std::mem::take(&mut survey.state),
            desks: std::collections::HashMap::new(),
        }),
        segments: Mutex::new(segments),
        index: Mutex::new(Indexes {
            active: MemIndex::default(),
            active_segment: number,
            sealing: BTreeMap::new(),
            sidecars: BTreeMap::new(),
            sieve: Sieve::unread(earlier),
        }),
        sidecar_reading: Mutex::new(()),
        tail: Mutex::new(Tail::new(begin)),
        syncing: Syncing::default(),
        keeping: Keeping::new(own, u64::from(FIRST) + runway, settings.segment_bytes),
        durable: watch::Sender::new(begin),
        durable_at: AtomicU64::new(begin.to_u64()),
        floor: AtomicBool::new(free < settings.disk_floor),
        poison: OnceLock::new(),
        settings,
        files,
        clock,
        index_key,
        _lock: held,
    });
    let sequence = last.as_ref().map_or(1, |last| last.next_sequence);
    let writer = Writer::new(Arc::clone(&core), segment, file, sequence);
    Ok((core, writer, last))
}

/// The files with entries, and when the newest of each was received.
fn filled(state: &State) -> Vec<(i64, u32)> {
    let filled = state.segments.iter().filter(|(_, info)| info.entries > 0);
    filled
        .map(|(number, info)| (info.newest, *number))
        .collect()
}

fn marker_file(core: &Core) -> Result<Arc<dyn File>, JournalError> {
    let path = core.settings.dir.join("durable");
    let opened = match core.files.open(&path, true) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => core.files.create(&path),
        other => other,
    };
    opened.map_err(JournalError::io("open", &path))
}

fn start(
    core: &Arc<Core>,
    writer: Writer,
    marker: Arc<dyn File>,
) -> Result<Vec<JoinHandle<()>>, JournalError> {
    let mut threads = Vec::with_capacity(3);
    let mut spawn = |name: &str, life: Box<dyn FnOnce() + Send>| {
        let (core, dir) = (Arc::clone(core), core.settings.dir.clone());
        let watched = move || {
            // A panic in one of the threads must not leave the others waiting for it.
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(life)).is_err() {
                core.poison(
                    "thread",
                    &std::io::Error::other("a journal thread panicked"),
                );
            }
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(watched);
        threads.push(thread.map_err(JournalError::io("start a thread for", &dir))?);
        Ok::<(), JournalError>(())
    };
    let (one, two) = (Arc::clone(core), Arc::clone(core));
    spawn("journal-writer", Box::new(move || writer.run()))?;
    spawn(
        "journal-syncer",
        Box::new(move || syncer::run(&one, &*marker)),
    )?;
    spawn("journal-keeper", Box::new(move || keeper::run(&two)))?;
    Ok(threads)
}
