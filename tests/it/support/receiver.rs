//! Receivers for `certify`: an honest one that cuts frames and answers by itself, and the same with one fault.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wardwire::clock::Clock;
use wardwire::hl7::Message;
use wardwire::hl7::acknowledgment::{
    Code, Mode, Outcome, Reply, build, is_acknowledgment, requested,
};

/// What is wrong with a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It acknowledges acknowledgments.
    AcksAcks,
    /// Its acknowledgments ask to be acknowledged.
    AsksBack,
    /// It closes the connection when a read does not end with an end block.
    ClosesOnPieces,
    /// It reads every message with `|`.
    IgnoresDelimiters,
    /// It reads and never answers.
    Hangs,
    /// It drops what came in the same read behind a frame.
    DropsSecond,
    /// MSA-2 is always the same.
    FixedId,
    /// It knows original mode only.
    Original,
    /// It refuses everything.
    Refuses,
    /// It takes what came before a lost end block, or the end of the connection, for a message.
    TakesHalves,
    /// It answers outside of a frame.
    Unframed,
    /// It unescapes MSH-10 for MSA-2.
    Unescapes,
    /// It answers every message twice.
    Twice,
}

/// A receiver that listens on a port of its own until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clock = Arc::new(Clock::system());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                sessions.spawn(session(stream, fault, Arc::clone(&clock)));
            }
        });
        Self {
            address,
            _tasks: tasks,
        }
    }
}

async fn session(mut stream: TcpStream, fault: Fault, clock: Arc<Clock>) {
    let mut bytes = Vec::new();
    let mut room = vec![0; 64 * 1024];
    loop {
        if fault == Fault::DropsSecond {
            // So that what was written in one go is read in one go.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        match stream.read(&mut room).await {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&room[..count]),
        }
        if fault == Fault::ClosesOnPieces && !bytes.ends_with(&[0x1C, 0x0D]) {
            return;
        }
        while let Some(end) = bytes.windows(2).position(|pair| pair == [0x1C, 0x0D]) {
            let block: Vec<u8> = bytes.drain(..end + 2).take(end).collect();
            if fault == Fault::DropsSecond {
                bytes.clear();
            }
            for body in bodies(&block, fault) {
                write(&mut stream, &answers(&body, fault, &clock), fault).await;
            }
        }
    }
    if fault == Fault::TakesHalves && bytes.first() == Some(&0x0B) {
        write(&mut stream, &answers(&bytes[1..], fault, &clock), fault).await;
    }
}

/// What stands behind the last start block; whatever is before it lost its end.
fn bodies(block: &[u8], fault: Fault) -> Vec<Vec<u8>> {
    let parts: Vec<Vec<u8>> = block
        .split(|&byte| byte == 0x0B)
        .skip(1)
        .map(<[u8]>::to_vec)
        .collect();
    let lost = if fault == Fault::TakesHalves {
        0
    } else {
        parts.len().saturating_sub(1)
    };
    parts
        .into_iter()
        .skip(lost)
        .filter(|part| !part.is_empty())
        .collect()
}

async fn write(stream: &mut TcpStream, answers: &[Bytes], fault: Fault) {
    for body in answers {
        let bytes = match fault {
            Fault::Hangs => return,
            Fault::Unframed => body.to_vec(),
            _ => [&[0x0B], &body[..], &[0x1C, 0x0D]].concat(),
        };
        for _ in 0..if fault == Fault::Twice { 2 } else { 1 } {
            // A sender that is gone already needs no answer.
            drop(stream.write_all(&bytes).await);
        }
    }
}

fn answers(body: &[u8], fault: Fault, clock: &Clock) -> Vec<Bytes> {
    let Ok(message) = Message::parse(body.to_vec()) else {
        return Vec::new();
    };
    if is_acknowledgment(&message) && fault != Fault::AcksAcks {
        return Vec::new();
    }
    let header = message.header();
    let known = ["ADT", "ACK"]
        .iter()
        .any(|code| code.as_bytes() == header.message_code());
    let fine = known && header.version_id() != b"9.9" && !header.control_id().is_empty();
    let outcome = match fault {
        Fault::Refuses => Outcome::Reject,
        _ if fine => Outcome::Accept,
        _ => Outcome::Reject,
    };
    let mode = if fault == Fault::Original {
        Mode::Original
    } else {
        Mode::Auto
    };
    let (msh15, msh16) = (
        header.accept_acknowledgment_type(),
        header.application_acknowledgment_type(),
    );
    let due = requested(msh15, msh16, mode, outcome);
    let codes = [due.accept, due.application].into_iter().flatten();
    codes
        .map(|code| spoiled(&message, code, fault, clock))
        .collect()
}

/// The acknowledgment with the receiver's fault in it.
fn spoiled(message: &Message, code: Code, fault: Fault, clock: &Clock) -> Bytes {
    let own = clock.control_id();
    let reply = Reply {
        code,
        text: "",
        faults: &[],
        control_id: &own,
        at: &clock.now().to_zoned(jiff::tz::TimeZone::UTC),
    };
    let honest = build(message, &reply);
    let id = message.header().control_id();
    let with_id = |new: &[u8]| {
        let head = b"MSH|^~\\&|||||20260101||ACK|";
        [
            head,
            own.as_bytes(),
            b"|T|2.5.1\rMSA|",
            code.as_str().as_bytes(),
            b"|",
            new,
            b"\r",
        ]
        .concat()
    };
    match fault {
        Fault::FixedId => with_id(b"4711").into(),
        Fault::IgnoresDelimiters => {
            let tenth = message
                .raw()
                .split(|&byte| byte == b'|')
                .nth(9)
                .unwrap_or_default();
            if tenth == id {
                honest
            } else {
                with_id(tenth).into()
            }
        }
        Fault::Unescapes => {
            let text = replaced(id, b"\\F\\", b"/");
            if text == id {
                honest
            } else {
                with_id(&text).into()
            }
        }
        Fault::AsksBack => replaced(&honest, b"\rMSA", b"|||AL|NE\rMSA").into(),
        _ => honest,
    }
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    match bytes.windows(old.len()).position(|part| part == old) {
        Some(at) => [&bytes[..at], new, &bytes[at + old.len()..]].concat(),
        None => bytes.to_vec(),
    }
}
