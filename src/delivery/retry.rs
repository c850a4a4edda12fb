//! How long to wait before sending again: longer each time, never twice the same.

use std::time::Duration;

use super::settings::RetrySettings;

/// A partner that says when to come back (`Retry-After`) is believed up to this long.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The pause after the `tries`-th failure in a row (from 1). It lies between `first` and a bound that begins at
/// `first`, doubles with each failure and ends at `max`; `random` says where. So a hundred lanes that lost the same
/// partner do not all come back in the same second, and none comes back at once.
pub(super) fn pause(settings: &RetrySettings, tries: u32, random: u64) -> Duration {
    let doublings = tries.saturating_sub(1).min(31);
    let bound = settings.first.saturating_mul(1 << doublings);
    let bound = bound.min(settings.max).max(settings.first);
    let span = bound.saturating_sub(settings.first).as_nanos();
    let part = (span >> 32).saturating_mul(u128::from(random >> 32))
        + (((span & 0xffff_ffff) * u128::from(random >> 32)) >> 32);
    settings.first + Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}

/// The pause when the partner asked for one.
pub(super) fn pause_asked(pause: Duration, asked: Option<Duration>) -> Duration {
    asked.map_or(pause, |asked| pause.max(asked.min(LONGEST_ASKED)))
}

/// Where in its range the next pause lies.
pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without random numbers every pause is the longest of its range: slower, not wrong.
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: RetrySettings = RetrySettings {
        first: Duration::from_secs(1),
        max: Duration::from_mins(2),
        max_attempts: None,
    };

    #[test]
    fn pauses_grow_from_the_first_to_the_longest_and_stay_there() {
        let longest: Vec<_> = [1, 2, 3, 4, 8, 9, 1000, u32::MAX]
            .map(|tries| pause(&SETTINGS, tries, u64::MAX).as_secs_f64().round())
            .to_vec();
        assert_eq!(longest, [1.0, 2.0, 4.0, 8.0, 120.0, 120.0, 120.0, 120.0]);
        assert_eq!(pause(&SETTINGS, 9, 0), SETTINGS.first);
        let half = pause(&SETTINGS, 9, u64::MAX / 2).as_secs_f64();
        assert!((60.0..61.0).contains(&half), "{half}");
    }

    #[test]
    fn a_pause_is_never_shorter_than_the_first_even_when_the_settings_contradict_each_other() {
        let odd = RetrySettings {
            first: Duration::from_secs(10),
            max: Duration::from_secs(1),
            max_attempts: None,
        };
        assert_eq!(pause(&odd, 5, u64::MAX), Duration::from_secs(10));
    }

    #[test]
    fn a_partner_may_ask_for_a_longer_pause_but_not_for_a_day() {
        let second = Duration::from_secs(1);
        assert_eq!(pause_asked(second, None), second);
        assert_eq!(pause_asked(second, Some(Duration::ZERO)), second);
        assert_eq!(pause_asked(second, Some(second * 30)), second * 30);
        assert_eq!(pause_asked(second, Some(second * 86_400)), LONGEST_ASKED);
    }
}
