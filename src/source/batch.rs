//! Batches: several messages in one frame or file, each stored alone and in order.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::intake::BatchReply;
use super::receive::{Arrival, Received, Receiver, Verdict};
use crate::hl7::acknowledgment::{self, Code, Outcome, Reply};
use crate::hl7::{Message, batch};

/// Whether `body` begins with a batch's header, behind blanks and a byte order mark.
pub(super) fn is_enveloped(body: &[u8]) -> bool {
    let body = body
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(body)
        .trim_ascii_start();
    body.starts_with(b"FHS") || body.starts_with(b"BHS")
}

/// Receives a batch that came as one frame, and answers each message or the whole, as configured.
pub(super) async fn receive(receiver: &Receiver, arrival: Arrival<'_>) -> Vec<Bytes> {
    // The turn is held to the end, so that nothing comes between the batch's messages.
    let _turn = arrival.turn;
    let body = arrival.body.clone();
    let received = receive_each(receiver, arrival.peer, arrival.body).await;
    let summary = match receiver.intake().batch {
        BatchReply::Each => None,
        BatchReply::Summary => summarise(receiver, &body, &received),
    };
    match summary {
        Some(summary) => vec![summary],
        None => received.into_iter().flat_map(|one| one.replies).collect(),
    }
}

/// Receives every message of `input`, in order; what is wrong with the envelope is a warning of the message before it.
/// An input without any message is received whole, so that it is kept and answered as unreadable.
pub(super) async fn receive_each(
    receiver: &Receiver,
    peer: Option<Arc<str>>,
    input: Bytes,
) -> Vec<Received> {
    let found = batch::split(&input);
    if !found.findings.is_empty() {
        let first = found
            .findings
            .first()
            .map(|finding| finding.kind.to_string());
        let count = found.findings.len();
        tracing::warn!(
            source = receiver.name(),
            count,
            first,
            "something is wrong with a batch"
        );
    }
    let mut parts: Vec<(Bytes, Vec<Cow<'static, str>>)> = found
        .messages
        .iter()
        .map(|range| (input.slice(range.clone()), Vec::new()))
        .collect();
    if parts.is_empty() {
        parts.push((input.clone(), Vec::new()));
    }
    for finding in &found.findings {
        let before = found
            .messages
            .iter()
            .filter(|range| range.start <= finding.offset)
            .count();
        if let Some((_, warnings)) = parts.get_mut(before.saturating_sub(1)) {
            warnings.push(finding.kind.to_string().into());
        }
    }
    let mut received = Vec::with_capacity(parts.len());
    for (body, warnings) in parts {
        let arrival = Arrival {
            peer: peer.clone(),
            body,
            truncated: false,
            warnings,
            turn: None,
        };
        received.push(receiver.receive_one(arrival).await);
    }
    received
}

/// One acknowledgment for a whole batch: the worst of the codes, and the batch's control ID (BHS-11) in MSA-2. `None` if the
/// batch header cannot be read; then each message is answered.
fn summarise(receiver: &Receiver, body: &[u8], received: &[Received]) -> Option<Bytes> {
    let start =
        memchr::memmem::find(body, b"BHS").or_else(|| memchr::memmem::find(body, b"FHS"))?;
    let header = Message::parse(as_message_header(body.get(start..)?)?).ok()?;
    let outcome = received.iter().map(|one| match one.verdict {
        Verdict::Accepted => Outcome::Accept,
        Verdict::Refused(_) | Verdict::Unsafe => Outcome::Error,
    });
    let failed = outcome
        .clone()
        .filter(|&outcome| outcome != Outcome::Accept)
        .count();
    let worst = if failed == 0 {
        Outcome::Accept
    } else {
        Outcome::Error
    };
    let around = receiver.around();
    let text = format!("{failed} of {} messages not accepted", received.len());
    let reply = Reply {
        code: Code::application(worst),
        text: if failed == 0 { "" } else { &text },
        faults: &[],
        control_id: &around.clock.control_id(),
        at: &around.clock.now().to_zoned(around.zone.clone()),
    };
    Some(acknowledgment::build(&header, &reply))
}

/// The batch header that `batch` begins with as a message header: BHS and MSH share their first six fields, and the
/// batch's control ID stands in BHS-11.
fn as_message_header(batch: &[u8]) -> Option<Vec<u8>> {
    let line = batch.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let separator = *line.get(3)?;
    let mut fields: Vec<&[u8]> = line.split(|&byte| byte == separator).collect();
    fields.resize(12, b"");
    let control_id = fields.get(10).copied()?;
    *fields.get_mut(0)? = b"MSH";
    *fields.get_mut(8)? = b"ACK";
    *fields.get_mut(9)? = control_id;
    *fields.get_mut(10)? = b"P";
    *fields.get_mut(11)? = b"2.5.1";
    Some(fields.join(&separator))
}
