//! A stay in hand, and how its truth is kept.

use crate::simulate::people::Person;
use crate::simulate::truth::{Interval, MovementRecord, RoleRecord, Since, StayRecord};
use crate::simulate::visit::{Place, Visit};

/// A patient who is here, is expected, or is waited for.
pub(super) struct Stay {
    pub(super) visit: Visit,
    /// Pathways being followed and the next step of each; the last is the one in hand.
    pub(super) frames: Vec<(usize, usize)>,
    pub(super) doing: Doing,
    /// How often he has waited for a bed.
    pub(super) waits: u32,
    /// Whether he was announced before he came.
    pub(super) announced: bool,
    /// The bed that is kept for him elsewhere.
    pub(super) held: Option<Place>,
    /// Where he really is while a message says something else.
    pub(super) really: Option<Place>,
    /// Who he is, if he was registered a second time by mistake and nobody has noticed yet.
    pub(super) is_really: Option<Person>,
    pub(super) open_orders: Vec<u64>,
    /// The appointment he came for.
    pub(super) appointment: Option<u64>,
    /// The order that asks for his next bed.
    pub(super) bed_request: Option<u64>,
    pub(super) record: StayRecord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Follows the pathway.
    Going,
    /// Waits for a bed.
    Waiting(Want),
    /// Away, or in the middle of something that must end first.
    Busy,
}

/// What for a bed is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// To be admitted to.
    Admit,
    /// The first one after registration.
    First,
    /// To be moved to at once.
    Move,
    /// To be assigned, then moved to.
    Request,
}

impl Stay {
    pub(super) fn new(visit: Visit, record: StayRecord) -> Self {
        Self {
            visit,
            frames: Vec::new(),
            doing: Doing::Going,
            waits: 0,
            announced: false,
            held: None,
            really: None,
            is_really: None,
            open_orders: Vec::new(),
            appointment: None,
            bed_request: None,
            record,
        }
    }

    /// Whether he lies in a bed and nothing else is going on that a swap or a hand-off would upset.
    pub(super) const fn is_settled(&self) -> bool {
        matches!(self.doing, Doing::Going | Doing::Waiting(_)) && self.really.is_none()
    }
}

/// The truth, as it comes about.
impl StayRecord {
    pub(super) fn is_in(&mut self, place: String, at: &str) {
        self.leaves_place(at);
        self.places.push(Interval {
            place,
            from: at.to_owned(),
            to: None,
        });
    }

    pub(super) fn leaves_place(&mut self, at: &str) {
        if let Some(last) = self.places.last_mut() {
            last.to.get_or_insert_with(|| at.to_owned());
        }
    }

    pub(super) fn moved(
        &mut self,
        trigger: &'static str,
        places: [Option<String>; 2],
        at: &str,
        control_id: String,
    ) {
        let [from, to] = places;
        let at = at.to_owned();
        self.movements.push(MovementRecord {
            at,
            trigger,
            from,
            to,
            control_id,
            cancelled: None,
        });
    }

    /// The last movement of this kind was a mistake.
    pub(super) fn was_mistaken(&mut self, triggers: &[&str], at: &str) {
        let mut movements = self.movements.iter_mut().rev();
        if let Some(movement) = movements.find(|one| triggers.contains(&one.trigger)) {
            movement.cancelled = Some(at.to_owned());
        }
    }

    pub(super) fn becomes(&mut self, class: &'static str, at: &str) {
        let at = at.to_owned();
        self.classes.push(Since { at, value: class });
    }

    /// A new attending doctor takes over; consulting ones come to those there are.
    pub(super) fn joins(&mut self, role: &'static str, staff: String, at: &str) {
        let mut same = self
            .roles
            .iter_mut()
            .filter(|one| one.role == role && one.to.is_none());
        if role == "attending"
            && let Some(before) = same.next()
        {
            if before.staff == staff {
                return;
            }
            before.to = Some(at.to_owned());
        } else if same.any(|one| one.staff == staff) {
            return;
        }
        self.roles.push(RoleRecord {
            role,
            staff,
            from: at.to_owned(),
            to: None,
        });
    }

    /// It is over: nothing lasts on.
    pub(super) fn ends(&mut self, at: &str) {
        self.leaves_place(at);
        for role in &mut self.roles {
            role.to.get_or_insert_with(|| at.to_owned());
        }
    }
}
