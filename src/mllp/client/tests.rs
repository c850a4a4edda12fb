//! What a sender can rely on when a partner replies, late, wrongly, partly or not at all.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::*;
use crate::mllp::testing::{FOREVER, MESSAGE};

const BODY: Bytes = MESSAGE;
const SENT: &[u8] = b"\x0BMSH|^~\\&|W|M|||20260102||ADT^A01|W7|P|2.5\rPID|1||77\r\x1C\r";

/// A partner that does exactly what it is told, on the connections it is told to.
struct Partner(TcpListener);

impl Partner {
    async fn new() -> (Self, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = Client::new(ClientSettings::new(address.to_string())).unwrap();
        (Self(listener), client)
    }

    async fn accept(&self) -> TcpStream {
        let accepted = timeout(FOREVER, self.0.accept()).await;
        accepted.expect("the client connects").unwrap().0
    }
}

/// Reads one message and says `reply`.
async fn answer(stream: &mut TcpStream, reply: &[u8]) {
    let mut heard = vec![0; SENT.len()];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, SENT);
    stream.write_all(reply).await.unwrap();
}

fn ack(code: &str, control_id: &str) -> Vec<u8> {
    format!("\x0BMSH|^~\\&|L|E|W|M|20260102||ACK|9|P|2.5\rMSA|{code}|{control_id}\r\x1C\r").into()
}

