//! What a lane does with good and bad partners: order, retry, parking, ending.

use std::time::Duration;

use tokio::time::Instant;

use super::partner::{Does, Partner, free_address};
use super::rig::{Rig, ids, message, mllp};
use crate::delivery::{LaneState, OnReject};
use crate::journal::OutcomeKind;

#[tokio::test(start_paused = true)]
async fn messages_arrive_as_they_came_once_and_in_order() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let mut positions = Vec::new();
    for id in ids(20) {
        positions.push(rig.receive(&id).await);
    }
    let status = rig.settled(&lane, 20).await;
    let sent: Vec<_> = ids(20).iter().map(|id| message(id)).collect();
    assert_eq!(partner.received(), sent);
    assert_eq!(partner.connections(), 1, "the connection is kept");
    assert_eq!((status.delivered, status.retries), (20, 0));
    assert_eq!(status.last_code.as_deref(), Some("AA"));
    assert_eq!(status.last_success, Some(rig.clock.now()));
    let outcome = rig.outcome("ward", positions[7]);
    assert_eq!(outcome.kind, OutcomeKind::Delivered);
    assert_eq!((outcome.attempts, outcome.code.as_deref()), (1, Some("AA")));
    assert!(outcome.reply.unwrap().ends_with(b"MSA|AA|M8\r"));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_retried_until_it_is_none_and_nobody_overtakes() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AE"); 3]).await;
    let first = rig.receive("M1").await;
    let lane = rig.start_from_oldest(mllp("ward", partner.address())).await;
    rig.receive("M2").await;
    let status = rig.settled(&lane, 2).await;
    assert_eq!(partner.control_ids(), ["M1", "M1", "M1", "M1", "M2"]);
    assert_eq!((status.delivered, status.retries, status.parked), (2, 3, 0));
    let outcome = rig.outcome("ward", first);
    assert_eq!(
        (outcome.kind, outcome.attempts),
        (OutcomeKind::Delivered, 4)
    );
}

