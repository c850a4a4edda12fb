//! Which acknowledgments a sender gets, and what they say, on the wire.

use wardwire::journal::Disposition;
use wardwire::journal::faults::{FaultFiles, Operation};

use crate::support::engine::TestEngine;
use crate::support::feed::feed;
use crate::support::peer::{Sender, admission, admission_with, answer, code, field};

/// ERR as from version 2.5 on.
const NEW: &str =
    "ERR||MSH^1^9^1^1|200^Unsupported message type^HL70357^^^^^^message type not accepted here|E";
const CONDITIONS: [&str; 5] = ["", "AL", "NE", "ER", "SU"];

/// The acknowledgments of one message: what comes before the answer to a second one, which asks for `AA` or `AE`.
async fn answers_to(sender: &mut Sender, message: &str, control_id: &str) -> Vec<String> {
    sender.send(message).await;
    let marker = format!("END{control_id}");
    sender.send(admission(&marker)).await;
    let mut found = Vec::new();
    loop {
        let reply = sender.reply().await;
        let (code, id) = answer(&reply);
        if id == marker {
            return found;
        }
        assert_eq!(id, control_id);
        found.push(code);
    }
}

/// Goes through MSH-15 and MSH-16, with the codes for commit and application that the outcome calls for.
async fn every_combination(engine: &TestEngine, outcome: &str, codes: [&str; 2], kind: &str) {
    let mut sender = engine.sender("adt").await;
    for msh15 in CONDITIONS {
        for msh16 in CONDITIONS {
            let asks = |condition| match condition {
                "AL" => true,
                "ER" => outcome != "accept",
                "SU" => outcome == "accept",
                _ => false,
            };
            let commit = asks(msh15).then_some(codes[0]);
            let application = asks(if msh16.is_empty() { "AL" } else { msh16 });
            let expected: Vec<&str> = commit
                .into_iter()
                .chain(application.then_some(codes[1]))
                .collect();
            let id = format!("{outcome}{msh15}-{msh16}");
            let message = admission_with(&id, &[(9, kind), (15, msh15), (16, msh16)]);
            let found = answers_to(&mut sender, &message, &id).await;
            assert_eq!(
                found, expected,
                "{outcome}: MSH-15 {msh15:?}, MSH-16 {msh16:?}"
            );
        }
    }
}

#[tokio::test]
async fn every_combination_of_msh_15_and_msh_16_gets_exactly_the_acknowledgments_it_asks_for() {
    let files = FaultFiles::default();
    let engine = TestEngine::start_on(&files, &feed("")).await;
    every_combination(&engine, "accept", ["CA", "AA"], "ADT^A01^ADT_A01").await;
    every_combination(&engine, "reject", ["CR", "AR"], "XYZ^Z99").await;
    files.fail(Operation::Sync, 1);
    assert_eq!(
        code(&engine.sender("adt").await.exchange(admission("S")).await),
        "AE"
    );
    every_combination(&engine, "error", ["CE", "AE"], "ADT^A01^ADT_A01").await;
}

#[tokio::test]
async fn a_value_that_msh_15_does_not_have_counts_as_empty_and_is_noted() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let message = admission_with("U1", &[(15, "XX")]);
    assert_eq!(answers_to(&mut sender, &message, "U1").await, ["AA"]);
    let warnings = &engine.entries()[0].warnings;
    assert!(
        warnings.contains(&"unknown_acknowledgment_condition".into()),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_source_can_acknowledge_its_own_way() {
    // What is answered to MSH-15 and MSH-16 empty, AL and AL, NE and NE.
    for (mode, expected) in [
        ("none", ["", "", ""]),
        ("original", ["AA", "AA", "AA"]),
        ("enhanced", ["CA", "CA AA", ""]),
        ("commit-only", ["CA", "CA", ""]),
        ("auto", ["AA", "CA AA", ""]),
    ] {
        let engine = TestEngine::start(&feed(&format!("ack = \"{mode}\""))).await;
        let mut sender = engine.sender("adt").await;
        for (index, (conditions, expected)) in ["", "AL", "NE"].iter().zip(expected).enumerate() {
            let message =
                admission_with(&format!("M{index}"), &[(15, conditions), (16, conditions)]);
            sender.send(message).await;
            let mut found = Vec::new();
            for _ in expected.split_whitespace() {
                found.push(code(&sender.reply().await));
            }
            assert_eq!(found.join(" "), expected, "ack = {mode}");
        }
        engine
            .until("all three are stored", |engine| {
                engine.report().sources[0].figures.accepted == 3
            })
            .await;
        drop(sender);
        if mode == "none" {
            let mut sender = engine.sender("adt").await;
            sender.send("no message").await;
            sender.close_writing().await;
            assert!(
                sender.is_closed().await,
                "not even bytes that are no message are answered"
            );
        }
    }
}

#[tokio::test]
async fn control_ids_come_back_byte_for_byte() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    for id in [
        &b"  17  "[..],
        b"A\\F\\B",
        b"A^^",
        b"\x8B\xE4",
        b"0",
        b"A&B~C",
    ] {
        let template = admission_with("@", &[(18, "8859/1")]);
        let (before, after) = template.split_once('@').unwrap();
        sender
            .send([before.as_bytes(), id, after.as_bytes()].concat())
            .await;
        let reply = sender.reply_bytes().await;
        let expected = [b"\rMSA|AA|", id, b"\r"].concat();
        assert!(
            reply.windows(expected.len()).any(|part| part == expected),
            "{id:?}"
        );
    }
}

