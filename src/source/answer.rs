//! What a source answers: which acknowledgments are due, and their bytes.

use std::borrow::Cow;

use bytes::Bytes;

use super::intake::{Intake, Unrouted};
use super::judge::judge;
use crate::clock::Clock;
use crate::hl7::acknowledgment::{
    self, Code, Fault, Mode, Outcome, Refusal, Reply, Requested, is_acknowledgment, requested,
};
use crate::hl7::charset::{CharsetError, DecidedBy};
use crate::hl7::{Charset, Message};
use crate::route::Routes;

/// The acknowledgments that the sender of `message` asks for, if any.
pub(super) fn replies(
    message: &Message,
    intake: &Intake,
    clock: &Clock,
    outcome: Outcome,
    refusal: Option<Refusal>,
) -> Vec<Bytes> {
    let wanted = due(message, intake.mode, outcome);
    let at = clock.now().to_zoned(intake.zone.clone());
    let faults: Vec<Fault> = refusal.into_iter().map(Fault::from).collect();
    let build = |code| {
        let control_id = clock.control_id();
        let text = refusal.map_or("", Refusal::text);
        let reply = Reply {
            code,
            text,
            faults: &faults,
            control_id: &control_id,
            at: &at,
        };
        acknowledgment::build(message, &reply)
    };
    [wanted.accept, wanted.application]
        .into_iter()
        .flatten()
        .map(build)
        .collect()
}

/// The answer to bytes that are no message: an error if they were cut on their way, since the whole may come yet, and else
/// a rejection.
pub(super) fn to_unreadable(
    body: &[u8],
    intake: &Intake,
    clock: &Clock,
    outcome: Outcome,
) -> Vec<Bytes> {
    if intake.mode == Mode::None {
        return Vec::new();
    }
    let at = clock.now().to_zoned(intake.zone.clone());
    let code = Code::application(outcome);
    let id = clock.control_id();
    vec![acknowledgment::build_unreadable(
        body,
        &intake.application,
        code,
        &id,
        &at,
    )]
}

/// The acknowledgment of a whole batch, whose header stands in for a message's.
pub(super) fn to_batch(
    header: &Message,
    intake: &Intake,
    clock: &Clock,
    outcome: Outcome,
    text: &str,
) -> Vec<Bytes> {
    let wanted = requested(b"", b"", intake.mode, outcome);
    let at = clock.now().to_zoned(intake.zone.clone());
    let build = |code| {
        let control_id = clock.control_id();
        let reply = Reply {
            code,
            text,
            faults: &[],
            control_id: &control_id,
            at: &at,
        };
        acknowledgment::build(header, &reply)
    };
    [wanted.accept, wanted.application]
        .into_iter()
        .flatten()
        .map(build)
        .collect()
}

/// What is odd about a message beyond its segments: its character set and what it asks for.
pub(super) fn oddities(message: &Message, mode: Mode) -> impl Iterator<Item = Cow<'static, str>> {
    let resolved = message.resolved_charset();
    let charset = match (resolved.problem, resolved.by) {
        (Some(CharsetError::Unsupported { .. }), _) => Some("unsupported_charset"),
        (Some(_), _) => Some("unknown_charset"),
        (None, DecidedBy::Content) if !message.raw().is_ascii() => Some("undeclared_charset"),
        (None, DecidedBy::Content) => None,
        (None, _) if is_wrong(resolved.charset, message.raw()) => Some("wrong_charset"),
        (None, _) => None,
    };
    let unknown = due(message, mode, Outcome::Accept).unknown;
    let condition = unknown.then_some("unknown_acknowledgment_condition");
    [charset, condition]
        .into_iter()
        .flatten()
        .map(Cow::Borrowed)
}

/// Whether bytes say nothing in the character set they are declared to be in.
fn is_wrong(charset: Charset, raw: &[u8]) -> bool {
    !raw.is_ascii() && charset.decode_exact(raw).is_none()
}

/// The codes with which a source with this intake would answer `raw`, if the journal takes it, and whether it would then be
/// routed: for trying configurations.
#[must_use]
pub fn codes_for(raw: &Bytes, intake: &Intake, routes: &Routes, source: &str) -> (Vec<Code>, bool) {
    let Ok(message) = routes.read(source, raw.clone()) else {
        let rejected = Code::application(Refusal::Unreadable.outcome());
        let codes = if intake.mode == Mode::None {
            Vec::new()
        } else {
            vec![rejected]
        };
        return (codes, false);
    };
    if is_acknowledgment(&message) {
        return (Vec::new(), false);
    }
    let refusal = judge(&message, intake).or_else(|| unrouted(&message, intake, routes, source));
    let wanted = due(
        &message,
        intake.mode,
        refusal.map_or(Outcome::Accept, Refusal::outcome),
    );
    let codes = [wanted.accept, wanted.application]
        .into_iter()
        .flatten()
        .collect();
    (codes, refusal.is_none())
}

/// The refusal of a message that no route sends anywhere, where the source is to refuse such.
pub(super) fn unrouted(
    message: &Message,
    intake: &Intake,
    routes: &Routes,
    source: &str,
) -> Option<Refusal> {
    let rejects = intake.unrouted == Unrouted::Reject;
    (rejects && routes.destinations(source, message).is_empty()).then_some(Refusal::Filtered)
}

fn due(message: &Message, mode: Mode, outcome: Outcome) -> Requested {
    let header = message.header();
    let (msh15, msh16) = (
        header.accept_acknowledgment_type(),
        header.application_acknowledgment_type(),
    );
    requested(msh15, msh16, mode, outcome)
}
