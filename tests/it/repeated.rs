//! Messages that come twice, and messages that come together: re-sent, reused control IDs, batches.

use std::time::Duration;

use wardwire::journal::faults::FaultFiles;

use crate::support::engine::TestEngine;
use crate::support::feed::feed;
use crate::support::peer::{admission, admission_with, answer, code, field, frame};

#[tokio::test]
async fn a_message_sent_again_gets_the_very_same_answer_and_is_delivered_once() {
    let mut engine = TestEngine::start(&feed("")).await;
    let message = admission_with("C1", &[(15, "AL"), (16, "AL")]);
    let mut sender = engine.sender("adt").await;
    sender.send(&message).await;
    let first = [sender.reply().await, sender.reply().await];
    // On another connection, later, and after a restart.
    let mut sender = engine.sender("adt").await;
    engine.clock.advance(Duration::from_hours(1));
    sender.send(&message).await;
    assert_eq!([sender.reply().await, sender.reply().await], first);
    engine.stop().await;
    engine.restart().await;
    let mut sender = engine.sender("adt").await;
    sender.send(&message).await;
    assert_eq!([sender.reply().await, sender.reply().await], first);
    assert_eq!(
        engine.engine().report().sources[0].figures.duplicates,
        1,
        "since the restart"
    );
    engine.until_delivered().await;
    assert_eq!(
        String::from_utf8(engine.read("out/all.hl7")).unwrap(),
        message
    );
}

#[tokio::test]
async fn two_copies_in_one_write_are_one_message() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    for round in 0..20 {
        let message = frame(admission(&format!("P{round}")));
        sender
            .write([message.clone(), message.clone(), message].concat())
            .await;
        let first = sender.reply().await;
        assert_eq!(
            [sender.reply().await, sender.reply().await],
            [first.clone(), first]
        );
    }
    assert_eq!(engine.accepted().len(), 20);
}

#[tokio::test]
async fn copies_on_several_connections_at_once_are_one_message() {
    let engine = TestEngine::start(&feed("")).await;
    for round in 0..20 {
        let message = admission(&format!("X{round}"));
        let mut senders = Vec::new();
        for _ in 0..4 {
            senders.push(engine.sender("adt").await);
        }
        for sender in &mut senders {
            sender.send(&message).await;
        }
        let first = senders[0].reply().await;
        for sender in &mut senders[1..] {
            assert_eq!(sender.reply().await, first);
        }
    }
    assert_eq!(engine.accepted().len(), 20);
}

#[tokio::test]
async fn a_control_id_used_again_for_another_message_is_taken_and_flagged() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    sender.exchange(admission("R1")).await;
    let other = admission("R1").replace("4711", "4712");
    assert_eq!(
        answer(&sender.exchange(&other).await),
        ("AA".into(), "R1".into())
    );
    let accepted = engine.accepted();
    assert_eq!(accepted.len(), 2);
    assert!(accepted[0].warnings.is_empty());
    assert_eq!(accepted[1].warnings, ["reused_control_id"]);
    // The first one again is no third.
    sender.exchange(admission("R1")).await;
    assert_eq!(engine.accepted().len(), 2);
    // Another sender may use the same control ID.
    sender.exchange(admission_with("R1", &[(4, "RIVER")])).await;
    assert!(engine.accepted()[2].warnings.is_empty());
}

#[tokio::test]
async fn after_the_window_or_without_one_a_message_is_new() {
    for (keys, hours) in [("dedup = \"24h\"", 25), ("dedup = \"0s\"", 0)] {
        let engine = TestEngine::start(&feed(keys)).await;
        let mut sender = engine.sender("adt").await;
        sender.exchange(admission("W1")).await;
        engine.clock.advance(Duration::from_hours(hours));
        sender.exchange(admission("W1")).await;
        assert_eq!(engine.accepted().len(), 2, "{keys}");
    }
}

#[tokio::test]
async fn a_refused_message_is_judged_anew_each_time() {
    let engine = TestEngine::start(&feed("accept = [\"ORU\"]")).await;
    let mut sender = engine.sender("adt").await;
    assert_eq!(code(&sender.exchange(admission("J1")).await), "AR");
    engine.reload(&feed("accept = [\"ADT\"]")).await.unwrap();
    assert_eq!(code(&sender.exchange(admission("J1")).await), "AA");
}

fn batch(ids: &[&str], declared: usize) -> String {
    let messages: String = ids.iter().map(|id| admission(id)).collect();
    format!(
        "FHS|^~\\&|HIS|LAKE|W|M|20260102||||F77\rBHS|^~\\&|HIS|LAKE|W|M|20260102||||B99\r{messages}\
         BTS|{declared}\rFTS|1\r"
    )
}

#[tokio::test]
async fn each_message_of_a_batch_is_stored_and_answered_in_order() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    // What follows in the same write waits for the batch.
    sender
        .write(
            [
                frame(batch(&["B1", "B2", "B3"], 3)),
                frame(admission("NEXT")),
            ]
            .concat(),
        )
        .await;
    for id in ["B1", "B2", "B3", "NEXT"] {
        assert_eq!(answer(&sender.reply().await), ("AA".into(), id.into()));
    }
    let entries = engine.accepted();
    let ids: Vec<_> = entries
        .iter()
        .map(|entry| entry.keys.control_id.clone().unwrap())
        .collect();
    assert_eq!(ids, ["B1", "B2", "B3", "NEXT"]);
    assert_eq!(entries[1].raw, admission("B2"));
    assert!(entries.iter().all(|entry| entry.warnings.is_empty()));
}

