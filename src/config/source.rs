//! `[source.NAME]`: feeds.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::section::{Placed, Section};
use super::settings::EngineSettings;
use crate::hl7::Charset;
use crate::hl7::acknowledgment::Mode;
use crate::mllp::{ListenerSettings, Oversize, TlsServerSettings, Tolerance};
use crate::source::directory::DirectorySettings;
use crate::source::{BatchReply, Intake, SourceKind, SourceSettings, Unrouted};

/// Largest `max_frame`: a segment of the journal must be able to hold the message with room to spare.
const LARGEST_FRAME: u64 = 1 << 30;

#[derive(Clone, Copy)]
enum Kind {
    Mllp,
    Directory,
}

/// Reads every source, in the order of the file.
pub(super) fn read_all(
    root: &Section<'_>,
    folder: &Path,
    engine: &EngineSettings,
) -> Vec<SourceSettings> {
    let sources: Vec<_> = root
        .named_sections("source")
        .into_iter()
        .filter_map(|(name, section)| read(&name, section, folder, engine))
        .collect();
    report_equal_places(root, &sources);
    sources
}

fn read(
    name: &Placed<String>,
    section: Section<'_>,
    folder: &Path,
    engine: &EngineSettings,
) -> Option<SourceSettings> {
    let words = [("mllp", Kind::Mllp), ("directory", Kind::Directory)];
    section.required("type", "\"mllp\" (or \"directory\")");
    let kind = match section.choice("type", &words) {
        Some(Kind::Mllp) => read_mllp(&section, folder).map(SourceKind::Mllp),
        Some(Kind::Directory) => read_directory(&section, folder).map(SourceKind::Directory),
        None => {
            // Nobody knows which other keys belong here, but for those of every type.
            read_intake(&section, engine);
            return None;
        }
    };
    let intake = read_intake(&section, engine);
    section.finish();
    Some(SourceSettings {
        name: Arc::from(name.value.as_str()),
        kind: kind?,
        intake,
    })
}

fn read_intake(section: &Section<'_>, engine: &EngineSettings) -> Intake {
    let defaults = Intake::default();
    let accept = section.texts("accept").unwrap_or_default();
    let accept = accept.iter().filter_map(|pattern| {
        let parsed = pattern.value.parse().ok();
        if parsed.is_none() {
            let message = "expected message types such as \"ADT\" or \"ORM^O01\"";
            section
                .reader()
                .fault(pattern.at, &pattern.key, message.to_owned(), None);
        }
        parsed
    });
    let processing = section.texts("processing").unwrap_or_default();
    Intake {
        accept: accept.collect(),
        processing_ids: processing.into_iter().map(|id| id.value).collect(),
        mode: section
            .choice(
                "ack",
                &[
                    ("auto", Mode::Auto),
                    ("original", Mode::Original),
                    ("enhanced", Mode::Enhanced),
                    ("commit-only", Mode::CommitOnly),
                    ("none", Mode::None),
                ],
            )
            .unwrap_or_default(),
        charset: read_charset(section),
        dedup: section.duration("dedup").unwrap_or(defaults.dedup),
        batch: section
            .choice(
                "batch_ack",
                &[("each", BatchReply::Each), ("summary", BatchReply::Summary)],
            )
            .unwrap_or(defaults.batch),
        unrouted: section
            .choice(
                "unrouted",
                &[("accept", Unrouted::Accept), ("reject", Unrouted::Reject)],
            )
            .unwrap_or(defaults.unrouted),
        application: Arc::from(engine.name.as_str()),
        zone: engine.zone.clone(),
    }
}

fn read_charset(section: &Section<'_>) -> Option<Charset> {
    let label = section.text("charset")?;
    if label.value == "auto" {
        return None;
    }
    match Charset::of_label(label.value.as_bytes()) {
        Ok(charset) => Some(charset),
        Err(error) => {
            let hint = "\"auto\", or a name of table 0211 such as \"8859/1\" or \"UNICODE UTF-8\"";
            section.fault("charset", error.to_string(), Some(hint.to_owned()));
            None
        }
    }
}

