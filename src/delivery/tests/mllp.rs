//! One message, one partner, one answer: what each kind of partner amounts to.

use std::time::Duration;

use bytes::Bytes;

use super::partner::{Does, Partner, free_address};
use super::rig::{dispatch, message};
use crate::delivery::attempt::{Answer, Attempt, Destination};
use crate::delivery::mllp::MllpDestination;
use crate::mllp::ClientSettings;

fn destination(address: impl Into<String>) -> MllpDestination {
    let mut settings = ClientSettings::new(address);
    settings.ack_timeout = Duration::from_secs(5);
    MllpDestination::open(settings).unwrap()
}

async fn answer(does: Does) -> Attempt {
    let partner = Partner::start([does]).await;
    let attempt = destination(partner.address()).send(&dispatch("M1")).await;
    assert_eq!(
        partner.received(),
        [message("M1")],
        "the partner gets exactly the message"
    );
    attempt
}

#[tokio::test(start_paused = true)]
async fn each_misbehaviour_of_a_partner_has_its_meaning_and_its_words() {
    use Answer::{Accepted, Error, Rejected, Unanswered};
    for (does, expected, code, words) in [
        (Does::Acks("AA"), Accepted, Some("AA"), ""),
        (Does::Acks("CA"), Accepted, Some("CA"), ""),
        (Does::AcksTwice("AA"), Accepted, Some("AA"), ""),
        (Does::AcksOtherThen("M0", "AA"), Accepted, Some("AA"), ""),
        (Does::Acks("AE"), Error, Some("AE"), "error"),
        (Does::Acks("CR"), Rejected, Some("CR"), "rejects"),
        (Does::Acks("XX"), Unanswered, None, "no code of table 0008"),
        (
            Does::AcksOther("AA", "M11"),
            Unanswered,
            None,
            "ack_timeout (5s), 1 replies to other",
        ),
        (Does::AcksOther("AA", ""), Unanswered, None, "ack_timeout"),
        (
            Does::AcksLate("AA", Duration::from_secs(6)),
            Unanswered,
            None,
            "ack_timeout",
        ),
        (Does::Nothing, Unanswered, None, "ack_timeout (5s)"),
        (Does::Nonsense, Unanswered, None, "ack_timeout"),
        (Does::Unframed, Unanswered, None, "not framed"),
        (Does::Half, Unanswered, None, "inside its reply"),
        (Does::Closes, Unanswered, None, "without a reply"),
        (Does::Resets, Unanswered, None, "connection"),
    ] {
        let attempt = answer(does).await;
        assert_eq!(attempt.answer, expected, "{does:?}: {}", attempt.reason);
        assert_eq!(attempt.code.as_deref(), code, "{does:?}");
        assert!(
            attempt.reason.contains(words),
            "{does:?}: {}",
            attempt.reason
        );
        assert_eq!(attempt.reason.is_empty(), expected == Accepted, "{does:?}");
        assert_eq!(
            attempt.reply.is_some(),
            expected != Unanswered || words.contains("0008")
        );
        assert!(attempt.was_sent());
    }
}

#[tokio::test]
async fn a_partner_that_does_not_listen_has_not_seen_the_message() {
    let address = free_address().to_string();
    let attempt = destination(&address).send(&dispatch("M1")).await;
    assert_eq!(attempt.answer, Answer::Unavailable);
    assert!(!attempt.was_sent());
    assert!(attempt.reason.contains(&address), "{}", attempt.reason);
    assert!(attempt.reason.contains("refused"), "{}", attempt.reason);
}

#[tokio::test]
async fn a_message_that_no_acknowledgment_could_name_is_not_sent() {
    let partner = Partner::start([]).await;
    let attempt = destination(partner.address()).send(&dispatch("")).await;
    assert_eq!(attempt.answer, Answer::Unsendable);
    assert!(attempt.reason.contains("MSH-10"));
    assert_eq!(partner.connections(), 0);
}

#[tokio::test]
async fn a_message_that_would_break_its_frame_is_not_sent() {
    let partner = Partner::start([]).await;
    let mut evil = dispatch("M1");
    evil.message = Bytes::from([&*evil.message, b"ZZZ|a\x1C\rMSH|^~\\&|\r"].concat());
    let attempt = destination(partner.address()).send(&evil).await;
    assert_eq!(attempt.answer, Answer::Unsendable, "{}", attempt.reason);
    assert!(partner.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_late_acknowledgment_is_never_credited_to_the_message_sent_again() {
    let late = Does::AcksLate("AA", Duration::from_secs(6));
    let partner = Partner::start([late, Does::Acks("AE"), Does::Acks("AA")]).await;
    let mut destination = destination(partner.address());
    assert_eq!(
        destination.send(&dispatch("M1")).await.answer,
        Answer::Unanswered
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        destination.send(&dispatch("M1")).await.answer,
        Answer::Error
    );
    assert_eq!(
        partner.connections(),
        2,
        "the connection that timed out was closed"
    );
}
