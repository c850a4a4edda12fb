//! What changes without a move of its own: hand-offs, consults, updates; and two that touch two patients: swaps and merges.

use super::beds::BedState;
use super::stay::Stay;
use super::{DAY, Event, Hospital, Told};
use crate::simulate::pathways::Level;
use crate::simulate::people::Staff;
use crate::simulate::truth::{MergeRecord, Record, SwapRecord};
use crate::simulate::visit::{Class, Place, Spot, Topic, Visit};
use crate::simulate::write::{patient_id, visit_id};

impl Hospital {
    /// Seven in the morning: some inpatients get another attending doctor.
    pub(super) fn morning(&mut self) {
        let rate = self.plan.rates.handoff;
        let here = self
            .stays
            .iter()
            .filter(|(_, stay)| stay.visit.class == Class::Inpatient);
        let here: Vec<u64> = here.map(|(number, _)| *number).collect();
        for stay in here {
            if self.dice.happens(rate.odds) {
                let later = self.dice.within(rate.after);
                self.after(later, Event::Handoff(stay));
            }
        }
        self.after(DAY, Event::Morning);
    }

    /// Another doctor of the unit attends (A54).
    pub(super) fn hand_off(&mut self, stay: u64) {
        let at = self.stamp(self.now);
        let Some(one) = self.stays.get_mut(&stay).filter(|one| one.is_settled()) else {
            return;
        };
        let Some(place) = one.visit.place.filter(|_| one.record.arrived.is_some()) else {
            return;
        };
        let attending = Staff::another(place.unit, one.visit.attending, &mut self.dice);
        one.visit.attending = Some(attending);
        one.record.joins("attending", attending.id(), &at);
        let visit = one.visit;
        self.say(
            "hand-off",
            Topic::Patient {
                trigger: "A54",
                visit,
            },
        );
    }

    /// A doctor of another unit is consulted (A08).
    pub(super) fn consult(&mut self, stay: u64, unit: usize) {
        let at = self.stamp(self.now);
        let staff = Staff::of(unit, &mut self.dice);
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        let consulting = &mut one.visit.consulting;
        let Some(free) = consulting
            .iter_mut()
            .find(|one| one.is_none_or(|one| one == staff))
        else {
            return;
        };
        *free = Some(staff);
        one.record.joins("consulting", staff.id(), &at);
        let visit = one.visit;
        self.say(
            "consult",
            Topic::Patient {
                trigger: "A08",
                visit,
            },
        );
    }

    /// Something about a patient changes that is no move (A08).
    pub(super) fn update(&mut self, stay: u64) {
        let settled = |one: &&Stay| one.is_settled() && one.record.arrived.is_some();
        if let Some(visit) = self.stays.get(&stay).filter(settled).map(|one| one.visit) {
            self.say(
                "update",
                Topic::Patient {
                    trigger: "A08",
                    visit,
                },
            );
        }
    }

    /// Two patients of one level of care swap their beds (A17).
    pub(super) fn swap(&mut self) {
        let level = |place: Place| self.plan.units.get(place.unit).map(|unit| unit.level);
        let in_bed = self.stays.iter().filter_map(|(number, stay)| {
            let place = stay.visit.place.filter(|_| stay.is_settled())?;
            let inpatient = stay.visit.class == Class::Inpatient;
            let fits = inpatient
                && matches!(place.spot, Spot::Bed(_))
                && level(place) == Some(Level::Ward);
            fits.then_some((*number, place))
        });
        let in_bed: Vec<(u64, Place)> = in_bed.collect();
        let (Some(&(one, here)), Some(&(other, there))) =
            (self.dice.pick(&in_bed), self.dice.pick(&in_bed))
        else {
            return;
        };
        if one == other {
            return;
        }
        let (Some(first), Some(second)) = (self.swapped(one, there), self.swapped(other, here))
        else {
            return;
        };
        let control_id = self.say(
            "swap",
            Topic::Swap {
                visits: [first, second],
            },
        );
        let at = self.stamp(self.now);
        for (stay, place, visit) in [(one, there, first), (other, here, second)] {
            let to = self.writer.place(place);
            let from = visit.prior.map(|place| self.writer.place(place));
            self.bed_is(place, BedState::Occupied(stay));
            if let Some(one) = self.stays.get_mut(&stay) {
                one.record
                    .moved("A17", [from, Some(to.clone())], &at, control_id.clone());
                one.record.is_in(to, &at);
                one.visit.prior = None;
            }
        }
        self.totals.swaps += 1;
        let places = [there, here].map(|place| self.writer.place(place));
        let visits = [one, other].map(visit_id);
        let record = Record::Swap(SwapRecord {
            at,
            visits,
            places,
            control_id,
        });
        self.told.push_back(Told::Truth(record));
    }

    /// One side of a swap; another unit's doctor attends then.
    fn swapped(&mut self, stay: u64, place: Place) -> Option<Visit> {
        let at = self.stamp(self.now);
        let one = self.stays.get_mut(&stay)?;
        one.visit.prior = one.visit.place;
        if one
            .visit
            .place
            .is_some_and(|before| before.unit != place.unit)
        {
            let attending = Staff::of(place.unit, &mut self.dice);
            one.visit.attending = Some(attending);
            one.record.joins("attending", attending.id(), &at);
        }
        one.visit.place = Some(place);
        Some(one.visit)
    }

    /// Somebody notices that a patient has been here before: two numbers become one (A40).
    pub(super) fn merge(&mut self, stay: u64) {
        let at = self.stamp(self.now);
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        let Some(person) = one.is_really.take() else {
            return;
        };
        let from = one.visit.person.number;
        one.visit.person = person;
        one.record.patient = patient_id(person.number);
        let visit = one.visit;
        // What the old number is booked for goes with the person.
        for appointment in self.appointments.values_mut() {
            appointment.belongs_to(from, person);
        }
        let control_id = self.say("merge", Topic::Merge { visit, from });
        self.totals.merges += 1;
        let (from, into) = (patient_id(from), patient_id(person.number));
        let record = Record::Merge(MergeRecord {
            at,
            from,
            into,
            control_id,
        });
        self.told.push_back(Told::Truth(record));
    }
}
