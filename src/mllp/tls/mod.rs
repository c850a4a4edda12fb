//! TLS for both ends: rustls with ring, TLS 1.2 and 1.3, certificates from files that are read again on demand.
//!
//! The provider is named in every builder and never installed for the process, so that two engines, or an engine and
//! a test, never disagree about it.

mod error;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

pub use error::{IssuerError, TlsError};

/// How long a handshake may take.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The files of an accepting end. All are PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsServerSettings {
    /// Our certificate, followed by the intermediate ones.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Whoever connects must show a certificate issued by one of these (mutual TLS, ITI-19). `None`: nobody is asked.
    pub client_ca: Option<PathBuf>,
}

/// The files of a connecting end. All are PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsClientSettings {
    /// Who may have issued the partner's certificate; the system's own list is not used.
    pub ca: PathBuf,
    /// The certificate we show when asked, followed by the intermediate ones. Goes with `key`.
    pub cert: Option<PathBuf>,
    /// Its private key. Goes with `cert`.
    pub key: Option<PathBuf>,
    /// The name the partner's certificate must be for; `None`: the host we connect to.
    pub server_name: Option<String>,
}

/// SHA-256 of a certificate, printed as hex pairs: `3f:a0:…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13()?;
        let hash = suite.common.hash_provider.hash(certificate);
        Some(Self(hash.as_ref().try_into().ok()?))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The accepting end. Cheap to clone; clones share what [`TlsServer::reload`] read last.
#[derive(Clone)]
pub struct TlsServer(Arc<Server>);

struct Server {
    settings: TlsServerSettings,
    current: ArcSwap<ServerConfig>,
}

impl TlsServer {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the file that cannot be used and says why.
    pub fn open(settings: TlsServerSettings) -> Result<Self, TlsError> {
        let current = ArcSwap::new(server_config(&settings)?);
        Ok(Self(Arc::new(Server { settings, current })))
    }

    /// Reads the files again; connections accepted from now on use them. On an error the old ones stay in use.
    ///
    /// # Errors
    /// As [`TlsServer::open`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.current.store(server_config(&self.0.settings)?);
        Ok(())
    }

    pub(super) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        self.0.current.load_full().into()
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsServer").field(&self.0.settings).finish()
    }
}

/// The connecting end. Cheap to clone; clones share what [`TlsClient::reload`] read last.
#[derive(Clone)]
pub struct TlsClient(Arc<ClientSide>);

struct ClientSide {
    settings: TlsClientSettings,
    name: Option<ServerName<'static>>,
    current: ArcSwap<ClientConfig>,
}

impl TlsClient {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the file or setting that cannot be used and says why.
    pub fn open(settings: TlsClientSettings) -> Result<Self, TlsError> {
        let name = match settings.server_name.clone() {
            Some(name) => Some(ServerName::try_from(name).map_err(|_| TlsError::Name)?),
            None => None,
        };
        let current = ArcSwap::new(client_config(&settings)?);
        Ok(Self(Arc::new(ClientSide {
            settings,
            name,
            current,
        })))
    }

    /// Reads the files again; connections opened from now on use them. On an error the old ones stay in use.
    ///
    /// # Errors
    /// As [`TlsClient::open`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.current.store(client_config(&self.0.settings)?);
        Ok(())
    }

    /// For one handshake: `connect` with a [`TlsClient::name`] over an open socket.
    #[must_use]
    pub fn connector(&self) -> tokio_rustls::TlsConnector {
        self.0.current.load_full().into()
    }

    /// The name the partner's certificate must be for, when `host` is where we connect to.
    ///
    /// # Errors
    /// `host` is neither a name nor an address.
    pub fn name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        if let Some(name) = &self.0.name {
            return Ok(name.clone());
        }
        ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name)
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsClient").field(&self.0.settings).finish()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn server_config(settings: &TlsServerSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(&settings.cert)?;
    let key = private_key(&settings.key)?;
    let identity = |source| TlsError::Identity {
        cert: settings.cert.clone(),
        key: settings.key.clone(),
        source,
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(identity)?;
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots(path)?, provider())
                .build()
                .map_err(|error| TlsError::Issuer {
                    path: path.clone(),
                    source: error.into(),
                })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(chain, key).map_err(identity)?;
    Ok(Arc::new(config))
}

fn client_config(settings: &TlsClientSettings) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(&settings.ca)?, provider())
        .build()
        .map_err(|error| TlsError::Issuer {
            path: settings.ca.clone(),
            source: error.into(),
        })?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Issuer {
            path: settings.ca.clone(),
            source: error.into(),
        })?
        .with_webpki_verifier(verifier);
    let config = match (&settings.cert, &settings.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(_), None) => return Err(TlsError::HalfIdentity { present: "cert" }),
        (None, Some(_)) => return Err(TlsError::HalfIdentity { present: "key" }),
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|source| TlsError::Identity {
                cert: cert.clone(),
                key: key.clone(),
                source,
            })?,
    };
    Ok(Arc::new(config))
}

fn roots(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::Issuer {
            path: path.to_owned(),
            source: error.into(),
        })?;
    }
    Ok(Arc::new(roots))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| pem_error(path, "certificate", error))?;
    if found.is_empty() {
        return Err(pem_error(path, "certificate", pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?)
        .map_err(|error| pem_error(path, "private key", error))
}

fn pem_error(path: &Path, expected: &'static str, error: pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::NoItemsFound => TlsError::Nothing { path, expected },
        source => TlsError::Pem { path, source },
    }
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(zeroize::Zeroizing::new(bytes)),
        Err(source) => Err(TlsError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}
