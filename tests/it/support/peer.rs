//! A sender that speaks raw bytes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// One connection to an engine.
pub(crate) struct Sender {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Sender {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Writes bytes as they are.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a message in a frame.
    pub(crate) async fn send(&mut self, message: impl AsRef<[u8]>) {
        self.write(frame(message)).await;
    }

    /// Sends a message and gives the acknowledgment.
    pub(crate) async fn exchange(&mut self, message: impl AsRef<[u8]>) -> String {
        self.send(message).await;
        self.reply().await
    }

    /// The next framed reply, as text.
    pub(crate) async fn reply(&mut self) -> String {
        String::from_utf8_lossy(&self.reply_bytes().await).into_owned()
    }

    /// The body of the next framed reply.
    pub(crate) async fn reply_bytes(&mut self) -> Vec<u8> {
        timeout(PATIENCE, self.next_frame())
            .await
            .expect("a reply in time")
            .expect("a reply")
    }

    /// A connection, if there is anybody at the other end.
    pub(crate) async fn try_connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        Some(Self {
            stream,
            received: Vec::new(),
        })
    }

    /// Sends a message and gives the acknowledgment; `None` if the connection is closed.
    pub(crate) async fn try_exchange(&mut self, message: impl AsRef<[u8]>) -> Option<String> {
        self.stream.write_all(&frame(message)).await.ok()?;
        self.try_reply().await
    }

    /// The next reply, or `None` at the end of the connection.
    pub(crate) async fn try_reply(&mut self) -> Option<String> {
        let frame = timeout(PATIENCE, self.next_frame()).await;
        let body = frame.expect("a reply or the end in time")?;
        Some(String::from_utf8_lossy(&body).into_owned())
    }

    /// Says that no more will be written.
    pub(crate) async fn close_writing(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Whether the engine closes the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        matches!(timeout(PATIENCE, self.next_frame()).await, Ok(None))
    }

    /// Whether the other end closes the connection, perhaps with a last word that is no frame (a TLS alert).
    pub(crate) async fn is_closed_or_alerted(&mut self) -> bool {
        let mut rest = Vec::new();
        let end = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        end.is_ok() && !rest.contains(&0x0B)
    }

    async fn next_frame(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self
                .received
                .windows(2)
                .position(|pair| pair == [0x1C, 0x0D])
            {
                let frame: Vec<u8> = self.received.drain(..end + 2).collect();
                assert_eq!(frame[0], 0x0B, "a reply begins with a start block");
                return Some(frame[1..end].to_vec());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(n) => self.received.extend_from_slice(&buffer[..n]),
            }
        }
    }
}

/// A message in its frame.
pub(crate) fn frame(message: impl AsRef<[u8]>) -> Vec<u8> {
    [&[0x0B], message.as_ref(), &[0x1C, 0x0D]].concat()
}

/// An admission with this control ID.
pub(crate) fn admission(control_id: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|LAKE|WARDWIRE|MAIN|20260102030405||ADT^A01^ADT_A01|{control_id}|P|2.5.1\r\
         EVN|A01|20260102030405\r\
         PID|1||4711^^^LAKE^MR||ROE^RICHARD||19700101|M\r\
         PV1|1|I|4E^12^A^LAKE||||||||||||||||V9001\r"
    )
}

/// `admission` with other fields in its MSH: pairs of number and value.
pub(crate) fn admission_with(control_id: &str, fields: &[(usize, &str)]) -> String {
    let message = admission(control_id);
    let (header, rest) = message.split_once('\r').unwrap();
    let mut values: Vec<&str> = header.split('|').collect();
    for (number, value) in fields {
        values.resize(values.len().max(*number), "");
        values[number - 1] = value;
    }
    format!("{}\r{rest}", values.join("|"))
}

/// MSA-1 and MSA-2.
pub(crate) fn answer(reply: &str) -> (String, String) {
    (field(reply, "MSA", 1), field(reply, "MSA", 2))
}

/// MSA-1.
pub(crate) fn code(reply: &str) -> String {
    field(reply, "MSA", 1)
}

/// A field of a segment of `message`, as text.
pub(crate) fn field(message: &str, segment: &str, number: usize) -> String {
    let line = message
        .split('\r')
        .find(|line| line.starts_with(segment))
        .unwrap_or_default();
    let shift = usize::from(segment == "MSH");
    line.split('|')
        .nth(number - shift)
        .unwrap_or_default()
        .to_owned()
}
