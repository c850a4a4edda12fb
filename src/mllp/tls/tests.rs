//! TLS from both ends, with the files an operator may get wrong.

use std::fs;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::mllp::testing::{MESSAGE, Server, settings};
use crate::mllp::{Acknowledgment, Client, ClientError, ClientSettings, ListenerSettings};

/// An authority, and a folder for the files.
struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        Self::called("Main Hospital")
    }

    fn called(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Issues `name.pem` and `name.key` for `host`.
    fn issue(&self, name: &str, host: &str) -> (PathBuf, PathBuf) {
        self.issue_until(name, host, 2999)
    }

    fn issue_until(&self, name: &str, host: &str, year: i32) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let files = (
            self.file(&format!("{name}.pem")),
            self.file(&format!("{name}.key")),
        );
        fs::write(&files.0, cert.pem()).unwrap();
        fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }

    fn server(&self, mutual: bool) -> ListenerSettings {
        let (cert, key) = self.issue("server", "localhost");
        let client_ca = mutual.then(|| self.file("ca.pem"));
        let tls = TlsServerSettings {
            cert,
            key,
            client_ca,
        };
        ListenerSettings {
            tls: Some(tls),
            ..settings()
        }
    }

    /// Trusts this authority; shows `identity`.
    fn client(&self, identity: Option<(PathBuf, PathBuf)>) -> TlsClientSettings {
        let (cert, key) = identity.unzip();
        TlsClientSettings {
            ca: self.file("ca.pem"),
            cert,
            key,
            server_name: None,
        }
    }
}

fn client_of(server: &Server, tls: TlsClientSettings) -> Client {
    let connect = format!("localhost:{}", server.address.port());
    let tls = Some(tls);
    Client::new(ClientSettings {
        tls,
        ..ClientSettings::new(connect)
    })
    .unwrap()
}

async fn send(server: &Server, tls: TlsClientSettings) -> Result<Acknowledgment, ClientError> {
    client_of(server, tls).send(&MESSAGE, b"W7").await
}

