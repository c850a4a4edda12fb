//! The cases, in the order they run. Their numbers are their places in this list; their names stay.

mod connections;
mod content;
mod control_id;
mod enhanced;
mod framing;
mod header;
mod limits;
mod refusal;

use super::case::Case;

/// Every list of cases. The first case of the first list is the ordinary message.
const LISTS: [&[Case]; 8] = [
    framing::CASES,
    connections::CASES,
    control_id::CASES,
    header::CASES,
    refusal::CASES,
    enhanced::CASES,
    content::CASES,
    limits::CASES,
];

/// All cases, in their order.
pub fn all() -> impl Iterator<Item = &'static Case> {
    LISTS.into_iter().flatten()
}

/// The case with this name or number (from 1).
#[must_use]
pub fn find(name: &str) -> Option<&'static Case> {
    let number: Option<usize> = name.parse().ok();
    all()
        .enumerate()
        .find(|(index, case)| case.id == name || number == Some(index + 1))
        .map(|(_, case)| case)
}
