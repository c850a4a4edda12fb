//! `wardwire journal`: checking the journal's files, and saving what is left of damaged ones.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Ending, Exit, Failure};
use super::output::{Format, Output, Table, grouped, tell};
use super::place;
use crate::engine::control;
use crate::journal::{self, Fault, Report};

const EXAMPLES: &str = "\
Examples:
  wardwire journal verify
  wardwire journal salvage";

const VERIFY_EXAMPLES: &str = "\
Examples:
  wardwire journal verify
  wardwire journal verify --dir /backup/data/journal

Every byte of every file is read; no key is needed, and the engine may be running.

Exit codes: 0 sound, 2 damaged.";

const SALVAGE_EXAMPLES: &str = "\
Example:
  wardwire journal salvage

For a journal that the engine refuses to open. Damaged regions are copied aside and skipped, and it is said what was lost, by \
position and size; nothing else moves. The engine must be stopped.

Exit codes: 0 nothing was lost, 2 something was, 69 the engine is running.";

/// Check the journal's files, or save what is left of damaged ones
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Journal {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(Verify),
    Salvage(Salvage),
}

/// Check every byte of the journal
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
struct Verify {
    /// The journal's folder, if it is not the one of the configuration
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// text, json or csv
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

/// Make a damaged journal usable again
#[derive(Debug, Args)]
#[command(after_help = SALVAGE_EXAMPLES)]
struct Salvage {
    /// The journal's folder, if it is not the one of the configuration
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Journal {
    pub(super) async fn run(self, config: Option<PathBuf>, out: &mut Output) -> Ending {
        match self.command {
            Command::Verify(verify) => verify.run(config, out),
            Command::Salvage(salvage) => salvage.run(config, out).await,
        }
    }
}

fn folder(dir: Option<PathBuf>, config: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let dir = match dir {
        Some(dir) => dir,
        None => place::load(&place::origin(config))?.journal.dir,
    };
    if dir.is_dir() {
        return Ok(dir);
    }
    Err(Failure::said(
        Exit::Failed,
        format_args!("there is no journal in {}", dir.display()),
    ))
}

impl Verify {
    fn run(self, config: Option<PathBuf>, out: &mut Output) -> Ending {
        let dir = folder(self.dir, config)?;
        let report = journal::verify(&dir).map_err(place::unreadable)?;
        let sound = report.faults.is_empty() && report.missing.is_empty();
        if self.format == Format::Json {
            out.json(&object(&report))?;
        } else {
            let mut table = Table::new(["file", "records", "messages", "outcomes"]);
            for segment in &report.segments {
                let name = segment.file.file_name().unwrap_or_default();
                table.row([
                    name.to_string_lossy().into_owned(),
                    grouped(segment.records),
                    grouped(segment.entries),
                    grouped(segment.outcomes),
                ]);
            }
            table.write(self.format, out)?;
        }
        for fault in &report.faults {
            tell(damage(fault));
        }
        for missing in &report.missing {
            tell(format_args!("segment file {missing} is missing"));
        }
        tell(if sound {
            "the journal is sound"
        } else {
            "the journal is damaged; with the engine stopped, `wardwire journal salvage` makes it usable again"
        });
        Ok(if sound { Exit::Ok } else { Exit::Findings })
    }
}

impl Salvage {
    async fn run(self, config: Option<PathBuf>, out: &mut Output) -> Ending {
        let dir = folder(self.dir, config)?;
        if let Some(data) = dir.parent()
            && control::call(data, &control::Request::Status).await.is_ok()
        {
            let words = format_args!("the engine is running on {}", data.display()).to_string();
            return Err(Failure::said(Exit::Unavailable, words).hint("stop it first"));
        }
        if !self.yes && !confirmed(&dir.display().to_string())? {
            tell("nothing was changed");
            return Ok(Exit::Failed);
        }
        let salvaged = journal::salvage(&dir).map_err(place::unreadable)?;
        for fault in &salvaged.lost {
            out.line(damage(fault))?;
        }
        for file in &salvaged.mended {
            let file = file.display();
            out.line(format_args!(
                "{file}: its damaged head was put right, nothing is lost by it"
            ))?;
        }
        if salvaged.lost.is_empty() {
            if salvaged.mended.is_empty() {
                out.line("nothing was damaged, nothing was changed")?;
            }
            return Ok(Exit::Ok);
        }
        let count = salvaged.lost.len();
        tell(format_args!(
            "{count} damaged regions are skipped from now on; their bytes are kept beside the journal"
        ));
        Ok(Exit::Findings)
    }
}

fn confirmed(dir: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        let words = "salvage changes the journal and there is nobody to ask";
        return Err(Failure::said(Exit::Usage, words).hint("add --yes"));
    }
    tell(format_args!(
        "Make a copy of {dir} first, if there is room. Skip what is damaged in it? [y/N]"
    ));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(anyhow::Error::from)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

fn damage(fault: &Fault) -> String {
    let bytes = fault.until.saturating_sub(fault.offset);
    format!(
        "{}: damaged from offset {:#x}, {} bytes",
        fault.file.display(),
        fault.offset,
        grouped(bytes)
    )
}

fn object(report: &Report) -> serde_json::Value {
    let segments: Vec<_> = report
        .segments
        .iter()
        .map(|segment| {
            json!({
                "file": segment.file, "segment": segment.segment, "records": segment.records,
                "messages": segment.entries, "outcomes": segment.outcomes,
            })
        })
        .collect();
    let faults: Vec<_> = report
        .faults
        .iter()
        .map(|fault| json!({"file": fault.file, "offset": fault.offset, "until": fault.until}))
        .collect();
    json!({"segments": segments, "faults": faults, "missing": report.missing})
}
