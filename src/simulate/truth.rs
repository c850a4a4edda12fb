//! What really happened, as JSON: one array, one record a line, each told apart by its `record`. A record is written when
//! nothing can change it any more, so that a long run need not be kept in memory; the first is the run itself, the last
//! counts what there is. Times are simulated, with offset (RFC 3339); places are written as in PL: `MED^03^1`.

use serde::Serialize;

/// One line of the truth.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// The first: how the run was made.
    Simulation(Simulation),
    /// A message, in the order they are sent.
    Message(MessageRecord),
    /// A stay that is over, or still open at the end.
    Stay(Box<StayRecord>),
    /// What a bed was from when to when.
    Bed(BedRecord),
    /// An order that is done, or still open at the end.
    Order(Box<OrderRecord>),
    /// An appointment that is settled, or still open at the end.
    Appointment(Box<AppointmentRecord>),
    /// Two patients who swapped beds.
    Swap(SwapRecord),
    /// A patient number that went up in another.
    Merge(MergeRecord),
    /// The last: how many of each.
    Summary(Summary),
}

/// How a run was made: the same again gives the same.
#[derive(Clone, Debug, Serialize)]
pub struct Simulation {
    /// The seed.
    pub seed: u64,
    /// HL7 version of the messages.
    pub version: &'static str,
    /// Begin of the simulated time.
    pub start: String,
    /// IANA name, or the offset.
    pub timezone: String,
    /// Days simulated, if bounded.
    pub days: Option<u32>,
    /// Messages at most, if bounded.
    pub count: Option<u64>,
    /// The units and their beds.
    pub units: Vec<UnitRecord>,
}

/// A unit.
#[derive(Clone, Debug, Serialize)]
pub struct UnitRecord {
    /// PL.1.
    pub code: String,
    /// `emergency`, `ward`, `intensive`, `imaging` or `clinic`.
    pub level: &'static str,
    /// Staffed beds.
    pub beds: u16,
}

/// A message that was sent.
#[derive(Clone, Debug, Serialize)]
pub struct MessageRecord {
    /// From 1, in the order of sending.
    pub seq: u64,
    /// MSH-10.
    pub control_id: String,
    /// `ADT^A01`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it tells, in a word.
    pub what: &'static str,
    /// MSH-7.
    pub sent: String,
    /// When what it tells happened.
    pub occurred: String,
    /// How much later than that it was sent, where it was late: seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_seconds: Option<i64>,
    /// PID-3.1 of each patient in it.
    pub patients: Vec<String>,
    /// PV1-19.1 of each of them, where there is one.
    pub visits: Vec<String>,
    /// ORC-2.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// SCH-1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment: Option<String>,
    /// `true`: the very bytes of a message sent before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// The control ID under which the same was told before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retold: Option<String>,
}

/// A patient's stay.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StayRecord {
    /// PV1-19.1.
    pub visit: String,
    /// PID-3.1, the surviving one.
    pub patient: String,
    /// The pathway it began on.
    pub pathway: String,
    /// `open`, `closed`, `cancelled` (it was a mistake, or never came about), `expected`, or `turned_away` (no bed, and
    /// nothing was told).
    pub state: &'static str,
    /// First A01 or A04.
    pub arrived: Option<String>,
    /// First A03 that stood.
    pub discharged: Option<String>,
    /// `home`, `facility`, `died` or `left`.
    pub disposition: Option<&'static str>,
    /// Patient classes (table 0004) and since when.
    pub classes: Vec<Since>,
    /// Where the patient was, from when to when; what was cancelled is not among it.
    pub places: Vec<Interval>,
    /// Everything that was told of moves, cancelled or not.
    pub movements: Vec<MovementRecord>,
    /// Beds asked for.
    pub bed_requests: Vec<BedRequestRecord>,
    /// Who attended, who was consulted.
    pub roles: Vec<RoleRecord>,
    /// Away for an examination, the bed kept.
    pub tracking: Vec<Interval>,
    /// Leaves of absence.
    pub leaves: Vec<Interval>,
    /// ORC-2.1 of its orders.
    pub orders: Vec<String>,
}

/// A value and since when it holds.
#[derive(Clone, Debug, Serialize)]
pub struct Since {
    /// From then on.
    pub at: String,
    /// What.
    pub value: &'static str,
}

/// A place and a time.
#[derive(Clone, Debug, Serialize)]
pub struct Interval {
    /// Where.
    pub place: String,
    /// From.
    pub from: String,
    /// To; none while it lasts.
    pub to: Option<String>,
}

/// A move as it was told.
#[derive(Clone, Debug, Serialize)]
pub struct MovementRecord {
    /// When it happened.
    pub at: String,
    /// `A01`, `A02`, `A03`, `A04`, `A17`.
    pub trigger: &'static str,
    /// From where.
    pub from: Option<String>,
    /// To where.
    pub to: Option<String>,
    /// The message that told it.
    pub control_id: String,
    /// When it was found to be a mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<String>,
}

