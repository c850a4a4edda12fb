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
    // Before anything else, so that a signal during the start is not the end of it.
    let signals = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ]
    .map(signal);
    let engine = Engine::start(settings, clock, Arc::new(DiskFiles)).await?;
    ready(&engine);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
        tracing::error!("the system does not let us listen to signals");
        return Ok(engine.drain(engine.settings().engine.drain).await);
    };
    loop {
        tokio::select! {
            () = stop_asked(&mut terminate, &mut interrupt) => break,
            _ = hangup.recv() => {}
        }
        let mut reloading = std::pin::pin!(reload(&engine));
        tokio::select! {
            () = &mut reloading => {}
            () = stop_asked(&mut terminate, &mut interrupt) => {
                // It is not cut in half, only hurried.
                engine.stopping.cancel();
                reloading.await;
                break;
            }
        }
    }
    let patience = engine.settings().engine.drain;
    tracing::info!(
        seconds = patience.as_secs(),
        "stopping; finishing what is in hand"
    );
    Ok(tokio::select! {
        drained = engine.drain(patience) => drained,
        () = stop_asked(&mut terminate, &mut interrupt) => Drained { busy: vec!["stopped by a second signal".to_owned()] },
    })
}

/// SIGTERM or SIGINT.
async fn stop_asked(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn reload(engine: &Engine) {
    match engine.reload(&[]).await {
        Ok(reloaded) => tracing::info!("{reloaded}"),
        Err(error) => {
            let error = super::answer::in_full(&error);
            tracing::error!("reload refused, the old configuration stays: {error}");
        }
    }
}
