//! Messages that other projects publish, read in place where they are: nothing panics, nothing is lost, all is written
//! back byte for byte.

use std::path::{Path as FilePath, PathBuf};

use bytes::Bytes;

use crate::hl7::fuzz::fuzz_message;
use crate::hl7::{Draft, Message, Path, Segments, batch};

/// The folder of shared messages: beside the project, or where `WARDWIRE_SHARED` says.
fn corpus() -> Option<PathBuf> {
    let beside = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let told = std::env::var_os("WARDWIRE_SHARED").map(PathBuf::from);
    let folders = [Some(beside), told].into_iter().flatten();
    folders
        .map(|folder| folder.join("corpus"))
        .find(|folder| folder.is_dir())
}

fn files(folder: &FilePath, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_none_or(|extension| extension != "md") {
            found.push(path);
        }
    }
}

/// Lines that are neither in a message nor part of an envelope nor blank.
fn lines_outside(data: &[u8], found: &batch::Batch) -> usize {
    let mut outside = data.to_vec();
    for range in &found.messages {
        outside[range.clone()].fill(b'\n');
    }
    let envelope = |line: &[u8]| {
        [b"FHS", b"BHS", b"BTS", b"FTS"]
            .iter()
            .any(|name| line.starts_with(*name))
    };
    let blank = |b: &u8| b.is_ascii_whitespace() || [0x0B, 0x1C, 0xEF, 0xBB, 0xBF].contains(b);
    let lines = outside.split(|b| matches!(b, b'\r' | b'\n'));
    lines
        .filter(|line| !line.iter().all(blank) && !envelope(line))
        .count()
}

#[test]
fn messages_from_strangers_are_all_read_and_written_back_byte_for_byte() {
    let Some(folder) = corpus() else {
        eprintln!("skipped: no shared corpus beside the project (set WARDWIRE_SHARED)");
        return;
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    let (mut messages, mut refused, mut odd) = (0, 0, 0);
    for path in &paths {
        let data = Bytes::from(std::fs::read(path).unwrap());
        fuzz_message(&data);
        let found = batch::split(&data);
        let stray = found
            .findings
            .iter()
            .any(|f| f.kind == batch::FindingKind::StrayLine);
        assert!(
            stray || lines_outside(&data, &found) == 0,
            "lost lines in {}",
            path.display()
        );
        for range in found.messages {
            let slice = data.slice(range);
            fuzz_message(&slice);
            match Message::parse(slice.clone()) {
                Ok(message) => {
                    messages += 1;
                    odd += usize::from(!message.warnings().is_empty());
                    assert_eq!(Draft::of(&message).write(), message.raw());
                    assert!(slice.starts_with(message.raw()));
                    let rest = &slice[message.raw().len()..];
                    assert!(
                        rest.iter()
                            .all(|b| b.is_ascii_whitespace() || [0x0B, 0x1C].contains(b))
                    );
                    rewrite_every_field(&message);
                }
                Err(error) => {
                    refused += 1;
                    eprintln!("refused: {error} in {}", path.display());
                }
            }
        }
    }
    eprintln!(
        "{} files, {messages} messages, {odd} of them odd, {refused} refused",
        paths.len()
    );
    assert!(messages > 1000 && refused * 20 < messages);
}

/// Setting a field to what it says already changes no byte.
fn rewrite_every_field(message: &Message) {
    let mut draft = Draft::of(message);
    for (index, segment) in message.iter().take(40) {
        let Some(name) = segment.name() else { continue };
        let nth = message
            .named(name)
            .take_while(|(at, _)| *at <= index)
            .count();
        for number in 1..=segment.field_count().min(40) {
            let mut path = Path::field(*name.bytes(), u16::try_from(number).unwrap());
            path.occurrence = crate::hl7::Occurrence::Nth(u32::try_from(nth).unwrap());
            let value = segment.field(number).unwrap();
            if number > 2 || !segment.declares_delimiters() {
                draft.set_raw(&path, value).unwrap();
            }
        }
    }
    assert_eq!(draft.write(), message.raw());
}
