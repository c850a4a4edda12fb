//! `[destination.NAME]`: where messages go.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::section::{Placed, Section};
use crate::delivery::{
    DestinationKind, DestinationSettings, FileSettings, HttpSettings, HttpTls, OnPark, OnReject,
    PathTemplate, RetrySettings, Secret,
};
use crate::journal::Start;
use crate::mllp::{ClientSettings, TlsClientSettings};

#[derive(Clone, Copy)]
enum Kind {
    Mllp,
    File,
    Http,
}

/// Reads every destination, in the order of the file.
pub(super) fn read_all(
    root: &Section<'_>,
    folder: &Path,
    zone: &TimeZone,
) -> Vec<DestinationSettings> {
    let templates: Vec<String> = root
        .named_sections("template")
        .into_iter()
        .map(|(name, _)| name.value)
        .collect();
    let sections = root.named_sections("destination").into_iter();
    let destinations: Vec<_> = sections
        .filter_map(|(name, section)| read(&name, section, folder, zone, &templates))
        .collect();
    report_equal_files(root, &destinations);
    destinations
}

/// Two destinations must not write to one file: each takes back what it could not write whole.
fn report_equal_files(root: &Section<'_>, destinations: &[DestinationSettings]) {
    let file = |destination: &DestinationSettings| match &destination.kind {
        DestinationKind::File(file) => Some(file.path.clone()),
        DestinationKind::Mllp(_) | DestinationKind::Http(_) => None,
    };
    for (index, destination) in destinations.iter().enumerate() {
        let Some(path) = file(destination) else {
            continue;
        };
        let earlier = destinations.get(..index).unwrap_or_default();
        let same = earlier
            .iter()
            .find(|other| file(other).as_ref() == Some(&path));
        if let Some(other) = same
            && !path.to_string().contains("{destination}")
        {
            let message = format!("destination {} writes to the same file", other.name);
            root.fault_in("destination", &destination.name, message);
        }
    }
}

fn read(
    name: &Placed<String>,
    section: Section<'_>,
    folder: &Path,
    zone: &TimeZone,
    templates: &[String],
) -> Option<DestinationSettings> {
    let words = [
        ("mllp", Kind::Mllp),
        ("file", Kind::File),
        ("http", Kind::Http),
    ];
    section.required("type", "\"mllp\" (or \"file\", \"http\")");
    let word = section.choice("type", &words);
    let kind = match word {
        Some(Kind::Mllp) => read_mllp(&section, folder).map(DestinationKind::Mllp),
        Some(Kind::File) => read_file(&section, folder, zone).map(DestinationKind::File),
        Some(Kind::Http) => read_http(&section, folder, templates).map(DestinationKind::Http),
        None => None,
    };
    let retry = read_retry(&section);
    let on_reject = [("park", OnReject::Park), ("retry", OnReject::Retry)];
    let on_park = [("continue", OnPark::Continue), ("stop", OnPark::Stop)];
    let start = [("now", Start::Now), ("oldest", Start::Oldest)];
    let on_reject = section.choice("on_reject", &on_reject).unwrap_or_default();
    let on_park = section.choice("on_park", &on_park).unwrap_or_default();
    let start = section.choice("start", &start).unwrap_or(Start::Now);
    // Without a type nobody knows which other keys belong here.
    word?;
    section.finish();
    let name = Arc::from(name.value.as_str());
    Some(DestinationSettings {
        name,
        kind: kind?,
        retry,
        on_reject,
        on_park,
        start,
    })
}

fn read_retry(section: &Section<'_>) -> RetrySettings {
    let defaults = RetrySettings::default();
    let Some(retry) = section.section("retry") else {
        return defaults;
    };
    let read = RetrySettings {
        first: retry.duration("first").unwrap_or(defaults.first),
        max: retry.duration("max").unwrap_or(defaults.max),
        max_attempts: retry
            .integer("attempts", 1..1_000_001)
            .and_then(|attempts| u32::try_from(attempts).ok()),
    };
    if read.first.is_zero() || read.first > read.max {
        retry.fault(
            "first",
            "expected a duration longer than zero and not longer than max",
            None,
        );
    }
    retry.finish();
    read
}

