//! Values on the command line as people write them: durations, moments, fractions, message types.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::journal::MessageType;

/// `200ms`, `30s`, `2h`, `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a duration such as 200ms, 30s, 2h or 1d".to_owned();
    let span: Span = text.parse().map_err(|_| expected())?;
    let signed: SignedDuration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| expected())?;
    Duration::try_from(signed).map_err(|_| expected())
}

/// Messages a second: more than nothing.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.trim_end_matches("/s").parse().unwrap_or_default();
    if rate.is_finite() && rate > 0.0 {
        return Ok(rate);
    }
    Err("expected messages a second, such as 200 or 0.5".to_owned())
}

/// From 0 to 1.
pub(super) fn fraction(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(fraction),
        _ => Err("expected a fraction from 0 to 1, such as 0.1".to_owned()),
    }
}

/// A point in time: so long ago, a moment, or a local date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Ago(Duration),
    At(Timestamp),
    Local(DateTime),
}

impl Moment {
    pub(super) fn resolve(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
        match self {
            Self::Ago(ago) => now.checked_sub(ago).map_err(|error| error.to_string()),
            Self::At(at) => Ok(at),
            Self::Local(at) => zone
                .to_ambiguous_zoned(at)
                .compatible()
                .map(|zoned| zoned.timestamp())
                .map_err(|error| error.to_string()),
        }
    }
}

/// `2h` (ago), `2026-03-08T07:00Z`, `2026-03-08 07:00` or `2026-03-08`.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = duration(text) {
        return Ok(Moment::Ago(ago));
    }
    if let Ok(at) = text.parse() {
        return Ok(Moment::At(at));
    }
    text.parse().map(Moment::Local).map_err(|_| {
        "expected a time such as 2h (ago), 2026-03-08, \"2026-03-08 07:00\" or 2026-03-08T07:00Z"
            .to_owned()
    })
}

/// `ADT` or `ADT^A01`; `ADT_A01` spares the quotes.
pub(super) fn message_type(text: &str) -> Result<MessageType, String> {
    let (code, event) = text.split_once(['^', '_']).unwrap_or((text, ""));
    let fits = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits(code) && (event.is_empty() || fits(event)) {
        let upper = |part: &str| part.to_ascii_uppercase();
        return Ok(MessageType::new(
            upper(code).as_bytes(),
            upper(event).as_bytes(),
        ));
    }
    Err("expected a message type such as ADT or ADT^A01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them_and_not_without_a_unit() {
        for (text, ms) in [
            ("200ms", 200),
            ("30s", 30_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "30", "-1s", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_ago_absolute_or_local() {
        let now: Timestamp = "2026-03-08T12:00:00Z".parse().unwrap();
        let chicago = TimeZone::get("America/Chicago").unwrap();
        for (text, expected) in [
            ("2h", "2026-03-08T10:00:00Z"),
            ("2026-03-08T07:00Z", "2026-03-08T07:00:00Z"),
            ("2026-03-07 07:00", "2026-03-07T13:00:00Z"),
            ("2026-03-07", "2026-03-07T06:00:00Z"),
        ] {
            let at = moment(text).unwrap().resolve(now, &chicago).unwrap();
            assert_eq!(at.to_string(), expected, "{text}");
        }
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn fractions_and_rates_stay_within_sense() {
        assert_eq!(fraction("0.1"), Ok(0.1));
        assert!(fraction("1.1").is_err() && fraction("x").is_err());
        assert_eq!(rate("200/s"), Ok(200.0));
        assert!(rate("0").is_err() && rate("inf").is_err());
    }

    #[test]
    fn a_message_type_has_one_part_or_two() {
        assert_eq!(message_type("ADT^A01").unwrap().to_string(), "ADT^A01");
        assert_eq!(message_type("adt_a01").unwrap().to_string(), "ADT^A01");
        assert_eq!(message_type("ORU").unwrap().to_string(), "ORU");
        assert!(message_type("ADT^A0").is_err() && message_type("").is_err());
    }
}
