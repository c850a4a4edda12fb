//! ADT: patients, swaps, merges, beds (HL7 v2.5.1 chapter 3).

use bytes::Bytes;

use super::{FACILITY, Version, Writer, doctor, name, patient_id, visit_id};
use crate::hl7::build::Builder;
use crate::simulate::pathways::Disposition;
use crate::simulate::visit::{Class, Moment, Place, Visit};

/// MSH-3 of the system that knows where patients are.
const ADMISSIONS: &str = "SIMADT";

/// MSH-9.3 of an ADT event: several share one, and in 2.3.1 more than later.
fn structure(trigger: &str, version: Version) -> String {
    let shared = match trigger {
        "A05" if version == Version::V231 => "A01",
        "A21" | "A22" if version == Version::V231 => "A02",
        "A15" if version == Version::V231 => "A09",
        "A12" if version == Version::V231 => "A12",
        "A04" | "A08" | "A13" => "A01",
        "A10" | "A11" | "A12" => "A09",
        "A22" => "A21",
        "A40" => "A39",
        own => own,
    };
    format!("ADT_{shared}")
}

impl Writer {
    fn adt(&self, trigger: &str, occurred: Moment, control_id: &str, at: Moment) -> Builder {
        let structure = structure(trigger, self.version);
        let facility = if self.version < Version::V24 {
            ""
        } else {
            FACILITY
        };
        self.header(["ADT", trigger], &structure, ADMISSIONS, control_id, at)
            .segment(name(*b"EVN"))
            .field(1, trigger)
            .field(2, &self.time(at))
            .field(6, &self.time(occurred))
            .field(7, facility)
    }

    pub(super) fn patient(
        &self,
        trigger: &str,
        visit: &Visit,
        occurred: Moment,
        control_id: &str,
        at: Moment,
    ) -> Bytes {
        let message = self.adt(self.trigger(trigger), occurred, control_id, at);
        let message = self.identified(message, visit.person, "1", visit);
        let message = self.visited(message, "1", visit);
        self.expected(message, visit).finish()
    }

    pub(super) fn swap(
        &self,
        visits: &[Visit; 2],
        occurred: Moment,
        control_id: &str,
        at: Moment,
    ) -> Bytes {
        let message = self.adt("A17", occurred, control_id, at);
        let [one, other] = visits;
        let message = self.identified(message, one.person, "1", one);
        let message = self.visited(message, "1", one);
        let message = self.identified(message, other.person, "2", other);
        self.visited(message, "2", other).finish()
    }

    pub(super) fn merge(
        &self,
        visit: &Visit,
        from: u64,
        occurred: Moment,
        control_id: &str,
        at: Moment,
    ) -> Bytes {
        let message = self.adt("A40", occurred, control_id, at);
        self.identified(message, visit.person, "1", visit)
            .segment(name(*b"MRG"))
            .components(1, &[&patient_id(from), "", "", FACILITY, "MR"])
            .finish()
    }

    pub(super) fn bed(
        &self,
        place: Place,
        status: &str,
        occurred: Moment,
        control_id: &str,
        at: Moment,
    ) -> Bytes {
        self.adt("A20", occurred, control_id, at)
            .segment(name(*b"NPU"))
            .raw(1, self.location(Some(place)).as_bytes())
            .field(2, status)
            .finish()
    }

    /// PV1.
    pub(super) fn visited(&self, message: Builder, set_id: &str, visit: &Visit) -> Builder {
        let class = class(visit.class);
        let emergency = visit.class == Class::Emergency;
        let consulting = visit.consulting.iter().flatten();
        let consulting: Vec<String> = consulting.map(|staff| doctor(*staff)).collect();
        let attending = visit.attending.map(doctor).unwrap_or_default();
        let number = match visit.number {
            0 => String::new(),
            number => format!("{}^^^{FACILITY}^VN", visit_id(number)),
        };
        let disposition = match visit.disposition {
            None => "",
            Some(Disposition::Home) => "01",
            Some(Disposition::Facility) => "03",
            Some(Disposition::Left) => "07",
            Some(Disposition::Died) => "20",
        };
        let service = visit
            .place
            .and_then(|place| self.pathways.units.get(place.unit));
        message
            .segment(name(*b"PV1"))
            .field(1, set_id)
            .field(2, class)
            .raw(3, self.location(visit.place).as_bytes())
            .field(4, if emergency { "E" } else { "R" })
            .raw(6, self.location(visit.prior).as_bytes())
            .raw(7, attending.as_bytes())
            .raw(9, consulting.join("~").as_bytes())
            .field(10, service.map_or("", |unit| &unit.service))
            .raw(11, self.location(visit.temporary).as_bytes())
            .field(14, if emergency { "7" } else { "1" })
            .raw(19, number.as_bytes())
            .field(36, disposition)
            .raw(42, self.location(visit.pending).as_bytes())
            .raw(43, self.location(visit.prior_temporary).as_bytes())
            .field(44, &self.maybe(visit.admitted))
            .field(45, &self.maybe(visit.discharged))
    }

    /// PV2, where there is something in it.
    fn expected(&self, message: Builder, visit: &Visit) -> Builder {
        let arrival = visit.ambulance && self.version >= Version::V24;
        if visit.expected.is_none() && !arrival {
            return message;
        }
        message
            .segment(name(*b"PV2"))
            .field(8, &self.maybe(visit.expected))
            .field(38, if arrival { "A" } else { "" })
    }
}

/// PV1-2, table 0004.
pub(in crate::simulate) const fn class(class: Class) -> &'static str {
    match class {
        Class::Emergency => "E",
        Class::Inpatient => "I",
        Class::Outpatient => "O",
        Class::Preadmit => "P",
    }
}
