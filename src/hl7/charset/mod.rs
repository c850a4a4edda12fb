//! Character sets: the label in MSH-18 (table 0211), and text out of bytes and back.
//!
//! Bytes are the truth. Text is a view of them that is made when somebody reads it, and bytes that cannot be read are
//! never replaced in a message: the replacement character U+FFFD cannot be encoded here.

mod label;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use encoding_rs::Encoding;

/// A character set that segments can be cut in, byte by byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Charset(Kind);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ascii,
    Encoding(&'static Encoding),
}

/// Why a label cannot be followed. The label itself is the sender's and is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CharsetError {
    /// The label is not one of table 0211, nor a usual other spelling.
    #[error("an unknown character set label of {length} bytes")]
    Unknown {
        /// Length of the label in bytes.
        length: usize,
    },
    /// The label is of table 0211, and we have no table for it.
    #[error("{name} is not supported")]
    Unsupported {
        /// The name in table 0211.
        name: &'static str,
    },
    /// UTF-16 or UTF-32: two or four bytes a character.
    #[error("{name} cannot be sent over MLLP: its bytes collide with 0B, 1C and 0D")]
    Wide {
        /// The name in table 0211.
        name: &'static str,
    },
}

/// Text that has no bytes in a character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {} of the text does not exist in {charset}", self.position + 1)]
pub struct EncodeError {
    /// The first such character, counted from 0.
    pub position: usize,
    /// The character set.
    pub charset: Charset,
}

/// Who decided on a message's character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// The sender, in MSH-18.
    Label,
    /// The setting of the source.
    Source,
    /// Nobody said: the bytes are valid UTF-8, or else are read as windows-1252.
    Content,
}

/// A message's character set and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// What its text is read in.
    pub charset: Charset,
    /// On whose word.
    pub by: DecidedBy,
    /// Why the sender's label was not followed, if there was one and it was not.
    pub problem: Option<CharsetError>,
}

/// The character set of a message: MSH-18's first repetition, then `source_default`, then UTF-8 if `message` is valid
/// UTF-8, else windows-1252.
#[must_use]
pub fn resolve(label: &[u8], source_default: Option<Charset>, message: &[u8]) -> Resolved {
    let problem = match Charset::of_label(label) {
        Ok(charset) => {
            return Resolved {
                charset,
                by: DecidedBy::Label,
                problem: None,
            };
        }
        Err(_) if label.trim_ascii().is_empty() => None,
        Err(problem) => Some(problem),
    };
    if let Some(charset) = source_default {
        return Resolved {
            charset,
            by: DecidedBy::Source,
            problem,
        };
    }
    let valid = Encoding::utf8_valid_up_to(message) == message.len();
    Resolved {
        charset: if valid {
            Charset::UTF_8
        } else {
            Charset::WINDOWS_1252
        },
        by: DecidedBy::Content,
        problem,
    }
}

/// The label that decides: the first repetition of MSH-18, or, where that says nothing or ASCII, one of the Japanese
/// sets among the others: these switch from ASCII and back by escape sequences (ISO 2022), and both read as one.
pub(super) fn label_of<'a>(
    first: &'a [u8],
    alternates: impl Iterator<Item = &'a [u8]>,
) -> &'a [u8] {
    let plain = first.trim_ascii().is_empty() || Charset::of_label(first) == Ok(Charset::ASCII);
    let switches = |label: &&[u8]| {
        Charset::of_label(label) == Ok(Charset(Kind::Encoding(encoding_rs::ISO_2022_JP)))
    };
    let mut alternates = alternates;
    let switching = if plain {
        alternates.find(switches)
    } else {
        None
    };
    switching.unwrap_or(first)
}

impl Charset {
    /// Seven bits. Bytes beyond are read as windows-1252, so that they can be shown.
    pub const ASCII: Self = Self(Kind::Ascii);
    /// `UNICODE UTF-8`.
    pub const UTF_8: Self = Self(Kind::Encoding(encoding_rs::UTF_8));
    /// windows-1252, a superset of the printable part of `8859/1`; every byte is some character.
    pub const WINDOWS_1252: Self = Self(Kind::Encoding(encoding_rs::WINDOWS_1252));

