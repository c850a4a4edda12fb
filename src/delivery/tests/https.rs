//! Delivery by `https://`: who we trust, and who we say we are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::rig::dispatch;
use crate::delivery::HttpSettings;
use crate::delivery::attempt::{Answer, Destination};
use crate::delivery::http::HttpDestination;

/// An authority of our own and its files.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self {
            folder,
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Issues a certificate for `name` into `<file>.pem` and `<file>.key`.
    fn issue(&self, name: &str, file: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
        (certificate, key)
    }
}

/// A server at `127.0.0.1` that asks for a certificate of `authority` and answers 200 to everything.
async fn server(authority: &Authority) -> String {
    let (certificate, key) = authority.issue("127.0.0.1", "server");
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut room = [0; 4096];
            if matches!(stream.read(&mut room).await, Ok(1..)) {
                let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(reply).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
    });
    format!("https://{address}/in")
}

async fn answer(url: &str, ca: &Path, identity: Option<(PathBuf, PathBuf)>) -> (Answer, String) {
    let mut settings = HttpSettings::new(url);
    settings.tls.ca = Some(ca.to_owned());
    (settings.tls.cert, settings.tls.key) = identity.unzip();
    let mut destination = HttpDestination::open(settings).unwrap();
    let attempt = destination.send(&dispatch("M1")).await;
    (attempt.answer, attempt.reason.into_owned())
}

#[tokio::test]
async fn a_message_goes_only_to_the_partner_we_trust_and_only_with_our_certificate() {
    let (ours, strange) = (Authority::new(), Authority::new());
    let url = server(&ours).await;
    ours.issue("wardwire", "we");
    let identity = || Some((ours.path("we.pem"), ours.path("we.key")));

    let (answer_, reason) = answer(&url, &ours.path("ca.pem"), identity()).await;
    assert_eq!(answer_, Answer::Accepted, "{reason}");

    let (answer_, reason) = answer(&url, &strange.path("ca.pem"), identity()).await;
    assert_eq!(answer_, Answer::Unavailable, "{reason}");
    assert!(reason.contains("certificate"), "{reason}");

    let (answer_, reason) = answer(&url, &ours.path("ca.pem"), None).await;
    assert_ne!(answer_, Answer::Accepted, "{reason}");
}
