//! The thread that writes: it takes all that waits, makes one batch of it, and writes it with one call.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::batch::{Batch, New};
use super::core::{Core, Done, Request, lock};
use super::effect::{self, Effect};
use super::payload::{Cursor, PREFIX};
use super::record::{Kind, size_of_body};
use super::segment::{FIRST, Segment};
use super::state::SegmentInfo;
use super::{Disposition, Entry, File, NewEntry, Position, Start};

/// The most that is written at once, in bytes and in records.
const BATCH_BYTES: u64 = 1 << 20;
const BATCH_RECORDS: usize = 512;

/// Why a record was not taken.
pub(crate) enum Refused {
    /// No room on the disk: only this record is refused.
    Full,
    /// The journal is poisoned.
    Dead,
}

/// The writing end of the log.
pub(crate) struct Writer {
    pub(crate) core: Arc<Core>,
    pub(crate) segment: Arc<Segment>,
    pub(crate) file: Arc<dyn File>,
    /// Where the batch will be written.
    pub(crate) offset: u64,
    /// Where the first record after the checkpoint begins.
    pub(crate) first: u64,
    pub(crate) sequence: u64,
    pub(crate) next_ordinal: u64,
    batch: Batch,
    effects: Vec<Effect>,
}

impl Writer {
    pub(crate) fn new(
        core: Arc<Core>,
        segment: Arc<Segment>,
        file: Arc<dyn File>,
        sequence: u64,
    ) -> Self {
        let next_ordinal = lock(&core.live).state.next_ordinal;
        let (offset, first) = (u64::from(FIRST), u64::from(FIRST));
        let (batch, effects) = (Batch::default(), Vec::new());
        Self {
            core,
            segment,
            file,
            offset,
            first,
            sequence,
            next_ordinal,
            batch,
            effects,
        }
    }

