//! The journal's promises, held against a real disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;

mod basics;
mod faults;
mod keeping;
mod model;

/// A moment in 2026.
const NOW: i64 = 1_790_000_000;

fn clock() -> Clock {
    Clock::frozen(Timestamp::from_second(NOW).unwrap())
}

/// Small files, so that little data makes many.
fn settings(dir: &Path) -> JournalSettings {
    JournalSettings {
        segment_bytes: 64 << 10,
        disk_floor: 0,
        ..JournalSettings::at(dir.join("journal"))
    }
}

fn open(dir: &Path) -> Journal {
    open_with(settings(dir)).0
}

fn open_with(settings: JournalSettings) -> (Journal, Opened) {
    Journal::open(settings, Arc::new(DiskFiles), clock()).unwrap()
}

/// A message of about `size` bytes whose content tells its number.
fn message(number: usize, size: usize) -> NewEntry {
    let head = format!(
        "MSH|^~\\&|WARD|MAIN|LAB|MAIN|20260901||ADT^A01|ID{number}|P|2.5.1\rPID|1||MRN{number}\rNTE|1||"
    );
    let body = format!("{head}{}\r", "x".repeat(size.saturating_sub(head.len())));
    NewEntry {
        source: "adt".into(),
        received: clock().now(),
        peer: Some("10.0.0.9:4242".into()),
        disposition: Disposition::Accepted,
        acknowledgments: vec![Bytes::from(format!("MSH|^~\\&|LAB\rMSA|AA|ID{number}\r"))],
        warnings: vec!["lf_after_fs".into()],
        message_type: MessageType::new(b"ADT", b"A01"),
        keys: SearchKeys {
            control_id: Some(Bytes::from(format!("ID{number}"))),
            dedup: Some(Bytes::from(format!("WARD/MAIN/ID{number}"))),
            body_hash: number as u64,
            patient_ids: vec![Bytes::from(format!("MRN{number}"))],
            visits: vec![Bytes::from(format!("V{}", number / 2))],
            orders: vec![],
        },
        raw: Bytes::from(body),
    }
}

fn outcome(kind: OutcomeKind) -> Outcome {
    Outcome {
        attempts: 1,
        code: Some("AA".into()),
        ..Outcome::new(kind, clock().now())
    }
}

/// The next entry, which must be there already.
async fn soon(lane: &mut Lane) -> Next {
    tokio::time::timeout(Duration::from_secs(20), lane.next())
        .await
        .expect("an entry is there")
        .unwrap()
}

async fn fill(journal: &Journal, numbers: std::ops::Range<usize>, size: usize) -> Vec<Position> {
    let all = numbers.map(|number| journal.append(message(number, size)));
    let all = futures_in_order(all).await;
    all.into_iter().map(Result::unwrap).collect()
}

/// Runs all at once, keeping the order.
async fn futures_in_order<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(move |context| {
        let mut ready = true;
        for (one, output) in &mut waiting {
            if output.is_none() {
                match one.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *output = Some(done),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            std::task::Poll::Ready(
                waiting
                    .iter_mut()
                    .map(|(_, output)| output.take().unwrap())
                    .collect(),
            )
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}
