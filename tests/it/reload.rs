//! Reload: another configuration in force, whole or not at all.

use wardwire::engine::ReloadError;
use wardwire::engine::control::Request;

use crate::support::engine::TestEngine;
use crate::support::feed::{feed, with_board};
use crate::support::partner::{Does, Partner, free_address};
use crate::support::peer::{admission, answer, code};

/// Two feeds and a second file.
fn two_feeds() -> String {
    feed("") + "[source.lab]\ntype = \"mllp\"\nlisten = \"127.0.0.1:0\"\n"
}

#[tokio::test]
async fn a_connection_survives_a_reload_and_the_next_message_takes_the_new_routes() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    sender.exchange(admission("1")).await;
    engine.until_delivered().await;
    let other = feed("").replace("name = \"all\"", "name = \"all\"\nwhen = 'MSH-10 = \"3\"'");
    let done = engine.reload(&other).await.unwrap();
    assert_eq!(
        done.to_string(),
        "reloaded; routes and tables are as in the file, nothing else changed"
    );
    for id in ["2", "3"] {
        assert_eq!(
            answer(&sender.exchange(admission(id)).await),
            ("AA".into(), id.into())
        );
    }
    engine.until_delivered().await;
    let out = String::from_utf8(engine.read("out/all.hl7")).unwrap();
    assert_eq!(out, admission("1") + &admission("3"));
}

#[tokio::test]
async fn what_a_source_takes_changes_on_open_connections() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    assert_eq!(code(&sender.exchange(admission("1")).await), "AA");
    let zone = "[engine]\nname = \"OTHER\"\ntimezone = \"Asia/Tokyo\"\n";
    engine
        .reload(&(zone.to_owned() + &feed("accept = [\"ORU\"]")))
        .await
        .unwrap();
    let reply = sender.exchange(admission("2")).await;
    assert_eq!(code(&reply), "AR");
    assert!(
        reply.contains("|20260102120405+0900|"),
        "the new time zone: {reply}"
    );
    assert!(
        sender
            .exchange("PID|1")
            .await
            .starts_with("MSH|^~\\&|OTHER|"),
        "the new name"
    );
}

#[tokio::test]
async fn a_faulty_configuration_changes_nothing() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let error = engine
        .reload(&(two_feeds() + "[destination.x]\n"))
        .await
        .unwrap_err();
    assert!(matches!(error, ReloadError::Config(_)), "{error}");
    assert!(
        error.to_string().contains("destination.x: type is missing"),
        "{error}"
    );
    assert_eq!(engine.engine().addresses().len(), 1);
    assert_eq!(code(&sender.exchange(admission("1")).await), "AA");
}

#[tokio::test]
async fn a_failing_test_refuses_the_reload() {
    let engine = TestEngine::start(&feed("")).await;
    engine.write("a01.hl7", admission("T1"));
    let test = |to: &str| {
        format!(
            "[[test]]\nname = \"to the archive\"\nin = \"a01.hl7\"\nexpect = {{ ack = \"AA\", to = {to} }}\n"
        )
    };
    let error = engine
        .reload(&(two_feeds() + &test("[]")))
        .await
        .unwrap_err();
    let line = two_feeds().lines().count() + 1;
    assert_eq!(
        error.to_string(),
        format!("1 of 1 tests fail: line {line}: to the archive: a01.hl7: went to archive, too")
    );
    assert_eq!(engine.engine().addresses().len(), 1);
    let done = engine
        .reload(&(two_feeds() + &test("[\"archive\"]")))
        .await
        .unwrap();
    assert_eq!(done.changes, ["source lab started"]);
    // What is refused at the door goes nowhere, whatever the routes say.
    let refused = test("[]").replace("\"AA\"", "\"AR\"");
    engine
        .reload(&(feed("accept = [\"ORU\"]") + &refused))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_address_in_use_refuses_the_reload_and_everything_stays() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let partner = Partner::start([]).await;
    let wanted = with_board(&partner.address())
        + &format!("[source.lab]\ntype = \"mllp\"\nlisten = \"{address}\"\n");
    let error = engine.reload(&wanted).await.unwrap_err();
    assert!(matches!(error, ReloadError::Start(_)), "{error}");
    assert_eq!(code(&sender.exchange(admission("1")).await), "AA");
    assert_eq!(
        engine.engine().journal().destinations().len(),
        1,
        "the board was forgotten again"
    );
    drop(taken);
    let done = engine.reload(&wanted).await.unwrap();
    assert_eq!(
        done.changes,
        ["source lab started", "destination board started"]
    );
}

