//! A message laid out: what it is, what is odd about it, then every populated value with its path.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::output::{Format, Output, printable};
use crate::hl7::charset::{DecidedBy, Resolved};
use crate::hl7::{Charset, Message, Segment, SegmentName, Segments, Terminator, escape};

/// Longer values are cut short on a terminal, unless asked for in full: documents travel in OBX-5.
const LONG_VALUE: usize = 200;

/// One message to be shown.
pub(in crate::cli) struct Tree<'a> {
    pub(in crate::cli) message: &'a Message,
    /// Its number in the input, from 1.
    pub(in crate::cli) number: usize,
    /// Where it begins in the input.
    pub(in crate::cli) offset: usize,
    /// Long values in full.
    pub(in crate::cli) full: bool,
}

#[derive(Serialize)]
struct Shown {
    #[serde(rename = "type")]
    kind: String,
    version: String,
    control_id: String,
    bytes: usize,
    terminator: &'static str,
    character_set: &'static str,
    character_set_by: &'static str,
    warnings: Vec<Warning>,
    segments: Vec<ShownSegment>,
}

#[derive(Serialize)]
struct Warning {
    code: &'static str,
    offset: usize,
}

#[derive(Serialize)]
struct ShownSegment {
    segment: String,
    /// Of a line that is no segment: the whole of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    values: Vec<ShownValue>,
}

#[derive(Serialize)]
struct ShownValue {
    path: String,
    value: String,
}

impl Tree<'_> {
    pub(in crate::cli) fn write(&self, format: Format, out: &mut Output) -> Result<(), Failure> {
        let shown = self.lay_out();
        match format {
            Format::Json => out.json(&shown),
            Format::Csv => self.write_csv(&shown, out),
            Format::Text => self.write_text(&shown, out),
        }
    }

    fn write_text(&self, shown: &Shown, out: &mut Output) -> Result<(), Failure> {
        let or_none = |text: &str| {
            if text.is_empty() {
                "none".to_owned()
            } else {
                printable(text)
            }
        };
        out.line(format_args!(
            "{}, version {}, control ID {}, {} segments, {} bytes, lines end in {}, {} ({})",
            or_none(&shown.kind),
            or_none(&shown.version),
            or_none(&shown.control_id),
            shown.segments.len(),
            shown.bytes,
            shown.terminator,
            shown.character_set,
            shown.character_set_by,
        ))?;
        for warning in &shown.warnings {
            out.line(format_args!(
                "warning at byte {}: {}",
                warning.offset, warning.code
            ))?;
        }
        let values = || shown.segments.iter().flat_map(|segment| &segment.values);
        let width = values().map(|value| value.path.len()).max().unwrap_or(0);
        for segment in &shown.segments {
            match &segment.line {
                Some(line) => out.line(format_args!("?  {}", self.cut(line)))?,
                None => out.line(&segment.segment)?,
            }
            for ShownValue { path, value } in &segment.values {
                let meaning = if value == "\"\"" { "  (delete)" } else { "" };
                out.line(format_args!(
                    "  {path:<width$}  {}{meaning}",
                    self.cut(value)
                ))?;
            }
        }
        Ok(())
    }

    fn write_csv(&self, shown: &Shown, out: &mut Output) -> Result<(), Failure> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let number = self.number.to_string();
        for value in shown.segments.iter().flat_map(|segment| &segment.values) {
            csv.write_record([&number, &value.path, &printable(&value.value)])
                .map_err(anyhow::Error::from)?;
        }
        let bytes = csv
            .into_inner()
            .map_err(|_| anyhow::anyhow!("cannot write CSV"))?;
        out.bytes(&bytes)
    }

    /// `value` for a terminal.
    fn cut(&self, value: &str) -> String {
        let count = value.chars().count();
        if self.full || count <= LONG_VALUE {
            return printable(value);
        }
        let start: String = value.chars().take(LONG_VALUE).collect();
        format!(
            "{}… ({count} characters, --full shows all)",
            printable(&start)
        )
    }

    fn lay_out(&self) -> Shown {
        let message = self.message;
        let header = message.header();
        let resolved = message.resolved_charset();
        let text = |bytes: &[u8]| resolved.charset.decode(bytes).into_owned();
        let mut counts: HashMap<SegmentName, usize> = HashMap::new();
        for name in message.iter().filter_map(|(_, segment)| segment.name()) {
            *counts.entry(name).or_default() += 1;
        }
        let mut seen: HashMap<SegmentName, usize> = HashMap::new();
        let segments = message.iter().map(|(_, segment)| {
            let Some(name) = segment.name() else {
                return ShownSegment {
                    segment: String::new(),
                    line: Some(text(segment.bytes())),
                    values: Vec::new(),
                };
            };
            let occurrence = seen.entry(name).or_default();
            *occurrence += 1;
            let several = counts.get(&name).is_some_and(|&count| count > 1);
            let label = if several {
                format!("{name}[{occurrence}]")
            } else {
                name.to_string()
            };
            let values = values(segment, &label, resolved);
            ShownSegment {
                segment: label,
                line: None,
                values,
            }
        });
        Shown {
            kind: header.kind().to_string(),
            version: text(header.version_id()),
            control_id: text(header.control_id()),
            bytes: message.raw().len(),
            terminator: match message.terminator() {
                Terminator::Cr => "CR",
                Terminator::CrLf => "CR LF",
                Terminator::Lf => "LF",
            },
            character_set: resolved.charset.name(),
            character_set_by: match resolved.by {
                DecidedBy::Label => "MSH-18",
                DecidedBy::Source => "setting",
                DecidedBy::Content => "by its bytes",
            },
            segments: segments.collect(),
            warnings: message
                .warnings()
                .iter()
                .map(|warning| Warning {
                    code: warning.code.name(),
                    offset: self.offset + warning.offset,
                })
                .collect(),
        }
    }
}

