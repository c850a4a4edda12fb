//! The real program as a child, which may be killed at any moment.

use std::fs::{File, OpenOptions};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};
use wardwire::engine::control::{self, Request};

/// Long enough for a debug build on a machine with other work.
const PATIENCE: Duration = Duration::from_mins(1);

/// `wardwire serve` on a folder with a `config.toml` whose data folder is `data`. Killed when dropped.
pub(crate) struct Served {
    process: Child,
    folder: PathBuf,
    log: PathBuf,
}

impl Served {
    /// Starts it; what it says goes to `log` in the folder. `WARDWIRE_PROGRAM` names another build, for long runs by hand.
    pub(crate) fn start(folder: &Path) -> Self {
        let other = std::env::var_os("WARDWIRE_PROGRAM");
        let mut command =
            Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_wardwire").into()));
        command
            .arg("serve")
            .arg("--config")
            .arg(folder.join("config.toml"));
        Self::run(&mut command, folder)
    }

    /// Starts any program as the engine of `folder`.
    pub(crate) fn run(command: &mut Command, folder: &Path) -> Self {
        let log = folder.join("log");
        drop(File::create(&log).unwrap());
        let open = || OpenOptions::new().append(true).open(&log).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap();
        Self {
            process,
            folder: folder.to_owned(),
            log,
        }
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&mut self) {
        let said = async {
            while !self.said().contains("ready; Ctrl-C") {
                let ended = self.process.try_wait().unwrap();
                assert!(ended.is_none(), "{ended:?}: {}", self.said());
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(PATIENCE, said).await.is_ok(), "never ready");
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.ended().await
    }

    /// How it ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    return status;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, ended).await.expect("it ends in time")
    }

    /// Its answer to `wardwire status`.
    pub(crate) async fn status(&self) -> serde_json::Value {
        let asked = control::call(&self.folder.join("data"), &Request::Status).await;
        asked.unwrap().data
    }

    /// Waits until no message waits for any destination.
    pub(crate) async fn until_delivered(&self, patience: Duration) {
        let waiting = async {
            loop {
                let status = self.status().await;
                let mut lanes = status["destinations"].as_array().unwrap().iter();
                if lanes.all(|lane| lane["backlog"] == 0) {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = timeout(patience, waiting).await.is_ok();
        let report = self.status().await;
        assert!(in_time, "not delivered in time: {}", report["destinations"]);
    }

    /// Its open files and sockets.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id()))
            .unwrap()
            .count()
    }

    /// The memory it occupies, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Its process ID.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// An address at which nobody listens, outside of the ports that the system gives to outgoing connections: nobody takes it
/// while the engine is down.
pub(crate) fn lasting_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let offset = start + NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + offset % 12_000));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
