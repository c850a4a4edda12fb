//! What became of a message, and what its sender is told.

use bytes::Bytes;

use crate::hl7::acknowledgment::Outcome;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Durable, or known already.
    Accepted,
    /// Refused for good; the reason, without content.
    Refused(String),
    /// It could not be stored: nothing is known of it here, and the sender must try again.
    Unsafe,
}

/// What became of one message, and what its sender is told.
pub(super) struct Received {
    pub(super) verdict: Verdict,
    pub(super) outcome: Outcome,
    pub(super) replies: Vec<Bytes>,
}

impl Received {
    /// Taken over, or known already.
    pub(super) const fn accepted(replies: Vec<Bytes>) -> Self {
        Self {
            verdict: Verdict::Accepted,
            outcome: Outcome::Accept,
            replies,
        }
    }
}
