//! `config.toml` → settings.
//!
//! The file is read key by key ([`load`]); whatever is wrong with it is gathered and told at once, each fault with its place.
//! What comes out has no illegal states left: names lead somewhere, conditions are compiled, files were read.

mod destination;
mod fault;
mod reader;
mod route;
mod secret;
mod section;
mod settings;
mod source;
mod step;
mod tables;
#[cfg(test)]
mod tests;
mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::de::DeTable;

pub use fault::{ConfigError, Fault};
use reader::Reader;
use route::Names;
use section::{Placed, Section};
pub use settings::{EngineSettings, Origin, Settings, TestCase};

use crate::hl7::acknowledgment::Code;
use crate::journal::{JournalSettings, Secret32};

/// The configuration that is built into the program: the `config.toml` beside its source.
pub const EMBEDDED: &str = include_str!("../../config.toml");

/// Reads and checks a configuration.
///
/// # Errors
/// Every fault in it, or that the file cannot be read.
pub fn load(origin: &Origin) -> Result<Settings, ConfigError> {
    match origin {
        Origin::Embedded(folder) => parse(
            EMBEDDED,
            Path::new("built-in config.toml"),
            folder,
            origin.clone(),
        ),
        Origin::File(path) => {
            let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            parse(
                &text,
                path,
                folder.unwrap_or(Path::new(".")),
                origin.clone(),
            )
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let fault = Fault {
        line: 1,
        column: 1,
        key: String::new(),
        message: format!("the file cannot be read: {error}"),
        hint: None,
    };
    ConfigError::new(path, vec![fault])
}

/// Reads `text` as the configuration called `shown`, with relative paths starting at `folder`.
fn parse(text: &str, shown: &Path, folder: &Path, origin: Origin) -> Result<Settings, ConfigError> {
    let reader = Reader::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        // Of what is there twice, say what it is.
        let key = error.span().map_or("", |span| reader.source(&span));
        let key = if error.message().starts_with("duplicate key") {
            key
        } else {
            ""
        };
        reader.fault(at, key, error.message().replace('\n', ", "), None);
    }
    let root = Section::root(&reader, &table);
    let settings = read(&root, folder, origin);
    root.finish();
    let faults = reader.into_faults();
    if faults.is_empty() {
        return Ok(settings);
    }
    Err(ConfigError::new(shown, faults))
}

fn read(root: &Section<'_>, folder: &Path, origin: Origin) -> Settings {
    let engine = read_engine(root, folder);
    let journal = read_journal(root, folder, &engine.data);
    let sources = source::read_all(root, folder, &engine);
    let destinations = destination::read_all(root, folder, &engine.zone);
    // Names that stand in the file count as known even where their table has faults of its own.
    let names = Names {
        sources: root
            .named_sections("source")
            .into_iter()
            .map(|(name, _)| name.value)
            .collect(),
        destinations: root
            .named_sections("destination")
            .into_iter()
            .map(|(name, _)| name.value)
            .collect(),
    };
    if names.sources.is_empty() {
        let hint = "write [source.adt] with type = \"mllp\" and listen = \"127.0.0.1:2575\"";
        root.fault_here("there is no source", Some(hint.to_owned()));
    }
    let charsets = sources
        .iter()
        .filter_map(|source| Some((source.name.to_string(), source.intake.charset?)));
    let routes = route::read_all(root, folder, &names).with_charsets(charsets.collect());
    let tests = read_tests(root, folder, &names);
    Settings {
        origin,
        engine,
        journal,
        sources,
        routes: Arc::new(routes),
        destinations,
        tests,
    }
}

fn read_engine(root: &Section<'_>, folder: &Path) -> EngineSettings {
    let mut settings = EngineSettings {
        name: "WARDWIRE".to_owned(),
        facility: String::new(),
        data: folder.join("data"),
        zone: TimeZone::UTC,
        drain: Duration::from_secs(30),
    };
    let Some(section) = root.section("engine") else {
        return settings;
    };
    if let Some(name) = section.text("name") {
        settings.name = name.value;
    }
    if let Some(facility) = section.text("facility") {
        settings.facility = facility.value;
    }
    if let Some(data) = section.text("data") {
        settings.data = folder.join(data.value);
    }
    settings.zone = step::zone(&section, "timezone").unwrap_or(settings.zone);
    settings.drain = section.duration("drain").unwrap_or(settings.drain);
    section.finish();
    settings
}

fn read_journal(root: &Section<'_>, folder: &Path, data: &Path) -> JournalSettings {
    let mut settings = JournalSettings::at(data.join("journal"));
    if let Some(section) = root.section("journal") {
        settings.keep_age = section.duration("keep").unwrap_or(settings.keep_age);
        settings.keep_bytes = section.size("keep_bytes");
        settings.disk_floor = section.size("disk_floor").unwrap_or(settings.disk_floor);
        if let Some(size) = section.size("segment") {
            match u32::try_from(size) {
                Ok(size) if (1 << 20..=1 << 30).contains(&size) => settings.segment_bytes = size,
                _ => section.fault("segment", "expected a size from 1MiB to 1GiB", None),
            }
        }
        section.finish();
    }
    if let Some(section) = root.section("security") {
        settings.key = section.secret("encrypt", folder).and_then(|secret| {
            let key = key_of(&secret);
            if key.is_none() {
                let hint = "make one with `head -c 32 /dev/urandom | base64`".to_owned();
                section.fault("encrypt", "expected 32 bytes in base64 or hex", Some(hint));
            }
            key
        });
        section.finish();
    }
    settings
}

/// 32 bytes in hex or base64.
fn key_of(text: &str) -> Option<Secret32> {
    use base64::Engine;
    let text = text.trim();
    let bytes = if text.len() == 64 {
        let pairs = text.as_bytes().as_chunks::<2>().0;
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        zeroize::Zeroizing::new(pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?)
    } else {
        zeroize::Zeroizing::new(base64::prelude::BASE64_STANDARD.decode(text).ok()?)
    };
    bytes.as_slice().try_into().ok().map(Secret32::new)
}

fn read_tests(root: &Section<'_>, folder: &Path, names: &Names) -> Vec<TestCase> {
    let cases = root.list("test").into_iter().filter_map(|section| {
        let name = section.required("name", "\"what it shows\"");
        let line = section.line();
        section.required_key("in", "\"samples/adt_a01.hl7\"");
        let inputs = section.texts("in").unwrap_or_default();
        let source = section.text("source").map(|source| {
            if !names.sources.contains(&source.value) {
                let known = names.sources.iter().map(String::as_str);
                route::unknown_name(&section, &source, "source", known);
            }
            source.value
        });
        let mut case = TestCase {
            name: String::new(),
            line,
            source: source
                .or_else(|| names.sources.first().cloned())
                .unwrap_or_default(),
            inputs: inputs
                .into_iter()
                .map(|path| folder.join(path.value))
                .collect(),
            acknowledgment: None,
            to: None,
            out: Vec::new(),
        };
        section.required_key("expect", "{ ack = \"AA\", to = [\"archive\"] }");
        if let Some(expect) = section.section("expect") {
            read_expectation(&expect, folder, names, &mut case);
            expect.finish();
        }
        section.finish();
        case.name = name?.value;
        Some(case)
    });
    cases.collect()
}

fn read_expectation(section: &Section<'_>, folder: &Path, names: &Names, case: &mut TestCase) {
    let known = |name: &Placed<String>| {
        if !names.destinations.contains(&name.value) {
            let known = names.destinations.iter().map(String::as_str);
            route::unknown_name(section, name, "destination", known);
        }
    };
    case.acknowledgment = section.text("ack").map(|ack| ack.value);
    let mut codes = case
        .acknowledgment
        .iter()
        .flat_map(|codes| codes.split(' '));
    if codes.any(|code| code != "none" && Code::read(code.as_bytes()).is_none()) {
        section.fault(
            "ack",
            "expected codes such as \"AA\" or \"CA AA\", or \"none\"",
            None,
        );
    }
    case.to = section.texts("to").map(|to| {
        to.iter().for_each(known);
        to.into_iter().map(|name| name.value).collect()
    });
    for (name, file) in section.entries("out").unwrap_or_default() {
        known(&Placed {
            value: name.clone(),
            ..file.clone()
        });
        case.out.push((name, folder.join(file.value)));
    }
}

/// What the fuzzer runs: any bytes as a configuration give settings or faults that can be printed, nothing else.
#[doc(hidden)]
pub fn fuzz_config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let nowhere = PathBuf::from("/nonexistent");
    if let Err(error) = parse(
        &text,
        Path::new("config.toml"),
        &nowhere,
        Origin::Embedded(nowhere.clone()),
    ) {
        assert!(!error.to_string().is_empty());
    }
}
