//! What can be told only when all of the pathways are read: whether people can come at all, begin where they may, have the
//! beds they need, and whether pathways lead anywhere.

use super::{Action, Level, Pathways, PathwaysError};

pub(super) fn check(
    read: &Pathways,
    lines: &[Vec<u32>],
    text: &str,
    errors: &mut Vec<PathwaysError>,
) {
    let mut wrong = |line: u32, expected: String| {
        let text = text
            .lines()
            .nth(line.saturating_sub(1) as usize)
            .unwrap_or_default();
        let blank = text.chars().take_while(|c| c.is_whitespace()).count();
        errors.push(PathwaysError {
            line,
            column: u32::try_from(blank).unwrap_or_default() + 1,
            expected,
            text: text.to_owned(),
        });
    };
    for (number, arrivals) in read.arrivals.iter().enumerate() {
        let weights = read.pathways.iter().filter_map(|pathway| pathway.from);
        if !weights
            .clone()
            .any(|(from, weight)| from == number && weight > 0)
        {
            let name = &arrivals.name;
            let line = text.lines().position(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some("arrivals") && words.next() == Some(name)
            });
            let line = u32::try_from(line.unwrap_or_default()).unwrap_or_default() + 1;
            wrong(
                line,
                format!("a `pathway … from {name} weight 1` for these arrivals"),
            );
        }
    }
    if read.arrivals.is_empty() {
        wrong(
            1,
            "at least one `arrivals` statement: nobody would come".to_owned(),
        );
    }
    for (number, (pathway, lines)) in read.pathways.iter().zip(lines).enumerate() {
        let (head, steps) = lines
            .split_first()
            .map_or((1, &[][..]), |(head, steps)| (*head, steps));
        if pathway.steps.is_empty() {
            wrong(head, "steps below the pathway".to_owned());
        }
        for (at, (step, line)) in pathway.steps.iter().zip(steps).enumerate() {
            let first = at == 0 && pathway.from.is_some();
            if let Some(expected) = misplaced(read, step.action, first) {
                wrong(*line, expected.to_owned());
            } else if at == 0 && pathway.from.is_some() && step.odds.parts() < 1_000_000 {
                wrong(
                    *line,
                    "a first step without a share: it always happens".to_owned(),
                );
            }
            if let Action::Follow { pathway: next } = step.action
                && leads_to(read, next, number)
            {
                wrong(
                    *line,
                    "a pathway that does not lead back to this one".to_owned(),
                );
            }
        }
    }
}

/// What should stand in place of an action that cannot be where it is.
fn misplaced(read: &Pathways, action: Action, first: bool) -> Option<&'static str> {
    let begins = matches!(
        action,
        Action::Register { .. } | Action::Admit { .. } | Action::Preadmit { .. }
    );
    if first && !begins && !matches!(action, Action::Book { .. }) {
        return Some(
            "register, admit, preadmit or book as the first step of a pathway that people arrive on",
        );
    }
    if !first && begins {
        return Some(
            "register, admit and preadmit only as the first step of a pathway with `from`",
        );
    }
    let level = |unit: usize| read.units.get(unit).map(|unit| unit.level);
    match action {
        Action::Admit { unit }
        | Action::Preadmit { unit, .. }
        | Action::Request { unit }
        | Action::Move { unit }
            if matches!(level(unit), Some(Level::Imaging | Level::Clinic)) =>
        {
            Some("a unit with beds")
        }
        Action::Register { unit } if level(unit) != Some(Level::Emergency) => {
            Some("an emergency unit")
        }
        Action::Book { unit, .. } if level(unit) != Some(Level::Clinic) => Some("a clinic"),
        Action::Book { ahead, .. } if ahead.least < 2 * 3600 => {
            Some("an appointment at least 2h ahead")
        }
        _ => None,
    }
}

/// Whether following `from` comes to `to`.
fn leads_to(read: &Pathways, from: usize, to: usize) -> bool {
    let mut seen = vec![from];
    let mut next = 0;
    while let Some(&at) = seen.get(next) {
        next += 1;
        let steps = read
            .pathways
            .get(at)
            .map_or(&[][..], |pathway| &pathway.steps);
        for step in steps {
            if let Action::Follow { pathway } = step.action
                && !seen.contains(&pathway)
            {
                seen.push(pathway);
            }
        }
    }
    seen.contains(&to)
}
