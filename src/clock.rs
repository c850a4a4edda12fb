//! The only giver of time and of message control IDs.
//!
//! Everything that needs the wall clock is handed a [`Clock`], so that a test can stop it; a clippy rule bans the
//! other ways. Waiting is not its business: that is tokio's monotonic time, which no clock jump can disturb.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Digits of a control ID: no lower case and no letter that looks like a digit, because people read them aloud.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Wall time and control IDs. Cheap to clone; clones share one sequence.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    /// Microseconds since 1970 while the clock is stopped, [`i64::MIN`] while it runs.
    stopped_at: AtomicI64,
    /// Random per start, so that IDs differ after a restart even if the wall clock went backwards.
    start: u64,
    sequence: AtomicU64,
}

impl Clock {
    /// The computer's clock.
    ///
    /// # Panics
    /// Never in practice: only where the operating system has no source of random numbers.
    #[must_use]
    pub fn system() -> Self {
        let mut seed = [0_u8; 8];
        #[expect(
            clippy::expect_used,
            reason = "an engine without random numbers must not start"
        )]
        getrandom::fill(&mut seed).expect("the operating system gives random numbers");
        Self::with(i64::MIN, u64::from_le_bytes(seed))
    }

    /// A clock that stands at `at` until [`Clock::advance`] moves it, with predictable control IDs: for tests.
    #[must_use]
    pub fn frozen(at: Timestamp) -> Self {
        Self::with(at.as_microsecond(), 0)
    }

    fn with(stopped_at: i64, start: u64) -> Self {
        Self(Arc::new(Inner {
            stopped_at: AtomicI64::new(stopped_at),
            start,
            sequence: AtomicU64::new(1),
        }))
    }

    /// The time now, UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.0.stopped_at.load(Ordering::Relaxed) {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that asks the system"
            )]
            i64::MIN => Timestamp::now(),
            at => Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// Moves a frozen clock on by `by` (microseconds are kept); a running clock is not changed.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let _running = self
            .0
            .stopped_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| {
                (at != i64::MIN).then(|| at.saturating_add(by))
            });
    }

    /// Sets a frozen clock, forwards or backwards, as an administrator or a time server does; a running clock is not changed.
    pub fn turn_to(&self, at: Timestamp) {
        let _running =
            self.0
                .stopped_at
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |stopped| {
                    (stopped != i64::MIN).then(|| at.as_microsecond())
                });
    }

    /// A message control ID (MSH-10) of our own: 20 characters of `[0-9A-Z]`, the limit of HL7 v2.1 to 2.6,
    /// unique within this process and, by 50 random bits a start, over restarts and clock jumps.
    #[must_use]
    pub fn control_id(&self) -> String {
        let sequence = self.0.sequence.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(20);
        push_digits(&mut id, self.0.start, 10);
        push_digits(&mut id, sequence, 10);
        id
    }
}

/// Appends the lowest `count` base-32 digits of `value`, most significant first.
fn push_digits(to: &mut String, value: u64, count: u32) {
    for place in (0..count).rev() {
        let digit = (value >> (place * 5)) & 31;
        let digit = usize::try_from(digit).unwrap_or_default();
        to.push(char::from(*DIGITS.get(digit).unwrap_or(&b'0')));
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::frozen(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90);
    }

    #[test]
    fn control_ids_fit_msh_10_and_never_repeat_within_or_over_starts() {
        let (first, second) = (Clock::system(), Clock::system());
        let ids: std::collections::BTreeSet<_> = (0..1000)
            .flat_map(|_| [first.control_id(), second.control_id()])
            .collect();
        assert_eq!(ids.len(), 2000);
        assert!(
            ids.iter()
                .all(|id| id.len() == 20 && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        );
    }
}
