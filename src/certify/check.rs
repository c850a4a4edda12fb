//! What is looked at in an acknowledgment beyond whose it is and what it says.

use std::collections::BTreeSet;

use super::outcome::Finding;
use crate::hl7::timestamp;
use crate::hl7::{Message, Path, SegmentName, Segments};

/// One property of an acknowledgment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// MSH-15 and MSH-16 do not ask for an acknowledgment of the acknowledgment.
    AsksNothing,
    /// MSH-18 is the message's.
    Charset,
    /// It is written with the message's delimiters.
    Delimiters,
    /// ERR names one of these conditions of table 0357.
    Errors(&'static [&'static str]),
    /// MSH-9 is `ACK`, or `ACK^event^ACK`.
    Kind,
    /// MSH-10 is there, and is its own.
    OwnControlId,
    /// MSH-5 and MSH-6 are the message's MSH-3 and MSH-4.
    Parties,
    /// MSH-11 is the message's.
    ProcessingId,
    /// The code is a rejection (AR, CR).
    Rejection,
    /// MSH-7 is a time.
    Time,
    /// MSH-12 is the message's.
    Version,
}

/// A reply and the message it answers, both read.
pub(super) struct Pair<'a> {
    pub(super) sent: &'a Message,
    pub(super) reply: &'a Message,
    /// MSH-10 of the replies before it in this case.
    pub(super) seen: &'a BTreeSet<Vec<u8>>,
}

impl Check {
    /// What of this check is to be said of `pair`.
    pub(super) fn of(self, pair: &Pair<'_>) -> Finding {
        match self {
            Self::AsksNothing => asks_nothing(pair),
            Self::Charset => same(pair, 18, "MSH-18", "character set"),
            Self::Delimiters => delimiters(pair),
            Self::Errors(conditions) => errors(pair, conditions),
            Self::Kind => kind(pair),
            Self::OwnControlId => own_control_id(pair),
            Self::Parties => party(pair, 5, 3).and(party(pair, 6, 4)),
            Self::ProcessingId => required(pair, 11, "MSH-11", "processing ID"),
            Self::Rejection => rejection(pair),
            Self::Time => time(pair),
            Self::Version => required(pair, 12, "MSH-12", "version ID"),
        }
    }
}

impl Pair<'_> {
    fn sent(&self, number: usize) -> &[u8] {
        self.sent
            .header()
            .segment()
            .field(number)
            .unwrap_or_default()
    }

    fn reply(&self, number: usize) -> &[u8] {
        self.reply
            .header()
            .segment()
            .field(number)
            .unwrap_or_default()
    }
}

fn asks_nothing(pair: &Pair<'_>) -> Finding {
    let fine = |number| matches!(pair.reply(number).trim_ascii(), b"" | b"\"\"" | b"NE");
    if fine(15) && fine(16) {
        return Finding::PASS;
    }
    Finding::fail(
        "the acknowledgment asks for an acknowledgment of itself (MSH-15 or MSH-16 is not empty and not NE)",
    )
}

/// A field that repeats the message's and may be left out.
fn same(pair: &Pair<'_>, number: usize, place: &str, what: &str) -> Finding {
    let (sent, reply) = (pair.sent(number), pair.reply(number));
    if sent == reply {
        Finding::PASS
    } else if reply.is_empty() {
        Finding::tolerated(format!(
            "{place} of the acknowledgment is empty: its {what} must be guessed"
        ))
    } else {
        Finding::tolerated(format!(
            "{place} of the acknowledgment is another {what} than the message's"
        ))
    }
}

/// The same, where the field must not be empty.
fn required(pair: &Pair<'_>, number: usize, place: &str, what: &str) -> Finding {
    if pair.reply(number).is_empty() {
        return Finding::fail(format!(
            "{place} of the acknowledgment is empty: the {what} is required"
        ));
    }
    same(pair, number, place, what)
}

fn delimiters(pair: &Pair<'_>) -> Finding {
    if pair.sent.delimiters() == pair.reply.delimiters() {
        return Finding::PASS;
    }
    Finding::tolerated(
        "the acknowledgment is written with other delimiters than the message; it declares them, so it can be read",
    )
}

