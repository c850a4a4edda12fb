//! What holds for all of this module together: properties, other people's messages, another parser's opinion.

mod allocations;
mod corpus;
mod oracle;
mod properties;

use proptest::prelude::*;

/// Bytes that look like a message: a header with some delimiters, and lines made of what matters.
fn likely_message() -> impl Strategy<Value = Vec<u8>> {
    let header = prop::sample::select(vec![
        "MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5",
        "MSH|^~\\&#|A|B|C|D|2026||ADT^A01|1|P|2.3.1||||||8859/1",
        "MSH#@*!%#A#B#C#D#2026##ADT@A01#1#P#2.5",
        "MSH|^~|A",
        "MSH|^",
        "\u{b}MSH|^~\\&|A|B|C|D|2026||ORU^R01|\\E\\|P|2.2|||AL|AL||ISO IR87",
    ]);
    let end = prop::sample::select(vec!["\r", "\n", "\r\n"]);
    let piece = prop::sample::select(vec![
        "PID",
        "OBX",
        "Z1",
        "BTS",
        "FHS|^~\\&",
        "MSH|^~\\&",
        "|",
        "^",
        "~",
        "\\",
        "&",
        "#",
        "@",
        "*",
        "!",
        "%",
        "\\F\\",
        "\\X0D\\",
        "!X41!",
        "\\.br\\",
        "\"\"",
        "\r",
        "\n",
        "\r\n",
        "\u{b}",
        "\u{1c}",
        "ü",
        "20260101",
        "x",
        " ",
    ]);
    let byte = any::<u8>().prop_map(|byte| vec![byte]);
    let piece = prop_oneof![9 => piece.prop_map(|p| p.as_bytes().to_vec()), 1 => byte];
    (header, end, prop::collection::vec(piece, 0..60)).prop_map(|(header, end, pieces)| {
        [header.as_bytes(), end.as_bytes(), &pieces.concat()].concat()
    })
}
