//! The block format of MLLP: where a message begins and ends, however its bytes are cut and whatever lies between.

use std::time::Duration;

use crate::certify::answer::{Answer, Rank};
use crate::certify::case::{Case, Group};
use crate::certify::specimen::{Kit, Specimen};
use crate::certify::step::Step;
use crate::mllp::{FS, VT};

const BLOCK: &str = "MLLP Release 1, block format: 0B, data, 1C 0D";
const PAUSE: Duration = Duration::from_millis(30);

const fn case(
    id: &'static str,
    title: &'static str,
    expects: &'static str,
    steps: fn(&mut Kit) -> Vec<Step>,
) -> Case {
    Group::Framing.case(id, title, BLOCK, expects, steps)
}

pub(super) const CASES: &[Case] = &[
    case(
        "plain",
        "an ordinary message gets one positive acknowledgment, in a frame",
        "one frame with MSA-1 AA (or CA) and MSA-2 equal to MSH-10",
        |kit| {
            let message = kit.message();
            vec![
                Step::send(&message),
                Step::Answer(Answer::accepted(&message)),
            ]
        },
    ),
    case(
        "byte-by-byte",
        "a message sent one byte a write is one message",
        "the acknowledgment of the same message in one write",
        |kit| {
            let message = kit.message();
            let bytes = message.frame().into_iter().map(|byte| vec![byte]).collect();
            vec![
                Step::Dribble(bytes, Duration::from_millis(1)),
                Step::Answer(Answer::accepted(&message)),
            ]
        },
    ),
    case(
        "cut-anywhere",
        "it does not matter where a frame is cut in two",
        "one acknowledgment for each: cut behind 0B, in MSH-1, in MSH, before the last segment end, before 1C, before 0D",
        |kit| {
            let mut steps = Vec::new();
            let length = kit.message().frame().len();
            for at in [1, 5, 40, length / 2, length - 3, length - 2, length - 1] {
                let message = kit.message();
                let (head, tail) = message.cut(at);
                steps.push(Step::Dribble(vec![head, tail], PAUSE));
                steps.push(Step::Answer(Answer::accepted(&message)));
            }
            steps
        },
    ),
    case(
        "three-in-one-write",
        "three frames in one write are three messages",
        "three acknowledgments in the order of the messages",
        |kit| several(kit, 3),
    ),
    case(
        "ten-in-one-write",
        "ten frames in one write are ten messages",
        "ten acknowledgments in the order of the messages",
        |kit| several(kit, 10),
    ),
    case(
        "two-and-a-half",
        "two frames and a half in one write, the rest later, are three messages",
        "two acknowledgments, and the third when its message is whole",
        |kit| {
            let [first, second, third] = [kit.message(), kit.message(), kit.message()];
            let (head, tail) = third.halves();
            vec![
                Step::Write([first.frame(), second.frame(), head].concat()),
                Step::Answer(Answer::accepted(&first)),
                Step::Answer(Answer::accepted(&second)),
                Step::Pause(PAUSE),
                Step::Write(tail),
                Step::Answer(Answer::accepted(&third)),
            ]
        },
    ),
    case(
        "line-feed-between",
        "a line feed between two frames costs neither of them",
        "two acknowledgments; that the connection is closed, so that the sender notices, is put up with",
        |kit| {
            let [first, second] = [kit.message(), kit.message()];
            let (head, tail) = second.halves();
            let closed =
                Rank::Tolerated("bytes between frames make the receiver close the connection");
            vec![
                Step::Write([first.frame(), b"\n".to_vec(), head].concat()),
                Step::Answer(Answer::accepted(&first)),
                Step::Write(tail),
                Step::Answer(Answer::accepted(&second).closed(closed)),
            ]
        },
    ),
    case(
        "blanks-between",
        "line ends and blanks between two frames cost neither of them",
        "two acknowledgments; that the connection is closed is put up with",
        |kit| {
            let [first, second] = [kit.message(), kit.message()];
            let closed =
                Rank::Tolerated("bytes between frames make the receiver close the connection");
            vec![
                Step::Write([first.frame(), b"\r\n \r\n".to_vec(), second.frame()].concat()),
                Step::Answer(Answer::accepted(&first)),
                Step::Answer(Answer::accepted(&second).closed(closed)),
            ]
        },
    ),
    case(
        "junk-before",
        "bytes before the first start block do not cost the message behind them",
        "an acknowledgment; that the connection is closed, or the message refused, is put up with",
        |kit| {
            let message = kit.message();
            let closed =
                Rank::Tolerated("bytes before a frame make the receiver close the connection");
            let why = "bytes before a frame make the receiver refuse it";
            vec![
                Step::Write([b"HELLO\r\n".to_vec(), message.frame()].concat()),
                Step::Answer(Answer::rather_accepted(&message, why).closed(closed)),
            ]
        },
    ),
    case(
        "end-block-then-pause",
        "an end block whose carriage return comes a second later ends one message",
        "exactly one acknowledgment, at the latest when the carriage return has come, and the next message is taken",
        |kit| {
            let [message, marker] = [kit.message(), kit.message()];
            let (head, tail) = message.cut(message.frame().len() - 1);
            vec![
                Step::Dribble(vec![head, tail], Duration::from_secs(1)),
                Step::Odd {
                    answer: Answer::accepted(&message),
                    marker,
                },
            ]
        },
    ),
    case(
        "end-block-without-return",
        "an end block without its carriage return, before the next start block, costs no message silently",
        "two acknowledgments; put up with: the first is refused, the second unanswered, or the connection closed",
        |kit| {
            let [message, marker] = [kit.message(), kit.message()];
            let open = [&[VT], &message.body[..], &[FS]].concat();
            let strict = "1C without 0D is no end block for the receiver";
            let swallowed = Rank::Tolerated(
                "1C without 0D is no end block for the receiver: the next message is unanswered",
            );
            let answer = Answer::rather_accepted(&message, strict)
                .silent(Rank::Tolerated(strict))
                .closed(Rank::Tolerated(strict))
                .next_lost(swallowed);
            vec![Step::Write(open), Step::Odd { answer, marker }]
        },
    ),
    case(
        "start-block-missing",
        "a message without its start block is not taken, and the next one is",
        "no positive acknowledgment (a refusal, silence, a closed connection are all right); accepting it is put up with",
        |kit| {
            let [first, message, marker] = [kit.message(), kit.message(), kit.message()];
            let frame = message.frame().split_off(1);
            let taken = Rank::Tolerated("the receiver takes a message without its start block");
            vec![
                Step::send(&first),
                Step::Answer(Answer::accepted(&first)),
                Step::Write(frame),
                Step::Odd {
                    answer: Answer::never_positive(&message, taken),
                    marker,
                },
            ]
        },
    ),
    case(
        "start-block-inside",
        "a message whose end was lost is not accepted, and the one that follows it is",
        "nothing positive for the first; put up with: the second is unanswered, so that its sender sends it again",
        |kit| {
            let [message, marker] = [kit.message(), kit.message()];
            let (head, _) = message.halves();
            let taken = Rank::Fail("half a message, without an end block, was accepted");
            let swallowed = Rank::Tolerated(
                "the message behind one whose end was lost is unanswered: it will be sent again",
            );
            let answer = Answer::never_positive(&message, taken).next_lost(swallowed);
            vec![Step::Write(head), Step::Odd { answer, marker }]
        },
    ),
    case(
        "stray-start-block",
        "a start block inside a value is not accepted as data",
        "no positive acknowledgment; accepting it is put up with: 0B is not among the bytes that MLLP carries",
        |kit| {
            let [message, marker] = [with_byte(kit, VT), kit.message()];
            let taken = Rank::Tolerated("the receiver takes 0B for data");
            let answer = Answer::never_positive(&message, taken);
            vec![Step::send(&message), Step::Odd { answer, marker }]
        },
    ),
    case(
        "stray-end-block",
        "an end block without carriage return inside a value does not end the message twice",
        "at most one answer; a refusal is put up with, and so is a closed connection",
        |kit| {
            let [message, marker] = [with_byte(kit, FS), kit.message()];
            let why = "1C inside a value makes the receiver refuse the message";
            let answer = Answer::rather_accepted(&message, why)
                .silent(Rank::Tolerated(why))
                .closed(Rank::Tolerated(why));
            vec![Step::send(&message), Step::Odd { answer, marker }]
        },
    ),
    case(
        "empty-frame",
        "a frame with nothing in it does no harm",
        "no positive acknowledgment, and the next message is taken",
        |kit| {
            let [nothing, marker] = [Specimen::by_hand(b"", Vec::new()), kit.message()];
            let taken = Rank::Fail("an empty frame was accepted");
            let answer = Answer::never_positive(&nothing, taken);
            vec![Step::send(&nothing), Step::Odd { answer, marker }]
        },
    ),
    case(
        "doubled-start-block",
        "a start block sent twice does not cost the message",
        "one acknowledgment; a refusal or a closed connection is put up with",
        |kit| {
            let message = kit.message();
            let why = "a doubled start block makes the receiver refuse the message";
            let answer = Answer::rather_accepted(&message, why).closed(Rank::Tolerated(why));
            vec![
                Step::Write([vec![VT], message.frame()].concat()),
                Step::Answer(answer),
            ]
        },
    ),
];

fn several(kit: &mut Kit, count: usize) -> Vec<Step> {
    let messages: Vec<Specimen> = (0..count).map(|_| kit.message()).collect();
    let all: Vec<u8> = messages.iter().flat_map(Specimen::frame).collect();
    let answers = messages.iter().map(Answer::accepted).map(Step::Answer);
    std::iter::once(Step::Write(all)).chain(answers).collect()
}

/// A message with `byte` in the middle of a value.
fn with_byte(kit: &mut Kit, byte: u8) -> Specimen {
    kit.with_segments(&[&[b"NTE|1||BEFORE", &[byte][..], b"BEHIND"].concat()])
}
