//! Peers at their worst: slow, endless, half-open, idle in great numbers, coming and going. A good sender does not notice
//! them, and nothing of them stays.
//!
//! The engine is a process of its own, so that its files and its memory can be counted. `WARDWIRE_IDLE` sets the number of
//! idle connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::child::{Served, lasting_address};
use crate::support::dice::number;
use crate::support::peer::{Sender, admission, field, frame};

/// How many files the journal may open while a test runs: those of the next segment, made ahead.
const OF_THE_JOURNAL: usize = 3;

/// An engine in a process of its own, and where it listens.
struct Door {
    engine: Served,
    address: SocketAddr,
    _folder: TempDir,
}

impl Door {
    async fn open(keys: &str) -> Self {
        let (folder, address) = (tempfile::tempdir().unwrap(), lasting_address());
        let config = format!(
            r#"
[source.adt]
type = "mllp"
listen = "{address}"
{keys}

[[route]]
name = "all"
from = ["adt"]
to = ["archive"]

[destination.archive]
type = "file"
path = "out/all.hl7"
"#
        );
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let mut engine = Served::start(folder.path());
        engine.ready().await;
        Self {
            engine,
            address,
            _folder: folder,
        }
    }

    /// A good sender's messages are acknowledged; the longest that one took.
    async fn serves(&self, name: &str, count: usize) -> Duration {
        let mut sender = Sender::connect(self.address).await;
        let mut longest = Duration::ZERO;
        for number in 0..count {
            let began = Instant::now();
            let reply = sender.exchange(admission(&format!("{name}{number}"))).await;
            assert_eq!(field(&reply, "MSA", 1), "AA");
            longest = longest.max(began.elapsed());
        }
        longest
    }

    /// Waits until the engine has at most so many open files and sockets, but for those the journal opens meanwhile.
    async fn shrinks_to(&self, descriptors: usize) {
        let waiting = async {
            while self.engine.descriptors() > descriptors + OF_THE_JOURNAL {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = timeout(Duration::from_secs(20), waiting).await.is_ok();
        assert!(
            in_time,
            "{} open, before {descriptors}",
            self.engine.descriptors()
        );
    }
}

/// Waits until the engine closes the connection; whatever it says before is read.
async fn closed(mut stream: TcpStream) -> Duration {
    let began = Instant::now();
    let mut room = [0; 4096];
    let ended = async { while stream.read(&mut room).await.is_ok_and(|count| count > 0) {} };
    assert!(
        timeout(Duration::from_secs(20), ended).await.is_ok(),
        "it stays open"
    );
    began.elapsed()
}

/// More files and sockets than the usual limit lets a process have.
fn allow_descriptors(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let raised = Rlimit {
        current: Some(current.max(limit.current.unwrap_or(0))),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_half_open_peers_are_closed_at_their_deadline_and_a_good_sender_is_served() {
    let door = Door::open("frame_timeout = \"1s\"\nmax_per_peer = 200").await;
    door.serves("A", 1).await;
    let before = door.engine.descriptors();
    let mut peers = JoinSet::new();
    for number in 0..60 {
        let address = door.address;
        peers.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            if number % 3 == 0 {
                // Half a frame, and then nothing for ever.
                stream
                    .write_all(&frame(admission("SLOW"))[..100])
                    .await
                    .unwrap();
                return closed(stream).await;
            }
            // A byte now and then; the last third never gets beyond the end block.
            let began = Instant::now();
            let mut bytes = frame(admission("SLOW"));
            if number % 3 == 1 {
                bytes.truncate(bytes.len() - 2);
                stream.write_all(&bytes).await.unwrap();
                bytes = vec![b'X'; 1000];
            }
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err()
                    || began.elapsed() > Duration::from_secs(15)
                {
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
            began.elapsed()
        });
    }
    let longest = door.serves("B", 100).await;
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    while let Some(open) = peers.join_next().await {
        let open = open.unwrap();
        assert!(open < Duration::from_secs(10), "open for {open:?}");
    }
    door.shrinks_to(before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giant_frames_and_endless_junk_are_cut_off_and_take_no_memory() {
    let door = Door::open("max_frame = \"1MiB\"").await;
    door.serves("A", 10).await;
    let (files, memory) = (door.engine.descriptors(), door.engine.resident());
    let mut peers = JoinSet::new();
    for number in 0..8 {
        let address = door.address;
        peers.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Without a start block it is junk, with one a frame without an end.
            if number % 2 == 0 {
                stream
                    .write_all(b"\x0BMSH|^~\\&|A|B|C|D|20260101||ADT^A01|BIG|P|2.5\r")
                    .await
                    .unwrap();
            }
            let (chunk, began) = (vec![b'z'; 64 << 10], Instant::now());
            while began.elapsed() < Duration::from_secs(15)
                && stream.write_all(&chunk).await.is_ok()
            {}
            began.elapsed()
        });
    }
    let longest = door.serves("B", 50).await;
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    while let Some(open) = peers.join_next().await {
        let open = open.unwrap();
        assert!(open < Duration::from_secs(10), "a peer may send for ever");
    }
    door.shrinks_to(files).await;
    let grown = door.engine.resident().saturating_sub(memory);
    assert!(grown < 64 << 10, "{grown} KiB more than before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_idle_connections_costs_little_and_holds_up_nobody() {
    let crowd = number("WARDWIRE_IDLE").unwrap_or(1000);
    allow_descriptors(2 * crowd + 500);
    let keys = format!("max_connections = {0}\nmax_per_peer = {0}", crowd + 10);
    let door = Door::open(&keys).await;
    let alone = door.serves("A", 50).await;
    let (files, memory) = (door.engine.descriptors(), door.engine.resident());
    let mut idle = Vec::new();
    for _ in 0..crowd {
        idle.push(TcpStream::connect(door.address).await.unwrap());
    }
    let crowded = door.serves("B", 50).await;
    let (held, resident) = (door.engine.descriptors() - files, door.engine.resident());
    eprintln!(
        "{crowd} idle connections: {resident} KiB resident, {memory} KiB before; slowest of 50 exchanges {crowded:?}, {alone:?} before"
    );
    // Those of the good sender come and go.
    assert!(held as u64 + 2 >= crowd, "{held} of {crowd} are held");
    assert!(
        resident.saturating_sub(memory) < crowd * 16 + 4096,
        "{resident} KiB"
    );
    assert!(crowded < Duration::from_secs(2), "{crowded:?}");
    drop(idle);
    door.shrinks_to(files + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_come_and_go_leave_nothing_behind() {
    let door = Door::open("").await;
    door.serves("A", 1).await;
    let files = door.engine.descriptors();
    let mut peers = JoinSet::new();
    for peer in 0..8 {
        let address = door.address;
        peers.spawn(async move {
            for number in 0..100 {
                // One may be turned away at the door: that is a close, too.
                let Ok(mut stream) = TcpStream::connect(address).await else {
                    continue;
                };
                let half = &frame(admission("GONE"))[..number % 60];
                if (peer + number) % 2 == 0 {
                    stream.set_zero_linger().unwrap();
                }
                // The other end may be gone already.
                drop(stream.write_all(half).await);
            }
        });
    }
    let longest = door.serves("B", 50).await;
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    while let Some(ended) = peers.join_next().await {
        ended.unwrap();
    }
    door.shrinks_to(files).await;
    door.serves("C", 1).await;
}
