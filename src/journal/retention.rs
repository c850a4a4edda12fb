//! Removing what is old and settled: whole segment files, and not only the oldest, so that one parked message keeps one
//! file and not all that came after it.

use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::core::{Core, Request, lock};
use super::state::{SegmentInfo, State};
use super::steady::Steadiness;
use super::{JournalError, sidecar};

/// Removes the segment files that are due; how many bytes that gave back.
pub(crate) fn run(core: &Core) -> Result<u64, JournalError> {
    let due = due(core);
    if due.is_empty() {
        return Ok(0);
    }
    let numbers: Vec<u32> = due.iter().map(|(number, _)| *number).collect();
    let (done, answer) = oneshot::channel();
    core.push(Request::Retire {
        numbers: numbers.clone(),
        done,
    })?;
    answer
        .blocking_recv()
        .unwrap_or_else(|_| Err(core.ended()))?;
    // The log says that they go, durably: now their absence is no loss.
    let mut bytes = 0;
    for (number, info) in &due {
        let Some(segment) = lock(&core.segments).remove(number) else {
            continue;
        };
        {
            let mut index = lock(&core.index);
            index.sidecars.remove(number);
            index.sieve.remove(*number);
            index.sealing.remove(number);
        }
        core.files
            .unlink(&segment.path)
            .map_err(JournalError::io("remove", &segment.path))?;
        // It may never have been written.
        drop(core.files.unlink(&sidecar::path(&segment.path)));
        bytes += u64::from(info.end);
    }
    let dir = &core.settings.dir;
    core.files
        .sync_dir(dir)
        .map_err(JournalError::io("sync", dir))?;
    tracing::info!(files = due.len(), bytes, "old messages were removed");
    Ok(bytes)
}

fn due(core: &Core) -> Vec<(u32, SegmentInfo)> {
    let settings = &core.settings;
    let now = core.clock.now().as_microsecond();
    let believed = is_believed(core, now);
    let live = lock(&core.live);
    let state = &live.state;
    let age = i64::try_from(settings.keep_age.as_micros()).unwrap_or(i64::MAX);
    let mut total: u64 = state
        .segments
        .values()
        .map(|info| u64::from(info.end))
        .sum();
    let mut due = Vec::new();
    let mut kept_by_doubt = false;
    for (number, info) in state.segments.iter().filter(|(_, info)| info.end > 0) {
        if !state.is_settled(*number, info) {
            continue;
        }
        let old = info.entries > 0 && now.saturating_sub(info.newest) > age;
        kept_by_doubt |= old && !believed;
        let many = settings.keep_bytes.is_some_and(|most| total > most);
        // A start that was followed by nothing leaves a file that tells nothing.
        if (old && believed) || many || info.records == 0 {
            total = total.saturating_sub(u64::from(info.end));
            due.push((*number, *info));
        }
    }
    if !core.keeping.doubted.swap(kept_by_doubt, Ordering::Relaxed) && kept_by_doubt {
        tracing::warn!(
            "the clock made a step of more than a day: nothing is removed by age until it has gone on for a day"
        );
    }
    due
}

/// Whether the clock's word on ages is to be taken.
pub(crate) fn is_believed(core: &Core, now: i64) -> bool {
    let (files, dir) = (&*core.files, &core.settings.dir);
    let mut steadiness = lock(&core.keeping.steadiness);
    let watch = steadiness.get_or_insert_with(|| {
        let newest = newest(&lock(&core.live).state);
        Steadiness::read(files, dir, newest, now)
    });
    let believed = watch.look(now);
    if let Err(error) = watch.keep(files, dir) {
        // It is known to this engine; only the next one would have to find out for itself.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the clock's state was not kept"
        );
    }
    believed
}

/// When the newest entry was received.
fn newest(state: &State) -> Option<i64> {
    let filled = state.segments.values().filter(|info| info.entries > 0);
    filled.map(|info| info.newest).max()
}
