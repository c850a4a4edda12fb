//! Moves: transfers and what cancels them, requests for beds, absences.

use super::beds::BedState;
use super::stay::{Doing, Want};
use super::{Event, Hospital, Mistake};
use crate::simulate::people::Staff;
use crate::simulate::random::Spread;
use crate::simulate::truth::{BedRequestRecord, Interval};
use crate::simulate::visit::{Class, Place, Requested, Spot, Topic};
use crate::simulate::write::{class, placer_id};

impl Hospital {
    /// A patient is announced (A05), and comes or is cancelled (A38).
    pub(super) fn announce(&mut self, stay: u64, unit: usize, ahead: Spread) {
        let ahead = self.dice.within(ahead);
        let expected = self.now + ahead;
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        one.announced = true;
        one.visit.class = Class::Preadmit;
        one.visit.ambulance = false;
        one.visit.place = Some(Place::somewhere(unit));
        one.visit.expected = Some(expected);
        let visit = one.visit;
        self.say(
            "announce",
            Topic::Patient {
                trigger: "A05",
                visit,
            },
        );
        self.busy(stay);
        let cancel = self.plan.rates.cancel_preadmit;
        if self.dice.happens(cancel.odds) {
            let soon = self.dice.within(cancel.after).min(ahead);
            self.after(soon, Event::Undo(stay, Mistake::Announcement));
        } else {
            self.after(ahead, Event::Expected(stay));
        }
    }

    /// An admission to a bed (A01).
    pub(super) fn admit(&mut self, stay: u64, place: Place) {
        self.arrives(stay, place, "A01", "admit");
    }

    /// A transfer to a free bed (A02); perhaps one that was told too early, is cancelled (A12), and told again when it
    /// happens.
    pub(super) fn transfer(&mut self, stay: u64, place: Place) {
        let cancel = self.plan.rates.cancel_transfer;
        if !self.dice.happens(cancel.odds) {
            self.move_to(stay, place);
            return;
        }
        self.bed_is(place, BedState::Held(stay));
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        one.doing = Doing::Busy;
        one.held = Some(place);
        one.really = one.visit.place;
        self.tell_move(stay, place, "transfer told too early");
        let soon = self.dice.within(cancel.after);
        self.after(soon, Event::Undo(stay, Mistake::Transfer));
    }

    /// The A02 and its truth; gives where the patient was.
    fn tell_move(&mut self, stay: u64, place: Place, what: &'static str) -> Option<Place> {
        let (at, to) = (self.stamp(self.now), self.writer.place(place));
        let one = self.stays.get_mut(&stay)?;
        let before = one.visit.place;
        one.visit.prior = before;
        one.visit.pending = None;
        one.visit.place = Some(place);
        let visit = one.visit;
        let control_id = self.say(
            what,
            Topic::Patient {
                trigger: "A02",
                visit,
            },
        );
        let from = before.map(|place| self.writer.place(place));
        if let Some(one) = self.stays.get_mut(&stay) {
            one.record.moved("A02", [from, Some(to)], &at, control_id);
            one.visit.prior = None;
        }
        before
    }

    /// A patient moves into a bed, another doctor attends if it is of another unit, and the old bed is cleaned.
    fn move_to(&mut self, stay: u64, place: Place) {
        let at = self.stamp(self.now);
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        one.held = None;
        let other_unit = one
            .visit
            .place
            .is_none_or(|before| before.unit != place.unit);
        if other_unit {
            let attending = Staff::of(place.unit, &mut self.dice);
            one.visit.attending = Some(attending);
            one.record.joins("attending", attending.id(), &at);
        }
        let text = self.writer.place(place);
        one.record.is_in(text.clone(), &at);
        if let Some(request) = one.record.bed_requests.last_mut() {
            let mine = request.bed.as_deref() == Some(&text);
            request.occupied = request.occupied.take().or_else(|| mine.then(|| at.clone()));
        }
        let request = one.bed_request.take();
        let before = self.tell_move(stay, place, "transfer");
        self.bed_is(place, BedState::Occupied(stay));
        if let Some(before) = before {
            self.vacate(before);
        }
        if let Some(order) = request {
            self.fulfil(order);
        }
        let update = self.plan.rates.update;
        if self.dice.happens(update.odds) {
            let soon = self.dice.within(update.after);
            self.after(soon, Event::Update(stay));
        }
        self.after(0, Event::Next(stay));
    }

