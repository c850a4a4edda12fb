//! `wardwire messages show`: everything that is known of one message, and why it went where it went.

use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::{disposition, local};
use crate::cli::exit::{Ending, Exit, Failure};
use crate::cli::output::{Format, Output, Table, printable};
use crate::cli::{place, show};
use crate::condition::Explained;
use crate::config::Settings;
use crate::hl7::Message;
use crate::hl7::acknowledgment::Answer;
use crate::journal::{Archive, Entry, Outcome, Position};
use crate::route::RouteDecision;

const EXAMPLES: &str = "\
Examples:
  wardwire messages show 3-1f40
  wardwire messages show 3-1f40 --phi                 with the message as a tree
  wardwire messages show 3-1f40 --raw --phi > message.hl7

The routes are those of the configuration as it is now. Content is shown only with --phi.";

/// Show one message: how it was answered, what happened at each destination, and which rule decided
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// The message, as `messages list` calls it
    #[arg(value_name = "ID")]
    id: Position,
    /// Show content: the message as a tree, and the acknowledgments' texts
    #[arg(long)]
    phi: bool,
    /// Write the message's bytes and nothing else
    #[arg(long, requires = "phi", conflicts_with = "format")]
    raw: bool,
    /// text or json
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

impl Show {
    pub(super) fn run(self, settings: &Settings, out: &mut Output) -> Ending {
        let archive = place::archive(settings)?;
        let entry = archive.entry(self.id).map_err(place::unreadable)?;
        if self.raw {
            out.bytes(&entry.raw)?;
            return Ok(Exit::Ok);
        }
        let outcomes = archive.outcomes(self.id).map_err(place::unreadable)?;
        let received = settings.routes.read(&entry.source, entry.raw.clone());
        let decisions = received
            .map(|message| settings.routes.explain(&entry.source, &message))
            .unwrap_or_default();
        if self.format == Format::Json {
            return self.write_json(&entry, &outcomes, &decisions, out);
        }
        self.write_facts(&entry, settings, out)?;
        out.line("")?;
        write_outcomes(&archive, &entry, &outcomes, settings, out)?;
        if !decisions.is_empty() {
            out.line(format_args!("\nRoutes ({})", settings.origin))?;
            decisions
                .iter()
                .try_for_each(|decision| write_decision(decision, out))?;
        }
        if self.phi {
            out.line("")?;
            show::show_all(&entry.raw, Format::Text, false, out)?;
        }
        Ok(Exit::Ok)
    }

    fn write_facts(
        &self,
        entry: &Entry,
        settings: &Settings,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let peer = entry
            .peer
            .as_deref()
            .map(|peer| format!(", from {peer}"))
            .unwrap_or_default();
        let warnings = if entry.warnings.is_empty() {
            "none".to_owned()
        } else {
            entry.warnings.join(", ")
        };
        let answers: Vec<String> = answers(entry, self.phi)
            .into_iter()
            .map(|(code, text)| {
                if text.is_empty() {
                    code
                } else {
                    format!("{code} ({text})")
                }
            })
            .collect();
        let answers = if answers.is_empty() {
            "nothing".to_owned()
        } else {
            answers.join(", ")
        };
        let facts = [
            ("message", entry.position.to_string()),
            ("received", local(entry.received, &settings.engine.zone)),
            ("source", format!("{}{peer}", entry.source)),
            (
                "type",
                format!("{}, {} bytes", entry.message_type, entry.raw.len()),
            ),
            ("state", disposition(entry.disposition)),
            ("answered", answers),
            ("warnings", warnings),
        ];
        facts
            .iter()
            .try_for_each(|(name, value)| out.line(format_args!("{name:<9} {value}")))
    }

