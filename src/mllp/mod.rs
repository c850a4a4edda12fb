//! Bytes ⇄ frames: MLLP, the wrapper HL7 v2 messages travel in over TCP.
//!
//! ```text
//! VT 0x0B  message  FS 0x1C  CR 0x0D
//! ```
//!
//! The [`Decoder`] knows the framing and does no I/O. A [`Listener`] accepts connections and hands each frame to a
//! [`Service`], whose replies go back in the order the frames came. A [`Client`] sends one message at a time and
//! credits a reply only to the message whose control ID it names. Both speak TLS when told to.
//!
//! Nothing here reads a message, but for the client, which reads MSA-1 and MSA-2 of a reply.

mod client;
mod codec;
mod connections;
mod decoder;
mod event;
mod frame;
mod listener;
mod service;
mod session;
mod settings;
mod stream;
#[cfg(test)]
mod testing;
mod tls;

pub use client::{Acknowledgment, Client, ClientError, ClientSettings};
pub use codec::{Codec, CodecError, Outgoing};
pub use connections::{ConnectionState, Connections, OpenConnection};
#[doc(hidden)]
pub use decoder::fuzz_decoder;
pub use decoder::{Decoder, FrameError, Tolerance};
pub use event::{CloseReason, ConnectionEvent, HandshakeFailure, Limit, Peer};
pub use frame::{CR, FS, Frame, FrameWarning, LF, VT, WarningCode};
pub use listener::{ListenError, Listener};
pub use service::{Service, Turn};
pub use settings::{ListenerSettings, Oversize};
pub(crate) use stream::{Stream, connect};
pub use tls::{
    Fingerprint, IssuerError, TlsClient, TlsClientSettings, TlsError, TlsServer, TlsServerSettings,
};
