//! What the engine says on one screen when it is ready: where it listens, what goes where, where data lies.

use std::fmt::Write;

use super::{Engine, EngineReport};
use crate::route::Route;

impl Engine {
    /// The start screen, some lines of plain text.
    #[must_use]
    pub fn summary(&self) -> String {
        let (settings, opened, report) = (self.settings(), self.opened(), self.report());
        let mut text = String::new();
        let version = env!("CARGO_PKG_VERSION");
        // Writing to a String does not fail.
        let mut line = |written: std::fmt::Result| debug_assert!(written.is_ok());
        line(writeln!(text, "wardwire {version}, configured by {}", settings.origin));
        line(sources(&mut text, &report));
        line(destinations(&mut text, &report));
        line(writeln!(text, "routes"));
        for route in settings.routes.routes() {
            line(writeln!(text, "  {}", describe(route)));
        }
        let folder = settings.engine.data.display();
        let sealed = if settings.journal.key.is_some() { ", encrypted" } else { "" };
        line(writeln!(
            text,
            "data\n  {folder}  {} messages in {} segments{sealed}, ready in {} ms",
            opened.entries,
            opened.segments,
            opened.took.as_millis(),
        ));
        if let Some(cut) = &opened.cut {
            line(writeln!(
                text,
                "  the last stop was not in order: {} bytes at {} that were never acknowledged were cut off",
                cut.bytes, cut.position,
            ));
        }
        text
    }
}

fn sources(text: &mut String, report: &EngineReport) -> std::fmt::Result {
    writeln!(text, "sources")?;
    let width = report.sources.iter().map(|source| source.name.len()).max().unwrap_or(0);
    for source in &report.sources {
        writeln!(text, "  {:width$}  {:9} {}", source.name, source.kind, source.at)?;
    }
    Ok(())
}

fn destinations(text: &mut String, report: &EngineReport) -> std::fmt::Result {
    writeln!(text, "destinations")?;
    let width = report.destinations.iter().map(|one| one.name.len()).max().unwrap_or(0);
    for one in &report.destinations {
        write!(text, "  {:width$}  {:9} {}", one.name, one.kind, one.endpoint)?;
        if one.backlog > 0 {
            write!(text, "  {} waiting", one.backlog)?;
        }
        if one.parked > 0 {
            write!(text, "  {} parked", one.parked)?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn describe(route: &Route) -> String {
    let when = route.when.as_ref().map_or(String::new(), |when| format!("  when {}", when.text()));
    let (from, to) = (route.from.join(", "), route.to.join(", "));
    let also = if route.also { "  (and on)" } else { "" };
    format!("{}: {from} → {to}{when}{also}", route.name)
}
