//! What durable appends cost, beside bare loops on the same disk in the same run, with one thread and one fdatasync a
//! batch: one that appends to a file, and one that overwrites a file of zeros, whose making nobody counts. The second is
//! the least that a commit can cost; no log can live like that for long.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unchecked_time_subtraction,
    reason = "a benchmark stops at the first surprise and prints what it found"
)]

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use wardwire::clock::Clock;
use wardwire::journal::{
    DiskFiles, Disposition, Journal, JournalSettings, MessageType, NewEntry, SearchKeys,
};

/// The size of a message in bytes.
const SIZE: usize = 1024;
/// The size of the bare file in bytes.
const ZEROED: u64 = 512 << 20;

fn entry(clock: &Clock, number: u64) -> NewEntry {
    let id = Bytes::from(format!("ID{number}"));
    NewEntry {
        source: "adt".into(),
        received: clock.now(),
        peer: Some("10.0.0.9:4242".into()),
        disposition: Disposition::Accepted,
        acknowledgments: vec![Bytes::from_static(
            b"MSH|^~\\&|LAB|MAIN|WARD|MAIN|20260901||ACK|1|P|2.5.1\rMSA|AA|1\r",
        )],
        warnings: Vec::new(),
        message_type: MessageType::new(b"ADT", b"A01"),
        keys: SearchKeys {
            control_id: Some(id.clone()),
            dedup: Some(id.clone()),
            body_hash: number,
            patient_ids: vec![id.clone()],
            visits: vec![id],
            orders: Vec::new(),
        },
        raw: Bytes::from(vec![b'x'; SIZE]),
    }
}

type Bare = mpsc::Sender<(Bytes, oneshot::Sender<()>)>;

/// The bare group commit: take what waits, write it, sync, answer. The file has `ahead` bytes of zeros in it, which
/// are written over again and again; without them it grows.
fn bare(dir: &Path, name: &str, ahead: u64) -> Bare {
    let path = dir.join(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(path)
        .unwrap();
    for at in 0..ahead >> 20 {
        file.write_all_at(&vec![0; 1 << 20], at << 20).unwrap();
    }
    file.sync_all().unwrap();
    let (sender, receiver) = mpsc::channel::<(Bytes, oneshot::Sender<()>)>();
    std::thread::spawn(move || {
        let (mut at, mut buffer, mut waiting) = (0, Vec::new(), Vec::new());
        while let Ok(first) = receiver.recv() {
            for (bytes, done) in std::iter::once(first).chain(receiver.try_iter().take(511)) {
                buffer.extend_from_slice(&bytes);
                waiting.push(done);
            }
            file.write_all_at(&buffer, at).unwrap();
            file.sync_data().unwrap();
            at += buffer.len() as u64;
            if ahead > 0 {
                at %= ahead - (1 << 20);
            }
            buffer.clear();
            waiting.drain(..).for_each(|done| done.send(()).unwrap());
        }
    });
    sender
}

/// The processor time this process has used.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Prints the processor time an append took, clients and all.
fn tell(what: &str, clients: u64, before: Duration, appended: u64) {
    let used = (cpu() - before).as_micros() / u128::from(appended.max(1));
    println!("commit/{what}/{clients}: {used} µs of processor time an append");
}

/// `clients` tasks that each wait for one append before the next, `total` in all.
fn run<F: Future + Send>(
    runtime: &Runtime,
    clients: u64,
    total: u64,
    one: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Duration {
    let began = Instant::now();
    runtime.block_on(async {
        let tracker = tokio_util::task::TaskTracker::new();
        for client in 0..clients {
            let one = one.clone();
            tracker.spawn(async move {
                for number in (client..total).step_by(usize::try_from(clients).unwrap()) {
                    one(number).await;
                }
            });
        }
        tracker.close();
        tracker.wait().await;
    });
    began.elapsed()
}

fn commit(criterion: &mut Criterion) {
    let dir = tempfile::Builder::new()
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .unwrap();
    let runtime = Runtime::new().unwrap();
    let clock = Clock::system();
    let settings = JournalSettings {
        disk_floor: 0,
        ..JournalSettings::at(dir.path().join("journal"))
    };
    let (journal, _) = Journal::open(settings, Arc::new(DiskFiles), clock.clone()).unwrap();
    let loops = [
        ("append", bare(dir.path(), "append", 0)),
        ("overwrite", bare(dir.path(), "overwrite", ZEROED)),
    ];
    let mut group = criterion.benchmark_group("commit");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(1));
    for clients in [1, 8, 64] {
        for (name, bare) in &loops {
            let (mut appended, before) = (0, cpu());
            group.bench_function(format!("{name}/{clients}"), |bencher| {
                bencher.iter_custom(|total| {
                    appended += total;
                    let bare = bare.clone();
                    let one = move |_| {
                        let (done, wait) = oneshot::channel();
                        // As many bytes as a record of the journal takes.
                        bare.send((Bytes::from(vec![b'x'; SIZE + 200]), done))
                            .unwrap();
                        wait
                    };
                    run(&runtime, clients, total, one)
                });
            });
            tell(name, clients, before, appended);
        }
        let (mut appended, before) = (0, cpu());
        group.bench_function(format!("journal/{clients}"), |bencher| {
            bencher.iter_custom(|total| {
                appended += total;
                let (journal, clock) = (journal.clone(), clock.clone());
                let one = move |number| {
                    let (journal, entry) = (journal.clone(), entry(&clock, number));
                    async move { journal.append(entry).await.unwrap() }
                };
                run(&runtime, clients, total, one)
            });
        });
        tell("journal", clients, before, appended);
    }
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
