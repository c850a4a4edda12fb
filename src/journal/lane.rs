//! A destination's ordered reading of the journal.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::core::{Request, lock};
use super::payload::Cursor;
use super::tail::After;
use super::{Disposition, Entry, Journal, JournalError, Position, reader};

/// A destination's reading of the journal: entries in order, each until it is settled.
pub struct Lane {
    journal: Journal,
    destination: Arc<str>,
    durable: watch::Receiver<Position>,
    changes: watch::Receiver<u64>,
    /// The last record looked at.
    after: Position,
    /// The ordinal of the next accepted entry, unless it is missing.
    expected: u64,
    /// Read from the disk, not looked at yet.
    ahead: VecDeque<Arc<Entry>>,
    /// The last record that `ahead` stands for.
    ahead_to: Position,
    /// Given out, perhaps not settled.
    current: Option<Arc<Entry>>,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lane({} after {})", self.destination, self.after)
    }
}

/// What a lane has to do next.
#[derive(Debug, Clone)]
pub struct Next {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Whether a person asked to send it again.
    pub replay: bool,
}

enum Pick {
    Entry(Arc<Entry>),
    Replay(Position),
    Behind,
    Nothing,
}

impl Lane {
    pub(crate) fn new(journal: Journal, destination: Arc<str>) -> Result<Self, JournalError> {
        let durable = journal.core.durable.subscribe();
        let mut live = lock(&journal.core.live);
        let changes = live.desk(&destination).changes.subscribe();
        let place = live
            .state
            .destinations
            .get(&destination)
            .map(|place| (place.done_to, place.done));
        drop(live);
        let Some((after, expected)) = place else {
            return Err(JournalError::UnknownDestination {
                name: destination.to_string(),
            });
        };
        let ahead = VecDeque::new();
        Ok(Self {
            journal,
            destination,
            durable,
            changes,
            after,
            expected,
            ahead,
            ahead_to: after,
            current: None,
        })
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
        loop {
            self.durable.mark_unchanged();
            self.changes.mark_unchanged();
            self.journal.core.check()?;
            match self.pick()? {
                Pick::Entry(entry) => {
                    return Ok(Next {
                        entry,
                        replay: false,
                    });
                }
                Pick::Replay(position) => {
                    let entry = self.journal.read(position).await?;
                    return Ok(Next {
                        entry,
                        replay: true,
                    });
                }
                Pick::Behind => self.read_ahead().await?,
                Pick::Nothing => {
                    let core = &self.journal.core;
                    tokio::select! {
                        changed = self.durable.changed() => changed.map_err(|_| core.ended())?,
                        changed = self.changes.changed() => changed.map_err(|_| core.ended())?,
                    }
                }
            }
        }
    }

    async fn read_ahead(&mut self) -> Result<(), JournalError> {
        let (core, after) = (Arc::clone(&self.journal.core), self.after);
        let read = tokio::task::spawn_blocking(move || reader::ahead(&core, after)).await;
        let (entries, last) = read.unwrap_or_else(|_| Err(self.journal.core.ended()))?;
        if entries.is_empty() {
            self.after = self.after.max(last);
        }
        (self.ahead, self.ahead_to) = (entries.into(), last);
        Ok(())
    }

    /// What is to be done, from memory.
    fn pick(&mut self) -> Result<Pick, JournalError> {
        let core = Arc::clone(&self.journal.core);
        let mut live = lock(&core.live);
        let live = &mut *live;
        let Some(place) = live.state.destinations.get(&self.destination) else {
            return Err(JournalError::UnknownDestination {
                name: self.destination.to_string(),
            });
        };
        let desk = live.desks.entry(Arc::clone(&self.destination)).or_default();
        if let Some((position, _)) = place
            .replays
            .iter()
            .find(|(at, _)| !desk.pending.contains(at))
        {
            return Ok(Pick::Replay(*position));
        }
        let settled = |at| desk.pending.contains(&at) || place.is_settled(at);
        if let Some(current) = self.current.take_if(|current| !settled(current.position)) {
            self.current = Some(Arc::clone(&current));
            return Ok(Pick::Entry(current));
        }
        self.current = None;
        loop {
            let entry = if let Some(entry) = self.ahead.pop_front() {
                if self.ahead.is_empty() {
                    self.after = self.ahead_to;
                }
                entry
            } else {
                match lock(&core.tail).after(self.after) {
                    After::Entry(entry) => entry,
                    After::Behind => return Ok(Pick::Behind),
                    After::Nothing => return Ok(Pick::Nothing),
                }
            };
            self.after = self.after.max(entry.position);
            if entry.disposition != Disposition::Accepted {
                continue;
            }
            if entry.ordinal >= self.expected {
                let expected = live.state.past_gaps(self.expected);
                if entry.ordinal > expected {
                    // Damage took what lay between: nobody may wait for it.
                    let cursor = Cursor::Gap {
                        from: expected,
                        to: entry.ordinal,
                    };
                    core.push(Request::Cursor { cursor, done: None })?;
                }
                self.expected = entry.ordinal + 1;
            }
            if !settled(entry.position) {
                desk.handed.insert(entry.position, entry.ordinal);
                self.current = Some(Arc::clone(&entry));
                return Ok(Pick::Entry(entry));
            }
        }
    }
}
