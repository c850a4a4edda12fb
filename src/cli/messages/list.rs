//! `wardwire messages list`: the search.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{disposition, local, standing};
use crate::cli::exit::{Ending, Exit, Failure};
use crate::cli::output::{Format, Output, Table, tell};
use crate::cli::{place, values};
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal::{Archive, Disposition, MessageType, OutcomeKind, Query, Row, Standing};

const EXAMPLES: &str = "\
Examples:
  wardwire messages list                              the newest 50
  wardwire messages list --id 4711                    one patient, visit, order or control ID
  wardwire messages list --since 2h --type ADT^A01
  wardwire messages list --since \"2026-03-08 07:00\" --until \"2026-03-08 08:00\"
  wardwire messages list --state parked --to lab --format json

Newest first. An ID is looked up among control IDs (MSH-10), patient IDs, visit numbers and order numbers; it must be whole. \
Times without a zone are in the time zone of the configuration.

States: waiting, delivered, filtered (no route sends it there), parked, discarded, replaying, at any destination or the one \
named by --to; refused: answered with an error or rejection and delivered nowhere.";

/// Search the journal
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// A control ID, patient ID, visit number or order number
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Received since then: 2h (ago), a date, or a date and time
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    since: Option<values::Moment>,
    /// Received before then
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    until: Option<values::Moment>,
    /// Received by this source
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Of this type: ADT or ADT^A01
    #[arg(long = "type", value_name = "TYPE", value_parser = values::message_type)]
    message_type: Option<MessageType>,
    /// Standing like this at a destination, or refused
    #[arg(long, value_name = "STATE", value_enum, hide_possible_values = true)]
    state: Option<State>,
    /// At this destination
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// text, json (one object a message) or csv
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    Waiting,
    Replaying,
    Delivered,
    Filtered,
    Parked,
    Discarded,
    Refused,
}

impl State {
    const fn standing(self) -> Option<Standing> {
        Some(match self {
            Self::Waiting => Standing::Waiting,
            Self::Replaying => Standing::Replaying,
            Self::Delivered => Standing::Settled(OutcomeKind::Delivered),
            Self::Filtered => Standing::Settled(OutcomeKind::Filtered),
            Self::Parked => Standing::Settled(OutcomeKind::Parked),
            Self::Discarded => Standing::Settled(OutcomeKind::Discarded),
            Self::Refused => return None,
        })
    }
}

impl List {
    pub(super) fn run(self, settings: &Settings, clock: &Clock, out: &mut Output) -> Ending {
        let rows = self.search(&place::archive(settings)?, settings, clock)?;
        match self.format {
            Format::Json => rows.iter().try_for_each(|row| out.json(&object(row)))?,
            format => {
                let head = ["id", "received", "source", "type", "state", "destinations"];
                let mut table = Table::new(head);
                for row in &rows {
                    let standings: Vec<String> = row
                        .standings
                        .iter()
                        .map(|(name, at)| format!("{name} {}", standing(*at)))
                        .collect();
                    table.row([
                        row.position.to_string(),
                        local(row.received, &settings.engine.zone),
                        row.source.to_string(),
                        row.message_type.to_string(),
                        disposition(row.disposition),
                        standings.join(", "),
                    ]);
                }
                if format == Format::Csv || !table.is_empty() {
                    table.write(format, out)?;
                }
            }
        }
        if rows.is_empty() {
            tell("no message matches");
        } else if rows.len() == self.limit && self.format == Format::Text {
            tell(format_args!(
                "the newest {} are shown; --limit 0 shows all that match",
                self.limit
            ));
        }
        Ok(Exit::Ok)
    }

    fn search(
        &self,
        archive: &Archive,
        settings: &Settings,
        clock: &Clock,
    ) -> Result<Vec<Row>, Failure> {
        let resolve = |moment: Option<values::Moment>| {
            moment
                .map(|moment| moment.resolve(clock.now(), &settings.engine.zone))
                .transpose()
                .map_err(|error| Failure::said(Exit::Usage, error))
        };
        if let Some(name) = &self.to
            && !archive
                .destinations()
                .iter()
                .any(|known| known.name == *name)
        {
            return Err(Failure::said(
                Exit::Usage,
                format_args!("the journal knows no destination {name}"),
            ));
        }
        let refused = self.state == Some(State::Refused);
        let query = Query {
            since: resolve(self.since)?,
            until: resolve(self.until)?,
            source: self.source.clone(),
            message_type: self.message_type,
            id: self.id.clone().map(String::into_bytes),
            standing: self.state.and_then(State::standing),
            destination: self.to.clone(),
            limit: if refused { 0 } else { self.limit },
        };
        let mut rows = archive.search(&query).map_err(place::unreadable)?;
        if refused {
            rows.retain(|row| row.disposition != Disposition::Accepted);
            if self.limit > 0 {
                rows.truncate(self.limit);
            }
        }
        Ok(rows)
    }
}

fn object(row: &Row) -> serde_json::Value {
    let standings: serde_json::Map<_, _> = row
        .standings
        .iter()
        .map(|(name, at)| (name.to_string(), json!(standing(*at))))
        .collect();
    json!({
        "id": row.position.to_string(),
        "received": row.received.to_string(),
        "source": &*row.source,
        "type": row.message_type.to_string(),
        "state": disposition(row.disposition),
        "destinations": standings,
    })
}