#[tokio::test]
async fn a_message_without_a_control_id_is_an_error_and_goes_nowhere() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let reply = sender.exchange(admission("")).await;
    assert_eq!(answer(&reply), ("AE".into(), String::new()));
    assert_eq!(field(&reply, "ERR", 2), "MSH^1^10^1");
    assert_eq!(
        field(&reply, "ERR", 3),
        "101^Required field missing^HL70357^^^^^^message control ID is empty"
    );
    assert_eq!(engine.entries()[0].disposition, Disposition::Refused(101));
    assert!(engine.accepted().is_empty());
}

#[tokio::test]
async fn the_answer_uses_the_delimiters_of_the_sender() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let reply = sender
        .exchange(
            "MSH#@*!%#HIS@1.2.3@ISO#LAKE#WARD@9#MAIN#2026##ADT@A08@ADT_A01#D1#P#2.4\rPID#1##7\r",
        )
        .await;
    let fields: Vec<&str> = reply.split('\r').next().unwrap().split('#').collect();
    assert_eq!(
        fields[..6],
        ["MSH", "@*!%", "WARD@9", "MAIN", "HIS@1.2.3@ISO", "LAKE"]
    );
    assert_eq!(fields[8], "ACK@A08@ACK");
    assert!(reply.contains("\rMSA#AA#D1\r"), "{reply}");
    let five = sender
        .exchange("MSH|^~\\&#|HIS|LAKE|||2026||ADT^A08|D2|P|2.7\rPID|1||7\r")
        .await;
    assert!(five.starts_with("MSH|^~\\&#|||HIS|LAKE|"), "{five}");
    let refused = sender
        .exchange("MSH#@*!%#HIS#LAKE###2026##XYZ@Z99#D3#P#2.5.1\rPID#1##7\r")
        .await;
    assert!(
        refused.contains("\rERR##MSH@1@9@1@1#200@Unsupported message type@HL70357@@@@@@"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_header_of_the_answer_is_the_senders_turned_around() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let message = admission_with(
        "H1",
        &[
            (3, "HIS^1.2.3^ISO"),
            (4, "LAKE^4.5^ISO"),
            (5, "W^6^ISO"),
            (6, "M"),
            (11, "T^A"),
            (12, "2.5.1^DEU"),
            (15, "NE"),
            (16, "AL"),
            (17, "DEU"),
            (18, "UNICODE UTF-8"),
        ],
    );
    let reply = sender.exchange(message).await;
    let header = |number| field(&reply, "MSH", number);
    let parties = [3, 4, 5, 6].map(header);
    assert_eq!(parties, ["W^6^ISO", "M", "HIS^1.2.3^ISO", "LAKE^4.5^ISO"]);
    assert_eq!(header(7), "20260102030405+0000");
    assert_eq!(
        [9, 11, 12, 18].map(header),
        ["ACK^A01^ACK", "T^A", "2.5.1^DEU", "UNICODE UTF-8"]
    );
    assert_eq!(
        [15, 16].map(header),
        ["", ""],
        "or acknowledgments would be acknowledged"
    );
    assert!(!header(10).is_empty() && header(10) != "H1");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_shape_of_the_senders_version() {
    let engine = TestEngine::start(&feed("accept = [\"ADT^A01\"]")).await;
    let mut sender = engine.sender("adt").await;
    let old = "MSH^^9^200&Unsupported message type&HL70357&&message type not accepted here";
    for (version, kind, err) in [
        ("2.2", "ACK", format!("ERR|{old}")),
        ("2.3.1", "ACK", format!("ERR|{old}")),
        ("2.4", "ACK^R01^ACK", format!("ERR|{old}")),
        ("2.5.1", "ACK^R01^ACK", NEW.to_owned()),
        ("2.7", "ACK^R01^ACK", NEW.to_owned()),
    ] {
        let id = format!("V{version}");
        let reply = sender
            .exchange(admission_with(&id, &[(9, "ORU^R01"), (12, version)]))
            .await;
        assert_eq!(answer(&reply), ("AR".into(), id));
        assert_eq!(field(&reply, "MSH", 9), kind, "{version}");
        assert_eq!(
            reply.split('\r').find(|line| line.starts_with("ERR")),
            Some(&*err),
            "{version}"
        );
    }
    let event = sender
        .exchange(admission_with("E1", &[(9, "ADT^A60")]))
        .await;
    assert_eq!(
        (code(&event), field(&event, "ERR", 2)),
        ("AR".into(), "MSH^1^9^1^2".into())
    );
    assert!(field(&event, "ERR", 3).starts_with("201^"));
}

#[tokio::test]
async fn versions_and_processing_ids_are_refused_where_they_stand() {
    let engine = TestEngine::start(&feed("processing = [\"P\"]")).await;
    let mut sender = engine.sender("adt").await;
    for (number, value, condition, place) in [
        (12, "9.9", "203", "MSH^1^12^1^1"),
        (11, "T", "202", "MSH^1^11^1^1"),
    ] {
        let reply = sender
            .exchange(admission_with(value, &[(number, value)]))
            .await;
        assert_eq!(code(&reply), "AR");
        assert_eq!(field(&reply, "ERR", 2), place);
        assert!(field(&reply, "ERR", 3).starts_with(condition), "{reply}");
    }
    assert_eq!(code(&sender.exchange(admission("OK")).await), "AA");
}

#[tokio::test]
async fn what_no_route_takes_is_accepted_unless_the_source_says_otherwise() {
    let nowhere = |keys: &str| feed(keys).replace("to = [", "when = 'MSH-10 = \"YES\"'\nto = [");
    let engine = TestEngine::start(&nowhere("")).await;
    assert_eq!(
        code(&engine.sender("adt").await.exchange(admission("NO")).await),
        "AA"
    );
    let engine = TestEngine::start(&nowhere("unrouted = \"reject\"")).await;
    let mut sender = engine.sender("adt").await;
    let reply = sender.exchange(admission("NO")).await;
    assert_eq!(
        (code(&reply), field(&reply, "MSA", 3)),
        ("AR".into(), "refused by a rule".into())
    );
    assert_eq!(code(&sender.exchange(admission("YES")).await), "AA");
}

#[tokio::test]
async fn an_acknowledgment_is_kept_and_never_answered() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let ack = "MSH|^~\\&|A|B|C|D|2026||ACK^A01|K1|P|2.5.1\rMSA|AA|X1\r";
    assert!(answers_to(&mut sender, ack, "K1").await.is_empty());
    assert_eq!(engine.entries()[0].disposition, Disposition::UnmatchedAck);
    assert_eq!(
        engine.engine().report().sources[0]
            .figures
            .unmatched_acknowledgments,
        1
    );
    engine.until_delivered().await;
    assert!(
        !String::from_utf8(engine.read("out/all.hl7"))
            .unwrap()
            .contains("|K1|")
    );
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_with_the_control_id_that_can_be_found() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let reply = sender.exchange("PID|1||4711\r").await;
    assert!(
        reply.starts_with("MSH|^~\\&|WARDWIRE||||20260102030405+0000||ACK|"),
        "{reply}"
    );
    assert_eq!(answer(&reply), ("AR".into(), String::new()));
    let equal = "MSH|^~^&|A|B|C|D|2026||ADT^A01|Q7|P|2.5\r";
    assert_eq!(
        answer(&sender.exchange(equal).await),
        ("AR".into(), "Q7".into())
    );
    assert_eq!(
        code(&sender.exchange(admission("NEXT")).await),
        "AA",
        "the connection goes on"
    );
    assert_eq!(engine.entries()[0].disposition, Disposition::Damaged);
}

#[tokio::test]
async fn below_the_disk_floor_nothing_is_taken_until_there_is_room_again() {
    let files = FaultFiles::default();
    files.pretend_free(Some(1 << 20));
    let engine = TestEngine::start_on(&files, &feed("")).await;
    let mut sender = engine.sender("adt").await;
    let full = sender.exchange(admission("F1")).await;
    assert_eq!(
        (code(&full), field(&full, "MSA", 3)),
        ("AE".into(), "storage is nearly full".into())
    );
    assert!(field(&full, "ERR", 3).starts_with("207^"));
    let commit = sender
        .exchange(admission_with("F2", &[(15, "AL"), (16, "NE")]))
        .await;
    assert_eq!(code(&commit), "CE");
    assert!(engine.engine().report().journal.is_some());
    files.pretend_free(None);
    engine
        .until("there is room", |engine| engine.report().journal.is_none())
        .await;
    assert_eq!(code(&sender.exchange(admission("F1")).await), "AA");
    assert_eq!(engine.entries().len(), 1);
}
