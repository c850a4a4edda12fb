//! Whose acknowledgment it is: MSA-2 repeats MSH-10, whatever that holds.

use crate::certify::answer::{Answer, Echo, Rank};
use crate::certify::case::{Case, Group};
use crate::certify::specimen::Kit;
use crate::certify::step::Step;

const ECHO: &str = "HL7 v2.9.1 §2.13.8, MSA-2: the message control ID of the message sent";

const GROUP: Group = Group::ControlId;

pub(super) const CASES: &[Case] = &[
    GROUP.case(
        "id-twenty",
        "a control ID may have the twenty characters that versions 2.1 to 2.6 allow",
        ECHO,
        "MSA-2 is MSH-10 byte for byte, not shortened",
        |kit| echoed(kit, |id| id, |answer| answer),
    ),
    GROUP.case(
        "id-long",
        "a control ID may have the length that version 2.7 allows",
        "HL7 v2.9.1 §2.13.9.10: up to 199 characters from version 2.7 on",
        "MSA-2 is all of its 60 characters; a refusal is put up with",
        |kit| {
            let why = "the receiver refuses a control ID of 60 characters";
            echoed(
                kit,
                |id| [&id[..], &id, &id].concat(),
                |answer| answer.negative(Rank::Tolerated(why)),
            )
        },
    ),
    GROUP.case(
        "id-blanks",
        "blanks inside a control ID are part of it",
        ECHO,
        "MSA-2 is MSH-10 byte for byte",
        |kit| {
            echoed(
                kit,
                |id| [b"A B  ", last(&id, 15)].concat(),
                |answer| answer,
            )
        },
    ),
    GROUP.case(
        "id-blank-at-end",
        "a blank at the end of a control ID comes back",
        ECHO,
        "MSA-2 is MSH-10 byte for byte; that trailing blanks are dropped is put up with",
        |kit| {
            echoed(
                kit,
                |id| [last(&id, 18), b" "].concat(),
                |answer| answer.echo(Echo::WithoutTail),
            )
        },
    ),
    GROUP.case(
        "id-escape",
        "an escape sequence in a control ID comes back as it was sent",
        ECHO,
        "MSA-2 is `…\\F\\…` as in MSH-10, neither unescaped nor escaped once more",
        |kit| {
            let escape = kit.in_its_delimiters(b"\\F\\");
            echoed(kit, |id| [last(&id, 16), &escape].concat(), |answer| answer)
        },
    ),
    GROUP.case(
        "id-component-at-end",
        "an empty component at the end of a control ID comes back",
        ECHO,
        "MSA-2 is MSH-10 byte for byte; that the component separator is dropped is put up with, and so is a refusal",
        |kit| {
            let separator = kit.in_its_delimiters(b"^");
            let why = "MSH-10 has no components: the receiver refuses one that has";
            echoed(
                kit,
                |id| [last(&id, 18), &separator].concat(),
                |answer| {
                    answer
                        .echo(Echo::WithoutTail)
                        .negative(Rank::Tolerated(why))
                },
            )
        },
    ),
    GROUP.case(
        "id-other-letters",
        "a letter beyond ASCII in a control ID comes back in the message's character set",
        "HL7 v2.9.1 §2.13.9.18, MSH-18 8859/1",
        "MSA-2 is MSH-10 byte for byte; a refusal is put up with",
        |kit| {
            let id = kit.with(&[]).id;
            let id = [last(&id, 16), b"\xC4\xF6"].concat();
            let message = kit.with(&[(10, &id), (18, b"8859/1")]);
            let why = "the receiver refuses a control ID with a letter beyond ASCII";
            vec![
                Step::send(&message),
                Step::Answer(Answer::rather_accepted(&message, why)),
            ]
        },
    ),
    GROUP.case(
        "id-empty",
        "a message without a control ID is not accepted",
        "HL7 v2.9.1 §2.13.9.10: MSH-10 is required",
        "a refusal; an acknowledgment that names no message is put up with, silence is not",
        |kit| {
            let message = kit.with(&[(10, b"")]);
            let marker = kit.message();
            let taken = Rank::Tolerated(
                "a message without a control ID is accepted: its sender cannot tell by MSA-2",
            );
            let answer = Answer::refused(&message, taken)
                .closed(Rank::Tolerated("the receiver closes the connection"));
            vec![Step::send(&message), Step::Odd { answer, marker }]
        },
    ),
    GROUP.case(
        "sent-twice",
        "a message that is sent again is acknowledged again",
        "HL7 v2.9.1 §2.8: a sender that got no acknowledgment sends the same message again",
        "two positive acknowledgments with the same MSA-2; refusing the second as a duplicate is put up with",
        |kit| {
            let message = kit.message();
            let why = "the receiver refuses a message that is sent again: its sender will not know that it arrived";
            vec![
                Step::send(&message),
                Step::Answer(Answer::accepted(&message)),
                Step::send(&message),
                Step::Answer(Answer::rather_accepted(&message, why)),
            ]
        },
    ),
    GROUP.case(
        "id-reused",
        "another message under the same control ID is answered",
        "HL7 v2.9.1 §2.13.9.10: MSH-10 identifies the message uniquely",
        "an answer to each, positive or negative",
        |kit| {
            let first = kit.message();
            let second = first.changed(|body| {
                [
                    body,
                    &kit.in_its_delimiters(b"NTE|1||ANOTHER MESSAGE")[..],
                    b"\r",
                ]
                .concat()
            });
            vec![
                Step::send(&first),
                Step::Answer(Answer::accepted(&first)),
                Step::send(&second),
                Step::Answer(Answer::accepted(&second).negative(Rank::Pass)),
            ]
        },
    ),
];

/// A message whose control ID is made of a fresh one of twenty characters.
fn echoed(
    kit: &mut Kit,
    id: impl FnOnce(Vec<u8>) -> Vec<u8>,
    expected: impl FnOnce(Answer) -> Answer,
) -> Vec<Step> {
    let fresh = kit.message().id.to_vec();
    let message = kit.with(&[(10, &id(fresh))]);
    let answer = expected(Answer::accepted(&message));
    vec![Step::send(&message), Step::Answer(answer)]
}

/// The last `count` bytes of a fresh control ID: what changes from message to message, and some of what changes from run
/// to run.
fn last(id: &[u8], count: usize) -> &[u8] {
    id.split_at(id.len().saturating_sub(count)).1
}
