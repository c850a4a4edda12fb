//! Delivery by HTTP POST: a message counts as delivered when the status is 2xx and no acknowledgment in the reply
//! says otherwise.
//!
//! Partners that speak HL7 over HTTP answer with an acknowledgment. Where the reply begins with MSH and has an MSA, it
//! decides like one over MLLP does: its MSA-2 must name the message, and MSA-1 says what becomes of it.
//!
//! Redirects are followed only where they keep method, scheme, host and port (307, 308): anything else could drop the
//! message or carry it to somebody it was not routed to.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, Proxy, Response, Url, redirect};

use super::attempt::{Answer, Attempt, Destination, Dispatch, LONGEST_REPLY, of_status};
use super::certificates;
use super::error::DeliveryError;
use super::mllp::words;
use super::settings::HttpSettings;
use crate::hl7::{Message, acknowledgment};

/// More redirects than this are a loop.
const MOST_REDIRECTS: usize = 5;
/// How long a connection is kept for the next message.
const IDLE: Duration = Duration::from_mins(1);

/// A partner that takes POSTs.
pub(super) struct HttpDestination {
    url: Url,
    client: HttpClient,
}

/// The client, to be made anew when certificates change. Cheap to clone; clones share the one made last.
#[derive(Clone)]
pub(super) struct HttpClient {
    settings: Arc<HttpSettings>,
    current: Arc<ArcSwap<Client>>,
}

impl HttpDestination {
    pub(super) fn open(settings: HttpSettings) -> Result<Self, DeliveryError> {
        let url = address(&settings.url)?;
        let current = Arc::new(ArcSwap::from_pointee(build(&settings, &url)?));
        let settings = Arc::new(settings);
        Ok(Self {
            url,
            client: HttpClient { settings, current },
        })
    }

    pub(super) fn client(&self) -> HttpClient {
        self.client.clone()
    }
}

impl HttpClient {
    /// Reads the certificates again; on an error the old ones stay in use.
    pub(super) fn reload(&self) -> Result<(), DeliveryError> {
        let client = build(&self.settings, &address(&self.settings.url)?)?;
        self.current.store(Arc::new(client));
        Ok(())
    }
}

impl Destination for HttpDestination {
    async fn send(&mut self, dispatch: &Dispatch) -> Attempt {
        let body = dispatch.rendered.as_ref().unwrap_or(&dispatch.message);
        let client = self.client.current.load_full();
        let sent = client.post(self.url.clone()).body(body.clone()).send();
        match sent.await {
            Ok(response) => read(response, dispatch).await,
            Err(error) => {
                let answer = if error.is_connect() {
                    Answer::Unavailable
                } else {
                    Answer::Unanswered
                };
                Attempt::new(answer, words(&error.without_url()))
            }
        }
    }
}

fn address(url: &str) -> Result<Url, DeliveryError> {
    let url = Url::parse(url).map_err(|_| DeliveryError::Url)?;
    let fit = matches!(url.scheme(), "http" | "https") && url.has_host();
    fit.then_some(url).ok_or(DeliveryError::Url)
}

fn build(settings: &HttpSettings, url: &Url) -> Result<Client, DeliveryError> {
    let https = url.scheme() == "https"
        || settings
            .proxy
            .as_ref()
            .is_some_and(|proxy| proxy.starts_with("https:"));
    let builder = Client::builder()
        .tls_backend_preconfigured(certificates::client_config(&settings.tls, https)?)
        .default_headers(headers(settings)?)
        .timeout(settings.timeout)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(IDLE)
        .redirect(same_place_only())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy();
    let builder = match &settings.proxy {
        None => builder,
        Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|_| DeliveryError::Proxy)?),
    };
    let built = builder.build();
    built.map_err(|error| DeliveryError::Http(error.without_url().into()))
}

fn headers(settings: &HttpSettings) -> Result<HeaderMap, DeliveryError> {
    let mut headers = HeaderMap::new();
    let wrong = |name: &str| DeliveryError::Header {
        name: name.to_owned(),
    };
    let content_type = HeaderValue::from_str(&settings.content_type);
    headers.insert(
        CONTENT_TYPE,
        content_type.map_err(|_| wrong("Content-Type"))?,
    );
    for (name, value) in &settings.headers {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(name))?;
        headers.append(key, secret(value.reveal()).ok_or_else(|| wrong(name))?);
    }
    if let Some(bearer) = &settings.bearer {
        let value = zeroize::Zeroizing::new(format!("Bearer {}", bearer.reveal()));
        let value = secret(&value).ok_or_else(|| wrong("Authorization"))?;
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn secret(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn same_place_only() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let place = |url: &Url| {
            let host = url.host_str().map(str::to_owned);
            (url.scheme().to_owned(), host, url.port_or_known_default())
        };
        let from = attempt.previous().first().map(place);
        let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
        let stays = from == Some(place(attempt.url()));
        if keeps_method && stays && attempt.previous().len() <= MOST_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// What a response says of the message.
async fn read(response: Response, dispatch: &Dispatch) -> Attempt {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let (answer, reason) = of_status(status);
    let body = match body(response).await {
        Ok(body) => body,
        // A status without the rest of its reply is none: an acknowledgment may have been in it.
        Err(error) if answer == Answer::Accepted => {
            let mut attempt = Attempt::new(Answer::Unanswered, words(&error.without_url()));
            attempt.code = Some(status.to_string().into());
            return attempt;
        }
        Err(_) => Bytes::new(),
    };
    let mut attempt = match acknowledged(&body, dispatch) {
        Some(attempt) if answer == Answer::Accepted || attempt.answer != Answer::Accepted => {
            attempt
        }
        _ => {
            let mut attempt = Attempt::new(answer, reason);
            attempt.code = Some(status.to_string().into());
            attempt.with_reply(&body)
        }
    };
    attempt.retry_after = retry_after;
    attempt
}

/// No more of the body than is kept; the rest is not read, which costs the connection.
async fn body(mut response: Response) -> reqwest::Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        let room = LONGEST_REPLY - body.len();
        if chunk.len() >= room {
            body.extend_from_slice(chunk.get(..room).unwrap_or_default());
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The acknowledgment in a reply, if there is one.
fn acknowledged(body: &Bytes, dispatch: &Dispatch) -> Option<Attempt> {
    let message = body
        .starts_with(b"MSH")
        .then(|| Message::parse(body.clone()))?
        .ok()?;
    let answer = acknowledgment::Answer::of(&message)?;
    if answer.control_id != &*dispatch.control_id {
        let reason = "the reply acknowledges another message";
        return Some(Attempt::new(Answer::Unanswered, reason).with_reply(body));
    }
    let code = answer.code.map_or("", |code| code.as_str());
    Some(Attempt::acknowledged(code.as_bytes(), body))
}

/// The seconds in Retry-After. A date is not read: our clock and the partner's need not agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}
