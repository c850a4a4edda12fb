//! The connecting end: one message at a time, and a reply credited only to the message whose control ID it names.

mod connection;
mod error;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use memchr::memchr2_iter;

use super::frame::{CR, FS, FrameWarning, VT};
use super::tls::{TlsClient, TlsClientSettings, TlsError};
use connection::Connection;
pub use error::ClientError;

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
            keep_alive: Some(Duration::from_mins(1)),
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

/// A connection to one partner, opened when first needed and kept.
pub struct Client {
    settings: ClientSettings,
    tls: Option<TlsClient>,
    /// Invariant: nothing that was sent on it waits for a reply. It is taken out for each exchange and put back only
    /// when that went well, so an exchange that fails or is dropped closes it.
    connection: Option<Connection>,
    unmatched: u64,
    stale: u64,
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
            connection: None,
            unmatched: 0,
            stale: 0,
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

    /// Sends `body` and waits for the reply that names `control_id` in MSA-2, byte for byte. Replies that name
    /// another are skipped.
    ///
    /// # Errors
    /// See [`ClientError`]; the connection is then closed, and the next call opens a new one. Dropping the call
    /// closes it too.
    pub async fn send(
        &mut self,
        body: &Bytes,
        control_id: &[u8],
    ) -> Result<Acknowledgment, ClientError> {
        if let Some(offset) = block_character(body) {
            return Err(ClientError::Unsendable { offset });
        }
        let mut connection = self.ready().await?;
        connection.write(body, self.settings.write_timeout).await?;
        self.wait_on(connection, control_id, self.settings.ack_timeout)
            .await
    }

    /// Waits for one more reply that names `control_id`: the application acknowledgment behind a commit
    /// acknowledgment. To be called before anything else is sent.
    ///
    /// # Errors
    /// As [`Client::send`]; [`ClientError::Closed`] if there is no connection any more.
    pub async fn receive(
        &mut self,
        control_id: &[u8],
        within: Duration,
    ) -> Result<Acknowledgment, ClientError> {
        let connection = self.connection.take().ok_or(ClientError::Closed)?;
        self.wait_on(connection, control_id, within).await
    }

    /// Opens the connection now, if it is not open.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn connect(&mut self) -> Result<(), ClientError> {
        let connection = self.ready().await?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Whether it has a connection, as far as known without asking the partner.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Closes the connection, if it is open.
    pub async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    /// How many replies have come, while one was waited for, that named another message. None was credited.
    #[must_use]
    pub const fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// How many connections were given up because something had come that nobody had asked for.
    #[must_use]
    pub const fn stale(&self) -> u64 {
        self.stale
    }

    /// A connection on which nothing is under way.
    async fn ready(&mut self) -> Result<Connection, ClientError> {
        if let Some(mut connection) = self.connection.take() {
            match connection.inspect().await {
                connection::State::Quiet => return Ok(connection),
                connection::State::Stale => self.stale += 1,
                connection::State::Closed => {}
            }
        }
        Connection::open(&self.settings, self.tls.as_ref()).await
    }

    /// Waits for the reply and, when it has come, keeps the connection.
    async fn wait_on(
        &mut self,
        mut connection: Connection,
        control_id: &[u8],
        within: Duration,
    ) -> Result<Acknowledgment, ClientError> {
        let blank = self.settings.credit_blank;
        let mut unmatched = 0;
        let reply = connection
            .reply_to(control_id, blank, within, &mut unmatched)
            .await;
        self.unmatched += u64::from(unmatched);
        if reply.is_ok() {
            self.connection = Some(connection);
        }
        reply
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .field("connected", &self.is_connected())
            .field("unmatched", &self.unmatched)
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}

/// Where `body` holds what a receiver would take for a frame's beginning or end.
fn block_character(body: &[u8]) -> Option<usize> {
    memchr2_iter(VT, FS, body).find(|&at| {
        let behind = body.get(at + 1);
        body.get(at) == Some(&VT) || matches!(behind, None | Some(&CR))
    })
}
