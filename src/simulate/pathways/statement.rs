//! The statements that stand alone: units, what can be ordered, arrivals, rates.

use super::line::Line;
use super::{Arrivals, Level, Observation, OrderKind, PathwaysError, Rate, Rates, Unit};
use crate::simulate::random::{Odds, Spread};

const LEVELS: [(&str, Level); 5] = [
    ("emergency", Level::Emergency),
    ("ward", Level::Ward),
    ("intensive", Level::Intensive),
    ("imaging", Level::Imaging),
    ("clinic", Level::Clinic),
];

/// One of `words`, by what it stands for.
pub(super) fn word<T: Copy>(
    line: &mut Line<'_>,
    what: &str,
    words: &[(&str, T)],
) -> Result<T, PathwaysError> {
    let column = line.column();
    let at = line.one_of(what, words.iter().map(|(word, _)| *word))?;
    let found = words.get(at).map(|(_, value)| *value);
    found.ok_or_else(|| line.error(column, what))
}

/// `CODE LEVEL [beds N] service CODE [response TIME] [clean TIME]`
pub(super) fn unit(line: &mut Line<'_>) -> Result<Unit, PathwaysError> {
    let code = line.name("the unit's code")?;
    let level = word(line, "a level", &LEVELS)?;
    let has_beds = !matches!(level, Level::Imaging | Level::Clinic);
    let (mut beds, mut response, mut clean) = (0, Spread::default(), Spread::default());
    if has_beds {
        line.word("beds")?;
        beds = line.number("how many beds", 10_000)?;
    }
    line.word("service")?;
    let service = line.name("a hospital service")?;
    if has_beds {
        line.word("response")?;
        response = line.spread()?;
        line.word("clean")?;
        clean = line.spread()?;
    }
    let beds = u16::try_from(beds).unwrap_or(u16::MAX);
    Ok(Unit {
        code,
        level,
        beds,
        service,
        response,
        clean,
    })
}

pub(super) fn order(line: &mut Line<'_>) -> Result<OrderKind, PathwaysError> {
    let code = line.name("the order's code")?;
    let imaging = word(line, "a kind", &[("laboratory", false), ("imaging", true)])?;
    line.word("section")?;
    let section = line.name("a diagnostic service section")?;
    line.word("name")?;
    let name = line.text("a name such as \"Complete blood count\"")?;
    let mut spread = |stage: &str| {
        line.word(stage)?;
        line.spread()
    };
    let (accept, collect, receive) = (spread("accept")?, spread("collect")?, spread("receive")?);
    let (result, verify) = (spread("result")?, spread("verify")?);
    let mut shares = [Odds::NEVER; 3];
    while line.has_more() {
        let at = line.one_of(
            "a share",
            ["preliminary", "corrected", "cancelled"].into_iter(),
        )?;
        let odds = line.odds()?;
        if let Some(share) = shares.get_mut(at) {
            *share = odds;
        }
    }
    let [preliminary, corrected, cancelled] = shares;
    Ok(OrderKind {
        code,
        name,
        imaging,
        section,
        accept,
        collect,
        receive,
        result,
        verify,
        preliminary,
        corrected,
        cancelled,
        observations: Vec::new(),
    })
}

/// `CODE "TEXT" UNITS LOW..HIGH`
pub(super) fn observation(line: &mut Line<'_>) -> Result<Observation, PathwaysError> {
    let code = line.text("the observation's code")?;
    let name = line.text("a name such as \"Leukocytes\"")?;
    let units = line.text("its units, or 1")?;
    let (low, high, decimals) = line.value("a range such as 4.0..11.0", |word| {
        let (low, high) = word.split_once("..")?;
        let decimals = [low, high].map(|n| n.split_once('.').map_or(0, |(_, part)| part.len()));
        let decimals = decimals
            .into_iter()
            .max()
            .filter(|decimals| *decimals <= 4)?;
        let scaled = |number: &str| -> Option<u32> {
            let (whole, part) = number.split_once('.').unwrap_or((number, ""));
            format!("{whole}{part:0<decimals$}").parse().ok()
        };
        let (low, high) = (scaled(low)?, scaled(high)?);
        (low <= high).then_some((low, high, u8::try_from(decimals).ok()?))
    })?;
    Ok(Observation {
        code,
        name,
        units,
        low,
        high,
        decimals,
    })
}

/// `NAME N by hour W0 … W23`
pub(super) fn arrivals(line: &mut Line<'_>) -> Result<Arrivals, PathwaysError> {
    let name = line.name("the arrivals' name")?;
    let a_day = line.number("how many a day", 100_000)?;
    line.word("by")?;
    line.word("hour")?;
    let mut hours = [0; 24];
    for weight in &mut hours {
        *weight = line.number("24 weights, one an hour", 1_000_000)?;
    }
    if hours.iter().all(|weight| *weight == 0) {
        return Err(line.here("a weight above 0"));
    }
    Ok(Arrivals { name, a_day, hours })
}

/// `NAME SHARE [after TIME]`
pub(super) fn rate(line: &mut Line<'_>, rates: &mut Rates) -> Result<(), PathwaysError> {
    let mut known = rates.by_name();
    let at = line.one_of("a rate", known.iter().map(|(name, _)| *name))?;
    let odds = line.odds()?;
    let mut after = Spread::default();
    if line.has_more() {
        line.word("after")?;
        after = line.spread()?;
    }
    if let Some((_, rate)) = known.get_mut(at) {
        **rate = Rate { odds, after };
    }
    Ok(())
}

impl Rates {
    fn by_name(&mut self) -> [(&'static str, &mut Rate); 18] {
        [
            ("cancel_admit", &mut self.cancel_admit),
            ("cancel_transfer", &mut self.cancel_transfer),
            ("cancel_discharge", &mut self.cancel_discharge),
            ("cancel_preadmit", &mut self.cancel_preadmit),
            ("update", &mut self.update),
            ("handoff", &mut self.handoff),
            ("swap", &mut self.swap),
            ("merge", &mut self.merge),
            ("reschedule", &mut self.reschedule),
            ("cancel_appointment", &mut self.cancel_appointment),
            ("no_show", &mut self.no_show),
            ("late", &mut self.late),
            ("duplicate", &mut self.duplicate),
            ("retold", &mut self.retold),
            ("patience", &mut self.patience),
            ("give_up", &mut self.give_up),
            ("assign", &mut self.assign),
            ("transport", &mut self.transport),
        ]
    }
}
