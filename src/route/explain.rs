//! Why a message goes where it goes: every rule with its answer, for `why`, `show` and failing `[[test]]` cases.

use serde::Serialize;

use crate::condition::Explained;

/// What one route says about a message from a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteDecision {
    /// The route's name.
    pub route: String,
    /// Its line in `config.toml`.
    pub line: u32,
    /// Whether it takes messages of that source.
    pub from_matches: bool,
    /// Whether it was asked at all: the source is its own, and no route above ended the search.
    pub asked: bool,
    /// What its condition says; `None` if it has none.
    pub condition: Option<Explained>,
    /// Whether the message takes this route.
    pub applies: bool,
    /// Where the route sends it.
    pub to: Vec<String>,
    /// Those of `to` that a route above has already named: they get the message from there.
    pub already_served: Vec<String>,
}
