//! One flipped bit in any file of the journal: nothing is lost and nothing is changed in silence.
//!
//! Each trial flips a bit in a copy of a small journal. Then the journal is refused with the place, or the damaged message is
//! refused with its place when it is read, or it did not matter; all else reads as it was written. `verify` names
//! the same place, and after `salvage` the rest is there. `WARDWIRE_FLIPS` sets the number of trials.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use wardwire::journal::{
    Archive, DiskFiles, Disposition, Entry, Journal, JournalError, JournalSettings, MessageType,
    NewEntry, Outcome, OutcomeKind, Query, SearchKeys, Secret32, Start, salvage, verify,
};

use crate::support::dice::{Dice, number};
use crate::support::engine::frozen;
use crate::support::peer::admission;

const MESSAGES: usize = 60;

/// A journal as it was written.
struct Written {
    folder: TempDir,
    key: Option<[u8; 32]>,
    entries: Vec<Arc<Entry>>,
    destinations: String,
    waiting: usize,
}

/// Memory where there is some that counts as a disk, since nothing here depends on syncs.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

fn open(dir: &Path, key: Option<[u8; 32]>) -> Result<Journal, JournalError> {
    let settings = JournalSettings {
        segment_bytes: 16 << 10,
        disk_floor: 0,
        key: key.map(Secret32::new),
        ..JournalSettings::at(dir.join("journal"))
    };
    Journal::open(settings, Arc::new(DiskFiles), frozen()).map(|(journal, _)| journal)
}

fn message(number: usize) -> NewEntry {
    let id = format!("C{number:04}");
    let raw = admission(&id) + &"OBX|1|ST|GLU^^L||92|mg/dl|||||F\r".repeat(number % 9);
    NewEntry {
        source: if number.is_multiple_of(3) {
            "lab"
        } else {
            "adt"
        }
        .into(),
        received: frozen().now(),
        peer: Some("10.0.0.7:4711".into()),
        disposition: match number % 10 {
            7 => Disposition::Refused(101),
            8 => Disposition::Damaged,
            _ => Disposition::Accepted,
        },
        acknowledgments: vec![Bytes::from(format!("MSA|AA|{id}\r"))],
        warnings: vec!["lf_after_fs".into()],
        message_type: MessageType::new(b"ADT", b"A01"),
        keys: SearchKeys {
            control_id: Some(Bytes::from(id.clone())),
            dedup: Some(Bytes::from(id)),
            patient_ids: vec![Bytes::from_static(b"4711")],
            ..SearchKeys::default()
        },
        raw: Bytes::from(raw),
    }
}

/// Several segment files, two lives of the engine, a killed one at the end, delivered, parked and waiting messages.
async fn write(key: Option<[u8; 32]>) -> Written {
    let folder = scratch();
    let mut entries = Vec::new();
    for life in 0..2 {
        let journal = open(folder.path(), key).unwrap();
        journal.register("ward", Start::Oldest).await.unwrap();
        let mut lane = journal.lane("ward").unwrap();
        for number in life * MESSAGES / 2..(life + 1) * MESSAGES / 2 {
            let position = journal.append(message(number)).await.unwrap();
            entries.push(journal.read(position).await.unwrap());
            if number % 10 < 6 && number < MESSAGES - 15 {
                let next = lane.next().await.unwrap();
                let kind =
                    [OutcomeKind::Delivered, OutcomeKind::Parked][usize::from(number % 7 == 0)];
                let outcome = Outcome::new(kind, frozen().now());
                let at = next.entry.position;
                journal.settle("ward", at, outcome).await.unwrap();
            }
        }
        drop(lane);
        if life == 0 {
            journal.close().await.unwrap();
        }
    }
    let written = Written {
        folder,
        key,
        entries,
        destinations: String::new(),
        waiting: 0,
    };
    // As it stands in a copy of it, which is what the trials look at.
    let copy = written.copy();
    let journal = open(copy.path(), key).unwrap();
    let backlog = journal.destinations()[0].backlog;
    Written {
        destinations: format!("{:?}", journal.destinations()),
        waiting: usize::try_from(backlog).unwrap(),
        ..written
    }
}

impl Written {
    fn copy(&self) -> TempDir {
        let to = scratch();
        let dir = to.path().join("journal");
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        for file in files(&self.folder.path().join("journal")) {
            std::fs::copy(&file, dir.join(file.file_name().unwrap())).unwrap();
        }
        to
    }

