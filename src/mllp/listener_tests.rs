//! Who is let in, and what a listener does when too many come.

use super::*;
use crate::mllp::testing::{Server, settings};

#[tokio::test(start_paused = true)]
async fn one_connection_too_many_is_closed_and_counted_and_the_others_go_on() {
    let server = Server::start(ListenerSettings {
        max_connections: 2,
        ..settings()
    });
    let (mut first, second) = (server.connect().await, server.connect().await);
    server.service.heard("opened", 2).await;
    for times in 1..=50 {
        let mut refused = server.connect().await;
        assert!(refused.hear_the_rest().await.is_empty());
        let event = server.service.heard("refused", times).await;
        assert_eq!(
            event,
            "refused max_connections: max_connections: 2 are open"
        );
    }
    first.say(b"\x0BMSH|1\x1C\r").await;
    first.hear(b"\x0BAA MSH|1\x1C\r").await;
    drop(second);
    server.service.heard("closed", 1).await;
    let mut third = server.connect().await;
    third.say(b"\x0BMSH|3\x1C\r").await;
    third.hear(b"\x0BAA MSH|3\x1C\r").await;
}

#[tokio::test(start_paused = true)]
async fn one_address_can_have_only_so_many_connections() {
    let server = Server::start(ListenerSettings {
        max_per_peer: 1,
        ..settings()
    });
    let _first = server.connect().await;
    let mut second = server.connect().await;
    assert!(second.hear_the_rest().await.is_empty());
    server.service.heard("refused max_per_peer", 1).await;
}

#[tokio::test(start_paused = true)]
async fn only_addresses_on_the_list_may_connect() {
    let allow = |nets: &[&str]| ListenerSettings {
        allow_from: nets.iter().map(|net| net.parse().unwrap()).collect(),
        ..settings()
    };
    let server = Server::start(allow(&["10.1.0.0/16", "::1/128"]));
    let mut refused = server.connect().await;
    assert!(refused.hear_the_rest().await.is_empty());
    server.service.heard("refused allow_from", 1).await;
    assert_eq!(server.service.events().len(), 1);
    let server = Server::start(allow(&["10.1.0.0/16", "127.0.0.0/8"]));
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH|1\x1C\r").await;
    peer.hear(b"\x0BAA MSH|1\x1C\r").await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = Listener::bind(settings()).unwrap().local_addr();
    let held = Listener::bind(ListenerSettings::new(taken)).unwrap();
    let error = Listener::bind(ListenerSettings::new(held.local_addr())).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {taken}"));
}

#[tokio::test(start_paused = true)]
async fn an_old_address_on_a_new_socket_is_still_an_old_address() {
    let Ok(listen) = "[::]:0".parse::<SocketAddr>() else {
        unreachable!()
    };
    let server = Server::start(ListenerSettings {
        listen,
        allow_from: vec!["127.0.0.0/8".parse().unwrap()],
        ..settings()
    });
    let there = SocketAddr::from(([127, 0, 0, 1], server.address.port()));
    let _peer = TcpStream::connect(there).await.unwrap();
    server.service.heard("opened", 1).await;
}
