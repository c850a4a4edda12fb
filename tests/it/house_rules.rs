//! The house rules that a compiler cannot hold: floors, who may name which crate, purity, size, and no patient content
//! in debug output. A rule reads one file's text and knows its place under `src/`; it says `file:line: what is wrong`.

use crate::source_text::{code, is_word, line, paths};

/// From the ground up. A module imports from lower floors only.
const FLOORS: &[&[&str]] = &[
    &["clock", "phi"],
    &["hl7"],
    &["condition"],
    &["grammar", "journal", "mllp"],
    &["certify", "learn", "route", "simulate"],
    &["delivery", "source"],
    &["config"],
    &["engine"],
    &["cli"],
];

/// Crates that are named in a few places only; a path that ends in `/` is a folder.
const CONFINED: &[(&str, &[&str])] = &[
    ("anyhow", &["cli/", "main.rs"]),
    ("chacha20", &["simulate/random.rs"]),
    ("clap", &["cli/", "main.rs"]),
    ("clap_complete", &["cli/", "main.rs"]),
    ("indicatif", &["cli/"]),
    ("minijinja", &["route/"]),
    ("reqwest", &["delivery/http.rs"]),
    (
        "rustls",
        &["mllp/", "delivery/certificates.rs", "delivery/tests/"],
    ),
    ("tokio_rustls", &["mllp/", "delivery/tests/"]),
    ("toml", &["config/"]),
];

/// Code without I/O and clock, and what it may not name (in tests it may).
const PURE: &[&str] = &[
    "hl7/",
    "mllp/decoder.rs",
    "mllp/decoder/",
    "condition/",
    "grammar/check/",
    "route/",
    "simulate/",
];
const IMPURE: &[&str] = &[
    "crate::clock",
    "rustix",
    "socket2",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
];

const MOST_LINES: usize = 400;

/// Types that hold content: their `Debug` is written by hand and shows their shape.
const CONTENT_TYPES: &[&str] = &[
    "Acknowledgment",
    "Draft",
    "Entry",
    "Frame",
    "Message",
    "NewEntry",
    "Plan",
    "SearchKeys",
];
/// Fields of these types are content until somebody says otherwise here.
const CONTENT_FIELDS: &[&str] = &["Bytes", "BytesMut", "Vec<u8>", "[u8]"];
/// Types with such a field and a derived `Debug` that hold no content, with the reason beside each.
const HARMLESS: &[&str] = &[];
/// Names that stand for content in our code; they are never printed by a log line.
const CONTENT_NAMES: &[&str] = &[
    "acknowledgment",
    "body",
    "content",
    "control_id",
    "draft",
    "entry",
    "frame",
    "message",
    "msg",
    "patient",
    "patient_id",
    "payload",
    "raw",
    "reply",
];
const LOG_MACROS: &[&str] = &[
    "trace!",
    "debug!",
    "info!",
    "warn!",
    "error!",
    "event!",
    "span!",
    "trace_span!",
    "debug_span!",
    "info_span!",
    "warn_span!",
    "error_span!",
];

pub(crate) type Findings = Vec<String>;

pub(crate) fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Imports go down only, and not sideways.
pub(crate) fn floors(file: &str, text: &str) -> Findings {
    let module = file.split(['/', '.']).next().unwrap_or_default();
    let Some(own) = floor(module) else {
        return Vec::new(); // lib.rs and main.rs stand above all
    };
    let depth = file.matches('/').count() + usize::from(!file.ends_with("/mod.rs"));
    let code = code(text);
    let mut findings = Vec::new();
    for (offset, path) in paths(&code) {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let target = match path[0].as_str() {
            "crate" => path.get(1),
            "super" if supers >= depth => path.get(supers),
            _ => None,
        };
        let Some(target) = target else { continue };
        if target != module && floor(target).is_some_and(|theirs| theirs >= own) {
            findings.push(at(
                file,
                text,
                offset,
                &format!("{module} may not import {target}"),
            ));
        }
    }
    findings
}

pub(crate) fn confined(file: &str, text: &str) -> Findings {
    let code = code(text);
    let named = paths(&code).into_iter().filter_map(|(offset, path)| {
        let (name, places) = CONFINED.iter().find(|(name, _)| path[0] == *name)?;
        let allowed = places.iter().any(|place| stands_in(file, place));
        (!allowed).then(|| {
            at(
                file,
                text,
                offset,
                &format!("{name} is for {}", places.join(", ")),
            )
        })
    });
    named.collect()
}

pub(crate) fn pure(file: &str, text: &str) -> Findings {
    if !PURE.iter().any(|place| stands_in(file, place)) {
        return Vec::new();
    }
    let code = code(without_tests(file, text));
    let named = paths(&code).into_iter().filter_map(|(offset, path)| {
        let path = path.join("::") + "::";
        let found = IMPURE
            .iter()
            .find(|name| path.starts_with(&format!("{name}::")))?;
        Some(at(
            file,
            text,
            offset,
            &format!("{found} in code that does no I/O and reads no clock"),
        ))
    });
    named.collect()
}

