//! Building: messages that we originate, and acknowledgments.
//!
//! Values are given as text; they are encoded in the message's character set and escaped here, so that no value can
//! make a delimiter, a segment or a frame.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use jiff::Zoned;

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::escape;
use super::path::SegmentName;
use super::timestamp::{Precision, Timestamp};

/// What goes into the MSH of a message of ours. Texts are plain: not escaped.
#[derive(Clone, Copy)]
pub struct NewHeader<'a> {
    /// MSH-3.1, our name.
    pub sending_application: &'a str,
    /// MSH-4.1, our place.
    pub sending_facility: &'a str,
    /// MSH-5.1.
    pub receiving_application: &'a str,
    /// MSH-6.1.
    pub receiving_facility: &'a str,
    /// MSH-7, and the time zone it is written in.
    pub at: &'a Zoned,
    /// MSH-9: message code, trigger event, message structure; as many as the version has.
    pub kind: &'a [&'a str],
    /// MSH-10.
    pub control_id: &'a str,
    /// MSH-11: `P`, `T` or `D`.
    pub processing_id: &'a str,
    /// MSH-12.
    pub version: &'a str,
}

/// A message being built, segment by segment. Segments end in CR.
#[derive(Clone)]
pub struct Builder {
    delimiters: Delimiters,
    charset: Charset,
    finished: Vec<u8>,
    name: Option<SegmentName>,
    /// The fields of the segment in hand, from 1; those of MSH from 3 (1 and 2 stay empty here).
    fields: Vec<Vec<u8>>,
}

impl Builder {
    /// A message of ours with its header: the recommended delimiters, UTF-8 and, when anything is not ASCII, the
    /// label in MSH-18.
    #[must_use]
    pub fn new(header: &NewHeader<'_>) -> Self {
        let at = Timestamp::of(header.at, Precision::Second).to_string();
        Self::with(Delimiters::STANDARD, Charset::UTF_8)
            .segment(SegmentName::MSH)
            .field(3, header.sending_application)
            .field(4, header.sending_facility)
            .field(5, header.receiving_application)
            .field(6, header.receiving_facility)
            .field(7, &at)
            .components(9, header.kind)
            .field(10, header.control_id)
            .field(11, header.processing_id)
            .field(12, header.version)
            .field(18, "UNICODE UTF-8")
    }

    /// Nothing yet, to be written with these delimiters in this character set.
    #[must_use]
    pub const fn with(delimiters: Delimiters, charset: Charset) -> Self {
        Self {
            delimiters,
            charset,
            finished: Vec::new(),
            name: None,
            fields: Vec::new(),
        }
    }

    /// Begins the next segment. The following fields go into it.
    #[must_use]
    pub fn segment(mut self, name: SegmentName) -> Self {
        self.close();
        self.name = Some(name);
        self
    }

    /// Puts text into field `number` (from 1; nothing happens for 0, nor for MSH-1 and MSH-2, which are written by
    /// themselves). Characters that the character set lacks become `?`.
    #[must_use]
    pub fn field(self, number: u16, text: &str) -> Self {
        let value = self.encoded(text);
        self.raw(number, &value)
    }

    /// Puts components into field `number`; empty ones at the end are left out. Without a component separator, only
    /// the first is written.
    #[must_use]
    pub fn components(self, number: u16, texts: &[&str]) -> Self {
        let parts: Vec<_> = texts.iter().map(|text| self.encoded(text)).collect();
        let value = join(&parts, self.delimiters.component);
        self.raw(number, &value)
    }

    /// Puts bytes that are already escaped and encoded into field `number`; CR is left out of them.
    #[must_use]
    pub fn raw(mut self, number: u16, value: &[u8]) -> Self {
        let Some(index) = usize::from(number).checked_sub(1) else {
            return self;
        };
        if self.fields.len() <= index {
            self.fields.resize(index + 1, Vec::new());
        }
        if let Some(field) = self.fields.get_mut(index) {
            *field = value
                .iter()
                .copied()
                .filter(|&byte| byte != b'\r')
                .collect();
        }
        self
    }

    /// One text as it is written in this message.
    #[must_use]
    pub fn encoded(&self, text: &str) -> Vec<u8> {
        escape::encode(&self.charset.encode_lossy(text), &self.delimiters).into_owned()
    }

    /// The delimiters it is written with.
    #[must_use]
    pub const fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    /// The message.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.close();
        Bytes::from(self.finished)
    }

    /// Writes the segment in hand, without empty fields at its end.
    fn close(&mut self) {
        let Some(name) = self.name.take() else {
            return;
        };
        let fields = std::mem::take(&mut self.fields);
        self.finished.extend_from_slice(name.bytes());
        let mut skip = 0;
        if name == SegmentName::MSH {
            self.finished.push(self.delimiters.field);
            self.finished.extend(self.delimiters.encoding_characters());
            skip = 2;
        }
        let used = fields
            .iter()
            .rposition(|field| !field.is_empty())
            .map_or(0, |last| last + 1);
        for field in fields.iter().take(used).skip(skip) {
            self.finished.push(self.delimiters.field);
            self.finished.extend_from_slice(field);
        }
        self.finished.push(b'\r');
    }
}

/// `parts` with `separator` between them and no empty ones at the end; only the first where there is no separator.
pub(super) fn join(parts: &[Vec<u8>], separator: Option<u8>) -> Vec<u8> {
    let used = parts
        .iter()
        .rposition(|part| !part.is_empty())
        .map_or(0, |last| last + 1);
    let Some(separator) = separator else {
        return parts.first().cloned().unwrap_or_default();
    };
    parts.get(..used).unwrap_or_default().join(&separator)
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Builder({} bytes)", self.finished.len())
    }
}
