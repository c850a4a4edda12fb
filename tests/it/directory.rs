//! A folder as a source: files that are dropped into it.

use std::fs;
use std::path::PathBuf;

use wardwire::journal::faults::{FaultFiles, Operation};

use crate::support::engine::TestEngine;
use crate::support::peer::{admission, admission_with};

const DROP: &str = r#"
[source.drop]
type = "directory"
path = "in"
every = "10ms"
max_file = "1MiB"

[[route]]
name = "all"
from = ["drop"]
to = ["archive"]

[destination.archive]
type = "file"
path = "out/all.hl7"
"#;

fn names(engine: &TestEngine, folder: &str) -> Vec<String> {
    let Ok(found) = fs::read_dir(engine.path().join(folder)) else {
        return Vec::new();
    };
    let files = found
        .map(Result::unwrap)
        .filter(|one| one.file_type().unwrap().is_file());
    let mut names: Vec<_> = files
        .map(|one| one.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits until a file is in a folder.
async fn until_there(engine: &TestEngine, file: &str) {
    let path: PathBuf = engine.path().join(file);
    engine.until(file, |_| path.exists()).await;
}

fn accepted(engine: &TestEngine) -> Vec<String> {
    let ids = engine
        .accepted()
        .into_iter()
        .map(|entry| entry.keys.control_id.unwrap());
    ids.map(|id| String::from_utf8(id.to_vec()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_file_that_was_taken_over_goes_to_done() {
    let engine = TestEngine::start(DROP).await;
    engine.write("in/a.hl7", admission("1"));
    until_there(&engine, "in/done/a.hl7").await;
    assert_eq!(accepted(&engine), ["1"]);
    // The same name again, with something else in it.
    engine.write("in/a.hl7", admission("2"));
    until_there(&engine, "in/done/a.hl7.1").await;
    engine.until_delivered().await;
    assert_eq!(
        engine.read("out/all.hl7"),
        [admission("1"), admission("2")].concat().into_bytes()
    );
    assert!(names(&engine, "in").is_empty());
}

#[tokio::test]
async fn a_file_with_something_that_cannot_be_taken_goes_to_failed_with_the_reason() {
    let engine = TestEngine::start(DROP).await;
    engine.write(
        "in/some.hl7",
        [
            admission("1"),
            admission_with("2", &[(9, "XYZ^Z99")]),
            admission("3"),
        ]
        .concat(),
    );
    engine.write("in/text.hl7", "Dear colleague");
    engine.write("in/large.hl7", "x".repeat((1 << 20) + 1));
    for (name, reason) in [
        ("some.hl7", "message 2: message type not accepted here\n"),
        (
            "text.hl7",
            "message 1: no MSH segment (a message begins with MSH) at byte 0\n",
        ),
        (
            "large.hl7",
            "message 1: the file has 1048577 bytes, max_file is 1048576\n",
        ),
    ] {
        until_there(&engine, &format!("in/failed/{name}")).await;
        let told = engine.read(&format!("in/failed/{name}.error.txt"));
        assert_eq!(String::from_utf8(told).unwrap(), reason);
    }
    assert_eq!(accepted(&engine), ["1", "3"]);
}

#[tokio::test]
async fn a_file_is_left_alone_while_it_is_being_written() {
    let engine = TestEngine::start(DROP).await;
    let message = admission("1");
    engine.write("in/b.hl7.part", &message[..60]);
    engine.write("in/.hidden", &message);
    engine.write("in/c.hl7", admission("2"));
    until_there(&engine, "in/done/c.hl7").await;
    assert_eq!(names(&engine, "in"), [".hidden", "b.hl7.part"]);
    engine.write("in/b.hl7.part", &message);
    fs::rename(
        engine.path().join("in/b.hl7.part"),
        engine.path().join("in/b.hl7"),
    )
    .unwrap();
    until_there(&engine, "in/done/b.hl7").await;
}

#[tokio::test]
async fn a_batch_in_a_file_is_taken_apart_in_order() {
    let engine = TestEngine::start(DROP).await;
    let messages = ["1", "2", "3"].map(admission).concat();
    engine.write(
        "in/batch.hl7",
        format!("FHS|^~\\&|A\rBHS|^~\\&|A\r{messages}BTS|4\rFTS|1\r"),
    );
    until_there(&engine, "in/done/batch.hl7").await;
    assert_eq!(accepted(&engine), ["1", "2", "3"]);
    assert_eq!(
        engine.accepted()[2].warnings,
        ["BTS-1 says 4 messages, the batch has 3"]
    );
}

#[tokio::test]
async fn a_file_that_is_read_again_after_a_crash_adds_nothing() {
    let mut engine = TestEngine::start(DROP).await;
    engine.write("in/a.hl7", [admission("1"), admission("2")].concat());
    until_there(&engine, "in/done/a.hl7").await;
    engine.stop().await;
    // As if it had died between storing and moving, with one message more to come.
    engine.write(
        "in/a.hl7",
        [admission("1"), admission("2"), admission("3")].concat(),
    );
    engine.restart().await;
    until_there(&engine, "in/done/a.hl7.1").await;
    assert_eq!(accepted(&engine), ["1", "2", "3"]);
    assert_eq!(engine.engine().report().sources[0].figures.duplicates, 2);
}

#[tokio::test]
async fn a_file_that_the_journal_cannot_take_stays_and_is_taken_later() {
    let files = FaultFiles::default();
    let mut engine = TestEngine::start_on(&files, DROP).await;
    files.fail(Operation::Sync, 1);
    engine.write("in/a.hl7", admission("1"));
    engine
        .until("it was tried", |engine| {
            engine.report().sources[0].figures.not_stored > 0
        })
        .await;
    assert_eq!(names(&engine, "in"), ["a.hl7"]);
    engine.stop().await;
    engine.restart().await;
    until_there(&engine, "in/done/a.hl7").await;
    assert_eq!(accepted(&engine), ["1"]);
}
