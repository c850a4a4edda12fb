//! What the routing rules make of an entry for one destination, ready to be sent.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::attempt::Dispatch;
use crate::hl7::{Draft, Message};
use crate::journal::{Entry, MessageType};
use crate::route::{Plan, Routes};

/// What is to be done with an entry.
pub(super) enum Planned {
    /// No route sends it here.
    Filtered(String),
    /// This goes out.
    Deliver(Box<Dispatch>),
    /// A step or template cannot be applied; why, without content.
    Failed(String),
}

/// Who says what is to be done with an entry. Asked before every try, so that a reload also helps the message that
/// is stuck.
pub(super) trait Planner: Send {
    fn plan(&self, entry: &Entry) -> Planned;
}

/// The routes in force.
pub(super) struct RoutePlanner {
    pub(super) routes: Arc<ArcSwap<Routes>>,
    pub(super) destination: Arc<str>,
    /// The template whose rendering is sent instead of the message.
    pub(super) template: Option<String>,
}

impl Planner for RoutePlanner {
    fn plan(&self, entry: &Entry) -> Planned {
        let routes = self.routes.load_full();
        let received = match routes.read(&entry.source, entry.raw.clone()) {
            Ok(message) => message,
            Err(error) => return Planned::Failed(format!("the entry is no message: {error}")),
        };
        let message = match routes.plan(&entry.source, &received, &self.destination) {
            Plan::Filtered(reason) => return Planned::Filtered(reason.to_string()),
            Plan::Failed { error, .. } => return Planned::Failed(error.to_string()),
            Plan::Deliver { changed: false, .. } => received,
            Plan::Deliver { bytes, .. } => match routes.read(&entry.source, bytes) {
                Ok(message) => message,
                Err(error) => {
                    return Planned::Failed(format!("the steps left no message: {error}"));
                }
            },
        };
        let rendered = match &self.template {
            None => None,
            Some(name) => match routes.templates().render(name, &Draft::of(&message)) {
                Ok(text) => Some(Bytes::from(text)),
                Err(error) => return Planned::Failed(error.to_string()),
            },
        };
        Planned::Deliver(Box::new(dispatch(entry, &message, rendered)))
    }
}

/// `message` on its way, as a delivery of `entry`.
pub(super) fn dispatch(entry: &Entry, message: &Message, rendered: Option<Bytes>) -> Dispatch {
    let header = message.header();
    Dispatch {
        source: Arc::clone(&entry.source),
        received: entry.received,
        kind: MessageType::new(header.message_code(), header.trigger_event()),
        control_id: Bytes::copy_from_slice(header.control_id()),
        message: message.raw().clone(),
        rendered,
    }
}
