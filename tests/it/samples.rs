//! The files in `samples/`: bytes as documented, each one listed, and readable unless broken on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wardwire::hl7::{Message, Segments};

/// The only files that hold a line feed, and may.
const WITH_LINE_FEED: &[&str] = &[
    "odd/line_ends_lf.hl7",
    "odd/line_ends_crlf.hl7",
    "odd/line_feed_in_obx.hl7",
];

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    let folders = [folder(), folder().join("odd")];
    let paths = folders
        .iter()
        .flat_map(|f| fs::read_dir(f).unwrap())
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "hl7"))
        .map(|path| {
            let name = path.strip_prefix(folder()).unwrap().to_str().unwrap();
            (name.to_owned(), fs::read(&path).unwrap())
        })
        .collect()
}

/// File → the acknowledgments to expect, and the code in ERR if any.
pub(crate) fn expected() -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(folder().join("expected.csv")).unwrap();
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("file,acks,error"));
    rows.map(|row| {
        let fields: Vec<_> = row.split(',').collect();
        let [file, acks, error] = fields[..] else {
            panic!("three fields expected: {row}");
        };
        (file.to_owned(), (acks.to_owned(), error.to_owned()))
    })
    .collect()
}

#[test]
fn every_sample_is_in_the_table_and_has_an_expected_acknowledgment() {
    let names: BTreeSet<_> = files().into_keys().collect();
    assert_eq!(names, expected().into_keys().collect::<BTreeSet<_>>());
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for (file, (acks, error)) in expected() {
        let start = format!("| `{file}` |");
        let row = readme.lines().find(|line| line.starts_with(&start));
        let end = match error.as_str() {
            "" => format!("| {acks} |"),
            code => format!("| {acks}, ERR {code} |"),
        };
        assert!(row.is_some_and(|row| row.ends_with(&end)), "{file}: {end}");
    }
}

#[test]
fn segments_end_in_cr_where_the_name_says_nothing_else() {
    for (file, bytes) in files() {
        let feeds = bytes.contains(&b'\n');
        assert_eq!(feeds, WITH_LINE_FEED.contains(&file.as_str()), "{file}");
    }
}

#[test]
fn no_two_samples_can_be_taken_for_a_repeated_message() {
    let mut seen = BTreeMap::new();
    for (file, bytes) in files() {
        for line in bytes.split(|b| *b == b'\r' || *b == b'\n') {
            let Ok(message) = Message::parse(line.to_vec()) else {
                continue;
            };
            let header = message.header();
            let sender = (header.sending_application(), header.sending_facility());
            let id = format!("{sender:?} {:?}", header.control_id());
            if !header.control_id().is_empty() {
                let earlier = seen.insert(id, file.clone());
                assert_eq!(earlier, None, "{file} repeats a control ID");
            }
        }
    }
}

#[test]
fn every_sample_but_the_broken_and_the_batches_is_read_and_kept_byte_for_byte() {
    for (file, bytes) in files() {
        let unreadable = ["odd/broken_no_msh", "odd/broken_header", "odd/broken_equal"];
        let parsed = Message::parse(bytes.clone());
        if unreadable.iter().any(|start| file.starts_with(start)) || file.starts_with("odd/batch") {
            assert!(parsed.is_err(), "{file}");
            continue;
        }
        let message = parsed.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(message.count() > 1, "{file}");
        let raw = message.raw();
        assert!(bytes.windows(raw.len()).any(|w| w == raw), "{file}");
    }
}
