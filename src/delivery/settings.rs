//! What a destination is told: where it leads, how patient it is, and what parking a message means for the lane.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::file_path::PathTemplate;
use crate::journal::Start;
use crate::mllp::ClientSettings;

/// A destination as configured. Equal settings mean that a reload need not touch the lane.
#[derive(Clone, Debug, PartialEq)]
pub struct DestinationSettings {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Where it leads.
    pub kind: DestinationKind,
    /// How failed sending is repeated.
    pub retry: RetrySettings,
    /// What a rejection (AR, CR, an HTTP status that blames the message) means.
    pub on_reject: OnReject,
    /// What a parked message means for those behind it.
    pub on_park: OnPark,
    /// Where the lane begins when the destination is new to the journal.
    pub start: Start,
}

impl DestinationSettings {
    /// The defaults: retries without end, rejected messages are parked and the lane goes on, a new destination begins
    /// with the next message.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, kind: DestinationKind) -> Self {
        Self {
            name: name.into(),
            kind,
            retry: RetrySettings::default(),
            on_reject: OnReject::Park,
            on_park: OnPark::Continue,
            start: Start::Now,
        }
    }
}

/// The kinds of destination.
#[derive(Clone, Debug)]
pub enum DestinationKind {
    /// HL7 over TCP; a message counts as delivered when its acknowledgment came.
    Mllp(ClientSettings),
    /// Appended to a file; a message counts as delivered when it is synced.
    File(FileSettings),
    /// Posted; a message counts as delivered when the status is 2xx and a reply that is an acknowledgment accepts it.
    Http(HttpSettings),
}

impl DestinationKind {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Mllp(_) => "mllp",
            Self::File(_) => "file",
            Self::Http(_) => "http",
        }
    }

    /// Where it leads, for people and logs: never with a secret in it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match self {
            Self::Mllp(client) => client.connect.clone(),
            Self::File(file) => file.path.to_string(),
            Self::Http(http) => shown(&http.url),
        }
    }
}

impl PartialEq for DestinationKind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mllp(one), Self::Mllp(other)) => same_client(one, other),
            (Self::File(one), Self::File(other)) => one == other,
            (Self::Http(one), Self::Http(other)) => one == other,
            _ => false,
        }
    }
}

/// Every field by name, so that a new one cannot be forgotten here.
fn same_client(one: &ClientSettings, other: &ClientSettings) -> bool {
    let ClientSettings {
        connect,
        connect_timeout,
        write_timeout,
        ack_timeout,
        keep_alive,
        max_frame,
        credit_blank,
        tls,
    } = one;
    *connect == other.connect
        && *connect_timeout == other.connect_timeout
        && *write_timeout == other.write_timeout
        && *ack_timeout == other.ack_timeout
        && *keep_alive == other.keep_alive
        && *max_frame == other.max_frame
        && *credit_blank == other.credit_blank
        && *tls == other.tls
}

/// How failed sending is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// The first pause, and the shortest: 1 s by default.
    pub first: Duration,
    /// The longest pause: 2 min by default.
    pub max: Duration,
    /// How often a message is sent before it is parked, counting only tries that may have reached the partner. What
    /// never left us (nobody listens, the disk is full, 401, 429, 503) is repeated for ever. No limit by default.
    pub max_attempts: Option<u32>,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_mins(2),
            max_attempts: None,
        }
    }
}

/// What becomes of a message the partner rejects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReject {
    /// It is parked at once, with the reply: sending it again would be answered alike.
    #[default]
    Park,
    /// It is sent again like after an error, for partners that reject what they merely cannot take now.
    Retry,
}

/// What a parked message means for those behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPark {
    /// They go on; the parked one is out of order from then on.
    #[default]
    Continue,
    /// They wait until everything parked at this destination was replayed or discarded, over restarts too.
    Stop,
}

/// A file destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Which file a message goes to.
    pub path: PathTemplate,
    /// The time zone of `{date}`.
    pub timezone: jiff::tz::TimeZone,
}

/// An HTTP destination. Its `Debug` shows neither secrets nor the query of the address.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where to POST to, `http://` or `https://`.
    pub url: String,
    /// Content-Type; `x-application/hl7-v2+er7` by default.
    pub content_type: String,
    /// Further headers; their values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// Sent as `Authorization: Bearer …`.
    pub bearer: Option<Secret>,
    /// How long the whole exchange may take, 30 s by default.
    pub timeout: Duration,
    /// How long connecting may take, 10 s by default.
    pub connect_timeout: Duration,
    /// The name of the template whose rendering is sent instead of the message.
    pub template: Option<String>,
    /// The proxy to go through; that of the environment is never used.
    pub proxy: Option<String>,
    /// Certificates, if others than the system's.
    pub tls: HttpTls,
}

impl HttpSettings {
    /// The defaults for `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            content_type: "x-application/hl7-v2+er7".to_owned(),
            headers: Vec::new(),
            bearer: None,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            template: None,
            proxy: None,
            tls: HttpTls::default(),
        }
    }
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpSettings({})", shown(&self.url))
    }
}

/// PEM files for `https://`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpTls {
    /// Who may have issued the partner's certificate; the system's list if none.
    pub ca: Option<PathBuf>,
    /// The certificate we show when asked. Goes with `key`.
    pub cert: Option<PathBuf>,
    /// Its private key. Goes with `cert`.
    pub key: Option<PathBuf>,
}

/// A secret that is neither printed nor left in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the secret over.
    #[must_use]
    pub fn new(secret: impl Into<Zeroizing<String>>) -> Self {
        Self(secret.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// An address without its user, password, query and fragment.
fn shown(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = bare.split_once("://") else {
        return bare.to_owned();
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_http_destination_is_ever_printed() {
        let mut http = HttpSettings::new("https://joe:pw1@lab.test:8443/in?key=pw2#pw3");
        http.bearer = Some(Secret::new("pw4".to_owned()));
        http.headers
            .push(("X-Key".to_owned(), Secret::new("pw5".to_owned())));
        let settings = DestinationSettings::new("lab", DestinationKind::Http(http));
        let printed = format!("{settings:?} {}", settings.kind.endpoint());
        assert!(printed.contains("https://lab.test:8443/in"));
        assert!(!printed.contains("pw"), "{printed}");
    }

    #[test]
    fn a_reload_can_tell_a_changed_destination_from_an_unchanged_one() {
        let mllp =
            || DestinationSettings::new("a", DestinationKind::Mllp(ClientSettings::new("h:1")));
        assert_eq!(mllp(), mllp());
        let mut patient = ClientSettings::new("h:1");
        patient.ack_timeout = Duration::from_secs(31);
        assert_ne!(mllp().kind, DestinationKind::Mllp(patient));
    }
}
