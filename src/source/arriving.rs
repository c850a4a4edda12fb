//! Messages on their way into the journal: of two copies that arrive together, the second waits for the first.
//!
//! The journal knows a message only once it is written. A sender that lost its connection and sends again at once, or
//! twice in one go, would otherwise have both copies taken for new.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// The dedup keys of the messages that are being stored.
#[derive(Default)]
pub(super) struct Arriving {
    keys: Mutex<HashSet<Bytes>>,
    left: Notify,
}

/// The right to look for a message in the journal and to store it; given up when dropped.
pub(super) struct Claim<'a> {
    all: &'a Arriving,
    key: Bytes,
}

impl Arriving {
    /// Waits until no other copy is on its way.
    pub(super) async fn claim(&self, key: &Bytes) -> Claim<'_> {
        loop {
            let mut left = pin!(self.left.notified());
            // From here on a copy that is done wakes this one, even before it waits.
            left.as_mut().enable();
            let new = self
                .keys
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key.clone());
            if new {
                return Claim {
                    all: self,
                    key: key.clone(),
                };
            }
            left.await;
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut keys = self.all.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
        drop(keys);
        self.all.left.notify_waiters();
    }
}
