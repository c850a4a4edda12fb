//! Who is connected, and what happens to connections: told to the service, which counts and logs it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::decoder::FrameError;
use super::frame::FrameWarning;
use super::tls::Fingerprint;

/// The other end of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it connects from. IPv4 addresses are shown as such even on a socket that also takes IPv6.
    pub address: SocketAddr,
    /// The connection's number at its listener, from 1.
    pub connection: u64,
    /// SHA-256 of the certificate it showed, over TLS with client certificates.
    pub certificate: Option<Fingerprint>,
}

/// What became of a connection, apart from its frames.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// Accepted, and over TLS the handshake has succeeded. Exactly one `Closed` follows.
    Opened,
    /// Ended.
    Closed {
        /// Why.
        reason: CloseReason,
        /// How many frames it brought.
        frames: u64,
    },
    /// Closed before a byte was read. No other event tells of this connection.
    Refused {
        /// The limit it would have broken.
        limit: Limit,
    },
    /// The TLS handshake failed. No other event tells of this connection.
    HandshakeFailed {
        /// Why.
        reason: HandshakeFailure,
    },
    /// An oddity behind the last frame, which no later frame has told of.
    Warned(FrameWarning),
}

/// A limit on who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// Not in `allow_from`.
    #[error("allow_from: its address is not on the list")]
    AllowFrom,
    /// As many connections as the listener takes.
    #[error("max_connections: {0} are open")]
    Connections(usize),
    /// As many connections as the listener takes from one address.
    #[error("max_per_peer: {0} are open from its address")]
    PerPeer(usize),
}

impl Limit {
    /// The name used in logs and counters: the setting's.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AllowFrom => "allow_from",
            Self::Connections(_) => "max_connections",
            Self::PerPeer(_) => "max_per_peer",
        }
    }
}

/// Why there is no TLS connection.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeFailure {
    /// The connection failed or the peer broke it off.
    #[error("the connection failed: {0}")]
    Io(io::ErrorKind),
    /// One of the two refused the other, for instance for its certificate.
    #[error("{0}")]
    Tls(rustls::Error),
    /// Not done in time.
    #[error("not done within {limit:?}")]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
}

impl HandshakeFailure {
    pub(super) fn of(error: &io::Error) -> Self {
        error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .map_or_else(|| Self::Io(error.kind()), |tls| Self::Tls(tls.clone()))
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The service failed on one of its frames, or the runtime stopped.
    #[error("its session was given up")]
    Aborted,
    /// We are stopping; all frames in hand were answered.
    #[error("the engine stopped listening")]
    Drained,
    /// The peer's bytes cannot be followed.
    #[error("{0}")]
    Framing(FrameError),
    /// A frame was larger than allowed.
    #[error("a frame larger than max_frame ({limit} bytes)")]
    FrameTooLarge {
        /// The setting, in bytes.
        limit: usize,
    },
    /// A frame was begun and not ended in time.
    #[error("a frame not ended within frame_timeout ({limit:?})")]
    FrameTimeout {
        /// The setting.
        limit: Duration,
    },
    /// Nothing was sent for long.
    #[error("nothing sent within idle_timeout ({limit:?})")]
    IdleTimeout {
        /// The setting.
        limit: Duration,
    },
    /// No frame was ever begun: a port scan, a health check, another protocol. Not worth a log line each.
    #[error("no frame, only {bytes} other bytes")]
    JunkOnly {
        /// How many bytes it sent.
        bytes: u64,
    },
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Lost(io::ErrorKind),
    /// The peer closed it between two frames.
    #[error("the peer closed it")]
    PeerClosed,
    /// The peer closed it inside a frame.
    #[error("the peer closed it inside a frame")]
    PeerClosedInFrame,
    /// The peer does not read our replies.
    #[error("a reply not taken within write_timeout ({limit:?})")]
    WriteTimeout {
        /// The setting.
        limit: Duration,
    },
}

impl CloseReason {
    /// The name used in logs and counters.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Drained => "drained",
            Self::Framing(_) => "framing",
            Self::FrameTooLarge { .. } => "frame_too_large",
            Self::FrameTimeout { .. } => "frame_timeout",
            Self::IdleTimeout { .. } => "idle_timeout",
            Self::JunkOnly { .. } => "junk_only",
            Self::Lost(_) => "lost",
            Self::PeerClosed => "peer_closed",
            Self::PeerClosedInFrame => "peer_closed_in_frame",
            Self::WriteTimeout { .. } => "write_timeout",
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)
    }
}
