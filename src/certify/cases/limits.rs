//! Size and patience: HL7 sets no limit, receivers do; what matters is that they say so.

use std::time::Duration;

use crate::certify::answer::{Answer, Rank};
use crate::certify::case::{Case, Group, Needs};
use crate::certify::specimen::Kit;
use crate::certify::step::Step;

const SIZE: &str = "HL7 v2.9.1 §2.3 c): HL7 sets no limits on the maximum size";
const TOO_LARGE: &str = "the receiver refuses a message of this size";
const CLOSES: Rank =
    Rank::Tolerated("the receiver closes the connection of a message of this size");

const GROUP: Group = Group::Content;

pub(super) const CASES: &[Case] = &[
    GROUP.case(
        "long-value",
        "a value of 64 KiB is taken",
        SIZE,
        "accepted; a refusal is put up with, a closed connection is not",
        |kit| {
            let note = [&b"NTE|1||"[..], &b"x".repeat(64 * 1024)].concat();
            sized(
                kit,
                &[&note],
                Rank::Fail("a message of 64 KiB closes the connection"),
            )
        },
    ),
    GROUP.case(
        "many-segments",
        "a thousand segments are taken",
        SIZE,
        "accepted; a refusal is put up with, a closed connection is not",
        |kit| {
            let note = b"NTE|1||one of a thousand".as_slice();
            sized(
                kit,
                &vec![note; 1000],
                Rank::Fail("a message of a thousand segments closes the connection"),
            )
        },
    ),
    GROUP.case(
        "one-mebibyte",
        "a message of 1 MiB, as documents have, is taken",
        SIZE,
        "accepted; a refusal or a closed connection is put up with, silence is not",
        |kit| {
            let note = [&b"NTE|1||"[..], &b"x".repeat(1024 * 1024)].concat();
            sized(kit, &[&note], CLOSES)
        },
    ),
    GROUP
        .case(
            "twenty-mebibytes",
            "a message of 20 MiB is taken, or refused with a word",
            SIZE,
            "an answer or a closed connection; the next connection is served",
            |kit| {
                let note = [&b"NTE|1||"[..], &b"x".repeat(20 * 1024 * 1024)].concat();
                let message = kit.with_segments(&[&note]);
                let marker = kit.message();
                let answer = Answer::accepted(&message)
                    .negative(Rank::Pass)
                    .closed(Rank::Pass);
                vec![Step::send(&message), Step::Odd { answer, marker }]
            },
        )
        .needing(Needs::Patience),
    GROUP
        .case(
            "quiet-connection",
            "a connection that is silent for twelve seconds is still there",
            "MLLP Release 1: a connection may be kept open",
            "the message behind the silence is acknowledged; a closed connection is put up with",
            |kit| {
                let [first, second] = [kit.message(), kit.message()];
                let closed = Rank::Tolerated(
                    "the receiver closes a connection that is silent for twelve seconds",
                );
                vec![
                    Step::send(&first),
                    Step::Answer(Answer::accepted(&first)),
                    Step::Pause(Duration::from_secs(12)),
                    Step::send(&second),
                    Step::Answer(Answer::accepted(&second).closed(closed)),
                ]
            },
        )
        .needing(Needs::Patience),
    GROUP
        .case(
            "slow-sender",
            "a sender of one piece in two seconds is waited for, or given up with a word",
            "MLLP Release 1 sets no time for a block",
            "an acknowledgment, or a closed connection; the next connection is served",
            |kit| {
                let message = kit.message();
                let frame = message.frame();
                let pieces = frame
                    .chunks(frame.len() / 6 + 1)
                    .map(<[u8]>::to_vec)
                    .collect();
                let marker = kit.message();
                let closed = Rank::Tolerated("the receiver gives up a sender that is this slow");
                vec![
                    Step::Dribble(pieces, Duration::from_secs(2)),
                    Step::Odd {
                        answer: Answer::accepted(&message).closed(closed),
                        marker,
                    },
                ]
            },
        )
        .needing(Needs::Patience),
];

fn sized(kit: &mut Kit, segments: &[&[u8]], closed: Rank) -> Vec<Step> {
    let message = kit.with_segments(segments);
    let answer = Answer::rather_accepted(&message, TOO_LARGE).closed(closed);
    vec![Step::send(&message), Step::Answer(answer)]
}