    /// The thread's life.
    pub(crate) fn run(mut self) {
        let core = Arc::clone(&self.core);
        let mut requests = Vec::new();
        loop {
            {
                let mut queue = lock(&core.queue);
                while queue.requests.is_empty() {
                    if queue.stopped {
                        return;
                    }
                    queue.asleep = true;
                    queue = core
                        .queue_wake
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                std::mem::swap(&mut queue.requests, &mut requests);
            }
            for request in requests.drain(..) {
                let closing = matches!(request, Request::Close { .. });
                let alive = self.take(request) && (!self.is_full() || self.flush().is_ok());
                if !alive || (closing && self.flush().is_err()) {
                    return;
                }
                if closing {
                    core.syncing.wait_all(&core);
                    core.stop();
                    return;
                }
            }
            if self.flush().is_err() {
                return;
            }
        }
    }

    fn is_full(&self) -> bool {
        self.batch.size() >= BATCH_BYTES || self.effects.len() >= BATCH_RECORDS
    }

    /// Puts a request's record into the batch, or refuses it; false if the journal is dead.
    fn take(&mut self, request: Request) -> bool {
        match request {
            Request::Append {
                entry,
                description,
                hashes,
                done,
            } => match self.append(entry, &description) {
                Ok(entry) => {
                    self.effects.push(Effect::Entry {
                        entry: Arc::new(entry),
                        hashes,
                        done,
                    });
                    true
                }
                Err(Refused::Full) => {
                    // Whoever no longer listens gave up waiting.
                    drop(done.send(Err(self.core.below_floor())));
                    true
                }
                Err(Refused::Dead) => false,
            },
            Request::Note {
                note,
                durable,
                done,
            } => {
                let (destination, position) = (Arc::clone(&note.destination), note.position);
                let body = postcard::to_allocvec(&note);
                let effect = |offset, done| Effect::Note {
                    note,
                    offset,
                    durable,
                    done,
                };
                let (before, alive) = (
                    self.effects.len(),
                    self.small(Kind::Outcome, body, done, effect),
                );
                if self.effects.len() == before {
                    lock(&self.core.live)
                        .desk(&destination)
                        .pending
                        .remove(&position);
                }
                alive
            }
            Request::Register {
                destination,
                start,
                done,
            } => {
                let cursor = self.registration(destination, start);
                self.take(Request::Cursor {
                    cursor,
                    done: Some(done),
                })
            }
            Request::Cursor { cursor, done } => {
                let body = postcard::to_allocvec(&cursor);
                self.small(Kind::Cursor, body, done, |_, done| Effect::Cursor {
                    cursor,
                    done,
                })
            }
            Request::Retire { numbers, done } => {
                let body = postcard::to_allocvec(&numbers);
                self.small(Kind::Retired, body, Some(done), |_, done| Effect::Retired {
                    numbers,
                    done,
                })
            }
            Request::Close { done } => {
                self.small(Kind::Close, Ok(Vec::new()), Some(done), |_, done| {
                    Effect::Closed { done }
                })
            }
        }
    }

    /// Puts a record of ours into the batch; false if the journal is dead.
    fn small(
        &mut self,
        kind: Kind,
        body: Result<Vec<u8>, postcard::Error>,
        done: Option<Done>,
        effect: impl FnOnce(u32, Option<Done>) -> Effect,
    ) -> bool {
        let body = match body {
            Ok(body) => Bytes::from(body),
            Err(error) => {
                self.core.poison("encoding", &error);
                return false;
            }
        };
        match self.put(kind, &[], &body) {
            Ok(offset) => {
                let effect = effect(offset, done);
                self.effects.push(effect);
                true
            }
            Err(Refused::Full) => {
                if let Some(done) = done {
                    drop(done.send(Err(self.core.below_floor())));
                }
                true
            }
            Err(Refused::Dead) => false,
        }
    }

    fn registration(&mut self, destination: Arc<str>, start: Start) -> Cursor {
        match start {
            Start::Now => {
                // The place of the record itself, if it goes into this file; else the file's end serves as well.
                let at = u32::try_from(self.offset + self.batch.size()).unwrap_or(u32::MAX);
                let after = Position::new(self.segment.number, at);
                Cursor::Registered {
                    destination,
                    from: self.next_ordinal,
                    after,
                }
            }
            Start::Oldest => {
                let from = lock(&self.core.live)
                    .state
                    .oldest_ordinal()
                    .min(self.next_ordinal);
                Cursor::Registered {
                    destination,
                    from,
                    after: Position::ZERO,
                }
            }
        }
    }

    fn append(&mut self, entry: NewEntry, description: &[u8]) -> Result<Entry, Refused> {
        if self.core.floor.load(Ordering::Relaxed) {
            return Err(Refused::Full);
        }
        let ordinal = self.next_ordinal;
        let size = u32::try_from(description.len()).unwrap_or(u32::MAX);
        let mut prefix = [0; PREFIX];
        let numbers = ordinal.to_le_bytes().into_iter().chain(size.to_le_bytes());
        prefix
            .iter_mut()
            .zip(numbers)
            .for_each(|(to, from)| *to = from);
        let offset = self.put(Kind::Entry, &[&prefix, description], &entry.raw)?;
        if entry.disposition == Disposition::Accepted {
            self.next_ordinal += 1;
        }
        Ok(Entry::at(
            Position::new(self.segment.number, offset),
            ordinal,
            entry,
        ))
    }

    /// Puts a record into the batch, in a new segment file if this one is full; its offset.
    fn put(&mut self, kind: Kind, pieces: &[&[u8]], last: &Bytes) -> Result<u32, Refused> {
        let len =
            pieces.iter().map(|piece| piece.len()).sum::<usize>() + last.len() + super::cipher::TAG;
        let size = size_of_body(len) as u64;
        let end = self.offset + self.batch.size();
        if end + size > u64::from(self.core.settings.segment_bytes) && end > self.first {
            self.roll()?;
        }
        self.runway(size)?;
        self.encode(kind, pieces, last)
    }

    /// Sees to it that the batch and `size` more bytes fit into the space that is already allocated.
    fn runway(&mut self, size: u64) -> Result<(), Refused> {
        let end = self.offset + self.batch.size() + size;
        if end > self.core.keeping.extended() {
            self.core.keeping.extend(&self.core, end)?;
        }
        Ok(())
    }

    fn encode(&mut self, kind: Kind, pieces: &[&[u8]], last: &Bytes) -> Result<u32, Refused> {
        let durable = self.core.durable_end();
        let durable = if durable.segment() == self.segment.number {
            durable.offset()
        } else {
            FIRST
        };
        let seal = self.segment.seal.as_ref();
        let record = New {
            kind,
            sequence: self.sequence,
            durable,
            id: &self.segment.id,
            seal,
        };
        let offset = self.offset + self.batch.size();
        self.batch.put(&record, pieces, last).map_err(|error| {
            self.core.poison("encoding", &error);
            Refused::Dead
        })?;
        self.sequence += 1;
        u32::try_from(offset).map_err(|_| Refused::Dead)
    }

    /// Goes on in the next segment file: all of this one is made durable first, so that only the last file of a
    /// journal can ever have a torn end.
    fn roll(&mut self) -> Result<(), Refused> {
        self.flush()?;
        if !self.core.syncing.wait_all(&self.core) {
            return Err(Refused::Dead);
        }
        let core = Arc::clone(&self.core);
        let (segment, file) = core.keeping.next(&core, &self.segment)?;
        let end = u32::try_from(self.offset).unwrap_or(u32::MAX);
        let old = std::mem::replace(&mut self.segment, Arc::clone(&segment));
        if let Some(info) = lock(&core.live).state.segments.get_mut(&old.number) {
            info.end = end;
        }
        lock(&core.segments).insert(segment.number, segment);
        let index = {
            let mut index = lock(&core.index);
            let finished = Arc::new(std::mem::take(&mut index.active));
            index.active_segment = self.segment.number;
            index.sealing.insert(old.number, Arc::clone(&finished));
            finished
        };
        core.keeping.finished(old, index, u64::from(end));
        self.file = file;
        self.begin()
    }

    /// Puts the checkpoint at the start of a new segment file into the batch.
    pub(crate) fn begin(&mut self) -> Result<(), Refused> {
        self.offset = u64::from(FIRST);
        let body = {
            let mut live = lock(&self.core.live);
            let info = SegmentInfo {
                first_ordinal: live.state.next_ordinal,
                id: self.segment.id,
                ..SegmentInfo::default()
            };
            live.state.segments.insert(self.segment.number, info);
            postcard::to_allocvec(&live.state).unwrap_or_default()
        };
        let size = size_of_body(body.len() + super::cipher::TAG) as u64;
        self.runway(size)?;
        self.encode(Kind::Checkpoint, &[], &Bytes::from(body))?;
        self.first = self.offset + self.batch.size();
        Ok(())
    }

    /// Writes the batch, changes the state, and hands over to the syncer.
    pub(crate) fn flush(&mut self) -> Result<(), Refused> {
        if self.batch.size() == 0 {
            return Ok(());
        }
        if let Err(error) = self.file.write_at(&mut self.batch.slices(), self.offset) {
            self.core.poison("write", &error);
            return Err(Refused::Dead);
        }
        self.offset += self.batch.size();
        self.batch.clear();
        let (waiters, written) = effect::apply(&self.core, self.segment.number, &mut self.effects);
        let end = Position::new(
            self.segment.number,
            u32::try_from(self.offset).unwrap_or(u32::MAX),
        );
        let file = &self.file;
        self.core.syncing.tell(|told| {
            if told.end.segment() != end.segment() || told.file.is_none() {
                told.file = Some(Arc::clone(file));
            }
            told.end = end;
            told.urgent |= !waiters.is_empty();
            told.waiters.extend(waiters);
        });
        for done in written {
            // Whoever no longer listens gave up waiting.
            drop(done.send(Ok(())));
        }
        self.core.keeping.progress(self.offset);
        Ok(())
    }
}
