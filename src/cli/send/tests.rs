//! What a sender sees of receivers, good and bad ones.

use std::net::SocketAddr;
use std::path::Path;

use bytes::BytesMut;
use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::hl7::Message;
use crate::mllp::{Decoder, Tolerance};

const MESSAGE: &str = "MSH|^~\\&|A|B|C|D|20260308||ADT^A01|X7|P|2.5.1\rPID|1\r";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    send: Send,
}

/// Runs `send` with these arguments; what it printed and how it ended.
async fn send(to: SocketAddr, file: &Path, more: &str) -> (String, Result<Exit, Failure>) {
    let printed = crate::cli::output::Printed::default();
    let mut out = Output::into(printed.clone());
    let to = to.to_string();
    let mut line = vec!["send", "--to", &to, file.to_str().unwrap()];
    line.extend(more.split_whitespace());
    let send = Line::try_parse_from(line).unwrap().send;
    let ended = send.run(&Clock::system(), &mut out).await;
    out.flush().unwrap();
    (printed.text(), ended)
}

/// A receiver that gives each message whatever `answer` makes of its control ID: frames, or `None` to hang up.
async fn receiver(answer: fn(&str) -> Option<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connections = tokio::task::JoinSet::new();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn_local(converse(stream, answer));
        }
    });
    address
}

async fn converse(mut stream: TcpStream, answer: fn(&str) -> Option<String>) {
    let mut decoder = Decoder::new(Tolerance::default(), 1 << 20);
    let mut buffer = BytesMut::new();
    while stream.read_buf(&mut buffer).await.unwrap_or(0) > 0 {
        while let Some(frame) = decoder.next(&mut buffer).unwrap() {
            let message = Message::parse(frame.body).unwrap();
            let id = String::from_utf8(message.header().control_id().to_vec()).unwrap();
            match answer(&id) {
                Some(frames) => stream.write_all(frames.as_bytes()).await.unwrap(),
                None => return,
            }
        }
    }
}

fn ack(code: &str, id: &str) -> String {
    format!("\x0bMSH|^~\\&|||||||ACK|9|P|2.5.1\rMSA|{code}|{id}\r\x1c\r")
}

/// A file of one message, or of several.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.hl7");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

async fn local<T>(test: impl Future<Output = T>) -> T {
    tokio::task::LocalSet::new().run_until(test).await
}

#[tokio::test]
async fn each_message_is_answered_in_a_line_of_its_own() {
    local(async {
        let to = receiver(|id| Some(ack("AA", id))).await;
        let (_folder, path) = file(&format!("{MESSAGE}{}", MESSAGE.replace("X7", "X8")));
        let (printed, ended) = send(to, &path, "--expect AA --format json").await;
        assert_eq!(ended.unwrap(), Exit::Ok);
        let lines: Vec<serde_json::Value> = printed
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1]["file"].as_str().unwrap().ends_with("m.hl7#2"));
        assert_eq!(lines[1]["codes"], serde_json::json!(["AA"]));
    })
    .await;
}

#[tokio::test]
async fn another_code_than_expected_is_a_finding() {
    local(async {
        let to = receiver(|id| Some(ack("AE", id))).await;
        let (_folder, path) = file(MESSAGE);
        let (printed, ended) = send(to, &path, "--expect AA").await;
        assert_eq!(ended.unwrap(), Exit::Findings);
        assert!(printed.contains("(expected AA)"), "{printed}");
        assert_eq!(send(to, &path, "").await.1.unwrap(), Exit::Ok);
    })
    .await;
}

#[tokio::test]
async fn an_acknowledgment_of_another_message_is_never_credited() {
    local(async {
        let to = receiver(|id| Some(ack("AA", &format!("{id}0")))).await;
        let (_folder, path) = file(MESSAGE);
        let (printed, ended) = send(to, &path, "--ack-timeout 50ms").await;
        assert_eq!(ended.unwrap(), Exit::Failed);
        assert!(printed.contains("none"), "{printed}");

        let (printed, ended) = send(to, &path, "--ack-timeout 50ms --count 3 --format json").await;
        assert_eq!(ended.unwrap(), Exit::Failed);
        let figures: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(
            (&figures["acknowledged"], &figures["unmatched"]),
            (&0.into(), &1.into())
        );
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_hangs_up_leaves_the_message_unanswered() {
    local(async {
        let to = receiver(|_| None).await;
        let (_folder, path) = file(MESSAGE);
        let (printed, ended) = send(to, &path, "").await;
        assert_eq!(ended.unwrap(), Exit::Failed);
        assert!(printed.contains("closed by the receiver"), "{printed}");
    })
    .await;
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (_folder, path) = file(MESSAGE);
    let Err(Failure::Told { exit, error, hint }) = send(free, &path, "").await.1 else {
        panic!("it sent to nobody");
    };
    assert_eq!(exit, Exit::Unavailable);
    assert!(error.to_string().contains("cannot connect") && hint.is_some());
}

#[tokio::test]
async fn two_acknowledgments_are_taken_where_two_were_asked_for() {
    local(async {
        let to = receiver(|id| Some(ack("CA", id) + &ack("AA", id))).await;
        let (_folder, path) = file(&MESSAGE.replace("|2.5.1\r", "|2.5.1|||AL|AL\r"));
        let (printed, ended) = send(to, &path, "").await;
        assert_eq!(ended.unwrap(), Exit::Ok);
        assert!(printed.contains("CA AA"), "{printed}");
    })
    .await;
}

#[tokio::test]
async fn a_load_sends_as_many_as_asked_each_with_its_own_control_id() {
    local(async {
        let to = receiver(|id| Some(ack(if id == "X7" { "AR" } else { "AA" }, id))).await;
        let (_folder, path) = file(MESSAGE);
        let load = "--count 100 --connections 3 --pipeline 4 --format json";
        let (printed, ended) = send(to, &path, &format!("{load} --expect AA")).await;
        assert_eq!(ended.unwrap(), Exit::Ok);
        let figures: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(
            (&figures["sent"], &figures["acknowledged"]),
            (&100.into(), &100.into())
        );
        assert_eq!(figures["codes"], serde_json::json!({"AA": 100}));

        let (printed, _) = send(to, &path, &format!("{load} --same-ids")).await;
        let figures: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(figures["codes"], serde_json::json!({"AR": 100}));
    })
    .await;
}
