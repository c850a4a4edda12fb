//! Batches: several messages in one frame or file, each stored alone and in order.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::answer;
use super::intake::{BatchReply, Intake};
use super::receive::{Arrival, Receiver};
use super::verdict::{Received, Verdict};
use crate::hl7::acknowledgment::Outcome;
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
    let header = header_of(&arrival.body);
    let received = receive_each(receiver, arrival.peer, arrival.body, arrival.warnings).await;
    let intake = receiver.intake();
    match (intake.batch, header) {
        (BatchReply::Summary, Some(header)) => summarise(receiver, &intake, &header, &received),
        // Without a readable header there is nothing to answer the whole by.
        _ => received.into_iter().flat_map(|one| one.replies).collect(),
    }
}

/// Receives every message of `input`, in order; what is wrong with the envelope is a warning of the message before it, and
/// `warnings` of the first. An input without any message is received whole, so that it is kept and answered as unreadable.
/// When one cannot be stored, those behind it are not either: the sender will send all of them again, and in this order.
pub(super) async fn receive_each(
    receiver: &Receiver,
    peer: Option<Arc<str>>,
    input: Bytes,
    warnings: Vec<Cow<'static, str>>,
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
    if let Some((_, of_first)) = parts.first_mut() {
        *of_first = warnings;
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
    let mut received: Vec<Received> = Vec::with_capacity(parts.len());
    for (body, warnings) in parts {
        if received
            .last()
            .is_some_and(|one| one.verdict == Verdict::Unsafe)
        {
            received.push(receiver.hold_back(&body));
            continue;
        }
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

/// The acknowledgment for a whole batch, with the batch's control ID (BHS-11) in MSA-2: that of the worst message. Where
/// something could not be stored it is an error and no rejection, for the batch is worth sending again.
fn summarise(
    receiver: &Receiver,
    intake: &Intake,
    header: &Message,
    received: &[Received],
) -> Vec<Bytes> {
    let failed = received
        .iter()
        .filter(|one| one.outcome != Outcome::Accept)
        .count();
    let stored = received.iter().all(|one| one.verdict != Verdict::Unsafe);
    let rejected = received.iter().any(|one| one.outcome == Outcome::Reject);
    let worst = match failed {
        0 => Outcome::Accept,
        _ if stored && rejected => Outcome::Reject,
        _ => Outcome::Error,
    };
    let text = match failed {
        0 => String::new(),
        _ => format!("{failed} of {} messages not accepted", received.len()),
    };
    answer::to_batch(header, intake, &receiver.around().clock, worst, &text)
}

/// The batch's header, if there is one, as that of a message.
pub(super) fn header_of(body: &[u8]) -> Option<Message> {
    if !is_enveloped(body) {
        return None;
    }
    let find = |name: &[u8]| memchr::memmem::find(body, name);
    let start = find(b"BHS").or_else(|| find(b"FHS"))?;
    Message::parse(as_message_header(body.get(start..)?)?).ok()
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
