//! Reading pathways: statements line by line, every fault of the text at once.

use std::sync::Arc;

use super::check::check;
use super::line::Line;
use super::statement::{arrivals, observation, order, rate, unit, word};
use super::{Action, Disposition, Pathway, Pathways, PathwaysError, Priority, Rates, Step};
use crate::simulate::random::Odds;

const HEADS: [&str; 5] = ["unit", "order", "arrivals", "pathway", "rate"];
const VERBS: [&str; 16] = [
    "register",
    "bed",
    "admit",
    "preadmit",
    "wait",
    "order",
    "request",
    "move",
    "consult",
    "handoff",
    "update",
    "depart",
    "leave",
    "book",
    "follow",
    "discharge",
];
const PRIORITIES: [(&str, Priority); 3] = [
    ("stat", Priority::Stat),
    ("asap", Priority::Asap),
    ("routine", Priority::Routine),
];
const DISPOSITIONS: [(&str, Disposition); 4] = [
    ("home", Disposition::Home),
    ("facility", Disposition::Facility),
    ("died", Disposition::Died),
    ("left", Disposition::Left),
];

/// What the text calls things, in its order, known before anything that refers to them is read.
#[derive(Default)]
pub(super) struct Names {
    units: Vec<Arc<str>>,
    orders: Vec<Arc<str>>,
    arrivals: Vec<Arc<str>>,
    pathways: Vec<Arc<str>>,
}

/// What is being read.
struct Reader {
    names: Names,
    read: Pathways,
    /// The line in which each pathway begins and those of its steps, for what can only be checked in the end.
    lines: Vec<Vec<u32>>,
    /// What the statement before began and the lines below it go on with.
    open: Open,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Order,
    Pathway,
}

pub(super) fn read(text: &str) -> Result<Pathways, Vec<PathwaysError>> {
    let mut errors = Vec::new();
    let mut reader = Reader {
        names: Names::default(),
        read: Pathways {
            units: Vec::new(),
            orders: Vec::new(),
            arrivals: Vec::new(),
            pathways: Vec::new(),
            rates: Rates::default(),
        },
        lines: Vec::new(),
        open: Open::Nothing,
    };
    for (number, text) in (1..).zip(text.lines()) {
        if let Ok(mut line) = Line::cut(number, text) {
            errors.extend(reader.names.note(&mut line).err());
        }
    }
    for (number, text) in (1..).zip(text.lines()) {
        let statement = Line::cut(number, text).and_then(|mut line| {
            if line.is_empty() {
                return Ok(());
            }
            reader.statement(number, &mut line)?;
            line.end()
        });
        errors.extend(statement.err());
    }
    if errors.is_empty() {
        check(&reader.read, &reader.lines, text, &mut errors);
    }
    errors.sort_by_key(|error| (error.line, error.column));
    errors.dedup();
    if errors.is_empty() {
        return Ok(reader.read);
    }
    Err(errors)
}

impl Names {
    /// Notes what a statement calls itself.
    fn note(&mut self, line: &mut Line<'_>) -> Result<(), PathwaysError> {
        let names = match line.peek() {
            Some("unit") => &mut self.units,
            Some("order") if is_order(line) => &mut self.orders,
            Some("arrivals") => &mut self.arrivals,
            Some("pathway") => &mut self.pathways,
            _ => return Ok(()),
        };
        line.skip();
        let column = line.column();
        let Ok(name) = line.name("a name") else {
            return Ok(()); // told when the statement is read
        };
        if names.contains(&name) {
            return Err(line.error(column, format!("another name: there is a {name} already")));
        }
        names.push(name);
        Ok(())
    }
}

/// `order CBC laboratory …` says what can be ordered; `order CBC stat` is a step.
fn is_order(line: &Line<'_>) -> bool {
    matches!(line.ahead(2), Some("laboratory" | "imaging"))
}

