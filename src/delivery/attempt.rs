//! One try at one message: what goes out, what came back, and what follows from it.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::settings::OnReject;
use crate::hl7::acknowledgment::{Code, Outcome};
use crate::journal::MessageType;

/// No more of a reply than this is kept with an outcome.
pub(super) const LONGEST_REPLY: usize = 64 * 1024;

/// A message on its way to a destination. Holds content, hence no `Debug`.
pub(super) struct Dispatch {
    /// The source it came from.
    pub(super) source: Arc<str>,
    /// When it came.
    pub(super) received: Timestamp,
    /// MSH-9.1 and MSH-9.2 of `message`.
    pub(super) kind: MessageType,
    /// MSH-10 of `message`: what an acknowledgment must name.
    pub(super) control_id: Bytes,
    /// The message, after the route's steps.
    pub(super) message: Bytes,
    /// What a template made of it, where the destination has one.
    pub(super) rendered: Option<Bytes>,
}

/// Something that takes messages, one at a time.
pub(super) trait Destination: Send {
    /// Tries once; ends within the destination's own timeouts.
    fn send(&mut self, dispatch: &Dispatch) -> impl Future<Output = Attempt> + Send;
}

/// What came back from one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The partner has the message.
    Accepted,
    /// The partner could not process it (AE, CE, 5xx).
    Error,
    /// The partner will never process it (AR, CR, 4xx).
    Rejected,
    /// It was sent, and whether it arrived is unknown: silence, a broken connection, a reply that makes no sense.
    Unanswered,
    /// It was not sent, or the partner takes nothing from anybody: nothing follows for this message.
    Unavailable,
    /// It cannot travel to this destination, however often it is tried.
    Unsendable,
}

/// What to do with the message next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Settle,
    Retry,
    Park,
}

/// One try and its answer. Holds the reply, hence no `Debug`.
pub(super) struct Attempt {
    pub(super) answer: Answer,
    /// The acknowledgment code or HTTP status.
    pub(super) code: Option<Cow<'static, str>>,
    /// Why it failed, without content; empty when it did not.
    pub(super) reason: Cow<'static, str>,
    /// The partner's reply.
    pub(super) reply: Option<Bytes>,
    /// How long the partner asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Attempt {
    /// An answer without code or reply.
    pub(super) fn new(answer: Answer, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            answer,
            code: None,
            reason: reason.into(),
            reply: None,
            retry_after: None,
        }
    }

    /// What an acknowledgment with this MSA-1 means. `reply` is the whole of it.
    pub(super) fn acknowledged(code: &[u8], reply: &Bytes) -> Self {
        let known = Code::read(code.trim_ascii());
        let (answer, reason) = of_code(known);
        let mut attempt = Self::new(answer, reason);
        attempt.code = known.map(|code| Cow::Borrowed(code.as_str()));
        attempt.with_reply(reply)
    }

    pub(super) fn with_reply(mut self, reply: &Bytes) -> Self {
        let kept = reply.len().min(LONGEST_REPLY);
        self.reply = (kept > 0).then(|| reply.slice(..kept));
        self
    }

    /// Whether the partner may have seen the message.
    pub(super) const fn was_sent(&self) -> bool {
        !matches!(self.answer, Answer::Unavailable | Answer::Unsendable)
    }
}

/// MSA-1 (table 0008) → what it says of the message.
fn of_code(code: Option<Code>) -> (Answer, &'static str) {
    match code.map(Code::outcome) {
        Some(Outcome::Accept) => (Answer::Accepted, ""),
        Some(Outcome::Error) => (Answer::Error, "the partner reports an error"),
        Some(Outcome::Reject) => (Answer::Rejected, "the partner rejects the message"),
        None => (
            Answer::Unanswered,
            "the acknowledgment has no code of table 0008 in MSA-1",
        ),
    }
}

