//! The audit of a run: what was sent, what was acknowledged, and what came out at the other end: once, twice, never, in
//! the wrong order. It knows messages by the number in their control ID, and needs a few bytes for each.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

/// How many control IDs a report names of a kind.
const MOST_EXAMPLES: usize = 10;

/// Counts what becomes of the messages of one run.
#[derive(Debug, Default)]
pub struct Audit {
    tag: Option<String>,
    /// By the number in the control ID. A stray one costs no more than its own place.
    tracks: BTreeMap<u64, Track>,
    /// Messages that have to come and have not: those accepted, those announced.
    missing: [u64; 2],
    /// Whether it is known which messages there are.
    complete: bool,
    /// By lane: the place of the last message that came.
    lanes: BTreeMap<u64, u64>,
    counts: Counts,
    out_of_order: Vec<u64>,
}

/// One message's fate.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    /// Its place in the order of sending, from 1; 0 for a message nobody announced.
    place: u64,
    /// The lane it was sent on, from 1; 0 where that is not known.
    lane: u32,
    sent: u16,
    accepted: u16,
    refused: u16,
    taken: u16,
    /// How often it was taken and the sender was left in the dark about it.
    unanswered: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    sent: u64,
    accepted: u64,
    refused: u64,
    received: u64,
    foreign: u64,
    out_of_order: u64,
}

/// What a receiver did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// It took the message and said so.
    Taken,
    /// It took the message, and its answer was lost or made no sense: the sender has to send it again.
    Unanswered,
    /// It refused the message.
    Refused,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Messages sent, each control ID once; none where nobody said what there is.
    pub sent: Option<u64>,
    /// Sent again: duplicates of the hospital, and repetitions after a failure.
    pub sent_again: u64,
    /// What the receiver they were sent to said; none where it was not asked.
    pub answers: Option<AnswerReport>,
    /// What came out at the other end; none where nobody listened there.
    pub delivery: Option<DeliveryReport>,
}

/// What the receiver said to whom sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnswerReport {
    /// Messages it accepted.
    pub acknowledged: u64,
    /// Messages it refused each time, and never accepted.
    pub refused: u64,
    /// Neither.
    pub unanswered: u64,
}

/// What came out at the other end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryReport {
    /// Messages that came, repetitions included.
    pub received: u64,
    /// Messages taken exactly once.
    pub once: u64,
    /// Messages taken more than once.
    pub twice: u64,
    /// Of these, because they were sent more than once, or the receiver had left its sender in the dark.
    pub twice_with_reason: u64,
    /// Messages the receiver refused each time they came.
    pub refused: u64,
    /// Messages that were acknowledged and never came; none where nobody said what there is.
    pub lost: Option<u64>,
    /// Messages that came after one that was sent later in the same lane.
    pub out_of_order: u64,
    /// Messages that are not of this run.
    pub foreign: u64,
    /// Control IDs of some of the lost ones.
    pub lost_ids: Vec<String>,
    /// Control IDs of some of those taken more than once.
    pub twice_ids: Vec<String>,
    /// Control IDs of some of those out of order.
    pub out_of_order_ids: Vec<String>,
}

impl Audit {
    /// An audit of the run whose control IDs begin with `tag`; without it, that of the first control ID of our form
    /// that is seen.
    #[must_use]
    pub fn new(tag: Option<&str>) -> Self {
        Self {
            tag: tag.map(ToOwned::to_owned),
            ..Self::default()
        }
    }

    /// From now on, messages that were not announced are not of this run.
    pub const fn knows_all(&mut self) {
        self.complete = true;
    }

    /// Message `number` was sent on `lane`, for the first time or again.
    pub fn sent(&mut self, number: u64, lane: Option<u16>) {
        self.counts.sent += 1;
        let place = self.counts.sent;
        self.change(number, |track| {
            track.sent = track.sent.saturating_add(1);
            track.lane = lane.map_or(0, |lane| u32::from(lane) + 1);
            if track.place == 0 {
                track.place = place;
            }
        });
    }

    /// A message of this control ID is going to be sent, or was.
    pub fn announce(&mut self, control_id: &[u8]) {
        if let Some(number) = self.number(control_id) {
            self.sent(number, None);
        }
    }

    /// The receiver's answer to message `number`.
    pub fn answered(&mut self, number: u64, accepted: bool) {
        if accepted {
            self.counts.accepted += 1;
        } else {
            self.counts.refused += 1;
        }
        self.change(number, |track| {
            let count = if accepted {
                &mut track.accepted
            } else {
                &mut track.refused
            };
            *count = count.saturating_add(1);
        });
    }

