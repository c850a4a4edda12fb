//! Why a message was not acknowledged.

use std::io;
use std::time::Duration;

use crate::mllp::decoder::FrameError;
use crate::mllp::event::HandshakeFailure;
use crate::mllp::tls::TlsError;

/// Why a message was not acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The partner closed the connection instead of replying.
    #[error("the partner closed the connection without a reply")]
    Closed,
    /// The partner closed the connection inside a reply.
    #[error("the partner closed the connection inside its reply")]
    ClosedInReply,
    /// No connection.
    #[error("cannot connect to {endpoint}")]
    Connect {
        /// As configured.
        endpoint: String,
        /// What the system says; the last address's, if there were several.
        source: io::Error,
    },
    /// No connection in time.
    #[error("no connection to {endpoint} within connect_timeout ({limit:?})")]
    ConnectTimeout {
        /// As configured.
        endpoint: String,
        /// The setting.
        limit: Duration,
    },
    /// The partner's reply cannot be cut into frames.
    #[error("the partner's reply is not MLLP")]
    Framing(#[from] FrameError),
    /// The partner and we do not agree on TLS.
    #[error("the TLS handshake with {endpoint} failed")]
    Handshake {
        /// As configured.
        endpoint: String,
        /// Why.
        source: HandshakeFailure,
    },
    /// The connection failed.
    #[error("the connection failed")]
    Lost(#[source] io::Error),
    /// The reply is larger than allowed.
    #[error("a reply larger than max_frame ({limit} bytes)")]
    ReplyTooLarge {
        /// The setting, in bytes.
        limit: usize,
    },
    /// No reply in time.
    #[error(
        "no acknowledgment within ack_timeout ({limit:?}), {unmatched} replies to other messages"
    )]
    Timeout {
        /// The setting.
        limit: Duration,
        /// How many replies came that name another message.
        unmatched: u32,
    },
    /// The TLS files or names cannot be used.
    #[error("TLS is not usable as configured")]
    Tls(#[from] TlsError),
    /// Something came that is no frame: the partner replies without MLLP's blocks.
    #[error("the partner's reply is not framed (no start block)")]
    Unframed,
    /// The message cannot travel in MLLP.
    #[error("the message holds a block character of MLLP at byte {offset}")]
    Unsendable {
        /// Byte offset in the message, from 0.
        offset: usize,
    },
    /// The partner did not read the message.
    #[error("the message was not taken within write_timeout ({limit:?})")]
    WriteTimeout {
        /// The setting.
        limit: Duration,
    },
}

impl ClientError {
    /// Whether sending the same message again may succeed. The partner may have the message already when this is not
    /// one of the errors of connecting.
    #[must_use]
    pub const fn retriable(&self) -> bool {
        !matches!(self, Self::Unsendable { .. } | Self::Tls(_))
    }
}