    /// Asks for a bed: the decision to admit, if the patient is none of the house yet (A06).
    pub(super) fn request(&mut self, stay: u64, unit: usize) {
        let at = self.stamp(self.now);
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        if one.visit.place.is_some_and(|place| place.unit == unit) {
            self.after(0, Event::Next(stay));
            return;
        }
        if one.visit.class != Class::Inpatient {
            one.visit.class = Class::Inpatient;
            one.record.becomes(class(Class::Inpatient), &at);
            let visit = one.visit;
            self.say(
                "class change",
                Topic::Patient {
                    trigger: "A06",
                    visit,
                },
            );
        }
        let Some(order) = self.place_order(stay, Requested::BedIn(unit)) else {
            return;
        };
        let code = self.plan.units.get(unit).map(|unit| unit.code.to_string());
        if let Some(one) = self.stays.get_mut(&stay) {
            one.bed_request = Some(order);
            one.record.bed_requests.push(BedRequestRecord {
                unit: code.unwrap_or_default(),
                order: placer_id(order),
                requested: at,
                assigned: None,
                occupied: None,
                given_up: None,
                bed: None,
            });
        }
        self.busy(stay);
        let search = self.dice.within(self.plan.rates.assign.after);
        self.after(search, Event::SeekBed(stay, unit));
    }

    /// A bed is assigned (A15) and kept until the patient is brought.
    pub(super) fn assign(&mut self, stay: u64, place: Place) {
        let (at, text) = (self.stamp(self.now), self.writer.place(place));
        self.bed_is(place, BedState::Held(stay));
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        one.doing = Doing::Busy;
        one.held = Some(place);
        one.visit.pending = Some(place);
        if let Some(request) = one.record.bed_requests.last_mut() {
            request.assigned = Some(at);
            request.bed = Some(text);
        }
        let visit = one.visit;
        self.say(
            "bed assigned",
            Topic::Patient {
                trigger: "A15",
                visit,
            },
        );
        let transport = self.dice.within(self.plan.rates.transport.after);
        self.after(transport, Event::Moved(stay));
    }

    /// The patient arrives in the bed that was kept.
    pub(super) fn arrive_in_bed(&mut self, stay: u64) {
        let one = self.stays.get(&stay);
        let Some((place, retried)) = one.and_then(|one| Some((one.held?, one.really.is_some())))
        else {
            return;
        };
        if retried {
            if let Some(one) = self.stays.get_mut(&stay) {
                one.really = None;
            }
            self.move_to(stay, place);
        } else {
            self.transfer(stay, place);
        }
    }

    /// What was told turns out to be a mistake.
    pub(super) fn undo(&mut self, stay: u64, mistake: Mistake) {
        let at = self.stamp(self.now);
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        match mistake {
            Mistake::Admit => {
                one.record.was_mistaken(&["A01", "A04"], &at);
                let visit = one.visit;
                self.say(
                    "cancel admit",
                    Topic::Patient {
                        trigger: "A11",
                        visit,
                    },
                );
                if let Some(place) = visit.place {
                    self.give_back(place);
                }
                self.finish(stay, "cancelled");
            }
            Mistake::Announcement => {
                let visit = one.visit;
                self.say(
                    "cancel announcement",
                    Topic::Patient {
                        trigger: "A38",
                        visit,
                    },
                );
                self.finish(stay, "cancelled");
            }
            Mistake::Transfer => {
                one.record.was_mistaken(&["A02"], &at);
                one.visit.place = one.really;
                let visit = one.visit;
                self.say(
                    "cancel transfer",
                    Topic::Patient {
                        trigger: "A12",
                        visit,
                    },
                );
                let transport = self.dice.within(self.plan.rates.transport.after);
                self.after(transport, Event::Moved(stay));
            }
            Mistake::Discharge => {
                one.record.was_mistaken(&["A03"], &at);
                let to = one.visit.disposition.take();
                one.visit.discharged = None;
                let visit = one.visit;
                self.say(
                    "cancel discharge",
                    Topic::Patient {
                        trigger: "A13",
                        visit,
                    },
                );
                let later = self.dice.within(Spread::new(30 * 60, 5 * 3600));
                if let Some(to) = to {
                    self.after(later, Event::DischargeAgain(stay, to));
                }
            }
        }
    }

