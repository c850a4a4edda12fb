//! Bytes that are not framed as they should be, sent to a whole engine.

use wardwire::journal::Disposition;

use crate::support::engine::TestEngine;
use crate::support::feed::feed;
use crate::support::peer::{Sender, admission, admission_with, answer, code, frame};

async fn accepts(sender: &mut Sender, id: &str) {
    assert_eq!(
        answer(&sender.exchange(admission(id)).await),
        ("AA".into(), id.into())
    );
}

#[tokio::test]
async fn a_message_is_the_same_however_its_bytes_are_cut() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let message = admission("CUT");
    for byte in frame(&message) {
        sender.write([byte]).await;
    }
    let whole = sender.reply().await;
    assert_eq!(answer(&whole), ("AA".into(), "CUT".into()));
    for at in (1..frame(&message).len()).step_by(7) {
        let bytes = frame(&message);
        sender.write(&bytes[..at]).await;
        tokio::task::yield_now().await;
        sender.write(&bytes[at..]).await;
        assert_eq!(sender.reply().await, whole);
    }
    let entries = engine.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].raw, message);
}

#[tokio::test]
async fn several_messages_in_one_write_are_answered_in_their_order() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let all: Vec<Vec<u8>> = ["1", "2", "3", "4", "5", "6"]
        .map(admission)
        .iter()
        .map(frame)
        .collect();
    sender.write(all[..3].concat()).await;
    let half = all[5].len() / 2;
    sender
        .write([&all[3][..], &all[4], &all[5][..half]].concat())
        .await;
    for id in ["1", "2", "3", "4", "5"] {
        assert_eq!(answer(&sender.reply().await), ("AA".into(), id.into()));
    }
    sender.write(&all[5][half..]).await;
    assert_eq!(answer(&sender.reply().await), ("AA".into(), "6".into()));
    let ids: Vec<_> = engine
        .entries()
        .iter()
        .map(|entry| entry.keys.control_id.clone().unwrap())
        .collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn a_line_feed_behind_a_frame_loses_nothing_of_the_next() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let second = frame(admission("2"));
    sender
        .write([&frame(admission("1"))[..], b"\n", &second[..40]].concat())
        .await;
    assert_eq!(answer(&sender.reply().await), ("AA".into(), "1".into()));
    sender.write(&second[40..]).await;
    assert_eq!(answer(&sender.reply().await), ("AA".into(), "2".into()));
    assert_eq!(engine.entries()[1].warnings, ["lf_after_fs"]);
}

#[tokio::test]
async fn an_end_block_without_its_carriage_return_ends_the_message_all_the_same() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let open = |id| [&[0x0B], admission(id).as_bytes(), &[0x1C]].concat();
    // Silence follows, then the next frame.
    sender.write(open("1")).await;
    assert_eq!(answer(&sender.reply().await), ("AA".into(), "1".into()));
    sender
        .write([open("2"), frame(admission("3"))].concat())
        .await;
    for id in ["2", "3"] {
        assert_eq!(answer(&sender.reply().await), ("AA".into(), id.into()));
    }
    let entries = engine.entries();
    assert_eq!(
        [&entries[0].warnings[..], &entries[1].warnings],
        [["fs_without_cr"], ["fs_without_cr"]]
    );
    assert_eq!(entries[1].raw, admission("2"));
}

#[tokio::test]
async fn a_message_without_a_start_block_is_refused_and_the_next_is_taken() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    accepts(&mut sender, "0").await;
    sender.write(&frame(admission("1"))[1..]).await;
    assert_eq!(answer(&sender.reply().await), ("AE".into(), "1".into()));
    accepts(&mut sender, "2").await;
    let entries = engine.entries();
    assert_eq!(
        (entries[1].disposition, &entries[1].warnings[..]),
        (Disposition::Damaged, &["missing_start".into()][..])
    );
    // Unless the source is told to put up with it.
    let engine = TestEngine::start(&feed("tolerate = { missing_start = true }")).await;
    let mut sender = engine.sender("adt").await;
    sender.write(&frame(admission("1"))[1..]).await;
    assert_eq!(answer(&sender.reply().await), ("AA".into(), "1".into()));
}

#[tokio::test]
async fn a_start_block_inside_a_message_means_that_its_end_was_lost() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let (cut, whole) = (frame(admission("CUT")), frame(admission("WHOLE")));
    sender.write([&cut[..120], &whole].concat()).await;
    assert_eq!(answer(&sender.reply().await), ("AE".into(), "CUT".into()));
    assert_eq!(answer(&sender.reply().await), ("AA".into(), "WHOLE".into()));
    // One in the middle of a value damages that message alone.
    let stray = admission("STRAY").replace("ROE", "R\x0BE");
    assert_eq!(
        answer(&sender.exchange(stray).await),
        ("AE".into(), "STRAY".into())
    );
    accepts(&mut sender, "LAST").await;
    let entries = engine.entries();
    let damaged: Vec<bool> = entries
        .iter()
        .map(|entry| entry.disposition == Disposition::Damaged)
        .collect();
    assert_eq!(damaged, [true, false, true, false]);
    assert!(entries[2].warnings.contains(&"vt_in_body".into()));
    engine.until_delivered().await;
    let out = String::from_utf8(engine.read("out/all.hl7")).unwrap();
    assert_eq!(out, [admission("WHOLE"), admission("LAST")].concat());
}

#[tokio::test]
async fn an_empty_frame_is_noted_and_gets_nothing_positive() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    sender.write([0x0B, 0x1C, 0x0D]).await;
    assert_eq!(code(&sender.reply().await), "AR");
    accepts(&mut sender, "1").await;
    assert_eq!(engine.entries()[0].warnings, ["empty_frame"]);
}

