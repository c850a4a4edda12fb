//! Appointments: booked (S12), moved (S13), cancelled (S15), missed (S26), or kept: checked in (A04, S14) and done (A03, S14).

use super::{Event, HOUR, Hospital, Told};
use crate::simulate::pathways::Rates;
use crate::simulate::people::{Person, Staff};
use crate::simulate::random::Spread;
use crate::simulate::truth::{AppointmentRecord, Record};
use crate::simulate::visit::{AppointmentNews, Class, Moment, Place, Topic, Visit};
use crate::simulate::write::{appointment_id, patient_id, visit_id};

/// An appointment that is not settled.
pub(super) struct Appointment {
    person: Person,
    visit: Option<u64>,
    unit: usize,
    staff: Staff,
    start: Moment,
    length: i64,
    /// The pathway of the visit.
    then: Option<(usize, usize)>,
    record: AppointmentRecord,
}

/// What becomes of an appointment next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Moved,
    Cancelled,
    CheckedIn,
    Missed,
}

impl Hospital {
    /// Books an appointment, and settles what will become of it.
    pub(super) fn book(
        &mut self,
        person: Person,
        unit: usize,
        [ahead, length]: [Spread; 2],
        then: Option<(usize, usize)>,
    ) {
        let wished = self.now + self.dice.within(ahead);
        let start = self.in_office_hours(wished);
        // Five minutes are the finest grid a clinic plans in.
        let length = (self.dice.within(length) / 300).max(1) * 300;
        let staff = Staff::of(unit, &mut self.dice);
        self.numbers.appointment += 1;
        let number = self.numbers.appointment;
        let record = AppointmentRecord {
            appointment: appointment_id(number),
            patient: patient_id(person.number),
            unit: self
                .plan
                .units
                .get(unit)
                .map(|unit| unit.code.to_string())
                .unwrap_or_default(),
            staff: staff.id(),
            state: "booked",
            booked: self.stamp(self.now),
            starts: vec![self.stamp(start)],
            minutes: length / 60,
            ..AppointmentRecord::default()
        };
        let visit = None;
        let appointment = Appointment {
            person,
            visit,
            unit,
            staff,
            start,
            length,
            then,
            record,
        };
        self.appointments.insert(number, appointment);
        self.tell_appointment(
            number,
            "appointment booked",
            "S12",
            "Booked",
            ("BOOK", "Booked"),
        );
        let moves = self.dice.happens(self.plan.rates.reschedule.odds);
        if moves && start - self.now > 2 * HOUR {
            let when = self
                .dice
                .within(Spread::new(HOUR / 2, start - self.now - HOUR));
            self.after(when, Event::Appointment(number, Turn::Moved));
        } else {
            self.settle_fate(number);
        }
    }

    /// The same day between eight and five, on the grid; the hospital's clinics know no weekends.
    fn in_office_hours(&self, wished: Moment) -> Moment {
        let zoned = self.writer.zoned(wished);
        let hour = zoned.hour().clamp(8, 16);
        let moved = zoned.with().hour(hour).second(0).build();
        let start = moved.map_or(wished, |at| at.timestamp().as_second());
        let start = start - start.rem_euclid(300);
        if start <= self.now + 2 * HOUR {
            start + 24 * HOUR
        } else {
            start
        }
    }

    /// Whether it is cancelled, missed or kept.
    fn settle_fate(&mut self, number: u64) {
        let Some(start) = self.appointments.get(&number).map(|one| one.start) else {
            return;
        };
        let Rates {
            cancel_appointment,
            no_show,
            ..
        } = self.plan.rates;
        let (turn, when) = if self.dice.happens(cancel_appointment.odds) {
            let before = self.dice.within(cancel_appointment.after);
            (Turn::Cancelled, (start - before).max(self.now + 60))
        } else if self.dice.happens(no_show.odds) {
            (Turn::Missed, start + self.dice.within(no_show.after))
        } else {
            (
                Turn::CheckedIn,
                start + self.dice.within(Spread::new(-20 * 60, 15 * 60)),
            )
        };
        self.at(when, Event::Appointment(number, turn));
    }

