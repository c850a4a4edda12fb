//! What a message can tell, as it stood when it happened: a message that is late still tells what was so then.

use std::sync::Arc;

use super::pathways::{Disposition, Priority};
use super::people::{Person, Staff};

/// Seconds since 1970.
pub(super) type Moment = i64;

/// PV1-2 (table 0004).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Emergency,
    Inpatient,
    Outpatient,
    Preadmit,
}

/// A bed, a waiting room (of a unit with beds), or a unit as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The unit's place in the pathways.
    pub(super) unit: usize,
    /// The bed's place in the unit.
    pub(super) spot: Spot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot {
    Bed(u16),
    Waiting,
    Somewhere,
}

impl Place {
    pub(super) const fn bed(unit: usize, bed: u16) -> Self {
        Self {
            unit,
            spot: Spot::Bed(bed),
        }
    }

    pub(super) const fn somewhere(unit: usize) -> Self {
        Self {
            unit,
            spot: Spot::Somewhere,
        }
    }

    /// PL.2 and PL.3: rooms have two beds.
    pub(super) fn room_and_bed(self) -> (String, &'static str) {
        match self.spot {
            Spot::Bed(bed) => (
                format!("{:02}", bed / 2 + 1),
                if bed % 2 == 0 { "1" } else { "2" },
            ),
            Spot::Waiting => ("WAIT".to_owned(), ""),
            Spot::Somewhere => (String::new(), ""),
        }
    }
}

/// A stay as a message shows it.
#[derive(Clone, Copy)]
pub(super) struct Visit {
    /// PV1-19; 0 for none.
    pub(super) number: u64,
    pub(super) person: Person,
    pub(super) class: Class,
    pub(super) place: Option<Place>,
    pub(super) prior: Option<Place>,
    pub(super) pending: Option<Place>,
    pub(super) temporary: Option<Place>,
    pub(super) prior_temporary: Option<Place>,
    pub(super) attending: Option<Staff>,
    pub(super) consulting: [Option<Staff>; 2],
    pub(super) admitted: Option<Moment>,
    pub(super) discharged: Option<Moment>,
    pub(super) disposition: Option<Disposition>,
    /// PV2-8: when an announced patient is expected.
    pub(super) expected: Option<Moment>,
    /// PV2-38: by ambulance.
    pub(super) ambulance: bool,
}

impl Visit {
    /// A visit of which nothing is known yet.
    pub(super) const fn new(number: u64, person: Person, class: Class) -> Self {
        Self {
            number,
            person,
            class,
            place: None,
            prior: None,
            pending: None,
            temporary: None,
            prior_temporary: None,
            attending: None,
            consulting: [None; 2],
            admitted: None,
            discharged: None,
            disposition: None,
            expected: None,
            ambulance: false,
        }
    }
}

/// One thing that is told by one message.
#[derive(Clone)]
pub(super) struct Talk {
    /// The number in the control ID.
    pub(super) number: u64,
    /// In words, for the truth.
    pub(super) what: &'static str,
    pub(super) occurred: Moment,
    pub(super) topic: Topic,
}

#[derive(Clone)]
pub(super) enum Topic {
    /// `A01` and its like.
    Patient {
        trigger: &'static str,
        visit: Visit,
    },
    /// A17.
    Swap {
        visits: [Visit; 2],
    },
    /// A40: the visit's person lives on, this number does not.
    Merge {
        visit: Visit,
        from: u64,
    },
    /// A20: code of table 0116.
    Bed {
        place: Place,
        status: &'static str,
    },
    Order(Arc<OrderNews>),
    Appointment(Arc<AppointmentNews>),
}

/// An order, and what is new about it.
pub(super) struct OrderNews {
    pub(super) visit: Visit,
    pub(super) order: OrderState,
    /// ORC-1 (table 0119).
    pub(super) control: &'static str,
    /// ORC-5 (table 0038).
    pub(super) status: &'static str,
    /// OBR-25 (table 0123).
    pub(super) result_status: &'static str,
    /// Whether it is a result (ORU) or about the order (ORM).
    pub(super) is_result: bool,
}

/// What is known of an order.
#[derive(Clone)]
pub(super) struct OrderState {
    pub(super) number: u64,
    /// Its place in the pathways; `None`: a request for a bed in this unit.
    pub(super) kind: Requested,
    pub(super) priority: Priority,
    /// Whether the filler has given it a number.
    pub(super) accepted: bool,
    pub(super) orderer: Option<Staff>,
    pub(super) ordered: Moment,
    pub(super) collected: Option<Moment>,
    pub(super) received: Option<Moment>,
    /// In the order of the kind's observations, in units of their last decimal.
    pub(super) values: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Requested {
    Kind(usize),
    BedIn(usize),
}

/// An appointment, and what is new about it.
pub(super) struct AppointmentNews {
    pub(super) trigger: &'static str,
    /// The visit, once there is one; before that, only its person.
    pub(super) visit: Visit,
    pub(super) number: u64,
    pub(super) unit: usize,
    pub(super) staff: Staff,
    pub(super) start: Moment,
    /// Seconds.
    pub(super) length: i64,
    /// SCH-25 (table 0278).
    pub(super) status: &'static str,
    /// SCH-6.
    pub(super) reason: (&'static str, &'static str),
}
