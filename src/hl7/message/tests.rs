//! Messages as they come: terminators, what stands around them, lines that are no segments.

use super::*;
use crate::hl7::{Draft, Path};

const HEADER: &str = "MSH|^~\\&|LAB|MAIN|EHR|MAIN|20260101||ORU^R01|C1|P|2.5.1";

fn parse(text: impl Into<String>) -> Message {
    Message::parse(text.into()).unwrap()
}

fn read(message: &Message, path: &str) -> Option<String> {
    let path: Path = path.parse().unwrap();
    let value = message.first(&path)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn codes(message: &Message) -> Vec<&'static str> {
    message.warnings().iter().map(|w| w.code.name()).collect()
}

fn refusal(input: &'static [u8]) -> (ParseErrorKind, usize) {
    let error = Message::parse(input).unwrap_err();
    (error.kind, error.offset)
}

#[test]
fn cr_lf_and_crlf_each_end_segments_and_all_but_cr_is_reported() {
    for (end, terminator, expected) in [
        ("\r", Terminator::Cr, &[][..]),
        ("\n", Terminator::Lf, &["line_feeds"]),
        ("\r\n", Terminator::CrLf, &["line_feeds"]),
    ] {
        let message = parse(format!("{HEADER}{end}PID|1||77{end}PV1|1|I{end}"));
        assert_eq!((message.terminator(), message.count()), (terminator, 3));
        assert_eq!(read(&message, "PID-3").unwrap(), "77");
        assert_eq!(codes(&message), expected);
    }
}

#[test]
fn an_lf_inside_a_field_stays_data_where_cr_ends_segments() {
    let message = parse(format!("{HEADER}\rOBX|1|TX|||one\ntwo\n\rOBX|2|TX|||x\r"));
    assert_eq!(message.count(), 3);
    assert_eq!(read(&message, "OBX-5").unwrap(), "one\ntwo\n");
}

#[test]
fn one_lf_behind_a_cr_belongs_to_it_even_where_the_others_have_none() {
    let message = parse(format!("{HEADER}\rPID|1\r\nPV1|1\r\n\nNTE|1\r"));
    assert_eq!(message.count(), 4);
    assert_eq!(read(&message, "PV1-1").unwrap(), "1");
    let last = message.at(3).unwrap();
    assert_eq!((last.bytes(), last.name()), (&b"\nNTE|1"[..], None));
    assert_eq!(codes(&message), ["not_a_segment", "line_feed_in_segment"]);
}

#[test]
fn a_missing_last_terminator_and_many_of_them_make_no_segment() {
    for end in ["", "\r", "\r\r\r", "\r\n\r\n"] {
        let message = parse(format!("{HEADER}\rPID|1{end}"));
        assert_eq!((message.count(), codes(&message)), (2, vec![]), "{end:?}");
    }
}

#[test]
fn a_blank_line_ends_nothing_and_is_kept() {
    let text = format!("{HEADER}\r\r\rPID|1\r");
    let message = parse(text.clone());
    assert_eq!((message.count(), codes(&message)), (2, vec!["blank_line"]));
    assert_eq!(message.warnings()[0].offset, HEADER.len() + 1);
    assert_eq!(Draft::of(&message).write(), text);
}

#[test]
fn what_stands_around_a_message_is_left_out_and_reported_with_its_place() {
    let message = parse(format!("\u{FEFF}\u{B} {HEADER}\rPID|1\r\u{1C}\r"));
    assert_eq!(message.raw(), &format!("{HEADER}\rPID|1\r"));
    let found: Vec<_> = message
        .warnings()
        .iter()
        .map(|w| (w.code.name(), w.offset))
        .collect();
    let end = 5 + HEADER.len() + 7;
    assert_eq!(
        found,
        [
            ("byte_order_mark", 0),
            ("stray_framing", 3),
            ("leading_blank", 4),
            ("stray_framing", end)
        ]
    );
}

#[test]
fn warnings_come_in_the_order_of_their_places() {
    let message = parse(format!("{HEADER}\n???\n\nPID|1\n\u{1C}\n"));
    let offsets: Vec<_> = message.warnings().iter().map(|w| w.offset).collect();
    assert_eq!(
        codes(&message),
        ["line_feeds", "not_a_segment", "blank_line", "stray_framing"]
    );
    assert!(offsets.is_sorted());
}

