//! Questions to the running journal: was this message here before, where do the destinations stand.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::core::{Core, lock};
use super::state::State;
use super::{DestinationState, Duplicate, JournalError, Position};

/// How many messages with one control ID are compared with a new one, from the youngest.
const MOST_LOOKED_AT: usize = 16;

/// Where the destinations of `state` stand; the oldest waiting entry to the segment.
pub(crate) fn standings(state: &State) -> Vec<DestinationState> {
    let all = state.destinations.iter().map(|(name, place)| {
        let backlog = state.backlog(place);
        let holds = |first: u64, count: u64| first + count > place.done;
        let oldest = state
            .segments
            .values()
            .find(|info| holds(info.first_ordinal, info.accepted));
        let oldest = oldest.and_then(|info| Timestamp::from_microsecond(info.oldest).ok());
        DestinationState {
            name: name.to_string(),
            done_to: place.done_to,
            backlog,
            parked: place.parked.len(),
            replays: place.replays.len(),
            oldest_waiting: oldest.filter(|_| backlog > 0),
        }
    });
    all.collect()
}

/// See [`super::Journal::duplicate`].
pub(crate) async fn duplicate(
    core: &Arc<Core>,
    source: &str,
    dedup: &[u8],
    body_hash: u64,
    window: Duration,
) -> Result<Option<Duplicate>, JournalError> {
    let hash = core.index_key.of_dedup(source, dedup);
    let since = core.clock.now().as_microsecond();
    let since = since.saturating_sub(i64::try_from(window.as_micros()).unwrap_or(i64::MAX));
    let (mut found, older) = in_memory(core, hash, since);
    if !older.is_empty() {
        let there = Arc::clone(core);
        let asked = tokio::task::spawn_blocking(move || on_disk(&there, hash, &older)).await;
        found.extend(asked.unwrap_or_else(|_| Err(core.ended()))?);
    }
    let mut other = None;
    // One that came twice with another between them is still known, and a sender that writes the same control ID into
    // everything does not make us read all it sent.
    for position in found.into_iter().take(MOST_LOOKED_AT) {
        core.wait_durable(position).await?;
        let known = lock(&core.tail).at(position);
        let entry = if let Some(entry) = known {
            entry
        } else {
            let there = Arc::clone(core);
            let read = tokio::task::spawn_blocking(move || there.read(position)).await;
            match read.unwrap_or_else(|_| Err(core.ended())) {
                // Retention was quicker.
                Err(JournalError::NotFound { .. }) => continue,
                other => Arc::new(other?),
            }
        };
        let same = &*entry.source == source && entry.keys.dedup.as_deref() == Some(dedup);
        if !same || entry.received.as_microsecond() < since {
            continue;
        }
        let same_body = entry.keys.body_hash == body_hash;
        let duplicate = Duplicate {
            position,
            same_body,
        };
        if same_body {
            return Ok(Some(duplicate));
        }
        other.get_or_insert(duplicate);
    }
    Ok(other)
}

/// The positions with this dedup hash in the segments whose index is in memory, newest first, and the segments whose
/// sidecar must be asked.
fn in_memory(core: &Core, hash: u64, since: i64) -> (Vec<Position>, Vec<u32>) {
    let index = lock(&core.index);
    let finishing = index
        .sealing
        .iter()
        .rev()
        .map(|(number, it)| (*number, &**it));
    let in_memory = std::iter::once((index.active_segment, &index.active)).chain(finishing);
    let found = in_memory.flat_map(|(number, it)| {
        let offsets = it.lookup(hash).into_iter();
        offsets.map(move |at| Position::new(number, at))
    });
    (found.collect(), index.sieve.candidates(hash, since))
}

fn on_disk(core: &Core, hash: u64, numbers: &[u32]) -> Result<Vec<Position>, JournalError> {
    let mut found = Vec::new();
    for number in numbers {
        let Some(sidecar) = core.sidecar(*number)? else {
            continue;
        };
        match sidecar.lookup(&*core.files, hash) {
            Ok(offsets) => found.extend(offsets.into_iter().map(|at| Position::new(*number, at))),
            // Retention was quicker.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                let path = core.settings.dir.clone();
                return Err(JournalError::Io {
                    action: "search",
                    path,
                    source,
                });
            }
        }
    }
    Ok(found)
}
