//! The hospital itself: events in the order of simulated time, and what they change. It goes on only while somebody asks
//! for the next thing it tells.

mod appointments;
mod beds;
mod close;
mod moves;
mod orders;
mod say;
mod stay;
mod steps;
mod trouble;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Zoned;

use self::appointments::{Appointment, Turn};
use self::beds::Beds;
use self::orders::{Order, Stage};
use self::stay::{Stay, Want};
use super::pathways::{Disposition, Level, Pathways};
use super::people::Person;
use super::random::Dice;
use super::truth::{MessageRecord, Record, Simulation, Summary, UnitRecord};
use super::visit::{Moment, Place, Talk};
use super::write::{Version, Writer};

const HOUR: Moment = 3600;
const DAY: Moment = 24 * HOUR;
/// People who have been here, for those who come again: no more, so that memory does not grow.
const MOST_KNOWN: usize = 500;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The same seed (and the rest) gives the same bytes.
    pub seed: u64,
    /// When it begins, and the time zone of all times in messages.
    pub start: Zoned,
    /// How many days; `None`: until `count`, for ever if there is none.
    pub days: Option<u32>,
    /// Ends after so many messages.
    pub count: Option<u64>,
    /// HL7 version of the messages.
    pub version: Version,
    /// What the hospital is like.
    pub pathways: Pathways,
}

/// What the hospital tells.
#[derive(Clone, Debug)]
pub enum Told {
    /// A message is sent.
    Message(Box<Outgoing>),
    /// Something is settled that is no message.
    Truth(Record),
}

/// A message on its way.
#[derive(Clone)]
pub struct Outgoing {
    /// The message, segments ending in CR.
    pub bytes: Bytes,
    /// The truth about it.
    pub record: MessageRecord,
    /// Unlike for each message that is not a duplicate: the number in its control ID, from 1.
    pub number: u64,
    /// Whom it is about (a patient, or a bed): messages of equal keys are to be sent one after the other.
    pub key: u64,
    /// The second patient of a swap or merge: such a message may overtake nothing and be overtaken by nothing of either.
    pub other: Option<u64>,
}

/// A simulated hospital: gives what it tells, in the order of the simulated time, to the end of its days.
pub struct Hospital {
    seed: u64,
    timezone: String,
    days: Option<u32>,
    count: Option<u64>,
    plan: Arc<Pathways>,
    writer: Writer,
    /// What its control IDs begin with.
    tag: String,
    dice: Dice,
    start: Moment,
    now: Moment,
    end: Moment,
    events: BTreeMap<(Moment, u64), Event>,
    /// Counts events, so that those of one moment keep their order.
    serial: u64,
    beds: Beds,
    stays: BTreeMap<u64, Stay>,
    orders: BTreeMap<u64, Order>,
    appointments: BTreeMap<u64, Appointment>,
    known: Vec<Person>,
    /// Late messages by whom they are about, one at most each.
    delayed: BTreeMap<u64, Talk>,
    told: VecDeque<Told>,
    numbers: Numbers,
    totals: Summary,
    phase: Phase,
}

/// The last number given.
#[derive(Debug, Default)]
struct Numbers {
    control: u64,
    person: u64,
    visit: u64,
    order: u64,
    appointment: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Begin,
    Running,
    Ended,
}