#[test]
fn z_segments_and_unknown_ones_are_carried_and_addressable() {
    let message = parse(format!("{HEADER}\rZPI|1|a^b\rQQ9|x\r"));
    assert_eq!(read(&message, "ZPI-2.2").unwrap(), "b");
    assert_eq!(read(&message, "QQ9-1").unwrap(), "x");
    assert!(message.warnings().is_empty());
}

#[test]
fn a_bare_name_and_an_empty_segment_are_segments() {
    let message = parse(format!("{HEADER}\rPID\rPV1|||\rNK1|"));
    assert_eq!(message.count(), 4);
    assert_eq!(read(&message, "PID").unwrap(), "PID");
    assert_eq!(read(&message, "PID-1"), None);
    assert_eq!(read(&message, "PV1-3").unwrap(), "");
    assert_eq!(read(&message, "PV1-4"), None);
    assert_eq!(read(&message, "NK1-1").unwrap(), "");
}

#[test]
fn lines_that_are_no_segments_are_kept_flagged_and_end_nothing() {
    let text = format!("{HEADER}\rPI|1\rPIDX|1\rpid|1\r  wrapped text\rAC\rPID|1||7\r");
    let message = parse(text.clone());
    assert_eq!(message.count(), 7);
    assert_eq!(read(&message, "PID-3").unwrap(), "7");
    assert_eq!(codes(&message), ["not_a_segment"; 5]);
    assert_eq!(message.warnings()[0].offset, HEADER.len() + 1);
    assert_eq!(Draft::of(&message).write(), text);
}

#[test]
fn no_msh_nothing_at_all_and_too_little_are_refused_with_their_place() {
    assert_eq!(refusal(b""), (ParseErrorKind::Empty, 0));
    assert_eq!(refusal(b" \r\n\x0B\x1C\r"), (ParseErrorKind::Empty, 6));
    assert_eq!(refusal(b"\x0BPID|1\r"), (ParseErrorKind::NoHeader, 1));
    assert_eq!(refusal(b"msh|^~\\&|"), (ParseErrorKind::NoHeader, 0));
    assert_eq!(
        refusal(b"GET / HTTP/1.1\r\n"),
        (ParseErrorKind::NoHeader, 0)
    );
    assert_eq!(refusal(b"MSH"), (ParseErrorKind::HeaderTooShort, 3));
    assert_eq!(
        refusal(b"MSH|"),
        (ParseErrorKind::EncodingCharacters { count: 0 }, 4)
    );
    assert_eq!(
        refusal(b"MSH\rPID|1\r"),
        (ParseErrorKind::HeaderTooShort, 3)
    );
}

#[test]
fn utf_16_is_refused_by_its_name() {
    for input in [
        &b"\xFF\xFEM\0S\0H\0|\0"[..],
        b"M\0S\0H\0|\0",
        b"\0M\0S\0H\0|",
        b"\0\0\0M",
    ] {
        assert_eq!(refusal(input).0, ParseErrorKind::WideCharacters);
    }
}

#[test]
fn five_encoding_characters_leave_every_field_in_its_place_in_any_version() {
    let message = parse("MSH|^~\\&#|LAB|MAIN|||20260101||ADT^A01|C9|P|2.3\r");
    assert_eq!(read(&message, "MSH-2").unwrap(), "^~\\&#");
    assert_eq!(read(&message, "MSH-3").unwrap(), "LAB");
    assert_eq!(message.header().control_id(), b"C9");
    assert_eq!(message.header().trigger_event(), b"A01");
}

#[test]
fn a_custom_set_of_delimiters_holds_at_every_level() {
    let message = parse("MSH#@*!%#LAB###20260101##\rPID#1##1@a%b@@c*2@d#\r");
    assert_eq!(read(&message, "PID-3.2.2").unwrap(), "b");
    assert_eq!(read(&message, "PID-3[2].2").unwrap(), "d");
    assert_eq!(read(&message, "MSH-1").unwrap(), "#");
}

#[test]
fn a_separator_that_was_not_declared_cuts_nothing() {
    let message = parse("MSH|^|LAB\rPID|1||a~b^c&d\\T\\\r");
    assert_eq!(read(&message, "MSH-3").unwrap(), "LAB");
    assert_eq!(read(&message, "PID-3.1").unwrap(), "a~b");
    assert_eq!(read(&message, "PID-3.2.1").unwrap(), "c&d\\T\\");
    assert_eq!(read(&message, "PID-3[2]"), None);
}

