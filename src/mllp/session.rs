//! One accepted connection.

use tokio_util::sync::CancellationToken;

use super::connections::Connection;
use super::event::{CloseReason, Peer};
use super::listener::{ListenerSettings, Service};
use super::stream::Stream;

pub(super) async fn run<S: Service>(
    stream: Stream,
    _peer: &Peer,
    _connection: &Connection,
    _settings: &ListenerSettings,
    _service: &S,
    _cancel: &CancellationToken,
) -> CloseReason {
    stream.leave().await;
    CloseReason::Drained
}
