//! Reading entries back: one, many in a row, or a whole segment for its index.

use std::sync::Arc;

use super::core::{Core, lock};
use super::index::{IndexKey, MemIndex};
use super::payload::{self, Note};
use super::record::{Kind, Record};
use super::segment::{FIRST, Segment};
use super::{Entry, Files, JournalError, Position};

/// How many bytes of records a lane reads ahead.
const AHEAD: u64 = 256 << 10;

/// The entry at `position` of `segment`.
pub(crate) fn entry(
    files: &dyn Files,
    segment: &Segment,
    position: Position,
) -> Result<Entry, JournalError> {
    let none = || JournalError::NotFound { position };
    if position.offset() < FIRST {
        return Err(none());
    }
    let mut scanner = match segment.scan(files, u64::from(position.offset())) {
        Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(none());
        }
        other => other?,
    };
    let record = segment.step(&mut scanner)?.ok_or_else(none)?;
    if record.head.kind != Kind::Entry {
        return Err(none());
    }
    decode(segment, &record)
}

/// The entry in an (unsealed) entry record.
pub(crate) fn decode(segment: &Segment, record: &Record) -> Result<Entry, JournalError> {
    let offset = u32::try_from(record.at).map_err(|_| segment.corrupt(record.at))?;
    payload::entry(Position::new(segment.number, offset), &record.body)
        .ok_or_else(|| segment.corrupt(record.at))
}

/// The note in an (unsealed) outcome record.
pub(crate) fn note(segment: &Segment, record: &Record) -> Result<Note, JournalError> {
    postcard::from_bytes(&record.body).map_err(|_| segment.corrupt(record.at))
}

/// The index of a finished segment, from its records.
pub(crate) fn index(
    files: &dyn Files,
    segment: &Segment,
    key: &IndexKey,
) -> Result<MemIndex, JournalError> {
    let mut index = MemIndex::default();
    let mut scanner = segment.scan(files, u64::from(FIRST))?;
    while let Some(record) = segment.step(&mut scanner)? {
        take_in(&mut index, segment, &record, key)?;
    }
    Ok(index)
}

/// Posts a record in `index` if it is one to be found.
pub(crate) fn take_in(
    index: &mut MemIndex,
    segment: &Segment,
    record: &Record,
    key: &IndexKey,
) -> Result<(), JournalError> {
    match record.head.kind {
        Kind::Entry => {
            let entry = decode(segment, record)?;
            let accepted = entry.disposition == super::Disposition::Accepted;
            let hashes = key.of_entry(&entry.source, accepted, &entry.keys);
            index.entry(&entry, &hashes);
        }
        Kind::Outcome => {
            let note = note(segment, record)?;
            index.note(
                &note,
                u32::try_from(record.at).map_err(|_| segment.corrupt(record.at))?,
            );
        }
        _ => {}
    }
    Ok(())
}

/// Durable entries after the record at `after`, some 256 KiB of them, and the last record looked at.
pub(crate) fn ahead(
    core: &Core,
    after: Position,
) -> Result<(Vec<Arc<Entry>>, Position), JournalError> {
    let (mut entries, mut last) = (Vec::new(), after);
    let durable = core.durable_end();
    while entries.is_empty() {
        let Some((segment, end)) = next_segment(core, last, durable) else {
            break;
        };
        let mut at = u64::from(last.offset()).max(u64::from(FIRST));
        if last.segment() != segment.number {
            at = u64::from(FIRST);
        }
        let mut scanner = segment.scan(&*core.files, at)?;
        let (until, began) = (at + AHEAD, last);
        // At least one record further: the one we begin at may alone be longer than what is read at once.
        while scanner.at < end && (scanner.at < until || last == began) {
            let place = scanner.at;
            let Some(record) = segment.step(&mut scanner)? else {
                return Err(segment.corrupt(place));
            };
            let position = Position::new(
                segment.number,
                u32::try_from(place).map_err(|_| segment.corrupt(place))?,
            );
            if record.head.kind == Kind::Entry && position > after {
                entries.push(Arc::new(decode(&segment, &record)?));
            }
            last = position;
        }
        // Nothing but the end of this file is left after `last`: look in the next one.
        if scanner.at >= end {
            if segment.number == durable.segment() {
                break;
            }
            last = Position::new(segment.number, u32::MAX);
        }
    }
    Ok((entries, last))
}

/// The segment that goes on after `last`, and where its durable records end.
fn next_segment(core: &Core, last: Position, durable: Position) -> Option<(Arc<Segment>, u64)> {
    let (number, end) = {
        let live = lock(&core.live);
        let mut kept = live.state.segments.range(last.segment()..);
        let (number, end) = kept.find_map(|(number, info)| {
            let end = if *number == durable.segment() {
                durable.offset()
            } else {
                info.end
            };
            (*number > last.segment() || last.offset() < end).then_some((*number, end))
        })?;
        (number, end)
    };
    if number > durable.segment() {
        return None;
    }
    Some((core.segment(number)?, u64::from(end)))
}
