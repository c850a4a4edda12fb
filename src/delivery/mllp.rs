//! Delivery over MLLP: a message counts as delivered when the acknowledgment that names it came.

use std::error::Error;

use super::attempt::{Answer, Attempt, Destination, Dispatch};
use crate::mllp::{Client, ClientError, ClientSettings, TlsClient, TlsError};

/// A partner that listens. The connection is opened when first needed, kept, and closed by whatever goes wrong, so
/// that a late reply finds nobody to be credited to.
pub(super) struct MllpDestination {
    client: Client,
}

impl MllpDestination {
    pub(super) fn open(settings: ClientSettings) -> Result<Self, TlsError> {
        let client = Client::new(settings)?;
        Ok(Self { client })
    }

    pub(super) fn tls(&self) -> Option<TlsClient> {
        self.client.tls()
    }
}

impl Destination for MllpDestination {
    async fn send(&mut self, dispatch: &Dispatch) -> Attempt {
        if dispatch.control_id.is_empty() {
            let reason = "MSH-10 is empty: no acknowledgment could name the message";
            return Attempt::new(Answer::Unsendable, reason);
        }
        let sent = self.client.send(&dispatch.message, &dispatch.control_id);
        match sent.await {
            Ok(acknowledgment) => Attempt::acknowledged(&acknowledgment.code, &acknowledgment.raw),
            Err(error) => Attempt::new(answer_of(&error), words(&error)),
        }
    }
}

/// Whether the message may have arrived all the same.
fn answer_of(error: &ClientError) -> Answer {
    match error {
        ClientError::Unsendable { .. } => Answer::Unsendable,
        ClientError::Connect { .. }
        | ClientError::ConnectTimeout { .. }
        | ClientError::Handshake { .. }
        | ClientError::Tls(_) => Answer::Unavailable,
        _ => Answer::Unanswered,
    }
}

/// An error and what caused it, in one line.
pub(super) fn words(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