#[tokio::test(start_paused = true)]
async fn pauses_between_tries_grow_but_not_beyond_the_longest() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AE"); 12]).await;
    let mut settings = mllp("ward", partner.address());
    settings.retry.max = Duration::from_mins(1);
    let begun = Instant::now();
    let lane = rig.start(settings).await;
    rig.receive("M1").await;
    rig.settled(&lane, 1).await;
    let took = begun.elapsed().as_secs();
    assert!((12..=60 * 12).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_message_is_parked_with_the_reply_and_the_next_one_goes() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AR"), Does::Acks("AA")]).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    let first = rig.receive("M1").await;
    rig.receive("M2").await;
    let status = rig.settled(&lane, 2).await;
    assert_eq!(partner.control_ids(), ["M1", "M2"]);
    assert_eq!((status.delivered, status.parked), (1, 1));
    assert_eq!(rig.journal.parked("ward"), [first]);
    let outcome = rig.outcome("ward", first);
    assert_eq!(outcome.code.as_deref(), Some("AR"));
    assert_eq!(
        outcome.reason.as_deref(),
        Some("the partner rejects the message")
    );
    assert!(outcome.reply.unwrap().ends_with(b"MSA|AR|M1\r"));
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_rejects_what_it_cannot_take_now_may_be_asked_again() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Acks("AR"), Does::Acks("CR")]).await;
    let mut settings = mllp("ward", partner.address());
    settings.on_reject = OnReject::Retry;
    let lane = rig.start(settings).await;
    rig.receive("M1").await;
    assert_eq!(rig.settled(&lane, 1).await.delivered, 1);
    assert_eq!(partner.control_ids(), ["M1", "M1", "M1"]);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_tried_as_often_as_allowed_and_then_parked() {
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start([Does::Nothing, Does::Closes, Does::Acks("AE")]).await;
    let mut settings = mllp("ward", partner.address());
    settings.retry.max_attempts = Some(3);
    let lane = rig.start(settings).await;
    let first = rig.receive("M1").await;
    rig.receive("M2").await;
    let status = rig.settled(&lane, 2).await;
    assert_eq!(partner.control_ids(), ["M1", "M1", "M1", "M2"]);
    assert_eq!((status.delivered, status.parked), (1, 1));
    let outcome = rig.outcome("ward", first);
    assert_eq!((outcome.kind, outcome.attempts), (OutcomeKind::Parked, 3));
    assert_eq!(outcome.code.as_deref(), Some("AE"));
    assert!(outcome.reply.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_is_down_costs_no_attempt_and_gets_everything_when_it_is_up() {
    let rig = Rig::new(&["ward"]);
    let address = free_address();
    let mut settings = mllp("ward", address.to_string());
    settings.retry.max_attempts = Some(1);
    let lane = rig.start(settings).await;
    let first = rig.receive("M1").await;
    rig.receive("M2").await;
    let status = rig.until(&lane, |s| s.retries >= 5).await;
    let LaneState::Retrying {
        position,
        since,
        attempts,
        reason,
        next_try,
    } = status.state
    else {
        panic!("{status:?}");
    };
    assert_eq!((position, since), (first, rig.clock.now()));
    assert!(attempts >= 5 && next_try > since);
    assert!(reason.contains("refused"), "{reason}");
    let partner = Partner::start_at(address, []).await;
    let status = rig.settled(&lane, 2).await;
    assert_eq!(partner.control_ids(), ["M1", "M2"]);
    assert_eq!((status.delivered, status.parked), (2, 0));
    assert_eq!(
        rig.outcome("ward", first).attempts,
        1,
        "only the try that left us counts"
    );
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_restarts_is_connected_to_anew() {
    let rig = Rig::new(&["ward"]);
    let address = free_address();
    let partner = Partner::start_at(address, []).await;
    let lane = rig.start(mllp("ward", address.to_string())).await;
    rig.receive("M1").await;
    rig.settled(&lane, 1).await;
    partner.stop().await;
    let partner = Partner::start_at(address, []).await;
    rig.receive("M2").await;
    let status = rig.settled(&lane, 2).await;
    assert_eq!(partner.control_ids(), ["M2"]);
    assert_eq!(
        status.retries, 0,
        "a closed connection is noticed before it is used"
    );
}

/// F-15: everything at once, and nothing is lost, credited to another or overtaken.
#[tokio::test(start_paused = true)]
async fn a_flapping_partner_gets_every_message_in_order() {
    use Does::{Acks, AcksLate, AcksOther, AcksOtherThen, AcksTwice};
    let rig = Rig::new(&["ward"]);
    let delay = Duration::from_secs(6);
    let script = [
        Does::Nothing,
        Acks("AA"),
        AcksLate("AA", delay),
        Acks("AE"),
        AcksOther("AA", "M3"),
        AcksTwice("AA"),
        Does::Half,
        Does::Resets,
        AcksOtherThen("M1", "AA"),
        Does::Unframed,
        AcksLate("AA", delay),
        Acks("CA"),
        Does::Nonsense,
        Does::Closes,
        AcksTwice("AE"),
        AcksLate("AA", Duration::from_secs(4)),
        Acks("XX"),
    ];
    let partner = Partner::start(script).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    for id in ids(10) {
        rig.receive(&id).await;
    }
    let status = rig.settled(&lane, 10).await;
    assert_eq!((status.delivered, status.parked), (10, 0));
    let mut seen = partner.control_ids();
    assert_eq!(seen.len(), 10 + usize::try_from(status.retries).unwrap());
    // Every repetition follows its first sending at once.
    seen.dedup();
    assert_eq!(seen, ids(10));
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_hangs_delays_nobody_else() {
    let rig = Rig::new(&["hangs", "ward"]);
    let hanging = Partner::start(vec![Does::Nothing; 1000]).await;
    let partner = Partner::start([]).await;
    let hangs = rig.start(mllp("hangs", hanging.address())).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    for id in ids(20) {
        rig.receive(&id).await;
    }
    assert_eq!(rig.settled(&lane, 20).await.delivered, 20);
    assert_eq!(hangs.status.snapshot().delivered, 0);
    let states = rig.journal.destinations();
    let backlog: Vec<_> = states.iter().map(|s| (&*s.name, s.backlog)).collect();
    assert_eq!(backlog, [("hangs", 20), ("ward", 0)]);
}