    pub(super) fn turn(&mut self, number: u64, turn: Turn) {
        let at = self.stamp(self.now);
        match turn {
            Turn::Moved => {
                let wished = self.now + self.dice.within(Spread::new(24 * HOUR, 6 * 24 * HOUR));
                let start = self.in_office_hours(wished);
                let text = self.stamp(start);
                if let Some(one) = self.appointments.get_mut(&number) {
                    one.start = start;
                    one.record.starts.push(text);
                    one.record.rescheduled.push(at);
                }
                let reason = ("MOVE", "Rescheduled");
                self.tell_appointment(number, "appointment rescheduled", "S13", "Booked", reason);
                self.settle_fate(number);
            }
            Turn::Cancelled => {
                if let Some(one) = self.appointments.get_mut(&number) {
                    one.record.cancelled = Some(at);
                }
                let reason = ("CANCEL", "Cancelled");
                self.tell_appointment(number, "appointment cancelled", "S15", "Cancelled", reason);
                self.settle_appointment(number, "cancelled");
            }
            Turn::Missed => {
                if let Some(one) = self.appointments.get_mut(&number) {
                    one.record.no_show = Some(at);
                }
                let reason = ("NOSHOW", "No show");
                self.tell_appointment(number, "appointment missed", "S26", "Noshow", reason);
                self.settle_appointment(number, "no_show");
            }
            Turn::CheckedIn => {
                // Who is in the house, or on the way into it, does not come to the clinic.
                let person = self.appointments.get(&number).map(|one| one.person.number);
                if person.is_some_and(|person| self.is_here(person)) {
                    self.turn(number, Turn::Cancelled);
                } else {
                    self.check_in(number, at);
                }
            }
        }
    }

    /// The patient comes: a visit of its own.
    fn check_in(&mut self, number: u64, at: String) {
        let Some(one) = self.appointments.get(&number) else {
            return;
        };
        let (person, unit, then) = (one.person, one.unit, one.then);
        // Without a pathway of its own the visit lasts as long as it was booked for.
        let frame = then.unwrap_or((usize::MAX, 0));
        let stay = self.begin_stay(person, Class::Outpatient, frame);
        if let Some(one) = self.stays.get_mut(&stay) {
            one.appointment = Some(number);
        }
        if let Some(one) = self.appointments.get_mut(&number) {
            one.visit = Some(stay);
            one.record.visit = Some(visit_id(stay));
            one.record.checked_in = Some(at);
            one.record.state = "started";
        }
        self.arrives(stay, Place::somewhere(unit), "A04", "check in");
        let reason = ("START", "Checked in");
        self.tell_appointment(number, "appointment started", "S14", "Started", reason);
    }

    /// The patient of an appointment leaves.
    pub(super) fn complete(&mut self, number: u64) {
        let at = self.stamp(self.now);
        if let Some(one) = self.appointments.get_mut(&number) {
            one.record.completed = Some(at);
        }
        let reason = ("DONE", "Completed");
        self.tell_appointment(number, "appointment done", "S14", "Complete", reason);
        self.settle_appointment(number, "complete");
    }

    fn tell_appointment(
        &mut self,
        number: u64,
        what: &'static str,
        trigger: &'static str,
        status: &'static str,
        reason: (&'static str, &'static str),
    ) {
        let Some(one) = self.appointments.get(&number) else {
            return;
        };
        let here = one.visit.and_then(|stay| self.stays.get(&stay));
        let visit = here.map_or_else(
            || {
                let mut visit = Visit::new(0, one.person, Class::Outpatient);
                visit.place = Some(Place::somewhere(one.unit));
                visit.attending = Some(one.staff);
                visit
            },
            |stay| stay.visit,
        );
        let news = AppointmentNews {
            trigger,
            visit,
            number,
            unit: one.unit,
            staff: one.staff,
            start: one.start,
            length: one.length,
            status,
            reason,
        };
        self.say(what, Topic::Appointment(news.into()));
    }

    /// Nothing more will happen to it; who never came may come some other time.
    fn settle_appointment(&mut self, number: u64, state: &'static str) {
        let Some(mut one) = self.appointments.remove(&number) else {
            return;
        };
        one.record.state = state;
        if one.visit.is_none() && one.then.is_some() {
            self.remember(one.person);
        }
        self.totals.appointments += 1;
        self.told
            .push_back(Told::Truth(Record::Appointment(Box::new(one.record))));
    }

    /// What is still open at the end.
    pub(super) fn settle_appointments(&mut self) {
        for number in self.appointments.keys().copied().collect::<Vec<_>>() {
            let state = self.appointments.get(&number).map(|one| one.record.state);
            self.settle_appointment(number, state.unwrap_or("booked"));
        }
    }
}

impl Appointment {
    /// The patient number `from` is gone: the person is this one.
    pub(super) fn belongs_to(&mut self, from: u64, person: Person) {
        if self.person.number == from {
            self.person = person;
            self.record.patient = patient_id(person.number);
        }
    }
}
