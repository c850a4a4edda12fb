//! Sources of a running engine: opening them, and at a reload swapping those that change.
//!
//! At a reload every new address is bound before anything else happens, and nobody is answered there before the new routes
//! are in force: a message taken in under the old ones could be filtered everywhere. Only where a new listener wants the
//! address of one that goes is the old one closed first; should the new one then fail, the old one is opened again.

use std::net::SocketAddr;
use std::sync::Arc;

use super::reload::ReloadError;
use super::{Engine, Group, Listening, RunningSource, StartError, locked};
use crate::config::Settings;
use crate::mllp::{ListenError, Listener, TlsServer};
use crate::source::mllp::MllpSource;
use crate::source::{Receiver, SourceKind, SourceSettings, Surroundings, directory};

/// A source that is ready and receives nothing yet.
pub(super) struct Bound {
    settings: SourceSettings,
    listener: Option<Listener>,
}

/// What a reload does to sources.
#[derive(Default)]
pub(super) struct Swap {
    /// New ones, and those whose listener or folder changed.
    bound: Vec<Bound>,
    /// Names of running ones that go or change.
    leaving: Vec<Arc<str>>,
    /// Those that had to make room.
    stopped: Vec<RunningSource>,
}

impl Engine {
    /// Opens a source at the start.
    pub(super) fn start_source(&self, source: &SourceSettings) -> Result<(), StartError> {
        let bound = bind(source)?;
        self.serve(bound, self.receiver(source));
        Ok(())
    }

    fn receiver(&self, source: &SourceSettings) -> Arc<Receiver> {
        let around = Surroundings {
            journal: self.journal.clone(),
            routes: Arc::clone(&self.routes),
            clock: self.clock.clone(),
        };
        Arc::new(Receiver::new(
            Arc::clone(&source.name),
            source.intake.clone(),
            around,
        ))
    }

    /// Sets a source to work, for a receiver that may have served it before.
    fn serve(&self, bound: Bound, receiver: Arc<Receiver>) {
        let group = Group::default();
        let Bound { settings, listener } = bound;
        let listening = listener.map(|listener| {
            let listening = Listening {
                address: listener.local_addr(),
                connections: listener.connections(),
                tls: listener.tls(),
            };
            let service = Arc::new(MllpSource::new(Arc::clone(&receiver)));
            group.spawn(listener.serve(service, group.tasks.clone(), group.cancel.clone()));
            listening
        });
        if let SourceKind::Directory(folder) = &settings.kind {
            let (folder, receiver) = (folder.clone(), Arc::clone(&receiver));
            group.spawn(directory::watch(folder, receiver, group.cancel.clone()));
        }
        let name = Arc::clone(&settings.name);
        let running = RunningSource {
            settings,
            receiver,
            listening,
            group,
        };
        locked(&self.sources).insert(name, running);
    }

    /// Everything about sources that can fail; when it does, all is as it was.
    pub(super) async fn prepare_sources(&self, new: &Settings) -> Result<Swap, ReloadError> {
        let (mut swap, changing, kept) = self.compare(new);
        let (later, now): (Vec<_>, Vec<_>) = changing
            .into_iter()
            .partition(|source| !self.in_the_way(source, &swap).is_empty());
        for source in now {
            swap.bound.push(bind(source)?);
        }
        for source in &later {
            check_tls(source)?;
        }
        for (source, tls) in kept {
            tls.reload().map_err(|error| unusable_tls(source, error))?;
        }
        for source in later {
            for name in self.in_the_way(source, &swap) {
                swap.stopped.extend(self.stop_source(&name).await);
            }
            match bind(source) {
                Ok(bound) => swap.bound.push(bound),
                Err(error) => {
                    self.restore_sources(swap);
                    return Err(error.into());
                }
            }
        }
        Ok(swap)
    }

