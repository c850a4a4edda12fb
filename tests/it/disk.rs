//! Disks that fail, are full, or are not fit to hold patients' messages.
//!
//! `WARDWIRE_FAULT_DEPTH` sets up to which write, sync, rename and so on each is made to fail.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use wardwire::journal::faults::{FaultFiles, Operation};

use crate::support::child::{Served, lasting_address};
use crate::support::dice::number;
use crate::support::engine::TestEngine;
use crate::support::loops::{Mount, run};
use crate::support::peer::{Sender, admission, field};
use crate::support::traffic::{faults_of_arrival, ids_in, ids_in_journal};

fn config(keys: &str) -> String {
    format!(
        r#"
{keys}

[source.adt]
type = "mllp"
listen = "127.0.0.1:0"

[[route]]
name = "all"
from = ["adt"]
to = ["archive"]

[destination.archive]
type = "file"
path = "out/all.hl7"
retry = {{ first = "20ms", max = "200ms" }}
"#
    )
}

/// ERR-3 of a refusal for want of space.
const FULL: &str = "207^Application internal error^HL70357^^^^^^storage is nearly full";

/// An admission with a long note, so that few of them fill a segment file.
fn long(id: &str, bytes: usize) -> String {
    format!("{}NTE|1||{}\r", admission(id), "x".repeat(bytes))
}

/// The acknowledgment's code; nothing if none came.
async fn answered(sender: &mut Sender, message: &str) -> Option<String> {
    sender.send(message).await;
    let reply = timeout(Duration::from_secs(10), sender.reply())
        .await
        .ok()?;
    Some(field(&reply, "MSA", 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_on_the_disk_nothing_is_acknowledged_after_it_and_all_before_is_kept() {
    use Operation::{Create, Rename, Sync, SyncDir, Unlink, Write};
    let depth = number("WARDWIRE_FAULT_DEPTH").unwrap_or(12);
    let (mut failures, mut after) = (0, 0);
    for operation in [Write, Sync, SyncDir, Rename, Create, Unlink] {
        for n in 1..=depth {
            let files = FaultFiles::default();
            files.fail(operation, n);
            let mut engine = TestEngine::prepared(&config("[journal]\nsegment = \"1MiB\""));
            let mut acknowledged = Vec::new();
            // An engine that does not start acknowledges nothing.
            if engine.try_restart(Arc::new(files.clone())).await.is_ok() {
                acknowledged = send_until_it_fails(&engine, &files).await;
                engine.stop().await;
            }
            engine.restart().await;
            let held = ids_in_journal(&engine.path().join("data/journal"));
            for id in &acknowledged {
                assert!(
                    held.contains(id),
                    "{operation:?} {n}: {id} of {acknowledged:?} is lost"
                );
            }
            engine.until_delivered().await;
            // A failure ends the engine as a kill does: what was in flight may come again.
            let arrived = ids_in(&engine.path().join("out/all.hl7"));
            let faults = faults_of_arrival(&held, &arrived, 1);
            assert_eq!(faults, Vec::<String>::new(), "{operation:?} {n}");
            engine.stop().await;
            if files.hits() == 0 {
                break;
            }
            failures += 1;
            after += acknowledged.len();
        }
    }
    eprintln!("{failures} failures, {after} messages acknowledged before them");
    assert!(failures > 20 && after > 20);
}

/// Sends until the journal is dead, and holds that it then acknowledges nothing; what was acknowledged.
async fn send_until_it_fails(engine: &TestEngine, files: &FaultFiles) -> Vec<String> {
    let mut sender = engine.sender("adt").await;
    let mut acknowledged = Vec::new();
    for number in 0..10 {
        let struck = files.victim().is_some_and(|file| !is_derived(&file));
        if struck {
            engine
                .until("it knows", |engine| engine.journal().trouble().is_some())
                .await;
        }
        let id = format!("S0N{number:03}");
        let bytes = if number % 3 == 0 { 100 } else { 300_000 };
        let code = answered(&mut sender, &long(&id, bytes)).await;
        if code.as_deref() == Some("AA") {
            assert!(!struck, "acknowledged after {:?} failed", files.victim());
            acknowledged.push(id);
        } else {
            assert_eq!(code.as_deref(), Some("AE"));
        }
    }
    acknowledged
}

/// What the journal can do without: what is made again from the records, and its notes on the clock.
fn is_derived(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    name.contains(".idx") || name.contains("index.key") || name == "clock"
}

#[tokio::test]
async fn below_the_disk_floor_senders_are_told_207_until_there_is_space_again() {
    let files = FaultFiles::default();
    files.pretend_free(Some(1 << 20));
    let mut engine = TestEngine::start_on(&files, &config("")).await;
    let mut sender = engine.sender("adt").await;
    let reply = sender.exchange(admission("C1")).await;
    assert_eq!(
        (field(&reply, "MSA", 1), field(&reply, "ERR", 3)),
        ("AE".into(), FULL.into())
    );
    files.pretend_free(None);
    let freed = Instant::now();
    while answered(&mut sender, &admission("C1")).await.as_deref() != Some("AA") {
        assert!(freed.elapsed() < Duration::from_secs(5));
        sleep(Duration::from_millis(20)).await;
    }
    engine.until_delivered().await;
    assert_eq!(ids_in(&engine.path().join("out/all.hl7")), ["C1"]);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_refuses_with_207_and_recovers_by_itself_with_all_it_acknowledged() {
    let mut engine = TestEngine::prepared("");
    let disk = match Mount::new(
        &["-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs"],
        &engine.path().join("disk"),
    ) {
        Ok(disk) => disk,
        Err(reason) => {
            eprintln!("skipped: no disk that could fill up ({reason})");
            return;
        }
    };
    let keys =
        "[engine]\ndata = \"disk/data\"\n[journal]\nsegment = \"1MiB\"\ndisk_floor = \"2MiB\"";
    engine.write(
        "config.toml",
        config(keys).replace("out/all", "disk/out/all"),
    );
    engine.restart().await;
    let mut sender = engine.sender("adt").await;
    let mut acknowledged = Vec::new();
    let refused = loop {
        let id = format!("S0N{:03}", acknowledged.len());
        let reply = sender.exchange(long(&id, 100_000)).await;
        if field(&reply, "MSA", 1) != "AA" {
            break reply;
        }
        acknowledged.push(id);
        assert!(acknowledged.len() < 200, "a disk of 16 MiB took 20");
    };
    assert_eq!(
        (field(&refused, "MSA", 1), field(&refused, "ERR", 3)),
        ("AE".into(), FULL.into())
    );
    assert!(acknowledged.len() > 20, "refused too early");
    // The door stays open, and says the same to others.
    let mut other = engine.sender("adt").await;
    assert_eq!(
        answered(&mut other, &long("S1N000", 100_000))
            .await
            .as_deref(),
        Some("AE")
    );

    run(
        "mount",
        &["-o", "remount,size=64m", disk.path().to_str().unwrap()],
    )
    .unwrap();
    let freed = Instant::now();
    while answered(&mut other, &long("S1N000", 100_000))
        .await
        .as_deref()
        != Some("AA")
    {
        assert!(
            freed.elapsed() < Duration::from_secs(5),
            "it does not notice the space"
        );
        sleep(Duration::from_millis(20)).await;
    }
    acknowledged.push("S1N000".to_owned());
    engine.until_delivered().await;
    engine.stop().await;
    engine.restart().await;
    assert_eq!(
        ids_in_journal(&disk.path().join("data/journal")),
        acknowledged
    );
    assert_eq!(ids_in(&disk.path().join("out/all.hl7")), acknowledged);
    engine.stop().await;
}

/// What an engine says that does not start on `folder`, without the folder's name.
async fn refusal(folder: &TempDir) -> String {
    let mut engine = Served::start(folder.path());
    let ended = engine.ended().await;
    let said = engine.said().replace(folder.path().to_str().unwrap(), "…");
    format!("{}: {}", ended.code().unwrap(), said.trim())
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = config("").replace("127.0.0.1:0", &lasting_address().to_string());
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    folder
}

#[tokio::test]
async fn a_data_folder_that_others_can_enter_is_refused() {
    for name in ["data", "data/journal"] {
        let folder = folder();
        let path = folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        mode(&folder.path().join("data"), 0o700);
        mode(&path, 0o755);
        let said = refusal(&folder).await;
        let wanted = "can be entered by other users: chmod 700 it";
        assert_eq!(
            said,
            format!("1: wardwire: cannot open the journal: …/{name} {wanted}")
        );
    }
}

#[tokio::test]
async fn a_data_folder_behind_a_symbolic_link_is_refused() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.path().join("data")).unwrap();
    insta::assert_snapshot!(refusal(&folder).await, @"1: wardwire: cannot open the journal: …/data is a symbolic link: name the folder itself");
}

#[tokio::test]
async fn a_data_folder_of_another_user_is_refused() {
    let folder = folder();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o700)).unwrap();
    if let Err(error) = std::os::unix::fs::chown(&data, Some(65_534), None) {
        eprintln!("skipped: only root may give a folder away ({error})");
        return;
    }
    insta::assert_snapshot!(refusal(&folder).await, @"1: wardwire: cannot open the journal: …/data belongs to another user: run the engine as its owner, or chown it");
}