/// HTTP status → what it says of the message (RFC 9110 §15).
///
/// 401, 403 and 407 are about us, not about the message: like 429 and 502 to 504 they hold the lane and park nothing.
pub(super) const fn of_status(status: u16) -> (Answer, &'static str) {
    match status {
        200..=299 => (Answer::Accepted, ""),
        300..=399 => (
            Answer::Unavailable,
            "the partner redirects to another address",
        ),
        401 | 403 | 407 => (Answer::Unavailable, "the partner does not let us in"),
        408 | 425 => (Answer::Unanswered, "the partner did not take the message"),
        429 => (Answer::Unavailable, "the partner asks for fewer messages"),
        400..=499 => (Answer::Rejected, "the partner rejects the message"),
        502..=504 => (Answer::Unavailable, "the partner is not available"),
        500..=599 => (Answer::Error, "the partner reports an error"),
        _ => (
            Answer::Unanswered,
            "the partner replies with no HTTP status",
        ),
    }
}

/// What follows from an answer. `sent` says how often the message has been sent, this time included.
pub(super) const fn judge(
    answer: Answer,
    on_reject: OnReject,
    sent: u32,
    max_attempts: Option<u32>,
) -> Judgement {
    match answer {
        Answer::Accepted => Judgement::Settle,
        Answer::Unsendable => Judgement::Park,
        Answer::Unavailable => Judgement::Retry,
        Answer::Rejected if matches!(on_reject, OnReject::Park) => Judgement::Park,
        Answer::Error | Answer::Rejected | Answer::Unanswered => match max_attempts {
            Some(most) if sent >= most => Judgement::Park,
            _ => Judgement::Retry,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Judgement::{Park, Retry, Settle};

    /// The whole table: MSA-1 → first answer, answer when the attempts are used up, the same with `on_reject = retry`.
    #[test]
    fn every_acknowledgment_code_leads_where_the_documentation_says() {
        for (code, first, last, lenient_first, lenient_last) in [
            ("AA", Settle, Settle, Settle, Settle),
            ("CA", Settle, Settle, Settle, Settle),
            (" AA ", Settle, Settle, Settle, Settle),
            ("AE", Retry, Park, Retry, Park),
            ("CE", Retry, Park, Retry, Park),
            ("AR", Park, Park, Retry, Park),
            ("CR", Park, Park, Retry, Park),
            ("", Retry, Park, Retry, Park),
            ("aa", Retry, Park, Retry, Park),
            ("OK", Retry, Park, Retry, Park),
        ] {
            let answer = Attempt::acknowledged(code.as_bytes(), &Bytes::new()).answer;
            let at = |on_reject, sent| judge(answer, on_reject, sent, Some(3));
            assert_eq!(at(OnReject::Park, 1), first, "{code}");
            assert_eq!(at(OnReject::Park, 3), last, "{code}");
            assert_eq!(at(OnReject::Retry, 1), lenient_first, "{code}");
            assert_eq!(at(OnReject::Retry, 3), lenient_last, "{code}");
        }
    }

    #[test]
    fn every_http_status_leads_where_the_documentation_says() {
        for (status, first, last) in [
            (200, Settle, Settle),
            (202, Settle, Settle),
            (204, Settle, Settle),
            (302, Retry, Retry),
            (400, Park, Park),
            (401, Retry, Retry),
            (403, Retry, Retry),
            (404, Park, Park),
            (407, Retry, Retry),
            (408, Retry, Park),
            (413, Park, Park),
            (422, Park, Park),
            (425, Retry, Park),
            (429, Retry, Retry),
            (500, Retry, Park),
            (501, Retry, Park),
            (503, Retry, Retry),
            (504, Retry, Retry),
            (999, Retry, Park),
        ] {
            let (answer, _) = of_status(status);
            assert_eq!(judge(answer, OnReject::Park, 1, Some(3)), first, "{status}");
            assert_eq!(judge(answer, OnReject::Park, 3, Some(3)), last, "{status}");
        }
    }

    #[test]
    fn without_a_limit_only_what_can_never_succeed_is_parked() {
        for (answer, judgement) in [
            (Answer::Error, Retry),
            (Answer::Unanswered, Retry),
            (Answer::Unavailable, Retry),
            (Answer::Unsendable, Park),
        ] {
            assert_eq!(judge(answer, OnReject::Park, u32::MAX, None), judgement);
        }
    }
}
