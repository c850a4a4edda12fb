//! How much of a listener's memory one connection holds: half-read frames and frames in hand, beyond a small free part.
//!
//! The memory is shared by all connections of a listener (`max_in_flight`). Who needs more than is left waits with
//! reading, and so its sender waits; a frame that is not complete within `frame_timeout` gives back what it holds,
//! so that waiting ends even if everybody waits.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

/// What a connection holds without asking, in bytes: most messages fit.
const FREE: usize = 64 * 1024;
/// Memory is handed out in pieces of so many bytes.
const UNIT: usize = 64 * 1024;

/// The memory of a listener of which `bytes` may be in use, in the pieces that [`Allowance`] takes.
pub(in crate::mllp) fn memory(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(
        (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS),
    ))
}

/// One connection's part.
pub(super) struct Allowance {
    memory: PollSemaphore,
    held: Option<OwnedSemaphorePermit>,
}

impl Allowance {
    pub(super) fn new(memory: Arc<Semaphore>) -> Self {
        Self {
            memory: PollSemaphore::new(memory),
            held: None,
        }
    }

    /// Ready when this connection may hold `bytes`; gives back what it no longer needs.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, bytes: usize) -> Poll<()> {
        let wanted = bytes.saturating_sub(FREE).div_ceil(UNIT);
        let held = self
            .held
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        if wanted == 0 {
            self.held = None;
        } else if let Some(permit) = &mut self.held
            && wanted < held
        {
            drop(permit.split(held - wanted));
        }
        let Some(more) = wanted.checked_sub(held).filter(|&more| more > 0) else {
            return Poll::Ready(());
        };
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let Some(permit) = std::task::ready!(self.memory.poll_acquire_many(context, more)) else {
            return Poll::Ready(());
        };
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_granted(allowance: &mut Allowance, bytes: usize) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        allowance.poll(&mut context, bytes).is_ready()
    }

    #[test]
    fn connections_share_the_memory_and_small_messages_need_none_of_it() {
        let memory = memory(4 * UNIT);
        let (mut one, mut other) = (Allowance::new(Arc::clone(&memory)), Allowance::new(memory));
        assert!(is_granted(&mut one, FREE + 4 * UNIT));
        assert!(is_granted(&mut other, FREE));
        assert!(!is_granted(&mut other, FREE + 1), "nothing is left");
        assert!(is_granted(&mut one, FREE + 3 * UNIT), "some is given back");
        assert!(is_granted(&mut other, FREE + 1));
        drop(one);
        assert!(is_granted(&mut other, FREE + 4 * UNIT));
    }
}
