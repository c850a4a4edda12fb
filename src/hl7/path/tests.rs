//! Paths: every spelling, every mistake.

use super::*;

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[test]
fn every_way_of_writing_a_path_reads_and_prints_in_one_way() {
    for (text, canonical) in [
        ("PID", "PID"),
        ("PID-3", "PID-3"),
        ("PID.3.1", "PID-3.1"),
        ("PID-3-1", "PID-3.1"),
        ("PID-3[2].1", "PID-3[2].1"),
        ("PID.3[2].1.4", "PID-3[2].1.4"),
        ("OBX[3]-5", "OBX[3]-5"),
        ("OBX[*]-5[*]", "OBX[*]-5[*]"),
        ("ZB1[2]", "ZB1[2]"),
    ] {
        assert_eq!(path(text).to_string(), canonical);
        assert_eq!(path(canonical), path(text));
    }
}

#[test]
fn a_wrong_path_says_where_and_what_was_expected() {
    for (text, offset) in [
        ("", 0),
        ("PI-3", 0),
        ("pid-3", 0),
        ("PID-", 4),
        ("PID-0", 4),
        ("PID-99999999999999999999", 4),
        ("PID-3xyz", 5),
        ("PID[0]-3", 3),
        ("PID[-3", 3),
        ("PID-3.1.2.3", 9),
        ("ÄÖ-3", 0),
    ] {
        let error = text.parse::<Path>().unwrap_err();
        assert_eq!(error.offset, offset, "{text}: {error}");
    }
}