/// Every populated value of a segment, as deep as it is cut, in one pass: a segment may have a million fields.
fn values(segment: Segment<'_>, label: &str, resolved: Resolved) -> Vec<ShownValue> {
    let mut found = Vec::new();
    let delimiters = *segment.delimiters();
    // Where a byte that looks like a delimiter may be half a letter, the text is decoded before it is cut.
    let (bytes, charset) = if resolved.charset.cuts_safely() {
        (Cow::Borrowed(segment.bytes()), resolved.charset)
    } else {
        let text = resolved.charset.decode(segment.bytes()).into_owned();
        (Cow::Owned(text.into_bytes()), Charset::UTF_8)
    };
    let declares = segment.declares_delimiters();
    let mut fields = bytes.split(|&b| b == delimiters.field).skip(1);
    let mut number = 0;
    if declares {
        let separator = segment.field(1).unwrap_or_default();
        let declared = [separator, fields.next().unwrap_or_default()];
        for bytes in declared {
            number += 1;
            let value = charset.decode(bytes).into_owned();
            let path = format!("{label}-{number}");
            found.push(ShownValue { path, value });
        }
    }
    let below_field = [delimiters.component, delimiters.subcomponent];
    for field in fields {
        number += 1;
        let repeats = delimiters
            .repetition
            .filter(|separator| field.contains(separator));
        for (index, repetition) in field.split(|&b| Some(b) == repeats).enumerate() {
            let path = match repeats {
                Some(_) => format!("{label}-{number}[{}]", index + 1),
                None => format!("{label}-{number}"),
            };
            below(repetition, &path, &below_field, &mut |path, bytes| {
                let said = escape::decode(bytes, &delimiters);
                let (path, value) = (path.to_owned(), charset.decode(&said).into_owned());
                found.push(ShownValue { path, value });
            });
        }
    }
    found
}

/// Cuts `value` at the first of `separators`, each part at the next, and hands over what is populated.
fn below(value: &[u8], path: &str, separators: &[Option<u8>], take: &mut dyn FnMut(&str, &[u8])) {
    if value.is_empty() {
        return;
    }
    let cut = separators.split_first();
    let Some((separator, deeper)) = cut.and_then(|(first, rest)| Some(((*first)?, rest))) else {
        return take(path, value);
    };
    let separates = |wanted: Option<u8>| wanted.is_some_and(|b| value.contains(&b));
    if !separates(Some(separator)) && !deeper.iter().any(|&next| separates(next)) {
        return take(path, value);
    }
    for (index, part) in value.split(|&b| b == separator).enumerate() {
        below(part, &format!("{path}.{}", index + 1), deeper, take);
    }
}
