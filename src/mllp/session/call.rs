//! A frame in hand: the service's call for it, and then its replies.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

/// A frame in hand.
pub(super) struct Call<'a> {
    future: Pin<Box<dyn Future<Output = Vec<Bytes>> + Send + 'a>>,
    pub(super) replies: Option<Vec<Bytes>>,
    pub(super) size: usize,
}

impl<'a> Call<'a> {
    /// `size`: how many bytes the frame's body has.
    pub(super) fn new(size: usize, future: impl Future<Output = Vec<Bytes>> + Send + 'a) -> Self {
        Self {
            future: Box::pin(future),
            replies: None,
            size,
        }
    }

    /// Moves it on, unless it is done.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        if self.replies.is_none()
            && let Poll::Ready(replies) = self.future.as_mut().poll(context)
        {
            self.replies = Some(replies);
        }
    }
}
