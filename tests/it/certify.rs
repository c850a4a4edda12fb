//! What `certify` says of receivers: full marks for ours, and for each broken one exactly what is broken.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::Duration;

use tokio::task::JoinSet;
use wardwire::certify::{
    Case, EnhancedMode, Kit, Needs, Outcome, Score, Settings, Target, Verdict, all, find, run,
};
use wardwire::clock::Clock;

use crate::support::engine::TestEngine;
use crate::support::feed::feed;
use crate::support::receiver::{Fault, Receiver};

fn settings(address: SocketAddr) -> Settings {
    Settings {
        target: Target {
            address: address.to_string(),
            tls: None,
        },
        timeout: Duration::from_secs(5),
        limit: Duration::from_mins(5),
        enhanced: EnhancedMode::Probe,
        slow: false,
    }
}

async fn outcomes(settings: &Settings, cases: &[&'static Case]) -> Vec<Outcome> {
    let mut kit = Kit::synthetic(Clock::system());
    run(settings, &mut kit, cases, |_| {}).await.unwrap()
}

fn every() -> Vec<&'static Case> {
    all().collect()
}

/// Some cases by name.
fn some(names: &str) -> Vec<&'static Case> {
    let find = |name| find(name).unwrap_or_else(|| panic!("no case {name}"));
    names.split_whitespace().map(find).collect()
}

fn with(outcomes: &[Outcome], verdict: Verdict) -> String {
    let wanted = outcomes
        .iter()
        .filter(|outcome| outcome.finding.verdict == verdict);
    wanted
        .map(|outcome| outcome.case.id)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a receiver with this fault fails, of all cases.
async fn failed_with(fault: Fault) -> String {
    let receiver = Receiver::start(fault).await;
    let outcomes = outcomes(&settings(receiver.address), &every()).await;
    assert_eq!(outcomes.len(), all().count());
    with(&outcomes, Verdict::Fail)
}

#[tokio::test]
async fn our_own_engine_gets_full_marks() {
    let engine = TestEngine::start(&feed("")).await;
    let quick: Vec<_> = all().filter(|case| case.needs != Needs::Patience).collect();
    let outcomes = outcomes(&settings(engine.address("adt")), &quick).await;
    let short: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.finding.verdict != Verdict::Pass)
        .map(|outcome| (outcome.case.id, &outcome.finding))
        .collect();
    assert!(short.is_empty(), "{short:#?}");
    assert!(Score::of(&outcomes).is_full() && outcomes.len() >= 40);
    assert!(
        engine.engine().report().sources[0].figures.accepted > 100,
        "and the messages did arrive"
    );
}

/// All cases for each of them: what is not named passes, or is tolerated. They run side by side, for most of it is waiting.
#[tokio::test]
async fn a_receiver_with_one_fault_fails_exactly_the_cases_about_it_and_an_honest_one_none() {
    let mut runs = JoinSet::new();
    for (fault, expected) in [
        (Fault::None, ""),
        (Fault::AcksAcks, "ack-of-ack ack-of-asking-ack"),
        (Fault::AsksBack, "ack-asks-nothing"),
        (Fault::IgnoresDelimiters, "own-delimiters"),
        (Fault::Unescapes, "id-escape"),
        (Fault::TakesHalves, "start-block-inside broken-off"),
    ] {
        runs.spawn(async move { (fault, failed_with(fault).await, expected) });
    }
    for (fault, failed, expected) in runs.join_all().await {
        assert_eq!(failed, expected, "{fault:?}");
    }
}

#[tokio::test]
async fn a_receiver_without_enhanced_mode_is_blamed_only_where_it_was_said_to_have_it() {
    let receiver = Receiver::start(Fault::Original).await;
    let mut settings = settings(receiver.address);
    let cases: Vec<_> = all()
        .filter(|case| case.needs == Needs::EnhancedMode)
        .collect();
    let probed = outcomes(&settings, &cases).await;
    assert_eq!(Score::of(&probed).skipped, cases.len());
    settings.enhanced = EnhancedMode::Yes;
    let told = outcomes(&settings, &cases).await;
    assert_eq!(
        with(&told, Verdict::Fail),
        "commit-always never both-always commit-alone commit-on-success commit-on-error application-on-error \
         refused-always refused-on-error refused-on-success refused-never"
    );
}

