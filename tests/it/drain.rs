//! Stopping in order, and going on where it stopped.

use std::time::Duration;

use wardwire::engine::ReloadError;

use crate::support::engine::TestEngine;
use crate::support::feed::feed;
use crate::support::partner::{Does, Partner};
use crate::support::peer::{admission, admission_with, answer, frame};

fn board(address: &str) -> String {
    feed("").replace("to = [\"archive\"]", "to = [\"board\"]")
        + &format!("[destination.board]\ntype = \"mllp\"\nconnect = \"{address}\"\n")
}

#[tokio::test]
async fn what_is_in_hand_is_finished_before_the_engine_stops() {
    let partner = Partner::start([Does::AcksLate("AA", Duration::from_millis(200))]).await;
    let mut engine = TestEngine::start(&board(&partner.address())).await;
    let mut sender = engine.sender("adt").await;
    for id in ["1", "2"] {
        sender.exchange(admission(id)).await;
    }
    partner.has(1).await;
    let drained = engine.stop().await;
    assert_eq!(
        drained.to_string(),
        "stopped; everything in hand was finished"
    );
    assert!(sender.is_closed().await);
    assert_eq!(partner.control_ids(), ["1"], "no other was begun");
    engine.restart().await;
    engine.until_delivered().await;
    assert_eq!(
        partner.control_ids(),
        ["1", "2"],
        "the first was not sent again"
    );
    assert!(engine.engine().opened().clean);
}

#[tokio::test]
async fn who_was_still_busy_at_the_deadline_is_named() {
    let partner = Partner::start([Does::Nothing]).await;
    let mut engine = TestEngine::start(&board(&partner.address())).await;
    engine.sender("adt").await.exchange(admission("1")).await;
    partner.has(1).await;
    let drained = engine.stop_within(Duration::from_millis(100)).await;
    assert_eq!(
        drained.busy,
        ["destination board: a message without an answer yet"]
    );
    engine.restart().await;
    engine.until_delivered().await;
    assert_eq!(
        partner.control_ids(),
        ["1", "1"],
        "nobody knows whether it arrived"
    );
}

#[tokio::test]
async fn frames_that_were_read_are_answered_before_the_connection_closes() {
    let mut engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let all: Vec<String> = (0..30).map(|number| format!("D{number}")).collect();
    let bytes: Vec<u8> = all.iter().flat_map(|id| frame(admission(id))).collect();
    sender.write(bytes).await;
    let first = answer(&sender.reply().await);
    assert_eq!(first, ("AA".into(), "D0".into()));
    engine.stop().await;
    let mut answered = 1;
    while let Some(reply) = sender.try_reply().await {
        assert_eq!(answer(&reply), ("AA".into(), all[answered].clone()));
        answered += 1;
    }
    // What was stored was answered, and the other way round.
    engine.restart().await;
    assert_eq!(engine.accepted().len(), answered);
}

#[tokio::test]
async fn the_identical_answer_is_there_after_a_restart() {
    let mut engine = TestEngine::start(&feed("")).await;
    let message = admission_with("R1", &[(15, "AL"), (16, "NE")]);
    let before = engine.sender("adt").await.exchange(&message).await;
    engine.stop().await;
    engine.restart().await;
    assert_eq!(engine.sender("adt").await.exchange(&message).await, before);
}

#[tokio::test]
async fn an_engine_that_stops_reloads_no_more() {
    let engine = TestEngine::start(&feed("")).await;
    let running = std::sync::Arc::clone(engine.engine());
    running.drain(Duration::from_secs(5)).await;
    let error = engine.reload(&feed("")).await.unwrap_err();
    assert!(matches!(error, ReloadError::Stopping), "{error}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_reload_that_waits_for_a_partner() {
    let partner = Partner::start([Does::Nothing]).await;
    let config = board(&partner.address()) + "ack_timeout = \"20s\"\n";
    let engine = TestEngine::start(&config).await;
    engine.sender("adt").await.exchange(admission("1")).await;
    partner.has(1).await;
    engine.write("config.toml", config.replace("20s", "25s"));
    let running = std::sync::Arc::clone(engine.engine());
    let (reloaded, drained) = tokio::join!(running.reload(&[]), async {
        // The reload has the lock by now: both run on this thread, and it was polled first.
        tokio::task::yield_now().await;
        tokio::time::timeout(
            Duration::from_secs(10),
            running.drain(Duration::from_secs(2)),
        )
        .await
    });
    reloaded.unwrap();
    drained.expect("in time");
}