#[test]
fn msh_1_and_2_are_fields_and_are_never_cut_nor_decoded() {
    let message = parse(format!("{HEADER}\r"));
    for (path, value) in [
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
        ("MSH-2.1", "^~\\&"),
        ("MSH-2[1].1.1", "^~\\&"),
        ("MSH-3", "LAB"),
    ] {
        assert_eq!(read(&message, path).unwrap(), value, "{path}");
    }
    assert_eq!(read(&message, "MSH-2.2"), None);
}

#[test]
fn a_field_of_a_megabyte_and_thousands_of_segments_read_like_any_other() {
    let large = "QUJD".repeat(262_144);
    let message = parse(format!("{HEADER}\rOBX|1|ED|||^^^Base64^{large}\r"));
    assert_eq!(read(&message, "OBX-5.5").unwrap().len(), 1_048_576);
    let many = "OBX|1|NM|||7\r".repeat(20_000);
    let message = parse(format!("{HEADER}\r{many}"));
    assert_eq!(message.count(), 20_001);
    assert_eq!(read(&message, "OBX[20000]-5").unwrap(), "7");
}

#[test]
fn a_message_of_mere_garbage_lines_keeps_a_bounded_number_of_warnings() {
    let message = parse(format!("{HEADER}\r{}", "?\r".repeat(100_000)));
    assert_eq!(message.count(), 100_001);
    assert_eq!(message.warnings().len(), MOST_WARNINGS);
}

#[test]
fn printing_a_message_shows_its_shape_and_none_of_its_content() {
    let message = parse(format!("{HEADER}\rPID|1||77||ROE^RICHARD\r"));
    let shown = format!("{message:?} {:?} {:?}", message.header(), message.at(1));
    assert!(
        shown.starts_with("Message(ORU^R01, 2 segments, "),
        "{shown}"
    );
    assert!(!shown.contains("ROE") && !shown.contains("C1"), "{shown}");
}

#[test]
fn unlabelled_text_is_utf_8_if_it_can_be_and_else_windows_1252() {
    let path: Path = "PID-5".parse().unwrap();
    let utf8 = parse(format!("{HEADER}\rPID|||||Gr\u{fc}n\r"));
    assert_eq!(utf8.text(&path).unwrap(), "Gr\u{fc}n");
    let latin = [HEADER.as_bytes(), b"\rPID|||||Gr\xFCn\r"].concat();
    let latin = Message::parse(latin).unwrap();
    assert_eq!(latin.text(&path).unwrap(), "Gr\u{fc}n");
    assert_eq!(latin.first(&path).unwrap(), b"Gr\xFCn", "bytes are kept");
}

#[test]
fn the_first_repetition_of_msh_18_rules_over_the_default_of_the_source() {
    let text = format!("{HEADER}||||||8859/2~UNICODE UTF-8\rPID|||||");
    let bytes = [text.as_bytes(), b"\xB1\\F\\\\.br\\\r"].concat();
    let message = Message::parse(bytes)
        .unwrap()
        .with_default_charset(Some(Charset::UTF_8));
    let path: Path = "PID-5".parse().unwrap();
    assert_eq!(message.text(&path).unwrap(), "\u{105}|\\.br\\");
    assert_eq!(message.charset().name(), "ISO-8859-2");
}

#[test]
fn japanese_switched_to_by_escape_sequences_is_read_where_ascii_comes_first() {
    for label in ["~ISO IR87", "ASCII~ISO IR87", "ISO IR87"] {
        let text = format!("{HEADER}||||||{label}\rPID|||||\u{1b}$B;3ED\u{1b}(B^x\r");
        let name: Path = "PID-5.1".parse().unwrap();
        assert_eq!(parse(text).text(&name).unwrap(), "山田", "{label}");
    }
    let other = parse(format!("{HEADER}||||||8859/2~ISO IR87\r"));
    assert_eq!(
        other.charset().name(),
        "ISO-8859-2",
        "the first repetition rules"
    );
}

#[test]
fn an_lf_before_a_segment_id_in_a_cr_message_is_data_and_reported() {
    let message = parse(format!(
        "{HEADER}\nPID|1||7\rOBX|1|TX|||a\nPV1 is text\nb\r"
    ));
    assert_eq!(message.count(), 2);
    assert_eq!(codes(&message), ["line_feed_in_segment"]);
    assert_eq!(message.warnings()[0].offset, HEADER.len());
}
