//! Routes, steps and destinations: what each destination gets.

use wardwire::journal::OutcomeKind;

use crate::support::engine::TestEngine;
use crate::support::feed::feed;
use crate::support::partner::{Does, Partner};
use crate::support::peer::{admission, admission_with, code};

/// The feed with a second route, with steps, to a second file.
fn with_steps(steps: &str) -> String {
    feed("").replace("to = [\"archive\"]", "to = [\"archive\"]\nalso = true")
        + "[[route]]\nname = \"edited\"\nfrom = [\"adt\"]\nsteps = [\"edit\"]\nto = [\"edited\"]\n\
           [destination.edited]\ntype = \"file\"\npath = \"out/edited.hl7\"\n"
        + steps
}

async fn deliver(engine: &TestEngine, messages: &[String]) -> [String; 2] {
    let mut sender = engine.sender("adt").await;
    for message in messages {
        assert_eq!(code(&sender.exchange(message).await), "AA");
    }
    engine.until_delivered().await;
    ["out/all.hl7", "out/edited.hl7"].map(|name| String::from_utf8(engine.read(name)).unwrap())
}

#[tokio::test]
async fn steps_change_what_one_destination_gets_and_nothing_else() {
    let steps = "[[steps.edit]]\nname = \"upper\"\nupper = \"PID-5.2\"\n\
                 [[steps.edit]]\nname = \"sex\"\nset = \"PID-8\"\nvalue = \"F\"\nwhen = 'PID-8 = \"M\"'\n\
                 [[steps.edit]]\nname = \"no visit\"\ndrop_segment = \"PV1\"\n";
    let engine = TestEngine::start(&with_steps(steps)).await;
    let message = admission("1").replace("RICHARD", "Richard");
    let [all, edited] = deliver(&engine, std::slice::from_ref(&message)).await;
    assert_eq!(all, message);
    let expected = message
        .replace("Richard", "RICHARD")
        .replace("|19700101|M", "|19700101|F");
    let (expected, _) = expected.split_once("PV1").unwrap();
    assert_eq!(edited, expected);
    assert_eq!(
        engine.accepted()[0].raw,
        message,
        "the journal keeps what came"
    );
}

#[tokio::test]
async fn a_step_that_fails_parks_the_message_there_with_its_name_and_line() {
    let steps = "[[steps.edit]]\nname = \"units\"\nmap = \"PV1-3.1\"\ntable = \"units\"\nmiss = \"error\"\n\
                 [table.units]\nvalues = { \"ICU\" = \"INTENSIVE CARE\" }\n";
    let config = with_steps(steps);
    let engine = TestEngine::start(&config).await;
    let icu = admission("2").replace("4E^12", "ICU^1");
    let [all, edited] = deliver(&engine, &[admission("1"), icu.clone()]).await;
    assert_eq!(all, admission("1") + &icu);
    assert_eq!(
        edited,
        icu.replace("ICU^1", "INTENSIVE CARE^1"),
        "the lane goes on"
    );
    let outcomes = engine.outcomes_of_first("edited");
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].kind, OutcomeKind::Parked);
    let line = config
        .lines()
        .position(|line| line.contains("[[steps.edit]]"))
        .unwrap()
        + 1;
    let reason = outcomes[0].reason.clone().unwrap();
    assert!(
        reason.contains("units") && reason.contains(&format!("line {line}")),
        "{reason}"
    );
    assert!(!reason.contains("4E"), "{reason}");
    assert_eq!(
        engine.outcomes_of_first("archive")[0].kind,
        OutcomeKind::Delivered
    );
    // Mended, and sent again.
    engine
        .reload(&config.replace("\"ICU\" =", "\"4E\" = \"FOUR EAST\", \"ICU\" ="))
        .await
        .unwrap();
    let id = engine.entries()[0].position.to_string();
    let request = wardwire::engine::control::Request::Replay {
        id,
        to: "edited".into(),
    };
    assert!(engine.ask(&request).await.ok);
    engine.until_delivered().await;
    let edited = String::from_utf8(engine.read("out/edited.hl7")).unwrap();
    assert!(
        edited.ends_with(&admission("1").replace("4E^12", "FOUR EAST^12")),
        "{edited}"
    );
    assert_eq!(
        engine.outcomes_of_first("edited").last().unwrap().kind,
        OutcomeKind::Delivered
    );
}

#[tokio::test]
async fn a_code_that_is_not_in_its_table_does_what_the_step_says() {
    for (miss, expected) in [("keep", "4E"), ("empty", ""), ("default:OTHER", "OTHER")] {
        let steps = format!(
            "[[steps.edit]]\nname = \"units\"\nmap = \"PV1-3.1\"\ntable = \"units\"\nmiss = \"{miss}\"\n\
             [table.units]\nfile = \"units.csv\"\n"
        );
        let mut engine = TestEngine::prepared(&with_steps(&steps));
        engine.write("units.csv", "from,to\r\nICU,INTENSIVE CARE\r\n");
        engine.restart().await;
        let [_, edited] = deliver(&engine, &[admission("1")]).await;
        assert_eq!(
            edited,
            admission("1").replace("4E^12", &format!("{expected}^12")),
            "{miss}"
        );
    }
}

