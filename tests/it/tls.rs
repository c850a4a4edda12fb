//! TLS and mutual TLS between two engines, each with three lines of configuration.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use wardwire::engine::EngineReport;

use crate::support::engine::TestEngine;
use crate::support::feed::feed;
use crate::support::peer::{admission, code};

/// Who issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Puts `ca.crt`, and `own.crt` and `own.key` for 127.0.0.1, into an engine's folder.
    fn equip(&self, engine: &TestEngine) {
        engine.write("ca.crt", self.0.pem());
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        engine.write("own.crt", params.signed_by(&key, &self.0).unwrap().pem());
        engine.write_secret("own.key", &key.serialize_pem());
    }
}

const SERVER: &str = "[source.adt.tls]\ncert = \"own.crt\"\nkey = \"own.key\"\n";
const MUTUAL: &str =
    "[source.adt.tls]\ncert = \"own.crt\"\nkey = \"own.key\"\nclient_ca = \"ca.crt\"\n";
const CLIENT: &str = "[destination.next.tls]\nca = \"ca.crt\"\n";
const IDENTIFIED: &str =
    "[destination.next.tls]\nca = \"ca.crt\"\ncert = \"own.crt\"\nkey = \"own.key\"\n";

/// An engine that takes messages over TLS.
async fn receiving(authority: &Authority, tls: &str) -> TestEngine {
    let mut engine = TestEngine::prepared(&(feed("") + tls));
    authority.equip(&engine);
    engine.restart().await;
    engine
}

/// An engine that passes everything on to `next`.
async fn sending(authority: &Authority, next: &TestEngine, tls: &str) -> TestEngine {
    let next = format!(
        "[destination.next]\ntype = \"mllp\"\nconnect = \"{}\"\nretry = {{ first = \"20ms\", max = \"20ms\" }}\n{tls}",
        next.address("adt")
    );
    let mut engine =
        TestEngine::prepared(&(feed("").replace("[\"archive\"]", "[\"next\"]") + &next));
    authority.equip(&engine);
    engine.restart().await;
    engine
}

async fn send(engine: &TestEngine, id: &str) {
    assert_eq!(
        code(&engine.sender("adt").await.exchange(admission(id)).await),
        "AA"
    );
}

fn next_state(report: &EngineReport) -> String {
    let next = report.destinations.iter().find(|one| one.name == "next");
    next.unwrap().state.clone()
}

#[tokio::test]
async fn messages_pass_over_tls() {
    let authority = Authority::new("Lake");
    let receiver = receiving(&authority, SERVER).await;
    let sender = sending(&authority, &receiver, CLIENT).await;
    send(&sender, "1").await;
    sender.until_delivered().await;
    assert_eq!(receiver.accepted()[0].raw, admission("1"));
}

#[tokio::test]
async fn with_mutual_tls_only_those_with_a_certificate_are_heard() {
    let authority = Authority::new("Lake");
    let receiver = receiving(&authority, MUTUAL).await;
    let sender = sending(&authority, &receiver, IDENTIFIED).await;
    send(&sender, "1").await;
    sender.until_delivered().await;
    assert_eq!(receiver.accepted().len(), 1);
    // One without a certificate, one with a certificate of another authority, one without TLS.
    let nobody = sending(&authority, &receiver, CLIENT).await;
    send(&nobody, "2").await;
    let stranger = sending(&Authority::new("River"), &receiver, IDENTIFIED).await;
    std::fs::copy(
        receiver.path().join("ca.crt"),
        stranger.path().join("ca.crt"),
    )
    .unwrap();
    stranger.engine().reload(&[]).await.unwrap();
    send(&stranger, "3").await;
    for engine in [&nobody, &stranger] {
        engine
            .until("it retries", |engine| {
                next_state(&engine.report()).starts_with("retrying")
            })
            .await;
    }
    let mut plain = receiver.sender("adt").await;
    plain.send(admission("4")).await;
    assert!(plain.is_closed_or_alerted().await);
    assert_eq!(receiver.accepted().len(), 1);
    assert!(
        receiver.engine().report().sources[0]
            .figures
            .connections_refused
            >= 3
    );
}

#[tokio::test]
async fn a_partner_whose_authority_is_not_ours_is_not_spoken_to() {
    let receiver = receiving(&Authority::new("River"), SERVER).await;
    let sender = sending(&Authority::new("Lake"), &receiver, CLIENT).await;
    send(&sender, "1").await;
    sender
        .until("it says so", |engine| {
            next_state(&engine.report()).contains("UnknownIssuer")
        })
        .await;
    assert!(receiver.entries().is_empty());
}

#[tokio::test]
async fn certificates_are_read_again_on_reload() {
    let (old, new) = (Authority::new("Old"), Authority::new("New"));
    let receiver = receiving(&old, SERVER).await;
    let sender = sending(&new, &receiver, CLIENT).await;
    send(&sender, "1").await;
    sender
        .until("it retries", |engine| {
            next_state(&engine.report()).starts_with("retrying")
        })
        .await;
    // A certificate that does not belong to the key is refused, and the old one stays.
    let right = std::fs::read(receiver.path().join("own.crt")).unwrap();
    let other = receiving(&new, SERVER).await;
    receiver.write(
        "own.crt",
        std::fs::read(other.path().join("own.crt")).unwrap(),
    );
    let error = receiver.engine().reload(&[]).await.unwrap_err();
    assert_eq!(error.to_string(), "source adt cannot start");
    receiver.write("own.crt", right);
    new.equip(&receiver);
    receiver.engine().reload(&[]).await.unwrap();
    sender.until_delivered().await;
    assert_eq!(receiver.accepted().len(), 1);
    // And on the other side.
    new.equip(&sender);
    old.equip(&receiver);
    receiver.engine().reload(&[]).await.unwrap();
    old.equip(&sender);
    sender.engine().reload(&[]).await.unwrap();
    send(&sender, "2").await;
    sender.until_delivered().await;
    assert_eq!(receiver.accepted().len(), 2);
}
