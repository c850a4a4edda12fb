//! TLS for `https://`: rustls with ring, named here and never installed for the process.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use zeroize::Zeroizing;

use super::error::DeliveryError;
use super::settings::HttpTls;
use crate::mllp::TlsError;

/// What reqwest needs to speak TLS. Without `https` nothing is trusted, and nothing is read from disk.
pub(super) fn client_config(tls: &HttpTls, https: bool) -> Result<ClientConfig, DeliveryError> {
    let provider: Arc<CryptoProvider> = ring::default_provider().into();
    let http = |error: rustls::Error| DeliveryError::Http(error.into());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(http)?;
    let builder = match &tls.ca {
        Some(path) => builder.with_root_certificates(roots(path)?),
        None if https => {
            let verifier = Verifier::new(provider).map_err(http)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let mut config = match (&tls.cert, &tls.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(_), None) => return Err(TlsError::HalfIdentity { present: "cert" }.into()),
        (None, Some(_)) => return Err(TlsError::HalfIdentity { present: "key" }.into()),
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|source| TlsError::Identity {
                cert: cert.clone(),
                key: key.clone(),
                source,
            })?,
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::Issuer {
            path: path.to_owned(),
            source: error.into(),
        })?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::Nothing {
            path: path.to_owned(),
            expected: "certificate",
        }),
        found => found.map_err(|source| pem_error(path, "certificate", source)),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(&read(path)?);
    key.map_err(|source| pem_error(path, "private key", source))
}

fn pem_error(path: &Path, expected: &'static str, error: pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::NoItemsFound => TlsError::Nothing { path, expected },
        source => TlsError::Pem { path, source },
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let bytes = std::fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(Zeroizing::new(bytes))
}
