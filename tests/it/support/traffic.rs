//! Senders that repeat a message until it is acknowledged, partners that write down what they get, and what the two must
//! make together with the journal, whatever happens in between.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use wardwire::journal::{Archive, Disposition, Query};

use super::peer::{admission, field, frame};

/// Frames over a connection.
pub(crate) struct Wire {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            bytes: Vec::new(),
        }
    }

    /// The next frame's body; nothing at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\x1C\r") {
                let whole: Vec<u8> = self.bytes.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&whole[1..end]).into_owned());
            }
            let mut room = [0; 8192];
            match self.stream.read(&mut room).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.bytes.extend_from_slice(&room[..count]),
            }
        }
    }

    pub(crate) async fn send(&mut self, body: &str) -> bool {
        self.stream.write_all(&frame(body)).await.is_ok()
    }
}

/// Senders at work. Sender `s` sends `S<s>N<n>` with n = 0, 1, 2…, each until it is acknowledged with AA.
pub(crate) struct Senders {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    acknowledged: Arc<Mutex<Vec<String>>>,
}

impl Senders {
    /// These senders, which pause for `pause` after each message.
    pub(crate) fn start(names: Range<usize>, address: SocketAddr, pause: Duration) -> Self {
        let mut senders = Self {
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            acknowledged: Arc::default(),
        };
        for sender in names {
            let (stop, acknowledged) = (senders.stop.clone(), Arc::clone(&senders.acknowledged));
            senders.tasks.spawn(async move {
                let mut connection = None;
                for number in 0.. {
                    if stop.is_cancelled() {
                        return;
                    }
                    let id = format!("S{sender}N{number:06}");
                    while !exchange(&mut connection, address, &id).await {
                        connection = None;
                        sleep(Duration::from_millis(2)).await;
                    }
                    acknowledged.lock().unwrap().push(id);
                    sleep(pause).await;
                }
            });
        }
        senders
    }

    /// What was acknowledged so far.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// Lets every sender finish the message in its hand; all that was acknowledged.
    pub(crate) async fn finish(mut self) -> Vec<String> {
        self.stop.cancel();
        let done = async { while self.tasks.join_next().await.is_some() {} };
        let in_time = timeout(Duration::from_mins(1), done).await;
        assert!(in_time.is_ok(), "the last messages are not acknowledged");
        self.acknowledged()
    }
}

/// Whether the message was acknowledged with AA.
async fn exchange(connection: &mut Option<Wire>, address: SocketAddr, id: &str) -> bool {
    let tried = async {
        if connection.is_none() {
            *connection = Some(Wire::new(TcpStream::connect(address).await.ok()?));
        }
        let wire = connection.as_mut()?;
        if !wire.send(&admission(id)).await {
            return None;
        }
        let reply = wire.next().await?;
        assert_eq!(
            field(&reply, "MSA", 2),
            id,
            "the acknowledgment of another message"
        );
        Some(field(&reply, "MSA", 1) == "AA")
    };
    timeout(Duration::from_secs(10), tried).await == Ok(Some(true))
}

/// A partner that acknowledges everything, after a while, and writes down every control ID.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Recorder {
    pub(crate) async fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<String>>> = Arc::default();
        let (of_tasks, mut tasks) = (Arc::clone(&received), JoinSet::new());
        tasks.spawn(async move {
            // A lane has one connection. What is left of one whose engine was killed is read before the next is served:
            // otherwise its last message could be written down behind those that came after it.
            while let Ok((stream, _)) = listener.accept().await {
                let mut wire = Wire::new(stream);
                while let Some(message) = wire.next().await {
                    let id = field(&message, "MSH", 10);
                    of_tasks.lock().unwrap().push(id.clone());
                    if !delay.is_zero() {
                        sleep(delay).await;
                    }
                    let reply =
                        format!("MSH|^~\\&|LAB||WARDWIRE||20260101||ACK|R|P|2.5.1\rMSA|AA|{id}\r");
                    if !wire.send(&reply).await {
                        break;
                    }
                }
            }
        });
        Self {
            address,
            received,
            _tasks: tasks,
        }
    }

    /// The control IDs, in the order of their arrival.
    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// The control IDs in a file destination's file, in its order.
pub(crate) fn ids_in(file: &Path) -> Vec<String> {
    let text = String::from_utf8(std::fs::read(file).unwrap_or_default()).unwrap();
    let headers = text.split('\r').filter(|line| line.starts_with("MSH|"));
    headers.map(|line| field(line, "MSH", 10)).collect()
}

/// The control IDs of the messages that a journal took over, oldest first.
pub(crate) fn ids_in_journal(dir: &Path) -> Vec<String> {
    let archive = Archive::open(dir, None).unwrap();
    let rows = archive.search(&Query::default()).unwrap();
    let accepted = rows
        .iter()
        .rev()
        .filter(|row| row.disposition == Disposition::Accepted);
    accepted
        .map(|row| {
            let entry = archive.entry(row.position).unwrap();
            field(std::str::from_utf8(&entry.raw).unwrap(), "MSH", 10)
        })
        .collect()
}

/// What is wrong with a journal: every acknowledged message once, each sender's in its order.
pub(crate) fn faults_of_journal(acknowledged: &[String], journal: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let held: BTreeSet<&String> = journal.iter().collect();
    for id in acknowledged.iter().filter(|id| !held.contains(id)) {
        faults.push(format!("{id} was acknowledged and is not in the journal"));
    }
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for id in journal {
        let (sender, number) = id.split_once('N').unwrap();
        if last
            .insert(sender, number)
            .is_some_and(|before| before >= number)
        {
            faults.push(format!(
                "{id} is in the journal twice, or behind a later one"
            ));
        }
    }
    faults
}

/// What is wrong with what arrived: the journal's messages in its order, where each may come again at once, as often in
/// all as the engine was killed.
pub(crate) fn faults_of_arrival(
    journal: &[String],
    arrived: &[String],
    kills: usize,
) -> Vec<String> {
    let mut once = arrived.to_vec();
    once.dedup();
    let mut faults = Vec::new();
    let twice = arrived.len() - once.len();
    if twice > kills {
        faults.push(format!("{twice} came again in {kills} kills"));
    }
    if once != journal {
        let at = once
            .iter()
            .zip(journal)
            .take_while(|(one, other)| one == other)
            .count();
        let (got, wanted) = (once.get(at), journal.get(at));
        faults.push(format!("place {at}: {got:?} came, {wanted:?} was next"));
    }
    faults
}
