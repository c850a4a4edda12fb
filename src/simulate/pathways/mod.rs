//! What a simulated hospital is like, as text that people edit: its units and beds, what can be ordered, who arrives when,
//! what happens to them, and what goes wrong how often. [`Pathways::built_in`] explains the notation in its comments.

mod check;
mod line;
mod read;
mod statement;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use super::random::{Odds, Spread};

/// The text of [`Pathways::built_in`].
const BUILT_IN: &str = include_str!("hospital.pathways");

/// A hospital, described.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "named as the statements are")]
pub struct Pathways {
    pub(super) units: Vec<Unit>,
    pub(super) orders: Vec<OrderKind>,
    pub(super) arrivals: Vec<Arrivals>,
    pub(super) pathways: Vec<Pathway>,
    pub(super) rates: Rates,
}

/// Where in the text something is wrong, and what would be right there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathwaysError {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// What was expected there.
    pub expected: String,
    /// The line itself.
    pub text: String,
}

/// A place of care.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// PL.1.
    pub(super) code: Arc<str>,
    pub(super) level: Level,
    pub(super) beds: u16,
    /// PV1-10 (table 0069).
    pub(super) service: Arc<str>,
    /// From a bed's vacation until its cleaning begins.
    pub(super) response: Spread,
    /// How long the cleaning takes.
    pub(super) clean: Spread,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Emergency,
    Ward,
    Intensive,
    /// No beds: patients go there and come back.
    Imaging,
    /// No beds: appointments.
    Clinic,
}

/// Something that can be ordered, and how long each of its stages takes.
#[derive(Clone, Debug)]
pub(super) struct OrderKind {
    /// OBR-4.1.
    pub(super) code: Arc<str>,
    /// OBR-4.2.
    pub(super) name: Arc<str>,
    pub(super) imaging: bool,
    /// OBR-24 (table 0074).
    pub(super) section: Arc<str>,
    pub(super) accept: Spread,
    pub(super) collect: Spread,
    pub(super) receive: Spread,
    pub(super) result: Spread,
    pub(super) verify: Spread,
    /// Whether there is a preliminary result before the result.
    pub(super) preliminary: Odds,
    pub(super) corrected: Odds,
    pub(super) cancelled: Odds,
    pub(super) observations: Vec<Observation>,
}

/// A figure that a result reports.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) code: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) units: Arc<str>,
    /// The reference range in units of the last decimal.
    pub(super) low: u32,
    pub(super) high: u32,
    pub(super) decimals: u8,
}

/// People who come, by the hour of the day.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    pub(super) name: Arc<str>,
    pub(super) a_day: u32,
    /// One weight an hour.
    pub(super) hours: [u32; 24],
}

/// What happens to a patient, step by step.
#[derive(Clone, Debug)]
pub(super) struct Pathway {
    pub(super) name: Arc<str>,
    /// The arrivals it takes patients from and its weight among them; `None` where it is only followed.
    pub(super) from: Option<(usize, u32)>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) odds: Odds,
    pub(super) action: Action,
}

/// What a step does. Units, orders and pathways are named by their place in [`Pathways`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Arrives and is registered: A04.
    Register {
        unit: usize,
    },
    /// Gets a bed where he is: A02.
    Bed,
    /// Is admitted to a bed: A01.
    Admit {
        unit: usize,
    },
    /// Is announced (A05) and admitted so much later.
    Preadmit {
        unit: usize,
        ahead: Spread,
    },
    Wait(Spread),
    Order {
        kind: usize,
        priority: Priority,
    },
    /// Becomes an inpatient (A06), a bed is asked for, assigned (A15) and moved to (A02).
    Request {
        unit: usize,
    },
    /// Moves as soon as there is a bed: A02.
    Move {
        unit: usize,
    },
    /// A doctor of this unit is consulted: A08.
    Consult {
        unit: usize,
    },
    /// Another doctor attends: A54.
    Handoff,
    /// Something about the patient changes that is no move: A08.
    Update,
    /// Goes to another unit for so long, the bed is kept: A09, A10.
    Depart {
        unit: usize,
        away: Spread,
    },
    /// Leave of absence: A21, A22.
    Leave {
        away: Spread,
    },
    /// An appointment so far ahead and so long: SIU.
    Book {
        unit: usize,
        ahead: Spread,
        length: Spread,
    },
    /// Another pathway, then on with this one.
    Follow {
        pathway: usize,
    },
    /// A03.
    Discharge(Disposition),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    Stat,
    Asap,
    Routine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Home,
    Facility,
    Died,
    /// Left without being seen, or against advice.
    Left,
}

