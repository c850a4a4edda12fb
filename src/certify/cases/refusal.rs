//! What must be refused, what must not be answered, and how a refusal says why.

use crate::certify::answer::{Answer, Rank};
use crate::certify::case::{Case, Group};
use crate::certify::check::Check;
use crate::certify::specimen::{Kit, Specimen};
use crate::certify::step::Step;

const CLOSES: Rank = Rank::Tolerated("the receiver closes the connection instead of answering");

const GROUP: Group = Group::Refusal;

pub(super) const CASES: &[Case] = &[
    GROUP.case(
        "unknown-type",
        "a message type that no standard has is rejected",
        "HL7 v2.9.1 §2.8.2.1 c): AR where MSH-9 is not what the receiver supports",
        "AR (or CR); an error, and a receiver that takes any type, are put up with; no answer is not",
        |kit| bad_header(kit, 9, b"XYZ^Z99", &[Check::Rejection], takes_any()),
    ),
    GROUP.case(
        "unknown-version",
        "a version that does not exist is rejected",
        "HL7 v2.9.1 §2.8.2.1 c): AR where MSH-12 is not what the receiver supports",
        "AR (or CR); an error, and a receiver that takes any version, are put up with; no answer is not",
        |kit| bad_header(kit, 12, b"9.9", &[Check::Rejection], takes_any()),
    ),
    GROUP.case(
        "error-of-type",
        "the refusal of an unknown type says so in ERR",
        "HL7 v2.9.1 §2.13.5, ERR-3, table 0357: 200 unsupported message type, 201 unsupported event",
        "ERR-3.1 is 200 or 201; no ERR, or another condition, is put up with",
        |kit| {
            bad_header(
                kit,
                9,
                b"XYZ^Z99",
                &[Check::Errors(&["200", "201"])],
                untold(),
            )
        },
    ),
    GROUP.case(
        "error-of-version",
        "the refusal of an unknown version says so in ERR",
        "HL7 v2.9.1 §2.13.5, ERR-3, table 0357: 203 unsupported version",
        "ERR-3.1 (or ERR-1) names 203; no ERR, or another condition, is put up with",
        |kit| bad_header(kit, 12, b"9.9", &[Check::Errors(&["203"])], untold()),
    ),
    GROUP.case(
        "error-of-id",
        "the refusal of a message without a control ID says so in ERR",
        "HL7 v2.9.1 §2.13.5, ERR-3, table 0357: 101 required field missing",
        "ERR-3.1 is 101; no ERR, or another condition, is put up with",
        |kit| bad_header(kit, 10, b"", &[Check::Errors(&["101"])], untold()),
    ),
    GROUP.case(
        "type-empty",
        "a message without a type is answered",
        "HL7 v2.9.1 §2.13.9.9: MSH-9 is required",
        "a refusal; accepting it is put up with",
        |kit| bad_header(kit, 9, b"", &[], takes_any()),
    ),
    GROUP.case(
        "no-header",
        "a frame that does not begin with MSH is not accepted",
        "HL7 v2.9.1 §2.13.9: the first segment of a message is MSH",
        "nothing positive: a refusal, silence or a closed connection; the next message is taken",
        |kit| {
            let text = kit.in_its_delimiters(b"PID|1||CERTIFY-0000\r");
            never(kit, text, Rank::Fail("a frame without MSH was accepted"))
        },
    ),
    GROUP.case(
        "header-cut",
        "a frame that ends inside MSH is not accepted",
        "HL7 v2.9.1 §2.13.9: MSH-9 to MSH-12 are required",
        "nothing positive: a refusal, silence or a closed connection; accepting it is put up with; the next message is taken",
        |kit| {
            let text = kit.in_its_delimiters(b"MSH|^~\\&|CERTIFY|WARD\r");
            let taken = "a message of half an MSH is accepted: its sender cannot tell by MSA-2";
            never(kit, text, Rank::Tolerated(taken))
        },
    ),
    GROUP.case(
        "header-of-four-bytes",
        "a frame that ends behind MSH-1 does no harm",
        "HL7 v2.9.1 §2.13.9: MSH-2 is required",
        "nothing positive: a refusal, silence or a closed connection; the next message is taken",
        |kit| {
            let text = kit.in_its_delimiters(b"MSH|");
            never(
                kit,
                text,
                Rank::Fail("a message of four bytes was accepted"),
            )
        },
    ),
    GROUP.case(
        "bytes-of-every-kind",
        "a frame of arbitrary bytes does no harm",
        "MLLP Release 1: what is in a block is for the receiving application to judge",
        "nothing positive: a refusal, silence or a closed connection; the next message is taken",
        |kit| {
            let all: Vec<u8> = (0..=u8::MAX)
                .filter(|byte| !matches!(byte, 0x0B | 0x1C))
                .collect();
            never(
                kit,
                all,
                Rank::Fail("256 arbitrary bytes were accepted as a message"),
            )
        },
    ),
    GROUP.case(
        "ack-of-ack",
        "an acknowledgment is not acknowledged",
        "HL7 v2.9.1 §2.8: or two systems would acknowledge one another for ever",
        "no answer to an ACK that nobody waits for; closing the connection is put up with",
        |kit| {
            let [ack, marker] = [acknowledgment(kit), kit.message()];
            let answered = "an acknowledgment was acknowledged";
            vec![
                Step::send(&ack),
                Step::Odd {
                    answer: Answer::nothing(&ack, answered),
                    marker,
                },
            ]
        },
    ),
    GROUP.case(
        "ack-of-asking-ack",
        "an acknowledgment is not acknowledged, though it asks for it",
        "HL7 v2.9.1 §2.8: an acknowledgment is not acknowledged",
        "no application acknowledgment of an ACK with MSH-15 NE and MSH-16 AL",
        |kit| {
            let ack = acknowledgment_with(kit, b"|||NE|AL");
            let marker = kit.message();
            let answered = "an acknowledgment was acknowledged";
            vec![
                Step::send(&ack),
                Step::Odd {
                    answer: Answer::nothing(&ack, answered),
                    marker,
                },
            ]
        },
    ),
];