    fn write_json(
        &self,
        entry: &Entry,
        outcomes: &[(Arc<str>, Outcome)],
        decisions: &[RouteDecision],
        out: &mut Output,
    ) -> Ending {
        let codes: Vec<Value> = answers(entry, self.phi)
            .into_iter()
            .map(|(code, text)| {
                if self.phi {
                    json!({"code": code, "text": text})
                } else {
                    json!({"code": code})
                }
            })
            .collect();
        let outcomes: Vec<Value> = outcomes
            .iter()
            .map(|(to, outcome)| {
                json!({
                    "destination": &**to, "state": outcome.kind.as_str(), "at": outcome.at.to_string(),
                    "attempts": outcome.attempts, "code": outcome.code, "reason": outcome.reason,
                })
            })
            .collect();
        let mut object = json!({
            "id": entry.position.to_string(), "received": entry.received.to_string(),
            "source": &*entry.source, "peer": entry.peer.as_deref(),
            "type": entry.message_type.to_string(), "bytes": entry.raw.len(),
            "state": disposition(entry.disposition), "answered": codes,
            "warnings": entry.warnings, "outcomes": outcomes, "routes": decisions,
        });
        if let (true, Some(object)) = (self.phi, object.as_object_mut()) {
            let raw = String::from_utf8_lossy(&entry.raw).into_owned();
            object.insert("raw".to_owned(), Value::String(raw));
        }
        out.json(&object)?;
        Ok(Exit::Ok)
    }
}

/// Code and, if it may be shown, text of the acknowledgments we answered.
fn answers(entry: &Entry, phi: bool) -> Vec<(String, String)> {
    let read = |raw| {
        let message = Message::parse(bytes::Bytes::clone(raw)).ok()?;
        let answer = Answer::of(&message)?;
        let code = answer.code.map_or("?", |code| code.as_str()).to_owned();
        let text = if phi {
            printable(&String::from_utf8_lossy(answer.text))
        } else {
            String::new()
        };
        Some((code, text))
    };
    entry.acknowledgments.iter().filter_map(read).collect()
}

/// What happened at each destination, oldest first, and where nothing has happened yet.
fn write_outcomes(
    archive: &Archive,
    entry: &Entry,
    outcomes: &[(Arc<str>, Outcome)],
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut table = Table::new(["destination", "state", "at", "attempts", "code", "reason"]);
    for (to, outcome) in outcomes {
        table.row([
            to.to_string(),
            outcome.kind.as_str().to_owned(),
            local(outcome.at, &settings.engine.zone),
            outcome.attempts.to_string(),
            outcome.code.clone().unwrap_or_default(),
            outcome.reason.clone().unwrap_or_default(),
        ]);
    }
    for state in archive.destinations() {
        let known = outcomes.iter().any(|(to, _)| **to == *state.name);
        if !known && entry.disposition == crate::journal::Disposition::Accepted {
            let state_now = if entry.position > state.done_to {
                "waiting"
            } else {
                "past"
            };
            table.row([&state.name, state_now, "", "", "", ""].map(str::to_owned));
        }
    }
    if table.is_empty() {
        return out.line("It goes to no destination.");
    }
    table.write(Format::Text, out)
}

fn write_decision(decision: &RouteDecision, out: &mut Output) -> Result<(), Failure> {
    let verdict = match decision {
        RouteDecision {
            from_matches: false,
            ..
        } => "other sources only".to_owned(),
        RouteDecision { asked: false, .. } => "not asked: a route above took it".to_owned(),
        RouteDecision {
            applies: true, to, ..
        } => format!("applies, to {}", to.join(", ")),
        _ => "does not apply".to_owned(),
    };
    out.line(format_args!(
        "  line {:<4} {}: {verdict}",
        decision.line, decision.route
    ))?;
    if !decision.already_served.is_empty() {
        let names = decision.already_served.join(", ");
        out.line(format_args!(
            "            ({names} has it from a route above)"
        ))?;
    }
    match &decision.condition {
        Some(condition) if decision.asked => write_condition(condition, 1, out),
        _ => Ok(()),
    }
}

fn write_condition(part: &Explained, depth: usize, out: &mut Output) -> Result<(), Failure> {
    let indent = " ".repeat(10 + 2 * depth);
    let holds = if part.holds { "true " } else { "false" };
    let shape = part
        .shape
        .as_ref()
        .map(|shape| format!("  (the value: {shape})"))
        .unwrap_or_default();
    out.line(format_args!("{indent}{holds}  {}{shape}", part.text))?;
    part.parts
        .iter()
        .try_for_each(|part| write_condition(part, depth + 1, out))
}
