//! Beds: who is in them, who waits for them, and their cleaning (A20).

use std::collections::VecDeque;

use super::stay::{Doing, Stay, Want};
use super::{Event, Hospital, Told};
use crate::simulate::pathways::{Pathways, Unit};
use crate::simulate::truth::{BedRecord, Record};
use crate::simulate::visit::{Moment, Place, Spot, Topic};
use crate::simulate::write::visit_id;

/// All beds, by unit and bed.
#[derive(Debug)]
pub(super) struct Beds {
    units: Vec<Vec<Bed>>,
    /// Stays that wait for a bed, by unit, the one that waits longest first.
    waiting: Vec<VecDeque<u64>>,
}

#[derive(Clone, Copy, Debug)]
struct Bed {
    state: BedState,
    since: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BedState {
    Free,
    /// For this visit, which is not in it yet.
    Held(u64),
    Occupied(u64),
    Dirty,
    Cleaning,
}

impl Beds {
    pub(super) fn new(plan: &Pathways, since: Moment) -> Self {
        let state = BedState::Free;
        let beds = |unit: &Unit| vec![Bed { state, since }; usize::from(unit.beds)];
        Self {
            units: plan.units.iter().map(beds).collect(),
            waiting: plan.units.iter().map(|_| VecDeque::new()).collect(),
        }
    }

    fn bed(&mut self, place: Place) -> Option<&mut Bed> {
        let Spot::Bed(bed) = place.spot else {
            return None;
        };
        self.units.get_mut(place.unit)?.get_mut(usize::from(bed))
    }

    /// The free beds of a unit.
    fn free(&self, unit: usize) -> Vec<Place> {
        let beds = self.units.get(unit).map_or(&[][..], |beds| beds);
        let free = (0..)
            .zip(beds)
            .filter(|(_, bed)| bed.state == BedState::Free);
        free.map(|(number, _)| Place::bed(unit, number)).collect()
    }

    pub(super) fn forget(&mut self, stay: u64) {
        for waiting in &mut self.waiting {
            waiting.retain(|one| *one != stay);
        }
    }
}

impl Hospital {
    /// A stay wants a bed in `unit`, and gets one now or waits for it.
    pub(super) fn want(&mut self, stay: u64, unit: usize, want: Want) {
        if let Some(one) = self.stays.get_mut(&stay) {
            one.doing = Doing::Waiting(want);
            one.waits += 1;
        }
        // Who comes later does not overtake who waits.
        if let Some(queue) = self.beds.waiting.get_mut(unit) {
            queue.push_back(stay);
        }
        let free = self.beds.free(unit);
        if let Some(place) = self.dice.pick(&free).copied() {
            self.offer(place);
        }
        self.may_lose_patience(stay, want);
    }

    /// A bed is free: for whoever has waited longest.
    fn offer(&mut self, place: Place) {
        while let Some(stay) = self
            .beds
            .waiting
            .get_mut(place.unit)
            .and_then(VecDeque::pop_front)
        {
            let waits = |one: &Stay| matches!(one.doing, Doing::Waiting(_));
            if self.stays.get(&stay).is_some_and(waits) {
                self.grant(stay, place);
                return;
            }
        }
    }

    fn grant(&mut self, stay: u64, place: Place) {
        let doing = self.stays.get(&stay).map(|one| one.doing);
        let Some(Doing::Waiting(want)) = doing else {
            return;
        };
        match want {
            Want::Admit => self.admit(stay, place),
            Want::First | Want::Move => self.transfer(stay, place),
            Want::Request => self.assign(stay, place),
        }
    }

    /// A bed becomes something else; what it was until now is settled.
    pub(super) fn bed_is(&mut self, place: Place, state: BedState) {
        let now = self.now;
        let Some(bed) = self.beds.bed(place) else {
            return;
        };
        let before = std::mem::replace(bed, Bed { state, since: now });
        self.settle_bed(place, before.state, before.since, Some(now));
    }

    fn settle_bed(&mut self, place: Place, state: BedState, since: Moment, to: Option<Moment>) {
        let (state, visit) = match state {
            BedState::Free => return,
            BedState::Held(visit) => ("held", Some(visit_id(visit))),
            BedState::Occupied(visit) => ("occupied", Some(visit_id(visit))),
            BedState::Dirty => ("dirty", None),
            BedState::Cleaning => ("cleaning", None),
        };
        if to == Some(since) {
            return;
        }
        let (from, to) = (self.stamp(since), to.map(|to| self.stamp(to)));
        let bed = self.writer.place(place);
        let record = Record::Bed(BedRecord {
            bed,
            state,
            visit,
            from,
            to,
        });
        self.told.push_back(Told::Truth(record));
    }

    /// Tells what the beds are at the end.
    pub(super) fn settle_beds(&mut self) {
        let units = std::mem::take(&mut self.beds.units);
        for (unit, beds) in (0..).zip(&units) {
            for (number, bed) in (0..).zip(beds) {
                self.settle_bed(Place::bed(unit, number), bed.state, bed.since, None);
            }
        }
    }

    /// A patient has left a bed for good: it is to be cleaned.
    pub(super) fn vacate(&mut self, place: Place) {
        if !matches!(place.spot, Spot::Bed(_)) {
            return;
        }
        self.bed_is(place, BedState::Dirty);
        self.say("bed dirty", Topic::Bed { place, status: "K" });
        let response = self.plan.units.get(place.unit).map(|unit| unit.response);
        let wait = self.dice.within(response.unwrap_or_default());
        self.after(wait, Event::Clean(place));
    }

    /// A bed that was held for nobody after all.
    pub(super) fn give_back(&mut self, place: Place) {
        if matches!(place.spot, Spot::Bed(_)) {
            self.bed_is(place, BedState::Free);
            self.offer(place);
        }
    }

    pub(super) fn clean(&mut self, place: Place) {
        self.bed_is(place, BedState::Cleaning);
        self.say("bed cleaning", Topic::Bed { place, status: "H" });
        let takes = self.plan.units.get(place.unit).map(|unit| unit.clean);
        let takes = self.dice.within(takes.unwrap_or_default());
        self.after(takes, Event::Cleaned(place));
    }

    pub(super) fn cleaned(&mut self, place: Place) {
        self.bed_is(place, BedState::Free);
        self.say("bed clean", Topic::Bed { place, status: "U" });
        self.offer(place);
    }
}
