//! Telling: at once, late, twice, and never two of one patient in the wrong order.

use super::{Event, Hospital, Outgoing, Told};
use crate::simulate::truth::MessageRecord;
use crate::simulate::visit::{OrderNews, Place, Spot, Talk, Topic, Visit};
use crate::simulate::write::{appointment_id, patient_id, placer_id, visit_id};

/// Keys of beds are above all patients' numbers.
const BEDS: u64 = 1 << 48;

impl Hospital {
    /// Something has happened and is told, sooner or later; gives the control ID under which.
    pub(super) fn say(&mut self, what: &'static str, topic: Topic) -> String {
        self.numbers.control += 1;
        let talk = Talk {
            number: self.numbers.control,
            what,
            occurred: self.now,
            topic,
        };
        let control_id = self.control_id(talk.number);
        let (key, other) = keys(&talk.topic);
        self.release_for(&talk.topic);
        let late = self.plan.rates.late;
        let may_be = other.is_none() && key < BEDS;
        if may_be && self.dice.happens(late.odds) {
            let number = talk.number;
            self.delayed.insert(key, talk);
            let delay = self.dice.within(late.after);
            self.after(delay, Event::Release(key, number));
        } else {
            self.tell(talk, None);
        }
        control_id
    }

    fn control_id(&self, number: u64) -> String {
        format!("{}-{number:09}", self.tag)
    }

    /// Sends what is late about `key`: whatever it is, or only if it is still this message.
    pub(super) fn release(&mut self, key: u64, number: Option<u64>) {
        let waits = self.delayed.get(&key).map(|talk| talk.number);
        if waits.is_some_and(|waits| number.is_none_or(|number| number == waits))
            && let Some(talk) = self.delayed.remove(&key)
        {
            self.tell(talk, None);
        }
    }

    /// Sends what is late about whom a message is about, so that it does not overtake it.
    fn release_for(&mut self, topic: &Topic) {
        let (key, other) = keys(topic);
        self.release(key, None);
        if let Some(other) = other {
            self.release(other, None);
        }
    }

    /// Sends everything that is late.
    pub(super) fn release_all(&mut self) {
        while let Some((_, talk)) = self.delayed.pop_first() {
            self.tell(talk, None);
        }
    }

    /// The same again under another control ID.
    pub(super) fn retell(&mut self, mut talk: Talk, first: String) {
        self.release_for(&talk.topic);
        self.numbers.control += 1;
        talk.number = self.numbers.control;
        self.tell(talk, Some(first));
    }

    /// The same bytes again.
    pub(super) fn repeat(&mut self, mut message: Outgoing) {
        message.record.duplicate = true;
        message.record.sent = self.stamp(self.now);
        self.send(message);
    }

    /// Writes and sends; some of it will be sent again.
    fn tell(&mut self, talk: Talk, retold: Option<String>) {
        if self.is_full() {
            return;
        }
        let control_id = self.control_id(talk.number);
        let bytes = self.writer.write(&talk, &control_id, self.now);
        let is_first = retold.is_none();
        let record = self.record(&talk, control_id.clone(), retold);
        let (key, other) = keys(&talk.topic);
        let message = Outgoing {
            bytes,
            record,
            number: talk.number,
            key,
            other,
        };
        let (duplicate, again) = (self.plan.rates.duplicate, self.plan.rates.retold);
        if self.dice.happens(duplicate.odds) {
            let delay = self.dice.within(duplicate.after);
            self.after(delay, Event::Duplicate(Box::new(message.clone())));
        }
        self.send(message);
        if is_first && self.dice.happens(again.odds) {
            let delay = self.dice.within(again.after);
            self.after(delay, Event::Retell(Box::new(talk), control_id));
        }
    }

    fn send(&mut self, mut message: Outgoing) {
        if self.is_full() {
            return;
        }
        let record = &mut message.record;
        self.totals.messages += 1;
        record.seq = self.totals.messages;
        if record.duplicate {
            self.totals.duplicates += 1;
        } else {
            self.totals.distinct += 1;
            self.totals.retold += u64::from(record.retold.is_some());
            self.totals.late += u64::from(record.late_seconds.is_some());
        }
        match self.totals.types.get_mut(&record.kind) {
            Some(count) => *count += 1,
            None => drop(self.totals.types.insert(record.kind.clone(), 1)),
        }
        self.told.push_back(Told::Message(Box::new(message)));
    }

    fn record(&self, talk: &Talk, control_id: String, retold: Option<String>) -> MessageRecord {
        let visits: Vec<&Visit> = match &talk.topic {
            Topic::Patient { visit, .. } | Topic::Merge { visit, .. } => vec![visit],
            Topic::Swap { visits } => visits.iter().collect(),
            Topic::Order(news) => vec![&news.visit],
            Topic::Appointment(news) => vec![&news.visit],
            Topic::Bed { .. } => Vec::new(),
        };
        let mut patients: Vec<String> = visits
            .iter()
            .map(|visit| patient_id(visit.person.number))
            .collect();
        if let Topic::Merge { from, .. } = &talk.topic {
            patients.push(patient_id(*from));
        }
        let numbers = visits
            .iter()
            .map(|visit| visit.number)
            .filter(|number| *number > 0);
        let order = match &talk.topic {
            Topic::Order(news) => Some(placer_id(news.order.number)),
            _ => None,
        };
        let appointment = match &talk.topic {
            Topic::Appointment(news) => Some(appointment_id(news.number)),
            _ => None,
        };
        let late = self.now - talk.occurred;
        MessageRecord {
            seq: 0,
            control_id,
            kind: self.writer.kind_of(&talk.topic),
            what: talk.what,
            sent: self.stamp(self.now),
            occurred: self.stamp(talk.occurred),
            late_seconds: (late > 0 && retold.is_none()).then_some(late),
            patients,
            visits: numbers.map(visit_id).collect(),
            order,
            appointment,
            duplicate: false,
            retold,
        }
    }

    /// The state of an order is told, as the stay shows it now.
    pub(super) fn say_order(&mut self, what: &'static str, news: OrderNews) -> String {
        self.say(what, Topic::Order(news.into()))
    }
}

/// Whom a message is about.
fn keys(topic: &Topic) -> (u64, Option<u64>) {
    match topic {
        Topic::Patient { visit, .. } => (visit.person.number, None),
        Topic::Swap {
            visits: [one, other],
        } => (one.person.number, Some(other.person.number)),
        Topic::Merge { visit, from } => (visit.person.number, Some(*from)),
        Topic::Bed { place, .. } => (bed_key(*place), None),
        Topic::Order(news) => (news.visit.person.number, None),
        Topic::Appointment(news) => (news.visit.person.number, None),
    }
}

fn bed_key(place: Place) -> u64 {
    let bed = match place.spot {
        Spot::Bed(bed) => u64::from(bed),
        Spot::Waiting | Spot::Somewhere => 0xFFFF,
    };
    BEDS | (place.unit as u64) << 16 | bed
}
