//! The samples, sent to an engine with the shipped configuration.

use wardwire::config::EMBEDDED;
use wardwire::hl7::batch;

use crate::samples::{expected, files};
use crate::support::engine::TestEngine;
use crate::support::partner::Partner;
use crate::support::peer::{admission, answer, field};

/// The shipped configuration, but for addresses that tests must not take.
fn shipped(board: &Partner) -> String {
    let config = EMBEDDED.replace("127.0.0.1:2575", "127.0.0.1:0");
    assert_ne!(config, EMBEDDED);
    config.replace("127.0.0.1:2576", &board.address())
}

/// What `wardwire send` puts into frames: a batch as it is, and else each message.
fn frames(file: &[u8]) -> Vec<&[u8]> {
    let found = batch::split(file);
    if found.enveloped || found.messages.is_empty() {
        return vec![file];
    }
    found
        .messages
        .into_iter()
        .map(|range| &file[range])
        .collect()
}

#[tokio::test]
async fn every_sample_gets_exactly_the_acknowledgments_in_its_table() {
    let board = Partner::start([]).await;
    let engine = TestEngine::start(&shipped(&board)).await;
    let mut sender = engine.sender("adt").await;
    let expected = expected();
    for (index, (name, bytes)) in files().into_iter().enumerate() {
        for body in frames(&bytes) {
            sender.send(body).await;
        }
        let marker = format!("MARKER{index}");
        sender.send(admission(&marker)).await;
        let (mut codes, mut conditions) = (Vec::new(), Vec::new());
        loop {
            // Delimiters differ, and MSA-1 stands behind the fourth character everywhere.
            let reply = sender.reply().await;
            if answer(&reply).1 == marker {
                break;
            }
            let (_, msa) = reply.split_once("\rMSA").unwrap();
            codes.push(msa[1..3].to_owned());
            let condition = field(&reply, "ERR", 3);
            conditions.extend(
                condition
                    .split('^')
                    .next()
                    .filter(|code| !code.is_empty())
                    .map(str::to_owned),
            );
        }
        let codes = if codes.is_empty() {
            "none".to_owned()
        } else {
            codes.join(" ")
        };
        assert_eq!((codes, conditions.join(" ")), expected[&name], "{name}");
    }
    engine.until_delivered().await;
    let sent: usize = files()
        .keys()
        .map(|name| {
            expected[name]
                .0
                .split(' ')
                .filter(|code| ["AA", "CA"].contains(code))
                .count()
        })
        .sum();
    let out = std::fs::read_dir(engine.path().join("out/adt"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let archived = batch::split(&std::fs::read(out.path()).unwrap())
        .messages
        .len();
    let (both, none) = (1, 1);
    assert_eq!(
        archived,
        sent + files().len() - both + none,
        "every accepted one, and the markers"
    );
    assert!(
        !board.received().is_empty(),
        "something went to the ward board"
    );
    let insured = board
        .received()
        .iter()
        .any(|message| message.windows(4).any(|part| part == b"\rIN1"));
    assert!(!insured, "what stays here stays here");
}
