//! What went over the wire in one case: the evidence of its verdict.

use std::fmt;
use std::time::Duration;

/// So much of one write or read is kept.
const KEPT: usize = 512;
/// So many events are kept of one case, the last ones.
const EVENTS: usize = 24;

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the receiver.
    Sent,
    /// From the receiver.
    Received,
}

impl Direction {
    /// `sent` or `received`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

/// One thing that happened on a connection.
#[derive(Clone)]
pub enum Event {
    /// Bytes went over it: the first 512 of them, and how many there were.
    Bytes {
        /// Which way.
        direction: Direction,
        /// The first of them.
        bytes: Vec<u8>,
        /// How many there were.
        length: usize,
    },
    /// Anything else: connected, closed by whom, nothing came for so long.
    Said(String),
}

/// The events of a case in their order, each with the number of its connection (from 1) and the time since the case began.
#[derive(Clone, Default)]
pub struct Transcript {
    events: Vec<(usize, Duration, Event)>,
    left_out: usize,
}

impl Transcript {
    pub(super) fn push(&mut self, connection: usize, at: Duration, event: Event) {
        if self.events.len() == EVENTS {
            self.events.remove(0);
            self.left_out += 1;
        }
        self.events.push((connection, at, event));
    }

    pub(super) fn bytes(
        &mut self,
        connection: usize,
        at: Duration,
        direction: Direction,
        all: &[u8],
    ) {
        // Bytes that follow one another in the same direction are one event: a byte a write would fill the page.
        if let Some((
            last,
            _,
            Event::Bytes {
                direction: d,
                bytes,
                length,
            },
        )) = self.events.last_mut()
            && (*last, *d) == (connection, direction)
        {
            let room = KEPT.saturating_sub(bytes.len());
            bytes.extend(all.iter().take(room));
            *length += all.len();
            return;
        }
        let event = Event::Bytes {
            direction,
            bytes: all.iter().copied().take(KEPT).collect(),
            length: all.len(),
        };
        self.push(connection, at, event);
    }

    /// The events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = (usize, Duration, &Event)> {
        self.events
            .iter()
            .map(|(connection, at, event)| (*connection, *at, event))
    }

    /// How many earlier events are not kept.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// The evidence as lines for people: a line an event, and below it the bytes as hex with what of them is text beside.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.left_out > 0 {
            lines.push(format!("… {} earlier events", self.left_out));
        }
        for (connection, at, event) in &self.events {
            let head = format!("{:>5} ms  #{connection}", at.as_millis());
            match event {
                Event::Said(words) => lines.push(format!("{head}  {words}")),
                Event::Bytes {
                    direction,
                    bytes,
                    length,
                } => {
                    let way = direction.as_str();
                    lines.push(format!("{head}  {way} {length} bytes"));
                    lines.extend(hex_lines(bytes, *length));
                }
            }
        }
        lines
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transcript({} events)", self.events.len())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes {
                direction, length, ..
            } => write!(f, "{direction:?} {length} bytes"),
            Self::Said(words) => f.write_str(words),
        }
    }
}

/// `0010  7c 5e 7e 5c 26 …  |^~\&…`: sixteen bytes a line; a byte that is no printable ASCII shows as a dot.
fn hex_lines(bytes: &[u8], length: usize) -> Vec<String> {
    let mut lines: Vec<String> = bytes
        .chunks(16)
        .enumerate()
        .map(|(row, chunk)| {
            let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let text: String = chunk
                .iter()
                .map(|&byte| {
                    if byte == b' ' || byte.is_ascii_graphic() {
                        char::from(byte)
                    } else {
                        '.'
                    }
                })
                .collect();
            format!("    {:04x}  {:<47}  {text}", row * 16, hex.join(" "))
        })
        .collect();
    if length > bytes.len() {
        lines.push(format!("    …     {} more bytes", length - bytes.len()));
    }
    lines
}
