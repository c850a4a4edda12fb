//! What may be said of a value without saying it: its length and the class of its characters.

use std::fmt;

use serde::Serialize;

use crate::hl7::Value;

/// The shape of a value, for errors and explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Absent or empty.
    NotPopulated,
    /// The delete indicator, `""`.
    DeleteIndicator,
    /// There is a value.
    Populated {
        /// Its length in bytes, as sent.
        bytes: usize,
        /// What it is made of.
        class: ValueClass,
    },
}

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueClass {
    /// Only `0` to `9`.
    Digits,
    /// Only ASCII letters.
    Letters,
    /// ASCII letters and digits.
    LettersAndDigits,
    /// Printable ASCII with other characters than letters and digits.
    Punctuated,
    /// ASCII with control characters.
    Control,
    /// Bytes beyond ASCII.
    BeyondAscii,
}

impl Shape {
    /// The shape of raw bytes at a place; `None` is an absent place.
    #[must_use]
    pub fn of(raw: Option<&[u8]>) -> Self {
        match Value::from(raw) {
            Value::NotPopulated => Self::NotPopulated,
            Value::DeleteIndicator => Self::DeleteIndicator,
            Value::Populated(bytes) => Self::Populated {
                bytes: bytes.len(),
                class: ValueClass::of(bytes),
            },
        }
    }
}

impl ValueClass {
    fn of(bytes: &[u8]) -> Self {
        let all = |test: fn(&u8) -> bool| bytes.iter().all(test);
        if !bytes.is_ascii() {
            Self::BeyondAscii
        } else if all(u8::is_ascii_digit) {
            Self::Digits
        } else if all(u8::is_ascii_alphabetic) {
            Self::Letters
        } else if all(u8::is_ascii_alphanumeric) {
            Self::LettersAndDigits
        } else if bytes.iter().any(u8::is_ascii_control) {
            Self::Control
        } else {
            Self::Punctuated
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Letters => "letters",
            Self::LettersAndDigits => "letters and digits",
            Self::Punctuated => "printable ASCII",
            Self::Control => "with control characters",
            Self::BeyondAscii => "with bytes beyond ASCII",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPopulated => f.write_str("not populated"),
            Self::DeleteIndicator => f.write_str("the delete indicator"),
            Self::Populated { bytes, class } => {
                let unit = if *bytes == 1 { "byte" } else { "bytes" };
                write!(f, "{bytes} {unit}, {}", class.words())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_says_how_long_and_of_what_kind_and_nothing_else() {
        for (raw, words) in [
            (None, "not populated"),
            (Some(&b""[..]), "not populated"),
            (Some(b"\"\""), "the delete indicator"),
            (Some(b"4711"), "4 bytes, digits"),
            (Some(b"M"), "1 byte, letters"),
            (Some(b"4W"), "2 bytes, letters and digits"),
            (Some(b"ROE^ANN"), "7 bytes, printable ASCII"),
            (Some(b"a\x0Bb"), "3 bytes, with control characters"),
            (Some(b"M\xFCller"), "6 bytes, with bytes beyond ASCII"),
        ] {
            assert_eq!(Shape::of(raw).to_string(), words);
        }
    }
}
