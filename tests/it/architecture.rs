//! Every source file keeps the house rules (`house_rules.rs`), and every rule is shown to bite.

use std::fs;
use std::path::Path;

use crate::house_rules::{
    Findings, confined, discreet, floor, floors, instrumented, introduced, pure, shapely, short,
};

const RULES: &[fn(&str, &str) -> Findings] = &[
    floors,
    confined,
    pure,
    introduced,
    short,
    instrumented,
    discreet,
    shapely,
];

/// Every Rust file under `folder`, named from there.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_house_rules_hold_in_every_source_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut findings = Findings::new();
    for (file, text) in sources(&root.join("src")) {
        findings.extend(RULES.iter().flat_map(|rule| rule(&file, &text)));
    }
    for folder in ["tests", "benches", "fuzz/targets"] {
        if root.join(folder).is_dir() {
            for (file, text) in sources(&root.join(folder)) {
                findings.extend(
                    [introduced, short]
                        .iter()
                        .flat_map(|rule| rule(&file, &text)),
                );
            }
        }
    }
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (file, _) in sources(&root) {
        let module = file.split(['/', '.']).next().unwrap();
        assert!(
            floor(module).is_some() || ["lib", "main"].contains(&module),
            "{file} stands on no floor"
        );
    }
}

/// Asserts that `rule` finds something in each of `bad` and nothing in each of `good`.
fn bites(rule: fn(&str, &str) -> Findings, bad: &[(&str, &str)], good: &[(&str, &str)]) {
    for (file, text) in bad {
        assert_eq!(rule(file, text).len(), 1, "not found in {file}: {text}");
    }
    for (file, text) in good {
        assert_eq!(rule(file, text), Findings::new(), "{file}: {text}");
    }
}

#[test]
fn an_import_that_goes_up_or_sideways_is_found() {
    let bad = [
        ("hl7/message.rs", "use crate::journal::Entry;"),
        ("mllp/client.rs", "fn f() -> crate::journal::Position {}"),
        (
            "route/plan.rs",
            "use crate::{\n    hl7,\n    delivery::{http, mllp},\n};"
                .split("mllp")
                .next()
                .unwrap(),
        ),
        ("source/mllp.rs", "use super::super::delivery::Lane;"),
        ("clock.rs", "use super::hl7::Message;"),
    ];
    let good = [
        (
            "route/plan.rs",
            "use crate::hl7::Message; use crate::route::Step; use super::step; use std::fmt;",
        ),
        (
            "hl7/mod.rs",
            "//! see [`crate::journal`]\nconst A: &str = \"crate::engine::run\";",
        ),
        (
            "config/check.rs",
            "use super::source; mod tests { use super::super::source; }",
        ),
        ("main.rs", "use wardwire::cli;"),
    ];
    bites(floors, &bad, &good);
    let two = floors("hl7/path.rs", "use crate::{journal::Entry,\n mllp::Frame};");
    assert_eq!(two[1], "hl7/path.rs:2: hl7 may not import mllp");
}

#[test]
fn a_crate_named_outside_its_place_is_found() {
    let bad = [
        ("engine/run.rs", "use toml;"),
        ("delivery/mllp.rs", "let c = reqwest::Client::new();"),
    ];
    let good = [
        ("config/file.rs", "use toml::Value;"),
        ("delivery/http.rs", "use reqwest::Client;"),
        ("delivery/certificates.rs", "use rustls::X;"),
        (
            "engine/run.rs",
            "use crate::config::toml; let toml = 1; // clap::Parser",
        ),
    ];
    bites(confined, &bad, &good);
}

#[test]
fn io_in_pure_code_is_found() {
    let bad = [
        ("hl7/batch.rs", "use std::{fmt, fs};"),
        ("mllp/decoder.rs", "let t = std::time::Instant::now();"),
    ];
    let good = [
        ("mllp/listener.rs", "use tokio::net::TcpListener;"),
        ("hl7/a.rs", "use std::io::Read;"),
        (
            "route/table.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }",
        ),
    ];
    bites(pure, &bad, &good);
}

#[test]
fn a_file_without_introduction_or_end_is_found() {
    bites(
        introduced,
        &[("a.rs", "use std::fmt;"), ("a.rs", "//!\n")],
        &[("a.rs", "//! Why.\n")],
    );
    bites(
        short,
        &[("a.rs", &"\n".repeat(401))],
        &[("a.rs", &"\n".repeat(400))],
    );
}

#[test]
fn content_in_a_log_line_is_found() {
    let bad = [
        ("a.rs", "#[instrument]\nfn f() {}"),
        (
            "a.rs",
            "#[tracing::instrument(level = \"debug\", fields(a = 1))]",
        ),
    ];
    bites(
        instrumented,
        &bad,
        &[(
            "a.rs",
            "#[tracing::instrument(skip_all, fields(a))] // #[instrument]",
        )],
    );
    let bad = [
        ("a.rs", "debug!(?message, \"in\");"),
        ("a.rs", "tracing::warn!(peer = %p, reply = ?self.reply);"),
        ("a.rs", "info!(\"got {body:?}\");"),
        ("a.rs", "error!(code = 7,\n \"bad {}\", entry.raw);"),
    ];
    let good = [
        (
            "a.rs",
            "debug!(bytes = message.raw().len(), kind = %message.header().kind(), \"read {count} bytes\");",
        ),
        (
            "a.rs",
            "warn!(message = \"closed\", %peer); println!(\"{body}\"); // debug!(?message)",
        ),
    ];
    bites(discreet, &bad, &good);
}

#[test]
fn content_that_derives_debug_is_found() {
    let bad = [
        (
            "a.rs",
            "#[derive(Clone, Debug)]\npub struct Frame { warnings: u8 }",
        ),
        ("a.rs", "#[derive(Debug)]\nstruct Any<'a> { x: &'a [u8] }"),
        ("a.rs", "#[derive(Debug)]\nenum Any { A(Bytes), B }"),
        ("a.rs", "#[derive(Debug)]\npub struct Any(pub Vec<u8>);"),
    ];
    let good = [
        (
            "a.rs",
            "#[derive(Clone)]\nstruct Frame(Bytes);\n#[derive(Debug)]\nstruct Id([u8; 16]);",
        ),
        (
            "a.rs",
            "#[derive(Debug)]\nstruct Size { max_bytes: usize, a: NotBytes }\nstruct B(Bytes);",
        ),
        (
            "a.rs",
            "#[derive(Debug)]\nstruct Mark { bytes: &'static [u8] }",
        ),
    ];
    bites(shapely, &bad, &good);
}
