//! What the engine says on one screen when it is ready: where it listens, what goes where, where data lies.

use std::fmt::{self, Display, Formatter};

use super::{Engine, EngineReport};
use crate::route::Route;

impl Engine {
    /// The start screen, some lines of plain text.
    pub fn summary(&self) -> impl Display {
        fmt::from_fn(|f| self.write_summary(f))
    }

    fn write_summary(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (settings, opened, report) = (self.settings(), self.opened(), self.report());
        let version = env!("CARGO_PKG_VERSION");
        writeln!(f, "wardwire {version}, configured by {}", settings.origin)?;
        sources(f, &report)?;
        destinations(f, &report)?;
        writeln!(f, "routes")?;
        for route in settings.routes.routes() {
            writeln!(f, "  {}", describe(route))?;
        }
        let folder = settings.engine.data.display();
        let sealed = if settings.journal.key.is_some() {
            ", encrypted"
        } else {
            ""
        };
        let (entries, segments, ms) = (opened.entries, opened.segments, opened.took.as_millis());
        writeln!(
            f,
            "data\n  {folder}  {entries} messages in {segments} segments{sealed}, ready in {ms} ms"
        )?;
        if let Some(cut) = &opened.cut {
            let (bytes, position) = (cut.bytes, cut.position);
            writeln!(
                f,
                "  the last stop was not in order: {bytes} bytes at {position}, never acknowledged, were cut off"
            )?;
        }
        Ok(())
    }
}

fn sources(f: &mut Formatter<'_>, report: &EngineReport) -> fmt::Result {
    writeln!(f, "sources")?;
    let width = report
        .sources
        .iter()
        .map(|source| source.name.len())
        .max()
        .unwrap_or(0);
    for source in &report.sources {
        writeln!(
            f,
            "  {:width$}  {:9} {}",
            source.name, source.kind, source.at
        )?;
    }
    Ok(())
}

fn destinations(f: &mut Formatter<'_>, report: &EngineReport) -> fmt::Result {
    writeln!(f, "destinations")?;
    let width = report
        .destinations
        .iter()
        .map(|one| one.name.len())
        .max()
        .unwrap_or(0);
    for one in &report.destinations {
        write!(f, "  {:width$}  {:9} {}", one.name, one.kind, one.endpoint)?;
        if one.backlog > 0 {
            write!(f, "  {} waiting", one.backlog)?;
        }
        if one.parked > 0 {
            write!(f, "  {} parked", one.parked)?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn describe(route: &Route) -> String {
    let when = route
        .when
        .as_ref()
        .map_or(String::new(), |when| format!("  when {}", when.text()));
    let (from, to) = (route.from.join(", "), route.to.join(", "));
    let also = if route.also { "  (and on)" } else { "" };
    format!("{}: {from} → {to}{when}{also}", route.name)
}