/// What is going to happen.
enum Event {
    Hour,
    Morning,
    /// Somebody of these arrivals comes.
    Arrive(usize),
    /// The next step of a stay.
    Next(u64),
    /// An announced patient comes.
    Expected(u64),
    /// A patient who waits for a bed, for this time, has waited long enough.
    Patience(u64, u32),
    /// Somebody looks for the bed that was asked for in this unit.
    SeekBed(u64, usize),
    Swap,
    /// A patient arrives in the bed that is held for him.
    Moved(u64),
    Undo(u64, Mistake),
    /// Back from an examination or leave.
    Return(u64),
    DischargeAgain(u64, Disposition),
    Update(u64),
    Handoff(u64),
    Merge(u64),
    Clean(Place),
    Cleaned(Place),
    Stage(u64, Stage),
    Appointment(u64, Turn),
    /// A late message (by its number) about this key is sent.
    Release(u64, u64),
    Duplicate(Box<Outgoing>),
    Retell(Box<Talk>, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    Admit,
    Announcement,
    Discharge,
    Transfer,
}

impl Hospital {
    /// An empty hospital before its first day.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings {
            seed,
            start,
            days,
            count,
            version,
            pathways,
        } = settings;
        let plan = Arc::new(pathways);
        let zone = start.time_zone().clone();
        let begin = start.timestamp().as_second();
        let days_long = days.map_or(i64::MAX, |days| i64::from(days) * DAY);
        // An IANA zone has a name; others are told by the offset they begin with.
        let timezone = zone
            .iana_name()
            .map_or_else(|| start.offset().to_string(), ToOwned::to_owned);
        let writer = Writer {
            version,
            zone,
            pathways: Arc::clone(&plan),
        };
        Self {
            seed,
            timezone,
            days,
            count,
            writer,
            tag: tag(seed),
            dice: Dice::new(seed),
            start: begin,
            now: begin,
            end: begin.saturating_add(days_long),
            events: BTreeMap::new(),
            serial: 0,
            beds: Beds::new(&plan, begin),
            plan,
            stays: BTreeMap::new(),
            orders: BTreeMap::new(),
            appointments: BTreeMap::new(),
            known: Vec::new(),
            delayed: BTreeMap::new(),
            told: VecDeque::new(),
            numbers: Numbers::default(),
            totals: Summary::default(),
            phase: Phase::Begin,
        }
    }

    /// What the control IDs of this run begin with; a `-` and the message's number follow.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The simulated time, as RFC 3339.
    #[must_use]
    pub fn time(&self) -> String {
        self.stamp(self.now)
    }

    /// Simulates no further: what is open is told as open, and that is the end.
    pub fn stop(&mut self) {
        self.count = Some(self.totals.messages);
    }

    /// How many simulated seconds have passed.
    #[must_use]
    pub fn elapsed(&self) -> u64 {
        u64::try_from(self.now - self.start).unwrap_or_default()
    }

    fn begin(&mut self) {
        let units = self.plan.units.iter().map(|unit| UnitRecord {
            code: unit.code.to_string(),
            level: level(unit.level),
            beds: unit.beds,
        });
        let record = Record::Simulation(Simulation {
            seed: self.seed,
            version: self.writer.version.as_str(),
            start: self.stamp(self.start),
            timezone: self.timezone.clone(),
            days: self.days,
            count: self.count,
            units: units.collect(),
        });
        self.told.push_back(Told::Truth(record));
        self.at(self.start, Event::Hour);
        let midnight = self.writer.zoned(self.start).start_of_day();
        let midnight = midnight.map_or(self.start, |at| at.timestamp().as_second());
        let seven = midnight + 7 * HOUR;
        self.at(
            if seven < self.start {
                seven + DAY
            } else {
                seven
            },
            Event::Morning,
        );
    }

    /// Something will happen at `at`.
    fn at(&mut self, at: Moment, event: Event) {
        self.serial += 1;
        self.events.insert((at.max(self.now), self.serial), event);
    }

    /// Something will happen so many seconds from now.
    fn after(&mut self, seconds: i64, event: Event) {
        self.at(self.now.saturating_add(seconds), event);
    }

    fn stamp(&self, at: Moment) -> String {
        self.writer.zoned(at).strftime("%FT%T%:z").to_string()
    }

    fn is_full(&self) -> bool {
        self.count
            .is_some_and(|count| self.totals.messages >= count)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Hour => self.hour(),
            Event::Morning => self.morning(),
            Event::Arrive(arrivals) => self.arrive(arrivals),
            Event::Next(stay) => self.proceed(stay),
            Event::Expected(stay) => self.come(stay),
            Event::Patience(stay, wait) => self.lose_patience(stay, wait),
            Event::SeekBed(stay, unit) => self.want(stay, unit, Want::Request),
            Event::Swap => self.swap(),
            Event::Moved(stay) => self.arrive_in_bed(stay),
            Event::Undo(stay, mistake) => self.undo(stay, mistake),
            Event::Return(stay) => self.come_back(stay),
            Event::DischargeAgain(stay, to) => self.discharge(stay, to, true),
            Event::Update(stay) => self.update(stay),
            Event::Handoff(stay) => self.hand_off(stay),
            Event::Merge(stay) => self.merge(stay),
            Event::Clean(place) => self.clean(place),
            Event::Cleaned(place) => self.cleaned(place),
            Event::Stage(order, stage) => self.reach(order, stage),
            Event::Appointment(number, turn) => self.turn(number, turn),
            Event::Release(key, number) => self.release(key, Some(number)),
            Event::Duplicate(message) => self.repeat(*message),
            Event::Retell(talk, first) => self.retell(*talk, first),
        }
    }
}

impl Iterator for Hospital {
    type Item = Told;

    fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Some(told);
            }
            match self.phase {
                Phase::Begin => {
                    self.begin();
                    self.phase = Phase::Running;
                }
                Phase::Running => {
                    let next = self.events.first_key_value().map(|((at, _), _)| *at);
                    let over = self.is_full() || next.is_none_or(|at| at >= self.end);
                    if over {
                        self.phase = Phase::Ended;
                        self.close();
                    } else if let Some(((at, _), event)) = self.events.pop_first() {
                        self.now = at;
                        self.happen(event);
                    }
                }
                Phase::Ended => return None,
            }
        }
    }
}

/// Six letters and digits that differ for nearly all seeds.
fn tag(seed: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut dice = Dice::new(seed ^ 0x5741_5244);
    let digit = |_| char::from(dice.pick(DIGITS).copied().unwrap_or(b'0'));
    (0..6).map(digit).collect()
}

pub(super) const fn level(level: Level) -> &'static str {
    match level {
        Level::Emergency => "emergency",
        Level::Ward => "ward",
        Level::Intensive => "intensive",
        Level::Imaging => "imaging",
        Level::Clinic => "clinic",
    }
}

impl fmt::Debug for Hospital {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stays, messages) = (self.stays.len(), self.totals.messages);
        write!(
            f,
            "Hospital({}, {stays} stays, {messages} messages)",
            self.time()
        )
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Outgoing({}, {} bytes)",
            self.record.kind,
            self.bytes.len()
        )
    }
}
