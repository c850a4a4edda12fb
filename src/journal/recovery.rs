//! Finding out what is there after a stop of any kind. Changes nothing.
//!
//! Only the last segment file is walked: its first record is a checkpoint of the whole state, and all files before it
//! were fully on the disk before it was begun. Where its valid records end there are three cases:
//!
//! - nothing but zeros follows: that is the end;
//! - something proves that the log had been on the disk beyond this place (a later valid record that says so, or the
//!   marker file): acknowledged bytes are damaged, so nothing is opened and an operator decides;
//! - otherwise it is the torn end of a write that nobody was ever told of: it may be cut off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cipher::Secret32;
use super::folder;
use super::index::{IndexKey, MemIndex};
use super::payload::Cursor;
use super::reader;
use super::record::{Kind, Record, Step};
use super::segment::{self, FIRST, Segment};
use super::state::{SegmentInfo, State};
use super::{Disposition, Files, JournalError, Position};

/// What is there.
pub(crate) struct Survey {
    /// The segment files that are kept.
    pub(crate) segments: BTreeMap<u32, Arc<Segment>>,
    pub(crate) state: State,
    /// The last one; none in a new journal.
    pub(crate) last: Option<Last>,
    /// Files without use: made ahead and not begun, or removed by retention but for the unlinking.
    pub(crate) leftovers: Vec<PathBuf>,
}

/// The last segment file.
pub(crate) struct Last {
    pub(crate) segment: Arc<Segment>,
    pub(crate) index: MemIndex,
    /// Where its records end.
    pub(crate) end: u64,
    /// Bytes after the end that are not zeros.
    pub(crate) torn: u64,
    pub(crate) next_sequence: u64,
    pub(crate) clean: bool,
}

/// Looks at the journal in `dir`.
pub(crate) struct Surveyor<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) dir: &'a Path,
    pub(crate) key: Option<&'a Secret32>,
    pub(crate) index_key: &'a IndexKey,
    /// The engine may be writing meanwhile: the first invalid record is just the end for now.
    pub(crate) lenient: bool,
}

