//! The connecting end: one message at a time, and a reply credited only to the message whose control ID it names.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;

use super::decoder::FrameError;
use super::event::HandshakeFailure;
use super::frame::FrameWarning;
use super::tls::{TlsClient, TlsClientSettings, TlsError};

/// How a client connects and waits.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// `host:port`; the host is looked up at each connect.
    pub connect: String,
    /// How long looking up, connecting and the TLS handshake may take together.
    pub connect_timeout: Duration,
    /// How long the partner may take to read a message.
    pub write_timeout: Duration,
    /// How long the partner may take to reply, from the moment the message is written.
    pub ack_timeout: Duration,
    /// Silence after which the system probes whether the partner is still there.
    pub keep_alive: Option<Duration>,
    /// Greatest length of a reply in bytes.
    pub max_frame: usize,
    /// Credit a reply whose MSA-2 is empty. Some partners never fill it; a late reply can then not be told from the
    /// one that is due.
    pub credit_blank: bool,
    /// TLS, if any.
    pub tls: Option<TlsClientSettings>,
}

impl ClientSettings {
    /// The defaults: 10 s to connect, 30 s to write and to be answered, 60 s keep-alive, 16 MiB a reply, no TLS.
    #[must_use]
    pub fn new(connect: impl Into<String>) -> Self {
        Self {
            connect: connect.into(),
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            ack_timeout: Duration::from_secs(30),
            keep_alive: Some(Duration::from_secs(60)),
            max_frame: 16 * 1024 * 1024,
            credit_blank: false,
            tls: None,
        }
    }
}

/// A reply that names our message.
#[derive(Clone)]
pub struct Acknowledgment {
    /// MSA-1 as the partner wrote it: `AA`, `CE`, … (table 0008), or whatever it takes for one.
    pub code: Bytes,
    /// The whole reply, without its framing.
    pub raw: Bytes,
    /// What was odd about its framing.
    pub warnings: Vec<FrameWarning>,
    /// How many replies with another control ID came before it and were skipped.
    pub unmatched: u32,
}

impl fmt::Debug for Acknowledgment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Acknowledgment({} bytes)", self.raw.len())
    }
}

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

/// A connection to one partner, opened when first needed and kept.
#[derive(Debug)]
pub struct Client {
    settings: ClientSettings,
    tls: Option<TlsClient>,
    unmatched: u64,
}

impl Client {
    /// A client that is not connected yet.
    ///
    /// # Errors
    /// The TLS files cannot be used.
    pub fn new(settings: ClientSettings) -> Result<Self, TlsError> {
        let tls = settings.tls.clone().map(TlsClient::open).transpose()?;
        Ok(Self {
            settings,
            tls,
            unmatched: 0,
        })
    }

    /// How it connects and waits.
    #[must_use]
    pub const fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Its certificates, to be read again by [`TlsClient::reload`].
    #[must_use]
    pub fn tls(&self) -> Option<TlsClient> {
        self.tls.clone()
    }

    /// Sends `body` and waits for the reply that names `control_id` in MSA-2, byte for byte.
    ///
    /// # Errors
    /// See [`ClientError`]; the connection is then closed, and the next call opens a new one.
    pub async fn send(
        &mut self,
        body: &Bytes,
        control_id: &[u8],
    ) -> Result<Acknowledgment, ClientError> {
        let _ = (body, control_id);
        std::future::ready(Err(ClientError::Closed)).await
    }

    /// Waits for one more reply that names `control_id`: the application acknowledgment behind a commit acknowledgment.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn receive(
        &mut self,
        control_id: &[u8],
        within: Duration,
    ) -> Result<Acknowledgment, ClientError> {
        let _ = (control_id, within);
        std::future::ready(Err(ClientError::Closed)).await
    }

    /// Opens the connection now, if it is not open.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn connect(&mut self) -> Result<(), ClientError> {
        std::future::ready(Err(ClientError::Closed)).await
    }

    /// Whether it has a connection, as far as known without asking the partner.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        false
    }

    /// Closes the connection, if it is open.
    pub async fn close(&mut self) {
        std::future::ready(()).await;
    }

    /// How many replies have come that named another message than the one they were waited for by. None was credited.
    #[must_use]
    pub const fn unmatched(&self) -> u64 {
        self.unmatched
    }
}
