//! `[[steps.NAME]]`: typed steps.

use std::str::FromStr;

use jiff::tz::TimeZone;

use super::section::{Placed, Section, did_you_mean};
use crate::condition::{Condition, Miss};
use crate::hl7::timestamp::Precision;
use crate::hl7::{Path, SegmentName};
use crate::route::{
    DateFormat, DateStep, Find, NewSegment, NewValue, Offset, Side, Step, StepKind, TemplateTarget,
};

/// Reads a list of steps, in order.
pub(super) fn read_all(sections: Vec<Section<'_>>) -> Vec<Step> {
    sections.into_iter().filter_map(read).collect()
}

fn read(section: Section<'_>) -> Option<Step> {
    let name = section.required("name", "\"what it is for\"");
    let when = condition(&section, "when");
    let kind = read_kind(&section);
    let known = kind.is_some();
    let line = u32::try_from(section.line()).unwrap_or(u32::MAX);
    let built = match (name, kind) {
        (Some(name), Some(kind)) => match Step::new(name.value, line, when, kind) {
            Ok(step) => Some(step),
            Err(fault) => {
                let place = fault
                    .index
                    .map_or(String::new(), |n| format!(", entry {}", n + 1));
                section.fault(
                    fault.key,
                    format!("expected {}{place}", fault.expected),
                    None,
                );
                None
            }
        },
        _ => None,
    };
    // Which other keys belong here depends on what the step does.
    if known {
        section.finish();
    }
    built
}

/// The condition at `key`, with a fault that points at the character where it goes wrong.
pub(super) fn condition(section: &Section<'_>, key: &'static str) -> Option<Condition> {
    let text = section.text(key)?;
    match Condition::parse(&text.value) {
        Ok(condition) => Some(condition),
        Err(error) => {
            let before: usize = text
                .value
                .chars()
                .take(error.offset)
                .map(char::len_utf8)
                .sum();
            let message = format!("expected {}", error.expected);
            section.fault_inside(&text, before, message, error.hint);
            None
        }
    }
}

/// Reads what the step does: exactly one of the keys of [`StepKind::NAMES`].
fn read_kind(section: &Section<'_>) -> Option<StepKind> {
    let present: Vec<&'static str> = StepKind::NAMES
        .into_iter()
        .filter(|name| section.has(name))
        .collect();
    match present.as_slice() {
        [one] => read_one(section, one),
        [] => {
            let keys: Vec<String> = section.keys().collect();
            let near = keys
                .iter()
                .find_map(|key| did_you_mean(key, StepKind::NAMES.into_iter()));
            let hint = near.unwrap_or_else(|| format!("one of {}", StepKind::NAMES.join(", ")));
            section.fault_here("the step does not say what to do", Some(hint));
            None
        }
        several => {
            let message = format!(
                "one step does one thing, this one has {}",
                several.join(" and ")
            );
            section.fault_here(&message, Some("write a step for each".to_owned()));
            None
        }
    }
}

fn read_one(section: &Section<'_>, kind: &'static str) -> Option<StepKind> {
    let here = || parsed::<Path>(section, kind);
    Some(match kind {
        "copy" => StepKind::Copy {
            from: here()?,
            to: required_path(section, "to")?,
        },
        "date" => StepKind::Date(date(section, here()?)?),
        "default" => StepKind::Default {
            path: here()?,
            value: required(section, "value")?,
        },
        "delete" => StepKind::Delete { path: here()? },
        "drop_segment" => StepKind::DropSegment { segment: here()? },
        "each" => StepKind::Each {
            segment: parsed(section, kind)?,
            steps: read_all(section.list("steps")),
        },
        "join" => StepKind::Join {
            from: paths(section, kind)?,
            with: text_or(section, "with", ""),
            to: required_path(section, "to")?,
        },
        "keep_segments" => StepKind::KeepSegments {
            segments: several(section, kind)?,
        },
        "lower" => StepKind::Lower { path: here()? },
        "map" => StepKind::Map {
            path: here()?,
            table: required(section, "table")?,
            miss: miss(section),
        },
        "pad" => StepKind::Pad {
            path: here()?,
            width: number(section, "width")?,
            with: text_or(section, "with", "0").chars().next().unwrap_or('0'),
            side: section
                .choice("side", &[("left", Side::Left), ("right", Side::Right)])
                .unwrap_or_default(),
        },
        "repeat" => StepKind::Repeat {
            path: here()?,
            value: required(section, "value")?,
        },
        "replace" => StepKind::Replace {
            path: here()?,
            find: find(section)?,
            with: text_or(section, "with", ""),
        },
        "set" => StepKind::Set {
            path: here()?,
            value: new_value(section)?,
        },
        "split" => StepKind::Split {
            path: here()?,
            at: required(section, "at")?,
            to: paths(section, "to")?,
        },
        "substr" => StepKind::Substr {
            path: here()?,
            start: number(section, "start")?,
            length: section
                .has("length")
                .then(|| number(section, "length"))
                .flatten(),
        },
        "template" => StepKind::Template {
            template: section.text(kind)?.value,
            to: template_target(section)?,
        },
        "trim" => StepKind::Trim { path: here()? },
        "upper" => StepKind::Upper { path: here()? },
        _ => add_segment(section)?,
    })
}

fn add_segment(section: &Section<'_>) -> Option<StepKind> {
    let text = section.text("add_segment")?;
    let after = section
        .has("after")
        .then(|| parsed::<SegmentName>(section, "after"));
    match NewSegment::parse(&text.value) {
        Ok(segment) => Some(StepKind::AddSegment {
            segment,
            after: after.map_or(Some(None), |a| a.map(Some))?,
        }),
        Err(error) => {
            let message = format!("expected {}", error.expected);
            section.fault_inside(&text, error.offset, message, None);
            None
        }
    }
}

