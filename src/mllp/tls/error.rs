//! Why TLS cannot be used as configured: which file, and what is wrong with it.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;

/// Why TLS cannot be used as configured. The operator's fault: the files or the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Only one of `cert` and `key` is set.
    #[error("cert and key go together, and only {present} is set")]
    HalfIdentity {
        /// The one that is set.
        present: &'static str,
    },
    /// The files are readable, but certificate and key do not fit together, or the kind of key is not supported.
    #[error("{cert} and {key} cannot be used together")]
    Identity {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// A certificate to trust is none.
    #[error("{path} holds a certificate that nothing can be checked against")]
    Issuer {
        /// The file.
        path: PathBuf,
        /// What rustls says.
        source: IssuerError,
    },
    /// No name and no address.
    #[error("server_name is neither a host name nor an IP address")]
    Name,
    /// The file holds nothing of this kind.
    #[error("{path} holds no {expected} (PEM expected)")]
    Nothing {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// The file has PEM blocks that cannot be read.
    #[error("{path} is no readable PEM file")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What is wrong with a certificate to trust.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// rustls cannot read it.
    #[error(transparent)]
    Certificate(#[from] rustls::Error),
    /// The verifier cannot be built from it.
    #[error(transparent)]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}
