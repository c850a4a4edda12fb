//! The bytes of an acknowledgment.

use bytes::Bytes;
use jiff::Zoned;

use super::{Code, Fault};
use crate::hl7::build::{Builder, join};
use crate::hl7::charset::CharsetError;
use crate::hl7::message::Message;
use crate::hl7::path::{Occurrence, Path, SegmentName};
use crate::hl7::timestamp::{Precision, Timestamp};
use crate::hl7::{Charset, Delimiters};

/// The longest control ID that is taken over from a message that cannot be read (MSH-10 has 199 characters in v2.7).
const LONGEST_SCANNED_ID: usize = 199;
/// How far into something unreadable a header is looked for.
const SCANNED: usize = 4096;

/// What an acknowledgment says.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// MSA-1.
    pub code: Code,
    /// MSA-3; empty for none. Never content.
    pub text: &'a str,
    /// One ERR each, or before v2.5 one repetition of ERR-1 each.
    pub faults: &'a [Fault],
    /// MSH-10 of the acknowledgment itself.
    pub control_id: &'a str,
    /// MSH-7, and the time zone it is written in.
    pub at: &'a Zoned,
}

/// The acknowledgment for `message`: sender and receiver change places field by field, the sender's delimiters,
/// processing ID, version and character set hold, MSA-2 is MSH-10 byte for byte. It does not itself ask for
/// acknowledgments. Segments end in CR.
#[must_use]
pub fn build(message: &Message, reply: &Reply<'_>) -> Bytes {
    let header = message.header();
    let field = |number| header.segment().field(number).unwrap_or_default();
    let version = Version::read(header.version_id());
    let event = header.trigger_event();
    let event = std::str::from_utf8(event)
        .ok()
        .filter(|event| !event.is_empty() && event.bytes().all(|b| b.is_ascii_alphanumeric()));
    let kind = match event {
        Some(event) if version >= Version(2, 4) => &["ACK", event, "ACK"][..],
        _ => &["ACK"],
    };
    let resolved = message.resolved_charset();
    // A label that we refuse to follow would not be true of the acknowledgment.
    let label = match resolved.problem {
        Some(CharsetError::Wide { .. }) => &[],
        _ => field(18),
    };
    let at = Timestamp::of(reply.at, Precision::Second).to_string();
    let builder = Builder::with(*header.segment().delimiters(), resolved.charset)
        .segment(SegmentName::MSH)
        .raw(3, field(5))
        .raw(4, field(6))
        .raw(5, field(3))
        .raw(6, field(4))
        .field(7, &at)
        .components(9, kind)
        .field(10, reply.control_id)
        .raw(11, field(11))
        .raw(12, field(12))
        .raw(18, label)
        .segment(SegmentName::MSA)
        .field(1, reply.code.as_str())
        .raw(2, header.control_id())
        .field(3, reply.text);
    errors(builder, version, reply.faults).finish()
}

/// The acknowledgment for bytes without a readable MSH, in the recommended delimiters, from `application`, with the
/// control ID in MSA-2 if one can be found. `code` is a rejection, unless the bytes were cut on their way.
#[must_use]
pub fn build_unreadable(
    input: &[u8],
    application: &str,
    code: Code,
    control_id: &str,
    at: &Zoned,
) -> Bytes {
    Builder::with(Delimiters::STANDARD, Charset::ASCII)
        .segment(SegmentName::MSH)
        .field(3, application)
        .field(7, &Timestamp::of(at, Precision::Second).to_string())
        .field(9, "ACK")
        .field(10, control_id)
        .field(11, "P")
        .field(12, "2.5.1")
        .segment(SegmentName::MSA)
        .field(1, code.as_str())
        .raw(2, scan_control_id(input).unwrap_or_default())
        .finish()
}

/// The tenth field of the first line that begins like a header, if it can be repeated as it is.
fn scan_control_id(input: &[u8]) -> Option<&[u8]> {
    let input = input.get(..SCANNED).unwrap_or(input);
    let start = memchr::memmem::find(input, b"MSH")?;
    let line = input.get(start..)?;
    let line = line.split(|&byte| matches!(byte, b'\r' | b'\n')).next()?;
    let separator = line.get(3).copied().filter(u8::is_ascii_punctuation)?;
    let id = line.split(|&byte| byte == separator).nth(9)?;
    let fine =
        id.len() <= LONGEST_SCANNED_ID && !id.iter().any(|&b| b == b'|' || b.is_ascii_control());
    fine.then_some(id)
}

/// MSH-12.1 as far as it matters: 2.x. What cannot be read counts as 2.4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u8, u8);

impl Version {
    fn read(version: &[u8]) -> Self {
        let mut numbers = std::str::from_utf8(version)
            .unwrap_or_default()
            .trim()
            .split('.');
        let mut next = || numbers.next().and_then(|number| number.parse().ok());
        match (next(), next()) {
            (Some(major), minor) => Self(major, minor.unwrap_or(0)),
            (None, _) => Self(2, 4),
        }
    }
}

fn errors(mut builder: Builder, version: Version, faults: &[Fault]) -> Builder {
    if version >= Version(2, 5) {
        for fault in faults {
            let text = fault.text;
            let condition = fault.condition;
            builder = builder
                .segment(SegmentName::ERR)
                .components(
                    2,
                    &location(fault.path.as_ref()).each_ref().map(String::as_str),
                )
                .components(
                    3,
                    &[
                        condition.code(),
                        condition.text(),
                        "HL70357",
                        "",
                        "",
                        "",
                        "",
                        "",
                        text,
                    ],
                )
                .field(4, "E");
        }
        return builder;
    }
    if faults.is_empty() {
        return builder;
    }
    let delimiters = *builder.delimiters();
    let each: Vec<Vec<u8>> = faults
        .iter()
        .map(|fault| location_and_code(&builder, fault))
        .collect();
    let value = join(&each, delimiters.repetition);
    builder.segment(SegmentName::ERR).raw(1, &value)
}

/// ERR-2 (ERL): segment ID, which of them, field, which repetition, component, subcomponent.
fn location(path: Option<&Path>) -> [String; 6] {
    let Some(path) = path else {
        return Default::default();
    };
    let nth = |occurrence| match occurrence {
        Occurrence::Nth(n) => n.to_string(),
        Occurrence::Unsaid | Occurrence::All => "1".into(),
    };
    let number = |number: Option<u16>| number.map_or_else(String::new, |n| n.to_string());
    let repetition = path
        .field
        .map_or_else(String::new, |_| nth(path.repetition));
    [
        path.segment.to_string(),
        nth(path.occurrence),
        number(path.field),
        repetition,
        number(path.component),
        number(path.subcomponent),
    ]
}

/// ERR-1 (ELD) before v2.5: segment ID, which of them, field, and the code with its texts as subcomponents.
fn location_and_code(builder: &Builder, fault: &Fault) -> Vec<u8> {
    let condition = fault.condition;
    let texts = [
        condition.code(),
        condition.text(),
        "HL70357",
        "",
        fault.text,
    ];
    let code = join(
        &texts.map(|text| builder.encoded(text)),
        builder.delimiters().subcomponent,
    );
    let [segment, _, field, ..] = location(fault.path.as_ref());
    let occurrence = match fault.path.map(|path| path.occurrence) {
        Some(Occurrence::Nth(n)) => n.to_string(),
        _ => String::new(),
    };
    let [segment, occurrence, field] = [segment, occurrence, field].map(String::into_bytes);
    join(
        &[segment, occurrence, field, code],
        builder.delimiters().component,
    )
}

impl std::fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({}, {} faults)", self.code, self.faults.len())
    }
}
