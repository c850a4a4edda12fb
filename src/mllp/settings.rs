//! How a listener listens.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::decoder::Tolerance;
use super::tls::TlsServerSettings;

/// How a listener listens.
#[derive(Clone, Debug, PartialEq)]
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
    /// How many bytes all connections together may hold of messages that are half read or in hand, beyond 64 KiB each;
    /// beyond that, senders wait. At least `max_frame`.
    pub max_in_flight: usize,
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
    /// The defaults: 256 connections, 64 a peer, no idle timeout, 30 s a frame and a reply, 16 MiB a message, 256 MiB
    /// of messages at once, 60 s keep-alive, 32 frames in hand, no TLS, everybody may connect.
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
            max_in_flight: 256 * 1024 * 1024,
            oversize: Oversize::Close,
            allow_from: Vec::new(),
            keep_alive: Some(Duration::from_mins(1)),
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
