//! Orders through their life: ordered, accepted, collected, received, preliminary, resulted, verified, corrected, or
//! cancelled before anything was collected.

use super::{Event, Hospital, Told};
use crate::simulate::pathways::{OrderKind, Priority};
use crate::simulate::random::Spread;
use crate::simulate::truth::{OrderRecord, Record};
use crate::simulate::visit::{OrderNews, OrderState, Requested, Visit};
use crate::simulate::write::{placer_id, priority, visit_id};

/// An order that is not done.
pub(super) struct Order {
    stay: u64,
    /// As the stay was last seen by it.
    visit: Visit,
    state: OrderState,
    record: OrderRecord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Accepted,
    /// Instead of being collected.
    Cancelled,
    Collected,
    Received,
    Preliminary,
    Resulted,
    Verified,
    Corrected,
}

/// How a stage is told: what it is called, ORC-1, ORC-5, OBR-25, and whether it is a result.
type Telling = (&'static str, &'static str, &'static str, &'static str, bool);

impl Hospital {
    /// A step orders something.
    pub(super) fn order(&mut self, stay: u64, kind: usize, priority: Priority) {
        let Some(order) = self.place_order(stay, Requested::Kind(kind)) else {
            return;
        };
        if let Some(one) = self.orders.get_mut(&order) {
            one.state.priority = priority;
        }
        self.tell_new(order);
        if let Some(kind) = self.kind_of(order) {
            let accept = self.dice.within(kind.accept);
            self.after(accept, Event::Stage(order, Stage::Accepted));
        }
    }

    fn kind_of(&self, order: u64) -> Option<OrderKind> {
        let kind = self.orders.get(&order)?.state.kind;
        self.writer.kind(kind).cloned()
    }

    /// A new order, asked for by the attending doctor; a request for a bed is told at once.
    pub(super) fn place_order(&mut self, stay: u64, requested: Requested) -> Option<u64> {
        let at = self.stamp(self.now);
        let one = self.stays.get_mut(&stay)?;
        self.numbers.order += 1;
        let number = self.numbers.order;
        one.open_orders.push(number);
        one.record.orders.push(placer_id(number));
        let visit = one.visit;
        let unit = visit
            .place
            .and_then(|place| self.plan.units.get(place.unit));
        let kind = self.writer.kind(requested);
        let mut record = OrderRecord {
            order: placer_id(number),
            visit: visit_id(stay),
            kind: kind.map_or("bed", |kind| {
                if kind.imaging {
                    "imaging"
                } else {
                    "laboratory"
                }
            }),
            code: kind.map_or_else(|| "BEDREQ".to_owned(), |kind| kind.code.to_string()),
            section: kind
                .map(|kind| kind.section.to_string())
                .unwrap_or_default(),
            priority: "R",
            unit: unit.map(|unit| unit.code.to_string()),
            state: "open",
            ..OrderRecord::default()
        };
        record.stages.ordered = Some(at);
        let state = OrderState {
            number,
            kind: requested,
            priority: Priority::Routine,
            accepted: false,
            orderer: visit.attending,
            ordered: self.now,
            collected: None,
            received: None,
            values: Vec::new(),
        };
        self.orders.insert(
            number,
            Order {
                stay,
                visit,
                state,
                record,
            },
        );
        if matches!(requested, Requested::BedIn(_)) {
            self.tell_new(number);
        }
        Some(number)
    }

    fn tell_new(&mut self, order: u64) {
        self.tell_order(order, ("order", "NW", "", "", false));
    }

    /// A request for a bed has come true.
    pub(super) fn fulfil(&mut self, order: u64) {
        if let Some(one) = self.orders.get_mut(&order) {
            one.state.accepted = true;
        }
        self.tell_order(order, ("bed request fulfilled", "SC", "CM", "", false));
        self.settle_order(order, "complete");
    }

