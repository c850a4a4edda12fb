//! Routes, and what they make of a message for a destination.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;

use crate::condition::Condition;
use crate::condition::Tables;
use crate::hl7::{Charset, Message, ParseError};
use crate::route::RouteDecision;
use crate::route::step::{Environment, Step, StepError, run};
use crate::route::template::Templates;

/// One `[[route]]`, with its steps resolved.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Its line in `config.toml`, from 1.
    pub line: u32,
    /// The sources whose messages it takes.
    pub from: Vec<String>,
    /// Under which condition; always if `None`.
    pub when: Option<Condition>,
    /// What is done to the message, in order.
    pub steps: Vec<Step>,
    /// The destinations that get it.
    pub to: Vec<String>,
    /// Whether the search goes on below when this route applies.
    pub also: bool,
}

/// All routes with what they need.
///
/// They are asked from top to bottom, those that name the message's source in `from`. The first whose condition holds
/// applies and ends the search, unless it says `also`. A destination that several applying routes name gets the
/// message once, from the first of them.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    list: Vec<Route>,
    tables: Tables,
    templates: Templates,
    /// The character sets of sources whose messages name none.
    charsets: HashMap<String, Charset>,
}

/// What becomes of a message at a destination. A route is named by its place: [`Routes::route`].
#[derive(Clone)]
pub enum Plan {
    /// Nothing: no applying route names the destination.
    Filtered(FilterReason),
    /// These bytes are for it.
    Deliver {
        /// Which route, from 0.
        route: usize,
        /// The bytes: the message's own where no step changed it.
        bytes: Bytes,
        /// Whether a step changed it.
        changed: bool,
    },
    /// A step could not be done; the message is to be parked at this destination.
    Failed {
        /// Which route, from 0.
        route: usize,
        /// Which step, and why.
        error: Box<StepError>,
    },
}

/// Why a destination does not get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterReason {
    /// No route takes messages of this source to this destination.
    #[error("no route goes from this source to this destination")]
    NoRoute,
    /// Routes go there, but the message took none of them.
    #[error("no route to this destination applies to the message")]
    NotMatched,
}

impl Routes {
    /// Routes in the order of `config.toml`. Tables and templates that steps and conditions name should be among those
    /// given: a step that needs a missing one fails, and a missing table has no codes for a condition.
    #[must_use]
    pub fn new(routes: Vec<Route>, tables: Tables, templates: Templates) -> Self {
        Self {
            list: routes,
            tables,
            templates,
            charsets: HashMap::new(),
        }
    }

    /// The same routes, knowing the character sets of sources whose messages name none in MSH-18.
    #[must_use]
    pub fn with_charsets(self, charsets: HashMap<String, Charset>) -> Self {
        Self { charsets, ..self }
    }

    /// Reads a message as it was received from `source`: in that source's character set where it names none.
    ///
    /// # Errors
    /// As [`Message::parse`].
    pub fn read(&self, source: &str, raw: Bytes) -> Result<Message, ParseError> {
        let charset = self.charsets.get(source).copied();
        Message::parse(raw).map(|message| message.with_default_charset(charset))
    }

    /// All routes, in order.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.list
    }

    /// Route `index`, from 0, as [`Plan`] names it.
    #[must_use]
    pub fn route(&self, index: usize) -> Option<&Route> {
        self.list.get(index)
    }

    /// The tables.
    #[must_use]
    pub const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The templates.
    #[must_use]
    pub const fn templates(&self) -> &Templates {
        &self.templates
    }

    /// What becomes of `message`, received from `source`, at `destination`. The same arguments give the same plan, at
    /// any time.
    #[must_use]
    pub fn plan(&self, source: &str, message: &Message, destination: &str) -> Plan {
        let named = |route: &Route| route.to.iter().any(|to| to == destination);
        let taken = self.applying(source, message);
        let Some((index, route)) = taken.into_iter().find(|(_, route)| named(route)) else {
            let mut leading = self.list.iter().filter(|route| route.takes(source));
            return Plan::Filtered(if leading.any(named) {
                FilterReason::NotMatched
            } else {
                FilterReason::NoRoute
            });
        };
        let environment = Environment {
            tables: &self.tables,
            templates: &self.templates,
        };
        match run(&route.steps, message, environment) {
            Ok(outcome) => Plan::Deliver {
                route: index,
                bytes: outcome.bytes,
                changed: outcome.changed,
            },
            Err(error) => Plan::Failed {
                route: index,
                error,
            },
        }
    }

    /// The destinations that `message` goes to, each once, in the order of the routes.
    #[must_use]
    pub fn destinations(&self, source: &str, message: &Message) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for (_, route) in self.applying(source, message) {
            for to in &route.to {
                if !found.contains(&to.as_str()) {
                    found.push(to);
                }
            }
        }
        found
    }

    /// What every route says about `message`; shapes of values, never the values.
    #[must_use]
    pub fn explain(&self, source: &str, message: &Message) -> Vec<RouteDecision> {
        let mut ended = false;
        let mut served: Vec<&str> = Vec::new();
        let mut decisions = Vec::with_capacity(self.list.len());
        for route in &self.list {
            let from_matches = route.takes(source);
            let asked = from_matches && !ended;
            let when = route.when.as_ref();
            let condition = when.map(|when| when.explain(message, &self.tables));
            let applies = asked && condition.as_ref().is_none_or(|condition| condition.holds);
            let mut already_served = Vec::new();
            if applies {
                ended = !route.also;
                for to in &route.to {
                    if served.contains(&to.as_str()) {
                        already_served.push(to.clone());
                    } else {
                        served.push(to);
                    }
                }
            }
            decisions.push(RouteDecision {
                route: route.name.clone(),
                line: route.line,
                from_matches,
                asked,
                condition,
                applies,
                to: route.to.clone(),
                already_served,
            });
        }
        decisions
    }

    /// The routes that `message` takes.
    fn applying(&self, source: &str, message: &Message) -> Vec<(usize, &Route)> {
        let mut found = Vec::new();
        for (index, route) in self.list.iter().enumerate() {
            let when = route.when.as_ref();
            if route.takes(source) && when.is_none_or(|when| when.evaluate(message, &self.tables)) {
                found.push((index, route));
                if !route.also {
                    break;
                }
            }
        }
        found
    }
}

impl Route {
    /// Whether it takes messages of `source`.
    #[must_use]
    pub fn takes(&self, source: &str) -> bool {
        self.from.iter().any(|from| from == source)
    }

    /// The names of the tables that its condition and steps use.
    #[must_use]
    pub fn tables(&self) -> Vec<&str> {
        let asked = self.when.iter().flat_map(Condition::tables);
        let asked = asked.map(|(name, _)| name);
        asked
            .chain(self.steps.iter().flat_map(Step::tables))
            .collect()
    }

    /// The names of the templates that its steps use.
    #[must_use]
    pub fn templates(&self) -> Vec<&str> {
        self.steps.iter().flat_map(Step::templates).collect()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filtered(reason) => write!(f, "Filtered({reason:?})"),
            Self::Deliver {
                route,
                bytes,
                changed,
            } => {
                let length = bytes.len();
                write!(
                    f,
                    "Deliver(route {route}, {length} bytes, changed: {changed})"
                )
            }
            Self::Failed { route, error } => write!(f, "Failed(route {route}, {error})"),
        }
    }
}

#[cfg(test)]
mod tests;
