//! Delivery by POST against a small server that answers as told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use tokio_util::task::TaskTracker;

use super::partner::free_address;
use super::rig::{dispatch, message};
use crate::delivery::attempt::{Answer, Attempt, Destination, LONGEST_REPLY};
use crate::delivery::http::HttpDestination;
use crate::delivery::{DeliveryError, HttpSettings, Secret};

/// What a server saw of one request: method and path, headers, body.
type Seen = (String, axum::http::HeaderMap, Bytes);
type Reply = (u16, Vec<(&'static str, String)>, Vec<u8>);

#[derive(Clone)]
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    replies: Arc<Mutex<Vec<Reply>>>,
}

/// A server that gives these replies, one a request, and then 200.
async fn server(replies: Vec<Reply>) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        address: format!("http://{}", listener.local_addr().unwrap()),
        seen: Arc::default(),
        replies: Arc::new(Mutex::new(replies.into_iter().rev().collect())),
    };
    let router = Router::new().fallback(reply).with_state(server.clone());
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    server
}

async fn reply(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    server
        .seen
        .lock()
        .unwrap()
        .push((line, parts.headers, body));
    let next = server.replies.lock().unwrap().pop();
    let (status, headers, body) = next.unwrap_or((200, Vec::new(), Vec::new()));
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

async fn post(server: &Server) -> Attempt {
    let settings = HttpSettings::new(format!("{}/in?key=pw", server.address));
    HttpDestination::open(settings)
        .unwrap()
        .send(&dispatch("M1"))
        .await
}

async fn answer(status: u16, headers: Vec<(&'static str, String)>, body: &[u8]) -> Attempt {
    post(&server(vec![(status, headers, body.to_vec())]).await).await
}

fn acknowledgment(code: &str, id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|LAB||W||2026||ACK|1|P|2.5\rMSA|{code}|{id}\r").into_bytes()
}

#[tokio::test]
async fn the_message_is_posted_as_it_is_with_the_headers_that_were_asked_for() {
    let server = server(Vec::new()).await;
    let mut settings = HttpSettings::new(format!("{}/in", server.address));
    settings.bearer = Some(Secret::new("letmein".to_owned()));
    settings
        .headers
        .push(("X-Site".to_owned(), Secret::new("north".to_owned())));
    let attempt = HttpDestination::open(settings)
        .unwrap()
        .send(&dispatch("M1"))
        .await;
    assert_eq!(attempt.answer, Answer::Accepted);
    assert_eq!(attempt.code.as_deref(), Some("200"));
    let seen = server.seen.lock().unwrap();
    let (line, headers, body) = &seen[0];
    assert_eq!(line, "POST /in");
    assert_eq!(*body, message("M1"));
    assert_eq!(headers["content-type"], "x-application/hl7-v2+er7");
    assert_eq!(headers["authorization"], "Bearer letmein");
    assert_eq!(headers["x-site"], "north");
}

#[tokio::test]
async fn what_a_template_made_is_posted_instead_of_the_message() {
    let server = server(Vec::new()).await;
    let mut rendered = dispatch("M1");
    rendered.rendered = Some(Bytes::from_static(b"{\"id\":\"M1\"}"));
    let settings = HttpSettings::new(&server.address);
    let sent = HttpDestination::open(settings)
        .unwrap()
        .send(&rendered)
        .await;
    assert_eq!(sent.answer, Answer::Accepted);
    assert_eq!(server.seen.lock().unwrap()[0].2, "{\"id\":\"M1\"}");
}

#[tokio::test]
async fn a_status_says_what_becomes_of_the_message_and_its_reply_is_kept() {
    for (status, expected) in [
        (200, Answer::Accepted),
        (503, Answer::Unavailable),
        (429, Answer::Unavailable),
        (404, Answer::Rejected),
        (500, Answer::Error),
    ] {
        let attempt = answer(status, Vec::new(), b"because").await;
        assert_eq!(attempt.answer, expected);
        assert_eq!(attempt.code.as_deref(), Some(&*status.to_string()));
        assert_eq!(attempt.reply.unwrap(), "because");
    }
}

#[tokio::test]
async fn a_partner_that_says_when_to_come_back_is_heard() {
    let asked = vec![("retry-after", "17".to_owned())];
    let attempt = answer(429, asked, b"").await;
    assert_eq!(attempt.retry_after, Some(Duration::from_secs(17)));
    let date = vec![("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT".to_owned())];
    assert_eq!(answer(503, date, b"").await.retry_after, None);
}

#[tokio::test]
async fn an_acknowledgment_in_the_reply_has_the_last_word() {
    for (status, code, id, expected) in [
        (200, "AA", "M1", Answer::Accepted),
        (200, "AE", "M1", Answer::Error),
        (200, "AR", "M1", Answer::Rejected),
        (200, "AA", "M2", Answer::Unanswered),
        (500, "AR", "M1", Answer::Rejected),
        (500, "AA", "M1", Answer::Error),
    ] {
        let attempt = answer(status, Vec::new(), &acknowledgment(code, id)).await;
        assert_eq!(attempt.answer, expected, "{status} {code} {id}");
        assert!(attempt.reply.is_some());
    }
}

#[tokio::test]
async fn a_redirect_is_followed_only_where_the_message_stays_a_message_to_the_same_partner() {
    let other = server(Vec::new()).await;
    let elsewhere = format!("{}/in", other.address);
    for (status, location, expected, requests) in [
        (307, "/moved".to_owned(), Answer::Accepted, 2),
        (302, "/login".to_owned(), Answer::Unavailable, 1),
        (303, "/login".to_owned(), Answer::Unavailable, 1),
        (307, elsewhere, Answer::Unavailable, 1),
    ] {
        let server = server(vec![(
            status,
            vec![("location", location.clone())],
            Vec::new(),
        )])
        .await;
        assert_eq!(post(&server).await.answer, expected, "{status} {location}");
        let seen = server.seen.lock().unwrap();
        assert_eq!(seen.len(), requests, "{status} {location}");
        assert!(
            seen.iter()
                .all(|(line, _, body)| line.starts_with("POST") && *body == message("M1"))
        );
    }
    assert!(other.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn of_a_giant_reply_only_the_beginning_is_read() {
    let attempt = answer(200, Vec::new(), &vec![b'x'; 3 * LONGEST_REPLY]).await;
    assert_eq!(attempt.answer, Answer::Accepted);
    assert_eq!(attempt.reply.unwrap().len(), LONGEST_REPLY);
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_two_things_and_neither_names_the_key_in_the_address()
{
    let mut settings = HttpSettings::new(format!("http://{}/in?key=pw", free_address()));
    let attempt = HttpDestination::open(settings.clone())
        .unwrap()
        .send(&dispatch("M1"))
        .await;
    assert_eq!(attempt.answer, Answer::Unavailable);
    assert!(
        attempt.reason.contains("refused") && !attempt.reason.contains("pw"),
        "{}",
        attempt.reason
    );

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    settings.url = format!("http://{}/in?key=pw", silent.local_addr().unwrap());
    settings.timeout = Duration::from_millis(50);
    let attempt = HttpDestination::open(settings)
        .unwrap()
        .send(&dispatch("M1"))
        .await;
    assert_eq!(attempt.answer, Answer::Unanswered);
    assert!(
        attempt.reason.contains("time") && !attempt.reason.contains("pw"),
        "{}",
        attempt.reason
    );
}

#[test]
fn what_cannot_be_an_http_destination_is_said_before_anything_is_sent() {
    let open = |settings| HttpDestination::open(settings).map(drop).unwrap_err();
    for url in ["", "lab.test/in", "ftp://lab.test", "http://"] {
        assert!(
            matches!(open(HttpSettings::new(url)), DeliveryError::Url),
            "{url}"
        );
    }
    let mut settings = HttpSettings::new("https://lab.test");
    settings
        .headers
        .push(("X-Key".to_owned(), Secret::new("pw\n".to_owned())));
    let error = open(settings.clone());
    assert!(error.to_string().contains("X-Key") && !format!("{error:?}").contains("pw"));
    settings.headers.clear();
    settings.tls.ca = Some("/nowhere/ca.pem".into());
    assert!(matches!(open(settings.clone()), DeliveryError::Tls(_)));
    settings.tls.ca = None;
    settings.tls.cert = Some("/nowhere/cert.pem".into());
    assert!(matches!(open(settings), DeliveryError::Tls(_)));
}
