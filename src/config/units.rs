//! Durations and sizes as people write them: `"30s"`, `"16MiB"`.

use std::time::Duration;

use nom::Parser;
use nom::character::complete::{alpha1, digit1, space0};
use nom::combinator::all_consuming;
use nom::error::Error;

pub(super) const DURATION_EXPECTED: &str =
    "a duration in quotes: a whole number and ms, s, m, h or d, as in \"30s\"";
/// Longer than anything is waited for or kept, and short enough for every clock to count with.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);
pub(super) const SIZE_EXPECTED: &str =
    "a size in quotes: a whole number and B, KiB, MiB or GiB, as in \"16MiB\"";

/// `"30s"`, `"2m"`, `"24h"`, `"400d"`, `"250ms"`; zero is allowed and needs a unit, too.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let time = Duration::from_millis(number.checked_mul(milliseconds)?);
    (time <= LONGEST).then_some(time)
}

/// `"512KiB"` in bytes: binary units only.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let factor = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let parts = (digit1::<_, Error<&str>>, space0, alpha1);
    let (_, (number, _, unit)) = all_consuming(parts).parse(text.trim()).ok()?;
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_as_people_write_them() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Some(Duration::from_mins(2)));
        assert_eq!(duration("400d"), Some(Duration::from_hours(9600)));
        assert_eq!(size("16MiB"), Some(16 * 1024 * 1024));
        assert_eq!(size("1 GiB"), Some(1024 * 1024 * 1024));
    }

    #[test]
    fn what_has_no_unit_or_overflows_is_no_duration_and_no_size() {
        for text in [
            "",
            "30",
            "s",
            "-1s",
            "1.5h",
            "99999999999999999999d",
            "1000000000000000000d",
            "40000d",
            "18446744073709551615ms",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        for text in ["16MB", "16mb", "MiB", "99999999999GiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }
}
