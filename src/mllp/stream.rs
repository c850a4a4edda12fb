//! A connection's bytes, in the clear or over TLS, as one type; how they are read without holding memory while
//! nothing comes, and how a socket is set up and left.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// How much is read at once while nothing is buffered; lies on the stack.
const SCRATCH: usize = 16 * 1024;
/// How much a buffer grows at least when a frame is being read.
const GROWTH: usize = 16 * 1024;
/// How long a peer may take to notice that we have closed our side, so that it still gets the replies.
const LINGER: Duration = Duration::from_secs(1);

/// A connection. TLS state is boxed: it is large, and most connections have none.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::TlsStream<TcpStream>>),
}

impl Stream {
    /// Appends what has come to `buffer`; 0 at the end of the stream. While nothing comes and `buffer` is empty, no
    /// memory is held.
    pub(super) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        if !buffer.is_empty() {
            buffer.reserve(GROWTH);
            let read = tokio_util::io::poll_read_buf(Pin::new(self), context, buffer);
            return read;
        }
        let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
        let mut scratch = ReadBuf::uninit(&mut scratch);
        ready!(Pin::new(self).poll_read(context, &mut scratch))?;
        buffer.extend_from_slice(scratch.filled());
        Poll::Ready(Ok(scratch.filled().len()))
    }

    /// Closes our side and lets the peer read what we wrote: a socket closed with bytes unread would take the
    /// replies back.
    pub(super) async fn leave(mut self) {
        let goodbye = async {
            self.shutdown().await?;
            loop {
                let mut ignored = BytesMut::new();
                let read = std::future::poll_fn(|context| self.poll_fill(context, &mut ignored));
                if read.await? == 0 {
                    return io::Result::Ok(());
                }
            }
        };
        // Whether the peer hears it or not, the connection ends here.
        drop(tokio::time::timeout(LINGER, goodbye).await);
    }
}

/// Sets what every connection of ours has: no delay, and probes that find a peer gone without a word.
pub(super) fn set_up(socket: &TcpStream, keep_alive: Option<Duration>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    if let Some(time) = keep_alive {
        let probe = (time / 3).max(Duration::from_secs(1));
        let keep_alive = TcpKeepalive::new()
            .with_time(time)
            .with_interval(probe)
            .with_retries(3);
        SockRef::from(socket).set_tcp_keepalive(&keep_alive)?;
    }
    Ok(())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
