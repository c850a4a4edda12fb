//! A partner that does what a script says: it acknowledges, refuses, keeps silent, comes late, garbles, hangs up.
//!
//! It cuts and builds frames by itself, so that a fault of our own framing cannot hide behind it. Both the integration
//! tests and the tests inside `delivery` use it.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the partner does with one message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    /// Acknowledges with this MSA-1 and the right MSA-2.
    Acks(&'static str),
    /// Acknowledges with this MSA-1 and this MSA-2.
    AcksOther(&'static str, &'static str),
    /// First acknowledges another message (this MSA-2, code AA), then the right one with this MSA-1.
    AcksOtherThen(&'static str, &'static str),
    /// Acknowledges twice.
    AcksTwice(&'static str),
    /// Acknowledges after this long; goes on reading meanwhile.
    AcksLate(&'static str, Duration),
    /// Keeps the connection and says nothing.
    Nothing,
    /// Sends an acknowledgment (AA) without MLLP's blocks.
    Unframed,
    /// Sends half an acknowledgment (AA) and closes.
    Half,
    /// Sends a frame that is no acknowledgment.
    Nonsense,
    /// Closes without a word.
    Closes,
    /// Resets the connection.
    Resets,
}

/// A partner that listens on a port of its own until it is dropped.
pub(crate) struct Partner {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    script: Mutex<VecDeque<Does>>,
    received: Mutex<Vec<Vec<u8>>>,
    count: watch::Sender<usize>,
    connections: watch::Sender<usize>,
}

impl Partner {
    /// A partner that follows `script`, one entry a message, and then acknowledges everything with AA.
    pub(crate) async fn start(script: impl IntoIterator<Item = Does>) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    /// The same at an address that is known beforehand, see [`free_address`].
    pub(crate) async fn start_at(
        address: SocketAddr,
        script: impl IntoIterator<Item = Does>,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into_iter().collect()),
            received: Mutex::default(),
            count: watch::Sender::new(0),
            connections: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        let of_listener = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                of_listener.connections.send_modify(|count| *count += 1);
                sessions.spawn(session(stream, Arc::clone(&of_listener)));
            }
        });
        Self {
            address,
            shared,
            tasks,
        }
    }

    /// Where it listens, as `host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// The messages so far, without their frames.
    pub(crate) fn received(&self) -> Vec<Vec<u8>> {
        self.shared.received.lock().unwrap().clone()
    }

    /// MSH-10 of the messages so far.
    pub(crate) fn control_ids(&self) -> Vec<String> {
        let received = self.received();
        received.iter().map(|message| control_id(message)).collect()
    }

    /// Waits until `count` messages have come.
    pub(crate) async fn has(&self, count: usize) {
        let mut seen = self.shared.count.subscribe();
        seen.wait_for(|seen| *seen >= count).await.unwrap();
    }

    /// Stops listening and closes every connection.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// An address at which nobody listens now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

async fn session(stream: TcpStream, shared: Arc<Shared>) {
    let stream = Arc::new(stream);
    let mut late = JoinSet::new();
    let mut bytes = Vec::new();
    while read(&stream, &mut bytes).await {
        while let Some(end) = bytes.windows(2).position(|pair| pair == [0x1C, b'\r']) {
            let frame: Vec<u8> = bytes.drain(..end + 2).collect();
            assert_eq!(frame[0], 0x0B, "a frame begins with VT");
            let message = frame[1..end].to_vec();
            let id = control_id(&message);
            let does = shared.script.lock().unwrap().pop_front();
            shared.received.lock().unwrap().push(message);
            shared.count.send_modify(|count| *count += 1);
            let right = |code| framed(&acknowledgment(code, &id));
            let answer = match does.unwrap_or(Does::Acks("AA")) {
                Does::Acks(code) => right(code),
                Does::AcksOther(code, id) => framed(&acknowledgment(code, id)),
                Does::AcksOtherThen(id, code) => {
                    [framed(&acknowledgment("AA", id)), right(code)].concat()
                }
                Does::AcksTwice(code) => right(code).repeat(2),
                Does::AcksLate(code, after) => {
                    let (stream, answer) = (Arc::clone(&stream), right(code));
                    late.spawn(async move {
                        tokio::time::sleep(after).await;
                        write(&stream, &answer).await;
                    });
                    continue;
                }
                Does::Nothing => continue,
                Does::Unframed => acknowledgment("AA", &id),
                Does::Nonsense => framed(b"hello"),
                Does::Half => {
                    let whole = right("AA");
                    write(&stream, &whole[..whole.len() - 12]).await;
                    return;
                }
                Does::Closes => return,
                Does::Resets => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
            };
            write(&stream, &answer).await;
        }
    }
    // The other end is gone; what is late is said all the same.
    while late.join_next().await.is_some() {}
}

/// Reads once; `false` at the end of the connection.
async fn read(stream: &TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut room = [0; 4096];
    loop {
        if stream.readable().await.is_err() {
            return false;
        }
        match stream.try_read(&mut room) {
            Ok(0) => return false,
            Ok(count) => {
                bytes.extend_from_slice(&room[..count]);
                return true;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
}

/// Writes all of it, or as much as the other end still takes.
async fn write(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        if stream.writable().await.is_err() {
            return;
        }
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    [b"\x0B", body, b"\x1C\r"].concat()
}

fn acknowledgment(code: &str, id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|PARTNER||WARDWIRE||20260301||ACK|P1|P|2.5.1\rMSA|{code}|{id}\r").into_bytes()
}

fn control_id(message: &[u8]) -> String {
    let id = message.split(|&byte| byte == b'|').nth(9);
    String::from_utf8(id.unwrap_or_default().to_vec()).unwrap()
}
