//! What must hold for any bytes whatever: the bodies of the fuzz targets and of the property tests.

use bytes::Bytes;

use super::timestamp;
use super::{Draft, Message, Path, Segments, acknowledgment, batch, charset, escape};

/// Reads, splits, rewrites and answers `data` as a message.
///
/// # Panics
/// Where a promise of this module does not hold.
pub fn fuzz_message(data: &[u8]) {
    let split = batch::split(data);
    let mut behind = 0;
    for range in &split.messages {
        assert!(behind <= range.start && range.start < range.end && range.end <= data.len());
        behind = range.end;
        assert!(
            data.get(range.clone())
                .is_some_and(|m| m.starts_with(b"MSH"))
        );
    }
    let Ok(message) = Message::parse(Bytes::copy_from_slice(data)) else {
        return;
    };
    let raw = message.raw();
    assert!(
        memchr::memmem::find(data, raw).is_some(),
        "nothing is made up"
    );
    check_segments(&message);
    let draft = Draft::of(&message);
    assert_eq!(draft.write(), raw, "unchanged is byte for byte");
    let control_id = Path::field(*b"MSH", 10);
    let mut edited = draft.clone();
    let old = message.first(&control_id).map(<[u8]>::to_vec);
    if let Some(old) = old.filter(|old| edited.set_raw(&control_id, old).is_ok()) {
        assert_eq!(
            edited.write(),
            raw,
            "put together again: {} bytes",
            old.len()
        );
    }
    check_hostile_text(&message);
    let at = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    let reply = acknowledgment::Reply {
        code: acknowledgment::Code::ApplicationError,
        text: "text",
        faults: &[acknowledgment::Refusal::Version.into()],
        control_id: "OWN",
        at: &at,
    };
    let answer = acknowledgment::build(&message, &reply);
    let answer = Message::parse(answer).ok();
    assert_eq!(
        answer.map(|answer| answer.count()),
        Some(3),
        "MSH, MSA, ERR"
    );
}

/// Every segment is where it is said to be, and reading never fails.
fn check_segments(message: &Message) {
    for (_, segment) in message.iter().take(50) {
        for number in 0..=segment.field_count().min(30) + 1 {
            for value in segment.repetitions(number).take(5) {
                let said = escape::decode(value, message.delimiters());
                let encoded = escape::encode_exact(&said, message.delimiters());
                if let Some(encoded) = encoded {
                    assert_eq!(escape::decode(&encoded, message.delimiters()), said);
                }
                let _shown = escape::plain_text(value, message.delimiters());
                let _text = message.text_of(value);
                if let Ok(timestamp) = timestamp::parse(value) {
                    assert!(timestamp::parse(timestamp.to_string().as_bytes()) == Ok(timestamp));
                }
            }
        }
    }
    let header = message.header();
    let _resolved = charset::resolve(header.character_set(), None, message.raw());
    let _is = acknowledgment::is_acknowledgment(message);
}

/// A value full of everything that means something, put into the last field, changes nothing but that.
fn check_hostile_text(message: &Message) {
    let Some((index, name)) = message
        .iter()
        .filter_map(|(index, segment)| Some((index, segment.name()?)))
        .last()
    else {
        return;
    };
    let nth = message
        .named(name)
        .take_while(|(at, _)| *at <= index)
        .count();
    let mut path = Path::field(*name.bytes(), 4);
    path.occurrence = super::Occurrence::Nth(u32::try_from(nth).unwrap_or(1));
    let hostile = "a|b^c~d\\e&f#\r\nZZZ|1\u{b}\u{1c}\rMSH|^~\\&|!\"$%@*";
    let mut draft = Draft::of(message);
    if draft.set_text(&path, hostile).is_err() {
        return;
    }
    let Ok(again) = Message::parse(draft.write()) else {
        unreachable!("what was a message is one still");
    };
    assert_eq!(again.count(), message.count());
    assert_eq!(again.text(&path).as_deref(), Some(hostile));
}

/// Reads `data` as a path; one that can be read prints and reads the same, and can be used on any message.
///
/// # Panics
/// Where a promise of this module does not hold.
pub fn fuzz_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<Path>() {
        Err(error) => assert!(text.is_char_boundary(error.offset), "{error}"),
        Ok(path) => {
            assert!(path.to_string().parse() == Ok(path));
            let sample: &[u8] = b"MSH|^~\\&|A\rPID|1||a&b^c~d\rOBX|1\rOBX|2||x";
            let Ok(message) = Message::parse(sample) else {
                return;
            };
            let nowhere = message.first(&path).is_none();
            assert!(path.is_wild() || nowhere == message.all(&path).is_empty());
        }
    }
}