/// Sends to a partner that says `reply` once and then closes if `close`.
async fn sent_to(reply: &[u8], close: bool) -> (Result<Acknowledgment, ClientError>, Client) {
    let (partner, mut client) = Partner::new().await;
    let replying = async {
        let mut stream = partner.accept().await;
        answer(&mut stream, reply).await;
        if !close {
            std::future::pending::<()>().await;
        }
    };
    let body = BODY;
    let sending = async {
        let sent = timeout(FOREVER, client.send(&body, b"W7")).await;
        sent.expect("the send ends")
    };
    let sent = if close {
        tokio::join!(sending, replying).0
    } else {
        tokio::select! { sent = sending => sent, () = replying => unreachable!() }
    };
    (sent, client)
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_names_the_message_acknowledges_it() {
    for code in ["AA", "AE", "AR", "CA"] {
        let (sent, client) = sent_to(&ack(code, "W7"), false).await;
        let reply = sent.unwrap();
        assert_eq!((&reply.code[..], reply.unmatched), (code.as_bytes(), 0));
        let framed = ack(code, "W7");
        assert_eq!(reply.raw, framed[1..framed.len() - 2]);
        assert!(client.is_connected());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_may_have_its_own_delimiters_and_line_ends() {
    let replies: [&[u8]; 4] = [
        b"\x0BMSH#@*!%#L#E#W#M#1##ACK#9#P#2.5\rMSA#AA#W7\r\x1C\r",
        b"\x0BMSH|^~\\&|L|E|W|M|1||ACK|9|P|2.5\nMSA|AA|W7\n\x1C\r",
        b"\x0BMSH|^~\\&|L|E|W|M|1||ACK|9|P|2.5\r\nMSA|AA|W7\r\n\x1C\r\n",
        b"\r\n\x0BMSH|^~\\&|L|E|W|M|1||ACK|9|P|2.5\rMSA|AA|W7\x1C",
    ];
    for reply in replies {
        let (sent, _) = sent_to(reply, false).await;
        assert_eq!(sent.unwrap().code, "AA");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_another_message_is_never_credited() {
    // Longer, shorter, padded, escaped, empty, missing: only the same bytes are the same message.
    for other in ["W77", "W", "W7 ", " W7", "W7^", "w7", "\\X57\\7", ""] {
        let (sent, client) = sent_to(&ack("AA", other), false).await;
        let error = sent.unwrap_err();
        assert!(
            matches!(error, ClientError::Timeout { unmatched: 1, .. }),
            "{other:?}: {error:?}"
        );
        assert!(error.retriable());
        assert_eq!(client.unmatched(), 1);
        assert!(
            !client.is_connected(),
            "a late reply must find the connection closed"
        );
    }
    let no_msa = b"\x0BMSH|^~\\&|L|E|W|M|1||ACK|W7|P|2.5\r\x1C\r";
    for reply in [&no_msa[..], b"\x0BMSA|AA|W7\r\x1C\r", b"\x0B\x1C\r"] {
        let (sent, client) = sent_to(reply, false).await;
        assert!(matches!(sent, Err(ClientError::Timeout { .. })));
        assert_eq!(client.unmatched(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn replies_to_others_are_skipped_until_ours_comes() {
    let reply = [ack("AA", "W5"), ack("AR", "W6"), ack("AE", "W7")].concat();
    let (sent, client) = sent_to(&reply, false).await;
    let reply = sent.unwrap();
    assert_eq!((&reply.code[..], reply.unmatched), (&b"AE"[..], 2));
    assert_eq!(client.unmatched(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_names_no_message_is_credited_only_where_that_is_set() {
    let (partner, client) = Partner::new().await;
    let settings = ClientSettings {
        credit_blank: true,
        ..client.settings().clone()
    };
    let mut client = Client::new(settings).unwrap();
    let body = BODY;
    let (sent, _stream) = tokio::join!(client.send(&body, b"W7"), async {
        let mut stream = partner.accept().await;
        let replies = [ack("AR", "W6"), ack("AA", "")].concat();
        answer(&mut stream, &replies).await;
        stream
    });
    assert_eq!(sent.unwrap().code, "AA");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_too_late_is_not_taken_for_the_next_messages_one() {
    let (partner, mut client) = Partner::new().await;
    let body = BODY;
    let begun = Instant::now();
    let (sent, mut first) = tokio::join!(client.send(&body, b"W7"), partner.accept());
    assert!(matches!(sent, Err(ClientError::Timeout { .. })));
    assert_eq!(begun.elapsed().as_secs(), 30);
    answer(&mut first, &ack("AA", "W7")).await;
    let (sent, _stream) = tokio::join!(client.send(&body, b"W7"), async {
        let mut second = partner.accept().await;
        answer(&mut second, &ack("AE", "W7")).await;
        second
    });
    assert_eq!(sent.unwrap().code, "AE");
}

#[tokio::test(start_paused = true)]
async fn one_connection_serves_one_message_after_the_other() {
    let (partner, mut client) = Partner::new().await;
    let body = BODY;
    let sending = async {
        for _ in 0..3 {
            assert_eq!(client.send(&body, b"W7").await.unwrap().code, "AA");
        }
    };
    let replying = async {
        let mut stream = partner.accept().await;
        for end in ["", "\n", "\r\n"] {
            answer(&mut stream, &[&ack("AA", "W7"), end.as_bytes()].concat()).await;
        }
        stream
    };
    tokio::join!(sending, replying);
    assert_eq!(client.stale(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_lies_in_the_connection_before_we_send_is_not_trusted() {
    let (partner, mut client) = Partner::new().await;
    let body = BODY;
    let (sent, mut first) = tokio::join!(client.send(&body, b"W7"), async {
        let mut stream = partner.accept().await;
        answer(&mut stream, &ack("AA", "W7")).await;
        stream
    });
    sent.unwrap();
    first.write_all(&ack("AA", "W7")).await.unwrap();
    let (sent, mut second) = tokio::join!(client.send(&body, b"W7"), async {
        let mut stream = partner.accept().await;
        answer(&mut stream, &ack("AR", "W7")).await;
        stream
    });
    assert_eq!(sent.unwrap().code, "AR");
    assert_eq!(client.stale(), 1);
    // Half of something, or two replies at once, are no better.
    second.write_all(b"\x0BMSH").await.unwrap();
    let (sent, _third) = tokio::join!(client.send(&body, b"W7"), async {
        let mut stream = partner.accept().await;
        answer(&mut stream, &[ack("AA", "W7"), ack("AA", "W7")].concat()).await;
        stream
    });
    sent.unwrap();
    let (sent, _fourth) = tokio::join!(client.send(&body, b"W7"), async {
        let mut stream = partner.accept().await;
        answer(&mut stream, &ack("AA", "W7")).await;
        stream
    });
    sent.unwrap();
    assert_eq!(client.stale(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_connection_the_partner_has_closed_is_opened_again_without_an_error() {
    let (partner, mut client) = Partner::new().await;
    let body = BODY;
    for _ in 0..2 {
        let (sent, ()) = tokio::join!(client.send(&body, b"W7"), async {
            let mut stream = partner.accept().await;
            answer(&mut stream, &ack("AA", "W7")).await;
        });
        sent.unwrap();
    }
    assert_eq!(client.stale(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_framing_is_recognised() {
    let framed = ack("AA", "W7");
    let bare = &framed[1..framed.len() - 2];
    let no_start = &framed[1..];
    for (reply, close) in [
        (bare, false),
        (bare, true),
        (no_start, false),
        (b"OK\r\n", false),
    ] {
        let begun = Instant::now();
        let (sent, client) = sent_to(reply, close).await;
        assert!(matches!(sent, Err(ClientError::Unframed)), "{sent:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(!client.is_connected());
    }
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_hangs_up_is_told_apart_from_one_that_hangs_up_while_it_speaks() {
    let (sent, _) = sent_to(b"", true).await;
    assert!(matches!(sent, Err(ClientError::Closed)), "{sent:?}");
    let whole = ack("AA", "W7");
    for cut in 1..whole.len() - 2 {
        let (sent, _) = sent_to(&whole[..cut], true).await;
        assert!(
            matches!(sent, Err(ClientError::ClosedInReply)),
            "{cut}: {sent:?}"
        );
    }
    let (sent, _) = sent_to(&whole[..whole.len() - 1], true).await;
    assert_eq!(sent.unwrap().code, "AA");
}

#[tokio::test(start_paused = true)]
async fn a_reply_cut_off_by_another_is_not_credited() {
    let cut = b"\x0BMSH|^~\\&|L|E|W|M|1||ACK|9|P|2.5\rMSA|AA|W7\r";
    let (sent, _) = sent_to(&[&cut[..], &ack("AE", "W7")].concat(), false).await;
    assert_eq!(sent.unwrap().code, "AE");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_travel_is_not_sent() {
    let (_partner, mut client) = Partner::new().await;
    for body in [&b"MSH|a\x0Bb"[..], b"MSH|a\x1C\rb", b"MSH|ab\x1C"] {
        let error = client
            .send(&Bytes::from_static(body), b"1")
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Unsendable { .. }) && !error.retriable());
    }
    assert!(!client.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_later_application_acknowledgment_can_be_waited_for() {
    let (partner, mut client) = Partner::new().await;
    let body = BODY;
    let ((first, second), _stream) = tokio::join!(
        async {
            let first = client.send(&body, b"W7").await.unwrap();
            let second = client.receive(b"W7", Duration::from_mins(5)).await.unwrap();
            (first.code, second.code)
        },
        async {
            let mut stream = partner.accept().await;
            answer(&mut stream, &ack("CA", "W7")).await;
            tokio::time::sleep(Duration::from_mins(4)).await;
            stream.write_all(&ack("AA", "W7")).await.unwrap();
            stream
        }
    );
    assert_eq!((&first[..], &second[..]), (&b"CA"[..], &b"AA"[..]));
}

#[tokio::test]
async fn nobody_listening_is_named_and_may_change() {
    let (partner, mut client) = Partner::new().await;
    let endpoint = client.settings().connect.clone();
    drop(partner);
    let error = client.send(&BODY, b"W7").await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {endpoint}"));
    assert!(error.retriable());
    let mut client = Client::new(ClientSettings::new("no port at all")).unwrap();
    assert!(matches!(
        client.connect().await,
        Err(ClientError::Connect { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_does_not_read_is_given_up() {
    let (partner, mut client) = Partner::new().await;
    let body = Bytes::from([&BODY[..], &vec![b'x'; 50_000_000]].concat());
    let (sent, _stream) = tokio::join!(client.send(&body, b"W7"), partner.accept());
    assert!(
        matches!(sent, Err(ClientError::WriteTimeout { .. })),
        "{sent:?}"
    );
}
