//! What may come back to a message, and what each possibility counts as.

use super::check::Check;
use super::outcome::{Finding, Verdict};
use super::specimen::Specimen;

/// What a possibility counts as.
#[derive(Clone, Copy)]
pub(super) enum Rank {
    Pass,
    /// Allowed, and why.
    Tolerated(&'static str),
    /// Nothing can be said, and why.
    Inconclusive(&'static str),
    /// A fault, in words that say what happened.
    Fail(&'static str),
}

impl Rank {
    pub(super) fn finding(self) -> Finding {
        match self {
            Self::Pass => Finding::PASS,
            Self::Tolerated(why) => Finding::tolerated(why),
            Self::Inconclusive(why) => Finding::new(Verdict::Inconclusive, why),
            Self::Fail(what) => Finding::fail(what),
        }
    }

    pub(super) const fn is_fail(self) -> bool {
        matches!(self, Self::Fail(_))
    }
}

/// How MSA-2 is compared with MSH-10.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    /// Byte for byte.
    Exact,
    /// Byte for byte; without the blanks or empty components at its end it is put up with.
    WithoutTail,
    /// There is nothing it could be compared with: the message could not be read.
    Any,
}

/// What may come back to one message.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) to: Specimen,
    pub(super) echo: Echo,
    /// A positive acknowledgment, AA or CA.
    pub(super) positive: Rank,
    /// A negative one.
    pub(super) negative: Rank,
    /// Nothing comes.
    pub(super) silent: Rank,
    /// The connection is closed without an answer.
    pub(super) closed: Rank,
    /// The answer comes, but an ordinary message sent right behind is answered on a new connection only.
    pub(super) next_lost: Rank,
    /// How many answers there may be; those beyond the first are judged alike.
    pub(super) most: usize,
    /// What else is looked at in a positive or negative answer.
    pub(super) checks: Vec<Check>,
}

const SILENT: Rank = Rank::Fail("there was no answer in time");
const CLOSED: Rank = Rank::Fail("the connection was closed without an answer");
const NEXT_LOST: Rank =
    Rank::Fail("the ordinary message behind it was never answered on the same, open connection");

impl Answer {
    /// It must be accepted.
    pub(super) fn accepted(to: &Specimen) -> Self {
        Self {
            to: to.clone(),
            echo: Echo::Exact,
            positive: Rank::Pass,
            negative: Rank::Fail("it was refused, and it is right as it is"),
            silent: SILENT,
            closed: CLOSED,
            next_lost: NEXT_LOST,
            most: 1,
            checks: Vec::new(),
        }
    }

    /// It should be accepted; a refusal is put up with for this reason.
    pub(super) fn rather_accepted(to: &Specimen, why: &'static str) -> Self {
        Self {
            negative: Rank::Tolerated(why),
            ..Self::accepted(to)
        }
    }

    /// It should be refused; what it counts as if it is accepted.
    pub(super) fn refused(to: &Specimen, positive: Rank) -> Self {
        Self {
            negative: Rank::Pass,
            positive,
            ..Self::accepted(to)
        }
    }

    /// It must not be accepted; a refusal, silence and the end of the connection all are right.
    pub(super) fn never_positive(to: &Specimen, positive: Rank) -> Self {
        Self {
            echo: Echo::Any,
            positive,
            negative: Rank::Pass,
            silent: Rank::Pass,
            closed: Rank::Pass,
            ..Self::accepted(to)
        }
    }

    /// There must be no answer at all.
    pub(super) fn nothing(to: &Specimen, answered: &'static str) -> Self {
        Self {
            positive: Rank::Fail(answered),
            negative: Rank::Fail(answered),
            silent: Rank::Pass,
            closed: Rank::Tolerated("the receiver closes the connection"),
            ..Self::accepted(to)
        }
    }

    pub(super) const fn closed(mut self, rank: Rank) -> Self {
        self.closed = rank;
        self
    }

    pub(super) const fn silent(mut self, rank: Rank) -> Self {
        self.silent = rank;
        self
    }

    pub(super) const fn negative(mut self, rank: Rank) -> Self {
        self.negative = rank;
        self
    }

    pub(super) const fn next_lost(mut self, rank: Rank) -> Self {
        self.next_lost = rank;
        self
    }

    pub(super) const fn echo(mut self, echo: Echo) -> Self {
        self.echo = echo;
        self
    }

    pub(super) const fn most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    pub(super) fn checks(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        self.checks = checks.into_iter().collect();
        self
    }
}