    /// An order reaches a stage, and what comes next is settled.
    pub(super) fn reach(&mut self, order: u64, stage: Stage) {
        let Some(kind) = self.kind_of(order) else {
            return;
        };
        let (now, at) = (self.now, self.stamp(self.now));
        let Some(one) = self.orders.get_mut(&order) else {
            return;
        };
        let stages = &mut one.record.stages;
        let told: Option<Telling> = match stage {
            Stage::Accepted => {
                one.state.accepted = true;
                stages.accepted = Some(at);
                Some(("order accepted", "SC", "SC", "S", false))
            }
            Stage::Cancelled => {
                stages.cancelled = Some(at);
                Some(("order cancelled", "CA", "CA", "X", false))
            }
            Stage::Collected => {
                one.state.collected = Some(now);
                stages.collected = Some(at);
                // A collected specimen is told with what is made of it, an examination when it begins.
                kind.imaging
                    .then_some(("examination begun", "SC", "IP", "I", false))
            }
            Stage::Received => {
                one.state.received = Some(now);
                stages.received = Some(at);
                (!kind.imaging).then_some(("specimen received", "SC", "IP", "I", false))
            }
            Stage::Preliminary => {
                stages.preliminary = Some(at);
                Some(("preliminary result", "RE", "IP", "P", true))
            }
            Stage::Resulted => {
                stages.resulted = Some(at);
                Some(("result", "RE", "IP", "R", true))
            }
            Stage::Verified => {
                stages.verified = Some(at);
                Some(("final result", "RE", "CM", "F", true))
            }
            Stage::Corrected => {
                stages.corrected = Some(at);
                Some(("corrected result", "RE", "CM", "C", true))
            }
        };
        if let Some(one) = told
            .filter(|told| told.4)
            .and_then(|_| self.orders.get_mut(&order))
        {
            let values = kind.observations.iter().map(|observation| {
                // Around the reference range, sometimes outside of it.
                let width = u64::from(observation.high - observation.low) + 2;
                let drawn = u64::from(observation.low) + self.dice.below(width * 3 / 2);
                u32::try_from(drawn.saturating_sub(width / 4)).unwrap_or_default()
            });
            let drawn: Vec<u32> = values.collect();
            // What is verified is what was found; a correction and a preliminary result differ.
            if stage != Stage::Verified || one.state.values.is_empty() {
                one.state.values = drawn;
            }
        }
        if let Some(telling) = told {
            self.tell_order(order, telling);
        }
        self.what_next(order, stage, &kind);
    }

    fn what_next(&mut self, order: u64, stage: Stage, kind: &OrderKind) {
        let mut go = |on: Stage, in_time: Spread| {
            let wait = self.dice.within(in_time);
            self.after(wait, Event::Stage(order, on));
        };
        match stage {
            Stage::Accepted => {
                let cancelled = self.dice.happens(kind.cancelled);
                let next = if cancelled {
                    Stage::Cancelled
                } else {
                    Stage::Collected
                };
                let wait = self.dice.within(kind.collect);
                self.after(wait, Event::Stage(order, next));
            }
            Stage::Collected => go(Stage::Received, kind.receive),
            Stage::Received => {
                let preliminary = self.dice.happens(kind.preliminary);
                let wait = self.dice.within(kind.result);
                if preliminary {
                    let early = self.dice.within(Spread::new(wait / 4, wait * 3 / 4));
                    self.after(early, Event::Stage(order, Stage::Preliminary));
                }
                self.after(wait, Event::Stage(order, Stage::Resulted));
            }
            Stage::Preliminary => {}
            Stage::Resulted => go(Stage::Verified, kind.verify),
            Stage::Verified => {
                if self.dice.happens(kind.corrected) {
                    let wait = self.dice.within(Spread::new(10 * 60, 12 * 3600));
                    self.after(wait, Event::Stage(order, Stage::Corrected));
                } else {
                    self.settle_order(order, "complete");
                }
            }
            Stage::Corrected => self.settle_order(order, "complete"),
            Stage::Cancelled => self.settle_order(order, "cancelled"),
        }
    }

    fn tell_order(&mut self, order: u64, telling: Telling) {
        let (what, control, status, result_status, is_result) = telling;
        let Some(one) = self.orders.get_mut(&order) else {
            return;
        };
        if let Some(stay) = self.stays.get(&one.stay) {
            one.visit = stay.visit;
        }
        one.record.priority = priority(one.state.priority);
        let news = OrderNews {
            visit: one.visit,
            order: one.state.clone(),
            control,
            status,
            result_status,
            is_result,
        };
        self.say_order(what, news);
    }

    /// The patient leaves: what has not been collected never will be, the rest goes on without him.
    pub(super) fn leave_orders(&mut self, stay: u64) {
        let Some(one) = self.stays.get_mut(&stay) else {
            return;
        };
        let (visit, open) = (one.visit, std::mem::take(&mut one.open_orders));
        for number in open {
            let Some(order) = self.orders.get_mut(&number) else {
                continue;
            };
            order.visit = visit;
            if order.state.collected.is_none() {
                self.cancel_order(number);
            }
        }
    }

    pub(super) fn cancel_order(&mut self, order: u64) {
        let at = self.stamp(self.now);
        if let Some(one) = self.orders.get_mut(&order) {
            one.record.stages.cancelled = Some(at);
        }
        self.tell_order(order, ("order cancelled", "CA", "CA", "X", false));
        self.settle_order(order, "cancelled");
    }

    /// Nothing more will happen to it.
    fn settle_order(&mut self, order: u64, state: &'static str) {
        if let Some(mut one) = self.orders.remove(&order) {
            if let Some(stay) = self.stays.get_mut(&one.stay) {
                stay.open_orders.retain(|open| *open != order);
            }
            one.record.state = state;
            self.totals.orders += 1;
            self.told
                .push_back(Told::Truth(Record::Order(Box::new(one.record))));
        }
    }

    /// What is still open at the end.
    pub(super) fn settle_orders(&mut self) {
        for order in self.orders.keys().copied().collect::<Vec<_>>() {
            self.settle_order(order, "open");
        }
    }
}
