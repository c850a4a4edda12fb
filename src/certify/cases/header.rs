//! What else the acknowledgment's header says.

use crate::certify::answer::Answer;
use crate::certify::case::{Case, Group};
use crate::certify::check::Check;
use crate::certify::specimen::{Kit, Specimen};
use crate::certify::step::Step;
use crate::hl7::{Delimiters, Segments};

const GROUP: Group = Group::Header;

pub(super) const CASES: &[Case] = &[
    GROUP.case(
        "own-delimiters",
        "a message with other delimiters is read by them, and answered in them",
        "HL7 v2.9.1 §2.4.4, §2.13.9.1, §2.13.9.2: MSH-1 and MSH-2 declare the delimiters",
        "accepted with the right MSA-2, written with the message's delimiters; others that the answer declares, and a \
         refusal, are put up with",
        |kit| {
            let new = Delimiters {
                field: b'#',
                component: Some(b'@'),
                repetition: Some(b'*'),
                escape: Some(b'!'),
                subcomponent: Some(b'%'),
                truncation: None,
            };
            let message = kit.message().in_delimiters(&new);
            let why = "the receiver refuses other delimiters than |^~\\&";
            checked(
                &message,
                |to| Answer::rather_accepted(to, why),
                &[Check::Delimiters],
            )
        },
    ),
    GROUP.case(
        "five-delimiters",
        "the truncation character of version 2.7 is read as one more delimiter",
        "HL7 v2.9.1 §2.13.9.2: MSH-2 has a fifth character from version 2.7 on",
        "accepted with the right MSA-2; a refusal is put up with",
        |kit| {
            let message = kit.with(&[(12, b"2.7")]);
            let at = kit.base().delimiters().encoding_characters().len().min(4) + 4;
            let message = message.changed(|body| {
                let (head, tail) = body.split_at(at.min(body.len()));
                if tail.first() == head.get(3) {
                    [head, b"#", tail].concat()
                } else {
                    body.to_vec()
                }
            });
            let why = "the receiver refuses a truncation character or version 2.7";
            checked(&message, |to| Answer::rather_accepted(to, why), &[])
        },
    ),
    GROUP.case(
        "parties",
        "the acknowledgment goes to who sent the message, with all components of the name",
        "HL7 v2.9.1 §2.13.9.3 to .6: sending and receiving application and facility",
        "MSH-5 and MSH-6 are the message's MSH-3 and MSH-4; empty or only the first component is put up with",
        |kit| {
            let names = [
                (3, &b"HIS^1.2.3^ISO"[..]),
                (4, b"LAKE^4.5.6^ISO"),
                (5, b"ENGINE^7.8^ISO"),
                (6, b"MAIN"),
            ];
            let names = names.map(|(number, value)| (number, kit.in_its_delimiters(value)));
            let fields: Vec<(u16, &[u8])> =
                names.iter().map(|(n, value)| (*n, &value[..])).collect();
            let message = kit.with(&fields);
            let why = "the receiver takes messages of senders it knows only";
            checked(
                &message,
                |to| Answer::rather_accepted(to, why),
                &[Check::Parties],
            )
        },
    ),
    GROUP.case(
        "ack-version",
        "the acknowledgment has the version of the message",
        "HL7 v2.9.1 §2.13.9.12: MSH-12 is required",
        "MSH-12 is the message's; another version is put up with, none is not",
        |kit| plain(kit, Check::Version),
    ),
    GROUP.case(
        "ack-processing-id",
        "the acknowledgment has the processing ID of the message",
        "HL7 v2.9.1 §2.13.9.11: MSH-11 is required",
        "MSH-11 is the message's; another one is put up with, none is not",
        |kit| plain(kit, Check::ProcessingId),
    ),
    GROUP.case(
        "ack-type",
        "the acknowledgment says that it is one",
        "HL7 v2.9.1 §2.13.9.9: ACK, or ACK^event^ACK",
        "MSH-9.1 is ACK; another event or structure than the message's is put up with",
        |kit| plain(kit, Check::Kind),
    ),
    GROUP.case(
        "ack-type-old",
        "the acknowledgment of a message of version 2.3 says that it is one",
        "HL7 v2.3 §2.24.1.9: ACK",
        "MSH-9.1 is ACK; a refusal of version 2.3 is put up with",
        |kit| {
            let event = kit.in_its_delimiters(b"ADT^A01");
            let message = kit.with(&[(9, &event), (12, b"2.3")]);
            let why = "the receiver refuses version 2.3 or ADT^A01";
            checked(
                &message,
                |to| Answer::rather_accepted(to, why),
                &[Check::Kind, Check::Version],
            )
        },
    ),
    GROUP.case(
        "ack-own-id",
        "each acknowledgment has a control ID of its own",
        "HL7 v2.9.1 §2.13.9.10: MSH-10 identifies the message uniquely",
        "MSH-10 is there and differs from one acknowledgment to the next; repeating the message's is put up with",
        |kit| {
            let mut steps = Vec::new();
            for _ in 0..3 {
                steps.extend(plain(kit, Check::OwnControlId));
            }
            steps
        },
    ),
    GROUP.case(
        "ack-time",
        "the acknowledgment says when it was made",
        "HL7 v2.9.1 §2.13.9.7: MSH-7, date and time of message",
        "MSH-7 is a date and time; empty is put up with",
        |kit| plain(kit, Check::Time),
    ),
    GROUP.case(
        "ack-asks-nothing",
        "the acknowledgment does not ask to be acknowledged",
        "HL7 v2.9.1 §2.8: an acknowledgment is not acknowledged",
        "MSH-15 and MSH-16 are empty or NE, also where the message says NE and AL",
        |kit| {
            let mut steps = plain(kit, Check::AsksNothing);
            let message = kit.with(&[(15, b"NE"), (16, b"AL")]);
            steps.extend(checked(&message, Answer::accepted, &[Check::AsksNothing]));
            steps
        },
    ),
    GROUP.case(
        "ack-charset",
        "the acknowledgment names the character set of the message",
        "HL7 v2.9.1 §2.13.9.18: MSH-18",
        "MSH-18 is the message's; none or another one is put up with",
        |kit| {
            let message = kit.with(&[(18, b"UNICODE UTF-8")]);
            let why = "the receiver refuses UNICODE UTF-8";
            checked(
                &message,
                |to| Answer::rather_accepted(to, why),
                &[Check::Charset],
            )
        },
    ),
];

fn checked(
    message: &Specimen,
    expected: impl FnOnce(&Specimen) -> Answer,
    checks: &[Check],
) -> Vec<Step> {
    let answer = expected(message).checks(checks.iter().copied());
    vec![Step::send(message), Step::Answer(answer)]
}

fn plain(kit: &mut Kit, check: Check) -> Vec<Step> {
    checked(&kit.message(), Answer::accepted, &[check])
}
