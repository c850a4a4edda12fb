//! Stays along their pathways: who comes, and what the next step does.

use super::beds::BedState;
use super::stay::{Doing, Stay, Want};
use super::{Event, HOUR, Hospital, Mistake};
use crate::simulate::pathways::{Action, Pathway, Rates};
use crate::simulate::people::{Person, Staff};
use crate::simulate::random::Odds;
use crate::simulate::truth::StayRecord;
use crate::simulate::visit::{Class, Place, Spot, Topic, Visit};
use crate::simulate::write::{class, patient_id, visit_id};

/// How many of those who come have been here before.
const KNOWN: Odds = Odds::per_million(150_000);

impl Hospital {
    /// Begins an hour: who comes in it, and whether two patients swap.
    pub(super) fn hour(&mut self) {
        let plan = std::sync::Arc::clone(&self.plan);
        let hour = usize::try_from(self.writer.zoned(self.now).hour()).unwrap_or_default();
        for (number, arrivals) in plan.arrivals.iter().enumerate() {
            let weight = u64::from(arrivals.hours.get(hour).copied().unwrap_or_default());
            let total: u64 = arrivals.hours.iter().map(|weight| u64::from(*weight)).sum();
            // Expected in this hour: a_day × weight ÷ total, spread over so many slots that one arrival at most in each is
            // no matter.
            let expected = u64::from(arrivals.a_day) * weight;
            let slots = (4 * expected / total.max(1)).max(60);
            for slot in 0..slots {
                if self.dice.below(total * slots) < expected {
                    let begin = slot * 3600 / slots;
                    let second = begin + self.dice.below((3600 / slots).max(1));
                    let second = i64::try_from(second).unwrap_or_default();
                    self.after(second, Event::Arrive(number));
                }
            }
        }
        if self.dice.happens(plan.rates.swap.odds) {
            let second = i64::try_from(self.dice.below(3600)).unwrap_or_default();
            self.after(second, Event::Swap);
        }
        self.after(HOUR, Event::Hour);
    }

    /// Somebody comes, on one of the pathways of these arrivals.
    pub(super) fn arrive(&mut self, arrivals: usize) {
        let plan = std::sync::Arc::clone(&self.plan);
        let weight = |pathway: &Pathway| match pathway.from {
            Some((from, weight)) if from == arrivals => weight,
            _ => 0,
        };
        let Some(chosen) = self.dice.weighted(plan.pathways.iter().map(weight)) else {
            return;
        };
        let Some(first) = plan
            .pathways
            .get(chosen)
            .and_then(|pathway| pathway.steps.first())
        else {
            return;
        };
        let (person, is_really) = self.somebody();
        if let Action::Book {
            unit,
            ahead,
            length,
        } = first.action
        {
            self.book(person, unit, [ahead, length], Some((chosen, 1)));
            return;
        }
        let stay = self.begin_stay(person, Class::Emergency, (chosen, 1));
        if let Some(one) = self.stays.get_mut(&stay) {
            one.is_really = is_really;
        }
        match first.action {
            Action::Register { unit } => self.register(stay, unit),
            Action::Admit { unit } => {
                self.class_is(stay, Class::Inpatient);
                self.want(stay, unit, Want::Admit);
            }
            Action::Preadmit { unit, ahead } => self.announce(stay, unit, ahead),
            _ => self.proceed(stay),
        }
    }

    /// A person who comes: somebody new, somebody known, or somebody known whom nobody recognises, and who it is.
    fn somebody(&mut self) -> (Person, Option<Person>) {
        let mistaken = self.dice.happens(self.plan.rates.merge.odds);
        let known = self.dice.happens(KNOWN);
        if (mistaken || known) && !self.known.is_empty() {
            let index = self.dice.below(self.known.len() as u64);
            let person = self
                .known
                .swap_remove(usize::try_from(index).unwrap_or_default());
            if self.is_here(person.number) {
                return self.somebody();
            }
            if !mistaken {
                return (person, None);
            }
            self.numbers.person += 1;
            return (person.again(self.numbers.person), Some(person));
        }
        self.numbers.person += 1;
        (Person::new(self.numbers.person, &mut self.dice), None)
    }

    /// Whether a person has a stay, under this number or another.
    pub(super) fn is_here(&self, number: u64) -> bool {
        self.stays.values().any(|stay| {
            let is_really = stay.is_really.map(|person| person.number);
            stay.visit.person.number == number || is_really == Some(number)
        })
    }

    /// A stay of which nothing is told yet, before this step of a pathway.
    pub(super) fn begin_stay(
        &mut self,
        person: Person,
        class: Class,
        frame: (usize, usize),
    ) -> u64 {
        self.numbers.visit += 1;
        let number = self.numbers.visit;
        let mut visit = Visit::new(number, person, class);
        visit.ambulance =
            class == Class::Emergency && self.dice.happens(Odds::per_million(250_000));
        let pathway = self
            .plan
            .pathways
            .get(frame.0)
            .map(|pathway| pathway.name.to_string());
        let record = StayRecord {
            visit: visit_id(number),
            patient: patient_id(person.number),
            pathway: pathway.unwrap_or_default(),
            state: "expected",
            ..StayRecord::default()
        };
        let mut stay = Stay::new(visit, record);
        stay.frames.push(frame);
        self.stays.insert(number, stay);
        number
    }

    /// Goes on with a stay until something takes time.
    pub(super) fn proceed(&mut self, stay: u64) {
        if let Some(one) = self.stays.get_mut(&stay) {
            one.doing = Doing::Going;
        }
        while let Some(action) = self.next_action(stay) {
            if !self.act(stay, action) {
                return;
            }
        }
    }

