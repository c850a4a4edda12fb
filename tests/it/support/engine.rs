//! A whole engine on port 0, with a temporary folder and a clock that stands still.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wardwire::clock::Clock;
use wardwire::config::{self, Origin};
use wardwire::engine::{Drained, Engine, StartError};
use wardwire::journal::{Archive, DiskFiles, Entry, Files, Query};

use super::peer::Sender;

/// 2026-01-02 03:04:05 UTC, in seconds.
const NOW: i64 = 1_767_323_045;

/// A running engine. Its folder is removed when it is dropped.
pub struct TestEngine {
    pub folder: TempDir,
    pub clock: Clock,
    engine: Option<Arc<Engine>>,
}

impl TestEngine {
    /// Starts an engine with `config`, in which `{port}` needs no value: sources listen on port 0.
    pub async fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Self {
            folder,
            clock: frozen(),
            engine: None,
        };
        engine.write("config.toml", config);
        engine.restart().await;
        engine
    }

    /// Starts the engine (again) on the same folder.
    pub async fn restart(&mut self) {
        self.try_restart(Arc::new(DiskFiles::default()))
            .await
            .unwrap();
    }

    /// Starts the engine on the same folder with another file layer.
    pub async fn try_restart(&mut self, files: Arc<dyn Files>) -> Result<(), StartError> {
        let origin = Origin::File(self.folder.path().join("config.toml"));
        let settings = config::load(&origin).unwrap_or_else(|error| panic!("{error}"));
        self.engine = Some(Engine::start(Arc::new(settings), self.clock.clone(), files).await?);
        Ok(())
    }

    pub fn engine(&self) -> &Arc<Engine> {
        self.engine.as_ref().unwrap()
    }

    /// Stops it in order.
    pub async fn stop(&mut self) -> Drained {
        let engine = self.engine.take().unwrap();
        engine.drain(Duration::from_secs(5)).await
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn address(&self, source: &str) -> SocketAddr {
        self.engine().addresses()[source]
    }

    /// A sender connected to `source`.
    pub async fn sender(&self, source: &str) -> Sender {
        Sender::connect(self.address(source)).await
    }

    /// Every entry in the journal, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let archive = self.archive();
        let rows = archive.search(&Query::default()).unwrap();
        rows.iter()
            .rev()
            .map(|row| archive.entry(row.position).unwrap())
            .collect()
    }

    pub fn archive(&self) -> Archive {
        Archive::open(&self.folder.path().join("data/journal"), None).unwrap()
    }

    /// Waits until `done` holds, for what happens behind an acknowledgment.
    pub async fn until(&self, what: &str, mut done: impl FnMut(&Engine) -> bool) {
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
    pub async fn until_delivered(&self) {
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
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap_or_default()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

pub fn frozen() -> Clock {
    Clock::frozen(jiff::Timestamp::from_second(NOW).unwrap())
}
