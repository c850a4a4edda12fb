//! What reading a message costs in memory.

use allocation_counter::measure;
use bytes::Bytes;

use crate::hl7::{Message, Path, Segments};

fn result_message(observations: usize) -> Bytes {
    let mut text = String::from(
        "MSH|^~\\&|LAB|MAIN|EHR|MAIN|20260101||ORU^R01|C1|P|2.5.1\rPID|1||77^^^MAIN^MR\r",
    );
    let result = "OBX|1|NM|718-7^Hemoglobin^LN||13.2|g/dL|12-16|N|||F\r";
    text.push_str(&result.repeat(observations));
    Bytes::from(text)
}

#[test]
fn a_message_and_six_reads_take_at_most_three_allocations() {
    let paths = [
        "MSH-9.1",
        "MSH-9.2",
        "MSH-10",
        "PID-3.1",
        "OBX-3.1",
        "OBX[40]-5",
    ];
    let paths: Vec<Path> = paths.iter().map(|path| path.parse().unwrap()).collect();
    let raw = result_message(40);
    let info = measure(|| {
        let message = Message::parse(raw.clone()).unwrap();
        for path in &paths {
            assert!(message.text(path).is_some_and(|text| !text.is_empty()));
        }
    });
    assert!(info.count_total <= 3, "{} allocations", info.count_total);
}

#[test]
fn memory_stays_below_eight_bytes_a_separator_even_for_hostile_messages() {
    let head = "MSH|^~\\&|A||||1||ADT^A01|1|P|2.5\r";
    for filler in ["|", "~", "^", "\\", "\r", "?\r", "PID\r", "\u{b}", "\r\n"] {
        let text = head.to_owned() + &filler.repeat(500_000);
        let separators = text
            .bytes()
            .filter(|b| b.is_ascii_punctuation() || *b == b'\r')
            .count();
        let raw = Bytes::from(text);
        let info = measure(|| drop(Message::parse(raw.clone()).unwrap()));
        // A growing list is there twice for a moment.
        let allowed = 16 * separators as u64 + 16_384;
        assert!(
            info.bytes_max <= allowed,
            "{filler:?}: {} bytes",
            info.bytes_max
        );
    }
}
