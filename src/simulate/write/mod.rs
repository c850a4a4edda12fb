//! Truth → HL7: the messages of the hospital's systems in the version that was asked for. Draws no random numbers, so
//! that the same seed is the same hospital in every version.

mod adt;
mod order;
mod schedule;

pub(super) use adt::class;
pub(super) use order::priority;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::pathways::Pathways;
use super::people::{Person, Staff};
use super::visit::{Moment, Place, Talk, Topic, Visit};
use crate::hl7::build::Builder;
use crate::hl7::timestamp::{self, Precision};
use crate::hl7::{Charset, Delimiters, Path, SegmentName};

/// MSH-4, MSH-6 and the authority that gives all numbers.
const FACILITY: &str = "WARDSIM";

/// The HL7 versions the messages can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// 2.3
    V23,
    /// 2.3.1
    V231,
    /// 2.4
    V24,
    /// 2.5
    V25,
    /// 2.5.1
    V251,
}

impl Version {
    /// All of them, the oldest first.
    pub const ALL: [Self; 5] = [Self::V23, Self::V231, Self::V24, Self::V25, Self::V251];

    /// As in MSH-12.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V23 => "2.3",
            Self::V231 => "2.3.1",
            Self::V24 => "2.4",
            Self::V25 => "2.5",
            Self::V251 => "2.5.1",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|version| version.as_str() == text);
        let all = Self::ALL.map(Self::as_str).join(", ");
        known
            .copied()
            .ok_or_else(|| format!("expected one of {all}"))
    }
}

/// What messages are written with.
pub(super) struct Writer {
    pub(super) version: Version,
    pub(super) zone: TimeZone,
    pub(super) pathways: Arc<Pathways>,
}

impl Writer {
    /// The message that tells `talk`, sent at `at` under this control ID.
    pub(super) fn write(&self, talk: &Talk, control_id: &str, at: Moment) -> Bytes {
        match &talk.topic {
            Topic::Patient { trigger, visit } => {
                self.patient(trigger, visit, talk.occurred, control_id, at)
            }
            Topic::Swap { visits } => self.swap(visits, talk.occurred, control_id, at),
            Topic::Merge { visit, from } => self.merge(visit, *from, talk.occurred, control_id, at),
            Topic::Bed { place, status } => self.bed(*place, status, talk.occurred, control_id, at),
            Topic::Order(news) => self.order(news, talk.occurred, control_id, at),
            Topic::Appointment(news) => self.appointment(news, control_id, at),
        }
    }

    /// `ADT^A01`: MSH-9.1 and MSH-9.2 of the message that tells it.
    pub(super) fn kind_of(&self, topic: &Topic) -> String {
        match topic {
            Topic::Patient { trigger, .. } => format!("ADT^{}", self.trigger(trigger)),
            Topic::Swap { .. } => "ADT^A17".to_owned(),
            Topic::Merge { .. } => "ADT^A40".to_owned(),
            Topic::Bed { .. } => "ADT^A20".to_owned(),
            Topic::Order(news) if news.is_result => "ORU^R01".to_owned(),
            Topic::Order(_) => "ORM^O01".to_owned(),
            Topic::Appointment(news) => format!("SIU^{}", news.trigger),
        }
    }

    /// A change of the attending doctor has had an event of its own since 2.4; before, it is an update.
    fn trigger<'a>(&self, trigger: &'a str) -> &'a str {
        if trigger == "A54" && self.version < Version::V24 {
            return "A08";
        }
        trigger
    }

    /// MSH. `structure` is MSH-9.3, which came with 2.3.1.
    fn header(
        &self,
        kind: [&str; 2],
        structure: &str,
        from: &str,
        control_id: &str,
        at: Moment,
    ) -> Builder {
        let [code, trigger] = kind;
        let (charset, label) = if self.version < Version::V25 {
            (
                Charset::of_label(b"8859/1").unwrap_or(Charset::UTF_8),
                "8859/1",
            )
        } else {
            (Charset::UTF_8, "UNICODE UTF-8")
        };
        let structure = if self.version < Version::V231 {
            ""
        } else {
            structure
        };
        Builder::with(Delimiters::STANDARD, charset)
            .segment(SegmentName::MSH)
            .field(3, from)
            .field(4, FACILITY)
            .field(5, "WARDWIRE")
            .field(6, FACILITY)
            .field(7, &self.time(at))
            .components(9, &[code, trigger, structure])
            .field(10, control_id)
            .field(11, "T")
            .field(12, self.version.as_str())
            .field(18, label)
    }

    pub(super) fn zoned(&self, at: Moment) -> Zoned {
        let at = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
        at.to_zoned(self.zone.clone())
    }

    /// TS with seconds and offset.
    fn time(&self, at: Moment) -> String {
        timestamp::Timestamp::of(&self.zoned(at), Precision::Second).to_string()
    }

    fn maybe(&self, at: Option<Moment>) -> String {
        at.map(|at| self.time(at)).unwrap_or_default()
    }

    fn unit(&self, unit: usize) -> &str {
        self.pathways.units.get(unit).map_or("", |unit| &unit.code)
    }

    /// PL, already put together: no part of it can hold a delimiter.
    pub(super) fn place(&self, place: Place) -> String {
        let (room, bed) = place.room_and_bed();
        let joined = format!("{}^{room}^{bed}", self.unit(place.unit));
        joined.trim_end_matches('^').to_owned()
    }

    /// PL with its facility.
    fn location(&self, place: Option<Place>) -> String {
        let Some(place) = place else {
            return String::new();
        };
        let (room, bed) = place.room_and_bed();
        format!("{}^{room}^{bed}^{FACILITY}", self.unit(place.unit))
    }

    fn identified(&self, segment: Builder, person: Person, set_id: &str, visit: &Visit) -> Builder {
        let (family, given, middle) = person.name();
        let (year, month, day) = person.born;
        let account = match visit.number {
            0 => String::new(),
            number => account_id(number),
        };
        let account = if account.is_empty() {
            vec![]
        } else {
            vec![&*account, "", "", FACILITY, "AN"]
        };
        let _ = self;
        segment
            .segment(name(*b"PID"))
            .field(1, set_id)
            .components(3, &[&patient_id(person.number), "", "", FACILITY, "MR"])
            .components(5, &[&family, given, middle, "", "", "", "L"])
            .field(7, &format!("{year:04}{month:02}{day:02}"))
            .field(8, if person.female { "F" } else { "M" })
            .components(
                11,
                &[&person.street(), "", "Testville", "WI", "00000", "USA"],
            )
            .field(13, &person.telephone())
            .components(18, &account)
    }
}

/// XCN, already put together: no part of it can hold a delimiter.
fn doctor(staff: Staff) -> String {
    format!(
        "{}^Simdoc{}^{}^^^DR^^^{FACILITY}",
        staff.id(),
        staff.unit + 1,
        staff.given()
    )
}

/// PID-3.1.
pub(super) fn patient_id(number: u64) -> String {
    format!("SIM{number:07}")
}

/// PV1-19.1.
pub(super) fn visit_id(number: u64) -> String {
    format!("V{number:07}")
}

fn account_id(number: u64) -> String {
    format!("A{number:07}")
}

/// ORC-2.1.
pub(super) fn placer_id(number: u64) -> String {
    format!("P{number:08}")
}

fn filler_id(number: u64) -> String {
    format!("F{number:08}")
}

/// SCH-1.1.
pub(super) fn appointment_id(number: u64) -> String {
    format!("AP{number:07}")
}

/// A segment's name, written out.
const fn name(id: [u8; 3]) -> SegmentName {
    Path::field(id, 1).segment
}