#[tokio::test]
async fn a_receiver_that_wants_a_message_in_one_piece_is_found() {
    let receiver = Receiver::start(Fault::ClosesOnPieces).await;
    let cases = some(
        "plain byte-by-byte cut-anywhere three-in-one-write two-and-a-half end-block-then-pause pauses-inside \
         connect-and-close id-twenty parties z-segment letters-utf-8",
    );
    let outcomes = outcomes(&settings(receiver.address), &cases).await;
    assert_eq!(
        with(&outcomes, Verdict::Fail),
        "byte-by-byte cut-anywhere two-and-a-half end-block-then-pause"
    );
    assert_eq!(with(&outcomes, Verdict::Tolerated), "pauses-inside");
}

#[tokio::test]
async fn messages_lost_behind_another_are_found() {
    let receiver = Receiver::start(Fault::DropsSecond).await;
    let mut settings = settings(receiver.address);
    settings.timeout = Duration::from_secs(1);
    let cases = some(
        "plain byte-by-byte cut-anywhere three-in-one-write ten-in-one-write two-and-a-half blanks-between \
         connection-kept id-twenty parties sent-twice z-segment",
    );
    let outcomes = outcomes(&settings, &cases).await;
    assert_eq!(
        with(&outcomes, Verdict::Fail),
        "three-in-one-write ten-in-one-write two-and-a-half blanks-between"
    );
}

/// What cannot pass the ordinary message fails that one, quickly, and nothing else is tried.
#[tokio::test]
async fn a_receiver_that_cannot_be_judged_fails_the_ordinary_message_alone_and_is_told_why() {
    for (fault, why, whatever) in [
        (
            Fault::Hangs,
            "there was no answer in time",
            "does not acknowledge",
        ),
        (
            Fault::Refuses,
            "it was refused, and it is right as it is (AR)",
            "refuses the base message",
        ),
        (
            Fault::FixedId,
            "MSA-2 (4 bytes) is not the message's MSH-10 (20 bytes)",
            "names another one",
        ),
        (
            Fault::Unframed,
            "the answer is not between a start block (0B) and an end block (1C 0D)",
            "in no frame",
        ),
    ] {
        let receiver = Receiver::start(fault).await;
        let mut settings = settings(receiver.address);
        settings.timeout = Duration::from_secs(1);
        let outcomes = outcomes(&settings, &every()).await;
        assert_eq!(with(&outcomes, Verdict::Fail), "plain", "{fault:?}");
        assert_eq!(outcomes[0].finding.reason, why);
        assert_eq!(Score::of(&outcomes).skipped, all().count() - 1);
        assert!(
            outcomes[1].finding.reason.contains(whatever),
            "{}",
            outcomes[1].finding.reason
        );
    }
}

#[tokio::test]
async fn an_answer_too_many_is_found_in_every_case() {
    let receiver = Receiver::start(Fault::Twice).await;
    let cases = some("plain id-twenty ack-own-id z-segment");
    let outcomes = outcomes(&settings(receiver.address), &cases).await;
    assert_eq!(Score::of(&outcomes).failed, cases.len());
    assert_eq!(
        outcomes[0].finding.reason,
        "there were more answers than messages"
    );
}

#[tokio::test]
async fn a_run_ends_at_its_limit() {
    let receiver = Receiver::start(Fault::None).await;
    let mut settings = settings(receiver.address);
    settings.limit = Duration::ZERO;
    let outcomes = outcomes(&settings, &every()).await;
    assert_eq!(Score::of(&outcomes).skipped, all().count());
}

