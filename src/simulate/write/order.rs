//! Orders and results: ORM^O01 and ORU^R01 (HL7 v2.5.1 chapters 4 and 7).

use bytes::Bytes;

use super::{FACILITY, Version, Writer, doctor, filler_id, name, placer_id};
use crate::hl7::build::Builder;
use crate::simulate::pathways::{Observation, OrderKind, Priority};
use crate::simulate::visit::{Moment, OrderNews, Requested};

impl Writer {
    pub(super) fn order(
        &self,
        news: &OrderNews,
        occurred: Moment,
        control_id: &str,
        at: Moment,
    ) -> Bytes {
        let kind = self.kind(news.order.kind);
        let filler = match (kind.map(|kind| kind.imaging), news.order.accepted) {
            (_, false) => "SIMORD",
            (None, true) => "SIMBED",
            (Some(true), true) => "SIMRAD",
            (Some(false), true) => "SIMLAB",
        };
        let (names, structure) = if news.is_result {
            (["ORU", "R01"], "ORU_R01")
        } else {
            (["ORM", "O01"], "ORM_O01")
        };
        let message = self.header(names, structure, filler, control_id, at);
        let message = self.identified(message, news.visit.person, "1", &news.visit);
        let message = self.visited(message, "1", &news.visit);
        let message = self.common_order(message, news, filler, occurred);
        let message = self.request(message, news, filler, occurred);
        let Some(kind) = kind.filter(|_| news.is_result) else {
            return message.finish();
        };
        let mut message = message;
        for (number, (observation, value)) in
            (1_u32..).zip(kind.observations.iter().zip(&news.order.values))
        {
            let observed = self.maybe(news.order.collected);
            // Required in 2.3.1.
            let sub_id = if self.version <= Version::V231 {
                "1"
            } else {
                ""
            };
            message = observed_value(message, number, observation, *value)
                .field(4, sub_id)
                .field(11, news.result_status)
                .field(14, &observed);
        }
        if !kind.imaging && self.version >= Version::V25 {
            message = message
                .segment(name(*b"SPM"))
                .field(1, "1")
                .components(4, &["BLD", "Whole blood", "HL70487"])
                .field(17, &self.maybe(news.order.collected))
                .field(18, &self.maybe(news.order.received));
        }
        message.finish()
    }

    pub(in crate::simulate) fn kind(&self, requested: Requested) -> Option<&OrderKind> {
        match requested {
            Requested::Kind(kind) => self.pathways.orders.get(kind),
            Requested::BedIn(_) => None,
        }
    }

    /// ORC. The transaction's time is when the news happened, the order's own is ORC-15.
    fn common_order(
        &self,
        message: Builder,
        news: &OrderNews,
        filler: &str,
        occurred: Moment,
    ) -> Builder {
        let (placer, filler) = numbers(news, filler);
        // Required in 2.3, kept for backward compatibility only since 2.5.
        let old = self.version < Version::V25;
        let timing = if old {
            priority(news.order.priority)
        } else {
            ""
        };
        let entered = news.visit.place.map(|place| self.unit(place.unit));
        message
            .segment(name(*b"ORC"))
            .field(1, news.control)
            .components(2, &[&placer, "SIMORD"])
            .raw(3, filler.as_bytes())
            .field(5, news.status)
            .components(7, &["", "", "", "", "", timing])
            .field(9, &self.time(occurred))
            .raw(
                12,
                news.order
                    .orderer
                    .map(doctor)
                    .unwrap_or_default()
                    .as_bytes(),
            )
            .components(13, &[entered.unwrap_or_default(), "", "", FACILITY])
            .field(15, &self.time(news.order.ordered))
    }

    /// OBR. OBR-7 and OBR-8 are written in results only: in an order they would be a plan.
    fn request(
        &self,
        message: Builder,
        news: &OrderNews,
        filler: &str,
        occurred: Moment,
    ) -> Builder {
        let (placer, filler) = numbers(news, filler);
        let (order, kind) = (&news.order, self.kind(news.order.kind));
        let imaging = kind.is_some_and(|kind| kind.imaging);
        let (code, text) = kind.map_or(("BEDREQ", "Bed request"), |kind| (&kind.code, &kind.name));
        let wished = match order.kind {
            Requested::BedIn(unit) => self.unit(unit),
            Requested::Kind(_) => "",
        };
        let results = |at: Option<Moment>| self.maybe(at.filter(|_| news.is_result));
        let ended = order.received.filter(|_| imaging);
        let received = order.received.filter(|_| !imaging);
        let reported = Some(occurred);
        message
            .segment(name(*b"OBR"))
            .field(1, "1")
            .components(2, &[&placer, "SIMORD"])
            .raw(3, filler.as_bytes())
            .components(4, &[code, text, "L"])
            .field(7, &results(order.collected))
            .field(8, &results(ended))
            .field(14, &self.maybe(received))
            .raw(16, order.orderer.map(doctor).unwrap_or_default().as_bytes())
            .field(18, wished)
            .field(22, &results(reported))
            .field(24, kind.map_or("", |kind| &kind.section))
            .field(25, news.result_status)
            .components(27, &["", "", "", "", "", priority(order.priority)])
    }
}

/// Placer and filler number; the filler has given none before it took the order.
fn numbers(news: &OrderNews, filler: &str) -> (String, String) {
    let number = news.order.number;
    let given = format!("{}^{filler}", filler_id(number));
    (
        placer_id(number),
        if news.order.accepted {
            given
        } else {
            String::new()
        },
    )
}

/// OBX without its status.
fn observed_value(message: Builder, number: u32, observation: &Observation, value: u32) -> Builder {
    let shown = |value: u32| decimal(value, observation.decimals);
    let Observation {
        code,
        name: text,
        units,
        low,
        high,
        ..
    } = observation;
    let flag = match (value < *low, value > *high) {
        (true, _) => "L",
        (_, true) => "H",
        _ => "N",
    };
    message
        .segment(name(*b"OBX"))
        .field(1, &number.to_string())
        .field(2, "NM")
        .components(3, &[code, text, "LN"])
        .field(5, &shown(value))
        .field(6, if &**units == "1" { "" } else { units })
        .field(7, &format!("{}-{}", shown(*low), shown(*high)))
        .field(8, flag)
}

/// `74` with one decimal → `7.4`.
fn decimal(value: u32, decimals: u8) -> String {
    if decimals == 0 {
        return value.to_string();
    }
    let unit = 10_u32.pow(decimals.into());
    let width = usize::from(decimals);
    format!("{}.{:0width$}", value / unit, value % unit)
}

/// TQ.6.
pub(in crate::simulate) const fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Stat => "S",
        Priority::Asap => "A",
        Priority::Routine => "R",
    }
}