#[tokio::test]
async fn a_listener_that_changes_is_reopened_and_put_back_when_something_fails() {
    let address = free_address();
    let at = |keys: &str| feed(keys).replace("127.0.0.1:0", &address.to_string());
    let engine = TestEngine::start(&at("")).await;
    let mut sender = engine.sender("adt").await;
    sender.exchange(admission("1")).await;
    let done = engine.reload(&at("max_connections = 7")).await.unwrap();
    assert_eq!(done.changes, ["source adt reopened"]);
    assert!(sender.is_closed().await);
    let mut sender = engine.sender("adt").await;
    assert_eq!(code(&sender.exchange(admission("2")).await), "AA");
    assert_eq!(
        engine.engine().report().sources[0].figures.accepted,
        2,
        "it goes on counting"
    );
    // The same address with certificates that are not there.
    engine.write(
        "config.toml",
        at("tls = { cert = \"no.crt\", key = \"no.key\" }"),
    );
    let told = engine
        .ask(&Request::Reload {
            discard: Vec::new(),
        })
        .await;
    let folder = engine.path().display();
    assert_eq!(
        (told.ok, told.text),
        (
            false,
            format!(
                "source adt cannot start: cannot use TLS on {address}: {folder}/no.crt cannot be read: No such file or directory (os error 2)"
            )
        )
    );
    assert_eq!(
        code(&sender.exchange(admission("3")).await),
        "AA",
        "nobody was disconnected"
    );
    // The address goes to a source of another name, which then cannot be had for another reason.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let renamed = at("")
        .replace("source.adt", "source.his")
        .replace("\"adt\"", "\"his\"");
    let other = format!(
        "[source.lab]\ntype = \"mllp\"\nlisten = \"{}\"\n",
        taken.local_addr().unwrap()
    );
    engine
        .reload(&(renamed.clone() + &other))
        .await
        .unwrap_err();
    assert_eq!(code(&sender.exchange(admission("4")).await), "AA");
    let done = engine.reload(&renamed).await.unwrap();
    assert_eq!(done.changes, ["source his started", "source adt stopped"]);
    assert_eq!(engine.address("his"), address);
}

#[tokio::test]
async fn a_source_that_had_to_make_room_is_put_back() {
    let address = free_address();
    let at = |listen: &str, keys: &str| feed(keys).replace("127.0.0.1:0", listen);
    let engine = TestEngine::start(&at(&address.to_string(), "")).await;
    engine.sender("adt").await.exchange(admission("1")).await;
    // Every address of this computer is wanted, and somebody else holds the port on one of them.
    let taken = std::net::TcpListener::bind(("127.0.0.2", address.port())).unwrap();
    let every = at(
        &format!("0.0.0.0:{}", address.port()),
        "allow_from = [\"127.0.0.0/8\"]",
    );
    let error = engine.reload(&every).await.unwrap_err();
    assert_eq!(error.to_string(), "source adt cannot start");
    assert_eq!(engine.address("adt"), address);
    assert_eq!(
        code(&engine.sender("adt").await.exchange(admission("2")).await),
        "AA"
    );
    assert_eq!(engine.engine().report().sources[0].figures.accepted, 2);
    drop(taken);
    assert_eq!(
        engine.reload(&every).await.unwrap().changes,
        ["source adt reopened"]
    );
    assert!(engine.address("adt").ip().is_unspecified());
}

