//! Reading the journal from outside of the engine, also while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::core::lock;
use super::index::{IndexKey, MemIndex, RowData, SEARCHED};
use super::recovery::{Survey, Surveyor};
use super::sidecar::Sidecar;
use super::{DiskFiles, finding, folder, reader};

use super::{
    DestinationState, Disposition, Entry, JournalError, MessageType, Outcome, OutcomeKind,
    Position, Secret32,
};

/// The journal, read only: no lock, nothing is changed, the engine may be running.
pub struct Archive {
    survey: Survey,
    index_key: IndexKey,
    indexes: Mutex<BTreeMap<u32, Arc<Index>>>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Archive({} segment files)", self.survey.segments.len())
    }
}

/// What to look for; everything set must hold.
#[derive(Clone, Default)]
pub struct Query {
    /// Received at or after this.
    pub since: Option<Timestamp>,
    /// Received before this.
    pub until: Option<Timestamp>,
    /// From this source.
    pub source: Option<String>,
    /// Of this message code and, if it has one, trigger event.
    pub message_type: Option<MessageType>,
    /// With this control ID, patient ID, visit or order number.
    pub id: Option<Vec<u8>>,
    /// Standing like this at any destination.
    pub standing: Option<Standing>,
    /// At this destination (for `standing`).
    pub destination: Option<String>,
    /// At most so many; 0 means no limit.
    pub limit: usize,
}

/// How an entry stands at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing happened yet.
    Waiting,
    /// A person asked to send it again.
    Replaying,
    /// It has an outcome.
    Settled(OutcomeKind),
    /// It was settled before what is still on record, or when the destination was not yet known.
    Past,
}

/// An entry in a list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its message ID.
    pub position: Position,
    /// When it came.
    pub received: Timestamp,
    /// From where.
    pub source: Arc<str>,
    /// MSH-9.1 and MSH-9.2.
    pub message_type: MessageType,
    /// What we made of it.
    pub disposition: Disposition,
    /// How it stands at each destination, by name; empty for what is not accepted.
    pub standings: Vec<(Arc<str>, Standing)>,
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Query(at most {}, by value: {})",
            self.limit,
            self.id.is_some()
        )
    }
}

/// The index of a segment, wherever it is.
enum Index {
    Memory(MemIndex),
    Side(Sidecar),
}

impl Archive {
    /// Opens the journal in `dir` for reading.
    ///
    /// # Errors
    /// When it cannot be read, or is encrypted and `key` does not open it.
    pub fn open(dir: &Path, key: Option<&Secret32>) -> Result<Self, JournalError> {
        let files = DiskFiles;
        let index_key = folder::index_key(&files, dir, key)?;
        // Without a key on disk no sidecar is trusted and the records themselves are searched.
        let index_key = index_key.map_or_else(|| folder::new_index_key(dir), Ok)?;
        let look = || {
            let surveyor = Surveyor {
                files: &files,
                dir,
                key,
                index_key: &index_key,
                lenient: true,
            };
            surveyor.survey()
        };
        // Retention may take a file away while we look: look again.
        let mut survey = look();
        for _ in 0..3 {
            if !matches!(
                survey,
                Err(JournalError::SegmentMissing { .. } | JournalError::Io { .. })
            ) {
                break;
            }
            survey = look();
        }
        let mut survey = survey?;
        let mut indexes = BTreeMap::new();
        if let Some(last) = survey.last.as_mut() {
            let index = Index::Memory(std::mem::take(&mut last.index));
            indexes.insert(last.segment.number, Arc::new(index));
        }
        Ok(Self {
            survey,
            index_key,
            indexes: Mutex::new(indexes),
        })
    }

