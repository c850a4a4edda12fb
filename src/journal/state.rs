//! Where everything stands: the destinations, the segment files, the next ordinal. It is what the records say, applied
//! in order; a checkpoint is the whole of it.
//!
//! Accepted entries are numbered without gaps (the ordinal), so "all settled up to here" and the backlog are sums,
//! not scans. Numbers that no longer exist, because retention or damage took them, are kept as gaps.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::payload::{Cursor, Note, What};
use super::{OutcomeKind, Position};

/// The whole state.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The ordinal of the next accepted entry.
    pub(crate) next_ordinal: u64,
    /// The segment files that are kept, the one in use included.
    pub(crate) segments: BTreeMap<u32, SegmentInfo>,
    pub(crate) destinations: BTreeMap<Arc<str>, Place>,
    /// Ordinals without entries: from (included) to (excluded).
    gaps: BTreeMap<u64, u64>,
}

/// What is in a segment file.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct SegmentInfo {
    /// The next ordinal when it was begun.
    pub(crate) first_ordinal: u64,
    /// Accepted entries in it.
    pub(crate) accepted: u64,
    /// Where its records end; 0 while it is in use.
    pub(crate) end: u32,
    /// When its oldest and its newest entry were received, microseconds since 1970.
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
    /// Entries of any disposition.
    pub(crate) entries: u32,
    /// Records other than the checkpoint and closing marks.
    pub(crate) records: u32,
    pub(crate) id: [u8; 16],
}

/// Where a destination stands.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Every accepted entry with a lower ordinal is settled.
    pub(crate) done: u64,
    /// A record at or before the first unsettled entry, and after or at the last of the unbroken run of settled ones.
    pub(crate) done_to: Position,
    /// Settled entries above `done`.
    pub(crate) settled: BTreeMap<Position, u64>,
    /// Set aside, with their ordinals.
    pub(crate) parked: BTreeMap<Position, u64>,
    /// To be sent again, in the order asked for.
    pub(crate) replays: Vec<(Position, u64)>,
}

/// No journal gets that far: what says so was not written by us, whatever its checksum says.
pub(crate) const LAST_ORDINAL: u64 = 1 << 62;

impl Place {
    /// Whether the entry has an outcome and no replay is asked for.
    pub(crate) fn is_settled(&self, position: Position) -> bool {
        (position <= self.done_to || self.settled.contains_key(&position))
            && !self.replays.iter().any(|(at, _)| *at == position)
    }
}

/// The gap over `ordinal` ends here.
fn past_gap(gaps: &BTreeMap<u64, u64>, ordinal: u64) -> Option<u64> {
    let (_, to) = gaps.range(..=ordinal).next_back()?;
    (*to > ordinal).then_some(*to)
}

/// Moves `place.done` over all that is settled or missing.
fn advance(place: &mut Place, gaps: &BTreeMap<u64, u64>) {
    loop {
        match place.settled.first_entry() {
            Some(first) if *first.get() <= place.done => {
                place.done_to = place.done_to.max(*first.key());
                place.done = place.done.max(*first.get() + 1);
                first.remove();
            }
            _ => match past_gap(gaps, place.done) {
                Some(to) => place.done = to,
                None => return,
            },
        }
    }
}

impl State {
    /// Whether nothing in it goes beyond [`LAST_ORDINAL`].
    pub(crate) fn is_sane(&self) -> bool {
        let places = self.destinations.values();
        self.next_ordinal <= LAST_ORDINAL
            && self
                .segments
                .values()
                .all(|info| info.first_ordinal <= LAST_ORDINAL && info.accepted <= LAST_ORDINAL)
            && self
                .gaps
                .iter()
                .all(|(from, to)| *from <= LAST_ORDINAL && *to <= LAST_ORDINAL)
            && places
                .flat_map(|place| place.settled.values().chain([&place.done]))
                .all(|ordinal| *ordinal <= LAST_ORDINAL)
    }

    /// The ordinal of the first accepted entry kept.
    pub(crate) fn oldest_ordinal(&self) -> u64 {
        let first = self
            .segments
            .values()
            .next()
            .map_or(self.next_ordinal, |info| info.first_ordinal);
        self.past_gaps(first)
    }

    /// `ordinal`, or the first after the gap it lies in.
    pub(crate) fn past_gaps(&self, ordinal: u64) -> u64 {
        past_gap(&self.gaps, ordinal).unwrap_or(ordinal)
    }

    /// An entry was written to `segment`.
    pub(crate) fn entry(&mut self, segment: u32, ordinal: u64, accepted: bool, received: i64) {
        self.record(segment);
        let info = self.segments.entry(segment).or_default();
        (info.oldest, info.newest) = match info.entries {
            0 => (received, received),
            _ => (info.oldest.min(received), info.newest.max(received)),
        };
        info.entries += 1;
        if ordinal > self.next_ordinal {
            self.gap(self.next_ordinal, ordinal);
            self.next_ordinal = ordinal;
        }
        if accepted {
            self.next_ordinal = ordinal + 1;
            if let Some(info) = self.segments.get_mut(&segment) {
                info.accepted = (ordinal + 1).saturating_sub(info.first_ordinal);
            }
        }
    }

    /// Some other record was written to `segment`.
    pub(crate) fn record(&mut self, segment: u32) {
        self.segments.entry(segment).or_default().records += 1;
    }

