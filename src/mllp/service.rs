//! What is done with frames, from the framing's side.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::event::{ConnectionEvent, Peer};
use super::frame::Frame;

/// What is done with frames.
pub trait Service: Send + Sync + 'static {
    /// Deals with one frame and gives the bodies of the replies, none to many.
    ///
    /// Calls of one connection begin in the order of its frames, each when the one before has ended or has given up
    /// its `turn`. They then run together, and the replies are written in the order of the frames. A call is run to
    /// its end even when the peer is gone; it is dropped only when the runtime stops.
    fn call(
        &self,
        peer: &Peer,
        frame: Frame,
        turn: Turn<'_>,
    ) -> impl Future<Output = Vec<Bytes>> + Send;

    /// Hears of a connection's life.
    fn event(&self, peer: &Peer, event: ConnectionEvent);
}

/// The right of one frame to be the first of its connection. The next frame's call begins when this is dropped, at
/// the latest when the call ends. A service drops it as soon as the order is settled, for instance when the message
/// has its place in the journal's queue but is not on the disk yet, so that frames sent in one go are written in one go.
#[derive(Debug)]
pub struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    /// Takes the turn, unless another frame has it.
    pub(super) fn take(free: &'a AtomicBool) -> Option<Self> {
        let was_free = free.swap(false, Ordering::AcqRel);
        was_free.then(|| Self(free))
    }

    /// Runs `future` and gives the turn up once it has been started and has to wait.
    pub async fn until_waiting<F: Future>(self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let mut turn = Some(self);
        std::future::poll_fn(|context| {
            let polled = future.as_mut().poll(context);
            turn = None;
            polled
        })
        .await
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