fn read_mllp(section: &Section<'_>, folder: &Path) -> Option<ClientSettings> {
    let connect = section.required("connect", "\"10.20.9.4:6661\"");
    let mut settings = ClientSettings::new(connect.as_ref().map_or("", |text| &text.value));
    if let Some(text) = &connect {
        let port = text
            .value
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            section.fault(
                "connect",
                "expected a host and a port, as in \"10.20.9.4:6661\"",
                None,
            );
        }
    }
    settings.connect_timeout = section
        .duration("connect_timeout")
        .unwrap_or(settings.connect_timeout);
    settings.write_timeout = section
        .duration("write_timeout")
        .unwrap_or(settings.write_timeout);
    settings.ack_timeout = section
        .duration("ack_timeout")
        .unwrap_or(settings.ack_timeout);
    for key in ["connect_timeout", "write_timeout", "ack_timeout"] {
        if section.duration_is_zero(key) {
            section.fault(key, "expected a duration longer than zero", None);
        }
    }
    if let Some(time) = section.duration("keep_alive") {
        settings.keep_alive = Some(time).filter(|time| !time.is_zero());
    }
    settings.credit_blank = section
        .flag("credit_blank")
        .unwrap_or(settings.credit_blank);
    settings.tls = section.section("tls").and_then(|tls| read_tls(tls, folder));
    connect.map(|_| settings)
}

fn read_tls(section: Section<'_>, folder: &Path) -> Option<TlsClientSettings> {
    let file = |key| section.text(key).map(|path| folder.join(path.value));
    let ca = section.required("ca", "\"tls/partner-ca.crt\"");
    let (cert, key) = (file("cert"), file("key"));
    if cert.is_some() != key.is_some() {
        section.fault_here("cert and key go together", None);
    }
    let server_name = section.text("server_name").map(|name| name.value);
    section.finish();
    Some(TlsClientSettings {
        ca: folder.join(ca?.value),
        cert,
        key,
        server_name,
    })
}

fn read_file(section: &Section<'_>, folder: &Path, zone: &TimeZone) -> Option<FileSettings> {
    let path = section.required("path", "\"out/{source}/{date}.hl7\"")?;
    match PathTemplate::parse(&path.value, folder) {
        Ok(path) => Some(FileSettings {
            path,
            timezone: zone.clone(),
        }),
        Err(error) => {
            let message = error.kind.to_string();
            section.fault_inside(&path, error.offset, message, None);
            None
        }
    }
}

fn read_http(section: &Section<'_>, folder: &Path, templates: &[String]) -> Option<HttpSettings> {
    let url = section.required("url", "\"https://lab.example/hl7\"");
    let mut settings = HttpSettings::new(url.as_ref().map_or("", |text| &text.value));
    if url.is_some()
        && !settings.url.starts_with("https://")
        && !settings.url.starts_with("http://")
    {
        section.fault(
            "url",
            "expected an address that begins with https:// or http://",
            None,
        );
    }
    if let Some(text) = section.text("content_type") {
        settings.content_type = text.value;
    }
    settings.timeout = section.duration("timeout").unwrap_or(settings.timeout);
    settings.connect_timeout = section
        .duration("connect_timeout")
        .unwrap_or(settings.connect_timeout);
    settings.bearer = section.secret("bearer", folder).map(Secret::new);
    for (name, value) in section.entries("headers").unwrap_or_default() {
        let secret = value.value.starts_with("env:") || value.value.starts_with("file:");
        let value = if secret {
            section.resolve_secret(&value, folder)
        } else {
            Some(zeroize::Zeroizing::new(value.value))
        };
        settings
            .headers
            .extend(value.map(|value| (name, Secret::new(value))));
    }
    settings.template = section.text("template").map(|template| {
        if !templates.contains(&template.value) {
            section.fault(
                "template",
                format!("there is no template called {}", template.value),
                None,
            );
        }
        template.value
    });
    settings.proxy = section.text("proxy").map(|proxy| proxy.value);
    if let Some(tls) = section.section("tls") {
        let file = |key| tls.text(key).map(|path| folder.join(path.value));
        settings.tls = HttpTls {
            ca: file("ca"),
            cert: file("cert"),
            key: file("key"),
        };
        if settings.tls.cert.is_some() != settings.tls.key.is_some() {
            tls.fault_here("cert and key go together", None);
        }
        tls.finish();
    }
    url.map(|_| settings)
}
