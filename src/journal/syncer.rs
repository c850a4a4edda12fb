//! The thread that makes writes durable: one fdatasync for all that was written since the last, then the answers.

use std::io::IoSlice;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::core::{Core, Done, lock};
use super::{Entry, File, JournalError, Position};

/// The longest that an outcome is written and not yet on the disk.
const OUTCOMES_WITHIN: Duration = Duration::from_millis(100);

/// Who is answered once the log is durable up to its end.
pub(crate) enum Waiter {
    Entry(Arc<Entry>, oneshot::Sender<Result<Position, JournalError>>),
    Other(Done),
}

/// What is written and not yet synced.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) file: Option<Arc<dyn File>>,
    pub(crate) end: Position,
    pub(crate) waiters: Vec<Waiter>,
    /// Since when something lies unsynced.
    pub(crate) since: Option<Instant>,
    /// Somebody waits.
    pub(crate) urgent: bool,
    asleep: bool,
    stop: bool,
}

/// The meeting place of writer and syncer.
#[derive(Default)]
pub(crate) struct Syncing {
    written: Mutex<Written>,
    wake: Condvar,
    /// The writer waits here for a full sync before it begins a new segment file.
    synced: Condvar,
}

impl Syncing {
    /// Tells of a write; `tell` fills in what is new.
    pub(crate) fn tell(&self, tell: impl FnOnce(&mut Written)) {
        let mut written = lock(&self.written);
        tell(&mut written);
        if written.stop {
            // Nobody will sync any more: dropped unanswered, the waiters learn it.
            written.waiters.clear();
            return;
        }
        // A syncer that found nothing to do has set no alarm.
        let first = written.since.is_none();
        written.since.get_or_insert_with(Instant::now);
        if written.asleep && (written.urgent || first) {
            written.asleep = false;
            drop(written);
            self.wake.notify_one();
        }
    }

    pub(crate) fn stop(&self) {
        let mut written = lock(&self.written);
        written.stop = true;
        let left = std::mem::take(&mut written.waiters);
        drop(written);
        drop(left);
        self.wake.notify_all();
        self.synced.notify_all();
    }

    /// Blocks until all that was written is on the disk; false if that will not happen.
    pub(crate) fn wait_all(&self, core: &Core) -> bool {
        let mut written = lock(&self.written);
        while core.durable_end() < written.end {
            if written.stop {
                return false;
            }
            written.urgent = true;
            self.wake.notify_one();
            written = self
                .synced
                .wait(written)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// What is to be synced now; nothing when the journal ends.
    fn take(&self) -> Option<(Arc<dyn File>, Position, Vec<Waiter>)> {
        let mut written = lock(&self.written);
        loop {
            if written.stop {
                return None;
            }
            let left = written
                .since
                .map(|since| OUTCOMES_WITHIN.saturating_sub(since.elapsed()));
            if (written.urgent || left == Some(Duration::ZERO))
                && let Some(file) = written.file.clone()
            {
                written.urgent = false;
                written.since = None;
                return Some((file, written.end, std::mem::take(&mut written.waiters)));
            }
            written.asleep = true;
            written = match left.filter(|left| !left.is_zero()) {
                Some(left) => {
                    self.wake
                        .wait_timeout(written, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .wake
                    .wait(written)
                    .unwrap_or_else(PoisonError::into_inner),
            };
            written.asleep = false;
        }
    }
}

/// The thread's life. `marker` is told how far the log is durable.
pub(crate) fn run(core: &Core, marker: &dyn File) {
    while let Some((file, end, waiters)) = core.syncing.take() {
        if let Err(error) = file.sync_data() {
            // The waiters are dropped unanswered, which tells them that the journal is poisoned.
            core.poison("sync", &error);
            return;
        }
        if core.poison.get().is_some() {
            return;
        }
        core.durable_at.store(end.to_u64(), Ordering::Release);
        // Not synced: it must only outlive this process, to tell damage from a torn write.
        if let Err(error) = marker.write_at(&mut [IoSlice::new(&encode_marker(end))], 0) {
            core.poison("write", &error);
            return;
        }
        {
            let mut tail = lock(&core.tail);
            for waiter in &waiters {
                if let Waiter::Entry(entry, _) = waiter {
                    tail.push(Arc::clone(entry));
                }
            }
        }
        core.durable.send_replace(end);
        drop(lock(&core.syncing.written));
        core.syncing.synced.notify_all();
        for waiter in waiters {
            // Whoever no longer listens gave up waiting; the entry is stored all the same.
            match waiter {
                Waiter::Entry(entry, done) => drop(done.send(Ok(entry.position))),
                Waiter::Other(done) => drop(done.send(Ok(()))),
            }
        }
    }
}

/// The marker: position and its checksum.
pub(crate) fn encode_marker(end: Position) -> [u8; 12] {
    let number = end.to_u64().to_le_bytes();
    let mut out = [0; 12];
    let bytes = number
        .into_iter()
        .chain(crc32c::crc32c(&number).to_le_bytes());
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    out
}

/// The inverse of [`encode_marker`].
pub(crate) fn decode_marker(bytes: &[u8]) -> Option<Position> {
    let (number, crc) = bytes.split_first_chunk::<8>()?;
    (crc.first_chunk() == Some(&crc32c::crc32c(number).to_le_bytes()))
        .then(|| Position::from_u64(u64::from_le_bytes(*number)))
}