#[tokio::test]
async fn a_read_only_disk_is_refused() {
    let folder = folder();
    let at = folder.path().join("data");
    let disk = Mount::new(&["-t", "tmpfs", "-o", "ro,mode=0700", "tmpfs"], &at);
    if let Err(reason) = &disk {
        eprintln!("skipped: no disk that could be read-only ({reason})");
        return;
    }
    insta::assert_snapshot!(refusal(&folder).await, @"1: wardwire: cannot open the journal: cannot make …/data/journal: Read-only file system (os error 30)");
}

#[tokio::test]
async fn a_second_engine_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let folder = folder();
    let mut first = Served::start(folder.path());
    first.ready().await;
    let again = tempfile::tempdir().unwrap();
    let config = std::fs::read_to_string(folder.path().join("config.toml")).unwrap();
    let data = format!("[engine]\ndata = {:?}\n", folder.path().join("data"));
    std::fs::write(again.path().join("config.toml"), data + &config).unwrap();
    let said = refusal(&again).await;
    let said = said.replace(folder.path().to_str().unwrap(), "…");
    let said = said.replace(&first.id().to_string(), "7");
    insta::assert_snapshot!(said, @r"
    69: wardwire: cannot open the journal: another engine uses …/data/journal (process 7)
      hint: one engine a data folder; `wardwire status` shows the one that runs
    ");
    assert!(first.stop().await.success());
}
