//! One open connection to a partner: what is written on it, and which reply belongs to it.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Acknowledgment, ClientError, ClientSettings};
use crate::hl7::{Message, Segments};
use crate::mllp::codec::Outgoing;
use crate::mllp::decoder::{Decoder, Tolerance};
use crate::mllp::event::HandshakeFailure;
use crate::mllp::frame::{Frame, WarningCode};
use crate::mllp::stream::{self, Stream};
use crate::mllp::tls::{HANDSHAKE_TIMEOUT, TlsClient};

/// How long to wait for the CR behind an FS before the FS alone ends the reply.
const END_GRACE: Duration = Duration::from_millis(250);
/// How long to wait for a start block once something else has come.
const UNFRAMED_GRACE: Duration = Duration::from_secs(2);
/// How long bytes that lie in a TLS connection before we send may take to turn out to be no reply.
const TLS_PEEK: Duration = Duration::from_millis(20);

pub(super) struct Connection {
    stream: Stream,
    decoder: Decoder,
    buffer: BytesMut,
    max_frame: usize,
    endpoint: String,
}

/// What has come on a connection on which nothing should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Quiet,
    /// The partner closed it.
    Closed,
    /// A reply that came too late, or worse.
    Stale,
}

impl Connection {
    pub(super) async fn open(
        settings: &ClientSettings,
        tls: Option<&TlsClient>,
    ) -> Result<Self, ClientError> {
        let limit = settings.connect_timeout;
        let Ok(opened) = timeout(limit, Box::pin(dial(settings, tls))).await else {
            let endpoint = settings.connect.clone();
            return Err(ClientError::ConnectTimeout { endpoint, limit });
        };
        Ok(Self {
            stream: opened?,
            decoder: Decoder::new(Tolerance::default(), settings.max_frame),
            buffer: BytesMut::new(),
            max_frame: settings.max_frame,
            endpoint: settings.connect.clone(),
        })
    }

    /// Whether the connection can be trusted with another message.
    pub(super) async fn inspect(&mut self) -> State {
        match self.stream.peek() {
            Ok(None) => {}
            Ok(Some(0)) | Err(_) => return State::Closed,
            Ok(Some(_)) => {
                let filled = timeout(TLS_PEEK, self.fill()).await;
                if matches!(filled, Ok(Ok(0) | Err(_))) {
                    return State::Closed;
                }
                // Over TLS these may have been session tickets, read and gone.
                if filled.is_err() && matches!(self.stream, Stream::Plain(_)) {
                    return State::Stale;
                }
            }
        }
        let next = self.decoder.next(&mut self.buffer);
        if next != Ok(None) || self.decoder.in_frame() || self.decoder.has_noise() {
            return State::Stale;
        }
        State::Quiet
    }

    pub(super) async fn write(&mut self, body: &Bytes, limit: Duration) -> Result<(), ClientError> {
        let mut outgoing = Outgoing::default();
        outgoing.push(body);
        let written = async {
            self.stream.write_all_buf(&mut outgoing).await?;
            self.stream.flush().await
        };
        match timeout(limit, written).await {
            Ok(written) => written.map_err(|error| self.lost(error)),
            Err(_) => Err(ClientError::WriteTimeout { limit }),
        }
    }

    /// Waits for the reply that names `control_id`, counting the others in `unmatched`. `blank`: one that names none
    /// will do.
    pub(super) async fn reply_to(
        &mut self,
        control_id: &[u8],
        blank: bool,
        within: Duration,
        unmatched: &mut u32,
    ) -> Result<Acknowledgment, ClientError> {
        let deadline = Instant::now() + within;
        loop {
            let frame = self.next_frame(deadline).await?;
            let Some(frame) = frame else {
                let unmatched = *unmatched;
                return Err(ClientError::Timeout {
                    limit: within,
                    unmatched,
                });
            };
            if frame.warned(WarningCode::FrameTooLarge) {
                let limit = self.max_frame;
                return Err(ClientError::ReplyTooLarge { limit });
            }
            if frame.warned(WarningCode::MissingStart) && frame.truncated {
                return Err(ClientError::Unframed);
            }
            match credited(frame, control_id, blank) {
                Some(acknowledgment) => {
                    let unmatched = *unmatched;
                    return Ok(Acknowledgment {
                        unmatched,
                        ..acknowledgment
                    });
                }
                None => *unmatched = unmatched.saturating_add(1),
            }
        }
    }