#[tokio::test]
async fn a_wrong_count_is_reported_and_every_message_is_taken() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    sender
        .write([&frame(batch(&["B1", "B2", "B3"], 2))[..], b"\n"].concat())
        .await;
    for id in ["B1", "B2", "B3"] {
        assert_eq!(answer(&sender.reply().await), ("AA".into(), id.into()));
    }
    let warnings: Vec<_> = engine
        .accepted()
        .into_iter()
        .map(|entry| entry.warnings)
        .collect();
    assert_eq!(
        warnings,
        [
            vec![],
            vec![],
            vec!["BTS-1 says 2 messages, the batch has 3"]
        ]
    );
}

#[tokio::test]
async fn what_was_odd_about_the_frame_of_a_batch_is_noted_with_its_first_message() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    sender
        .write(
            [
                &[0x0B],
                batch(&["B1", "B2"], 2).as_bytes(),
                &[0x1C],
                &frame(admission("N")),
            ]
            .concat(),
        )
        .await;
    for _ in 0..3 {
        assert_eq!(code(&sender.reply().await), "AA");
    }
    let warnings: Vec<_> = engine
        .accepted()
        .into_iter()
        .map(|entry| entry.warnings)
        .collect();
    assert_eq!(warnings, [vec!["fs_without_cr"], vec![], vec![]]);
}

#[tokio::test]
async fn a_batch_can_be_answered_as_a_whole_by_its_own_control_id() {
    for (ack, accepted, rejected, error) in [
        ("auto", "AA", "AR", "AE"),
        ("commit-only", "CA", "CR", "CE"),
    ] {
        let files = FaultFiles::default();
        let keys = format!("batch_ack = \"summary\"\nack = \"{ack}\"");
        let engine = TestEngine::start_on(&files, &feed(&keys)).await;
        let mut sender = engine.sender("adt").await;
        let whole = sender.exchange(batch(&["S1", "S2"], 2)).await;
        assert_eq!(answer(&whole), (accepted.into(), "B99".into()));
        assert_eq!(
            (field(&whole, "MSH", 3), field(&whole, "MSH", 5)),
            ("W".into(), "HIS".into())
        );
        let one_refused = batch(&["S3", "S4"], 2).replacen("ADT^A01^ADT_A01", "XYZ^Z99", 1);
        let some = sender.exchange(one_refused).await;
        assert_eq!(answer(&some), (rejected.into(), "B99".into()));
        assert_eq!(field(&some, "MSA", 3), "1 of 2 messages not accepted");
        files.fail(wardwire::journal::faults::Operation::Sync, 1);
        let unsafe_ones = sender.exchange(batch(&["S5", "S6"], 2)).await;
        assert_eq!(
            answer(&unsafe_ones),
            (error.into(), "B99".into()),
            "worth sending again"
        );
    }
    let engine = TestEngine::start(&feed("batch_ack = \"summary\"\nack = \"none\"")).await;
    let mut sender = engine.sender("adt").await;
    sender.send(batch(&["S1"], 1)).await;
    sender.close_writing().await;
    assert!(sender.is_closed().await, "nothing is answered");
    assert_eq!(engine.accepted().len(), 1);
}

#[tokio::test]
async fn behind_a_message_of_a_batch_that_cannot_be_stored_none_is_stored() {
    let files = FaultFiles::default();
    let engine = TestEngine::start_on(&files, &feed("")).await;
    let mut sender = engine.sender("adt").await;
    // A large message needs space ahead of the writer, which this disk does not have.
    let large = admission("L2").replace("ROE", &"R".repeat(9 << 20));
    let body = batch(&["L1", "LARGE", "L3"], 3).replace(&admission("LARGE"), &large);
    // The last one was here before, so it alone could be answered without the disk.
    sender.exchange(admission("L3")).await;
    files.pretend_full(true);
    sender.send(&body).await;
    let answers = [
        sender.reply().await,
        sender.reply().await,
        sender.reply().await,
    ]
    .map(|r| answer(&r));
    files.pretend_full(false);
    assert_eq!(answers[1], ("AE".into(), "L2".into()));
    assert_eq!(answers[2], ("AE".into(), "L3".into()));
    assert_eq!(
        engine.accepted().len(),
        1 + usize::from(answers[0].0 == "AA")
    );
}

#[tokio::test]
async fn a_batch_that_was_cut_on_its_way_is_an_error_and_no_rejection() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let whole = batch(&["T1", "T2"], 2);
    sender
        .write([&[0x0B], &whole.as_bytes()[..300], &frame(&whole)].concat())
        .await;
    assert_eq!(answer(&sender.reply().await), ("AE".into(), "B99".into()));
    for id in ["T1", "T2"] {
        assert_eq!(answer(&sender.reply().await), ("AA".into(), id.into()));
    }
    assert_eq!(engine.accepted().len(), 2);
}