impl Surveyor<'_> {
    pub(crate) fn survey(&self) -> Result<Survey, JournalError> {
        let names = self
            .files
            .list(self.dir)
            .map_err(JournalError::io("list", self.dir))?;
        let mut numbers: Vec<u32> = names
            .iter()
            .filter_map(|name| segment::number_of(name))
            .collect();
        numbers.sort_unstable();
        let marker = folder::marker(self.files, self.dir);
        let mut leftovers = Vec::new();
        let mut found = None;
        while let Some(number) = numbers.pop() {
            let segment = Segment::read(self.files, self.dir, number, self.key)?;
            match self.walk(segment, marker)? {
                Some(walked) => {
                    found = Some(walked);
                    break;
                }
                None => leftovers.push(segment::path(self.dir, number)),
            }
        }
        let newest = found.as_ref().map_or(0, |(_, last)| last.segment.number);
        if let Some(marker) = marker.filter(|marker| marker.segment() > newest && !self.lenient) {
            return Err(JournalError::SegmentMissing {
                file: segment::path(self.dir, marker.segment()),
            });
        }
        let Some((mut state, last)) = found else {
            return Ok(Survey {
                segments: BTreeMap::new(),
                state: State::default(),
                last: None,
                leftovers,
            });
        };
        let mut segments = BTreeMap::new();
        for (number, info) in &state.segments {
            let segment = if *number == newest {
                Arc::clone(&last.segment)
            } else {
                let read = Segment::read(self.files, self.dir, *number, self.key);
                Arc::new(read.map_err(|error| self.missing(error, *number))?)
            };
            if segment.id != info.id {
                return Err(JournalError::SegmentMissing {
                    file: segment.path.clone(),
                });
            }
            segments.insert(*number, segment);
        }
        let unknown = numbers
            .iter()
            .filter(|number| !segments.contains_key(number));
        leftovers.extend(unknown.map(|number| segment::path(self.dir, *number)));
        if let Some(info) = state.segments.get_mut(&newest) {
            info.end = u32::try_from(last.end).unwrap_or(u32::MAX);
        }
        Ok(Survey {
            segments,
            state,
            last: Some(last),
            leftovers,
        })
    }

    fn missing(&self, error: JournalError, number: u32) -> JournalError {
        match error {
            JournalError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                JournalError::SegmentMissing {
                    file: segment::path(self.dir, number),
                }
            }
            other => other,
        }
    }

    /// The state at the end of `segment`; nothing if it was never begun.
    fn walk(
        &self,
        segment: Segment,
        marker: Option<Position>,
    ) -> Result<Option<(State, Last)>, JournalError> {
        let segment = Arc::new(segment);
        let mut scanner = segment.scan(self.files, u64::from(FIRST))?;
        let (mut state, mut index) = (None, MemIndex::default());
        let (mut next_sequence, mut clean) = (None, false);
        let end = loop {
            let at = scanner.at;
            let step = scanner
                .step()
                .map_err(JournalError::io("read", &segment.path))?;
            let Step::Record(record) = step else { break at };
            let expected = next_sequence.unwrap_or(record.head.sequence);
            if record.head.sequence != expected {
                break at;
            }
            match (state.is_some(), record.head.kind) {
                (false, Kind::Checkpoint) => {}
                // Salvage took the checkpoint, which only said what the files before say.
                (false, Kind::Skip) => state = Some(self.state_before(&segment)?),
                (false, _) | (true, Kind::Checkpoint) => break at,
                (true, _) => {}
            }
            next_sequence = Some(expected + 1);
            clean = record.head.kind == Kind::Close;
            let record = segment.unseal(record)?;
            if record.head.kind == Kind::Skip {
                next_sequence = super::record::number64(&record.body, 0).or(next_sequence);
            }
            match &mut state {
                None => {
                    let read: State =
                        postcard::from_bytes(&record.body).map_err(|_| segment.corrupt(at))?;
                    state = Some(read);
                }
                Some(state) => {
                    apply(state, &segment, &record)?;
                    reader::take_in(&mut index, &segment, &record, self.index_key)?;
                }
            }
        };
        let mut torn = 0;
        if !self.lenient {
            scanner.at = end;
            torn = Self::judge(&segment, scanner, marker)?;
        }
        let Some((state, next_sequence)) = state.zip(next_sequence) else {
            return Ok(None);
        };
        Ok(Some((
            state,
            Last {
                segment,
                index,
                end,
                torn,
                next_sequence,
                clean,
            },
        )))
    }

    /// The state when `segment` was begun, from the file before it.
    fn state_before(&self, segment: &Segment) -> Result<State, JournalError> {
        let info = |first_ordinal| SegmentInfo {
            first_ordinal,
            id: segment.id,
            ..SegmentInfo::default()
        };
        if segment.previous == [0; 16] {
            let mut state = State::default();
            state.segments.insert(segment.number, info(0));
            return Ok(state);
        }
        let number = segment.number.saturating_sub(1);
        let missing = || JournalError::SegmentMissing {
            file: segment::path(self.dir, number),
        };
        let before = Segment::read(self.files, self.dir, number, self.key)
            .map_err(|e| self.missing(e, number))?;
        if before.id != segment.previous {
            return Err(missing());
        }
        let (mut state, last) = self.walk(before, None)?.ok_or_else(missing)?;
        if let Some(info) = state.segments.get_mut(&number) {
            info.end = u32::try_from(last.end).unwrap_or(u32::MAX);
        }
        let info = info(state.next_ordinal);
        state.segments.insert(segment.number, info);
        Ok(state)
    }

    /// How many bytes of a torn write follow the end, or the error if they are damage.
    fn judge(
        segment: &Segment,
        mut scanner: super::record::Scanner,
        marker: Option<Position>,
    ) -> Result<u64, JournalError> {
        let end = scanner.at;
        let durable = marker
            .filter(|marker| marker.segment() == segment.number)
            .map_or(0, Position::offset);
        if u64::from(durable) > end {
            return Err(segment.corrupt(end));
        }
        let used = scanner
            .last_used()
            .map_err(JournalError::io("read", &segment.path))?;
        if used == end {
            return Ok(0);
        }
        while let Some(record) = scanner
            .seek_valid()
            .map_err(JournalError::io("read", &segment.path))?
        {
            if u64::from(record.head.durable) > end {
                return Err(segment.corrupt(end));
            }
        }
        Ok(used - end)
    }
}

/// What a record changes.
pub(super) fn apply(
    state: &mut State,
    segment: &Segment,
    record: &Record,
) -> Result<(), JournalError> {
    let damaged = |_| segment.corrupt(record.at);
    match record.head.kind {
        Kind::Entry => {
            let entry = reader::decode(segment, record)?;
            let accepted = entry.disposition == Disposition::Accepted;
            state.entry(
                segment.number,
                entry.ordinal,
                accepted,
                entry.received.as_microsecond(),
            );
        }
        Kind::Outcome => {
            state.record(segment.number);
            state.note(&reader::note(segment, record)?);
        }
        Kind::Cursor => {
            state.record(segment.number);
            let cursor: Cursor = postcard::from_bytes(&record.body).map_err(damaged)?;
            state.cursor(&cursor);
        }
        Kind::Retired => {
            let numbers: Vec<u32> = postcard::from_bytes(&record.body).map_err(damaged)?;
            state.retire(&numbers);
        }
        Kind::Checkpoint | Kind::Close | Kind::Skip => {}
    }
    Ok(())
}
