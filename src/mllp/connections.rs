//! Which connections are open, who holds them and what they are doing: for a drain that names whom it waits for.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::event::Limit;

/// The open connections of one listener. Cheap to clone; all clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    by_number: BTreeMap<u64, Arc<Connection>>,
    /// Invariant: no zeros; the sum is the length of `by_number`.
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) address: SocketAddr,
    since: Instant,
    frames: AtomicU64,
    state: AtomicU8,
}

/// One open connection as it was at the moment of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenConnection {
    /// Where the peer connects from.
    pub peer: SocketAddr,
    /// The connection's number at its listener, from 1.
    pub connection: u64,
    /// How long ago it was accepted.
    pub since: Duration,
    /// How many frames it has brought.
    pub frames: u64,
    /// What it is doing.
    pub state: ConnectionState,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ConnectionState {
    /// Over TLS: agreeing on keys.
    Handshake = 0,
    /// Waiting for a frame.
    Idle = 1,
    /// Part of a frame has come.
    Receiving = 2,
    /// Frames are in hand and not answered yet.
    Busy = 3,
    /// Writing replies.
    Replying = 4,
    /// Saying goodbye.
    Closing = 5,
}

impl ConnectionState {
    /// The word used in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Idle => "idle",
            Self::Receiving => "receiving",
            Self::Busy => "busy",
            Self::Replying => "replying",
            Self::Closing => "closing",
        }
    }

    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Handshake,
            1 => Self::Idle,
            2 => Self::Receiving,
            3 => Self::Busy,
            4 => Self::Replying,
            _ => Self::Closing,
        }
    }
}

impl Connections {
    /// Every open connection, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<OpenConnection> {
        let now = Instant::now();
        let open = self.lock();
        open.by_number
            .iter()
            .map(|(&number, connection)| OpenConnection {
                peer: connection.address,
                connection: number,
                since: now.duration_since(connection.since),
                frames: connection.frames(),
                state: ConnectionState::of(connection.state.load(Ordering::Relaxed)),
            })
            .collect()
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().by_number.len()
    }

    /// Makes room for one more, unless that breaks a limit. The room is given back when the guard is dropped.
    pub(super) fn enter(
        &self,
        address: SocketAddr,
        most: usize,
        most_per_peer: usize,
    ) -> Result<Entered, Limit> {
        let mut open = self.lock();
        if open.by_number.len() >= most {
            return Err(Limit::Connections(most));
        }
        let from_there = open.by_address.get(&address.ip()).copied().unwrap_or(0);
        if from_there >= most_per_peer {
            return Err(Limit::PerPeer(most_per_peer));
        }
        open.by_address.insert(address.ip(), from_there + 1);
        open.last += 1;
        let number = open.last;
        let connection = Arc::new(Connection {
            address,
            since: Instant::now(),
            frames: AtomicU64::new(0),
            state: AtomicU8::new(ConnectionState::Handshake as u8),
        });
        open.by_number.insert(number, Arc::clone(&connection));
        Ok(Entered {
            all: self.clone(),
            number,
            connection,
        })
    }

    /// The number a connection that was not let in is told under.
    pub(super) fn number_refused(&self) -> u64 {
        let mut open = self.lock();
        open.last += 1;
        open.last
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing is left half done under this lock, so what a panicking holder left behind is sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    pub(super) fn set(&self, state: ConnectionState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(super) fn count_frame(&self) {
        self.frames.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}

/// A connection's place among the open ones.
#[derive(Debug)]
pub(super) struct Entered {
    all: Connections,
    pub(super) number: u64,
    pub(super) connection: Arc<Connection>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let ip = self.connection.address.ip();
        let mut open = self.all.lock();
        open.by_number.remove(&self.number);
        if let Some(from_there) = open.by_address.get_mut(&ip) {
            *from_there = from_there.saturating_sub(1);
            if *from_there == 0 {
                open.by_address.remove(&ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn one_address_cannot_take_every_place_and_a_closed_connection_gives_its_place_back() {
        let all = Connections::default();
        let first = all.enter(from(1), 3, 2).unwrap();
        let second = all.enter(from(2), 3, 2).unwrap();
        assert_eq!(all.enter(from(3), 3, 2).unwrap_err(), Limit::PerPeer(2));
        let elsewhere = SocketAddr::from(([10, 0, 0, 2], 1));
        let third = all.enter(elsewhere, 3, 2).unwrap();
        assert_eq!(all.enter(from(4), 3, 2).unwrap_err(), Limit::Connections(3));
        drop(second);
        second_place_is_free(&all);
        drop((first, third));
        assert_eq!(all.count(), 0);
        assert!(all.lock().by_address.is_empty());
    }

    fn second_place_is_free(all: &Connections) {
        let again = all.enter(from(5), 3, 2).unwrap();
        again.connection.set(ConnectionState::Busy);
        again.connection.count_frame();
        let listed = all.list();
        let last = listed.last().unwrap();
        assert_eq!(
            (last.peer, last.frames, last.state),
            (from(5), 1, ConnectionState::Busy)
        );
    }
}
