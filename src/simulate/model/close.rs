//! Ends: a patient leaves, and the simulation is over.

use super::stay::Doing;
use super::{Event, Hospital, MOST_KNOWN, Mistake, Told};
use crate::simulate::pathways::Disposition;
use crate::simulate::people::Person;
use crate::simulate::truth::Record;
use crate::simulate::visit::{Spot, Topic};

impl Hospital {
    /// A patient leaves (A03), unless that is a mistake (A13 follows); the second time it is none.
    pub(super) fn discharge(&mut self, stay: u64, to: Disposition, surely: bool) {
        self.merge(stay);
        let (now, at) = (self.now, self.stamp(self.now));
        let cancel = self.plan.rates.cancel_discharge;
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        let in_bed = one
            .visit
            .place
            .is_some_and(|place| matches!(place.spot, Spot::Bed(_)));
        let may_be = !surely && in_bed && matches!(to, Disposition::Home | Disposition::Facility);
        let mistaken = may_be && self.dice.happens(cancel.odds);
        if !mistaken {
            self.leave_orders(stay);
        }
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        one.doing = Doing::Busy;
        one.visit.discharged = Some(now);
        one.visit.disposition = Some(to);
        let visit = one.visit;
        let from = visit.place.map(|place| self.writer.place(place));
        let control_id = self.say(
            "discharge",
            Topic::Patient {
                trigger: "A03",
                visit,
            },
        );
        if let Some(one) = self.stays.get_mut(&stay) {
            one.record.moved("A03", [from, None], &at, control_id);
        }
        if mistaken {
            let soon = self.dice.within(cancel.after);
            self.after(soon, Event::Undo(stay, Mistake::Discharge));
            return;
        }
        let appointment = self.stays.get_mut(&stay).and_then(|one| {
            one.record.discharged = Some(at);
            one.record.disposition = Some(disposition(to));
            one.appointment
        });
        if let Some(appointment) = appointment {
            self.complete(appointment);
        }
        if let Some(place) = visit.place {
            self.vacate(place);
        }
        if to != Disposition::Died {
            self.remember(visit.person);
        }
        self.finish(stay, "closed");
    }

    /// Nothing more will happen in this stay.
    pub(super) fn finish(&mut self, stay: u64, state: &'static str) {
        self.beds.forget(stay);
        if let Some(mut one) = self.stays.remove(&stay) {
            let at = self.stamp(self.now);
            one.record.ends(&at);
            one.record.state = state;
            // A person who was registered twice by mistake and left before anybody noticed is known as who he was.
            if let Some(person) = one.is_really {
                self.remember(person);
            } else if matches!(state, "cancelled" | "turned_away") {
                self.remember(one.visit.person);
            }
            self.totals.stays += 1;
            self.told
                .push_back(Told::Truth(Record::Stay(Box::new(one.record))));
        }
    }

    /// Somebody who may come again.
    pub(super) fn remember(&mut self, person: Person) {
        if self.known.iter().any(|known| known.number == person.number) {
            return;
        }
        if self.known.len() < MOST_KNOWN {
            self.known.push(person);
            return;
        }
        let index = usize::try_from(self.dice.below(MOST_KNOWN as u64)).unwrap_or_default();
        if let Some(forgotten) = self.known.get_mut(index) {
            *forgotten = person;
        }
    }

    /// The end: what is late is sent, and what is open is told as open.
    pub(super) fn close(&mut self) {
        if !self.is_full() {
            self.now = self.end;
            // What was told by mistake is taken back, so that the messages say in the end what is true.
            for event in std::mem::take(&mut self.events).into_values() {
                if let Event::Undo(stay, mistake) = event
                    && mistake != Mistake::Announcement
                {
                    self.undo(stay, mistake);
                }
            }
            self.release_all();
        }
        for (_, stay) in std::mem::take(&mut self.stays) {
            self.totals.stays += 1;
            self.totals.open_stays += 1;
            self.told
                .push_back(Told::Truth(Record::Stay(Box::new(stay.record))));
        }
        self.settle_beds();
        self.settle_orders();
        self.settle_appointments();
        self.totals.end = self.stamp(self.now);
        self.told
            .push_back(Told::Truth(Record::Summary(self.totals.clone())));
    }
}

const fn disposition(to: Disposition) -> &'static str {
    match to {
        Disposition::Home => "home",
        Disposition::Facility => "facility",
        Disposition::Died => "died",
        Disposition::Left => "left",
    }
}