async fn wardwire(line: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwire"));
    command.args(line.split_whitespace());
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test]
async fn the_score_card_shows_the_clause_and_the_bytes_of_a_failure() {
    let receiver = Receiver::start(Fault::Unescapes).await;
    let line = format!("certify {} --case id-escape --case plain", receiver.address);
    let (code, stdout, stderr) = wardwire(&line).await;
    assert_eq!(code, 2, "{stdout}{stderr}");
    assert!(stderr.contains("not for a production system"), "{stderr}");
    for words in [
        "FAIL",
        "id-escape",
        "expected: MSA-2 is",
        "clause:   HL7 v2.9.1",
        "received",
        "0b 4d 53 48",
        "1 of 2 pass, 1 failed",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let (code, stdout, _) = wardwire(&format!("{line} --format json")).await;
    assert_eq!(code, 2);
    let lines: Vec<serde_json::Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[1]["verdict"], "fail");
    assert!(
        lines[1]["evidence"][1]["hex"]
            .as_str()
            .unwrap()
            .starts_with("0b4d5348")
    );
    assert_eq!(lines[2]["score"]["fail"], 1);
}

#[tokio::test]
async fn the_junit_report_is_xml_and_counts_right() {
    let receiver = Receiver::start(Fault::Unescapes).await;
    let line = format!(
        "certify {} --format junit --case plain --case id-escape --case unknown-type --case quiet-connection",
        receiver.address
    );
    let (code, stdout, _) = wardwire(&line).await;
    assert_eq!(code, 2);
    let document =
        roxmltree::Document::parse(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    let suites = document.root_element();
    assert_eq!(suites.tag_name().name(), "testsuites");
    let count = |name: &str| suites.attribute(name).unwrap().parse::<usize>().unwrap();
    assert_eq!(
        (count("tests"), count("failures"), count("skipped")),
        (4, 1, 1)
    );
    let named = |name: &'static str| {
        document
            .descendants()
            .filter(move |node| node.has_tag_name(name))
    };
    assert_eq!(named("testcase").count(), 4);
    let failure = named("failure").next().unwrap();
    assert!(failure.text().unwrap().contains("0b 4d 53 48"));
    assert!(failure.attribute("message").unwrap().contains("MSH-10"));
}

#[tokio::test]
async fn without_a_receiver_the_exit_code_is_69_and_the_list_needs_none() {
    let (code, stdout, stderr) = wardwire("certify 127.0.0.1:1").await;
    assert_eq!((code, stdout.as_str()), (69, ""));
    assert!(stderr.contains("cannot connect to 127.0.0.1:1"), "{stderr}");
    let (code, stdout, _) = wardwire("certify --list").await;
    assert_eq!(code, 0);
    assert!(stdout.contains("needs:    enhanced mode") && stdout.contains("ack-of-ack"));
    let (code, _, stderr) = wardwire("certify 127.0.0.1:1 --case id-escap").await;
    assert_eq!(code, 64);
    assert!(stderr.contains("did you mean id-escape?"), "{stderr}");
}

#[tokio::test]
async fn the_bytes_of_somebodys_message_go_into_a_pipe_only_where_phi_says_so() {
    let receiver = Receiver::start(Fault::Unescapes).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.hl7");
    let message = "MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5.1\rPID|1||MARKER1||MARKER2\r";
    std::fs::write(&file, message).unwrap();
    let line = format!(
        "certify {} --case id-escape --message {}",
        receiver.address,
        file.display()
    );
    let hex = "4d 41 52 4b 45 52";
    for format in ["text", "json", "junit"] {
        let (code, stdout, stderr) = wardwire(&format!("{line} --format {format}")).await;
        assert_eq!(code, 2, "{stderr}");
        let shown = |what: &str| stdout.contains(what) || stderr.contains(what);
        assert!(
            !shown("MARKER") && !shown(hex) && !shown(&hex.replace(' ', "")),
            "{format}"
        );
    }
    let (_, stdout, _) = wardwire(&format!("{line} --phi")).await;
    assert!(stdout.contains("MARKER"), "{stdout}");
}