const fn takes_any() -> Rank {
    Rank::Tolerated("the receiver accepts it: it does not look at that field")
}

const fn untold() -> Rank {
    Rank::Inconclusive("the receiver accepts it, so there is no refusal to look at")
}

/// A message with a field of MSH that no receiver supports.
fn bad_header(
    kit: &mut Kit,
    number: u16,
    value: &[u8],
    checks: &[Check],
    accepted: Rank,
) -> Vec<Step> {
    let value = kit.in_its_delimiters(value);
    let message = kit.with(&[(number, &value)]);
    let marker = kit.message();
    let answer = Answer::refused(&message, accepted)
        .closed(CLOSES)
        .checks(checks.iter().copied());
    vec![Step::send(&message), Step::Odd { answer, marker }]
}

/// A frame that cannot be accepted.
fn never(kit: &mut Kit, body: Vec<u8>, taken: Rank) -> Vec<Step> {
    let message = Specimen::by_hand(b"", body);
    let marker = kit.message();
    let answer = Answer::never_positive(&message, taken);
    vec![Step::send(&message), Step::Odd { answer, marker }]
}

/// An acknowledgment of a message that nobody sent.
fn acknowledgment(kit: &mut Kit) -> Specimen {
    acknowledgment_with(kit, b"")
}

/// The same, with more fields at the end of its MSH.
fn acknowledgment_with(kit: &mut Kit, more: &[u8]) -> Specimen {
    let (own, other) = (kit.message().id, kit.message().id);
    let head = b"MSH|^~\\&|CERTIFY|WARDWIRE|RECEIVER|TEST|20260102030405||ACK^A01^ACK|";
    let head = kit.in_its_delimiters(head);
    let between = [&b"|T|2.5.1"[..], more, b"\rMSA|AA|"].concat();
    let between = kit.in_its_delimiters(&between);
    let body = [&head[..], &own, &between, &other, b"\r"].concat();
    Specimen::by_hand(&own, body)
}
