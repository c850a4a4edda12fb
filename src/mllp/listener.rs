//! The accepting end: who may connect, and a session for each who does.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::connections::{Connection, Connections, Entered};
use super::event::{CloseReason, ConnectionEvent, HandshakeFailure, Limit, Peer};
use super::service::Service;
use super::session;
use super::settings::ListenerSettings;
use super::stream::{self, Stream};
use super::tls::{self, Fingerprint, TlsError, TlsServer};

/// Connections the system may hold ready for us; more than a burst of reconnecting senders.
const BACKLOG: i32 = 1024;
/// How long to wait before accepting again when the system has no descriptor or memory to spare: doubled each time.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

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
        source: Box<TlsError>,
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
    /// What its connections may hold together.
    memory: Arc<Semaphore>,
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
            .map_err(|source| ListenError::Tls {
                listen,
                source: Box::new(source),
            })?;
        let bound = open_socket(listen).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (local, socket) = bound.map_err(|source| ListenError::Bind { listen, source })?;
        Ok(Self {
            socket,
            local,
            shared: Arc::new(Shared {
                memory: session::memory(settings.max_in_flight),
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
    let connection = &*entered.connection;
    let mut told = Told::opened(service, &peer, connection);
    let (settings, memory) = (&shared.settings, Arc::clone(&shared.memory));
    told.reason = session::run(stream, &peer, connection, settings, service, memory, cancel).await;
}

/// Tells the service that a connection has opened, and, when dropped, that it has closed: even if the service panics.
struct Told<'a, S: Service> {
    service: &'a S,
    peer: &'a Peer,
    connection: &'a Connection,
    reason: CloseReason,
}

impl<'a, S: Service> Told<'a, S> {
    fn opened(service: &'a S, peer: &'a Peer, connection: &'a Connection) -> Self {
        service.event(peer, ConnectionEvent::Opened);
        Self {
            service,
            peer,
            connection,
            reason: CloseReason::Aborted,
        }
    }
}

impl<S: Service> Drop for Told<'_, S> {
    fn drop(&mut self) {
        let reason = self.reason;
        let frames = self.connection.frames();
        let closed = ConnectionEvent::Closed { reason, frames };
        self.service.event(self.peer, closed);
    }
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

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
