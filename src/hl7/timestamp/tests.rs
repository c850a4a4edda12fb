//! Dates and times as they were said.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Timestamp {
    parse(text.as_bytes()).unwrap()
}

#[test]
fn every_precision_is_kept_and_written_back_as_it_was() {
    for (text, precision) in [
        ("2026", Precision::Year),
        ("202602", Precision::Month),
        ("20260228", Precision::Day),
        ("2026022823", Precision::Hour),
        ("202602282359", Precision::Minute),
        ("20260228235958", Precision::Second),
        ("20260228235958.1", Precision::Fraction(1)),
        ("20260228235958.0120", Precision::Fraction(4)),
        ("20260228235958.123456789", Precision::Fraction(9)),
        ("202602282359-0600", Precision::Minute),
        ("20260228+0530", Precision::Day),
        ("00010101", Precision::Day),
    ] {
        let timestamp = read(text);
        assert_eq!(timestamp.precision(), precision, "{text}");
        assert_eq!(timestamp.to_string(), text);
    }
}

#[test]
fn no_offset_stays_none_and_one_that_was_said_is_kept() {
    assert_eq!(read("20260101").offset_minutes(), None);
    assert_eq!(read("202601011200-0330").offset_minutes(), Some(-210));
    assert_eq!(read("202601011200+0000").offset_minutes(), Some(0));
    assert_eq!(
        read("202601011200+0100").without_offset().to_string(),
        "202601011200"
    );
}

#[test]
fn what_is_no_date_is_an_error_with_its_place_and_is_never_shifted() {
    for (text, offset) in [
        ("", 0),
        ("ABCD", 0),
        ("202", 0),
        ("202613", 4),
        ("202600", 4),
        ("20260230", 6),
        ("20250229", 6),
        ("20260100", 6),
        ("2026010124", 8),
        ("202601012360", 10),
        ("20260101235960", 12),
        ("20260101235959.", 14),
        ("20260101235959.1234567890", 14),
        ("202601012359.5", 12),
        ("2026-01-01", 4),
        ("20260101 1200", 8),
        ("2026010", 6),
        ("202601011200+25", 13),
        ("202601011200+1500", 13),
        ("202601011200+1430", 12),
        ("202601011200+", 12),
        ("20260101120000x", 14),
        ("20260101120000-0500x", 19),
        ("\u{661}\u{662}\u{663}\u{664}", 0),
    ] {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.offset, offset, "{text}: {error}");
    }
    assert_eq!(read("20240229").civil().day(), 29);
}

#[test]
fn times_of_day_are_read_alike() {
    let time = parse_time(b"0715-0500").unwrap();
    assert_eq!((time.civil().hour(), time.civil().minute()), (7, 15));
    assert_eq!(
        (time.precision(), time.offset_minutes()),
        (Precision::Minute, Some(-300))
    );
    assert_eq!(parse_time(b"071559.25").unwrap().to_string(), "071559.25");
    assert_eq!(time.write(Precision::Year), "07-0500");
    for text in ["", "24", "7", "0760", "07:15"] {
        assert!(parse_time(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn writing_in_another_precision_cuts_or_fills() {
    let timestamp = read("20261122071459.987+0100");
    assert_eq!(timestamp.write(Precision::Day), "20261122");
    assert_eq!(timestamp.write(Precision::Minute), "202611220714+0100");
    assert_eq!(
        timestamp.write(Precision::Fraction(1)),
        "20261122071459.9+0100"
    );
    assert_eq!(
        timestamp.write(Precision::Fraction(6)),
        "20261122071459.987000+0100"
    );
    assert_eq!(read("2026").write(Precision::Second), "20260101000000");
}

#[test]
fn an_instant_is_found_by_its_own_offset_or_else_in_the_zone() {
    let chicago = TimeZone::get("America/Chicago").unwrap();
    let at = |text: &str| read(text).instant(&chicago).map(|at| at.to_string());
    assert_eq!(at("202601011200").unwrap(), "2026-01-01T18:00:00Z");
    assert_eq!(at("202607011200").unwrap(), "2026-07-01T17:00:00Z");
    assert_eq!(at("202607011200+0200").unwrap(), "2026-07-01T10:00:00Z");
    assert_eq!(
        at("202603080230"),
        Err(InstantError::Gap),
        "clocks went forward"
    );
    assert_eq!(
        at("202611010130").unwrap(),
        "2026-11-01T06:30:00Z",
        "the first of two"
    );
}

#[test]
fn an_instant_in_a_zone_is_written_with_its_offset() {
    let at: jiff::Timestamp = "2026-07-01T17:00:00.5Z".parse().unwrap();
    let zoned = at.to_zoned(TimeZone::get("America/Chicago").unwrap());
    let of = |precision| Timestamp::of(&zoned, precision).to_string();
    assert_eq!(of(Precision::Second), "20260701120000-0500");
    assert_eq!(of(Precision::Fraction(3)), "20260701120000.500-0500");
}

#[test]
fn a_birth_date_is_not_printed_by_debug() {
    let shown = format!("{:?}", read("19700101"));
    assert_eq!(shown, "Timestamp(Day, offset: false)");
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_back_the_same(text in "[0-9]{0,16}(\\.[0-9]{1,4})?([+-][01][0-9][0-5][0-9])?") {
        if let Ok(timestamp) = parse(text.as_bytes()) {
            prop_assert_eq!(timestamp.to_string().replace("+0000", ""), text.replace("-0000", "").replace("+0000", ""));
        }
        if let Ok(time) = parse_time(text.as_bytes()) {
            prop_assert_eq!(time.to_string().replace("+0000", ""), text.replace("-0000", "").replace("+0000", ""));
        }
    }
}