impl Reader {
    fn statement(&mut self, number: u32, line: &mut Line<'_>) -> Result<(), PathwaysError> {
        let head = line.peek().unwrap_or_default();
        let is_step = self.open == Open::Pathway
            && (VERBS.contains(&head) || Odds::read(head).is_some())
            && !(head == "order" && is_order(line));
        if is_step {
            let step = self.step(line)?;
            if let (Some(pathway), Some(lines)) =
                (self.read.pathways.last_mut(), self.lines.last_mut())
            {
                pathway.steps.push(step);
                lines.push(number);
            }
            return Ok(());
        }
        if self.open == Open::Order && head == "observe" {
            line.skip();
            let observation = observation(line)?;
            if let Some(order) = self.read.orders.last_mut() {
                order.observations.push(observation);
            }
            return Ok(());
        }
        let known = match self.open {
            Open::Nothing => HEADS.to_vec(),
            Open::Order => [&HEADS[..], &["observe"]].concat(),
            Open::Pathway => [&VERBS[..], &HEADS[..]].concat(),
        };
        let at = line.one_of("a statement", known.iter().copied())?;
        self.open = Open::Nothing;
        match known.get(at).copied().unwrap_or_default() {
            "unit" => self.read.units.push(unit(line)?),
            "order" => {
                self.open = Open::Order;
                self.read.orders.push(order(line)?);
            }
            "arrivals" => self.read.arrivals.push(arrivals(line)?),
            "pathway" => {
                self.open = Open::Pathway;
                self.lines.push(vec![number]);
                let pathway = self.pathway(line);
                self.read.pathways.push(pathway?);
            }
            _ => rate(line, &mut self.read.rates)?,
        }
        Ok(())
    }

    /// `NAME [from ARRIVALS weight N]`
    fn pathway(&self, line: &mut Line<'_>) -> Result<Pathway, PathwaysError> {
        let name = line.name("the pathway's name")?;
        let mut from = None;
        if line.has_more() {
            line.word("from")?;
            let arrivals = of("arrivals", &self.names.arrivals, line)?;
            line.word("weight")?;
            from = Some((arrivals, line.number("a weight", 1_000_000)?));
        }
        Ok(Pathway {
            name,
            from,
            steps: Vec::new(),
        })
    }

    fn step(&self, line: &mut Line<'_>) -> Result<Step, PathwaysError> {
        let mut odds = Odds::ALWAYS;
        if line.peek().is_some_and(|word| Odds::read(word).is_some()) {
            odds = line.odds()?;
        }
        let at = line.one_of("a step", VERBS.iter().copied())?;
        let verb = VERBS.get(at).copied().unwrap_or_default();
        let unit = |line: &mut Line<'_>| of("a unit", &self.names.units, line);
        let action = match verb {
            "register" => Action::Register { unit: unit(line)? },
            "bed" => Action::Bed,
            "admit" => Action::Admit { unit: unit(line)? },
            "preadmit" => {
                let unit = unit(line)?;
                line.word("in")?;
                Action::Preadmit {
                    unit,
                    ahead: line.spread()?,
                }
            }
            "wait" => Action::Wait(line.spread()?),
            "order" => {
                let kind = of("an order", &self.names.orders, line)?;
                let mut priority = Priority::Routine;
                if line.has_more() {
                    priority = word(line, "a priority", &PRIORITIES)?;
                }
                Action::Order { kind, priority }
            }
            "request" => Action::Request { unit: unit(line)? },
            "move" => Action::Move { unit: unit(line)? },
            "consult" => Action::Consult { unit: unit(line)? },
            "handoff" => Action::Handoff,
            "update" => Action::Update,
            "depart" => Action::Depart {
                unit: unit(line)?,
                away: line.spread()?,
            },
            "leave" => Action::Leave {
                away: line.spread()?,
            },
            "book" => {
                let unit = unit(line)?;
                line.word("in")?;
                let ahead = line.spread()?;
                line.word("for")?;
                Action::Book {
                    unit,
                    ahead,
                    length: line.spread()?,
                }
            }
            "follow" => Action::Follow {
                pathway: of("a pathway", &self.names.pathways, line)?,
            },
            _ => Action::Discharge(word(line, "where to", &DISPOSITIONS)?),
        };
        Ok(Step { odds, action })
    }
}

fn of(what: &str, names: &[Arc<str>], line: &mut Line<'_>) -> Result<usize, PathwaysError> {
    line.one_of(what, names.iter().map(|name| &**name))
}
