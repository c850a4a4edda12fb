//! One connection to the receiver: raw bytes out, frames in, cut here and strictly, so that a fault of our own framing
//! cannot hide behind it.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::mllp::{self, CR, FS, Stream, TlsClient, VT};

/// No answer is larger; more is given up as no answer.
const MOST_ANSWERED: usize = 1024 * 1024;

/// The receiver under test.
#[derive(Clone, Debug)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// TLS, if any.
    pub tls: Option<TlsClient>,
}

/// An open connection.
pub(super) struct Wire {
    stream: Stream,
    incoming: BytesMut,
    ended: bool,
}

/// What comes next from the receiver.
pub(super) enum Heard {
    /// The body of a frame.
    Reply(Bytes),
    /// Bytes that are no whole frame, and nothing more came.
    Unframed,
    /// The connection's end.
    Closed,
    /// Nothing until the deadline.
    Silence,
}

impl Target {
    pub(super) async fn open(&self, patience: Duration) -> io::Result<Wire> {
        let opening = mllp::connect(&self.address, self.tls.as_ref());
        let opened = timeout(patience, opening).await;
        let stream = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        Ok(Wire {
            stream,
            incoming: BytesMut::new(),
            ended: false,
        })
    }
}

impl Wire {
    /// Writes all of it, unless the receiver does not take it in time.
    pub(super) async fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        let writing = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(patience, writing)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    pub(super) async fn end_writing(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// What comes next; `raw` is told every byte that was read.
    pub(super) async fn next(&mut self, deadline: Instant, mut raw: impl FnMut(&[u8])) -> Heard {
        loop {
            if let Some(body) = self.frame() {
                return Heard::Reply(body);
            }
            if self.ended || self.incoming.len() > MOST_ANSWERED {
                return self.rest(Heard::Closed);
            }
            let had = self.incoming.len();
            self.incoming.reserve(4096);
            match timeout_at(deadline, self.stream.read_buf(&mut self.incoming)).await {
                Err(_) => return self.rest(Heard::Silence),
                Ok(Ok(0) | Err(_)) => self.ended = true,
                Ok(Ok(_)) => raw(self.incoming.get(had..).unwrap_or_default()),
            }
        }
    }

    /// Takes the first frame, if the bytes begin with one.
    fn frame(&mut self) -> Option<Bytes> {
        if self.incoming.first() != Some(&VT) {
            return None;
        }
        let end = memmem::find(&self.incoming, &[FS, CR])?;
        let frame = self.incoming.split_to(end + 2).freeze();
        Some(frame.slice(1..end))
    }

    /// What is left without a frame, once.
    fn rest(&mut self, otherwise: Heard) -> Heard {
        let any = !self.incoming.is_empty();
        self.incoming.clear();
        if any { Heard::Unframed } else { otherwise }
    }
}