    /// What became of a journal with a flipped bit; the error says what went wrong in silence.
    async fn trial(&self, file: &str, bit: u64) -> Result<&'static str, String> {
        let copy = self.copy();
        let dir = copy.path().join("journal");
        let path = dir.join(file);
        flip(&path, bit);
        let report = verify(&dir).map_err(|error| format!("verify: {error}"))?;
        let named = |at: u64| {
            let mut faults = report.faults.iter();
            let here = faults.any(|f| f.file == path && f.offset <= at && at <= f.until);
            here.then_some(())
                .ok_or(format!("verify does not name it: {report:?}"))
        };
        let how = match open(copy.path(), self.key) {
            Err(JournalError::Corrupt { file, offset }) if file == path && offset <= bit / 8 => {
                named(bit / 8)?;
                "refused with its place"
            }
            Err(other) => return Err(format!("refused for another reason: {other}")),
            Ok(journal) => {
                let damaged = self.compare(&journal, &dir, &path).await?;
                if damaged > 1 {
                    return Err(format!("{damaged} messages went with one bit"));
                }
                if damaged == 1 {
                    named(bit / 8)?;
                    "named when read"
                } else if report.faults.is_empty() {
                    "nothing in use, or derived"
                } else {
                    "named by verify alone"
                }
            }
        };
        if !report.faults.is_empty() {
            self.salvaged(file, bit)
                .await
                .map_err(|error| format!("salvaged: {error}"))?;
        }
        Ok(how)
    }

    /// Holds an open journal against what was written; how many messages are refused as damaged in `path`.
    async fn compare(&self, journal: &Journal, dir: &Path, path: &Path) -> Result<usize, String> {
        let mut damaged = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            match journal.read(entry.position).await {
                Ok(read) => same(&read, entry)
                    .then_some(())
                    .ok_or(format!("message {at} changed"))?,
                Err(JournalError::Corrupt { file, .. }) if file == path => {
                    damaged.push(entry.position);
                }
                Err(other) => return Err(format!("message {at}: {other}")),
            }
        }
        if format!("{:?}", journal.destinations()) != self.destinations {
            return Err("the outcomes changed".to_owned());
        }
        let mut lane = journal.lane("ward").unwrap();
        for _ in 0..self.waiting {
            let next = tokio::time::timeout(Duration::from_secs(10), lane.next()).await;
            match next.map_err(|_| "a message never came to the lane".to_owned())? {
                Ok(next) if self.entries.iter().any(|entry| same(&next.entry, entry)) => {}
                Ok(_) => return Err("the lane gives another message".to_owned()),
                Err(JournalError::Corrupt { file, .. }) if file == path => break,
                Err(other) => return Err(format!("the lane: {other}")),
            }
        }
        if !self.search(dir, path)? && damaged.is_empty() {
            // An outcome: the messages themselves are all there.
            return Ok(1);
        }
        Ok(damaged.len())
    }

    /// Finds every message, one by one and all together; `false` if damage in `path` is named instead.
    fn search(&self, dir: &Path, path: &Path) -> Result<bool, String> {
        let archive = Archive::open(dir, self.key.map(Secret32::new).as_ref());
        let archive = archive.map_err(|error| format!("archive: {error}"))?;
        let all = match archive.search(&Query::default()) {
            Err(JournalError::Corrupt { file, .. }) if file == path => return Ok(false),
            other => other.map_err(|error| format!("search: {error}"))?,
        };
        let found: Vec<_> = all
            .iter()
            .rev()
            .map(|row| (row.position, row.disposition))
            .collect();
        let wanted: Vec<_> = self
            .entries
            .iter()
            .map(|e| (e.position, e.disposition))
            .collect();
        if found != wanted {
            return Err(format!("search finds {} of {MESSAGES}", found.len()));
        }
        for entry in self.entries.iter().step_by(7) {
            let id = entry.keys.control_id.as_deref().map(<[u8]>::to_vec);
            let rows = archive.search(&Query {
                id,
                ..Query::default()
            });
            let rows = rows.map_err(|error| format!("search by control ID: {error}"))?;
            if rows.len() != 1 || rows[0].position != entry.position {
                return Err(format!("a control ID finds {} messages", rows.len()));
            }
        }
        Ok(true)
    }

    /// Salvage leaves at most the one message out that it names.
    async fn salvaged(&self, file: &str, bit: u64) -> Result<(), String> {
        let copy = self.copy();
        let dir = copy.path().join("journal");
        flip(&dir.join(file), bit);
        let lost = salvage(&dir).map_err(|error| error.to_string())?.lost;
        let report = verify(&dir).map_err(|error| error.to_string())?;
        if !report.faults.is_empty() || !report.missing.is_empty() {
            return Err(format!("still damaged: {report:?}"));
        }
        let journal = open(copy.path(), self.key).map_err(|error| error.to_string())?;
        let mut gone = 0;
        for (at, entry) in self.entries.iter().enumerate() {
            let offset = u64::from(entry.position.offset());
            let log = format!("{:08}.log", entry.position.segment());
            let named = |fault: &wardwire::journal::Fault| {
                fault.file.ends_with(&log) && (fault.offset..fault.until).contains(&offset)
            };
            match journal.read(entry.position).await {
                Ok(read) if same(&read, entry) => {}
                Ok(_) => return Err(format!("message {at} changed")),
                Err(_) if lost.iter().any(named) => gone += 1,
                Err(error) => return Err(format!("message {at}: {error}")),
            }
        }
        if gone > 1 {
            return Err(format!("{gone} messages went with one bit"));
        }
        Ok(())
    }
}

