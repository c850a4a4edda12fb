//! The accepting end: who may connect, and a session for each who does.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::connections::{Connections, Entered};
use super::decoder::Tolerance;
use super::event::{ConnectionEvent, HandshakeFailure, Limit, Peer};
use super::frame::Frame;
use super::session;
use super::stream::{self, Stream};
use super::tls::{self, Fingerprint, TlsError, TlsServer, TlsServerSettings};

/// Connections the system may hold ready for us; more than a burst of reconnecting senders.
const BACKLOG: i32 = 1024;
/// How long to wait before accepting again when the system has no descriptor or memory to spare: doubled each time.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How a listener listens.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Where. Port 0: the system chooses.
    pub listen: SocketAddr,
    /// How many connections at once; one more is closed at once.
    pub max_connections: usize,
    /// How many of these from one address.
    pub max_per_peer: usize,
    /// Closes a connection that has begun no frame and waits for no reply for this long. `None`: never, as interfaces
    /// are silent at night.
    pub idle_timeout: Option<Duration>,
    /// How long a frame may take from its first byte to its last.
    pub frame_timeout: Duration,
    /// How long a peer may take to read a reply.
    pub write_timeout: Duration,
    /// How long to wait for the CR behind an FS before the FS alone ends the frame.
    pub end_grace: Duration,
    /// Greatest length of a message in bytes.
    pub max_frame: usize,
    /// What becomes of a connection whose frame was larger than that.
    pub oversize: Oversize,
    /// Which addresses may connect. Empty: all.
    pub allow_from: Vec<IpNet>,
    /// Silence after which the system probes whether the peer is still there.
    pub keep_alive: Option<Duration>,
    /// How many frames of one connection may be in hand together; 1 or more. Replies keep the order of the frames.
    pub pipeline: usize,
    /// Which deviations from the framing rules are put up with.
    pub tolerance: Tolerance,
    /// TLS, if any.
    pub tls: Option<TlsServerSettings>,
}

impl ListenerSettings {
    /// The defaults: 256 connections, 64 a peer, no idle timeout, 30 s a frame and a reply, 16 MiB a message, 60 s
    /// keep-alive, 32 frames in hand, no TLS, everybody may connect.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            max_connections: 256,
            max_per_peer: 64,
            idle_timeout: None,
            frame_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            end_grace: Duration::from_millis(250),
            max_frame: 16 * 1024 * 1024,
            oversize: Oversize::Close,
            allow_from: Vec::new(),
            keep_alive: Some(Duration::from_secs(60)),
            pipeline: 32,
            tolerance: Tolerance::default(),
            tls: None,
        }
    }
}

/// What becomes of a connection whose frame was too large. Either way the service sees the frame's beginning, so that
/// it can refuse it by its control ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversize {
    /// The refusal is written, then the connection is closed.
    Close,
    /// The refusal is written, the rest of the frame is skipped, and the connection goes on.
    Skip,
}

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
        free.swap(false, Ordering::AcqRel).then_some(Self(free))
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

/// Why a listener cannot listen. The operator's fault or the system's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The address cannot be had: in use, not ours, or not allowed.
    #[error("cannot listen on {listen}")]
    Bind {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The TLS files cannot be used.
    #[error("cannot use TLS on {listen}")]
    Tls {
        /// The address asked for.
        listen: SocketAddr,
        /// Which file, and why.
        source: TlsError,
    },
}

/// A socket that listens. Connections wait in the system's queue until [`Listener::serve`].
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: ListenerSettings,
    connections: Connections,
    tls: Option<TlsServer>,
}

impl Listener {
    /// Listens. Called within a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be had, or the TLS files cannot be used.
    pub fn bind(settings: ListenerSettings) -> Result<Self, ListenError> {
        let listen = settings.listen;
        let tls = settings
            .tls
            .clone()
            .map(TlsServer::open)
            .transpose()
            .map_err(|source| ListenError::Tls { listen, source })?;
        let bound = open_socket(listen).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (local, socket) = bound.map_err(|source| ListenError::Bind { listen, source })?;
        Ok(Self {
            socket,
            local,
            shared: Arc::new(Shared {
                settings,
                connections: Connections::default(),
                tls,
            }),
        })
    }

