//! A whole engine on port 0, with a temporary folder and a clock that stands still.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wardwire::clock::Clock;
use wardwire::config::{self, Origin};
use wardwire::engine::control::{self, Request, Response};
use wardwire::engine::{Drained, Engine, ReloadError, Reloaded, StartError};
use wardwire::journal::faults::FaultFiles;
use wardwire::journal::{Archive, DiskFiles, Disposition, Entry, Files, Outcome, Query};

use super::peer::Sender;

/// 2026-01-02 03:04:05 UTC, in seconds.
const NOW: i64 = 1_767_323_045;

/// A running engine. Its folder is removed when it is dropped.
pub(crate) struct TestEngine {
    pub(crate) folder: TempDir,
    pub(crate) clock: Clock,
    engine: Option<Arc<Engine>>,
}

impl TestEngine {
    /// Starts an engine with `config`, whose sources listen on port 0.
    pub(crate) async fn start(config: &str) -> Self {
        let mut engine = Self::prepared(config);
        engine.restart().await;
        engine
    }

    /// A folder with `config` in it, and no engine yet.
    pub(crate) fn prepared(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Self {
            folder,
            clock: frozen(),
            engine: None,
        };
        engine.write("config.toml", config);
        engine
    }

    /// Starts an engine on a disk that can be made to fail.
    pub(crate) async fn start_on(files: &FaultFiles, config: &str) -> Self {
        let mut engine = Self::prepared(config);
        engine.try_restart(Arc::new(files.clone())).await.unwrap();
        engine
    }

    /// Asks through the control socket, as the commands do.
    pub(crate) async fn ask(&self, request: &Request) -> Response {
        control::call(&self.engine().settings().engine.data, request)
            .await
            .unwrap()
    }

    /// Puts another configuration in the file and reloads.
    pub(crate) async fn reload(&self, config: &str) -> Result<Reloaded, ReloadError> {
        self.write("config.toml", config);
        self.engine().reload(&[]).await
    }

    /// Starts the engine (again) on the same folder.
    pub(crate) async fn restart(&mut self) {
        self.try_restart(Arc::new(DiskFiles)).await.unwrap();
    }

    /// Starts the engine on the same folder with another file layer.
    pub(crate) async fn try_restart(&mut self, files: Arc<dyn Files>) -> Result<(), StartError> {
        let origin = Origin::File(self.folder.path().join("config.toml"));
        let settings = config::load(&origin).unwrap_or_else(|error| panic!("{error}"));
        self.engine = Some(Engine::start(Arc::new(settings), self.clock.clone(), files).await?);
        Ok(())
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.engine.as_ref().unwrap()
    }

    /// Stops it in order.
    pub(crate) async fn stop(&mut self) -> Drained {
        self.stop_within(Duration::from_secs(5)).await
    }

    pub(crate) async fn stop_within(&mut self, patience: Duration) -> Drained {
        let engine = self.engine.take().unwrap();
        engine.drain(patience).await
    }

    /// Writes a file that only we can read.
    pub(crate) fn write_secret(&self, name: &str, content: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(name, content);
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.folder.path().join(name), private).unwrap();
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn address(&self, source: &str) -> SocketAddr {
        self.engine().addresses()[source]
    }

    /// A sender connected to `source`.
    pub(crate) async fn sender(&self, source: &str) -> Sender {
        Sender::connect(self.address(source)).await
    }

    /// Every entry in the journal, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let archive = self.archive();
        let rows = archive.search(&Query::default()).unwrap();
        rows.iter()
            .rev()
            .map(|row| archive.entry(row.position).unwrap())
            .collect()
    }

    /// The entries that were taken over, oldest first.
    pub(crate) fn accepted(&self) -> Vec<Entry> {
        let all = self.entries().into_iter();
        all.filter(|entry| entry.disposition == Disposition::Accepted)
            .collect()
    }

    /// What became of the oldest entry at `destination`, in order.
    pub(crate) fn outcomes_of_first(&self, destination: &str) -> Vec<Outcome> {
        let first = self.entries()[0].position;
        let outcomes = self.archive().outcomes(first).unwrap().into_iter();
        let here = outcomes.filter(|(name, _)| **name == *destination);
        here.map(|(_, outcome)| outcome).collect()
    }

    pub(crate) fn archive(&self) -> Archive {
        Archive::open(&self.folder.path().join("data/journal"), None).unwrap()
    }

    /// Waits until `done` holds, for what happens behind an acknowledgment.
    pub(crate) async fn until(&self, what: &str, mut done: impl FnMut(&Engine) -> bool) {
        let waiting = async {
            while !done(self.engine()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let patience = Duration::from_secs(20);
        assert!(
            tokio::time::timeout(patience, waiting).await.is_ok(),
            "waited in vain until {what}"
        );
    }

    /// Waits until nothing waits for any destination.
    pub(crate) async fn until_delivered(&self) {
        self.until("everything is delivered", |engine| {
            engine
                .journal()
                .destinations()
                .iter()
                .all(|one| one.backlog == 0 && one.replays == 0)
        })
        .await;
    }

    /// What a file destination holds.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

pub(crate) fn frozen() -> Clock {
    Clock::frozen(jiff::Timestamp::from_second(NOW).unwrap())
}
