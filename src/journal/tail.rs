//! The newest durable entries in memory, so that lanes that keep up never touch the disk.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Entry, Position};

const ENTRIES: usize = 1024;
const BYTES: usize = 4 << 20;

/// All entries after some position, oldest first.
pub(crate) struct Tail {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    after: Position,
}

/// The answer to "what comes after".
pub(crate) enum After {
    Entry(Arc<Entry>),
    /// Nothing is there yet.
    Nothing,
    /// Too long ago: it must be read from the disk.
    Behind,
}

impl Tail {
    /// An empty tail: there is nothing after `after` yet.
    pub(crate) fn new(after: Position) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            after,
        }
    }

    pub(crate) fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.raw.len();
        self.entries.push_back(entry);
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= oldest.raw.len();
            self.after = oldest.position;
        }
    }

    /// The first entry after `position`.
    pub(crate) fn after(&self, position: Position) -> After {
        if position < self.after {
            return After::Behind;
        }
        let place = self
            .entries
            .partition_point(|entry| entry.position <= position);
        self.entries
            .get(place)
            .map_or(After::Nothing, |entry| After::Entry(Arc::clone(entry)))
    }

    /// The entry at `position` if it is here.
    pub(crate) fn at(&self, position: Position) -> Option<Arc<Entry>> {
        let place = self
            .entries
            .binary_search_by_key(&position, |entry| entry.position)
            .ok()?;
        self.entries.get(place).cloned()
    }
}
