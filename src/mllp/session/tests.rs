//! One connection as its peer sees it: order, limits, silence and the end.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::mllp::testing::{Server, settings};
use crate::mllp::{ConnectionState, ListenerSettings, Oversize};

#[tokio::test(start_paused = true)]
async fn a_frame_is_answered_however_its_bytes_are_cut() {
    let server = Server::start(settings());
    let frame = b"\x0BMSH|one\x1C\r";
    for cut in 1..frame.len() {
        let mut peer = server.connect().await;
        peer.say(&frame[..cut]).await;
        tokio::task::yield_now().await;
        peer.say(&frame[cut..]).await;
        peer.hear(b"\x0BAA MSH|one\x1C\r").await;
    }
    let mut peer = server.connect().await;
    for byte in frame {
        peer.say(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    peer.hear(b"\x0BAA MSH|one\x1C\r").await;
}

#[tokio::test(start_paused = true)]
async fn frames_sent_in_one_go_are_answered_in_order() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH|1\x1C\r\x0BMSH|2\x1C\r\x0BMS").await;
    peer.hear(b"\x0BAA MSH|1\x1C\r\x0BAA MSH|2\x1C\r").await;
    peer.say(b"H|3\x1C\r\n\x0Btwo\x1C\r\x0B").await;
    peer.hear(b"\x0BAA MSH|3\x1C\r\x0BCA two\x1C\r\x0BAA two\x1C\r")
        .await;
    peer.say(b"\x1C\r\x0BMSH|5\x1C\r").await;
    peer.hear(b"\x0BAA MSH|5\x1C\r").await;
}

#[tokio::test(start_paused = true)]
async fn frames_sent_in_one_go_are_in_hand_together_but_never_more_than_allowed() {
    let server = Server::gated(
        ListenerSettings {
            pipeline: 3,
            ..settings()
        },
        0,
    );
    let mut peer = server.connect().await;
    peer.say(b"\x0B1\x1C\r\x0B2\x1C\r\x0B3\x1C\r\x0B4\x1C\r")
        .await;
    server.service.heard("frame", 3).await;
    assert_eq!(*server.service.begun.lock().unwrap(), ["1", "2", "3"]);
    let listed = server.connections.list();
    assert_eq!(listed[0].state, ConnectionState::Busy);
    assert_eq!(listed[0].peer, peer.0.local_addr().unwrap());
    server.service.gate.add_permits(4);
    peer.hear(b"\x0BAA 1\x1C\r\x0BAA 2\x1C\r\x0BAA 3\x1C\r\x0BAA 4\x1C\r")
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_block_alone_is_enough_after_a_short_wait() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    let begun = Instant::now();
    peer.say(b"\x0BMSH|1\x1C").await;
    peer.hear(b"\x0BAA MSH|1\x1C\r").await;
    assert!(begun.elapsed() >= settings().end_grace);
    assert!(begun.elapsed() < Duration::from_secs(1));
    peer.say(b"\x0BMSH|2\x1C\x0BMSH|3\x1C\r").await;
    peer.hear(b"\x0BAA MSH|2\x1C\r\x0BAA MSH|3\x1C\r").await;
    let warnings = ["fs_without_cr", "fs_without_cr"];
    assert_eq!(*server.service.warnings.lock().unwrap(), warnings);
}

#[tokio::test(start_paused = true)]
async fn damaged_frames_are_refused_and_the_next_ones_taken() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    peer.say(b"MSH|no start\x1C\r\x0BMSH|lost\x0BMSH|1\x1C\r")
        .await;
    peer.hear(b"\x0BAE MSH|no start\x1C\r\x0BAE MSH|lost\x1C\r\x0BAA MSH|1\x1C\r")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_connects_is_one_quiet_event() {
    let server = Server::start(settings());
    drop(server.connect().await);
    let reason = server.service.heard("closed", 1).await;
    assert_eq!(
        reason,
        "closed junk_only: no frame, only 0 other bytes, 0 frames"
    );
}

#[tokio::test(start_paused = true)]
async fn another_protocol_is_closed_soon_and_quietly() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    let begun = Instant::now();
    peer.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(peer.hear_the_rest().await.is_empty());
    assert!(begun.elapsed() < Duration::from_secs(3));
    let reason = server.service.heard("closed", 1).await;
    assert_eq!(
        reason,
        "closed junk_only: no frame, only 27 other bytes, 0 frames"
    );
    let mut peer = server.connect().await;
    peer.say(&vec![b'j'; 70_000]).await;
    peer.hear_the_rest().await;
    let reason = server.service.heard("closed", 2).await;
    assert!(reason.starts_with("closed junk_only"), "{reason}");
    assert_eq!(server.service.events().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn junk_behind_the_last_frame_is_told() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH|1\x1C\rjunk").await;
    peer.hear(b"\x0BAA MSH|1\x1C\r").await;
    peer.0.shutdown().await.unwrap();
    server.service.heard("warned trailing_bytes", 1).await;
    server.service.heard("closed peer_closed:", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_drips_is_closed_by_the_name_of_the_limit() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    let mut good = server.connect().await;
    let begun = Instant::now();
    for byte in b"\x0BMSH" {
        peer.say(&[*byte]).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert!(peer.hear_the_rest().await.is_empty());
    assert!(begun.elapsed() <= Duration::from_secs(41));
    let reason = server.service.heard("closed frame_timeout", 1).await;
    assert_eq!(
        reason,
        "closed frame_timeout: a frame not ended within frame_timeout (30s), 0 frames"
    );
    good.say(b"\x0BMSH|1\x1C\r").await;
    good.hear(b"\x0BAA MSH|1\x1C\r").await;
}

#[tokio::test(start_paused = true)]
async fn every_frame_has_its_own_time() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH").await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        peer.say(b"|1\x1C\r\x0BMSH").await;
        peer.hear(b"\x0BAA MSH|1\x1C\r").await;
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_fault_unless_an_idle_timeout_says_so() {
    let patient = Server::start(settings());
    let idle_timeout = Some(Duration::from_mins(1));
    let strict = Server::start(ListenerSettings {
        idle_timeout,
        ..settings()
    });
    let (mut kept, mut closed) = (patient.connect().await, strict.connect().await);
    closed.say(b"\x0BMSH|1\x1C\r").await;
    closed.hear(b"\x0BAA MSH|1\x1C\r").await;
    let begun = Instant::now();
    assert!(closed.hear_the_rest().await.is_empty());
    assert_eq!(begun.elapsed().as_secs(), 60);
    strict.service.heard("closed idle_timeout", 1).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    kept.say(b"\x0BMSH|1\x1C\r").await;
    kept.hear(b"\x0BAA MSH|1\x1C\r").await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_too_large_is_refused_and_the_connection_closed_or_kept_as_set() {
    let frame = [
        b"\x0BMSH|",
        &vec![b'x'; 9_000_000][..],
        b"\x1C\r\x0BMSH|2\x1C\r",
    ]
    .concat();
    let mut all = ListenerSettings {
        max_frame: 10,
        ..settings()
    };
    let server = Server::start(all.clone());
    let mut peer = server.connect().await;
    peer.say(&frame).await;
    assert_eq!(peer.hear_the_farewell().await, b"\x0BAE MSH|xxxxxx\x1C\r");
    let reason = server.service.heard("closed", 1).await;
    assert_eq!(
        reason,
        "closed frame_too_large: a frame larger than max_frame (10 bytes), 1 frames"
    );
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH|xxxxxxx\x1C\r\x0BMSH|2\x1C\r").await;
    assert_eq!(peer.hear_the_farewell().await, b"\x0BAE MSH|xxxxxx\x1C\r");
    all.oversize = Oversize::Skip;
    let server = Server::start(all);
    let mut peer = server.connect().await;
    peer.say(&frame).await;
    peer.hear(b"\x0BAE MSH|xxxxxx\x1C\r\x0BAA MSH|2\x1C\r")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_its_replies_is_closed() {
    let server = Server::start(settings());
    let mut peer = server.connect().await;
    let message = [b"\x0B", &vec![b'x'; 100_000][..], b"\x1C\r"].concat();
    let sending = async { while peer.0.write_all(&message).await.is_ok() {} };
    tokio::time::timeout(Duration::from_hours(1), sending)
        .await
        .expect("the connection is closed");
    server.service.heard("closed write_timeout", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_no_more_still_gets_its_replies() {
    let server = Server::gated(settings(), 0);
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH|1\x1C\r\x0BMSH|2\x1C\r\x0BMSH|half")
        .await;
    peer.0.shutdown().await.unwrap();
    server.service.heard("frame", 3).await;
    server.service.gate.add_permits(3);
    let replies = peer.hear_the_rest().await;
    let expected = "\x0BAA MSH|1\x1C\r\x0BAA MSH|2\x1C\r\x0BAE MSH|half\x1C\r";
    assert_eq!(String::from_utf8_lossy(&replies), expected);
    server.service.heard("closed peer_closed_in_frame", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_finished_even_when_the_peer_is_gone() {
    let server = Server::gated(settings(), 0);
    let mut peer = server.connect().await;
    peer.say(b"\x0BMSH|1\x1C\r").await;
    server.service.heard("frame", 1).await;
    peer.0.set_zero_linger().unwrap();
    drop(peer);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.connections.count(), 1);
    server.service.gate.add_permits(1);
    server.service.heard("closed lost", 1).await;
    assert_eq!(server.service.gate.available_permits(), 0);
}

#[tokio::test(start_paused = true)]
async fn stopping_lets_frames_in_hand_finish_and_closes_who_is_idle() {
    let server = Server::gated(settings(), 0);
    let (mut busy, mut idle) = (server.connect().await, server.connect().await);
    let mut half = server.connect().await;
    half.say(b"\x0BMSH|half").await;
    busy.say(b"\x0BMSH|1\x1C\r\x0BMSH|2\x1C\r\x0BMSH|half")
        .await;
    server.service.heard("frame", 2).await;
    server.cancel.cancel();
    assert!(idle.hear_the_rest().await.is_empty());
    assert!(half.hear_the_rest().await.is_empty());
    let listed = server.connections.list();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].peer, listed[0].frames),
        (busy.0.local_addr().unwrap(), 2)
    );
    server.service.gate.add_permits(2);
    assert_eq!(
        busy.hear_the_farewell().await,
        b"\x0BAA MSH|1\x1C\r\x0BAA MSH|2\x1C\r"
    );
    server.stop().await;
    server.service.heard("closed drained", 3).await;
    assert!(
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_on_one_connection_leaves_the_others_alone() {
    let server = Server::start(settings());
    let (mut bad, mut good) = (server.connect().await, server.connect().await);
    bad.say(b"\x0Bpanic\x1C\r").await;
    bad.hear_the_rest().await;
    server.service.heard("closed aborted", 1).await;
    good.say(b"\x0BMSH|1\x1C\r").await;
    good.hear(b"\x0BAA MSH|1\x1C\r").await;
    assert_eq!(server.connections.count(), 1);
}

/// Holds every turn until its gate opens.
struct Serial {
    begun: std::sync::Mutex<Vec<String>>,
    gate: tokio::sync::Semaphore,
}

impl crate::mllp::Service for Serial {
    async fn call(
        &self,
        _: &crate::mllp::Peer,
        frame: crate::mllp::Frame,
        turn: crate::mllp::Turn<'_>,
    ) -> Vec<bytes::Bytes> {
        let body = String::from_utf8_lossy(&frame.body).into_owned();
        self.begun.lock().unwrap().push(body);
        self.gate.acquire().await.unwrap().forget();
        drop(turn);
        vec![frame.body]
    }

    fn event(&self, _: &crate::mllp::Peer, _: crate::mllp::ConnectionEvent) {}
}

#[tokio::test(start_paused = true)]
async fn no_frame_begins_before_the_one_ahead_of_it_has_its_place() {
    let listener = crate::mllp::Listener::bind(settings()).unwrap();
    let address = listener.local_addr();
    let service = std::sync::Arc::new(Serial {
        begun: std::sync::Mutex::default(),
        gate: tokio::sync::Semaphore::new(0),
    });
    let tracker = tokio_util::task::TaskTracker::new();
    let cancel = tokio_util::sync::CancellationToken::new();
    let serve = listener.serve(std::sync::Arc::clone(&service), tracker.clone(), cancel);
    tracker.spawn(serve);
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut peer = crate::mllp::testing::RawPeer(stream);
    peer.say(b"\x0B1\x1C\r\x0B2\x1C\r\x0B3\x1C\r").await;
    for count in 1..=3 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(service.begun.lock().unwrap().len(), count);
        service.gate.add_permits(1);
    }
    peer.hear(b"\x0B1\x1C\r\x0B2\x1C\r\x0B3\x1C\r").await;
}
