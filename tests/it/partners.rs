//! Partners at their worst: each message is delivered or parked with the partner's words, in order, never credited with
//! another's acknowledgment, and other destinations do not notice.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use wardwire::journal::{Outcome, OutcomeKind};

use crate::support::child::lasting_address;
use crate::support::engine::TestEngine;
use crate::support::partner::{Does, Partner};
use crate::support::peer::{admission, field};
use crate::support::traffic::{Senders, faults_of_arrival, ids_in, ids_in_journal};

fn config(lab: &str) -> String {
    format!(
        r#"
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
ack_timeout = "200ms"
retry = {{ first = "10ms", max = "20ms" }}

[destination.archive]
type = "file"
path = "out/all.hl7"
"#
    )
}

/// Sends `C0`, `C1` and so on.
async fn send(engine: &TestEngine, count: usize) -> Vec<String> {
    let mut sender = engine.sender("adt").await;
    let ids: Vec<String> = (0..count).map(|number| format!("C{number}")).collect();
    for id in &ids {
        let reply = sender.exchange(admission(id)).await;
        assert_eq!(field(&reply, "MSA", 1), "AA");
    }
    ids
}

/// What became of `C1` at the partner.
fn outcomes_of_c1(engine: &TestEngine) -> Vec<Outcome> {
    let position = engine.entries()[1].position;
    let outcomes = engine.archive().outcomes(position).unwrap().into_iter();
    let of_lab = outcomes.filter(|(name, _)| &**name == "lab");
    of_lab.map(|(_, outcome)| outcome).collect()
}

/// Five messages to a partner that takes `C0` and does `script` from `C1` on: what arrived, and what became of `C1`.
async fn after(script: &[Does]) -> (String, Outcome) {
    let script = [Does::Acks("AA")].iter().chain(script).copied();
    let partner = Partner::start(script).await;
    let mut engine = TestEngine::start(&config(&partner.address())).await;
    let ids = send(&engine, 5).await;
    engine.until_delivered().await;
    let outcomes = outcomes_of_c1(&engine);
    assert_eq!(outcomes.len(), 1);
    assert_eq!(
        ids_in(&engine.path().join("out/all.hl7")),
        ids,
        "the other destination"
    );
    engine.stop().await;
    (partner.control_ids().join(" "), outcomes[0].clone())
}

#[tokio::test]
async fn a_partner_that_answers_badly_gets_the_message_again_and_the_next_only_then() {
    use Does::{AcksOther, Closes, Half, Nonsense, Nothing, Resets, Unframed};
    let all = [
        Nothing,
        AcksOther("AA", "C0"),
        AcksOther("AA", "C2"),
        Unframed,
        Half,
        Nonsense,
        Closes,
        Resets,
    ];
    for does in all {
        let (arrived, outcome) = after(&[does]).await;
        assert_eq!(arrived, "C0 C1 C1 C2 C3 C4", "{does:?}");
        assert_eq!(
            (outcome.kind, outcome.attempts),
            (OutcomeKind::Delivered, 2),
            "{does:?}"
        );
    }
}

#[tokio::test]
async fn an_acknowledgment_that_comes_too_late_is_never_credited_to_what_was_sent_since() {
    let late = Does::AcksLate("AA", Duration::from_millis(300));
    let (arrived, outcome) = after(&[late, Does::Nothing]).await;
    assert_eq!(arrived, "C0 C1 C1 C1 C2 C3 C4");
    assert_eq!(outcome.attempts, 3);
}

#[tokio::test]
async fn a_second_acknowledgment_is_never_credited_to_the_next_message() {
    let (arrived, outcome) = after(&[Does::AcksTwice("AA"), Does::Nothing]).await;
    assert_eq!((&*arrived, outcome.attempts), ("C0 C1 C2 C2 C3 C4", 1));
    // The one for another message is passed over, the right one counts.
    let (arrived, outcome) = after(&[Does::AcksOtherThen("C0", "AA")]).await;
    assert_eq!((&*arrived, outcome.attempts), ("C0 C1 C2 C3 C4", 1));
}

#[tokio::test]
async fn a_partner_that_cannot_yet_process_a_message_gets_it_until_it_can() {
    let (arrived, outcome) = after(&[Does::Acks("AE"); 3]).await;
    assert_eq!(arrived, "C0 C1 C1 C1 C1 C2 C3 C4");
    assert_eq!(
        (outcome.kind, outcome.attempts),
        (OutcomeKind::Delivered, 4)
    );
    assert_eq!(outcome.code.as_deref(), Some("AA"));
}

#[tokio::test]
async fn a_rejected_message_is_parked_with_the_reply_and_goes_out_when_it_is_replayed() {
    let script = [Does::Acks("AA"), Does::Acks("AR")];
    let partner = Partner::start(script).await;
    let mut engine = TestEngine::start(&config(&partner.address())).await;
    send(&engine, 5).await;
    engine.until_delivered().await;
    assert_eq!(partner.control_ids().join(" "), "C0 C1 C2 C3 C4");
    let parked = &outcomes_of_c1(&engine)[0];
    assert_eq!(
        (parked.kind, parked.code.as_deref()),
        (OutcomeKind::Parked, Some("AR"))
    );
    let reply = String::from_utf8(parked.reply.clone().unwrap().to_vec()).unwrap();
    assert_eq!(
        (field(&reply, "MSA", 1), field(&reply, "MSA", 2)),
        ("AR".into(), "C1".into())
    );

    let position = engine.entries()[1].position;
    engine
        .engine()
        .journal()
        .request_replay("lab", position)
        .await
        .unwrap();
    engine.until_delivered().await;
    assert_eq!(partner.control_ids().join(" "), "C0 C1 C2 C3 C4 C1");
    assert_eq!(
        outcomes_of_c1(&engine).last().unwrap().kind,
        OutcomeKind::Delivered
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_silent_partner_holds_up_nobody_else() {
    let partner = Partner::start([Does::Nothing; 100]).await;
    let mut engine = TestEngine::start(&config(&partner.address())).await;
    send(&engine, 20).await;
    engine
        .until("the archive has everything", |engine| {
            let states = engine.journal().destinations();
            states
                .iter()
                .any(|state| &*state.name == "archive" && state.backlog == 0)
        })
        .await;
    let thrice = timeout(Duration::from_secs(10), partner.has(3)).await;
    assert!(thrice.is_ok(), "it is not tried again");
    let states = engine.engine().journal().destinations();
    let lab = states.iter().find(|state| &*state.name == "lab").unwrap();
    assert_eq!(lab.backlog, 20);
    assert!(
        partner.control_ids().iter().all(|id| id == "C0"),
        "nothing overtakes"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_partner_that_comes_and_goes_gets_everything_in_order() {
    const TIMES: usize = 8;
    let address = lasting_address();
    let mut engine = TestEngine::start(&config(&address.to_string())).await;
    let senders = Senders::start(0..2, engine.address("adt"), Duration::from_millis(2));
    let mut arrived = Vec::new();
    for _ in 0..TIMES {
        let partner = Partner::start_at(address, []).await;
        sleep(Duration::from_millis(100)).await;
        arrived.extend(partner.stop().await);
        sleep(Duration::from_millis(50)).await;
    }
    let sent = senders.finish().await.len();
    let partner = Partner::start_at(address, []).await;
    engine.until_delivered().await;
    arrived.extend(partner.control_ids());
    let journal = ids_in_journal(&engine.path().join("data/journal"));
    assert_eq!(journal.len(), sent);
    assert_eq!(
        faults_of_arrival(&journal, &arrived, TIMES),
        Vec::<String>::new()
    );
    engine.stop().await;
}