/// A bed asked for.
#[derive(Clone, Debug, Serialize)]
pub struct BedRequestRecord {
    /// The unit.
    pub unit: String,
    /// ORC-2.1 of the request.
    pub order: String,
    /// When it was asked for: the decision.
    pub requested: String,
    /// When a bed was assigned.
    pub assigned: Option<String>,
    /// When it was given up, because there was none for too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_up: Option<String>,
    /// When the patient was in it.
    pub occupied: Option<String>,
    /// Which.
    pub bed: Option<String>,
}

/// Somebody's part in a stay.
#[derive(Clone, Debug, Serialize)]
pub struct RoleRecord {
    /// `attending` or `consulting`.
    pub role: &'static str,
    /// XCN.1.
    pub staff: String,
    /// From.
    pub from: String,
    /// To; none while it lasts.
    pub to: Option<String>,
}

/// What a bed was.
#[derive(Clone, Debug, Serialize)]
pub struct BedRecord {
    /// Which.
    pub bed: String,
    /// `occupied`, `held`, `dirty` or `cleaning`.
    pub state: &'static str,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit: Option<String>,
    /// From.
    pub from: String,
    /// To; none while it lasts.
    pub to: Option<String>,
}

/// An order's life.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OrderRecord {
    /// ORC-2.1.
    pub order: String,
    /// PV1-19.1.
    pub visit: String,
    /// `laboratory`, `imaging` or `bed`.
    pub kind: &'static str,
    /// OBR-4.1.
    pub code: String,
    /// OBR-24.
    pub section: String,
    /// `S`, `A` or `R` (TQ.6).
    pub priority: &'static str,
    /// The unit it was ordered in.
    pub unit: Option<String>,
    /// `open`, `complete` or `cancelled`.
    pub state: &'static str,
    /// When it reached which stage.
    pub stages: Stages,
}

/// An order's stages, in their order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stages {
    /// ORC-1 NW.
    pub ordered: Option<String>,
    /// The filler took it.
    pub accepted: Option<String>,
    /// Specimen collected; imaging: examination begun.
    pub collected: Option<String>,
    /// Specimen in the laboratory; imaging: examination ended.
    pub received: Option<String>,
    /// Preliminary result.
    pub preliminary: Option<String>,
    /// Result, not verified.
    pub resulted: Option<String>,
    /// Final.
    pub verified: Option<String>,
    /// A correction of it.
    pub corrected: Option<String>,
    /// Cancelled.
    pub cancelled: Option<String>,
}

/// An appointment's life.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AppointmentRecord {
    /// SCH-1.1.
    pub appointment: String,
    /// PID-3.1.
    pub patient: String,
    /// AIL-3.1.
    pub unit: String,
    /// AIP-3.1.
    pub staff: String,
    /// `booked`, `complete`, `started`, `cancelled` or `no_show`.
    pub state: &'static str,
    /// S12.
    pub booked: String,
    /// Every begin it was given, the last counts.
    pub starts: Vec<String>,
    /// Minutes.
    pub minutes: i64,
    /// Each S13.
    pub rescheduled: Vec<String>,
    /// S15.
    pub cancelled: Option<String>,
    /// S26.
    pub no_show: Option<String>,
    /// The patient came (A04).
    pub checked_in: Option<String>,
    /// The patient left (A03).
    pub completed: Option<String>,
    /// PV1-19.1 of the visit.
    pub visit: Option<String>,
}

/// Two patients who swapped beds.
#[derive(Clone, Debug, Serialize)]
pub struct SwapRecord {
    /// When.
    pub at: String,
    /// The stays.
    pub visits: [String; 2],
    /// Where each is now.
    pub places: [String; 2],
    /// The message that told it.
    pub control_id: String,
}

/// A patient number that went up in another.
#[derive(Clone, Debug, Serialize)]
pub struct MergeRecord {
    /// When.
    pub at: String,
    /// MRG-1.1: the number that is gone.
    pub from: String,
    /// PID-3.1: the number that stays.
    pub into: String,
    /// The message that told it.
    pub control_id: String,
}

/// How many there were of each.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Messages, duplicates included.
    pub messages: u64,
    /// Messages with a control ID of their own.
    pub distinct: u64,
    /// The same bytes again.
    pub duplicates: u64,
    /// Told again under another control ID.
    pub retold: u64,
    /// Sent late.
    pub late: u64,
    /// By type.
    pub types: std::collections::BTreeMap<String, u64>,
    /// Stays.
    pub stays: u64,
    /// Of these, still open.
    pub open_stays: u64,
    /// Orders, requests for beds included.
    pub orders: u64,
    /// Appointments.
    pub appointments: u64,
    /// A17.
    pub swaps: u64,
    /// A40.
    pub merges: u64,
    /// The last moment simulated.
    pub end: String,
}