    /// What matches, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn search(&self, query: &Query) -> Result<Vec<Row>, JournalError> {
        let micros = |time: Option<Timestamp>, none| time.map_or(none, Timestamp::as_microsecond);
        let (since, until) = (micros(query.since, i64::MIN), micros(query.until, i64::MAX));
        let mut found = Vec::new();
        for (number, info) in self.survey.state.segments.iter().rev() {
            if info.entries == 0 || info.newest < since || info.oldest >= until {
                continue;
            }
            let Some(index) = self.index(*number)? else {
                continue;
            };
            for row in self.candidates(&index, query)? {
                let (data, source) = row;
                let position = Position::new(*number, data.offset);
                if data.received < since || data.received >= until || !fits(query, &data, &source) {
                    continue;
                }
                let standings = self.standings(position, data.disposition)?;
                let at = query.destination.as_deref();
                let wanted = query.standing.is_none_or(|wanted| {
                    standings
                        .iter()
                        .any(|(name, is)| *is == wanted && at.is_none_or(|at| at == &**name))
                });
                if !wanted {
                    continue;
                }
                found.push(Row {
                    position,
                    received: Timestamp::from_microsecond(data.received).unwrap_or_default(),
                    source,
                    message_type: data.message_type,
                    disposition: data.disposition,
                    standings,
                });
                if query.limit > 0 && found.len() >= query.limit {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// The rows of a segment that can match, newest first, with their sources.
    fn candidates(
        &self,
        index: &Index,
        query: &Query,
    ) -> Result<Vec<(RowData, Arc<str>)>, JournalError> {
        let offsets = match &query.id {
            None => None,
            Some(id) => {
                let mut offsets = BTreeSet::new();
                for tag in SEARCHED {
                    offsets.extend(lookup(index, self.index_key.hash(tag, &[id]))?);
                }
                Some(offsets)
            }
        };
        if offsets.as_ref().is_some_and(BTreeSet::is_empty) {
            return Ok(Vec::new());
        }
        let (rows, names) = match index {
            Index::Memory(index) => (index.rows.clone(), &index.names),
            Index::Side(sidecar) => (
                sidecar.rows(&DiskFiles).map_err(unreadable)?,
                &sidecar.names,
            ),
        };
        let rows = rows
            .into_iter()
            .rev()
            .filter(|row| offsets.as_ref().is_none_or(|set| set.contains(&row.offset)));
        let with_source = |row: RowData| {
            (
                row,
                names
                    .get(usize::from(row.source))
                    .cloned()
                    .unwrap_or_else(|| "".into()),
            )
        };
        Ok(rows.map(with_source).collect())
    }

    /// The entry at `position`.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Corrupt`].
    pub fn entry(&self, position: Position) -> Result<Entry, JournalError> {
        let segment = self.survey.segments.get(&position.segment());
        let segment = segment.ok_or(JournalError::NotFound { position })?;
        reader::entry(&DiskFiles, segment, position)
    }

    /// All that is recorded of an entry, oldest first: destination and outcome.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn outcomes(&self, position: Position) -> Result<Vec<(Arc<str>, Outcome)>, JournalError> {
        let mut found = Vec::new();
        for (number, segment) in self.survey.segments.range(position.segment()..) {
            let Some(index) = self.index(*number)? else {
                continue;
            };
            for offset in lookup(&index, IndexKey::of_outcome(position))?
                .into_iter()
                .rev()
            {
                let mut scanner = segment.scan(&DiskFiles, u64::from(offset))?;
                let Some(record) = segment.step(&mut scanner)? else {
                    continue;
                };
                let note = reader::note(segment, &record)?;
                if note.position == position {
                    found.extend(note.outcome());
                }
            }
        }
        Ok(found)
    }

    /// Where the destinations stand, by name.
    #[must_use]
    pub fn destinations(&self) -> Vec<DestinationState> {
        finding::standings(&self.survey.state)
    }

    fn standings(
        &self,
        position: Position,
        disposition: Disposition,
    ) -> Result<Vec<(Arc<str>, Standing)>, JournalError> {
        if disposition != Disposition::Accepted {
            return Ok(Vec::new());
        }
        let mut known: Option<Vec<(Arc<str>, Outcome)>> = None;
        let mut all = Vec::new();
        for (name, place) in &self.survey.state.destinations {
            let standing = if place.replays.iter().any(|(at, _)| *at == position) {
                Standing::Replaying
            } else if place.parked.contains_key(&position) {
                Standing::Settled(OutcomeKind::Parked)
            } else if place.is_settled(position) {
                if known.is_none() {
                    known = Some(self.outcomes(position)?);
                }
                let last = known.iter().flatten().rev().find(|(at, _)| at == name);
                last.map_or(Standing::Past, |(_, outcome)| {
                    Standing::Settled(outcome.kind)
                })
            } else {
                Standing::Waiting
            };
            all.push((Arc::clone(name), standing));
        }
        Ok(all)
    }

    fn index(&self, number: u32) -> Result<Option<Arc<Index>>, JournalError> {
        if let Some(known) = lock(&self.indexes).get(&number) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(segment) = self.survey.segments.get(&number) else {
            return Ok(None);
        };
        let stamp = self.index_key.stamp(&segment.id);
        let index = if let Some((sidecar, _)) = Sidecar::open(&DiskFiles, &segment.path, &stamp) {
            Index::Side(sidecar)
        } else {
            Index::Memory(reader::index(&DiskFiles, segment, &self.index_key)?)
        };
        let index = Arc::new(index);
        lock(&self.indexes).insert(number, Arc::clone(&index));
        Ok(Some(index))
    }
}

/// Offsets under `hash`, newest first.
fn lookup(index: &Index, hash: u64) -> Result<Vec<u32>, JournalError> {
    match index {
        Index::Memory(index) => Ok(index.lookup(hash)),
        Index::Side(sidecar) => sidecar.lookup(&DiskFiles, hash).map_err(unreadable),
    }
}

fn unreadable(source: std::io::Error) -> JournalError {
    JournalError::Io {
        action: "read",
        path: "the index".into(),
        source,
    }
}

fn fits(query: &Query, row: &RowData, source: &str) -> bool {
    query
        .source
        .as_deref()
        .is_none_or(|wanted| wanted == source)
        && query.message_type.is_none_or(|wanted| {
            wanted.code() == row.message_type.code()
                && (wanted.trigger().is_empty() || wanted.trigger() == row.message_type.trigger())
        })
}
