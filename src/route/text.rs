//! Raw bytes of a message as text, and text as raw bytes for it.

use std::borrow::Cow;

use super::step::StepErrorKind;
use crate::condition;
use crate::hl7::{Delimiters, Message, Segments, escape};

/// The character set and the escapes of the message that steps work on: those it came with. An edit of MSH-18 changes
/// what the label says, not what the bytes are.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(&'a Message);

impl<'a> Text<'a> {
    pub(super) const fn of(message: &'a Message) -> Self {
        Self(message)
    }

    pub(super) fn delimiters(self) -> &'a Delimiters {
        self.0.delimiters()
    }

    pub(super) fn decode(self, raw: &[u8]) -> Cow<'_, str> {
        condition::decode(self.0, raw)
    }

    /// Text as a raw value: escaped, then in the message's character set.
    ///
    /// It is escaped first, because in some character sets a byte of a letter looks like a delimiter; where such a
    /// letter comes out, it is refused, since nobody could read the field again.
    pub(super) fn encode(self, text: &str) -> Result<Vec<u8>, StepErrorKind> {
        let delimiters = self.delimiters();
        let escaped = escape::encode_exact(text.as_bytes(), delimiters);
        let escaped = escaped.ok_or(StepErrorKind::Unescapable)?;
        if escaped.is_ascii() {
            return Ok(escaped.into_owned());
        }
        let escaped = String::from_utf8(escaped.into_owned());
        let escaped = escaped.map_err(|_| StepErrorKind::Unencodable)?;
        let encoded = self.0.charset().encode(&escaped);
        let encoded = encoded.map_err(|_| StepErrorKind::Unencodable)?;
        let special = |bytes: &[u8]| bytes.iter().filter(|&&b| delimiters.contains(b)).count();
        if special(&encoded) != special(escaped.as_bytes()) {
            return Err(StepErrorKind::Unencodable);
        }
        Ok(encoded.into_owned())
    }
}