    /// A message came out at the other end: the lanes it must keep its order in, unless it is known on which it was sent,
    /// and what was done with it.
    pub fn received(&mut self, control_id: &[u8], lanes: &[u64], taking: Taking) {
        self.counts.received += 1;
        let number = self.number(control_id);
        let of_this_run = |number: &u64| !self.complete || self.tracks.contains_key(number);
        let Some(number) = number.filter(of_this_run) else {
            self.counts.foreign += 1;
            return;
        };
        let track = self.change(number, |track| match taking {
            Taking::Refused => track.refused = track.refused.saturating_add(1),
            Taking::Taken | Taking::Unanswered => {
                track.taken = track.taken.saturating_add(1);
                let unanswered = u16::from(taking == Taking::Unanswered);
                track.unanswered = track.unanswered.saturating_add(unanswered);
            }
        });
        if taking == Taking::Refused || track.taken > 1 {
            return;
        }
        let place = if track.place == 0 {
            number
        } else {
            track.place
        };
        let sent_on = [u64::from(track.lane)];
        let lanes = if track.lane == 0 { lanes } else { &sent_on };
        let mut overtaken = false;
        for lane in lanes {
            let last = self.lanes.entry(*lane).or_default();
            overtaken |= *last > place;
            *last = place.max(*last);
        }
        if overtaken {
            self.counts.out_of_order += 1;
            if self.out_of_order.len() < MOST_EXAMPLES {
                self.out_of_order.push(number);
            }
        }
    }

    /// Whether every message that was accepted (or, where nobody asked, announced) has come.
    #[must_use]
    pub const fn is_all_there(&self, asked: bool) -> bool {
        let [accepted, announced] = self.missing;
        if asked { accepted == 0 } else { announced == 0 }
    }

    /// Messages received so far, repetitions included.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.counts.received
    }

    /// The number in a control ID of this run.
    fn number(&mut self, control_id: &[u8]) -> Option<u64> {
        let (tag, number) = std::str::from_utf8(control_id).ok()?.split_once('-')?;
        if number.len() != 9 || tag.len() != 6 {
            return None;
        }
        let number = number.parse().ok()?;
        let known = self.tag.get_or_insert_with(|| tag.to_owned());
        (known == tag).then_some(number)
    }

    /// Changes what is known of message `number`; what is known then.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut Track)) -> Track {
        let track = self.tracks.entry(number).or_default();
        let before = track.is_missing();
        change(track);
        let after = track.is_missing();
        for ((count, before), after) in self.missing.iter_mut().zip(before).zip(after) {
            *count = *count + u64::from(after) - u64::from(before);
        }
        *track
    }

    /// What it came to. `asked`: there were acknowledgments to be had; `listened`: somebody listened at the other end.
    #[must_use]
    pub fn report(&self, asked: bool, listened: bool) -> AuditReport {
        let count = |wanted: fn(&Track) -> bool| {
            self.tracks.values().filter(|track| wanted(track)).count() as u64
        };
        let distinct = count(|track| track.sent > 0);
        let knows = self.complete || distinct > 0;
        AuditReport {
            sent: knows.then_some(distinct),
            sent_again: self.counts.sent - distinct,
            answers: asked.then(|| AnswerReport {
                acknowledged: count(|track| track.accepted > 0),
                refused: count(|track| track.accepted == 0 && track.refused > 0),
                unanswered: count(|track| {
                    track.sent > 0 && track.accepted == 0 && track.refused == 0
                }),
            }),
            delivery: listened.then(|| self.delivery(asked, knows)),
        }
    }

    fn delivery(&self, asked: bool, knows: bool) -> DeliveryReport {
        let mut report = DeliveryReport {
            received: self.counts.received,
            out_of_order: self.counts.out_of_order,
            foreign: self.counts.foreign,
            out_of_order_ids: self
                .out_of_order
                .iter()
                .map(|number| self.id(*number))
                .collect(),
            ..DeliveryReport::default()
        };
        let mut lost = 0;
        for (&number, track) in &self.tracks {
            let mut named = match track.taken {
                0 if track.refused > 0 && !asked => {
                    report.refused += 1;
                    continue;
                }
                0 if track.is_due(asked) => {
                    lost += 1;
                    Some(&mut report.lost_ids)
                }
                0 => None,
                1 => {
                    report.once += 1;
                    None
                }
                _ => {
                    report.twice += 1;
                    report.twice_with_reason += u64::from(track.has_reason());
                    Some(&mut report.twice_ids)
                }
            };
            if let Some(ids) = named.take_if(|ids| ids.len() < MOST_EXAMPLES) {
                ids.push(self.id(number));
            }
        }
        report.lost = knows.then_some(lost);
        report
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number:09}", self.tag.as_deref().unwrap_or_default())
    }
}

impl Track {
    /// Whether it has to come: it was accepted, or there was nobody to ask.
    const fn is_due(&self, asked: bool) -> bool {
        self.sent > 0 && (self.accepted > 0 || !asked)
    }

    /// Whether it has to come and has not: as one that was accepted, as one that was announced.
    fn is_missing(&self) -> [bool; 2] {
        [true, false].map(|asked| self.is_due(asked) && self.taken == 0)
    }

    /// Whether all its repetitions are explained.
    const fn has_reason(&self) -> bool {
        let allowed = if self.sent > 1 { self.sent } else { 1 };
        self.taken <= allowed.saturating_add(self.unanswered)
    }
}

impl AuditReport {
    /// Whether everything that was sent was accepted; `true` where nobody was asked.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        let answers = self.answers.as_ref();
        answers.is_none_or(|answers| self.sent == Some(answers.acknowledged))
    }

    /// Whether something is lost or out of order.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        let delivery = self.delivery.as_ref();
        delivery.is_some_and(|one| one.out_of_order > 0 || one.lost.is_some_and(|lost| lost > 0))
    }
}