fn errors(pair: &Pair<'_>, conditions: &[&str]) -> Finding {
    // ERR-3.1 since version 2.5, the fourth component's first subcomponent of ERR-1 before.
    let new = Path::field(*b"ERR", 3).component(1);
    let mut old = Path::field(*b"ERR", 1).component(4);
    old.subcomponent = Some(1);
    let named = pair.reply.named(SegmentName::ERR);
    let codes: Vec<&[u8]> = named
        .flat_map(|(_, err)| [err.read(&new), err.read(&old)])
        .flatten()
        .filter(|code| !code.is_empty())
        .collect();
    let listed = conditions.join(" or ");
    if codes.is_empty() {
        Finding::tolerated(format!(
            "no ERR says why; condition {listed} of table 0357 would"
        ))
    } else if codes
        .iter()
        .any(|code| conditions.iter().any(|c| c.as_bytes() == *code))
    {
        Finding::PASS
    } else {
        Finding::tolerated(format!(
            "ERR names another condition than {listed} of table 0357"
        ))
    }
}

fn kind(pair: &Pair<'_>) -> Finding {
    let header = pair.reply.header();
    if header.message_code() != b"ACK" {
        return Finding::fail("MSH-9.1 of the acknowledgment is not ACK");
    }
    let sent = pair.sent.header();
    // Version 2.4 made it ACK^event^ACK; both shapes are in use on both sides of it.
    let event = header.trigger_event();
    if !event.is_empty() && event != sent.trigger_event() {
        return Finding::tolerated(
            "MSH-9.2 of the acknowledgment is another trigger event than the message's",
        );
    }
    let structure = header.message_structure();
    if !structure.is_empty() && structure != b"ACK" {
        return Finding::tolerated("MSH-9.3 of the acknowledgment is not ACK");
    }
    Finding::PASS
}

fn own_control_id(pair: &Pair<'_>) -> Finding {
    let own = pair.reply(10);
    if own.is_empty() {
        Finding::fail("MSH-10 of the acknowledgment is empty: every message needs a control ID")
    } else if own == pair.sent(10) {
        Finding::tolerated(
            "MSH-10 of the acknowledgment repeats the message's instead of being its own",
        )
    } else if pair.seen.contains(own) {
        Finding::fail("two acknowledgments have the same MSH-10")
    } else {
        Finding::PASS
    }
}

/// A field of the acknowledgment that names who sent the message.
fn party(pair: &Pair<'_>, reply: usize, sent: usize) -> Finding {
    let (back, out) = (pair.reply(reply), pair.sent(sent));
    if back == out {
        return Finding::PASS;
    }
    let first = |value: &[u8], message: &Message| -> Vec<u8> {
        let separator = message.delimiters().component;
        value
            .split(|&byte| Some(byte) == separator)
            .next()
            .unwrap_or_default()
            .to_vec()
    };
    let place = format!("MSH-{reply} of the acknowledgment");
    if back.is_empty() {
        Finding::tolerated(format!(
            "{place} is empty; it should be the message's MSH-{sent}"
        ))
    } else if first(back, pair.reply) == first(out, pair.sent) {
        Finding::tolerated(format!(
            "{place} keeps only the first component of the message's MSH-{sent}"
        ))
    } else {
        Finding::fail(format!(
            "{place} names somebody else than the message's MSH-{sent}"
        ))
    }
}

fn rejection(pair: &Pair<'_>) -> Finding {
    let code = pair.reply.named(SegmentName::MSA).next();
    let code = code.and_then(|(_, msa)| msa.field(1)).unwrap_or_default();
    if matches!(code.trim_ascii(), b"AR" | b"CR") {
        return Finding::PASS;
    }
    Finding::tolerated(
        "it is refused as an error (AE, CE); what is wrong is in MSH, so it should be a rejection (AR, CR)",
    )
}

fn time(pair: &Pair<'_>) -> Finding {
    let value = pair.reply(7);
    if value.is_empty() {
        Finding::tolerated("MSH-7 of the acknowledgment is empty: it is required since version 2.5")
    } else if timestamp::parse(value).is_err() {
        Finding::fail("MSH-7 of the acknowledgment is no date and time")
    } else {
        Finding::PASS
    }
}
