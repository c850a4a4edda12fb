//! Clocks that jump: order, retries, duplicates, retention and control IDs do not follow them.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use wardwire::clock::Clock;
use wardwire::journal::OutcomeKind;

use crate::support::engine::TestEngine;
use crate::support::partner::{Does, Partner};
use crate::support::peer::{admission, field};
use crate::support::traffic::ids_in;

/// Where the clock jumps to, one after the other: an hour on and back, ten years on and back, the first and the last
/// second of a 32-bit clock and the one after it.
const JUMPS: [&str; 9] = [
    "2026-01-02T04:04:05Z",
    "2026-01-02T02:04:05Z",
    "2036-01-02T03:04:05Z",
    "2016-01-02T03:04:05Z",
    "1970-01-01T00:00:00Z",
    "2038-01-19T03:14:07Z",
    "2038-01-19T03:14:08Z",
    "1969-12-31T23:59:59Z",
    "2026-01-02T03:04:05Z",
];

fn config(lab: &str) -> String {
    format!(
        r#"
[journal]
segment = "1MiB"
keep = "1d"

[source.adt]
type = "mllp"
listen = "127.0.0.1:0"

[[route]]
name = "all"
from = ["adt"]
to = ["lab", "archive"]

[destination.lab]
type = "mllp"
connect = "{lab}"
retry = {{ first = "10ms", max = "20ms" }}

[destination.archive]
type = "file"
path = "out/all.hl7"
"#
    )
}

fn jump(engine: &TestEngine, to: &str) {
    engine.clock.turn_to(to.parse().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_retries_and_control_ids_do_not_follow_a_clock_that_jumps() {
    // Every other message is refused once, so that the clock jumps between a try and the next.
    let script = [Does::Acks("AE"), Does::Acks("AA"), Does::Acks("AA")];
    let partner = Partner::start(script.into_iter().cycle().take(60)).await;
    let mut engine = TestEngine::start(&config(&partner.address())).await;
    let mut sender = engine.sender("adt").await;
    let (mut ids, mut ours) = (Vec::new(), BTreeSet::new());
    for (life, to) in JUMPS.iter().enumerate() {
        for number in 0..3 {
            let id = format!("C{life}{number}");
            let reply = sender.exchange(admission(&id)).await;
            assert_eq!(
                (field(&reply, "MSA", 1), field(&reply, "MSA", 2)),
                ("AA".into(), id.clone())
            );
            assert!(
                ours.insert(field(&reply, "MSH", 10)),
                "our control ID came before"
            );
            ids.push(id);
            if number == 1 {
                jump(&engine, to);
            }
        }
    }
    engine.until_delivered().await;
    let mut arrived = partner.control_ids();
    arrived.dedup();
    assert_eq!(arrived, ids);
    assert_eq!(ids_in(&engine.path().join("out/all.hl7")), ids);
    // And after a restart in another century.
    for to in ["1970-01-01T00:00:01Z", "2099-12-31T23:59:59Z"] {
        engine.stop().await;
        jump(&engine, to);
        engine.restart().await;
        let id = format!("D{}", &to[..4]);
        let mut sender = engine.sender("adt").await;
        assert_eq!(
            field(&sender.exchange(admission(&id)).await, "MSA", 1),
            "AA"
        );
        ids.push(id);
        engine.until_delivered().await;
        // The message of today makes all before it look a century old.
        assert_eq!(engine.engine().journal().retain().await.unwrap(), 0);
        let held: Vec<_> = engine
            .entries()
            .into_iter()
            .map(|entry| entry.keys.control_id.unwrap())
            .collect();
        assert_eq!(held, ids, "everything is kept, in order");
    }
    assert_eq!(partner.control_ids().last(), ids.last());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_of_the_clock_removes_nothing_however_old_it_makes_the_messages() {
    let partner = Partner::start([]).await;
    let mut engine = TestEngine::start(&config(&partner.address())).await;
    let mut sender = engine.sender("adt").await;
    // Three segment files, all delivered.
    let note = "x".repeat(300_000);
    for number in 0..8 {
        let message = format!("{}NTE|1||{note}\r", admission(&format!("C{number}")));
        assert_eq!(field(&sender.exchange(message).await, "MSA", 1), "AA");
    }
    engine.until_delivered().await;
    for to in JUMPS
        .iter()
        .chain(["2030-01-01T00:00:00Z", "2199-01-01T00:00:00Z"].iter())
    {
        jump(&engine, to);
        let removed = engine.engine().journal().retain().await;
        assert_eq!(removed.unwrap(), 0, "{to}");
        assert_eq!(engine.entries().len(), 8, "{to}");
    }
    // A clock that goes on from day to day is believed.
    jump(&engine, JUMPS[8]);
    for day in 0..6 {
        let reply = sender.exchange(admission(&format!("D{day}"))).await;
        assert_eq!(field(&reply, "MSA", 1), "AA");
        engine.until_delivered().await;
        engine.clock.advance(Duration::from_hours(20));
        engine.engine().journal().retain().await.unwrap();
    }
    assert!(engine.entries().len() < 14, "nothing is ever removed");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_sent_again_after_a_jump_back_is_still_known() {
    let partner = Partner::start([]).await;
    let mut engine = TestEngine::start(&config(&partner.address())).await;
    let mut sender = engine.sender("adt").await;
    let first = sender.exchange(admission("C1")).await;
    for to in ["2026-01-02T02:04:05Z", "2025-12-31T03:04:05Z"] {
        jump(&engine, to);
        assert_eq!(sender.exchange(admission("C1")).await, first, "{to}");
    }
    engine.until_delivered().await;
    assert_eq!(partner.control_ids(), ["C1"]);
    let outcomes = engine.outcomes_of_first("lab");
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].kind, OutcomeKind::Delivered);
    engine.stop().await;
}

#[test]
fn control_ids_of_an_engine_that_starts_again_at_the_same_moment_differ() {
    let ids: BTreeSet<_> = (0..100).map(|_| Clock::system().control_id()).collect();
    assert_eq!(ids.len(), 100);
    assert!(Clock::system().now() > Timestamp::UNIX_EPOCH);
}
