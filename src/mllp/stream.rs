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
use tokio_util::io::poll_read_buf;

use super::tls::TlsClient;

/// How much is read at once while nothing is buffered; lies on the stack.
const SCRATCH: usize = 16 * 1024;
/// How much a buffer grows at least when a frame is being read.
const GROWTH: usize = 16 * 1024;
/// How long a peer may take to notice that we have closed our side, so that it still gets the replies.
const LINGER: Duration = Duration::from_secs(1);

/// A connection. TLS state is boxed: it is large, and most connections have none.
pub(crate) enum Stream {
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
        let read = if buffer.is_empty() {
            self.poll_first(context, buffer)
        } else {
            buffer.reserve(GROWTH);
            poll_read_buf(Pin::new(self), context, buffer)
        };
        match read {
            // A peer that closes TCP without closing TLS first. Framing tells whether a message was cut off.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Poll::Ready(Ok(0))
            }
            read => read,
        }
    }

    fn poll_first(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
        let mut scratch = ReadBuf::uninit(&mut scratch);
        ready!(Pin::new(self).poll_read(context, &mut scratch))?;
        buffer.extend_from_slice(scratch.filled());
        Poll::Ready(Ok(scratch.filled().len()))
    }

    /// How many bytes wait in the socket, asked of the system itself: `None` if none do, 0 at the end of the stream. Over
    /// TLS these are not all the peer's own.
    pub(super) fn peek(&self) -> io::Result<Option<usize>> {
        let socket = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        let mut byte = [MaybeUninit::uninit()];
        match SockRef::from(socket).peek(&mut byte) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Closes the connection. `linger`: lets the peer read first what we wrote, because a socket closed with bytes
    /// unread takes back what is still under way.
    pub(super) async fn leave(mut self, linger: bool) {
        let goodbye = async {
            self.shutdown().await?;
            let mut ignored = BytesMut::new();
            while linger
                && 0 < std::future::poll_fn(|context| self.poll_fill(context, &mut ignored)).await?
            {
                ignored.clear();
            }
            io::Result::Ok(())
        };
        // Whether the peer hears it or not, the connection ends here.
        drop(tokio::time::timeout(LINGER, goodbye).await);
    }
}

/// Opens a connection to `endpoint` (`host:port`), over TLS if that is given: for tools that speak the wire themselves.
/// How long it may take is the caller's to say.
pub(crate) async fn connect(endpoint: &str, tls: Option<&TlsClient>) -> io::Result<Stream> {
    let socket = TcpStream::connect(endpoint).await?;
    set_up(&socket, None)?;
    let Some(tls) = tls else {
        return Ok(Stream::Plain(socket));
    };
    let name = tls.name(host_of(endpoint)).map_err(io::Error::other)?;
    let stream = tls.connector().connect(name, socket).await?;
    Ok(Stream::Tls(Box::new(stream.into())))
}

/// `host:port` without the port, and without the brackets around an IPv6 address.
pub(super) fn host_of(endpoint: &str) -> &str {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
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
