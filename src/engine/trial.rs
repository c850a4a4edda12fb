//! The `[[test]]` cases of a configuration: sample messages in, acknowledgments and destinations out, nothing sent.
//!
//! They run the same judging, routing and editing as live traffic, on the settings alone: no journal, no network.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use serde::Serialize;

use crate::config::{Settings, TestCase};
use crate::hl7::acknowledgment::Code;
use crate::hl7::batch;
use crate::route::Plan;
use crate::source::{Intake, codes_for};

/// A case that does not hold: where it stands and what differed, without content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The case's name.
    pub name: String,
    /// Its line in the configuration file.
    pub line: usize,
    /// What was found and what was expected, a clause each.
    pub reasons: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}: {}: {}",
            self.line,
            self.name,
            self.reasons.join(", ")
        )
    }
}

/// Runs every case; gives those that fail.
#[must_use]
pub fn run_all(settings: &Settings) -> Vec<Failure> {
    settings
        .tests
        .iter()
        .filter_map(|case| run(settings, case).err())
        .collect()
}

/// Runs one case.
///
/// # Errors
/// What differed.
pub fn run(settings: &Settings, case: &TestCase) -> Result<(), Failure> {
    let mut reasons = Vec::new();
    for input in &case.inputs {
        let shown = input
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match fs::read(input) {
            Ok(bytes) => run_file(settings, case, &shown, Bytes::from(bytes), &mut reasons),
            Err(error) => reasons.push(format!("{}: {error}", input.display())),
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Failure {
        name: case.name.clone(),
        line: case.line,
        reasons,
    })
}

fn run_file(
    settings: &Settings,
    case: &TestCase,
    shown: &str,
    bytes: Bytes,
    reasons: &mut Vec<String>,
) {
    let found = batch::split(&bytes);
    let mut messages: Vec<Bytes> = found
        .messages
        .into_iter()
        .map(|range| bytes.slice(range))
        .collect();
    if messages.is_empty() {
        messages.push(bytes);
    }
    let intake = settings
        .sources
        .iter()
        .find(|source| *source.name == case.source);
    let intake = intake.map_or_else(Intake::default, |source| source.intake.clone());
    for (number, message) in messages.into_iter().enumerate() {
        let shown = if number == 0 {
            shown.to_owned()
        } else {
            format!("{shown}#{}", number + 1)
        };
        let (codes, routed) = codes_for(&message, &intake, &settings.routes, &case.source);
        check_acknowledgment(case, &codes, &shown, reasons);
        check_destinations(settings, case, message, routed, &shown, reasons);
    }
}

fn check_acknowledgment(case: &TestCase, codes: &[Code], shown: &str, reasons: &mut Vec<String>) {
    let Some(expected) = &case.acknowledgment else {
        return;
    };
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let found = if codes.is_empty() {
        "none".to_owned()
    } else {
        codes.join(" ")
    };
    if found != *expected {
        reasons.push(format!(
            "{shown}: acknowledged {found}, expected {expected}"
        ));
    }
}

fn check_destinations(
    settings: &Settings,
    case: &TestCase,
    raw: Bytes,
    routed: bool,
    shown: &str,
    reasons: &mut Vec<String>,
) {
    let Some(message) = settings
        .routes
        .read(&case.source, raw)
        .ok()
        .filter(|_| routed)
    else {
        if case.to.as_ref().is_some_and(|to| !to.is_empty()) {
            reasons.push(format!("{shown}: not accepted, so it goes nowhere"));
        }
        return;
    };
    let mut reached = BTreeSet::new();
    for destination in &settings.destinations {
        match settings
            .routes
            .plan(&case.source, &message, &destination.name)
        {
            Plan::Filtered(_) => {}
            Plan::Failed { error, .. } => {
                reasons.push(format!("{shown}: {}: {error}", destination.name));
            }
            Plan::Deliver { bytes, .. } => {
                reached.insert(destination.name.to_string());
                if let Some((_, file)) = case
                    .out
                    .iter()
                    .find(|(name, _)| **name == *destination.name)
                {
                    check_bytes(&bytes, file, &destination.name, shown, reasons);
                }
            }
        }
    }
    let Some(expected) = &case.to else {
        return;
    };
    let expected: BTreeSet<String> = expected.iter().cloned().collect();
    for missing in expected.difference(&reached) {
        reasons.push(format!("{shown}: did not go to {missing}"));
    }
    for extra in reached.difference(&expected) {
        reasons.push(format!("{shown}: went to {extra}, too"));
    }
}

/// Compares what a destination would get with a file; says which line differs first, not what it says.
fn check_bytes(bytes: &Bytes, file: &PathBuf, to: &str, shown: &str, reasons: &mut Vec<String>) {
    let expected = match fs::read(file) {
        Ok(expected) => expected,
        Err(error) => {
            reasons.push(format!("{}: {error}", file.display()));
            return;
        }
    };
    if *bytes == expected {
        return;
    }
    let lines = |bytes: &[u8]| {
        bytes
            .split(|b| *b == b'\r')
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    let (found, expected) = (lines(bytes), lines(&expected));
    let same = found
        .iter()
        .zip(&expected)
        .take_while(|(a, b)| a == b)
        .count();
    let name = found
        .get(same)
        .or(expected.get(same))
        .and_then(|line| line.get(..3));
    let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
    let place = format!("segment {} ({name})", same + 1);
    reasons.push(format!(
        "{shown}: what {to} gets differs from {} in {place}",
        file.display()
    ));
}
