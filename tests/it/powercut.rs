//! The power fails at any moment: what was acknowledged is there, and what counts as delivered into a file is in it.
//!
//! Needs root and loop mounts; skipped with a line about it elsewhere. `WARDWIRE_POWER_ROUNDS` sets the number of cuts. The same
//! rig with an engine that never syncs shows that it would tell.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use wardwire::clock::Clock;
use wardwire::config::{self, Origin};
use wardwire::engine::Engine;
use wardwire::journal::{Archive, OutcomeKind, Query, Standing, verify};

use crate::support::child::{Served, lasting_address};
use crate::support::dice::{Dice, number};
use crate::support::loops::PowerRig;
use crate::support::peer::field;
use crate::support::traffic::{Senders, ids_in, ids_in_journal};
use crate::support::unsynced::UnsyncedFiles;

/// The folder of the engine that never syncs.
const UNSYNCED: &str = "WARDWIRE_UNSYNCED";

fn configure(folder: &Path, address: SocketAddr) {
    let config = format!(
        r#"
[journal]
segment = "1MiB"
disk_floor = "1MiB"

[source.adt]
type = "mllp"
listen = "{address}"

[[route]]
name = "all"
from = ["adt"]
to = ["archive"]

[destination.archive]
type = "file"
path = "out/all.hl7"
"#
    );
    let file = folder.join("config.toml");
    std::fs::write(&file, config).unwrap();
    // It is not the configuration whose power is cut.
    for path in [file.as_path(), folder] {
        File::open(path).unwrap().sync_all().unwrap();
    }
}

fn rig() -> Option<PowerRig> {
    let rig = PowerRig::new();
    if let Err(reason) = &rig {
        eprintln!("skipped: no disk whose power could be cut ({reason})");
    }
    rig.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_acknowledged_and_nothing_delivered_into_a_file() {
    let Some(mut rig) = rig() else { return };
    let (mut dice, address) = (Dice::new(), lasting_address());
    let (mut acknowledged, mut faults, mut most) = (BTreeSet::new(), Vec::new(), 0);
    let rounds = number("WARDWIRE_POWER_ROUNDS").unwrap_or(3);
    for round in 0..rounds {
        // A new disk now and then; else the one that has seen the cuts before.
        if round % 5 == 0 {
            rig.renew().unwrap();
            configure(rig.path(), address);
            acknowledged.clear();
        }
        let mut engine = Served::start(rig.path());
        engine.ready().await;
        let first = usize::try_from(round).unwrap() * 10;
        let senders = Senders::start(first..first + 6, address, Duration::ZERO);
        sleep(Duration::from_millis(dice.between(50, 800))).await;
        let before = senders.acknowledged();
        rig.cut(|| engine.kill());
        drop(senders);
        acknowledged.extend(before);
        most = most.max(acknowledged.len());

        // Looked at before an engine recovers and delivers on.
        let undelivered = not_delivered_as_it_says(rig.path());
        faults.extend(
            undelivered
                .iter()
                .map(|id| format!("round {round}: {id} is in no file")),
        );
        let report = verify(&journal(rig.path())).unwrap();
        if !report.faults.is_empty() || !report.missing.is_empty() {
            faults.push(format!("round {round}: verify says {report:?}"));
        }
        let mut engine = Served::start(rig.path());
        engine.ready().await;
        faults.extend(missing(rig.path(), &acknowledged).map(|id| format!("round {round}: {id}")));
        engine.until_delivered(Duration::from_mins(1)).await;
        assert!(engine.stop().await.success(), "{}", engine.said());
    }
    eprintln!(
        "{rounds} power cuts, up to {most} messages acknowledged on one disk, faults: {faults:?}"
    );
    assert_eq!(faults, Vec::<String>::new());
    assert!(most > 0, "nothing was acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rig_tells_when_an_engine_does_not_sync() {
    let Some(mut rig) = rig() else { return };
    let address = lasting_address();
    configure(rig.path(), address);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "powercut::an_engine_that_never_syncs",
            "--ignored",
            "--nocapture",
        ])
        .env(UNSYNCED, rig.path());
    let mut engine = Served::run(&mut command, rig.path());
    engine.ready().await;
    let senders = Senders::start(0..6, address, Duration::ZERO);
    let enough = async {
        while senders.acknowledged().len() < 50 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(Duration::from_secs(30), enough).await.is_ok());
    let acknowledged = senders.acknowledged().into_iter().collect();
    rig.cut(|| engine.kill());
    drop(senders);
    assert!(
        missing(rig.path(), &acknowledged).count() > 0,
        "nothing is missing"
    );
}

#[tokio::test]
#[ignore = "the engine of the test above, run by it as a process of its own"]
async fn an_engine_that_never_syncs() {
    let Some(folder) = std::env::var_os(UNSYNCED).map(PathBuf::from) else {
        return;
    };
    let settings = config::load(&Origin::File(folder.join("config.toml"))).unwrap();
    let files = Arc::new(UnsyncedFiles);
    let engine = Engine::start(Arc::new(settings), Clock::system(), files)
        .await
        .unwrap();
    eprintln!("ready; Ctrl-C");
    // Longer than the test that kills it.
    sleep(Duration::from_mins(5)).await;
    drop(engine);
}

fn journal(folder: &Path) -> PathBuf {
    folder.join("data/journal")
}

/// What was acknowledged and is not in the journal.
fn missing<'a>(
    folder: &Path,
    acknowledged: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a String> {
    let dir = journal(folder);
    let held = match Archive::open(&dir, None) {
        Ok(_) => ids_in_journal(&dir),
        // What cannot be read holds nothing.
        Err(_) => Vec::new(),
    };
    let held: BTreeSet<String> = held.into_iter().collect();
    acknowledged.iter().filter(move |id| !held.contains(*id))
}

/// What the journal calls delivered and is not in the file.
fn not_delivered_as_it_says(folder: &Path) -> Vec<String> {
    let archive = Archive::open(&journal(folder), None).unwrap();
    let delivered = Query {
        standing: Some(Standing::Settled(OutcomeKind::Delivered)),
        ..Query::default()
    };
    let rows = archive.search(&delivered).unwrap();
    let ids: BTreeSet<String> = ids_in(&folder.join("out/all.hl7")).into_iter().collect();
    let named = rows.iter().map(|row| {
        let entry = archive.entry(row.position).unwrap();
        field(std::str::from_utf8(&entry.raw).unwrap(), "MSH", 10)
    });
    named.filter(|id| !ids.contains(id)).collect()
}
