//! A second reader of the feed, which shares nothing with what wrote it: it splits the bytes at their delimiters, puts
//! what it finds in the order in which it happened, and keeps a hospital of its own.

use std::collections::{BTreeMap, BTreeSet};

/// One message, split.
pub(super) struct Heard {
    segments: Vec<Vec<String>>,
}

/// A place and from when to when.
pub(super) type Stretch = (String, String, Option<String>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) open: bool,
    pub(super) gone: bool,
    pub(super) patient: String,
    pub(super) places: Vec<Stretch>,
    pub(super) moves: BTreeMap<String, usize>,
    pub(super) attending: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct House {
    pub(super) stays: BTreeMap<String, Stay>,
    beds: BTreeMap<String, String>,
    pub(super) merged: BTreeMap<String, String>,
    pub(super) bed_status: BTreeMap<String, Vec<String>>,
}

impl Heard {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let fields = |line: &str| line.split('|').map(str::to_owned).collect();
        Self {
            segments: text.split_terminator('\r').map(fields).collect(),
        }
    }

    /// Field `number` of the `nth` segment of this name (from 0); MSH counts as the standard does.
    pub(super) fn nth(&self, name: &str, nth: usize, number: usize) -> &str {
        let segment = self.segments.iter().filter(|one| one[0] == name).nth(nth);
        let at = if name == "MSH" { number - 1 } else { number };
        segment
            .and_then(|fields| fields.get(at))
            .map_or("", |field| field)
    }

    pub(super) fn get(&self, name: &str, number: usize) -> &str {
        self.nth(name, 0, number)
    }

    /// The first component.
    pub(super) fn first(&self, name: &str, number: usize) -> &str {
        self.get(name, number).split('^').next().unwrap()
    }

    pub(super) fn id(&self) -> &str {
        self.get("MSH", 10)
    }

    pub(super) fn number(&self) -> u64 {
        self.id().split_once('-').unwrap().1.parse().unwrap()
    }

    pub(super) fn kind(&self) -> String {
        self.get("MSH", 9)
            .split('^')
            .take(2)
            .collect::<Vec<_>>()
            .join("^")
    }

    /// Where field `number` of the `nth` PV1 says, as the truth writes places.
    fn place(&self, nth: usize, number: usize) -> String {
        let parts: Vec<&str> = self.nth("PV1", nth, number).split('^').take(3).collect();
        parts.join("^").trim_end_matches('^').to_owned()
    }

    fn visit(&self, nth: usize) -> String {
        self.nth("PV1", nth, 19)
            .split('^')
            .next()
            .unwrap()
            .to_owned()
    }

    /// When what it tells happened: EVN-6, and for orders ORC-9.
    pub(super) fn occurred(&self) -> &str {
        let field = if self.kind().starts_with("ADT") {
            self.get("EVN", 6)
        } else {
            self.get("ORC", 9)
        };
        if field.is_empty() {
            self.get("MSH", 7)
        } else {
            field
        }
    }
}

/// The truth's way of writing a time of HL7's: `20260105081500-0600`.
pub(super) fn time(hl7: &str) -> String {
    let part = |from, to| hl7.get(from..to).unwrap();
    let date = format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8));
    let time = format!("{}:{}:{}", part(8, 10), part(10, 12), part(12, 14));
    format!("{date}T{time}{}:{}", part(14, 17), part(17, 19))
}

/// What happened, each thing once and in its order.
pub(super) fn in_order(messages: &[Vec<u8>]) -> Vec<Heard> {
    let mut seen = BTreeSet::new();
    let mut heard: Vec<Heard> = messages.iter().map(|bytes| Heard::of(bytes)).collect();
    heard.sort_by_key(|one| (time(one.occurred()), one.number()));
    // Told again, with the same bytes or under another control ID: the same thing at the same moment.
    heard.retain(|one| {
        let about = [
            one.visit(0),
            one.get("NPU", 1).to_owned(),
            one.get("ORC", 2).to_owned(),
        ]
        .concat();
        let about = [
            &about,
            one.first("SCH", 1),
            one.get("OBR", 25),
            one.get("SCH", 25),
        ]
        .concat();
        // Appointments do not say when it happened.
        let is_appointment = one.kind().starts_with("SIU");
        let at = if is_appointment {
            one.get("AIS", 4)
        } else {
            one.occurred()
        };
        let what = (
            one.kind(),
            at.to_owned(),
            about,
            one.get("PV1", 7).to_owned(),
        );
        seen.insert(what)
    });
    heard
}