fn read_mllp(section: &Section<'_>, folder: &Path) -> Option<ListenerSettings> {
    section.required("listen", "\"127.0.0.1:2575\"");
    let listen: Option<SocketAddr> = section.parsed(
        "listen",
        "an IP address and a port, as in \"127.0.0.1:2575\"",
    );
    let allow_from = read_networks(section);
    let tls = section.section("tls").map(|tls| read_tls(tls, folder));
    let largest = usize::try_from(LARGEST_FRAME).unwrap_or(usize::MAX);
    let mut settings = ListenerSettings::new(listen.unwrap_or_else(|| ([127, 0, 0, 1], 0).into()));
    let number = |key, default: usize| {
        let found = section
            .integer(key, 1..1_000_001)
            .and_then(|n| usize::try_from(n).ok());
        found.unwrap_or(default)
    };
    settings.max_connections = number("max_connections", settings.max_connections);
    settings.max_per_peer = number(
        "max_per_peer",
        settings.max_per_peer.min(settings.max_connections),
    );
    settings.pipeline = number("pipeline", settings.pipeline);
    settings.idle_timeout = section
        .duration("idle_timeout")
        .filter(|time| !time.is_zero());
    settings.frame_timeout = section
        .duration("frame_timeout")
        .unwrap_or(settings.frame_timeout);
    settings.write_timeout = section
        .duration("write_timeout")
        .unwrap_or(settings.write_timeout);
    if let Some(time) = section.duration("keep_alive") {
        settings.keep_alive = Some(time).filter(|time| !time.is_zero());
    }
    if let Some(size) = section.size("max_frame") {
        if size == 0 || size > LARGEST_FRAME {
            section.fault("max_frame", "expected a size from 1B to 1GiB", None);
        }
        settings.max_frame = usize::try_from(size).unwrap_or(largest).min(largest);
    }
    read_in_flight(section, &mut settings);
    settings.oversize = section
        .choice(
            "oversize",
            &[("close", Oversize::Close), ("skip", Oversize::Skip)],
        )
        .unwrap_or(settings.oversize);
    settings.tolerance = read_tolerance(section);
    settings.allow_from = allow_from;
    settings.tls = tls.flatten();
    let mutual = settings
        .tls
        .as_ref()
        .is_some_and(|tls| tls.client_ca.is_some());
    if listen.is_some_and(|at| !at.ip().is_loopback()) && settings.allow_from.is_empty() && !mutual
    {
        let hint = "write allow_from = [\"10.20.0.0/16\"] (who may connect), or tls with client_ca";
        let message = "other computers can reach this address, so it must say who may connect";
        section.fault("listen", message, Some(hint.to_owned()));
    }
    listen.map(|_| settings)
}

fn read_in_flight(section: &Section<'_>, settings: &mut ListenerSettings) {
    if let Some(size) = section.size("max_in_flight") {
        settings.max_in_flight = usize::try_from(size).unwrap_or(usize::MAX);
    }
    if settings.max_in_flight < settings.max_frame {
        if section.has("max_in_flight") {
            section.fault("max_in_flight", "must not be less than max_frame", None);
        }
        settings.max_in_flight = settings.max_frame;
    }
}

fn read_networks(section: &Section<'_>) -> Vec<IpNet> {
    let texts = section.texts("allow_from").unwrap_or_default();
    let networks = texts.iter().filter_map(|text| {
        let one = || text.value.parse::<IpAddr>().map(IpNet::from).ok();
        let network: Option<IpNet> = text.value.parse().ok().or_else(one);
        if network.is_none() {
            let message = "expected addresses or networks such as \"10.20.0.0/16\"".to_owned();
            section.reader().fault(text.at, &text.key, message, None);
        }
        network
    });
    networks.collect()
}

fn read_tolerance(section: &Section<'_>) -> Tolerance {
    let defaults = Tolerance::default();
    let Some(tolerate) = section.section("tolerate") else {
        return defaults;
    };
    let tolerance = Tolerance {
        missing_start: tolerate
            .flag("missing_start")
            .unwrap_or(defaults.missing_start),
        fs_without_cr: tolerate
            .flag("fs_without_cr")
            .unwrap_or(defaults.fs_without_cr),
        lf_after_fs: tolerate.flag("lf_after_fs").unwrap_or(defaults.lf_after_fs),
        leading_junk: tolerate
            .flag("leading_junk")
            .unwrap_or(defaults.leading_junk),
    };
    tolerate.finish();
    tolerance
}

fn read_tls(section: Section<'_>, folder: &Path) -> Option<TlsServerSettings> {
    let cert = section.required("cert", "\"tls/engine.crt\"");
    let key = section.required("key", "\"tls/engine.key\"");
    let client_ca = section.text("client_ca");
    section.finish();
    Some(TlsServerSettings {
        cert: folder.join(cert?.value),
        key: folder.join(key?.value),
        client_ca: client_ca.map(|path| folder.join(path.value)),
    })
}

fn read_directory(section: &Section<'_>, folder: &Path) -> Option<DirectorySettings> {
    let path = section.required("path", "\"in\"");
    let every = section.duration("every").unwrap_or(Duration::from_secs(1));
    if every.is_zero() {
        section.fault("every", "expected a duration longer than zero", None);
    }
    let max_file = section.size("max_file").unwrap_or(64 << 20);
    Some(DirectorySettings {
        path: folder.join(path?.value),
        every,
        max_file,
    })
}

/// Two sources cannot have one port or one folder.
fn report_equal_places(root: &Section<'_>, sources: &[SourceSettings]) {
    for (index, source) in sources.iter().enumerate() {
        let earlier = sources.get(..index).unwrap_or_default();
        let clash = earlier
            .iter()
            .find_map(|other| Some((other, clash(&other.kind, &source.kind)?)));
        if let Some((other, what)) = clash {
            root.fault_in(
                "source",
                &source.name,
                format!("source {} {what} already", other.name),
            );
        }
    }
}

fn clash(one: &SourceKind, other: &SourceKind) -> Option<String> {
    match (one, other) {
        (SourceKind::Mllp(one), SourceKind::Mllp(other)) => {
            let (one, other) = (one.listen, other.listen);
            let every = one.ip().is_unspecified() || other.ip().is_unspecified();
            let same = one.port() == other.port() && (every || one.ip() == other.ip());
            (same && one.port() != 0).then(|| format!("listens on {one}"))
        }
        (SourceKind::Directory(one), SourceKind::Directory(other)) => {
            (one.path == other.path).then(|| format!("reads {}", one.path.display()))
        }
        _ => None,
    }
}
