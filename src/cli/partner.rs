//! What every acknowledging partner of ours does alike: it listens until it has had enough, and builds answers.

use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exit::{Exit, Failure, OrExit};
use super::output::tell;
use crate::clock::Clock;
use crate::hl7::Message;
use crate::hl7::acknowledgment::{self, Code, Reply};
use crate::mllp::{Listener, ListenerSettings, Service};

/// Builds acknowledgments.
pub(super) struct Answers {
    clock: Clock,
    zone: TimeZone,
}

impl Answers {
    pub(super) fn new(clock: Clock) -> Self {
        let zone = TimeZone::system();
        Self { clock, zone }
    }

    /// The time now, as the clock on the wall shows it.
    pub(super) fn now(&self) -> jiff::Zoned {
        self.clock.now().to_zoned(self.zone.clone())
    }

    /// The answer to a frame: `code`, or a rejection of what is no message, in the name of `who`.
    pub(super) fn to(
        &self,
        body: &Bytes,
        message: Option<&Message>,
        code: Code,
        who: &str,
    ) -> Bytes {
        let (at, control_id) = (self.now(), self.clock.control_id());
        let Some(message) = message else {
            let reject = Code::ApplicationReject;
            return acknowledgment::build_unreadable(body, who, reject, &control_id, &at);
        };
        let reply = Reply {
            code,
            text: "",
            faults: &[],
            control_id: &control_id,
            at: &at,
        };
        acknowledgment::build(message, &reply)
    }
}

/// Listens, for many connections.
pub(super) fn bind(address: std::net::SocketAddr) -> Result<Listener, Failure> {
    let mut settings = ListenerSettings::new(address);
    (settings.max_connections, settings.max_per_peer) = (4096, 4096);
    Listener::bind(settings).or_exit(Exit::Unavailable)
}

/// Serves until `enough` is cancelled or somebody presses Ctrl-C, and then finishes what is in hand.
pub(super) async fn serve<S: Service>(
    listener: Listener,
    service: Arc<S>,
    enough: &CancellationToken,
) {
    let tracker = TaskTracker::new();
    let serving = listener.serve(service, tracker.clone(), enough.clone());
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        _ = tokio::signal::ctrl_c() => {
            enough.cancel();
            serving.await;
        }
    }
    tracker.close();
    tracker.wait().await;
}

/// Tells where it listens, for people and for scripts that wait for it.
pub(super) fn tell_listening(listener: &Listener) {
    tell(format_args!(
        "listening on {}; Ctrl-C ends",
        listener.local_addr()
    ));
}
