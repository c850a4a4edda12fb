//! Messages of ours.

use super::*;
use crate::hl7::{Message, Path, Segments};

fn zoned() -> Zoned {
    "2026-11-22T07:14:59-06:00[-06:00]".parse().unwrap()
}

fn header(at: &Zoned) -> NewHeader<'_> {
    NewHeader {
        sending_application: "WARD|WIRE",
        sending_facility: "MAIN",
        receiving_application: "HIS",
        receiving_facility: "",
        at,
        kind: &["QRY", "A19", ""],
        control_id: "00000000010000000001",
        processing_id: "P",
        version: "2.3",
    }
}

#[test]
fn a_header_of_ours_names_us_and_is_escaped() {
    let at = zoned();
    let bytes = Builder::new(&header(&at)).finish();
    let expected = "MSH|^~\\&|WARD\\F\\WIRE|MAIN|HIS||20261122071459-0600||QRY^A19|00000000010000000001|P|2.3||||||UNICODE UTF-8\r";
    assert_eq!(bytes, expected);
}

#[test]
fn fields_go_where_they_are_put_and_empty_ones_at_the_end_are_left_out() {
    let at = zoned();
    let bytes = Builder::new(&header(&at))
        .segment("QRD".parse().unwrap())
        .field(4, "Q\r1")
        .field(1, "x")
        .components(8, &["", "ROE & CO", "", ""])
        .field(9, "")
        .field(0, "nowhere")
        .raw(10, b"a^b\rZZZ|")
        .segment("ZZ1".parse().unwrap())
        .finish();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (_, rest) = text.split_once('\r').unwrap();
    assert_eq!(rest, "QRD|x|||Q\\X0D\\1||||^ROE \\T\\ CO||a^bZZZ|\rZZ1\r");
}

#[test]
fn no_value_can_make_structure_in_any_delimiters() {
    for delimiters in ["|^~\\&|", "#@*!%#", "|^~\\&#|", "|^~|", "|^|"] {
        let declared = format!("MSH{delimiters}");
        let message = Message::parse(declared).unwrap();
        let hostile = "a|b^c~d\\e&f#g@h*i!j%k\r\n\u{b}\u{1c}\u{0}Ł";
        let bytes = Builder::with(*message.delimiters(), Charset::UTF_8)
            .segment(SegmentName::MSH)
            .field(10, hostile)
            .segment(SegmentName::MSA)
            .components(1, &[hostile, hostile])
            .finish();
        let built = Message::parse(bytes).unwrap();
        assert_eq!((built.count(), built.warnings().len()), (2, 0));
        let path: Path = "MSA-1.1".parse().unwrap();
        if message.delimiters().escape.is_some() {
            assert_eq!(built.text(&path).unwrap(), hostile, "{delimiters}");
        }
    }
}