#[tokio::test]
async fn a_message_that_its_sender_breaks_off_is_kept_as_damaged_and_can_be_sent_again() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    sender.write(&frame(admission("1"))[..150]).await;
    sender.close_writing().await;
    assert_eq!(answer(&sender.reply().await), ("AE".into(), "1".into()));
    assert!(sender.is_closed().await);
    accepts(&mut engine.sender("adt").await, "1").await;
    assert_eq!(engine.entries()[0].warnings, ["cut_off"]);
}

#[tokio::test]
async fn line_ends_are_read_as_the_sender_means_them() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let messages = [
        admission("LF").replace('\r', "\n"),
        admission("CRLF").replace('\r', "\r\n"),
        admission("DATA").replace("ROE^RICHARD", "ROE\nRICHARD"),
    ];
    for (message, id) in messages.iter().zip(["LF", "CRLF", "DATA"]) {
        assert_eq!(
            answer(&sender.exchange(message).await),
            ("AA".into(), id.into())
        );
    }
    engine.until_delivered().await;
    let out = String::from_utf8(engine.read("out/all.hl7")).unwrap();
    let [lf, crlf, data] = messages;
    assert_eq!(
        out,
        [&lf, "\r", &crlf, "\r", &data].concat(),
        "byte for byte"
    );
    let warnings: Vec<_> = engine
        .entries()
        .into_iter()
        .map(|entry| entry.warnings)
        .collect();
    assert_eq!(warnings, [vec!["line_feeds"], vec!["line_feeds"], vec![]]);
}

#[tokio::test]
async fn the_character_set_of_the_sender_holds_for_its_answer_and_oddities_are_noted() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    for (label, name, warning) in [
        ("8859/2", &b"\xE8erven\xFD"[..], None),
        ("UNICODE UTF-8", "čerstvý".as_bytes(), None),
        ("WINDOWS-1250", b"\x8Eluna", None),
        ("CP1250", b"\x8Eluna", None),
        ("KLINGON", b"M\xFCller", Some("unknown_charset")),
        ("UNICODE UTF-8", b"M\xFCller", Some("wrong_charset")),
        ("", b"M\xFCller", Some("undeclared_charset")),
        ("", b"Muller", None),
    ] {
        let id = format!("{label}{}", name.escape_ascii());
        let template = admission_with(&id, &[(18, label)]).replace("ROE", "@");
        let (before, after) = template.split_once('@').unwrap();
        sender
            .send([before.as_bytes(), name, after.as_bytes()].concat())
            .await;
        let reply = sender.reply().await;
        assert_eq!(code(&reply), "AA");
        assert_eq!(crate::support::peer::field(&reply, "MSH", 18), label);
        let entry = engine.entries().pop().unwrap();
        assert_eq!(entry.warnings, warning.as_slice(), "{label} {name:?}");
        assert!(entry.raw.windows(name.len()).any(|part| part == name));
    }
    let wide = sender
        .exchange(admission_with("WIDE", &[(18, "UNICODE UTF-16")]))
        .await;
    assert_eq!(
        (code(&wide), crate::support::peer::field(&wide, "ERR", 2)),
        ("AR".into(), "MSH^1^18^1".into())
    );
}

#[tokio::test]
async fn probes_and_other_protocols_are_counted_and_make_no_noise() {
    let engine = TestEngine::start(&feed("")).await;
    let mut probe = engine.sender("adt").await;
    probe.close_writing().await;
    assert!(probe.is_closed().await);
    let mut browser = engine.sender("adt").await;
    browser.write("GET / HTTP/1.1\r\nHost: ward\r\n\r\n").await;
    assert!(browser.is_closed().await, "without a word");
    let counted = |figures: wardwire::source::SourceFigures| figures.connections_without_frame;
    engine
        .until("both are counted", |engine| {
            counted(engine.report().sources[0].figures) == 2
        })
        .await;
    assert!(engine.entries().is_empty());
}

#[tokio::test]
async fn a_slow_peer_a_giant_message_and_a_crowd_are_closed_by_limit_and_disturb_nobody() {
    let keys = "frame_timeout = \"300ms\"\nmax_frame = \"64KiB\"\nmax_connections = 4\nmax_per_peer = 4\n\
                idle_timeout = \"1m\"";
    let engine = TestEngine::start(&feed(keys)).await;
    let mut good = engine.sender("adt").await;
    accepts(&mut good, "1").await;
    let mut slow = engine.sender("adt").await;
    slow.write(&frame(admission("SLOW"))[..20]).await;
    let mut giant = engine.sender("adt").await;
    giant
        .send(admission("GIANT").replace("ROE", &"R".repeat(70_000)))
        .await;
    assert_eq!(answer(&giant.reply().await), ("AE".into(), "GIANT".into()));
    assert!(giant.is_closed().await);
    accepts(&mut good, "2").await;
    assert!(slow.is_closed().await);
    let mut crowd = Vec::new();
    for _ in 0..6 {
        crowd.push(engine.sender("adt").await);
    }
    for late in &mut crowd[4..] {
        assert!(late.is_closed().await);
    }
    accepts(&mut good, "3").await;
    accepts(&mut crowd[0], "4").await;
    let figures = engine.engine().report().sources[0].figures;
    assert!(figures.connections_refused >= 2, "{figures:?}");
    assert_eq!(figures.accepted, 4);
    assert_eq!(engine.entries()[1].warnings, ["frame_too_large"]);
}

#[tokio::test]
async fn only_those_who_may_connect_are_served() {
    let engine = TestEngine::start(&feed("allow_from = [\"10.20.0.0/16\"]")).await;
    let mut stranger = engine.sender("adt").await;
    assert!(stranger.is_closed().await);
    assert_eq!(
        engine.engine().report().sources[0]
            .figures
            .connections_refused,
        1
    );
}