/// How often something happens, and after how long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    pub(super) odds: Odds,
    pub(super) after: Spread,
}

/// What goes wrong or changes, and how often. All are never until the text says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    /// An admission or registration was a mistake: A11.
    pub(super) cancel_admit: Rate,
    /// A transfer was a mistake: A12.
    pub(super) cancel_transfer: Rate,
    /// A discharge was a mistake: A13.
    pub(super) cancel_discharge: Rate,
    /// An announced patient does not come: A38.
    pub(super) cancel_preadmit: Rate,
    /// After a move, an A08 that changes nothing about it.
    pub(super) update: Rate,
    /// Each inpatient each morning: another doctor attends.
    pub(super) handoff: Rate,
    /// Each hour: two patients swap beds, A17.
    pub(super) swap: Rate,
    /// A patient comes who is known, and nobody notices: A40 afterwards.
    pub(super) merge: Rate,
    pub(super) reschedule: Rate,
    pub(super) cancel_appointment: Rate,
    pub(super) no_show: Rate,
    /// A message is sent so much later than what it tells happened.
    pub(super) late: Rate,
    /// The same bytes are sent again.
    pub(super) duplicate: Rate,
    /// The same is told again under another control ID.
    pub(super) retold: Rate,
    /// How long a patient waits for a bed on arrival before leaving unseen.
    pub(super) patience: Rate,
    /// How long somebody waits for any other bed before it is given up.
    pub(super) give_up: Rate,
    /// How long it takes from a request until a bed is looked for.
    pub(super) assign: Rate,
    /// How long it takes from an assigned bed to the patient's being in it.
    pub(super) transport: Rate,
}

impl Pathways {
    /// A hospital of some 150 beds with its usual troubles.
    ///
    /// # Errors
    /// None: a test reads it.
    pub fn built_in() -> Result<Self, Vec<PathwaysError>> {
        Self::read(BUILT_IN)
    }

    /// The text of [`Pathways::built_in`], to be edited.
    #[must_use]
    pub const fn text() -> &'static str {
        BUILT_IN
    }

    /// Reads a hospital.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the lines.
    pub fn read(text: &str) -> Result<Self, Vec<PathwaysError>> {
        read::read(text)
    }

    /// How many beds there are.
    #[must_use]
    pub fn beds(&self) -> u32 {
        self.units.iter().map(|unit| u32::from(unit.beds)).sum()
    }

    /// The same hospital larger or smaller: about `beds` beds, with as many more or fewer arrivals.
    #[must_use]
    pub fn scaled(mut self, beds: u32) -> Self {
        let before = u64::from(self.beds().max(1));
        let scale = |number: u32| {
            let scaled = (u64::from(number) * u64::from(beds) + before / 2) / before;
            u32::try_from(scaled).unwrap_or(u32::MAX)
        };
        for unit in &mut self.units {
            if unit.beds > 0 {
                unit.beds = u16::try_from(scale(unit.beds.into()).max(1)).unwrap_or(u16::MAX);
            }
        }
        for arrivals in &mut self.arrivals {
            arrivals.a_day = scale(arrivals.a_day).max(1);
        }
        self
    }
}

impl PathwaysError {
    /// The line itself, and a mark under the place.
    #[must_use]
    pub fn context(&self) -> String {
        let before = self
            .text
            .chars()
            .take(self.column.saturating_sub(1) as usize);
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{}\n{indent}^", self.text)
    }
}

impl fmt::Display for PathwaysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            expected,
            ..
        } = self;
        write!(f, "{line}:{column}: expected {expected}")
    }
}

impl std::error::Error for PathwaysError {}
