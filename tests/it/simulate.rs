//! A simulated hospital in front of an engine and a partner behind it: what the audit says is what happened.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::engine::TestEngine;
use crate::support::feed::with_board;
use crate::support::partner::free_address;

/// `wardwire simulate …` in a folder.
fn simulate(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwire"));
    command
        .arg("simulate")
        .args(line.split_whitespace())
        .current_dir(folder);
    command
}

/// Exit code, standard output and standard error.
fn run(folder: &Path, line: &str) -> (i32, String, String) {
    let output = simulate(folder, line).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The same beside an engine that runs in this thread.
async fn run_beside(folder: &Path, line: &str) -> (i32, Value) {
    let (folder, line) = (folder.to_owned(), line.to_owned());
    let ran = tokio::task::spawn_blocking(move || run(&folder, &line))
        .await
        .unwrap();
    let (code, stdout, stderr) = ran;
    let audit =
        serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{code} {stdout} {stderr}"));
    (code, audit)
}

/// A partner that has begun to listen.
fn partner(folder: &Path, line: &str) -> Child {
    let mut child = simulate(folder, line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("listening on"), "{first}");
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// Waits for its end: exit code and audit.
async fn ended(child: Child) -> (i32, Value) {
    let waiting = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = waiting.await.unwrap();
    let audit = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), audit)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn what_a_hospital_sends_through_an_engine_arrives_once_and_in_order() {
    let board = free_address();
    let engine = TestEngine::start(&with_board(&board.to_string())).await;
    let line = format!(
        "hospital --seed 11 --count 1500 --fast --connections 3 --to {} --listen {board} --format json",
        engine.address("adt")
    );
    let (code, audit) = run_beside(engine.path(), &line).await;
    assert_eq!(code, 0, "{audit}");
    let delivery = &audit["delivery"];
    assert_eq!(audit["answers"]["AA"], 1500);
    assert_eq!(
        (&delivery["lost"], &delivery["out_of_order"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        (&delivery["once"], &delivery["twice"]),
        (&audit["sent"], &0.into())
    );
    // The hospital sent some of them twice; the engine knew them.
    assert!(audit["sent_again"].as_u64().unwrap() > 0, "{audit}");
    engine.until_delivered().await;
}

#[tokio::test]
async fn an_engine_delivers_everything_to_a_partner_at_its_worst() {
    let folder = folder();
    let made = run(
        folder.path(),
        "hospital --seed 12 --count 300 --out - --truth truth.json",
    );
    assert_eq!(made.0, 0, "{}", made.2);
    let board = free_address();
    let config =
        with_board(&board.to_string()).replace("retry =", "ack_timeout = \"600ms\"\nretry =");
    let engine = TestEngine::start(&config).await;
    let line = format!(
        "partner --listen {board} --nak 8% --drop 3% --garble 3% --delay 0ms..3ms --truth truth.json --for 60s --format json"
    );
    let partner = partner(folder.path(), &line);
    let line = format!(
        "hospital --seed 12 --count 300 --fast --to {} --format json",
        engine.address("adt")
    );
    let (code, sent) = run_beside(folder.path(), &line).await;
    assert_eq!((code, &sent["delivery"]), (0, &Value::Null), "{sent}");
    let (code, audit) = ended(partner).await;
    assert_eq!(code, 0, "{audit}");
    let (said, delivery) = (&audit["answers"], &audit["delivery"]);
    for answer in ["AA", "AE", "none", "garbled"] {
        assert!(said[answer].as_u64().unwrap() > 0, "{answer}: {audit}");
    }
    assert_eq!(
        (&delivery["lost"], &delivery["out_of_order"]),
        (&0.into(), &0.into())
    );
    let count = |name: &str| delivery[name].as_u64().unwrap();
    assert_eq!(Some(count("once") + count("twice")), audit["sent"].as_u64());
    // Whatever came twice came twice because the partner had left the engine in the dark about it.
    assert!(count("twice") > 0, "{audit}");
    assert_eq!(count("twice"), count("twice_with_reason"), "{audit}");
}

#[tokio::test]
async fn a_message_that_is_acknowledged_and_never_delivered_is_caught() {
    let board = free_address();
    let config = with_board(&board.to_string()).replace(
        "from = [\"adt\"]",
        "from = [\"adt\"]\nwhen = 'MSH-9.2 != \"A20\"'",
    );
    let engine = TestEngine::start(&config).await;
    let line = format!(
        "hospital --seed 13 --count 400 --fast --to {} --listen {board} --settle 300ms --format json",
        engine.address("adt")
    );
    let (code, audit) = run_beside(engine.path(), &line).await;
    assert_eq!(code, 2, "{audit}");
    assert!(audit["delivery"]["lost"].as_u64().unwrap() > 20, "{audit}");
    assert!(!audit["delivery"]["lost_ids"].as_array().unwrap().is_empty());
    assert_eq!(audit["findings"], true);
}

#[test]
fn over_many_connections_nothing_of_a_patient_overtakes_anything() {
    let folder = folder();
    // As many messages about two patients as can be.
    let (_, text, _) = run(folder.path(), "pathways");
    // The last statement about a rate counts.
    let often = format!("{text}\nrate swap 100%\nrate merge 40% after 5m..30m\n");
    fs::write(folder.path().join("often"), often).unwrap();
    let made = "hospital --seed 18 --count 2500 --beds 400 --pathways often";
    run(folder.path(), &format!("{made} --out - --truth truth.json"));
    let address = free_address();
    let line = format!(
        "partner --listen {address} --truth truth.json --delay 0ms..6ms --for 60s --format json"
    );
    let partner = partner(folder.path(), &line);
    let (code, stdout, _) = run(
        folder.path(),
        &format!("{made} --fast --connections 16 --to {address} --format json"),
    );
    assert_eq!(code, 0, "{stdout}");
    let output = partner.wait_with_output().unwrap();
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{audit}");
    assert_eq!(audit["delivery"]["out_of_order"], 0);
}

#[test]
fn a_partner_that_misses_a_message_of_the_truth_says_so() {
    let folder = folder();
    run(
        folder.path(),
        "hospital --seed 14 --count 60 --out - --truth truth.json",
    );
    let board = free_address();
    let line = format!("partner --listen {board} --truth truth.json --count 40 --format json");
    let partner = partner(folder.path(), &line);
    let (code, ..) = run(
        folder.path(),
        &format!("hospital --seed 14 --count 40 --fast --to {board}"),
    );
    assert_eq!(code, 0);
    let output = partner.wait_with_output().unwrap();
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{audit}");
    let lost = audit["delivery"]["lost"].as_u64().unwrap();
    assert!((15..=20).contains(&lost), "{audit}");
}

#[test]
fn a_message_that_is_refused_is_sent_again_and_a_receiver_that_is_not_there_is_69() {
    let folder = folder();
    let address = free_address();
    let nobody = run(folder.path(), &format!("hospital --count 5 --to {address}"));
    assert_eq!(nobody.0, 69, "{}", nobody.2);
    let partner = partner(
        folder.path(),
        &format!("partner --listen {address} --nak 20% --for 60s --format json"),
    );
    let line =
        format!("hospital --seed 15 --count 80 --fast --retries 9 --to {address} --format json");
    let (code, stdout, _) = run(folder.path(), &line);
    let audit: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 0, "{audit}");
    assert!(audit["answers"]["AE"].as_u64().unwrap() > 5, "{audit}");
    let line =
        format!("hospital --seed 16 --count 80 --fast --retries 0 --to {address} --format json");
    assert_eq!(run(folder.path(), &line).0, 1);
    interrupt(partner);
}

/// Ctrl-C, and it ends with an audit.
fn interrupt(child: Child) {
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_some());
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(audit["delivery"]["received"].as_u64().unwrap() > 100);
    assert_eq!(audit["sent"], Value::Null);
}

#[test]
fn the_same_seed_writes_the_same_files_and_the_truth_is_json() {
    let folder = folder();
    for name in ["one", "two"] {
        let line = format!("hospital --seed 17 --days 1 --out {name}.hl7 --truth {name}.json");
        assert_eq!(run(folder.path(), &line).0, 0);
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("one.hl7") == read("two.hl7") && read("one.json") == read("two.json"));
    let truth: Vec<Value> = serde_json::from_slice(&read("one.json")).unwrap();
    let messages = truth
        .iter()
        .filter(|record| record["record"] == "message")
        .count();
    assert_eq!(truth[0]["seed"], 17);
    assert_eq!(truth.last().unwrap()["messages"], messages);
    // A folder gets a file a message, and standard output the same bytes.
    let line = "hospital --seed 17 --days 1 --out each/";
    assert_eq!(run(folder.path(), line).0, 0);
    assert_eq!(
        fs::read_dir(folder.path().join("each")).unwrap().count(),
        messages
    );
    let (_, stdout, _) = run(folder.path(), "hospital --seed 17 --days 1 --out -");
    assert_eq!(stdout.as_bytes(), read("one.hl7"));
}

#[test]
fn pathways_are_printed_edited_and_refused_with_their_place() {
    let folder = folder();
    let (code, text, _) = run(folder.path(), "pathways");
    assert_eq!(code, 0);
    fs::write(folder.path().join("ours"), &text).unwrap();
    let ours = "hospital --pathways ours --seed 1 --count 50 --out -";
    let built_in = run(folder.path(), "hospital --seed 1 --count 50 --out -");
    assert_eq!(run(folder.path(), ours).1, built_in.1);
    fs::write(
        folder.path().join("ours"),
        text.replace("follow surgical_days", "follow surgcal_days"),
    )
    .unwrap();
    let (code, stdout, stderr) = run(folder.path(), ours);
    assert_eq!((code, stdout.as_str()), (78, ""));
    assert!(
        stderr.contains("did you mean surgical_days?\n  follow surgcal_days\n         ^"),
        "{stderr}"
    );
    for line in [
        "hospital --version 3.0",
        "hospital --out x --fast",
        "partner --nak 101%",
        "partner --delay 2s..1s",
    ] {
        assert_eq!(run(folder.path(), line).0, 64, "{line}");
    }
}
