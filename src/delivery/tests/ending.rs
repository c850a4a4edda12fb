//! How a lane ends: with the answer it waits for, at once, or dropped.

use std::time::Duration;

use tokio::time::Instant;

use super::partner::{Does, Partner, free_address};
use super::rig::{Rig, mllp};
use crate::delivery::LaneState;

#[tokio::test(start_paused = true)]
async fn an_engine_that_stops_takes_the_answer_it_waits_for_and_begins_nothing_new() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::AcksLate("AA", Duration::from_secs(3))]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let first = rig.receive("M1").await;
    let second = rig.receive("M2").await;
    partner.has(1).await;
    lane.cancel.cancel();
    lane.task.await.unwrap().unwrap();
    assert_eq!(partner.control_ids(), ["M1"]);
    assert!(rig.journal.is_settled("ward", first) && !rig.journal.is_settled("ward", second));
    assert!(matches!(
        lane.status.snapshot().state,
        LaneState::Ended { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stops_does_not_wait_for_a_partner_that_is_down() {
    let rig = Rig::new(&["ward"]);
    let mut settings = mllp("ward", free_address().to_string());
    settings.retry.first = Duration::from_hours(1);
    let lane = rig.start(settings).await;
    let first = rig.receive("M1").await;
    rig.until(&lane, |s| matches!(s.state, LaneState::Retrying { .. }))
        .await;
    let asked = Instant::now();
    lane.cancel.cancel();
    lane.task.await.unwrap().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert!(
        !rig.journal.is_settled("ward", first),
        "it stays for the next start"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lane_dropped_at_the_deadline_says_so_and_its_message_is_sent_again() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Nothing]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    rig.receive("M1").await;
    partner.has(1).await;
    lane.task.abort();
    assert!(lane.task.await.unwrap_err().is_cancelled());
    assert!(matches!(
        lane.status.snapshot().state,
        LaneState::Ended { .. }
    ));
    let again = rig.start(mllp("ward", partner.address())).await;
    assert_eq!(rig.settled(&again, 1).await.delivered, 1);
    assert_eq!(partner.control_ids(), ["M1", "M1"]);
}
