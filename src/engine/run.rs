//! The life of a served engine: start, signals, drain.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Drained, Engine, StartError};
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal::DiskFiles;

/// Serves until SIGTERM or SIGINT; SIGHUP reloads. `ready` is called once, when everything listens.
///
/// # Errors
/// The engine cannot start.
pub async fn run(
    settings: Arc<Settings>,
    clock: Clock,
    ready: impl FnOnce(&Engine),
) -> Result<Drained, StartError> {
    let engine = Engine::start(settings, clock, Arc::new(DiskFiles)).await?;
    ready(&engine);
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        tracing::error!("the system does not let us listen to signals");
        return Ok(engine.drain(engine.settings().engine.drain).await);
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(&engine).await,
        }
    }
    let patience = engine.settings().engine.drain;
    tracing::info!(
        seconds = patience.as_secs(),
        "stopping; finishing what is in hand"
    );
    Ok(tokio::select! {
        drained = engine.drain(patience) => drained,
        () = second(&mut terminate, &mut interrupt) => Drained { busy: vec!["stopped by a second signal".to_owned()] },
    })
}

async fn second(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn reload(engine: &Engine) {
    match engine.reload(&[]).await {
        Ok(reloaded) => tracing::info!("{reloaded}"),
        Err(error) => tracing::error!("reload refused, the old configuration stays: {error}"),
    }
}