fn same(one: &Entry, other: &Entry) -> bool {
    one.position == other.position
        && one.ordinal == other.ordinal
        && one.source == other.source
        && one.received == other.received
        && one.peer == other.peer
        && one.disposition == other.disposition
        && one.acknowledgments == other.acknowledgments
        && one.warnings == other.warnings
        && one.message_type == other.message_type
        && one.keys == other.keys
        && one.raw == other.raw
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let items = std::fs::read_dir(dir).unwrap();
    let mut files: Vec<_> = items.map(|item| item.unwrap().path()).collect();
    files.sort();
    files
}

fn flip(path: &Path, bit: u64) {
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, bit / 8).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << (bit % 8))], bit / 8)
        .unwrap();
}

#[tokio::test]
async fn one_flipped_bit_loses_and_changes_nothing_in_silence() {
    campaign(&write(None).await).await;
}

#[tokio::test]
async fn one_flipped_bit_in_a_sealed_journal_loses_and_changes_nothing_in_silence() {
    campaign(&write(Some([7; 32])).await).await;
}

async fn campaign(written: &Written) {
    let mut dice = Dice::new();
    let trials = number("WARDWIRE_FLIPS").unwrap_or(1000) / 2;
    let mut endings: BTreeMap<(String, &str), u32> = BTreeMap::new();
    let mut silent = Vec::new();
    let files = files(&written.folder.path().join("journal"));
    for _ in 0..trials {
        let file = &files[usize::try_from(dice.below(files.len() as u64)).unwrap()];
        let bytes = std::fs::read(file).unwrap();
        if bytes.is_empty() {
            continue;
        }
        // Mostly where something is.
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        let end = if dice.below(10) == 0 {
            bytes.len()
        } else {
            used
        } as u64;
        let bit = dice.below(end * 8);
        let name = file.file_name().unwrap().to_str().unwrap();
        match written.trial(name, bit).await {
            Ok(how) => *endings.entry((kind(name), how)).or_default() += 1,
            Err(what) => silent.push(format!("bit {bit} of {name}: {what}")),
        }
    }
    eprintln!("{trials} flipped bits: {endings:?}");
    assert_eq!(silent, Vec::<String>::new());
}

/// The kind of file behind a name.
fn kind(name: &str) -> String {
    let digits = name.starts_with(|first: char| first.is_ascii_digit());
    let end = name.rsplit('.').next().unwrap_or(name);
    if digits {
        format!("*.{end}")
    } else {
        name.to_owned()
    }
}

#[tokio::test]
async fn a_file_whose_whole_head_is_gone_is_put_right_from_the_files_beside_it() {
    let written = write(None).await;
    for number in 1..3 {
        let copy = written.copy();
        let dir = copy.path().join("journal");
        let path = dir.join(format!("{number:08}.log"));
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[0; 4096], 0).unwrap();
        let refused = open(copy.path(), None).err().unwrap();
        assert!(matches!(refused, JournalError::Corrupt { file, offset: 0 } if file == path));
        let salvaged = salvage(&dir).unwrap();
        assert_eq!(
            (salvaged.lost.len(), salvaged.mended),
            (0, vec![path.clone()])
        );
        let journal = open(copy.path(), None).unwrap();
        assert_eq!(written.compare(&journal, &dir, &path).await, Ok(0));
    }
}
