//! The engine's ear for commands on the same machine: a Unix socket in the data folder.
//!
//! One line of JSON asks, one line answers. The socket is as private as the data folder (0600 in 0700), so whoever
//! can ask could read the journal anyway. Questions and answers hold names, message IDs and figures, no content.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The longest question or answer, in bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// How long a client waits for an answer: a reload binds sockets and drains lanes.
const PATIENCE: Duration = Duration::from_mins(2);

/// What can be asked of a running engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Request {
    /// How are sources and destinations?
    Status,
    /// Read `config.toml` again and put it into force, whole or not at all.
    Reload {
        /// Destinations that may go although messages still wait for them: those are discarded.
        #[serde(default)]
        discard: Vec<String>,
    },
    /// Send a message to a destination again.
    Replay {
        /// The message.
        id: String,
        /// The destination.
        to: String,
    },
    /// Set a waiting message aside.
    Park {
        /// The message.
        id: String,
        /// The destination.
        to: String,
        /// Why, in the operator's words.
        reason: String,
    },
    /// Give a message up for a destination.
    Discard {
        /// The message.
        id: String,
        /// The destination.
        to: String,
        /// Why, in the operator's words.
        reason: String,
    },
}

/// The engine's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Response {
    /// Whether it was done.
    pub ok: bool,
    /// One or more lines for people: what was done, or why not.
    pub text: String,
    /// The same for machines, where there is more to say.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub data: serde_json::Value,
}

impl Response {
    /// Done, with a line about it.
    #[must_use]
    pub fn done(text: impl Into<String>) -> Self {
        Self {
            ok: true,
            text: text.into(),
            data: serde_json::Value::Null,
        }
    }

    /// Not done, and why.
    #[must_use]
    pub fn refused(text: impl Into<String>) -> Self {
        Self {
            ok: false,
            text: text.into(),
            data: serde_json::Value::Null,
        }
    }
}

/// Why a running engine could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Something answered that is no wardwire of this version.
    #[error("the engine's answer cannot be read")]
    Answer(#[source] io::Error),
    /// There is a socket, but the exchange failed.
    #[error("cannot talk to the engine at {}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// Nobody listens.
    #[error("no engine runs on {} (start it with `wardwire serve`)", .0.display())]
    NotRunning(PathBuf),
    /// No answer in time.
    #[error("the engine did not answer within {} seconds", PATIENCE.as_secs())]
    Timeout,
}

/// Where the socket of the engine on `data` lies.
#[must_use]
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Asks the engine that runs on the folder `data`.
///
/// # Errors
/// See [`ControlError`]; a refusal by the engine is no error but a [`Response`].
pub async fn call(data: &Path, request: &Request) -> Result<Response, ControlError> {
    let path = socket_path(data);
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(error) => {
            return Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ControlError::NotRunning(data.to_owned())
                }
                _ => ControlError::Io {
                    path,
                    source: error,
                },
            });
        }
    };
    let io = |source| ControlError::Io {
        path: path.clone(),
        source,
    };
    let exchange = async {
        let mut line = serde_json::to_vec(request).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        let (read, mut write) = stream.into_split();
        write.write_all(&line).await.map_err(io)?;
        let answer = read_line(read).await.map_err(io)?;
        serde_json::from_slice(&answer).map_err(|error| ControlError::Answer(error.into()))
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .unwrap_or(Err(ControlError::Timeout))
}

async fn read_line(from: impl tokio::io::AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(from.take(MOST_BYTES))
        .read_until(b'\n', &mut line)
        .await?;
    Ok(line)
}

/// Binds the socket, replacing one that a dead engine left behind: the journal's lock, which the caller holds, says that no
/// living one is there.
///
/// # Errors
/// Whatever the system says.
pub(super) fn bind(data: &Path) -> io::Result<UnixListener> {
    let path = socket_path(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    rustix::fs::chmod(&path, rustix::fs::Mode::from_raw_mode(0o600))?;
    Ok(listener)
}

/// Answers questions one by one until `cancel`.
pub(super) async fn serve<F, A>(
    listener: UnixListener,
    tracker: TaskTracker,
    cancel: CancellationToken,
    answer: Arc<F>,
) where
    F: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (answer, cancel) = (Arc::clone(&answer), cancel.clone());
        tracker.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                result = exchange(stream, &*answer) => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "a control connection ended early");
                    }
                }
            }
        });
    }
}

async fn exchange<F, A>(stream: UnixStream, answer: &F) -> io::Result<()>
where
    F: Fn(Request) -> A,
    A: Future<Output = Response>,
{
    let (read, mut write) = stream.into_split();
    let line = read_line(read).await?;
    let response = match serde_json::from_slice(&line) {
        Ok(request) => answer(request).await,
        Err(error) => Response::refused(format!("the question cannot be read: {error}")),
    };
    let mut line = serde_json::to_vec(&response)?;
    line.push(b'\n');
    write.write_all(&line).await
}
