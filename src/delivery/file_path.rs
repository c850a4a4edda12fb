//! Which file a message goes to: a path with placeholders, none of which a message can use to choose a path.

use std::fmt;
use std::path::{Path, PathBuf};

use super::attempt::Dispatch;

/// No value makes a file name longer than this.
const LONGEST_VALUE: usize = 64;

/// A path with `{source}`, `{destination}`, `{date}`, `{type}` and `{event}` in it.
///
/// `{date}` is the day the message was received, so that a message goes to the same file however late or often it
/// is delivered. Values keep ASCII letters, digits, `-`, `_` and inner dots; anything else becomes `_`, so a value is
/// always one part of one name. `{{` and `}}` stand for braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    folder: PathBuf,
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Source,
    Destination,
    Date,
    Type,
    Event,
}

/// Why a text is no path template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at character {offset}")]
pub struct PathTemplateError {
    /// Byte offset in the text, from 0.
    pub offset: usize,
    /// What is wrong there.
    pub kind: PathTemplateErrorKind,
}

/// What can be wrong with a path template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathTemplateErrorKind {
    /// It ends in no file name.
    #[error("no file name")]
    NoName,
    /// A character that no path can hold.
    #[error("a NUL character")]
    Nul,
    /// A brace that nothing closes, or opens.
    #[error("a brace without its partner (write {{{{ or }}}} for a brace itself)")]
    Unbalanced,
    /// None of the five.
    #[error(
        "an unknown placeholder (there are {{source}}, {{destination}}, {{date}}, {{type}} and {{event}})"
    )]
    Unknown,
}

impl PathTemplate {
    /// Reads a template; a relative one starts at `folder`, whose braces mean nothing.
    ///
    /// # Errors
    /// Says where and what is wrong.
    pub fn parse(text: &str, folder: impl Into<PathBuf>) -> Result<Self, PathTemplateError> {
        let wrong = |offset, kind| Err(PathTemplateError { offset, kind });
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let offset = text.len() - rest.len();
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                plain.push(character);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let Some((name, after)) = after.split_once('}') else {
                    return wrong(offset, PathTemplateErrorKind::Unbalanced);
                };
                let Some(value) = Value::named(name) else {
                    return wrong(offset, PathTemplateErrorKind::Unknown);
                };
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Value(value));
                rest = after;
            } else if character == '}' {
                return wrong(offset, PathTemplateErrorKind::Unbalanced);
            } else if character == '\0' {
                return wrong(offset, PathTemplateErrorKind::Nul);
            } else {
                plain.push(character);
                rest = rest.strip_prefix(character).unwrap_or_default();
            }
        }
        parts.push(Part::Text(plain));
        let name = text.rsplit('/').next().unwrap_or_default();
        if matches!(name, "" | "." | "..") {
            return wrong(text.len(), PathTemplateErrorKind::NoName);
        }
        Ok(Self {
            folder: folder.into(),
            text: text.to_owned(),
            parts,
        })
    }

    /// The file for a message at `destination`.
    pub(super) fn path(
        &self,
        destination: &str,
        dispatch: &Dispatch,
        timezone: &jiff::tz::TimeZone,
    ) -> PathBuf {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Value(Value::Source) => path.push_str(&safe(&dispatch.source)),
                Part::Value(Value::Destination) => path.push_str(&safe(destination)),
                Part::Value(Value::Type) => path.push_str(&safe(dispatch.kind.code())),
                Part::Value(Value::Event) => path.push_str(&safe(dispatch.kind.trigger())),
                Part::Value(Value::Date) => {
                    let day = dispatch.received.to_zoned(timezone.clone()).date();
                    path.push_str(&day.to_string());
                }
            }
        }
        self.folder.join(path)
    }

    /// The folder that relative paths start at.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Value {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "source" => Self::Source,
            "destination" => Self::Destination,
            "date" => Self::Date,
            "type" => Self::Type,
            "event" => Self::Event,
            _ => return None,
        })
    }
}

/// A value as part of a file name: it can neither hold a separator nor begin with a dot nor be empty.
fn safe(value: &str) -> String {
    let mut name: String = value
        .chars()
        .take(LONGEST_VALUE)
        .map(|c| match c {
            '-' | '_' | '.' => c,
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    if name.starts_with('.') {
        name.replace_range(..1, "_");
    }
    if name.is_empty() {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::journal::MessageType;

    fn dispatch(source: &str, kind: MessageType) -> Dispatch {
        Dispatch {
            source: Arc::from(source),
            received: "2026-03-01T02:30:00Z".parse().unwrap(),
            kind,
            control_id: Bytes::new(),
            message: Bytes::new(),
            rendered: None,
        }
    }

    fn path(template: &str, source: &str, kind: MessageType) -> String {
        let template = PathTemplate::parse(template, "/base{x}").unwrap();
        let zone = TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC);
        let path = template.path("ward board", &dispatch(source, kind), &zone);
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_path_is_made_of_names_the_operator_chose_the_local_day_and_the_type() {
        let kind = MessageType::new(b"ADT", b"A01");
        let template = "out/{source}/{{{destination}}}-{date}-{type}-{event}.hl7";
        assert_eq!(
            path(template, "adt", kind),
            "/base{x}/out/adt/{ward_board}-2026-02-28-ADT-A01.hl7"
        );
        assert_eq!(path("/abs/x", "adt", kind), "/abs/x");
    }

    #[test]
    fn no_message_and_no_name_can_lead_out_of_the_folder() {
        for evil in [
            "../..", "/etc", "..", ".", "", "a/b", "\u{e9}", ".hidden", "a\0b", "~",
        ] {
            let kind = MessageType::new(evil.as_bytes(), evil.as_bytes());
            let path = path("out/{source}/{type}/{event}/x", evil, kind);
            let parts: Vec<_> = path.split('/').collect();
            assert_eq!(parts.len(), 7, "{path}");
            let harmless =
                |part: &str| !part.is_empty() && !part.starts_with(['.', '~']) && part.is_ascii();
            assert!(parts.iter().skip(2).all(|part| harmless(part)), "{path}");
        }
        assert_eq!(safe(&"x".repeat(500)).len(), LONGEST_VALUE);
    }

    #[test]
    fn a_wrong_template_says_where() {
        use PathTemplateErrorKind::{NoName, Nul, Unbalanced, Unknown};
        for (text, offset, kind) in [
            ("", 0, NoName),
            ("out/", 4, NoName),
            ("out/..", 6, NoName),
            ("out/{day}", 4, Unknown),
            ("out/{}", 4, Unknown),
            ("a{source", 1, Unbalanced),
            ("a}", 1, Unbalanced),
            ("a\0b", 1, Nul),
        ] {
            let error = PathTemplate::parse(text, "").unwrap_err();
            assert_eq!(error, PathTemplateError { offset, kind }, "{text}");
        }
    }
}
