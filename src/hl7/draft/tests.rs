//! Editing, and what stays untouched.

use super::*;
use crate::hl7::Message;

const HEADER: &str = "MSH|^~\\&|A|B|||20260101||ADT^A01|1|P|2.5";

fn draft(lines: &str) -> Draft {
    Draft::of(&Message::parse(format!("{HEADER}\r{lines}")).unwrap())
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// The lines behind the header.
fn written(draft: &Draft) -> String {
    let bytes = draft.write();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.split_once('\r').unwrap().1.to_owned()
}

#[test]
fn an_unchanged_message_is_written_byte_for_byte_whatever_ends_its_segments() {
    for text in [
        format!("{HEADER}\rPID|||\\X0d\\^^~~||\r\r\rjunk\rPV1"),
        format!("{HEADER}\nPID|1|\n\nPV1|\n"),
        format!("{HEADER}\r\nPID|1|\rPV1|\n\r\n"),
    ] {
        let message = Message::parse(text.clone()).unwrap();
        assert_eq!(Draft::of(&message).write(), text);
        let mut same = Draft::of(&message);
        same.set_raw(&path("MSH-10"), b"1").unwrap();
        assert!(same.is_changed());
        assert_eq!(same.write(), text, "also when it is put together again");
    }
}

#[test]
fn setting_creates_what_is_missing_and_leaves_the_others_bytes_alone() {
    for (before, at, after) in [
        ("PID|1\r", "PID-5.1", "PID|1||||V\r"),
        ("PID\r", "PID-2", "PID||V\r"),
        (
            "PID|1||a^b~c&\\X41\\^|x|\r",
            "PID-3[2].1.1",
            "PID|1||a^b~V&\\X41\\^|x|\r",
        ),
        ("PID|1||a\r", "PID-3[3].2.2", "PID|1||a~~^&V\r"),
        ("PID|1||a~b\r", "PID-3", "PID|1||V\r"),
        ("PID|1||a~b\r", "PID-3.1", "PID|1||V~b\r"),
        ("PID|1||a~b\r", "PID-3[*].2", "PID|1||a^V~b^V\r"),
        (
            "OBX|1\rNTE|1\rOBX|2\r",
            "OBX[*]-3",
            "OBX|1||V\rNTE|1\rOBX|2||V\r",
        ),
        ("OBX|1\rOBX|2\r", "OBX[2]-1", "OBX|1\rOBX|V\r"),
    ] {
        let mut draft = draft(before);
        draft.set_raw(&path(at), b"V").unwrap();
        assert_eq!(written(&draft), after, "{at}");
        assert_eq!(
            draft
                .first(&path(&at.replace("[*]", "")))
                .map(|v| v.ends_with(b"V")),
            Some(true)
        );
    }
}

#[test]
fn a_text_comes_back_as_the_same_text_and_cannot_make_structure() {
    for hostile in [
        "a|b^c~d&e\\f#",
        "x\rZZZ|1\r",
        "x\nZZZ|1",
        "\u{1c}\r\u{b}MSH|",
        "\"\"",
        "Größe",
        "",
    ] {
        let mut draft = draft("PID|1||7\rPV1|1\r");
        draft.set_text(&path("PID-3.4.2"), hostile).unwrap();
        let again = Message::parse(draft.write()).unwrap();
        assert_eq!(again.count(), 3);
        assert_eq!(again.text(&path("PID-3.4.2")).unwrap(), hostile);
        assert_eq!(again.first(&path("PV1-1")), Some(&b"1"[..]));
        if !hostile.is_empty() {
            assert!(matches!(
                again.value(&path("PID-3.4.2")),
                crate::hl7::Value::Populated(_)
            ));
        }
    }
}

#[test]
fn raw_values_that_would_end_a_segment_or_a_frame_are_refused() {
    let mut cr = draft("PID|1\rPV1|1\r");
    for value in [&b"a\rb"[..], b"\x0B", b"\x1C"] {
        let error = cr.set_raw(&path("PID-3"), value).unwrap_err();
        assert!(matches!(error, EditError::Terminator { .. }));
    }
    cr.set_raw(&path("PID-3"), b"a\nb").unwrap();
    assert_eq!(Message::parse(cr.write()).unwrap().count(), 3);
    // One CR would make every LF of an LF message data; one LF would make two segments of a single one.
    for text in [format!("{HEADER}\nPID|1\n"), HEADER.to_owned()] {
        let mut draft = Draft::of(&Message::parse(text).unwrap());
        for value in [&b"a\rb"[..], b"a\nb"] {
            assert!(draft.set_raw(&path("MSH-10"), value).is_err());
        }
        assert!(!draft.is_changed());
    }
}

#[test]
fn text_that_cannot_be_said_in_the_message_is_refused_and_never_replaced() {
    let text = format!("{HEADER}||||||8859/1\rPID|1\r");
    let mut latin = Draft::of(&Message::parse(text).unwrap());
    let unwritable = Err(EditError::Unwritable {
        path: path("PID-5"),
    });
    assert_eq!(latin.set_text(&path("PID-5"), "Łódź"), unwritable);
    assert_eq!(latin.set_text(&path("PID-5"), "a\u{FFFD}"), unwritable);
    latin.set_text(&path("PID-5"), "Grün").unwrap();
    assert_eq!(latin.first(&path("PID-5")), Some(&b"Gr\xFCn"[..]));
    let bare = Message::parse("MSH|^|A\rPID|1\r").unwrap();
    assert_eq!(Draft::of(&bare).set_text(&path("PID-5"), "a^b"), unwritable);
}

#[test]
fn clearing_empties_what_is_there_and_creates_nothing() {
    let mut draft = draft("OBX|1||A^b\rOBX|2\rOBX|3||C|d\r");
    assert_eq!(draft.clear(&path("OBX[*]-3")).unwrap(), 2);
    assert_eq!(written(&draft), "OBX|1||\rOBX|2\rOBX|3|||d\r");
    assert_eq!(draft.clear(&path("OBX[2]-9.4")).unwrap(), 0);
    assert_eq!(draft.clear(&path("ZZZ-1")).unwrap(), 0);
}

#[test]
fn setting_the_delete_indicator_is_not_the_same_as_clearing() {
    let mut draft = draft("PID|1||7\r");
    draft.set_raw(&path("PID-3"), b"\"\"").unwrap();
    assert_eq!(written(&draft), "PID|1||\"\"\r");
}

#[test]
fn segments_are_inserted_replaced_removed_and_msh_stays() {
    let mut draft = draft("PID|1\rPV1|1");
    draft.remove(0);
    draft.insert(0, b"EVN|A01").unwrap();
    draft.insert(99, b"ZZ1|end").unwrap();
    draft.replace(2, b"PID|2".to_vec()).unwrap();
    draft.remove(99);
    assert_eq!(written(&draft), "EVN|A01\rPID|2\rPV1|1\rZZ1|end\r");
    draft.remove(3);
    assert_eq!(written(&draft), "EVN|A01\rPID|2\rZZ1|end\r");
    assert_eq!(draft.count(), 4);
}

#[test]
fn what_is_no_segment_cannot_be_inserted() {
    for line in [
        &b""[..],
        b"pid|1",
        b"PID|1\rPV1|1",
        b"PID|\x1C",
        b"MSH|^~\\&|",
        b"BTS|1",
        b"PID^1",
    ] {
        let mut draft = draft("PID|1\r");
        assert!(draft.insert(1, line).is_err(), "{}", line.escape_ascii());
        assert!(draft.replace(1, line.to_vec()).is_err());
        assert!(!draft.is_changed());
    }
    assert!(draft("PID|1\r").replace(0, b"PID|1".to_vec()).is_err());
    assert!(draft("PID|1\r").replace(2, b"PID|1".to_vec()).is_err());
}

#[test]
fn places_that_cannot_be_edited_say_so() {
    let mut draft = draft("PID|1||a\r");
    let good = path("PID-3");
    for at in [path("MSH-1"), path("MSH-2.1")] {
        assert_eq!(
            draft.set_raw(&at, b"x"),
            Err(EditError::Header { path: at })
        );
        assert_eq!(draft.clear(&at), Err(EditError::Header { path: at }));
    }
    for at in [
        path("PID"),
        path("PID-3[4000000000]"),
        Path {
            field: Some(0),
            ..good
        },
        Path {
            component: Some(0),
            ..good
        },
        Path {
            repetition: Occurrence::Nth(0),
            ..good
        },
        Path {
            occurrence: Occurrence::Nth(0),
            ..good
        },
        Path {
            subcomponent: Some(1),
            ..good
        },
    ] {
        assert_eq!(
            draft.set_raw(&at, b"x"),
            Err(EditError::NotAPlace { path: at })
        );
    }
    let absent = path("NK1-1");
    assert_eq!(
        draft.set_raw(&absent, b"x"),
        Err(EditError::NoSegment { path: absent })
    );
    let bare = Message::parse("MSH|^|A\rPID|1\r").unwrap();
    let deep = path("PID-3[2]");
    assert_eq!(
        Draft::of(&bare).set_raw(&deep, b"x"),
        Err(EditError::NoSeparator { path: deep })
    );
    assert!(!draft.is_changed());
}

#[test]
fn writing_what_was_written_gives_the_same_bytes() {
    let mut draft = draft("PID|1||a~b|\r\rPV1|1");
    draft.set_raw(&path("PV1-3.1"), b"ICU").unwrap();
    draft.insert(2, b"PD1|x").unwrap();
    let once = draft.write();
    let again = Message::parse(once.clone()).unwrap();
    assert_eq!(Draft::of(&again).write(), once);
    assert_eq!(again.count(), draft.count());
}

#[test]
fn a_segment_is_edited_by_its_index_and_many_are_dropped_at_once() {
    let mut draft = draft("OBX|1|a\rNTE|1\rOBX|2|b\rNTE|2");
    assert_eq!(draft.set_at(3, &path("OBX-2.2"), b"c"), Ok(1));
    assert!(draft.set_at(3, &path("OBX-2"), b"c\r").is_err());
    assert!(draft.set_at(0, &path("MSH-2"), b"c").is_err());
    assert!(draft.set_at(9, &path("OBX-2"), b"c").is_err());
    draft.retain(|_, segment| segment.bytes().starts_with(b"OBX"));
    assert_eq!(written(&draft), "OBX|1|a\rOBX|2|b^c\r");
}