    /// The next step that happens; at the pathway's end, home.
    fn next_action(&mut self, stay: u64) -> Option<Action> {
        use crate::simulate::pathways::Disposition::Home;
        loop {
            let one = self.stays.get_mut(&stay)?;
            let Some((pathway, at)) = one.frames.last_mut() else {
                return Some(Action::Discharge(Home));
            };
            let steps = self
                .plan
                .pathways
                .get(*pathway)
                .map(|pathway| &pathway.steps);
            match steps.and_then(|steps| steps.get(*at)).copied() {
                None => drop(one.frames.pop()),
                Some(step) => {
                    *at += 1;
                    if self.dice.happens(step.odds) {
                        return Some(step.action);
                    }
                }
            }
        }
    }

    /// Does one step; `false` if the next has to wait.
    fn act(&mut self, stay: u64, action: Action) -> bool {
        let place = self.stays.get(&stay).and_then(|one| one.visit.place);
        match action {
            // First steps; they are taken on arrival.
            Action::Register { .. } | Action::Admit { .. } | Action::Preadmit { .. } => {
                return true;
            }
            Action::Bed => {
                let Some(place) = place.filter(|place| place.spot == Spot::Waiting) else {
                    return true;
                };
                self.want(stay, place.unit, Want::First);
            }
            Action::Wait(spread) => {
                let wait = self.dice.within(spread);
                self.after(wait, Event::Next(stay));
            }
            Action::Order { kind, priority } => {
                self.order(stay, kind, priority);
                return true;
            }
            Action::Request { unit } => self.request(stay, unit),
            Action::Move { unit } => {
                if place.is_some_and(|place| place.unit == unit) {
                    return true;
                }
                self.want(stay, unit, Want::Move);
            }
            Action::Consult { unit } => {
                self.consult(stay, unit);
                return true;
            }
            Action::Handoff => {
                self.hand_off(stay);
                return true;
            }
            Action::Update => {
                self.update(stay);
                return true;
            }
            Action::Depart { unit, away } => return !self.depart(stay, Some(unit), away),
            Action::Leave { away } => return !self.depart(stay, None, away),
            Action::Book {
                unit,
                ahead,
                length,
            } => {
                if let Some(person) = self.stays.get(&stay).map(|one| one.visit.person) {
                    self.book(person, unit, [ahead, length], None);
                }
                return true;
            }
            Action::Follow { pathway } => {
                if let Some(one) = self.stays.get_mut(&stay) {
                    one.frames.push((pathway, 0));
                }
                return true;
            }
            Action::Discharge(to) => self.discharge(stay, to, false),
        }
        false
    }

    /// Arrives and is registered (A04).
    fn register(&mut self, stay: u64, unit: usize) {
        let place = Place {
            unit,
            spot: Spot::Waiting,
        };
        self.arrives(stay, place, "A04", "register");
    }

    /// An announced patient comes: to a bed, as soon as there is one.
    pub(super) fn come(&mut self, stay: u64) {
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        one.visit.expected = None;
        let unit = one.visit.place.map(|place| place.unit);
        self.class_is(stay, Class::Inpatient);
        if let Some(unit) = unit {
            self.want(stay, unit, Want::Admit);
        }
    }

    /// A01 or A04; and perhaps it is a mistake, or a person registered twice.
    pub(super) fn arrives(
        &mut self,
        stay: u64,
        place: Place,
        trigger: &'static str,
        what: &'static str,
    ) {
        let (now, at) = (self.now, self.stamp(self.now));
        let text = self.writer.place(place);
        let attending = Staff::of(place.unit, &mut self.dice);
        let Rates {
            cancel_admit,
            merge,
            ..
        } = self.plan.rates;
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        one.visit.place = Some(place);
        one.visit.admitted = Some(now);
        one.visit.attending = Some(attending);
        one.doing = Doing::Going;
        let (visit, is_really) = (one.visit, one.is_really);
        let control_id = self.say(what, Topic::Patient { trigger, visit });
        let mistaken = self.dice.happens(cancel_admit.odds);
        if let Some(one) = self.stays.get_mut(&stay) {
            one.record.state = "open";
            one.record
                .moved(trigger, [None, Some(text.clone())], &at, control_id);
            one.record.arrived = Some(at.clone());
            one.record.becomes(class(visit.class), &at);
            one.record.joins("attending", attending.id(), &at);
            if !mistaken {
                one.record.is_in(text, &at);
            }
        }
        let state = if mistaken {
            BedState::Held(stay)
        } else {
            BedState::Occupied(stay)
        };
        self.bed_is(place, state);
        if mistaken {
            let soon = self.dice.within(cancel_admit.after);
            self.busy(stay);
            self.after(soon, Event::Undo(stay, Mistake::Admit));
            return;
        }
        if is_really.is_some() {
            let later = self.dice.within(merge.after);
            self.after(later, Event::Merge(stay));
        }
        self.after(0, Event::Next(stay));
    }

    pub(super) fn class_is(&mut self, stay: u64, class: Class) {
        if let Some(one) = self.stays.get_mut(&stay) {
            one.visit.class = class;
        }
    }

    /// Nothing else happens to this stay until what is under way has ended.
    pub(super) fn busy(&mut self, stay: u64) {
        if let Some(one) = self.stays.get_mut(&stay) {
            one.doing = Doing::Busy;
        }
    }
}
