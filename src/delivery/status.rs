//! How a lane is doing, for `status` and the start screen: words and numbers, never content.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::settings::DestinationSettings;
use crate::journal::Position;

/// What a lane is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaneState {
    /// Everything is settled; it waits for messages.
    Idle,
    /// A message is on its way.
    Delivering,
    /// The first message in line does not get through; those behind it wait.
    Retrying {
        /// Which message.
        position: Position,
        /// Since when.
        since: Timestamp,
        /// How often it was tried.
        attempts: u32,
        /// Why the last try failed.
        reason: Arc<str>,
        /// When the next one is due.
        next_try: Timestamp,
    },
    /// It waits until somebody replays or discards what is parked (`on_park = "stop"`).
    Stopped {
        /// The oldest parked message.
        position: Position,
        /// Since when.
        since: Timestamp,
        /// How many are parked.
        parked: usize,
    },
    /// It does nothing any more: the engine stops, or the journal failed.
    Ended {
        /// Why.
        reason: Arc<str>,
    },
}

/// A lane's state and counters at one moment. Counters begin at the start of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneSnapshot {
    /// The destination's name.
    pub name: Arc<str>,
    /// `mllp`, `file` or `http`.
    pub kind: &'static str,
    /// Where it leads, without secrets.
    pub endpoint: Arc<str>,
    /// What it is doing.
    pub state: LaneState,
    /// Messages the partner has taken.
    pub delivered: u64,
    /// Messages that no route sends here.
    pub filtered: u64,
    /// Messages that this lane set aside.
    pub parked: u64,
    /// Tries that failed and were repeated.
    pub retries: u64,
    /// When the partner last took a message.
    pub last_success: Option<Timestamp>,
    /// The last acknowledgment code or HTTP status.
    pub last_code: Option<Arc<str>>,
}

/// How a lane is doing, kept up by the lane and read by whoever asks.
#[derive(Debug)]
pub struct LaneStatus {
    name: Arc<str>,
    kind: &'static str,
    endpoint: Arc<str>,
    delivered: AtomicU64,
    filtered: AtomicU64,
    parked: AtomicU64,
    retries: AtomicU64,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    state: LaneState,
    last_success: Option<Timestamp>,
    last_code: Option<Arc<str>>,
}

impl LaneStatus {
    /// The status of a lane that has not begun.
    #[must_use]
    pub fn new(settings: &DestinationSettings) -> Self {
        Self {
            name: Arc::clone(&settings.name),
            kind: settings.kind.as_str(),
            endpoint: settings.kind.endpoint().into(),
            delivered: AtomicU64::new(0),
            filtered: AtomicU64::new(0),
            parked: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            now: Mutex::new(Now {
                state: LaneState::Idle,
                last_success: None,
                last_code: None,
            }),
        }
    }

    /// What there is to say at this moment.
    #[must_use]
    pub fn snapshot(&self) -> LaneSnapshot {
        let now = self.now();
        LaneSnapshot {
            name: Arc::clone(&self.name),
            kind: self.kind,
            endpoint: Arc::clone(&self.endpoint),
            state: now.state.clone(),
            delivered: self.delivered.load(Ordering::Relaxed),
            filtered: self.filtered.load(Ordering::Relaxed),
            parked: self.parked.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            last_success: now.last_success,
            last_code: now.last_code.clone(),
        }
    }

    pub(super) fn set(&self, state: LaneState) {
        self.now().state = state;
    }

    pub(super) fn count_delivered(&self, at: Timestamp) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.now().last_success = Some(at);
    }

    pub(super) fn count_filtered(&self) {
        self.filtered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_parked(&self) {
        self.parked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn saw_code(&self, code: &str) {
        let mut now = self.now();
        if now.last_code.as_deref() != Some(code) {
            now.last_code = Some(code.into());
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        // Whoever panicked while holding it left whole values behind.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