#[tokio::test]
async fn a_new_destination_starts_with_the_next_message() {
    let engine = TestEngine::start(&feed("")).await;
    let mut sender = engine.sender("adt").await;
    sender.exchange(admission("1")).await;
    let partner = Partner::start([]).await;
    engine
        .reload(&with_board(&partner.address()))
        .await
        .unwrap();
    sender.exchange(admission("2")).await;
    engine.until_delivered().await;
    assert_eq!(partner.control_ids(), ["2"]);
}

#[tokio::test]
async fn a_destination_that_something_waits_for_goes_only_when_that_is_given_up() {
    let engine = TestEngine::start(&with_board(&free_address().to_string())).await;
    let mut sender = engine.sender("adt").await;
    sender.exchange(admission("1")).await;
    let error = engine.reload(&feed("")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "destination board was removed, but 1 messages wait for it and 0 are parked (deliver them, or reload with --discard board)"
    );
    assert_eq!(engine.engine().report().destinations.len(), 2);
    let done = engine.engine().reload(&["board".to_owned()]).await.unwrap();
    assert_eq!(done.changes, ["destination board removed"]);
    assert_eq!(engine.engine().journal().destinations().len(), 1);
}

#[tokio::test]
async fn a_destination_that_left_while_the_engine_was_down_is_not_forgotten_with_its_messages() {
    let mut engine = TestEngine::start(&with_board(&free_address().to_string())).await;
    engine.sender("adt").await.exchange(admission("1")).await;
    engine.stop().await;
    engine.write("config.toml", feed(""));
    engine.restart().await;
    let report = engine.engine().report();
    let removed = report
        .destinations
        .iter()
        .find(|one| one.name == "board")
        .unwrap();
    assert_eq!(
        (removed.kind, removed.backlog, removed.trouble),
        ("removed", 1, true)
    );
    // It comes back, and the message arrives.
    let partner = Partner::start([]).await;
    engine
        .reload(&with_board(&partner.address()))
        .await
        .unwrap();
    engine.until_delivered().await;
    assert_eq!(partner.control_ids(), ["1"]);
    // With nothing to wait for it, it is forgotten: it would keep every message from being removed.
    engine.stop().await;
    engine.write("config.toml", feed(""));
    engine.restart().await;
    assert_eq!(engine.engine().journal().destinations().len(), 1);
}

#[tokio::test]
async fn a_changed_destination_takes_its_backlog_along() {
    let engine = TestEngine::start(&with_board(&free_address().to_string())).await;
    let mut sender = engine.sender("adt").await;
    for id in ["1", "2", "3"] {
        sender.exchange(admission(id)).await;
    }
    let partner = Partner::start([Does::Acks("AE"), Does::Acks("AA")]).await;
    let done = engine
        .reload(&with_board(&partner.address()))
        .await
        .unwrap();
    assert_eq!(done.changes, ["destination board changed"]);
    engine.until_delivered().await;
    assert_eq!(partner.control_ids(), ["1", "1", "2", "3"]);
}

#[tokio::test]
async fn what_cannot_change_in_a_running_engine_is_told() {
    let key = |value: &str| format!("{}[security]\nencrypt = \"file:{value}\"\n", feed(""));
    let mut engine = TestEngine::prepared(&key("one.key"));
    for (name, byte) in [("one.key", "ab"), ("two.key", "cd")] {
        engine.write_secret(name, &byte.repeat(32));
    }
    engine.restart().await;
    for (config, what) in [
        (key("two.key"), "[journal] or [security]"),
        (
            key("one.key") + "[journal]\nkeep = \"7d\"\n",
            "[journal] or [security]",
        ),
        (
            key("one.key") + "[engine]\ndata = \"elsewhere\"\n",
            "[engine] data",
        ),
    ] {
        let error = engine.reload(&config).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{what} cannot change while the engine runs (restart it)")
        );
    }
    engine.reload(&key("one.key")).await.unwrap();
}
