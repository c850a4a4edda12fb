//! One connection to the receiver: frames out, acknowledgments in. Unlike the engine's client it may have several
//! frames under way and takes any number of answers to one: it shows what a receiver does, right or wrong.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::reply::Reply;
use crate::cli::exit::{Exit, Failure};
use crate::mllp::{self, CR, Decoder, FS, FrameError, Stream, TlsClient, Tolerance, VT};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// No acknowledgment is larger.
const MAX_REPLY: usize = 16 * 1024 * 1024;

/// Where to, and over TLS with what.
pub(in crate::cli) struct Endpoint {
    pub(in crate::cli) address: String,
    pub(in crate::cli) tls: Option<TlsClient>,
}

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Broken {
    #[error("closed by the receiver")]
    Closed,
    #[error("what came back is no MLLP frame")]
    Framing(#[from] FrameError),
    #[error("connection lost ({0})")]
    Lost(#[from] io::Error),
    #[error("no acknowledgment in time")]
    Timeout,
}

/// An open connection.
pub(in crate::cli) struct Connection {
    stream: Stream,
    decoder: Decoder,
    incoming: BytesMut,
    outgoing: BytesMut,
    replies: VecDeque<Reply>,
}

impl Endpoint {
    /// Opens a connection; a receiver that is not there is [`Exit::Unavailable`].
    pub(in crate::cli) async fn connect(&self) -> Result<Connection, Failure> {
        let opening = mllp::connect(&self.address, self.tls.as_ref());
        let error = match timeout(CONNECT_TIMEOUT, opening).await {
            Ok(Ok(stream)) => return Ok(Connection::over(stream)),
            Ok(Err(error)) => error,
            Err(_) => io::Error::from(io::ErrorKind::TimedOut),
        };
        let refused = error.kind() == io::ErrorKind::ConnectionRefused;
        let words = format!("cannot connect to {}", self.address);
        let failure = Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(words));
        Err(if refused {
            failure.hint("start the engine with `wardwire serve`, or name another receiver with --to HOST:PORT")
        } else {
            failure
        })
    }
}

impl Connection {
    fn over(stream: Stream) -> Self {
        Self {
            stream,
            decoder: Decoder::new(Tolerance::default(), MAX_REPLY),
            incoming: BytesMut::with_capacity(16 * 1024),
            outgoing: BytesMut::with_capacity(16 * 1024),
            replies: VecDeque::new(),
        }
    }

    /// Adds a frame of `parts` to what [`Connection::flush`] writes.
    pub(in crate::cli) fn push(&mut self, parts: &[&[u8]]) {
        self.outgoing.extend_from_slice(&[VT]);
        for part in parts {
            self.outgoing.extend_from_slice(part);
        }
        self.outgoing.extend_from_slice(&[FS, CR]);
    }

    /// Writes what was pushed.
    pub(in crate::cli) async fn flush(&mut self) -> Result<(), Broken> {
        if !self.outgoing.is_empty() {
            self.stream.write_all(&self.outgoing).await?;
            self.stream.flush().await?;
            self.outgoing.clear();
        }
        Ok(())
    }

    /// The next acknowledgment that came, if there is one at hand.
    pub(in crate::cli) fn taken(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// The next acknowledgment, waited for until `deadline`.
    pub(in crate::cli) async fn reply(&mut self, deadline: Instant) -> Result<Reply, Broken> {
        loop {
            if let Some(reply) = self.taken() {
                return Ok(reply);
            }
            self.fill(deadline).await?;
        }
    }

    /// Reads once, until `deadline`.
    pub(in crate::cli) async fn fill(&mut self, deadline: Instant) -> Result<(), Broken> {
        self.incoming.reserve(4096);
        let read = timeout_at(deadline, self.stream.read_buf(&mut self.incoming));
        let count = read.await.map_err(|_| Broken::Timeout)??;
        while let Some(frame) = self.decoder.next(&mut self.incoming)? {
            self.replies.push_back(Reply::new(frame.body));
        }
        if count == 0 {
            let last = self.decoder.finish(&mut self.incoming);
            let last = last.filter(|frame| !frame.truncated);
            self.replies
                .extend(last.map(|frame| Reply::new(frame.body)));
            if self.replies.is_empty() {
                return Err(Broken::Closed);
            }
        }
        Ok(())
    }
}
