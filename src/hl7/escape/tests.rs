//! Escapes, both ways.

use super::*;

const STANDARD: Delimiters = Delimiters::STANDARD;

fn decoded(value: &str) -> String {
    String::from_utf8(decode(value.as_bytes(), &STANDARD).into_owned()).unwrap()
}

fn shown(value: &str) -> String {
    String::from_utf8(plain_text(value.as_bytes(), &STANDARD).into_owned()).unwrap()
}

#[test]
fn the_five_delimiters_and_the_truncation_character_are_decoded() {
    assert_eq!(decoded(r"a\F\b\S\c\T\d\R\e\E\f"), r"a|b^c&d~e\f");
    assert_eq!(decoded(r"cut\P\"), "cut#");
    let declared = Delimiters {
        truncation: Some(b'*'),
        ..STANDARD
    };
    assert_eq!(*decode(br"cut\P\", &declared), *b"cut*");
}

#[test]
fn a_custom_escape_character_is_used_and_the_usual_one_is_data() {
    let custom = Delimiters {
        field: b'#',
        component: Some(b'@'),
        escape: Some(b'!'),
        ..STANDARD
    };
    assert_eq!(*decode(br"a!F!b!S!c!E!\F\", &custom), *br"a#b@c!\F\");
    assert_eq!(*encode(br"a#b@c!\F\", &custom), *br"a!F!b!S!c!E!\F\");
}

#[test]
fn hexadecimal_of_any_length_is_decoded_and_what_is_none_is_kept() {
    assert_eq!(decoded(r"\X41\\X0d\\X4A4b4C\"), "A\rJKL");
    let long = format!(r"\X{}\", "42".repeat(1000));
    assert_eq!(decoded(&long), "B".repeat(1000));
    for kept in [r"\X\", r"\X4\", r"\X414\", r"\XZZ\", r"\X 41\", r"\x41\"] {
        assert_eq!(decoded(kept), kept);
    }
    assert_eq!(
        decoded(r"\X4\F\"),
        r"\X4\F\",
        "the odd one ends where it ends"
    );
}

#[test]
fn formatting_and_other_character_sets_are_kept_in_the_value() {
    for kept in [
        r"\H\bold\N\",
        r"a\.br\b",
        r"\.sp3\",
        r"\.in+4\",
        r"\.ti-2\",
        r"\.ce\",
        r"\C2842\",
        r"\M3A4B\",
        r"\M3A4B5C\",
        r"\Z01\",
    ] {
        assert_eq!(decoded(kept), kept);
        assert_eq!(first_fault(kept.as_bytes(), &STANDARD), None, "{kept}");
    }
}

#[test]
fn people_see_line_breaks_and_no_commands() {
    assert_eq!(
        shown(r"\H\one\N\\.br\two\.sp2\three\.sk3\four\.in4\\F\"),
        "one\ntwo\n\nthree   four|"
    );
    assert_eq!(
        shown(r"a\.sp99999999999999999999\b\.sp9999\").len(),
        2 + 1 + MOST_BLANKS
    );
    assert_eq!(shown(r"\C2842\\Z9\"), r"\C2842\\Z9\");
}

#[test]
fn unknown_unterminated_and_lone_escape_characters_are_kept_and_flagged() {
    for (kept, fault) in [
        (r"C:\x", 2),
        (r"C:\dir\x", 2),
        (r"\", 0),
        (r"\\", 0),
        (r"\Q\", 0),
        (r"end\F", 3),
        ("\\\u{e9}\\", 0),
        (r"\C12\", 0),
        (r"\.\", 0),
        (r"\.b\", 0),
    ] {
        assert_eq!(decoded(kept), kept);
        assert_eq!(
            first_fault(kept.as_bytes(), &STANDARD),
            Some(fault),
            "{kept}"
        );
    }
    assert_eq!(
        decoded(r"C:\dir\T\x"),
        r"C:\dir&x",
        "what follows a lone one may be a sequence"
    );
    assert_eq!(first_fault(br"\F\\E\C:\x", &STANDARD), Some(8));
    assert_eq!(first_fault(b"plain", &STANDARD), None);
}

#[test]
fn decoding_happens_once() {
    assert_eq!(decoded(r"\E\F\E\"), r"\F\");
    assert_eq!(decoded(r"\X5C\F\X5C\"), r"\F\");
}

#[test]
fn what_has_nothing_to_decode_or_encode_is_not_copied() {
    assert!(matches!(decode(b"M\xFCller", &STANDARD), Cow::Borrowed(_)));
    assert!(matches!(
        encode(b"M\xFCller #1", &STANDARD),
        Cow::Borrowed(_)
    ));
    let none = Delimiters {
        escape: None,
        ..STANDARD
    };
    assert!(matches!(decode(br"\F\", &none), Cow::Borrowed(_)));
}

#[test]
fn encoding_leaves_nothing_that_could_separate_end_or_delete() {
    let hostile = b"|^~\\&\r\n\x0B\x1C\x00\x7F";
    let encoded = encode(hostile, &STANDARD);
    let expected = br"\F\\S\\R\\E\\T\\X0D\\X0A\\X0B\\X1C\\X00\\X7F\";
    assert_eq!(*encoded, *expected);
    assert_eq!(*decode(&encoded, &STANDARD), *hostile);
    assert_eq!(*encode(b"\"\"", &STANDARD), *br"\X2222\");
    assert_eq!(*encode(b"a\"\"", &STANDARD), *b"a\"\"");
    let truncation = Delimiters {
        truncation: Some(b'#'),
        ..STANDARD
    };
    assert_eq!(*encode(b"#", &truncation), *br"\P\");
}

#[test]
fn without_an_escape_character_what_would_separate_becomes_a_blank_or_is_refused() {
    let none = Delimiters {
        escape: None,
        subcomponent: None,
        ..STANDARD
    };
    assert_eq!(*encode(b"a|b^c\rd&e", &none), *b"a b c d&e");
    assert_eq!(encode_exact(b"a|b", &none), None);
    assert_eq!(encode_exact(b"\"\"", &none), None);
    assert_eq!(encode_exact(b"a&b", &none).unwrap(), &b"a&b"[..]);
}
