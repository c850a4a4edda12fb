//! Checking every byte.

use std::path::{Path, PathBuf};

use super::record::{Kind, Step, number64};
use super::segment::{self, FIRST, Segment};
use super::{DiskFiles, Files, JournalError, Position, folder};

/// Damage in a segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// Where the damage begins.
    pub offset: u64,
    /// Where good records begin again, or the file's end.
    pub until: u64,
}

/// What is in one segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// The file.
    pub file: PathBuf,
    /// Its number.
    pub segment: u32,
    /// Good records.
    pub records: u64,
    /// Entries among them.
    pub entries: u64,
    /// Outcomes among them.
    pub outcomes: u64,
}

/// What checking found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Segment by segment, oldest first.
    pub segments: Vec<SegmentReport>,
    /// All damage, oldest first; empty is good.
    pub faults: Vec<Fault>,
    /// Segment files that must be there and are not.
    pub missing: Vec<u32>,
}

/// Checks every record of the journal in `dir`; needs no key and no lock. Beside a running engine the last bytes written
/// may be seen half, which is no fault.
///
/// # Errors
/// When the files cannot be read or are of a newer format.
pub fn verify(dir: &Path) -> Result<Report, JournalError> {
    let mut report = Report::default();
    let names = DiskFiles.list(dir).map_err(JournalError::io("list", dir))?;
    let mut numbers: Vec<u32> = names
        .iter()
        .filter_map(|name| segment::number_of(name))
        .collect();
    numbers.sort_unstable();
    let marker = folder::marker(&DiskFiles, dir);
    let mut all = Vec::new();
    // Newest first: only the last file that was begun may have a torn end.
    let mut begun = false;
    let mut newest = 0;
    for number in numbers.into_iter().rev() {
        let segment = match Segment::read(&DiskFiles, dir, number, None) {
            Err(JournalError::Corrupt { file, offset }) => {
                report.faults.push(Fault {
                    file,
                    offset,
                    until: u64::from(FIRST),
                });
                begun = true;
                newest = newest.max(number);
                continue;
            }
            other => other?,
        };
        let durable = marker
            .filter(|marker| marker.segment() == number)
            .map_or(0, Position::offset);
        let checked = check(&segment, u64::from(durable), begun)?;
        begun |= checked.first_sequence.is_some();
        all.push(checked);
    }
    let mut before: Option<Checked> = None;
    for checked in all.into_iter().rev() {
        if let (Some(before), Some(first)) = (
            before.filter(|it| it.report.segment + 1 == checked.report.segment),
            checked.first_sequence,
        ) {
            if before.id != checked.previous {
                report.missing.push(before.report.segment);
            } else if before.next_sequence != Some(first)
                // Otherwise they may be those that are damaged here.
                && checked
                    .faults
                    .first()
                    .is_none_or(|fault| fault.offset > u64::from(FIRST))
                && before
                    .faults
                    .last()
                    .is_none_or(|fault| fault.until < before.end)
            {
                // Records are missing at the end of the file before.
                report.faults.push(Fault {
                    file: before.report.file.clone(),
                    offset: before.end,
                    until: before.end,
                });
            }
        }
        report.faults.extend(checked.faults.iter().cloned());
        if checked.first_sequence.is_some() {
            report.segments.push(checked.report.clone());
        }
        before = Some(checked);
    }
    let newest = newest.max(report.segments.last().map_or(0, |last| last.segment));
    report.missing.extend(
        marker
            .map(Position::segment)
            .filter(|number| *number > newest),
    );
    report
        .faults
        .sort_by(|one, other| (&one.file, one.offset).cmp(&(&other.file, other.offset)));
    Ok(report)
}

/// A segment file, checked.
struct Checked {
    id: [u8; 16],
    previous: [u8; 16],
    first_sequence: Option<u64>,
    next_sequence: Option<u64>,
    /// Where the last good record ends.
    end: u64,
    faults: Vec<Fault>,
    report: SegmentReport,
}

/// Checks one file. `whole`: it was all on the disk before the next one was begun, so nothing in it is a torn write.
fn check(segment: &Segment, durable: u64, whole: bool) -> Result<Checked, JournalError> {
    let file = segment.path.clone();
    let read = || JournalError::io("read", &segment.path);
    let mut checked = Checked {
        id: segment.id,
        previous: segment.previous,
        first_sequence: None,
        next_sequence: None,
        end: u64::from(FIRST),
        faults: Vec::new(),
        report: SegmentReport {
            file: file.clone(),
            segment: segment.number,
            records: 0,
            entries: 0,
            outcomes: 0,
        },
    };
    let mut scanner = segment.scan(&DiskFiles, u64::from(FIRST))?;
    loop {
        let at = scanner.at;
        let step = scanner.step().map_err(read())?;
        if let Step::Record(record) = step
            && checked
                .next_sequence
                .is_none_or(|expected| expected == record.head.sequence)
        {
            checked.first_sequence.get_or_insert(record.head.sequence);
            checked.next_sequence = Some(record.head.sequence + 1);
            checked.report.records += 1;
            match record.head.kind {
                Kind::Entry => checked.report.entries += 1,
                Kind::Outcome => checked.report.outcomes += 1,
                Kind::Skip => {
                    checked.next_sequence = number64(&record.body, 0).or(checked.next_sequence);
                }
                _ => {}
            }
            checked.end = scanner.at;
            continue;
        }
        // Not valid from `at` on: what is behind it?
        scanner.at = at;
        let used = scanner.last_used().map_err(read())?;
        let mut later = None;
        let mut known_durable = durable;
        scanner.at = at + 8;
        while let Some(record) = scanner.seek_valid().map_err(read())? {
            later = later.or(Some((record.at, record.head.sequence)));
            known_durable = known_durable.max(u64::from(record.head.durable));
        }
        if known_durable <= at && (!whole || used <= at) {
            return Ok(checked);
        }
        let Some((until, sequence)) = later else {
            let until = used.max(known_durable).next_multiple_of(8);
            checked.faults.push(Fault {
                file,
                offset: at,
                until,
            });
            return Ok(checked);
        };
        checked.faults.push(Fault {
            file: file.clone(),
            offset: at,
            until,
        });
        checked.first_sequence.get_or_insert(sequence);
        checked.next_sequence = Some(sequence);
        scanner.at = until;
    }
}
