//! `wardwire status`: what the running engine is doing.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::exit::{Ending, Exit, Failure, OrExit};
use super::output::{Format, Output, Table, grouped, tell};
use crate::config::Settings;
use crate::engine::control::{self, Request};

const EXAMPLES: &str = "\
Examples:
  wardwire status
  wardwire status --format json | jq '.destinations[] | select(.trouble)'

Counts are since the engine started; waiting and parked messages are all there are.

Exit codes: 0 all well, 2 somebody should look at something, 69 no engine runs.";

/// Show what the running engine is doing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Status {
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

impl Status {
    pub(super) async fn run(self, settings: &Settings, out: &mut Output) -> Ending {
        let asked = control::call(&settings.engine.data, &Request::Status).await;
        let answer = asked.or_exit(Exit::Unavailable)?;
        if !answer.ok {
            return Err(Failure::said(Exit::Failed, answer.text));
        }
        let report = answer.data;
        if self.format == Format::Json {
            out.json(&report)?;
        } else {
            write(&report, self.format, settings, out)?;
        }
        let journal = report.get("journal").and_then(Value::as_str);
        if let Some(trouble) = journal {
            tell(format_args!("journal: {trouble}"));
        }
        let lanes = list(&report, "destinations");
        let troubled = lanes
            .iter()
            .any(|lane| lane.get("trouble") == Some(&Value::Bool(true)));
        Ok(if troubled || journal.is_some() {
            Exit::Findings
        } else {
            Exit::Ok
        })
    }
}

fn write(
    report: &Value,
    format: Format,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let moment = |value: &Value, key: &str| {
        let at: Option<Timestamp> = value
            .get(key)
            .and_then(Value::as_str)
            .and_then(|at| at.parse().ok());
        at.map(|at| {
            at.to_zoned(settings.engine.zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        })
        .unwrap_or_default()
    };
    let mut sources = Table::new([
        "source",
        "kind",
        "at",
        "open",
        "accepted",
        "refused",
        "duplicates",
        "warnings",
        "last received",
    ]);
    for source in list(report, "sources") {
        let mut row: Vec<String> = ["name", "kind", "at"].map(|key| text(source, key)).into();
        row.extend(
            [
                "connections",
                "accepted",
                "refused",
                "duplicates",
                "warnings",
            ]
            .map(|key| count(source, key)),
        );
        row.push(moment(source, "last_received"));
        sources.row(row);
    }
    sources.write(format, out)?;
    out.line("")?;
    let mut lanes = Table::new([
        "destination",
        "kind",
        "waiting",
        "parked",
        "delivered",
        "last delivered",
        "code",
        "state",
    ]);
    for lane in list(report, "destinations") {
        let mut row: Vec<String> = ["name", "kind"].map(|key| text(lane, key)).into();
        row.extend(["backlog", "parked", "delivered"].map(|key| count(lane, key)));
        row.extend([
            moment(lane, "last_success"),
            text(lane, "last_code"),
            text(lane, "state"),
        ]);
        lanes.row(row);
    }
    lanes.write(format, out)
}

fn list<'a>(report: &'a Value, key: &str) -> &'a [Value] {
    report
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn count(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_u64)
        .map(grouped)
        .unwrap_or_default()
}
