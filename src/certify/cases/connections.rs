//! Connections: kept open, several at once, broken off, silent, or not HL7 at all.

use std::time::Duration;

use crate::certify::answer::{Answer, Rank};
use crate::certify::case::{Case, Group};
use crate::certify::specimen::Specimen;
use crate::certify::step::Step;

const ONE_AT_A_TIME: &str = "the receiver takes one connection at a time";

const GROUP: Group = Group::Connections;

pub(super) const CASES: &[Case] = &[
    GROUP.case(
        "connection-kept",
        "several messages go over one connection",
        "MLLP Release 1: a connection may be kept open",
        "three acknowledgments with pauses between; closing after each is put up with",
        |kit| {
            let mut steps = Vec::new();
            for pause in [0, 50, 1200] {
                let message = kit.message();
                let closed =
                    Rank::Tolerated("the receiver closes the connection after each message");
                steps.push(Step::Pause(Duration::from_millis(pause)));
                steps.push(Step::send(&message));
                steps.push(Step::Answer(Answer::accepted(&message).closed(closed)));
            }
            steps
        },
    ),
    GROUP.case(
        "connections-at-once",
        "messages on five connections at once each get their own acknowledgment",
        "MLLP Release 1: the acknowledgment travels on the connection of its message",
        "an acknowledgment on each connection with its own MSA-2; one connection at a time is put up with",
        |kit| {
            let messages: Vec<Specimen> = (0..5).map(|_| kit.message()).collect();
            let mut steps = Vec::new();
            for message in &messages {
                steps.push(Step::send(message));
                steps.push(Step::Open(Rank::Tolerated(ONE_AT_A_TIME)));
            }
            // The one opened last is not written to.
            for (index, message) in messages.iter().enumerate().rev() {
                let mut answer = Answer::accepted(message);
                if index > 0 {
                    answer = answer
                        .closed(Rank::Tolerated(ONE_AT_A_TIME))
                        .silent(Rank::Tolerated(ONE_AT_A_TIME));
                }
                steps.extend([Step::Use(index), Step::Answer(answer)]);
            }
            steps
        },
    ),
    GROUP.case(
        "neighbour-stalls",
        "a sender that stops in the middle of a message holds up nobody else",
        "TCP: connections are independent of one another",
        "an acknowledgment on the second connection while the first is stuck, then one on the first",
        |kit| {
            let [stuck, other] = [kit.message(), kit.message()];
            let (head, tail) = stuck.halves();
            let closed =
                Rank::Tolerated("the receiver gives up a sender that pauses inside a message");
            let alone = Rank::Tolerated(ONE_AT_A_TIME);
            vec![
                Step::Write(head),
                Step::Open(alone),
                Step::send(&other),
                Step::Answer(Answer::accepted(&other).closed(alone)),
                Step::Use(0),
                Step::Write(tail),
                Step::Answer(Answer::accepted(&stuck).closed(closed)),
            ]
        },
    ),
    GROUP.case(
        "pauses-inside",
        "a sender that pauses inside a message is waited for",
        "MLLP Release 1 sets no time for a block; TCP delays are not the sender's doing",
        "an acknowledgment after six pieces in two seconds; giving up is put up with",
        |kit| {
            let message = kit.message();
            let frame = message.frame();
            let pieces = frame
                .chunks(frame.len() / 6 + 1)
                .map(<[u8]>::to_vec)
                .collect();
            let closed =
                Rank::Tolerated("the receiver gives up a sender that pauses inside a message");
            vec![
                Step::Dribble(pieces, Duration::from_millis(350)),
                Step::Answer(Answer::accepted(&message).closed(closed)),
            ]
        },
    ),
    GROUP.case(
        "connect-and-close",
        "a connection that is closed without a byte does no harm",
        "TCP: health checks connect and close",
        "an ordinary message on the next connection is accepted",
        |kit| {
            let message = kit.message();
            vec![
                Step::Close,
                Step::Open(Rank::Fail(
                    "the receiver is gone after a connection without a byte",
                )),
                Step::send(&message),
                Step::Answer(Answer::accepted(&message)),
            ]
        },
    ),
    GROUP.case(
        "another-protocol",
        "an HTTP request is no message",
        "MLLP Release 1: a message begins with a start block",
        "nothing positive: silence, a refusal, or the end of the connection; the next connection is served",
        |kit| {
            let request = Specimen::by_hand(b"", b"GET / HTTP/1.1\r\nHost: ward\r\n\r\n".to_vec());
            let message = kit.message();
            let taken = Rank::Fail("an HTTP request was accepted as a message");
            vec![
                Step::Write(request.body.to_vec()),
                Step::Odd {
                    answer: Answer::never_positive(&request, taken),
                    marker: message,
                },
            ]
        },
    ),
    GROUP.case(
        "broken-off",
        "a message that is broken off is not accepted, and can be sent again",
        "HL7 v2.9.1 §2.8.3: what is acknowledged is a message that was received",
        "nothing positive for half a message; the whole one is accepted on a new connection",
        |kit| {
            let message = kit.message();
            let (head, _) = message.halves();
            let taken = Rank::Fail("half a message was accepted");
            vec![
                Step::Write(head),
                Step::EndWriting,
                Step::Answer(Answer::never_positive(&message, taken)),
                Step::Close,
                Step::Open(Rank::Fail(
                    "the receiver is gone after a message that was broken off",
                )),
                Step::send(&message),
                Step::Answer(Answer::accepted(&message)),
            ]
        },
    ),
    GROUP.case(
        "sender-ends-writing",
        "a sender that closes its side behind the message still gets the acknowledgment",
        "TCP half-close; a whole block was received",
        "one acknowledgment; none is put up with",
        |kit| {
            let message = kit.message();
            let unheard =
                Rank::Tolerated("the receiver does not answer over a half-closed connection");
            let answer = Answer::accepted(&message).closed(unheard).silent(unheard);
            vec![Step::send(&message), Step::EndWriting, Step::Answer(answer)]
        },
    ),
];