    pub(super) async fn close(self) {
        self.stream.leave(false).await;
    }

    /// The next frame, or `None` at the deadline.
    async fn next_frame(&mut self, deadline: Instant) -> Result<Option<Frame>, ClientError> {
        loop {
            if let Some(frame) = self.decoder.next(&mut self.buffer)? {
                return Ok(Some(frame));
            }
            let grace = if self.decoder.awaits_cr(&self.buffer) {
                Some(END_GRACE)
            } else if self.decoder.has_noise() {
                Some(UNFRAMED_GRACE)
            } else {
                None
            };
            let until = grace.map_or(deadline, |grace| deadline.min(Instant::now() + grace));
            match timeout_at(until, self.fill()).await {
                Ok(Ok(0)) => return self.end_of_stream().map(Some),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(self.lost(error)),
                Err(_) => {
                    if let Some(frame) = self.decoder.grace_elapsed(&mut self.buffer) {
                        return Ok(Some(frame));
                    }
                    if self.decoder.has_noise() {
                        return Err(ClientError::Unframed);
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// What the partner has left behind.
    fn end_of_stream(&mut self) -> Result<Frame, ClientError> {
        let noise = self.decoder.has_noise();
        match self.decoder.finish(&mut self.buffer) {
            Some(frame) if frame.warned(WarningCode::CutOff) => Err(ClientError::ClosedInReply),
            Some(frame) => Ok(frame),
            None if noise => Err(ClientError::Unframed),
            None => Err(ClientError::Closed),
        }
    }

    /// With TLS 1.3 a partner says what it thinks of our certificate only after we have taken the handshake for done.
    fn lost(&self, error: io::Error) -> ClientError {
        match HandshakeFailure::of(&error) {
            source @ HandshakeFailure::Tls(_) => ClientError::Handshake {
                endpoint: self.endpoint.clone(),
                source,
            },
            _ => ClientError::Lost(error),
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        poll_fn(|context| self.stream.poll_fill(context, &mut self.buffer)).await
    }
}

async fn dial(settings: &ClientSettings, tls: Option<&TlsClient>) -> Result<Stream, ClientError> {
    let endpoint = || settings.connect.clone();
    let refused = |source| ClientError::Connect {
        endpoint: endpoint(),
        source,
    };
    let socket = TcpStream::connect(&settings.connect)
        .await
        .map_err(refused)?;
    stream::set_up(&socket, settings.keep_alive).map_err(refused)?;
    let Some(tls) = tls else {
        return Ok(Stream::Plain(socket));
    };
    let name = tls.name(stream::host_of(&settings.connect))?;
    let limit = HANDSHAKE_TIMEOUT;
    let failed = |source| ClientError::Handshake {
        endpoint: endpoint(),
        source,
    };
    match timeout(limit, tls.connector().connect(name, socket)).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream.into()))),
        Ok(Err(error)) => Err(failed(HandshakeFailure::of(&error))),
        Err(_) => Err(failed(HandshakeFailure::TimedOut { limit })),
    }
}

/// The reply in `frame`, if it is one to the message called `control_id`: MSA-2 is compared byte for byte, as anything
/// else would credit a reply to the wrong message sooner or later (HL7 v2.9.1 §2.9.2, MSA-2).
fn credited(frame: Frame, control_id: &[u8], blank: bool) -> Option<Acknowledgment> {
    if frame.truncated {
        return None;
    }
    let message = Message::parse(frame.body.clone()).ok()?;
    let (_, msa) = message
        .iter()
        .find(|(_, segment)| segment.name().is_some_and(|name| name.bytes() == b"MSA"))?;
    let named = msa.field(2).unwrap_or_default();
    let is_credited = if named.is_empty() {
        blank
    } else {
        named == control_id
    };
    if !is_credited {
        return None;
    }
    let code = msa.field(1).unwrap_or_default();
    Some(Acknowledgment {
        code: Bytes::copy_from_slice(code),
        raw: frame.body,
        warnings: frame.warnings,
        unmatched: 0,
    })
}
