//! An MLLP listener as a source: frames in, acknowledgments out, and a word about connections.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::receive::{Arrival, Receiver};
use super::status::count;
use crate::mllp::{CloseReason, ConnectionEvent, Frame, Limit, Peer, Service, Turn};

/// The service behind a listener: every frame goes to the source's receiver.
pub struct MllpSource {
    receiver: Arc<Receiver>,
    /// Addresses of the open connections as text, made once a connection.
    addresses: Mutex<HashMap<u64, Arc<str>>>,
}

impl MllpSource {
    /// A service for `receiver`.
    #[must_use]
    pub fn new(receiver: Arc<Receiver>) -> Self {
        Self {
            receiver,
            addresses: Mutex::default(),
        }
    }

    fn address(&self, peer: &Peer) -> Arc<str> {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let address = addresses.entry(peer.connection);
        Arc::clone(address.or_insert_with(|| peer.address.to_string().into()))
    }
}

impl Service for MllpSource {
    async fn call(&self, peer: &Peer, frame: Frame, turn: Turn<'_>) -> Vec<Bytes> {
        let warnings = frame
            .warnings
            .iter()
            .map(|warning| Cow::Borrowed(warning.code.as_str()));
        let arrival = Arrival {
            peer: Some(self.address(peer)),
            warnings: warnings.collect(),
            truncated: frame.truncated,
            body: frame.body,
            turn: Some(turn),
        };
        self.receiver.receive_frame(arrival).await
    }

    fn event(&self, peer: &Peer, event: ConnectionEvent) {
        let (source, status) = (self.receiver.name(), self.receiver.status());
        match event {
            ConnectionEvent::Closed { reason, frames } => {
                let mut addresses = self
                    .addresses
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                addresses.remove(&peer.connection);
                drop(addresses);
                match reason {
                    CloseReason::JunkOnly { .. } => count(&status.connections_without_frame),
                    CloseReason::PeerClosed if frames == 0 => {
                        count(&status.connections_without_frame);
                    }
                    CloseReason::PeerClosed
                    | CloseReason::Drained
                    | CloseReason::IdleTimeout { .. } => {
                        tracing::debug!(source, %peer, frames, %reason, "connection closed");
                    }
                    _ => tracing::warn!(source, %peer, frames, %reason, "connection closed"),
                }
            }
            ConnectionEvent::Refused { limit } => {
                count(&status.connections_refused);
                if limit == Limit::AllowFrom {
                    tracing::warn!(source, %peer, %limit, "connection refused");
                } else {
                    tracing::debug!(source, %peer, %limit, "connection refused");
                }
            }
            ConnectionEvent::HandshakeFailed { reason } => {
                count(&status.connections_refused);
                tracing::warn!(source, %peer, %reason, "TLS handshake failed");
            }
            ConnectionEvent::Warned(warning) => {
                status.warned(1);
                tracing::debug!(source, %peer, %warning, "odd bytes between frames");
            }
            _ => tracing::debug!(source, %peer, "connection opened"),
        }
    }
}