    /// Where it listens, with the port the system chose.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Its open connections; the handle outlives the listener.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.shared.connections.clone()
    }

    /// Its certificates, to be read again by [`TlsServer::reload`].
    #[must_use]
    pub fn tls(&self) -> Option<TlsServer> {
        self.shared.tls.clone()
    }

    /// Accepts until `cancel`, a task in `tracker` for each connection. Returns when it accepts no more; the sessions
    /// then finish the frames they hold, write the replies and close: wait for `tracker`, as long as you care to.
    pub async fn serve<S: Service>(
        self,
        service: Arc<S>,
        tracker: TaskTracker,
        cancel: CancellationToken,
    ) {
        let mut failures = 0_u32;
        while let Some(accepted) = cancel.run_until_cancelled(self.socket.accept()).await {
            match accepted {
                Ok((socket, address)) => {
                    if failures > 0 {
                        info!(listen = %self.local, failures, "accepting connections again");
                        failures = 0;
                    }
                    self.welcome(socket, address, &service, &tracker, &cancel);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if failures == 0 {
                        warn!(listen = %self.local, %error, "cannot accept connections, trying on");
                    }
                    let wait = BACK_OFF.0 * 2_u32.saturating_pow(failures.min(10));
                    failures = failures.saturating_add(1);
                    let pause = tokio::time::sleep(wait.min(BACK_OFF.1));
                    cancel.run_until_cancelled(pause).await;
                }
            }
        }
    }

    /// Lets a connection in or sends it away.
    fn welcome<S: Service>(
        &self,
        socket: TcpStream,
        address: SocketAddr,
        service: &Arc<S>,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
    ) {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        match self.admit(address) {
            Ok(entered) => {
                let peer = Peer {
                    address,
                    connection: entered.number,
                    certificate: None,
                };
                let shared = Arc::clone(&self.shared);
                let service = Arc::clone(service);
                let cancel = cancel.clone();
                tracker.spawn(async move {
                    host(socket, peer, entered, &shared, &*service, &cancel).await;
                });
            }
            Err(limit) => {
                let connection = self.shared.connections.number_refused();
                let peer = Peer {
                    address,
                    connection,
                    certificate: None,
                };
                service.event(&peer, ConnectionEvent::Refused { limit });
            }
        }
    }

    fn admit(&self, address: SocketAddr) -> Result<Entered, Limit> {
        let settings = &self.shared.settings;
        if !is_allowed(&settings.allow_from, address.ip()) {
            return Err(Limit::AllowFrom);
        }
        self.shared
            .connections
            .enter(address, settings.max_connections, settings.max_per_peer)
    }
}

/// One connection from its handshake to its end.
async fn host<S: Service>(
    socket: TcpStream,
    mut peer: Peer,
    entered: Entered,
    shared: &Shared,
    service: &S,
    cancel: &CancellationToken,
) {
    // A socket that cannot be set up is dead already; reading from it says so.
    drop(stream::set_up(&socket, shared.settings.keep_alive));
    let stream = match &shared.tls {
        None => Stream::Plain(socket),
        Some(tls) => {
            // Boxed: the handshake is large, and the task keeps its size for as long as the connection lives.
            let shaken = cancel
                .run_until_cancelled(Box::pin(shake_hands(socket, tls)))
                .await;
            match shaken {
                None => return,
                Some(Ok((stream, certificate))) => {
                    peer.certificate = certificate;
                    stream
                }
                Some(Err(reason)) => {
                    service.event(&peer, ConnectionEvent::HandshakeFailed { reason });
                    return;
                }
            }
        }
    };
    service.event(&peer, ConnectionEvent::Opened);
    let connection = &*entered.connection;
    let reason = session::run(stream, &peer, connection, &shared.settings, service, cancel).await;
    let frames = connection.frames();
    service.event(&peer, ConnectionEvent::Closed { reason, frames });
}

async fn shake_hands(
    socket: TcpStream,
    tls: &TlsServer,
) -> Result<(Stream, Option<Fingerprint>), HandshakeFailure> {
    let limit = tls::HANDSHAKE_TIMEOUT;
    let accepted = timeout(limit, tls.acceptor().accept(socket))
        .await
        .map_err(|_| HandshakeFailure::TimedOut { limit })?;
    let stream = accepted.map_err(|error| HandshakeFailure::of(&error))?;
    let shown = stream.get_ref().1.peer_certificates();
    let certificate = shown.and_then(<[_]>::first).and_then(Fingerprint::of);
    Ok((Stream::Tls(Box::new(stream.into())), certificate))
}

fn open_socket(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(listen),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the connections of the run before to time out.
    socket.set_reuse_address(true)?;
    if listen.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&listen.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn is_allowed(allowed: &[IpNet], ip: IpAddr) -> bool {
    allowed.is_empty() || allowed.iter().any(|net| net.contains(&ip))
}

/// Whether an accept failed for a reason that has nothing to do with the next connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
