//! Labels and letters.

use super::*;

fn named(label: &str) -> &'static str {
    Charset::of_label(label.as_bytes()).unwrap().name()
}

#[test]
fn every_label_of_table_0211_and_its_usual_spellings_are_known() {
    for (label, name) in [
        ("ASCII", "ASCII"),
        ("UNICODE UTF-8", "UTF-8"),
        ("UNICODE", "UTF-8"),
        ("UTF-8", "UTF-8"),
        ("utf8", "UTF-8"),
        ("8859/1", "windows-1252"),
        ("ISO-8859-1", "windows-1252"),
        ("ISO8859/1", "windows-1252"),
        ("8859/2", "ISO-8859-2"),
        ("8859/3", "ISO-8859-3"),
        ("8859/4", "ISO-8859-4"),
        ("8859/5", "ISO-8859-5"),
        ("8859/6", "ISO-8859-6"),
        ("8859/7", "ISO-8859-7"),
        ("8859/8", "ISO-8859-8"),
        ("8859/9", "windows-1254"),
        ("8859/15", "ISO-8859-15"),
        ("ISO IR6", "ASCII"),
        ("ISO IR14", "ISO-2022-JP"),
        ("ISO IR87", "ISO-2022-JP"),
        ("ISO IR159", "ISO-2022-JP"),
        ("GB 18030-2000", "gb18030"),
        ("KS X 1001", "EUC-KR"),
        ("BIG-5", "Big5"),
        ("WINDOWS-1250", "windows-1250"),
        ("CP1250", "windows-1250"),
        (" cp-1251 ", "windows-1251"),
    ] {
        assert_eq!(named(label), name, "{label}");
    }
}

#[test]
fn utf_16_and_utf_32_are_refused_with_the_reason() {
    for label in ["UNICODE UTF-16", "UTF-16LE", "UNICODE UTF-32"] {
        let error = Charset::of_label(label.as_bytes()).unwrap_err();
        assert!(matches!(error, CharsetError::Wide { .. }));
        assert!(error.to_string().contains("collide with 0B, 1C"), "{error}");
    }
}

#[test]
fn unknown_and_unsupported_labels_are_typed_errors_that_do_not_repeat_them() {
    let nonsense = "ROE RICHARD 19700101 AND MUCH MORE";
    for label in [nonsense, "8859/12", "8859", "", "\u{fc}"] {
        let error = Charset::of_label(label.as_bytes()).unwrap_err();
        assert_eq!(
            error,
            CharsetError::Unknown {
                length: label.len()
            }
        );
        assert!(!error.to_string().contains("ROE"));
    }
    let chinese = Charset::of_label(b"CNS 11643-1992").unwrap_err();
    assert!(matches!(chinese, CharsetError::Unsupported { .. }));
}

#[test]
fn the_label_rules_then_the_source_then_the_bytes() {
    let decided = |label: &[u8], source, bytes: &[u8]| {
        let resolved = resolve(label, source, bytes);
        (
            resolved.charset.name(),
            resolved.by,
            resolved.problem.is_some(),
        )
    };
    let source = Some(Charset::of_label(b"8859/2").unwrap());
    assert_eq!(
        decided(b"8859/5", source, b""),
        ("ISO-8859-5", DecidedBy::Label, false)
    );
    assert_eq!(
        decided(b"", source, b"\xFC"),
        ("ISO-8859-2", DecidedBy::Source, false)
    );
    assert_eq!(
        decided(b"nonsense", source, b""),
        ("ISO-8859-2", DecidedBy::Source, true)
    );
    assert_eq!(
        decided(b"", None, b"Gr\xC3\xBCn"),
        ("UTF-8", DecidedBy::Content, false)
    );
    assert_eq!(
        decided(b"", None, b"Gr\xFCn"),
        ("windows-1252", DecidedBy::Content, false)
    );
    assert_eq!(
        decided(b"UTF-16", None, b"x"),
        ("UTF-8", DecidedBy::Content, true)
    );
}

#[test]
fn letters_come_out_right_and_go_back_to_the_same_bytes() {
    for (label, bytes, text) in [
        ("8859/2", &b"\xA3\xF3d\xBC"[..], "Łódź"),
        ("CP1250", b"\xA3\xF3d\x9F", "Łódź"),
        ("8859/5", b"\xB8\xDA", "Ик"),
        ("8859/7", b"\xC1\xE1", "Αα"),
        ("8859/15", b"\xA4", "€"),
        ("UNICODE UTF-8", b"\xE2\x82\xAC", "€"),
        ("KS X 1001", b"\xB0\xA1", "가"),
        ("GB 18030-2000", b"\xD6\xD0", "中"),
        ("BIG-5", b"\xA4\xA4", "中"),
        ("ISO IR87", b"\x1B$B;3ED\x1B(B", "山田"),
    ] {
        let charset = Charset::of_label(label.as_bytes()).unwrap();
        assert_eq!(charset.decode(bytes), text, "{label}");
        assert_eq!(charset.decode_exact(bytes).unwrap(), text, "{label}");
        assert_eq!(*charset.encode(text).unwrap(), *bytes, "{label}");
    }
}

#[test]
fn bytes_that_say_nothing_are_shown_as_such_and_never_written_back() {
    let utf8 = Charset::UTF_8;
    assert_eq!(utf8.decode(b"Gr\xFCn"), "Gr\u{FFFD}n");
    assert_eq!(utf8.decode_exact(b"Gr\xFCn"), None);
    assert_eq!(Charset::ASCII.decode(b"Gr\xFCn"), "Grün");
    assert_eq!(Charset::ASCII.decode_exact(b"Gr\xFCn"), None);
    let error = utf8.encode("Gr\u{FFFD}n").unwrap_err();
    assert_eq!((error.position, error.charset), (2, utf8));
}

#[test]
fn text_that_a_character_set_lacks_is_refused_or_becomes_question_marks_on_request() {
    let latin = Charset::of_label(b"8859/1").unwrap();
    assert_eq!(latin.encode("Łódź").unwrap_err().position, 0);
    assert_eq!(*latin.encode_lossy("Łódź ü"), *b"?\xF3d? \xFC");
    assert_eq!(*Charset::ASCII.encode_lossy("ü"), *b"?");
    assert!(Charset::ASCII.encode("ü").is_err());
    assert!(matches!(latin.encode("plain"), Ok(Cow::Borrowed(_))));
}

#[test]
fn character_sets_whose_bytes_look_like_delimiters_say_so() {
    for (label, safe) in [
        ("UTF-8", true),
        ("8859/2", true),
        ("KS X 1001", true),
        ("ASCII", true),
        ("ISO IR87", false),
        ("GB 18030-2000", false),
        ("BIG-5", false),
    ] {
        assert_eq!(
            Charset::of_label(label.as_bytes()).unwrap().cuts_safely(),
            safe,
            "{label}"
        );
    }
}

#[test]
fn a_byte_order_mark_inside_a_value_changes_nothing() {
    assert_eq!(Charset::WINDOWS_1252.decode(b"\xEF\xBB\xBFa"), "ï»¿a");
}
