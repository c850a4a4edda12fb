//! What a written record changes in memory, and who is told when.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::core::{Core, Done, lock};
use super::index::Hashes;
use super::payload::{Cursor, Note, What};
use super::syncer::Waiter;
use super::{Disposition, Entry, JournalError, Position};

/// What a record in the batch changes once it is written.
pub(crate) enum Effect {
    Entry {
        entry: Arc<Entry>,
        hashes: Hashes,
        done: oneshot::Sender<Result<Position, JournalError>>,
    },
    Note {
        note: Note,
        offset: u32,
        durable: bool,
        done: Option<Done>,
    },
    Cursor {
        cursor: Cursor,
        done: Option<Done>,
    },
    Retired {
        numbers: Vec<u32>,
        done: Option<Done>,
    },
    Closed {
        done: Option<Done>,
    },
}

/// Makes the records written to segment `number` count: who waits for the disk, and who only waited for the write.
pub(crate) fn apply(
    core: &Core,
    number: u32,
    effects: &mut Vec<Effect>,
) -> (Vec<Waiter>, Vec<Done>) {
    let (mut waiters, mut written) = (Vec::with_capacity(effects.len()), Vec::new());
    let mut live = lock(&core.live);
    let mut index = lock(&core.index);
    let mut changed: Vec<Arc<str>> = Vec::new();
    for effect in effects.drain(..) {
        match effect {
            Effect::Entry {
                entry,
                hashes,
                done,
            } => {
                let accepted = entry.disposition == Disposition::Accepted;
                live.state.entry(
                    number,
                    entry.ordinal,
                    accepted,
                    entry.received.as_microsecond(),
                );
                index.active.entry(&entry, &hashes);
                waiters.push(Waiter::Entry(entry, done));
            }
            Effect::Note {
                note,
                offset,
                durable,
                done,
            } => {
                live.state.record(number);
                live.state.note(&note);
                index.active.note(&note, offset);
                let desk = live.desk(&note.destination);
                desk.pending.remove(&note.position);
                if matches!(note.what, What::Settled { .. }) {
                    desk.handed.remove(&note.position);
                }
                match done {
                    Some(done) if durable => waiters.push(Waiter::Other(done)),
                    Some(done) => written.push(done),
                    None => {}
                }
                if !changed.contains(&note.destination) {
                    changed.push(note.destination);
                }
            }
            Effect::Cursor { cursor, done } => {
                live.state.record(number);
                live.state.cursor(&cursor);
                waiters.extend(done.map(Waiter::Other));
            }
            Effect::Retired { numbers, done } => {
                live.state.retire(&numbers);
                waiters.extend(done.map(Waiter::Other));
            }
            Effect::Closed { done } => waiters.extend(done.map(Waiter::Other)),
        }
    }
    drop(index);
    for destination in changed {
        live.desk(&destination)
            .changes
            .send_modify(|count| *count += 1);
    }
    (waiters, written)
}