fn new_value(section: &Section<'_>) -> Option<NewValue> {
    match (section.has("value"), section.flag("null").unwrap_or(false)) {
        (false, true) => Some(NewValue::Null),
        (true, false) => section.text("value").map(|text| NewValue::Text(text.value)),
        (true, true) => {
            section.fault("null", "value and null = true exclude each other", None);
            None
        }
        (false, false) => {
            let hint = "write value = \"…\", or null = true for the delete indicator";
            section.fault_here("set needs a value", Some(hint.to_owned()));
            None
        }
    }
}

fn find(section: &Section<'_>) -> Option<Find> {
    if section.has("find") == section.has("regex") {
        let hint = "write find = \"text\", or regex = \"pattern\"".to_owned();
        section.fault_here("replace needs one of find and regex", Some(hint));
        return None;
    }
    if let Some(text) = section.text("find") {
        return Some(Find::Text(text.value));
    }
    let text = section.text("regex")?;
    match Find::regex(&text.value) {
        Ok(find) => Some(find),
        Err(reason) => {
            section.fault("regex", format!("not a regular expression: {reason}"), None);
            None
        }
    }
}

fn miss(section: &Section<'_>) -> Miss {
    let Some(text) = section.text("miss") else {
        return Miss::Keep;
    };
    match text.value.as_str() {
        "keep" => Miss::Keep,
        "empty" => Miss::Empty,
        "error" => Miss::Error,
        other => {
            if let Some(value) = other.strip_prefix("default:") {
                return Miss::Default(value.to_owned());
            }
            section.fault("miss", "expected keep, empty, error or default:TEXT", None);
            Miss::Keep
        }
    }
}

fn template_target(section: &Section<'_>) -> Option<TemplateTarget> {
    let to = section.required("to", "\"OBX-5\" or \"message\"")?;
    if to.value == "message" {
        return Some(TemplateTarget::Message);
    }
    path(section, &to).map(TemplateTarget::Path)
}

fn date(section: &Section<'_>, path: Path) -> Option<DateStep> {
    let precisions = [
        ("year", Precision::Year),
        ("month", Precision::Month),
        ("day", Precision::Day),
        ("hour", Precision::Hour),
        ("minute", Precision::Minute),
        ("second", Precision::Second),
    ];
    let offsets = [("keep", Offset::Keep), ("drop", Offset::Drop)];
    Some(DateStep {
        path,
        reads: pattern(section, "reads")?,
        writes: pattern(section, "writes")?,
        precision: section.choice("precision", &precisions),
        offset: section.choice("offset", &offsets).unwrap_or_default(),
        from_zone: zone(section, "from_zone"),
        to_zone: zone(section, "to_zone"),
    })
}

fn pattern(section: &Section<'_>, key: &'static str) -> Option<DateFormat> {
    let Some(text) = section.text(key) else {
        return Some(DateFormat::default());
    };
    let parsed = DateFormat::pattern(&text.value);
    if parsed.is_err() {
        section.fault(key, "expected a pattern such as \"%d.%m.%Y %H:%M\"", None);
    }
    parsed.ok()
}

/// A time zone by its IANA name.
pub(super) fn zone(section: &Section<'_>, key: &'static str) -> Option<TimeZone> {
    let text = section.text(key)?;
    let zone = TimeZone::get(&text.value);
    if zone.is_err() {
        let hint = "an IANA name such as \"America/Chicago\" or \"UTC\"".to_owned();
        section.fault(key, "unknown time zone", Some(hint));
    }
    zone.ok()
}

fn number(section: &Section<'_>, key: &'static str) -> Option<usize> {
    section.required_key(key, "4")?;
    section
        .integer(key, 1..100_001)
        .and_then(|n| usize::try_from(n).ok())
}

fn required(section: &Section<'_>, key: &'static str) -> Option<String> {
    section.required(key, "\"…\"").map(|text| text.value)
}

fn text_or(section: &Section<'_>, key: &'static str, default: &str) -> String {
    section
        .text(key)
        .map_or_else(|| default.to_owned(), |text| text.value)
}

fn required_path(section: &Section<'_>, key: &'static str) -> Option<Path> {
    let text = section.required(key, "\"PID-3.1\"")?;
    path(section, &text)
}

fn parsed<T: FromStr<Err = crate::hl7::PathError>>(
    section: &Section<'_>,
    key: &'static str,
) -> Option<T> {
    path(section, &section.text(key)?)
}

fn path<T: FromStr<Err = crate::hl7::PathError>>(
    section: &Section<'_>,
    text: &Placed<String>,
) -> Option<T> {
    match text.value.parse() {
        Ok(path) => Some(path),
        Err(error) => {
            let message = format!("expected {}", error.expected);
            section.fault_inside(text, error.offset, message, None);
            None
        }
    }
}

fn several<T: FromStr<Err = crate::hl7::PathError>>(
    section: &Section<'_>,
    key: &'static str,
) -> Option<Vec<T>> {
    let texts = section.texts(key)?;
    let found: Vec<T> = texts
        .iter()
        .filter_map(|text| path(section, text))
        .collect();
    (found.len() == texts.len()).then_some(found)
}

fn paths(section: &Section<'_>, key: &'static str) -> Option<Vec<Path>> {
    section.required_key(key, "[\"PID-5.1\", \"PID-5.2\"]")?;
    several(section, key)
}
