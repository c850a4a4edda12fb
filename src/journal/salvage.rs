//! Making a damaged journal usable again: what is damaged is copied aside and skipped, nothing else moves.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use super::record::{HEAD, Head, Kind, checksum};
use super::segment::{self, FIRST, Segment};
use super::syncer::encode_marker;
use super::{DiskFiles, Fault, File, Files, JournalError, Position, folder, verify};

/// What salvage lost, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// The damaged regions, now skipped; their bytes are kept beside the journal in `.damaged` files.
    pub lost: Vec<Fault>,
    /// Segment files whose head was put right: nothing is lost by it.
    pub mended: Vec<PathBuf>,
}

/// Makes a damaged journal usable again. What is damaged is copied aside and skipped, nothing else moves, so every
/// message ID stays. The engine must be stopped. Needs no key.
///
/// # Errors
/// [`JournalError::InUse`] if an engine runs; [`JournalError::Corrupt`] at offset 0 if the head of a segment file is
/// damaged beyond what can be known of it: that of the last file, or of a sealed one.
pub fn salvage(dir: &Path) -> Result<Salvaged, JournalError> {
    let _held = folder::take_lock(dir)?;
    let mended = mend_heads(dir)?;
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
        let segment = Segment::read(&DiskFiles, dir, number, None)?;
        mend(dir, &segment, fault, number == last)?;
    }
    DiskFiles
        .sync_dir(dir)
        .map_err(JournalError::io("sync", dir))?;
    Ok(Salvaged {
        lost: report.faults,
        mended,
    })
}

/// Puts damaged heads right: one flipped bit is found by the checksum; all of it is known to the files beside it, but for the
/// key of a sealed file.
fn mend_heads(dir: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let faults = verify(dir)?.faults;
    let heads: Vec<_> = faults
        .iter()
        .filter(|fault| fault.offset < u64::from(FIRST))
        .collect();
    for fault in &heads {
        let failed = || JournalError::io("mend", &fault.file);
        let file = DiskFiles.open(&fault.file, true).map_err(failed())?;
        let mut head = vec![0; FIRST as usize];
        let read = file.read_at(&mut head, 0).map_err(failed())?;
        if read < head.len() || !(flip_back(&mut head) || rewrite(dir, &fault.file, &mut head)) {
            return Err(JournalError::Corrupt {
                file: fault.file.clone(),
                offset: 0,
            });
        }
        copy_aside(&*file, fault)
            .and_then(|()| file.write_at(&mut [IoSlice::new(&head)], 0))
            .and_then(|()| file.sync_data())
            .map_err(failed())?;
    }
    Ok(heads.into_iter().map(|fault| fault.file.clone()).collect())
}

/// Writes the head anew, where the file after it says what its ID was and its records agree.
fn rewrite(dir: &Path, file: &Path, head: &mut Vec<u8>) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    let Some(number) = name.and_then(segment::number_of) else {
        return false;
    };
    let beside = |number| Segment::read(&DiskFiles, dir, number, None).ok();
    let Some(after) = beside(number + 1) else {
        return false;
    };
    let before = number.checked_sub(1).and_then(beside);
    let known = Segment {
        number,
        id: after.previous,
        previous: before.map_or([0; 16], |before| before.id),
        path: file.to_owned(),
        seal: None,
    };
    let first = known
        .scan(&DiskFiles, u64::from(FIRST))
        .ok()
        .and_then(|mut scanner| scanner.seek_valid().ok().flatten());
    if first.is_none_or(|record| record.head.sealed) {
        return false;
    }
    *head = segment::head(&known, 0, None);
    true
}

/// Finds the one bit whose flip makes the CRC-32C at the end wrong, and flips it back. In 4096 bytes no two bits leave
/// the same trace in the checksum, nor do three other ones leave none.
fn flip_back(head: &mut [u8]) -> bool {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let Some((covered, stored)) = head.split_last_chunk_mut::<4>() else {
        return false;
    };
    let sum = crc32c::crc32c(covered);
    let wrong = sum ^ u32::from_le_bytes(*stored);
    if wrong.count_ones() <= 1 {
        *stored = sum.to_le_bytes();
        return true;
    }
    // What a flipped bit does to the sum: from the last byte backwards, each bit's trace is shifted through one bit more.
    let mut trace = POLYNOMIAL;
    for byte in covered.iter_mut().rev() {
        for bit in (0..8).rev() {
            if trace == wrong {
                *byte ^= 1 << bit;
                return true;
            }
            trace = (trace >> 1) ^ (if trace & 1 == 1 { POLYNOMIAL } else { 0 });
        }
    }
    false
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
        sequence: sequence_before(dir, segment, fault.offset, next)?,
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

/// The sequence that the record at `offset` had; `next` follows what is skipped there.
fn sequence_before(
    dir: &Path,
    segment: &Segment,
    offset: u64,
    next: u64,
) -> Result<u64, JournalError> {
    if offset > u64::from(FIRST) {
        let sequence = sequence_after(segment, offset)?;
        return Ok(sequence.unwrap_or(next.saturating_sub(1)));
    }
    // The first of its file goes on where the file before ended, if that is still there.
    let before = Segment::read(&DiskFiles, dir, segment.number.saturating_sub(1), None);
    let sequence = match before {
        Ok(before) if before.id == segment.previous => sequence_after(&before, u64::MAX)?,
        _ => None,
    };
    Ok(sequence.unwrap_or(next.saturating_sub(1)))
}

/// The sequence that follows the last good record before `end`.
fn sequence_after(segment: &Segment, end: u64) -> Result<Option<u64>, JournalError> {
    let mut scanner = segment.scan(&DiskFiles, u64::from(FIRST))?;
    let mut next = None;
    while scanner.at < end {
        let Some(record) = scanner
            .seek_valid()
            .map_err(JournalError::io("read", &segment.path))?
        else {
            break;
        };
        next = match record.head.kind {
            Kind::Skip => super::record::number64(&record.body, 0),
            _ => Some(record.head.sequence + 1),
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
