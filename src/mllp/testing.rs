//! A listener whose service answers by a simple rule and remembers what it heard, and a peer that speaks raw bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{
    ConnectionEvent, Connections, Frame, Listener, ListenerSettings, Peer, Service, TlsServer, Turn,
};

/// Longer than any wait in a test; the clock is paused, so it costs nothing.
pub(super) const FOREVER: Duration = Duration::from_hours(2);

pub(super) fn settings() -> ListenerSettings {
    ListenerSettings::new("127.0.0.1:0".parse().unwrap())
}

/// A message whose control ID is `W7`.
pub(super) const MESSAGE: Bytes =
    Bytes::from_static(b"MSH|^~\\&|W|M|||20260102||ADT^A01|W7|P|2.5\rPID|1||77\r");
const REPLY: &[u8] = b"MSH|^~\\&|L|E|W|M|20260102||ACK|9|P|2.5\rMSA|AA|W7\r";

/// Answers [`MESSAGE`] with an acknowledgment that names it, and other bodies with `AA <body>`, `AE <body>` if truncated; nothing if
/// empty, two replies to `two`; panics at `panic`. Waits at its gate before it answers, and gives up its turn there.
pub(super) struct Recorder {
    pub(super) gate: Semaphore,
    pub(super) begun: Mutex<Vec<String>>,
    pub(super) warnings: Mutex<Vec<&'static str>>,
    events: Mutex<Vec<String>>,
    heard: Notify,
}

impl Recorder {
    fn new(permits: usize) -> Self {
        Self {
            gate: Semaphore::new(permits),
            begun: Mutex::default(),
            warnings: Mutex::default(),
            events: Mutex::default(),
            heard: Notify::new(),
        }
    }

    fn note(&self, event: String) {
        self.events.lock().unwrap().push(event);
        self.heard.notify_waiters();
    }

    pub(super) fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    /// Waits until something that begins like `prefix` has been heard `times` times.
    pub(super) async fn heard(&self, prefix: &str, times: usize) -> String {
        let wait = async {
            loop {
                let heard = self.heard.notified();
                let all = self.events();
                if let Some(event) = all.iter().filter(|e| e.starts_with(prefix)).nth(times - 1) {
                    return event.clone();
                }
                heard.await;
            }
        };
        let heard = timeout(FOREVER, wait).await;
        heard.unwrap_or_else(|_| panic!("{prefix} not heard {times} times in {:?}", self.events()))
    }
}

impl Service for Recorder {
    async fn call(&self, _: &Peer, frame: Frame, turn: Turn<'_>) -> Vec<Bytes> {
        let body = String::from_utf8_lossy(&frame.body).into_owned();
        self.begun.lock().unwrap().push(body.clone());
        let warnings = frame.warnings.iter().map(|warning| warning.code.as_str());
        self.warnings.lock().unwrap().extend(warnings);
        self.note(format!("frame of {} bytes", body.len()));
        turn.until_waiting(self.gate.acquire())
            .await
            .unwrap()
            .forget();
        assert!(body != "panic", "as told");
        let code = if frame.truncated { "AE" } else { "AA" };
        match body.as_str() {
            "" => Vec::new(),
            "two" => vec!["CA two".into(), "AA two".into()],
            _ if frame.body == MESSAGE => vec![Bytes::from_static(REPLY)],
            _ => vec![format!("{code} {body}").into()],
        }
    }

    fn event(&self, _: &Peer, event: ConnectionEvent) {
        self.note(match event {
            ConnectionEvent::Opened => "opened".into(),
            ConnectionEvent::Closed { reason, frames } => {
                format!("closed {}: {reason}, {frames} frames", reason.as_str())
            }
            ConnectionEvent::Refused { limit } => format!("refused {}: {limit}", limit.as_str()),
            ConnectionEvent::HandshakeFailed { reason } => format!("handshake failed: {reason}"),
            ConnectionEvent::Warned(warning) => format!("warned {}", warning.code),
        });
    }
}

pub(super) struct Server {
    pub(super) address: std::net::SocketAddr,
    pub(super) service: Arc<Recorder>,
    pub(super) connections: Connections,
    pub(super) tls: Option<TlsServer>,
    pub(super) tracker: TaskTracker,
    pub(super) cancel: CancellationToken,
}

impl Server {
    /// Serves with these settings; every frame is answered at once.
    pub(super) fn start(settings: ListenerSettings) -> Self {
        Self::gated(settings, Semaphore::MAX_PERMITS)
    }

    /// Serves with these settings; `permits` frames are answered at once, others when the gate is opened.
    pub(super) fn gated(settings: ListenerSettings, permits: usize) -> Self {
        let listener = Listener::bind(settings).unwrap();
        let server = Self {
            address: listener.local_addr(),
            service: Arc::new(Recorder::new(permits)),
            connections: listener.connections(),
            tls: listener.tls(),
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
        };
        let (tracker, cancel) = (server.tracker.clone(), server.cancel.clone());
        let serve = listener.serve(Arc::clone(&server.service), tracker, cancel);
        server.tracker.spawn(serve);
        server
    }

    pub(super) async fn connect(&self) -> RawPeer {
        RawPeer(TcpStream::connect(self.address).await.unwrap())
    }

    /// Cancels and waits until every task has ended.
    pub(super) async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.close();
        timeout(FOREVER, self.tracker.wait()).await.unwrap();
    }
}

/// A peer that says exactly what it is told to.
pub(super) struct RawPeer(pub(super) TcpStream);

impl RawPeer {
    pub(super) async fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Waits for exactly these bytes.
    pub(super) async fn hear(&mut self, expected: &[u8]) {
        let mut heard = vec![0; expected.len()];
        let read = timeout(FOREVER, self.0.read_exact(&mut heard)).await;
        read.expect("an answer").unwrap();
        assert_eq!(
            String::from_utf8_lossy(&heard),
            String::from_utf8_lossy(expected)
        );
    }

    /// Waits for the end as [`Self::hear_the_rest`], which must be a farewell and no reset.
    pub(super) async fn hear_the_farewell(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let read = timeout(FOREVER, self.0.read_to_end(&mut rest)).await;
        read.expect("an end").expect("no reset");
        rest
    }

    /// Waits for the end, and gives what came before it.
    pub(super) async fn hear_the_rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let read = timeout(FOREVER, self.0.read_to_end(&mut rest)).await;
        // A connection that is cut with bytes unread ends in a reset: an end all the same.
        drop(read.expect("an end"));
        rest
    }
}
