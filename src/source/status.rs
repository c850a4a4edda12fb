//! What a source counts: figures, never content.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;
use serde::Serialize;

/// A source's counters since the engine started.
#[derive(Debug, Default)]
pub struct SourceStatus {
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) damaged: AtomicU64,
    pub(super) unmatched_acknowledgments: AtomicU64,
    pub(super) not_stored: AtomicU64,
    pub(super) warnings: AtomicU64,
    pub(super) connections_refused: AtomicU64,
    pub(super) connections_without_frame: AtomicU64,
    last_received: AtomicI64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceFigures {
    /// Messages taken over.
    pub accepted: u64,
    /// Messages refused with a reason.
    pub refused: u64,
    /// Re-sent messages that got their stored acknowledgment again.
    pub duplicates: u64,
    /// Frames that held no readable message.
    pub damaged: u64,
    /// Acknowledgments that nobody waited for.
    pub unmatched_acknowledgments: u64,
    /// Messages refused because the journal could not take them.
    pub not_stored: u64,
    /// Oddities of framing and structure that were tolerated.
    pub warnings: u64,
    /// Connections closed at the door: a limit, or TLS.
    pub connections_refused: u64,
    /// Connections that never began a frame.
    pub connections_without_frame: u64,
    /// When the last message came.
    pub last_received: Option<Timestamp>,
}

impl SourceStatus {
    pub(super) fn saw(&self, at: Timestamp) {
        self.last_received.store(at.as_microsecond(), Relaxed);
    }

    pub(super) fn warned(&self, oddities: usize) {
        self.warnings.fetch_add(oddities as u64, Relaxed);
    }

    /// The counters now.
    #[must_use]
    pub fn figures(&self) -> SourceFigures {
        let last = self.last_received.load(Relaxed);
        SourceFigures {
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            duplicates: self.duplicates.load(Relaxed),
            damaged: self.damaged.load(Relaxed),
            unmatched_acknowledgments: self.unmatched_acknowledgments.load(Relaxed),
            not_stored: self.not_stored.load(Relaxed),
            warnings: self.warnings.load(Relaxed),
            connections_refused: self.connections_refused.load(Relaxed),
            connections_without_frame: self.connections_without_frame.load(Relaxed),
            last_received: (last != 0)
                .then(|| Timestamp::from_microsecond(last).ok())
                .flatten(),
        }
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
