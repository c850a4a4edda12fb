//! What a person can do to a lane: park, discard, replay; and what `on_park` makes of it.

use std::sync::Arc;
use std::time::Duration;

use super::partner::{Does, Partner, free_address};
use super::rig::{Rig, Running, mllp};
use crate::delivery::{DestinationSettings, LaneState, OnPark};
use crate::journal::{OutcomeKind, Position};

async fn stopped(rig: &Rig, lane: &Running, at: Position, parked: usize) {
    let here = |state: &LaneState| match state {
        LaneState::Stopped {
            position,
            parked: count,
            ..
        } => (*position, *count) == (at, parked),
        _ => false,
    };
    rig.until(lane, |s| here(&s.state)).await;
}

fn stopping(address: String) -> DestinationSettings {
    let mut settings = mllp("ward", address);
    settings.on_park = OnPark::Stop;
    settings
}

#[tokio::test(start_paused = true)]
async fn parking_or_discarding_the_message_that_is_stuck_lets_the_others_through() {
    for kind in [OutcomeKind::Parked, OutcomeKind::Discarded] {
        let rig = Rig::new(&["ward"]);
        let partner = Partner::start([Does::Acks("AE")]).await;
        let mut settings = mllp("ward", partner.address());
        settings.retry.first = Duration::from_hours(100);
        let lane = rig.start(settings).await;
        let first = rig.receive("M1").await;
        rig.receive("M2").await;
        rig.until(&lane, |s| matches!(s.state, LaneState::Retrying { .. }))
            .await;
        rig.person_settles(first, kind).await;
        let status = rig.settled(&lane, 1).await;
        assert_eq!(partner.control_ids(), ["M1", "M2"]);
        assert_eq!((status.delivered, status.parked), (1, 0));
        assert_eq!(rig.outcome_kind("ward", first), kind);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_parks_a_message_in_flight_is_not_overruled_by_its_failure() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::AcksLate("AR", Duration::from_secs(3))]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let first = rig.receive("M1").await;
    partner.has(1).await;
    rig.person_settles(first, OutcomeKind::Discarded).await;
    rig.receive("M2").await;
    rig.settled(&lane, 1).await;
    assert_eq!(rig.outcome_kind("ward", first), OutcomeKind::Discarded);
    assert_eq!(partner.control_ids(), ["M1", "M2"]);
}

#[tokio::test(start_paused = true)]
async fn where_order_is_all_a_parked_message_stops_the_lane_until_it_is_replayed() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AR")]).await;
    let lane = rig.start(stopping(partner.address())).await;
    let first = rig.receive("M1").await;
    rig.receive("M2").await;
    stopped(&rig, &lane, first, 1).await;
    assert_eq!(partner.control_ids(), ["M1"]);
    rig.person_replays(first).await;
    rig.settled(&lane, 3).await;
    assert_eq!(partner.control_ids(), ["M1", "M1", "M2"]);
    assert_eq!(rig.outcome_kind("ward", first), OutcomeKind::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_lane_is_still_stopped_after_a_restart_and_goes_on_after_a_discard() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AR")]).await;
    let lane = rig.start(stopping(partner.address())).await;
    let first = rig.receive("M1").await;
    stopped(&rig, &lane, first, 1).await;
    lane.cancel.cancel();
    lane.task.await.unwrap().unwrap();

    let lane = rig.start(stopping(partner.address())).await;
    rig.receive("M2").await;
    stopped(&rig, &lane, first, 1).await;
    assert_eq!(partner.control_ids(), ["M1"]);
    rig.person_settles(first, OutcomeKind::Discarded).await;
    rig.settled(&lane, 1).await;
    assert_eq!(partner.control_ids(), ["M1", "M2"]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_lane_sends_what_is_replayed_and_stays_stopped_for_the_rest() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AR"), Does::Acks("AR")]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let first = rig.receive("M1").await;
    let second = rig.receive("M2").await;
    rig.settled(&lane, 2).await;
    lane.cancel.cancel();
    lane.task.await.unwrap().unwrap();

    let lane = rig.start(stopping(partner.address())).await;
    rig.receive("M3").await;
    stopped(&rig, &lane, first, 2).await;
    rig.person_replays(second).await;
    partner.has(3).await;
    stopped(&rig, &lane, first, 1).await;
    assert_eq!(partner.control_ids(), ["M1", "M2", "M2"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_replays_goes_again_even_if_it_was_delivered() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let first = rig.receive("M1").await;
    rig.receive("M2").await;
    rig.settled(&lane, 2).await;
    rig.person_replays(first).await;
    assert_eq!(rig.settled(&lane, 3).await.delivered, 3);
    assert_eq!(partner.control_ids(), ["M1", "M2", "M1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_replayed_and_no_route_sends_here_any_more_is_filtered() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let first = rig.receive("M1").await;
    rig.settled(&lane, 1).await;
    rig.routes.store(Arc::default());
    rig.person_replays(first).await;
    rig.settled(&lane, 2).await;
    assert_eq!(partner.control_ids(), ["M1"]);
    assert_eq!(rig.outcome_kind("ward", first), OutcomeKind::Filtered);
}

#[tokio::test(start_paused = true)]
async fn a_lane_whose_journal_is_closed_ends_and_says_why() {
    let rig = Rig::new(&["ward"]);
    let lane = rig.start(mllp("ward", free_address().to_string())).await;
    rig.journal.close().await.unwrap();
    let error = lane.task.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("journal"), "{error}");
    let LaneState::Ended { reason } = lane.status.snapshot().state else {
        panic!()
    };
    assert!(reason.contains("closed"), "{reason}");
}
