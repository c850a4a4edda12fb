//! Why a destination cannot begin, or a lane cannot go on. What a partner does is no error here: see `attempt`.

use crate::journal::JournalError;
use crate::mllp::TlsError;

/// Why there is no delivery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// Operator: a header's name or value cannot be sent.
    #[error("header {name:?} cannot be sent: its name or value is not allowed in HTTP")]
    Header {
        /// Its name.
        name: String,
    },
    /// Environment: the HTTP client cannot be built.
    #[error("the http client cannot be built")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Environment: the journal takes no outcomes or cannot be read any more.
    #[error("the journal failed")]
    Journal(#[from] JournalError),
    /// Operator: no address of a proxy.
    #[error("proxy is no address of the form http://host:port")]
    Proxy,
    /// Operator: the TLS files or settings.
    #[error("TLS is not usable as configured")]
    Tls(#[from] TlsError),
    /// Operator: no address to POST to.
    #[error("url is no address of the form http://host/path or https://host/path")]
    Url,
}