/// The whole chain of causes, as an operator reads it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn messages_and_replies_travel_encrypted() {
    let authority = Authority::new();
    let server = Server::start(authority.server(false));
    let mut client = client_of(&server, authority.client(None));
    for _ in 0..3 {
        let reply = client.send(&MESSAGE, b"W7").await.unwrap();
        assert_eq!(reply.code, "AA");
    }
    client.close().await;
    server.service.heard("closed peer_closed", 1).await;
    // All on one connection: what TLS itself sends is not taken for a stale reply.
    assert_eq!((client.stale(), server.service.events().len()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_hangs_up_without_closing_tls_has_closed_all_the_same() {
    let authority = Authority::new();
    let server = Server::start(authority.server(false));
    send(&server, authority.client(None)).await.unwrap();
    server.service.heard("closed peer_closed:", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_large_message_travels_encrypted() {
    let authority = Authority::new();
    let server = Server::start(authority.server(false));
    let mut client = client_of(&server, authority.client(None));
    client.connect().await.unwrap();
    let body = bytes::Bytes::from(vec![b'x'; 3_000_000]);
    let waiting = tokio::time::timeout(Duration::from_secs(5), client.send(&body, b"W7"));
    let heard = server.service.heard("frame of 3000000 bytes", 1);
    tokio::select! { _ = waiting => panic!("not heard"), _ = heard => {} }
}

#[tokio::test(start_paused = true)]
async fn whoever_must_show_a_certificate_and_shows_none_is_refused() {
    let authority = Authority::new();
    let server = Server::start(authority.server(true));
    let error = send(&server, authority.client(None)).await.unwrap_err();
    assert!(error.retriable(), "{}", chain(&error));
    let heard = server.service.heard("handshake failed", 1).await;
    assert_eq!(heard, "handshake failed: peer sent no certificates");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_ours_is_let_in_and_one_of_another_authority_or_time_is_not() {
    let (authority, other) = (Authority::new(), Authority::called("Elsewhere"));
    let server = Server::start(authority.server(true));
    let ours = authority.issue("lab", "lab.invalid");
    let reply = send(&server, authority.client(Some(ours))).await.unwrap();
    assert_eq!(reply.code, "AA");
    let theirs = other.issue("lab", "lab.invalid");
    send(&server, authority.client(Some(theirs)))
        .await
        .unwrap_err();
    let heard = server.service.heard("handshake failed", 1).await;
    assert!(heard.contains("UnknownIssuer"), "{heard}");
    let expired = authority.issue_until("old", "lab.invalid", 2002);
    send(&server, authority.client(Some(expired)))
        .await
        .unwrap_err();
    let heard = server.service.heard("handshake failed", 2).await;
    assert!(heard.contains("xpired"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_partner_with_the_wrong_authority_or_name_is_not_talked_to() {
    let (authority, other) = (Authority::new(), Authority::called("Elsewhere"));
    let server = Server::start(authority.server(false));
    let error = send(&server, other.client(None)).await.unwrap_err();
    assert!(chain(&error).contains("UnknownIssuer"), "{}", chain(&error));
    let elsewhere = TlsClientSettings {
        server_name: Some("lab.invalid".into()),
        ..authority.client(None)
    };
    let error = send(&server, elsewhere).await.unwrap_err();
    assert!(
        chain(&error).contains("not valid for name \"lab.invalid\""),
        "{}",
        chain(&error)
    );
    assert!(server.service.begun.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stalls_in_the_handshake_is_closed_after_ten_seconds() {
    let authority = Authority::new();
    let server = Server::start(authority.server(false));
    let mut peer = server.connect().await;
    let begun = Instant::now();
    assert!(peer.hear_the_rest().await.is_empty());
    assert_eq!(begun.elapsed().as_secs(), 10);
    let heard = server.service.heard("handshake failed", 1).await;
    assert_eq!(heard, "handshake failed: not done within 10s");
    assert_eq!(server.connections.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_speaks_no_tls_is_named_as_such() {
    let authority = Authority::new();
    let server = Server::start(authority.server(false));
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH|1\x1C\r").await;
    peer.hear_the_rest().await;
    server
        .service
        .heard("handshake failed: received corrupt message", 1)
        .await;
    let plain = Server::start(settings());
    let error = send(&plain, authority.client(None)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Handshake { .. }),
        "{}",
        chain(&error)
    );
}

#[tokio::test(start_paused = true)]
async fn renewed_certificates_are_used_from_the_next_connection_on() {
    let (old, new) = (Authority::new(), Authority::called("Elsewhere"));
    let server = Server::start(old.server(false));
    let mut client = client_of(&server, old.client(None));
    client.send(&MESSAGE, b"W7").await.unwrap();
    let (cert, key) = new.issue("server", "localhost");
    fs::copy(cert, old.file("server.pem")).unwrap();
    let tls = server.tls.as_ref().unwrap();
    // Only half of the pair is new yet: refused, and the old pair stays.
    assert!(matches!(tls.reload(), Err(TlsError::Identity { .. })));
    send(&server, old.client(None)).await.unwrap();
    fs::copy(key, old.file("server.key")).unwrap();
    tls.reload().unwrap();
    send(&server, new.client(None)).await.unwrap();
    send(&server, old.client(None)).await.unwrap_err();
    client
        .send(&MESSAGE, b"W7")
        .await
        .expect("an open connection stays");
    fs::copy(new.file("ca.pem"), old.file("ca.pem")).unwrap();
    client.tls().unwrap().reload().unwrap();
    client.close().await;
    client.send(&MESSAGE, b"W7").await.unwrap();
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_is_wrong() {
    let authority = Authority::new();
    let (cert, key) = authority.issue("server", "localhost");
    let told = |cert: &Path, key: &Path, ca: Option<PathBuf>| {
        let settings = TlsServerSettings {
            cert: cert.to_owned(),
            key: key.to_owned(),
            client_ca: ca,
        };
        let error = chain(&TlsServer::open(settings).unwrap_err());
        error.replace(&*authority.folder.path().to_string_lossy(), "DIR")
    };
    let missing = authority.file("missing.pem");
    let broken = authority.file("broken.pem");
    fs::write(
        &broken,
        "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    assert_eq!(
        told(&missing, &key, None),
        "DIR/missing.pem cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(
        told(&cert, &cert, None),
        "DIR/server.pem holds no private key (PEM expected)"
    );
    assert_eq!(
        told(&key, &key, None),
        "DIR/server.key holds no certificate (PEM expected)"
    );
    assert!(told(&broken, &key, None).starts_with("DIR/broken.pem is no readable PEM file: "));
    let (other, _) = authority.issue("other", "localhost");
    let mismatch = told(&other, &key, None);
    assert!(mismatch.starts_with("DIR/other.pem and DIR/server.key cannot be used together"));
    assert!(told(&cert, &key, Some(missing)).starts_with("DIR/missing.pem cannot be read"));
}

#[test]
fn half_an_identity_is_none() {
    let authority = Authority::new();
    let (cert, _) = authority.issue("lab", "lab.invalid");
    let half = TlsClientSettings {
        cert: Some(cert),
        ..authority.client(None)
    };
    let error = TlsClient::open(half).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cert and key go together, and only cert is set"
    );
}
