//! The message header, MSH (HL7 v2.9.1 §2.13.9): what every other part asks first.

use std::fmt;

use super::segment::{Segment, nth};

/// The MSH segment of a message. All parts are raw bytes as sent; an absent part is empty.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a>(Segment<'a>);

/// Message code and trigger event for people and logs: `ADT^A01`. Anything but capitals, digits and `_` prints as `?`,
/// so that no content can pass for a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MessageKind<'a> {
    code: &'a [u8],
    event: &'a [u8],
}

impl<'a> Header<'a> {
    pub(super) const fn new(segment: Segment<'a>) -> Self {
        Self(segment)
    }

    /// The segment itself.
    #[must_use]
    pub const fn segment(&self) -> Segment<'a> {
        self.0
    }

    fn field(&self, number: usize) -> &'a [u8] {
        self.0.field(number).unwrap_or_default()
    }

    fn part(&self, number: usize, component: usize) -> &'a [u8] {
        // The segment's own delimiters hold; MSH-9, 11, 12 and 18 are cut at component level only.
        let value = self.0.repetitions(number).next().unwrap_or_default();
        nth(value, self.0.delimiters().component, component).unwrap_or_default()
    }

    /// MSH-3, all components.
    #[must_use]
    pub fn sending_application(&self) -> &'a [u8] {
        self.field(3)
    }

    /// MSH-4, all components.
    #[must_use]
    pub fn sending_facility(&self) -> &'a [u8] {
        self.field(4)
    }

    /// MSH-5, all components.
    #[must_use]
    pub fn receiving_application(&self) -> &'a [u8] {
        self.field(5)
    }

    /// MSH-6, all components.
    #[must_use]
    pub fn receiving_facility(&self) -> &'a [u8] {
        self.field(6)
    }

    /// MSH-9.1: `ADT`.
    #[must_use]
    pub fn message_code(&self) -> &'a [u8] {
        self.part(9, 1)
    }

    /// MSH-9.2: `A01`.
    #[must_use]
    pub fn trigger_event(&self) -> &'a [u8] {
        self.part(9, 2)
    }

    /// MSH-9.3: `ADT_A01`; empty in old versions.
    #[must_use]
    pub fn message_structure(&self) -> &'a [u8] {
        self.part(9, 3)
    }

    /// Message code and trigger event, safe to print.
    #[must_use]
    pub fn kind(&self) -> MessageKind<'a> {
        MessageKind {
            code: self.message_code(),
            event: self.trigger_event(),
        }
    }

    /// MSH-10, byte for byte: it may hold anything, patient numbers included, so it is never logged.
    #[must_use]
    pub fn control_id(&self) -> &'a [u8] {
        self.field(10)
    }

    /// MSH-11.1: `P`, `T` or `D`.
    #[must_use]
    pub fn processing_id(&self) -> &'a [u8] {
        self.part(11, 1)
    }

    /// MSH-12.1: `2.5.1`.
    #[must_use]
    pub fn version_id(&self) -> &'a [u8] {
        self.part(12, 1)
    }

    /// MSH-15, accept acknowledgment type.
    #[must_use]
    pub fn accept_acknowledgment_type(&self) -> &'a [u8] {
        self.field(15)
    }

    /// MSH-16, application acknowledgment type.
    #[must_use]
    pub fn application_acknowledgment_type(&self) -> &'a [u8] {
        self.field(16)
    }

    /// The first repetition of MSH-18: the label of the character set.
    #[must_use]
    pub fn character_set(&self) -> &'a [u8] {
        self.part(18, 1)
    }
}

impl fmt::Display for MessageKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_id(self.code, f)?;
        if !self.event.is_empty() {
            f.write_str("^")?;
            print_id(self.event, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for MessageKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn print_id(id: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    id.iter().take(8).try_for_each(|&byte| {
        let fine = byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        write!(f, "{}", if fine { char::from(byte) } else { '?' })
    })
}

#[cfg(test)]
mod tests {
    use crate::hl7::Message;

    #[test]
    fn the_header_gives_its_parts_and_empty_ones_where_there_are_none() {
        let text = "MSH|^~\\&|A^1|B|C|D|2026||ADT^A01^ADT_A01|ID 1|T^A|2.5.1^USA|||AL|NE||8859/1~x";
        let message = Message::parse(text).unwrap();
        let header = message.header();
        assert_eq!(header.sending_application(), b"A^1");
        assert_eq!(
            (header.receiving_application(), header.receiving_facility()),
            (&b"C"[..], &b"D"[..])
        );
        assert_eq!(
            (header.message_code(), header.trigger_event()),
            (&b"ADT"[..], &b"A01"[..])
        );
        assert_eq!(header.message_structure(), b"ADT_A01");
        assert_eq!(
            (header.control_id(), header.processing_id()),
            (&b"ID 1"[..], &b"T"[..])
        );
        assert_eq!(
            (header.version_id(), header.character_set()),
            (&b"2.5.1"[..], &b"8859/1"[..])
        );
        assert_eq!(header.accept_acknowledgment_type(), b"AL");
        assert_eq!(header.application_acknowledgment_type(), b"NE");
        let short = Message::parse("MSH|^~\\&|A").unwrap();
        assert_eq!(
            (short.header().control_id(), short.header().version_id()),
            (&b""[..], &b""[..])
        );
    }

    #[test]
    fn content_in_the_place_of_a_message_type_is_not_printed() {
        let message = Message::parse("MSH|^~\\&|A|B|C|D|2026||Roe Richard^a-1\r").unwrap();
        let kind = message.header().kind();
        assert_eq!(format!("{kind} {kind:?}"), "R???R???^??1 R???R???^??1");
    }
}