    /// What changes and what stays; of what stays, only what has certificates.
    fn compare<'s>(
        &self,
        new: &'s Settings,
    ) -> (
        Swap,
        Vec<&'s SourceSettings>,
        Vec<(&'s SourceSettings, TlsServer)>,
    ) {
        let (mut changing, mut kept) = (Vec::new(), Vec::new());
        let sources = locked(&self.sources);
        for source in &new.sources {
            match sources.get(&source.name) {
                Some(running) if running.settings.kind == source.kind => {
                    let tls = running
                        .listening
                        .as_ref()
                        .and_then(|listening| listening.tls.clone());
                    kept.extend(tls.map(|tls| (source, tls)));
                }
                _ => changing.push(source),
            }
        }
        let stays = |name: &Arc<str>| {
            new.sources.iter().any(|source| source.name == *name)
                && changing.iter().all(|source| source.name != *name)
        };
        let leaving = sources
            .keys()
            .filter(|name| !stays(name))
            .cloned()
            .collect();
        drop(sources);
        (
            Swap {
                leaving,
                ..Swap::default()
            },
            changing,
            kept,
        )
    }

    /// Running sources that leave and hold the address that `source` wants.
    fn in_the_way(&self, source: &SourceSettings, swap: &Swap) -> Vec<Arc<str>> {
        let SourceKind::Mllp(wanted) = &source.kind else {
            return Vec::new();
        };
        let sources = locked(&self.sources);
        let holds = |name: &&Arc<str>| {
            let held = sources
                .get(*name)
                .and_then(|running| running.listening.as_ref());
            held.is_some_and(|listening| collide(listening.address, wanted.listen))
        };
        swap.leaving.iter().filter(holds).cloned().collect()
    }

    /// Puts back what had to make room.
    pub(super) fn restore_sources(&self, swap: Swap) {
        let Swap { bound, stopped, .. } = swap;
        drop(bound);
        for source in stopped {
            let name = Arc::clone(&source.settings.name);
            match bind(&source.settings) {
                Ok(bound) => self.serve(bound, source.receiver),
                Err(error) => {
                    tracing::error!(source = &*name, %error, "a source could not be put back after a refused reload");
                }
            }
        }
    }

    /// Puts the prepared sources into force, together with the routes; what it did, in words.
    pub(super) async fn swap_sources(&self, swap: Swap, new: &Settings) -> Vec<String> {
        let Swap {
            bound,
            leaving,
            mut stopped,
        } = swap;
        for name in &leaving {
            stopped.extend(self.stop_source(name).await);
        }
        self.routes.store(Arc::clone(&new.routes));
        for source in &new.sources {
            if let Some(running) = locked(&self.sources).get_mut(&source.name) {
                running.receiver.set_intake(source.intake.clone());
                running.settings = source.clone();
            }
        }
        let mut changes = Vec::new();
        for bound in bound {
            let name = Arc::clone(&bound.settings.name);
            let before = stopped.iter().find(|source| source.settings.name == name);
            let word = if before.is_some() {
                "reopened"
            } else {
                "started"
            };
            let receiver = before.map_or_else(
                || self.receiver(&bound.settings),
                |one| Arc::clone(&one.receiver),
            );
            receiver.set_intake(bound.settings.intake.clone());
            self.serve(bound, receiver);
            changes.push(format!("source {name} {word}"));
        }
        let gone = leaving
            .iter()
            .filter(|name| new.sources.iter().all(|source| source.name != **name));
        changes.extend(gone.map(|name| format!("source {name} stopped")));
        changes
    }

    async fn stop_source(&self, name: &Arc<str>) -> Option<RunningSource> {
        let running = locked(&self.sources).remove(name)?;
        self.end(&running.group).await;
        Some(running)
    }
}

fn bind(source: &SourceSettings) -> Result<Bound, StartError> {
    let listener = match &source.kind {
        SourceKind::Mllp(settings) => {
            let named = |error| StartError::Source {
                name: Arc::clone(&source.name),
                source: error,
            };
            Some(Listener::bind(settings.clone()).map_err(named)?)
        }
        SourceKind::Directory(_) => None,
    };
    Ok(Bound {
        settings: source.clone(),
        listener,
    })
}

/// Whether two listeners cannot be had at once: the same port, and one of them on every address or both on the same.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let every = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (every || one.ip() == other.ip())
}

fn check_tls(source: &SourceSettings) -> Result<(), ReloadError> {
    match &source.kind {
        SourceKind::Mllp(settings) => match settings.tls.clone().map(TlsServer::open) {
            Some(Err(error)) => Err(unusable_tls(source, error)),
            Some(Ok(_)) | None => Ok(()),
        },
        SourceKind::Directory(_) => Ok(()),
    }
}

fn unusable_tls(source: &SourceSettings, error: crate::mllp::TlsError) -> ReloadError {
    let listen = match &source.kind {
        SourceKind::Mllp(settings) => settings.listen,
        SourceKind::Directory(_) => ([0, 0, 0, 0], 0).into(),
    };
    let error = ListenError::Tls {
        listen,
        source: Box::new(error),
    };
    ReloadError::Start(StartError::Source {
        name: Arc::clone(&source.name),
        source: error,
    })
}
