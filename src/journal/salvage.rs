//! Making a damaged journal usable again: what is damaged is copied aside and skipped, nothing else moves.

use std::io::IoSlice;
use std::path::Path;

use super::record::{HEAD, Head, Kind, checksum};
use super::segment::{self, FIRST, Segment};
use super::syncer::encode_marker;
use super::{DiskFiles, Fault, File, Files, JournalError, Position, folder, verify};

/// What salvage lost, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// The damaged regions, now skipped; their bytes are kept beside the journal in `.damaged` files.
    pub lost: Vec<Fault>,
}

/// Makes a damaged journal usable again. What is damaged is copied aside and skipped, nothing else moves, so every
/// message ID stays. The engine must be stopped. Needs no key.
///
/// # Errors
/// [`JournalError::InUse`] if an engine runs; [`JournalError::Corrupt`] at offset 0 if the head of a segment file is
/// damaged, which cannot be mended.
pub fn salvage(dir: &Path) -> Result<Salvaged, JournalError> {
    let _held = folder::take_lock(dir)?;
    let report = verify(dir)?;
    if let Some(number) = report.missing.first() {
        return Err(JournalError::SegmentMissing {
            file: segment::path(dir, *number),
        });
    }
    let last = report.segments.last().map_or(0, |segment| segment.segment);
    for fault in &report.faults {
        let name = fault
            .file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let number = segment::number_of(name).unwrap_or_default();
        if fault.offset < u64::from(FIRST) {
            return Err(JournalError::Corrupt {
                file: fault.file.clone(),
                offset: 0,
            });
        }
        let segment = Segment::read(&DiskFiles, dir, number, None)?;
        mend(dir, &segment, fault, number == last)?;
    }
    DiskFiles
        .sync_dir(dir)
        .map_err(JournalError::io("sync", dir))?;
    Ok(Salvaged {
        lost: report.faults,
    })
}

fn mend(dir: &Path, segment: &Segment, fault: &Fault, is_last: bool) -> Result<(), JournalError> {
    let failed = || JournalError::io("mend", &segment.path);
    let file = DiskFiles.open(&segment.path, true).map_err(failed())?;
    copy_aside(&*file, fault).map_err(failed())?;
    let mut scanner = segment.scan(&DiskFiles, fault.until)?;
    let after = scanner
        .seek_valid()
        .map_err(failed())?
        .map(|record| record.head.sequence);
    if after.is_none() && is_last {
        // Nothing good follows: the journal ends here, and no longer claims to have been longer.
        let end = u32::try_from(fault.offset).unwrap_or(u32::MAX);
        let cut = || {
            file.set_size(fault.offset)?;
            file.sync_data()?;
            let marker = DiskFiles.open(&dir.join("durable"), true)?;
            marker.write_at(
                &mut [IoSlice::new(&encode_marker(Position::new(
                    segment.number,
                    end,
                )))],
                0,
            )?;
            marker.sync_data()
        };
        return cut().map_err(failed());
    }
    let next = match after {
        Some(sequence) => sequence,
        None => first_sequence(dir, segment.number + 1)?,
    };
    // At the end of a finished file the region may be empty in the file's eyes; a skip needs its 32 bytes.
    let until = fault.until.max(fault.offset + 32).next_multiple_of(8);
    let len = usize::try_from(until - fault.offset)
        .unwrap_or(0)
        .saturating_sub(HEAD);
    let mut body = next.to_le_bytes().to_vec();
    body.resize(len, 0);
    let head = Head {
        kind: Kind::Skip,
        sealed: false,
        len: u32::try_from(len).unwrap_or(u32::MAX),
        sequence: sequence_before(segment, fault.offset)?,
        durable: FIRST,
    };
    let bytes = head.encode();
    let crc = checksum(&bytes, &segment.id, [&*body]).to_le_bytes();
    let mut parts = [
        IoSlice::new(&bytes),
        IoSlice::new(&crc),
        IoSlice::new(&body),
    ];
    file.write_at(&mut parts, fault.offset)
        .and_then(|()| file.sync_data())
        .map_err(failed())
}

/// The sequence that the record at `offset` had.
fn sequence_before(segment: &Segment, offset: u64) -> Result<u64, JournalError> {
    let mut scanner = segment.scan(&DiskFiles, u64::from(FIRST))?;
    let mut next = 0;
    while scanner.at < offset {
        let Some(record) = scanner
            .seek_valid()
            .map_err(JournalError::io("read", &segment.path))?
        else {
            break;
        };
        next = match record.head.kind {
            Kind::Skip => super::record::number64(&record.body, 0).unwrap_or_default(),
            _ => record.head.sequence + 1,
        };
    }
    Ok(next)
}

fn first_sequence(dir: &Path, number: u32) -> Result<u64, JournalError> {
    let segment = Segment::read(&DiskFiles, dir, number, None)?;
    let mut scanner = segment.scan(&DiskFiles, u64::from(FIRST))?;
    let first = scanner
        .seek_valid()
        .map_err(JournalError::io("read", &segment.path))?;
    Ok(first.map_or(0, |record| record.head.sequence))
}

fn copy_aside(file: &dyn File, fault: &Fault) -> std::io::Result<()> {
    let mut bytes = vec![0; usize::try_from(fault.until - fault.offset).unwrap_or(0)];
    let read = file.read_at(&mut bytes, fault.offset)?;
    bytes.truncate(read);
    let aside = fault
        .file
        .with_extension(format!("{:x}.damaged", fault.offset));
    let aside = DiskFiles.create(&aside)?;
    aside.write_at(&mut [IoSlice::new(&bytes)], 0)?;
    aside.sync_data()
}
