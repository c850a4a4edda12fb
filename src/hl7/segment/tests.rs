//! Reading fields and what is below them.

use super::*;
use crate::hl7::Message;

fn message(lines: &str) -> Message {
    let text = format!("MSH|^~\\&|A|B|||20260101||ADT^A01|1|P|2.5\r{lines}\r");
    Message::parse(text).unwrap()
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn all(message: &Message, at: &str) -> Vec<String> {
    let found = message.all(&path(at));
    found
        .into_iter()
        .map(|v| String::from_utf8_lossy(v).into_owned())
        .collect()
}

#[test]
fn absent_empty_and_delete_indicator_are_three_things() {
    let message = message("PID|1||\"\"|\"\"^x");
    assert_eq!(message.value(&path("PID-9")), Value::NotPopulated);
    assert_eq!(message.first(&path("PID-9")), None);
    assert_eq!(message.value(&path("PID-2")), Value::NotPopulated);
    assert_eq!(message.first(&path("PID-2")), Some(&b""[..]));
    assert_eq!(message.value(&path("PID-3")), Value::DeleteIndicator);
    assert_eq!(message.value(&path("PID-4.1")), Value::DeleteIndicator);
    assert_eq!(message.value(&path("PID-4")), Value::Populated(b"\"\"^x"));
}

#[test]
fn repetitions_count_from_one_the_empty_first_and_last_included() {
    let message = message("PID|||~a~~b~");
    assert_eq!(all(&message, "PID-3[*]"), ["", "a", "", "b", ""]);
    assert_eq!(message.first(&path("PID-3[4]")), Some(&b"b"[..]));
    assert_eq!(message.first(&path("PID-3[6]")), None);
    assert_eq!(
        message.first(&path("PID-3.1")),
        Some(&b""[..]),
        "the first repetition"
    );
    assert_eq!(
        message.first(&path("PID-3")),
        Some(&b"~a~~b~"[..]),
        "all of them"
    );
}

#[test]
fn a_scalar_is_its_own_first_component_and_subcomponent() {
    let message = message("PID|||77^^^MRN&1.2&ISO|AT&T");
    assert_eq!(message.first(&path("PID-3.1.1")), Some(&b"77"[..]));
    assert_eq!(message.first(&path("PID-3.4.2")), Some(&b"1.2"[..]));
    assert_eq!(message.first(&path("PID-3.1.2")), None);
    assert_eq!(message.first(&path("PID-3.5")), None);
    assert_eq!(
        message.first(&path("PID-4")),
        Some(&b"AT&T"[..]),
        "kept in a scalar"
    );
}

#[test]
fn more_fields_and_components_than_the_standard_knows_are_there() {
    let far = format!("PID{}x^{}y", "|".repeat(60), "^".repeat(40));
    let message = message(&far);
    assert_eq!(message.first(&path("PID-60.42")), Some(&b"y"[..]));
    assert_eq!(message.at(1).unwrap().field_count(), 60);
}

#[test]
fn segments_of_one_name_are_told_apart_by_occurrence() {
    let message = message("OBX|1||A||7~8\rNTE|1\rOBX|2||B||9\rOBX|3||C");
    assert_eq!(message.first(&path("OBX[2]-5")), Some(&b"9"[..]));
    assert_eq!(message.first(&path("OBX[4]-5")), None);
    assert_eq!(all(&message, "OBX[*]-3"), ["A", "B", "C"]);
    assert_eq!(all(&message, "OBX[*]-5"), ["7~8", "9"]);
    assert_eq!(all(&message, "OBX[*]-5[*]"), ["7", "8", "9"]);
    assert_eq!(all(&message, "OBX-5[*]"), ["7", "8"]);
    assert_eq!(all(&message, "ZZZ[*]-1"), Vec::<String>::new());
}

#[test]
fn a_path_made_by_hand_with_a_zero_leads_nowhere() {
    let message = message("PID|1||a^b~c");
    let good = path("PID-3.1");
    for zero in [
        Path {
            occurrence: Occurrence::Nth(0),
            ..good
        },
        Path {
            repetition: Occurrence::Nth(0),
            ..good
        },
        Path {
            field: Some(0),
            ..good
        },
        Path {
            component: Some(0),
            ..good
        },
    ] {
        assert_eq!((message.first(&zero), message.all(&zero).len()), (None, 0));
    }
}

#[test]
fn text_is_unescaped_once_and_values_without_escapes_are_not_copied() {
    let message = message("PID|||||a\\T\\b|\\E\\T\\E\\|plain");
    assert_eq!(message.text(&path("PID-5")).unwrap(), "a&b");
    assert_eq!(message.text(&path("PID-6")).unwrap(), "\\T\\");
    assert!(matches!(
        message.text(&path("PID-7")),
        Some(Cow::Borrowed("plain"))
    ));
    assert_eq!(message.text(&path("PID-8")), None);
}
