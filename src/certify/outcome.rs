//! What a case came to.

use std::time::Duration;

use super::case::Case;
use super::transcript::Transcript;

/// The verdict on one case, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Not what is recommended, but what the standard or common practice allows.
    Tolerated,
    /// It ran, and what it is about did not happen: nothing can be said.
    Inconclusive,
    /// It did not run.
    Skipped,
    /// Against the standard, or harmful.
    Fail,
}

impl Verdict {
    /// One word, lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Tolerated => "tolerated",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
            Self::Fail => "fail",
        }
    }
}

/// A verdict with its reason, which holds no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// Why; empty for a plain pass.
    pub reason: String,
}

impl Finding {
    pub(super) const PASS: Self = Self {
        verdict: Verdict::Pass,
        reason: String::new(),
    };

    pub(super) fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
        }
    }

    pub(super) fn fail(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, reason)
    }

    pub(super) fn tolerated(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Tolerated, reason)
    }

    /// The worse of two; of two that are alike, the first.
    pub(super) fn and(self, other: Self) -> Self {
        if other.verdict > self.verdict {
            other
        } else {
            self
        }
    }
}

/// What a case came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case.
    pub case: &'static Case,
    /// Its number in the list of all cases, from 1.
    pub number: usize,
    /// The verdict and why.
    pub finding: Finding,
    /// How long it took.
    pub took: Duration,
    /// What went over the wire.
    pub transcript: Transcript,
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Cases in all.
    pub cases: usize,
    /// As they should be.
    pub passed: usize,
    /// Allowed.
    pub tolerated: usize,
    /// Without a result.
    pub inconclusive: usize,
    /// Not run.
    pub skipped: usize,
    /// Failed.
    pub failed: usize,
}

impl Score {
    /// Counts `outcomes`.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let count = |verdict| {
            outcomes
                .iter()
                .filter(|outcome| outcome.finding.verdict == verdict)
                .count()
        };
        Self {
            cases: outcomes.len(),
            passed: count(Verdict::Pass),
            tolerated: count(Verdict::Tolerated),
            inconclusive: count(Verdict::Inconclusive),
            skipped: count(Verdict::Skipped),
            failed: count(Verdict::Fail),
        }
    }

    /// Whether every case passed outright.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.passed == self.cases
    }
}