#[tokio::test]
async fn a_template_makes_a_message_of_another_shape() {
    let steps = "[[steps.edit]]\nname = \"short\"\ntemplate = \"short\"\nto = \"message\"\n\
                 [template.short]\nformat = \"hl7\"\nsource = \"\"\"\n\
                 MSH|^~\\\\&|W||||{{ v(\"MSH-7\") }}||ADT^A08|{{ v(\"MSH-10\") }}|P|2.3\n\
                 PID|1||{{ v(\"PID-3.1\") }}||{{ v(\"PID-5.1\") }}\n\"\"\"\n";
    let engine = TestEngine::start(&with_steps(steps)).await;
    let message = admission("1").replace("ROE^", "R\\T\\E^");
    let [_, edited] = deliver(&engine, &[message]).await;
    assert_eq!(
        edited,
        "MSH|^~\\&|W||||20260102030405||ADT^A08|1|P|2.3\rPID|1||4711||R\\T\\E\r"
    );
}

#[tokio::test]
async fn conditions_read_letters_in_the_character_set_of_the_source() {
    let config =
        feed("charset = \"8859/2\"").replace("to = [", "when = 'PID-5.1 = \"Čapek\"'\nto = [");
    let engine = TestEngine::start(&config).await;
    let mut sender = engine.sender("adt").await;
    for (id, name) in [("1", &b"\xC8apek"[..]), ("2", b"Capek")] {
        let message = admission(id);
        let (before, after) = message.split_once("ROE").unwrap();
        sender
            .send([before.as_bytes(), name, after.as_bytes()].concat())
            .await;
        assert_eq!(code(&sender.reply().await), "AA");
    }
    engine.until_delivered().await;
    let out = engine.read("out/all.hl7");
    assert!(
        out.windows(6).any(|part| part == b"\xC8apek^"),
        "found by its letters, written byte for byte"
    );
    assert!(!out.windows(6).any(|part| part == b"Capek^"));
}

#[tokio::test]
async fn a_partner_that_is_slow_or_refuses_delays_nobody_else() {
    let slow = Partner::start([Does::Nothing]).await;
    let refusing = Partner::start([Does::Acks("AR"), Does::Acks("AA")]).await;
    let config = feed("").replace("[\"archive\"]", "[\"archive\", \"slow\", \"refusing\"]")
        + &format!(
            "[destination.slow]\ntype = \"mllp\"\nconnect = \"{}\"\n[destination.refusing]\ntype = \"mllp\"\nconnect = \"{}\"\n",
            slow.address(),
            refusing.address()
        );
    let engine = TestEngine::start(&config).await;
    let mut sender = engine.sender("adt").await;
    for id in ["1", "2", "3"] {
        sender.exchange(admission(id)).await;
    }
    engine
        .until("the others are done", |engine| {
            let report = engine.report();
            report
                .destinations
                .iter()
                .all(|one| one.name == "slow" || one.backlog == 0)
        })
        .await;
    assert_eq!(refusing.control_ids(), ["1", "2", "3"]);
    assert_eq!(slow.control_ids(), ["1"]);
    let outcome = &engine.outcomes_of_first("refusing")[0];
    assert_eq!(
        (outcome.kind, outcome.code.as_deref()),
        (OutcomeKind::Parked, Some("AR"))
    );
    assert!(outcome.reply.as_ref().unwrap().starts_with(b"MSH|"));
    // An operator cannot settle what is settled, nor what never was to go anywhere.
    let park = |to: &str, id: &str| wardwire::engine::control::Request::Park {
        id: id.to_owned(),
        to: to.to_owned(),
        reason: "why not".to_owned(),
    };
    let id = engine.entries()[0].position.to_string();
    let told = engine.ask(&park("archive", &id)).await;
    assert_eq!(
        (told.ok, told.text),
        (false, format!("{id} is settled at archive already"))
    );
    assert!(engine.ask(&park("slow", &id)).await.ok);
    sender
        .exchange(admission_with("9", &[(9, "XYZ^Z99")]))
        .await;
    let refused = engine.entries().last().unwrap().position.to_string();
    let told = engine.ask(&park("archive", &refused)).await;
    assert_eq!(
        (told.ok, told.text),
        (
            false,
            format!("{refused} was not accepted, so it goes nowhere")
        )
    );
}

#[tokio::test]
async fn the_first_route_that_matches_wins_and_each_destination_gets_a_message_once() {
    let config = feed("").replace(
        "to = [\"archive\"]",
        "to = [\"archive\"]\nwhen = 'PV1-2 = \"I\"'",
    ) + "[[route]]\nname = \"again\"\nfrom = [\"adt\"]\nto = [\"archive\", \"edited\"]\n\
           [destination.edited]\ntype = \"file\"\npath = \"out/edited.hl7\"\n";
    let outpatient = admission("2").replace("PV1|1|I", "PV1|1|O");
    for (also, edited) in [
        ("", outpatient.clone()),
        ("also = true", admission("1") + &outpatient),
    ] {
        let config = config.replacen("name = \"all\"", &format!("name = \"all\"\n{also}"), 1);
        let engine = TestEngine::start(&config).await;
        let found = deliver(&engine, &[admission("1"), outpatient.clone()]).await;
        assert_eq!(found, [admission("1") + &outpatient, edited], "{also}");
    }
}