    /// The character set that a label of table 0211 names, or a usual other spelling of it (`UTF-8`, `ISO-8859-1`,
    /// `CP1250`). Case, blanks and punctuation do not matter.
    ///
    /// # Errors
    /// See [`CharsetError`]; an empty label is unknown.
    pub fn of_label(label: &[u8]) -> Result<Self, CharsetError> {
        let unknown = CharsetError::Unknown {
            length: label.len(),
        };
        let mut plain = [0_u8; 24];
        let mut length = 0;
        for byte in label.iter().filter(|b| b.is_ascii_alphanumeric()) {
            *plain.get_mut(length).ok_or(unknown)? = byte.to_ascii_uppercase();
            length += 1;
        }
        let plain = plain.get(..length).unwrap_or_default();
        let plain = std::str::from_utf8(plain).map_err(|_| unknown)?;
        let plain = match plain.strip_prefix("ISO") {
            Some(number) if number.starts_with("8859") => number,
            _ => plain,
        };
        label::find(plain).unwrap_or(Err(unknown))
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Ascii => "ASCII",
            Kind::Encoding(encoding) => encoding.name(),
        }
    }

    /// Whether no byte of a character beyond ASCII can look like a delimiter. Where it can (Shift JIS, ISO-2022-JP,
    /// GB 18030, Big5), fields may be cut in the middle of a character; such messages are passed on as they are,
    /// and what is read from them is doubtful.
    #[must_use]
    pub fn cuts_safely(self) -> bool {
        match self.0 {
            Kind::Ascii => true,
            Kind::Encoding(e) => {
                e.is_single_byte()
                    || [encoding_rs::UTF_8, encoding_rs::EUC_JP, encoding_rs::EUC_KR].contains(&e)
            }
        }
    }

    /// The text that `bytes` say; what cannot be read shows as U+FFFD. Not copied if it is ASCII or UTF-8.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.encoding().decode_without_bom_handling(bytes).0
    }

    /// The text that `bytes` say, or `None` where some of them say nothing in this character set.
    #[must_use]
    pub fn decode_exact(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        if self.0 == Kind::Ascii && !bytes.is_ascii() {
            return None;
        }
        self.encoding()
            .decode_without_bom_handling_and_without_replacement(bytes)
    }

    /// The bytes for `text`.
    ///
    /// # Errors
    /// The first character that does not exist here. U+FFFD never does: it stands for bytes that could not be read,
    /// and writing it would destroy them.
    pub fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, EncodeError> {
        let exists = |c: char| self.has(c);
        if let Some(position) = text.chars().position(|c| !exists(c)) {
            return Err(EncodeError {
                position,
                charset: self,
            });
        }
        Ok(self.encoding().encode(text).0)
    }

    /// The bytes for `text`, with `?` for what does not exist here: for words of our own.
    #[must_use]
    pub fn encode_lossy(self, text: &str) -> Cow<'_, [u8]> {
        if let Ok(bytes) = self.encode(text) {
            return bytes;
        }
        let known = text.chars().map(|c| if self.has(c) { c } else { '?' });
        let known: String = known.collect();
        Cow::Owned(self.encoding().encode(&known).0.into_owned())
    }

    fn has(self, c: char) -> bool {
        if c.is_ascii() {
            return true;
        }
        if c == char::REPLACEMENT_CHARACTER || self.0 == Kind::Ascii {
            return false;
        }
        let mut buffer = [0; 4];
        !self.encoding().encode(c.encode_utf8(&mut buffer)).2
    }

    fn encoding(self) -> &'static Encoding {
        match self.0 {
            Kind::Ascii => encoding_rs::WINDOWS_1252,
            Kind::Encoding(encoding) => encoding,
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