    /// Leaves the bed for another unit (A09) or the house (A21), and keeps it. `false` for who has no bed.
    pub(super) fn depart(&mut self, stay: u64, unit: Option<usize>, away: Spread) -> bool {
        let at = self.stamp(self.now);
        let temporary = unit.map(Place::somewhere);
        let text = temporary
            .map(|place| self.writer.place(place))
            .unwrap_or_default();
        let Some(one) = self.stays.get_mut(&stay) else {
            return false;
        };
        let Some(Spot::Bed(_)) = one.visit.place.map(|place| place.spot) else {
            return false;
        };
        one.doing = Doing::Busy;
        one.visit.temporary = temporary;
        let interval = Interval {
            place: text,
            from: at,
            to: None,
        };
        let (trigger, what) = if unit.is_some() {
            one.record.tracking.push(interval);
            ("A09", "departs for an examination")
        } else {
            one.record.leaves.push(interval);
            ("A21", "leave of absence")
        };
        let visit = one.visit;
        self.say(what, Topic::Patient { trigger, visit });
        let away = self.dice.within(away);
        self.after(away, Event::Return(stay));
        true
    }

    /// Back in the bed: A10 or A22.
    pub(super) fn come_back(&mut self, stay: u64) {
        let at = self.stamp(self.now);
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        let from = one.visit.temporary.take();
        one.visit.prior_temporary = from;
        let visit = one.visit;
        one.visit.prior_temporary = None;
        let (intervals, trigger, what) = if from.is_some() {
            (&mut one.record.tracking, "A10", "back from an examination")
        } else {
            (&mut one.record.leaves, "A22", "back from leave")
        };
        if let Some(last) = intervals.last_mut() {
            last.to = Some(at);
        }
        self.say(what, Topic::Patient { trigger, visit });
        self.proceed(stay);
    }

    /// Nobody waits for ever: that would be the end of the hospital, once each of two full units waits for the other.
    pub(super) fn may_lose_patience(&mut self, stay: u64, want: Want) {
        let Some(one) = self.stays.get(&stay) else {
            return;
        };
        let (waits, number) = (one.doing == Doing::Waiting(want), one.waits);
        let rates = &self.plan.rates;
        let rate = if want == Want::First {
            rates.patience
        } else {
            rates.give_up
        };
        if waits && self.dice.happens(rate.odds) {
            let wait = self.dice.within(rate.after);
            self.after(wait, Event::Patience(stay, number));
        }
    }

    /// Who has waited too long for a first bed leaves, who is to be moved stays where he is, who is to be admitted is sent
    /// away.
    pub(super) fn lose_patience(&mut self, stay: u64, wait: u32) {
        use crate::simulate::pathways::Disposition::Left;
        let at = self.stamp(self.now);
        let Some(one) = self.stays.get_mut(&stay).filter(|one| one.waits == wait) else {
            return;
        };
        let Doing::Waiting(want) = one.doing else {
            return;
        };
        self.beds.forget(stay);
        match want {
            Want::First => self.discharge(stay, Left, true),
            Want::Move => self.proceed(stay),
            Want::Request => {
                if let Some(request) = one.record.bed_requests.last_mut() {
                    request.given_up = Some(at);
                }
                if let Some(order) = one.bed_request.take() {
                    self.cancel_order(order);
                }
                self.proceed(stay);
            }
            Want::Admit if one.announced => {
                one.visit.class = Class::Preadmit;
                self.undo(stay, Mistake::Announcement);
            }
            Want::Admit => self.finish(stay, "turned_away"),
        }
    }
}