impl House {
    /// Hears everything about patients and beds.
    pub(super) fn hears(&mut self, one: &Heard) {
        let kind = one.kind();
        let Some(trigger) = kind.strip_prefix("ADT^") else {
            return;
        };
        let at = time(one.occurred());
        if trigger == "A20" {
            let bed = one
                .get("NPU", 1)
                .split('^')
                .take(3)
                .collect::<Vec<_>>()
                .join("^");
            self.bed_status
                .entry(bed)
                .or_default()
                .push(one.get("NPU", 2).to_owned());
            return;
        }
        if trigger == "A40" {
            let from = one.first("MRG", 1).to_owned();
            let into = one.first("PID", 3).to_owned();
            for stay in self.stays.values_mut().filter(|stay| stay.patient == from) {
                stay.patient.clone_from(&into);
            }
            self.merged.insert(from, into);
            return;
        }
        let (visit, place) = (one.visit(0), one.place(0, 3));
        if trigger == "A17" {
            self.swaps(one, &at);
            return;
        }
        let stay = self.stays.entry(visit.clone()).or_default();
        *stay.moves.entry(trigger.to_owned()).or_default() += 1;
        one.first("PID", 3).clone_into(&mut stay.patient);
        let doctor = one.first("PV1", 7).to_owned();
        if !doctor.is_empty() && stay.attending.last() != Some(&doctor) && trigger != "A12" {
            stay.attending.push(doctor);
        }
        match trigger {
            "A01" | "A04" => {
                stay.open = true;
                self.comes(&visit, &place, &at);
            }
            "A02" => {
                let before = one.place(0, 6);
                assert_eq!(self.now(&visit), before, "PV1-6 of {}", one.id());
                self.leaves(&visit, &at);
                self.comes(&visit, &place, &at);
            }
            "A03" => {
                stay.open = false;
                self.leaves(&visit, &at);
            }
            "A11" => {
                stay.open = false;
                stay.gone = true;
                self.leaves(&visit, &at);
                self.stays.get_mut(&visit).unwrap().places.clear();
            }
            "A12" => {
                self.leaves(&visit, &at);
                let places = &mut self.stays.get_mut(&visit).unwrap().places;
                drop(places.pop());
                self.returns(&visit, &place);
            }
            "A13" => {
                stay.open = true;
                self.returns(&visit, &place);
            }
            "A38" => stay.gone = true,
            "A05" | "A06" | "A08" | "A09" | "A10" | "A15" | "A21" | "A22" | "A54" => {
                if trigger != "A05" {
                    assert_eq!(self.now(&visit), place, "{trigger} of {}", one.id());
                }
            }
            other => panic!("{other} is not expected"),
        }
    }

    fn swaps(&mut self, one: &Heard, at: &str) {
        let (visit, place) = (one.visit(0), one.place(0, 3));
        let (other, there) = (one.visit(1), one.place(1, 3));
        // Both beds are empty for as long as it takes to read this.
        for visit in [&visit, &other] {
            self.leaves(visit, at);
        }
        self.comes(&visit, &place, at);
        self.comes(&other, &there, at);
        for (nth, visit) in [visit, other].into_iter().enumerate() {
            let doctor = one.nth("PV1", nth, 7).split('^').next().unwrap().to_owned();
            let stay = self.stays.get_mut(&visit).unwrap();
            if stay.attending.last() != Some(&doctor) {
                stay.attending.push(doctor);
            }
            *stay.moves.entry("A17".into()).or_default() += 1;
        }
    }

    fn now(&self, visit: &str) -> String {
        self.stays[visit]
            .places
            .last()
            .map_or_else(String::new, |last| last.0.clone())
    }

    fn leaves(&mut self, visit: &str, at: &str) {
        let last = self
            .stays
            .get_mut(visit)
            .unwrap()
            .places
            .last_mut()
            .unwrap();
        assert_eq!(last.2, None, "{visit} leaves twice");
        last.2 = Some(at.to_owned());
        if is_bed(&last.0) {
            assert_eq!(self.beds.remove(&last.0).as_deref(), Some(visit));
        }
    }

    fn comes(&mut self, visit: &str, place: &str, at: &str) {
        self.occupies(visit, place);
        let places = &mut self.stays.get_mut(visit).unwrap().places;
        places.push((place.to_owned(), at.to_owned(), None));
    }

    /// Is back where he was, as if he had never left.
    fn returns(&mut self, visit: &str, place: &str) {
        self.occupies(visit, place);
        let last = self
            .stays
            .get_mut(visit)
            .unwrap()
            .places
            .last_mut()
            .unwrap();
        assert_eq!(last.0, place);
        last.2 = None;
    }

    fn occupies(&mut self, visit: &str, place: &str) {
        if is_bed(place) {
            let there = self.beds.insert(place.to_owned(), visit.to_owned());
            assert_eq!(there, None, "{place} is taken when {visit} comes");
        }
    }
}

fn is_bed(place: &str) -> bool {
    place.matches('^').count() == 2
}