pub(crate) fn introduced(file: &str, text: &str) -> Findings {
    if text.starts_with("//! ") {
        Vec::new()
    } else {
        vec![at(file, text, 0, "no `//!` that says why the file exists")]
    }
}

pub(crate) fn short(file: &str, text: &str) -> Findings {
    let lines = text.lines().count();
    if lines <= MOST_LINES {
        Vec::new()
    } else {
        vec![format!("{file}: {lines} lines, {MOST_LINES} at most")]
    }
}

pub(crate) fn instrumented(file: &str, text: &str) -> Findings {
    let code = code(text);
    let attributes = code.match_indices("instrument").filter(|(offset, _)| {
        let before = code[..*offset].trim_end_matches("tracing::");
        before.ends_with("#[") && !within(&code, *offset, '[', ']').contains("skip_all")
    });
    attributes
        .map(|(offset, _)| at(file, text, offset, "#[instrument] without skip_all"))
        .collect()
}

/// No log line prints content: not as `?message`, not as `x = %reply`, not as `{body}`.
pub(crate) fn discreet(file: &str, text: &str) -> Findings {
    let code = code(text);
    let mut findings = Vec::new();
    for (offset, found) in LOG_MACROS.iter().flat_map(|name| code.match_indices(name)) {
        let whole_word = offset == 0 || !is_word(code.as_bytes()[offset - 1]);
        let open = offset + found.len();
        if !whole_word || !code[open..].starts_with('(') {
            continue;
        }
        let arguments = within(&code, open + 1, '(', ')');
        let written = &text[open + 1..open + 1 + arguments.len()];
        let bare = split_at_commas(arguments)
            .into_iter()
            .filter_map(printed_name);
        let inline = written.match_indices('{').map(|(i, _)| {
            let rest = &written[i + 1..];
            rest.split(['}', ':']).next().unwrap_or_default()
        });
        for name in bare
            .chain(inline)
            .filter(|name| CONTENT_NAMES.contains(name))
        {
            findings.push(at(file, text, offset, &format!("`{name}` in a log line")));
        }
    }
    findings
}

pub(crate) fn shapely(file: &str, text: &str) -> Findings {
    let code = code(text);
    let mut findings = Vec::new();
    for (offset, _) in code.match_indices("#[derive(") {
        let derived = within(&code, offset + 9, '(', ')');
        let rest = &code[offset + 9 + derived.len()..];
        let Some(item) = rest
            .find("struct ")
            .into_iter()
            .chain(rest.find("enum "))
            .min()
        else {
            continue;
        };
        let item = rest[item..].split_once(' ').map_or("", |(_, item)| item);
        let name: String = item
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let brace = item.find(['{', ';']).unwrap_or(item.len());
        let fields = match &item[brace..] {
            body if body.starts_with('{') => within(item, brace + 1, '{', '}'),
            _ => &item[..brace],
        };
        let fields = fields.replace("&'static [u8]", ""); // a constant of ours
        let prints = derived.split(',').any(|name| name.trim() == "Debug");
        let content = CONTENT_TYPES.contains(&name.as_str())
            || CONTENT_FIELDS
                .iter()
                .any(|field| names_type(&fields, field));
        if prints && content && !HARMLESS.contains(&name.as_str()) {
            findings.push(at(
                file,
                text,
                offset,
                &format!("{name} holds content and derives Debug"),
            ));
        }
    }
    findings
}

fn names_type(fields: &str, wanted: &str) -> bool {
    let bytes = fields.as_bytes();
    fields.match_indices(wanted).any(|(i, _)| {
        let before = i == 0 || !is_word(bytes[i - 1]);
        let after = bytes.get(i + wanted.len()).is_none_or(|b| !is_word(*b));
        before && after
    })
}

/// The name that a log macro's argument prints, if it is a plain one: `?a.b` gives `b`, `len = a.len()` gives none.
fn printed_name(argument: &str) -> Option<&str> {
    let value = argument
        .rsplit_once('=')
        .map_or(argument, |(_, value)| value)
        .trim();
    let name = value.trim_start_matches(['?', '%', '&', '*']).trim();
    let plain = name.bytes().all(|b| is_word(b) || b == b'.');
    plain.then(|| name.rsplit('.').next().unwrap_or(name))
}

fn split_at_commas(arguments: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let outer = |c: char| {
        depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
        c == ',' && depth == 0
    };
    arguments.split(outer).collect()
}

/// `code` from `start`, which is behind an opening bracket, to the bracket that closes it.
fn within(code: &str, start: usize, open: char, close: char) -> &str {
    let mut depth = 1_i32;
    let end = code[start..].char_indices().find(|(_, c)| {
        depth += i32::from(*c == open) - i32::from(*c == close);
        depth == 0
    });
    end.map_or(&code[start..], |(length, _)| &code[start..start + length])
}

fn without_tests<'a>(file: &str, text: &'a str) -> &'a str {
    if file.ends_with("tests.rs") || file.contains("/tests/") {
        return "";
    }
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn stands_in(file: &str, place: &str) -> bool {
    file == place || (place.ends_with('/') && file.starts_with(place))
}

fn at(file: &str, text: &str, offset: usize, what: &str) -> String {
    format!("{file}:{}: {what}", line(text, offset))
}