    /// An outcome or a wish to replay; false if the destination is not known.
    pub(crate) fn note(&mut self, note: &Note) -> bool {
        let Some(place) = self.destinations.get_mut(&note.destination) else {
            return false;
        };
        place.replays.retain(|(at, _)| *at != note.position);
        place.parked.remove(&note.position);
        match &note.what {
            What::Replay => place.replays.push((note.position, note.ordinal)),
            What::Settled { kind, .. } => {
                if *kind == OutcomeKind::Parked {
                    place.parked.insert(note.position, note.ordinal);
                }
                if note.ordinal >= place.done && note.position > place.done_to {
                    place.settled.insert(note.position, note.ordinal);
                    advance(place, &self.gaps);
                }
            }
        }
        true
    }

    /// A destination came, went, or ordinals turned out to be missing.
    pub(crate) fn cursor(&mut self, cursor: &Cursor) {
        match cursor {
            Cursor::Registered {
                destination,
                from,
                after,
            } => {
                let mut place = Place {
                    done: *from,
                    done_to: *after,
                    ..Place::default()
                };
                advance(&mut place, &self.gaps);
                self.destinations
                    .entry(Arc::clone(destination))
                    .or_insert(place);
            }
            Cursor::Forgotten { destination } => {
                self.destinations.remove(destination);
            }
            Cursor::Gap { from, to } => self.gap(*from, *to),
        }
    }

    /// Retention removes these segment files.
    pub(crate) fn retire(&mut self, numbers: &[u32]) {
        for number in numbers {
            let Some(info) = self.segments.remove(number) else {
                continue;
            };
            for place in self.destinations.values_mut() {
                let gone: Vec<_> = place
                    .settled
                    .range(within(*number))
                    .map(|(at, _)| *at)
                    .collect();
                for at in gone {
                    place.settled.remove(&at);
                }
            }
            self.gap(info.first_ordinal, info.first_ordinal + info.accepted);
        }
    }

    fn gap(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let (mut from, mut to) = (from, to);
        let touching: Vec<_> = self
            .gaps
            .range(..=to)
            .rev()
            .take_while(|(_, end)| **end >= from)
            .map(|(at, _)| *at)
            .collect();
        for at in touching {
            if let Some(end) = self.gaps.remove(&at) {
                (from, to) = (from.min(at), to.max(end));
            }
        }
        self.gaps.insert(from, to);
        let oldest = self.oldest_ordinal();
        let lowest = self
            .destinations
            .values()
            .map(|place| place.done)
            .min()
            .unwrap_or(oldest);
        for place in self.destinations.values_mut() {
            advance(place, &self.gaps);
        }
        // Gaps that everybody is past are of no more use.
        self.gaps.retain(|_, end| *end > lowest || *end > oldest);
    }

    /// Accepted entries from `done` on that exist and are not settled.
    pub(crate) fn backlog(&self, place: &Place) -> u64 {
        let missing: u64 = self
            .gaps
            .iter()
            .map(|(from, to)| to.saturating_sub((*from).max(place.done)))
            .sum();
        (self.next_ordinal.saturating_sub(place.done))
            .saturating_sub(missing + place.settled.len() as u64)
    }

    /// Whether nothing in the segment is left to do at any destination, parked entries and replays included.
    pub(crate) fn is_settled(&self, number: u32, info: &SegmentInfo) -> bool {
        let end = info.first_ordinal + info.accepted;
        self.destinations.values().all(|place| {
            let left = end.saturating_sub(place.done.max(info.first_ordinal));
            let missing: u64 = self
                .gaps
                .iter()
                .map(|(from, to)| {
                    end.min(*to)
                        .saturating_sub((*from).max(place.done).max(info.first_ordinal))
                })
                .sum();
            place.settled.range(within(number)).count() as u64 + missing >= left
                && place.parked.range(within(number)).next().is_none()
                && !place.replays.iter().any(|(at, _)| at.segment() == number)
        })
    }
}

fn within(number: u32) -> std::ops::RangeInclusive<Position> {
    Position::new(number, 0)..=Position::new(number, u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Outcome;

    fn settle(state: &mut State, ordinal: u64, kind: OutcomeKind) {
        let outcome = Outcome::new(kind, jiff::Timestamp::UNIX_EPOCH);
        let position = Position::new(1, 100 + u32::try_from(ordinal).unwrap());
        assert!(state.note(&Note::settled("lab".into(), position, ordinal, outcome)));
    }

    fn with_entries(count: u64) -> State {
        let mut state = State::default();
        state.cursor(&Cursor::Registered {
            destination: "lab".into(),
            from: 0,
            after: Position::ZERO,
        });
        (0..count).for_each(|ordinal| state.entry(1, ordinal, true, 0));
        state
    }

    #[test]
    fn the_run_of_settled_entries_grows_when_its_hole_is_filled() {
        let mut state = with_entries(4);
        settle(&mut state, 1, OutcomeKind::Delivered);
        settle(&mut state, 2, OutcomeKind::Parked);
        assert_eq!(state.backlog(&state.destinations["lab"]), 2);
        assert_eq!(state.destinations["lab"].done, 0);
        settle(&mut state, 0, OutcomeKind::Filtered);
        let place = &state.destinations["lab"];
        assert_eq!(
            (place.done, place.settled.len(), place.parked.len()),
            (3, 0, 1)
        );
        assert_eq!(state.backlog(place), 1);
    }

    #[test]
    fn gaps_are_passed_and_do_not_count_as_backlog() {
        let mut state = with_entries(10);
        state.cursor(&Cursor::Gap { from: 2, to: 5 });
        state.cursor(&Cursor::Gap { from: 5, to: 7 });
        assert_eq!(state.backlog(&state.destinations["lab"]), 5);
        settle(&mut state, 0, OutcomeKind::Delivered);
        settle(&mut state, 1, OutcomeKind::Delivered);
        assert_eq!(state.destinations["lab"].done, 7);
        assert_eq!(state.backlog(&state.destinations["lab"]), 3);
    }
}
