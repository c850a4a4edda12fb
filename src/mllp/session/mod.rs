//! One accepted connection: frames in, calls of the service in hand, replies out in the order of the frames.
//!
//! One task does all of it. While it waits it holds no buffer, unless a frame is half read; it reads on only while
//! there is room for another frame in hand, so a sender that is too fast waits in its own socket.

mod allowance;
mod call;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::mllp::codec::Outgoing;
use crate::mllp::connections::{Connection, ConnectionState};
use crate::mllp::decoder::Decoder;
use crate::mllp::event::{CloseReason, ConnectionEvent, Peer};
use crate::mllp::frame::{Frame, WarningCode};
use crate::mllp::service::{Service, Turn};
use crate::mllp::settings::{ListenerSettings, Oversize};
use crate::mllp::stream::Stream;
use allowance::Allowance;
pub(super) use allowance::memory;
use call::Call;

/// How many bytes of messages one connection may have in hand together; a larger message is in hand alone.
const MOST_HELD: usize = 1024 * 1024;
/// How long a connection that has sent something, but nothing of a frame, may think about it.
const JUNK_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves one connection to its end, and says why it ended.
pub(super) async fn run<S: Service>(
    stream: Stream,
    peer: &Peer,
    connection: &Connection,
    settings: &ListenerSettings,
    service: &S,
    memory: Arc<Semaphore>,
    cancel: &CancellationToken,
) -> CloseReason {
    let free = AtomicBool::new(true);
    let mut session = Session {
        stream,
        peer,
        connection,
        settings,
        service,
        turn: &free,
        decoder: Decoder::new(settings.tolerance, settings.max_frame),
        buffer: BytesMut::new(),
        received: 0,
        calls: VecDeque::new(),
        held: 0,
        allowance: Allowance::new(memory),
        input: Input::Open,
        hungry: false,
        ending: None,
        linger: false,
        last_active: Instant::now(),
        begun: None,
        alarm: None,
    };
    let reason = session.work(cancel).await;
    connection.set(ConnectionState::Closing);
    let reason = session.reason(reason);
    if !matches!(reason, CloseReason::JunkOnly { .. }) {
        for warning in session.decoder.take_warnings() {
            service.event(peer, ConnectionEvent::Warned(warning));
        }
    }
    let (stream, linger) = (session.stream, session.linger);
    drop(session.buffer);
    stream.leave(linger).await;
    reason
}

struct Session<'a, S> {
    stream: Stream,
    peer: &'a Peer,
    connection: &'a Connection,
    settings: &'a ListenerSettings,
    service: &'a S,
    /// Whether the next frame's call may begin.
    turn: &'a AtomicBool,
    decoder: Decoder,
    buffer: BytesMut,
    received: u64,
    /// Frames in hand, in the order they came.
    calls: VecDeque<Call<'a>>,
    /// Invariant: the sizes of `calls` together.
    held: usize,
    allowance: Allowance,
    input: Input,
    /// There is room for a frame, and the buffer holds no whole one. Only then is read, and does time count.
    hungry: bool,
    /// Why the connection will end, once nothing is in hand any more.
    ending: Option<CloseReason>,
    /// A reply was written when the end was already decided: the peer needs a moment to read it.
    linger: bool,
    last_active: Instant,
    /// Since when the frame that is half read has been.
    begun: Option<Instant>,
    /// Rings at or before the time that counts; a ring too early only sets it anew.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// What may still come from the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    /// Bytes.
    Open,
    /// Bytes, but the FS at the buffer's end has waited long enough for its CR.
    GraceOver,
    /// We read no more. Whole frames that have been read still count; a half one stays unanswered and will be sent
    /// again.
    Stopped,
    /// The peer sends no more. What has been read counts, half a frame as one cut off.
    Ended,
    /// Nothing counts any more: the connection is lost, or its bytes cannot be followed.
    Deaf,
}

enum Happening {
    Alarm,
    Cancelled,
    /// The first frame in hand has its replies.
    Replies,
    Read(io::Result<usize>),
    /// The end was decided, and nothing is in hand.
    Done(CloseReason),
}

impl<S: Service> Session<'_, S> {
    async fn work(&mut self, cancel: &CancellationToken) -> CloseReason {
        let mut cancelled = pin!(cancel.cancelled());
        loop {
            let happening = std::future::poll_fn(|context| self.poll(context, cancelled.as_mut()));
            match happening.await {
                Happening::Alarm => self.wake_up(),
                Happening::Cancelled => self.end(Input::Stopped, CloseReason::Drained),
                Happening::Replies => self.reply().await,
                Happening::Read(Ok(0)) if self.is_inside_frame() => {
                    self.end(Input::Ended, CloseReason::PeerClosedInFrame);
                }
                Happening::Read(Ok(0)) => self.end(Input::Ended, CloseReason::PeerClosed),
                Happening::Read(Ok(count)) => {
                    self.received += count as u64;
                    self.last_active = Instant::now();
                }
                Happening::Read(Err(error)) => {
                    self.end(Input::Deaf, CloseReason::Lost(error.kind()));
                }
                Happening::Done(reason) => return reason,
            }
        }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        cancelled: Pin<&mut impl Future<Output = ()>>,
    ) -> Poll<Happening> {
        self.advance(context);
        if self
            .calls
            .front()
            .is_some_and(|call| call.replies.is_some())
        {
            return Poll::Ready(Happening::Replies);
        }
        if let Some(reason) = self.ending {
            if self.calls.is_empty() {
                return Poll::Ready(Happening::Done(reason));
            }
            return Poll::Pending;
        }
        if cancelled.poll(context).is_ready() {
            return Poll::Ready(Happening::Cancelled);
        }
        let needed = self.held + self.buffer.len();
        if self.hungry
            && self.allowance.poll(context, needed).is_ready()
            && let Poll::Ready(read) = self.stream.poll_fill(context, &mut self.buffer)
        {
            return Poll::Ready(Happening::Read(read));
        }
        self.poll_alarm(context).map(|()| Happening::Alarm)
    }

    /// Moves the calls in hand on, and begins those of the next frames.
    fn advance(&mut self, context: &mut Context<'_>) {
        for call in &mut self.calls {
            call.poll(context);
        }
        self.hungry = false;
        while self.calls.len() < self.settings.pipeline.max(1)
            && (self.held < MOST_HELD || self.calls.is_empty())
            && let Some(turn) = Turn::take(self.turn)
        {
            let Some(frame) = self.next_frame() else {
                self.hungry = true;
                break;
            };
            self.connection.count_frame();
            let size = frame.body.len();
            let mut call = Call::new(size, self.service.call(self.peer, frame, turn));
            call.poll(context);
            self.held += size;
            self.calls.push_back(call);
        }
        if self.hungry && self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        self.connection.set(if !self.calls.is_empty() {
            ConnectionState::Busy
        } else if self.decoder.in_frame() {
            ConnectionState::Receiving
        } else {
            ConnectionState::Idle
        });
    }

    fn next_frame(&mut self) -> Option<Frame> {
        if self.input == Input::Deaf {
            return None;
        }
        let next = match self.decoder.next(&mut self.buffer) {
            Ok(next) => next,
            Err(error) => {
                self.end(Input::Deaf, CloseReason::Framing(error));
                return None;
            }
        };
        let frame = next.or_else(|| match self.input {
            Input::GraceOver => self.decoder.grace_elapsed(&mut self.buffer),
            Input::Ended => self.decoder.finish(&mut self.buffer),
            Input::Open | Input::Stopped | Input::Deaf => None,
        });
        if self.input == Input::GraceOver {
            self.input = Input::Open;
        }
        let Some(frame) = frame else {
            if !self.decoder.in_frame() {
                self.begun = None;
            } else if self.begun.is_none() {
                self.begun = Some(Instant::now());
            }
            return None;
        };
        self.begun = None;
        if frame.warned(WarningCode::FrameTooLarge) && self.settings.oversize == Oversize::Close {
            let limit = self.settings.max_frame;
            self.end(Input::Deaf, CloseReason::FrameTooLarge { limit });
        }
        Some(frame)
    }

    /// Writes the replies of all calls that are done and have none before them that is not.
    async fn reply(&mut self) {
        let mut outgoing = Outgoing::default();
        while let Some(mut call) = self.calls.pop_front() {
            let Some(replies) = call.replies.take() else {
                self.calls.push_front(call);
                break;
            };
            self.held -= call.size;
            for body in &replies {
                outgoing.push(body);
            }
        }
        if !outgoing.has_remaining() || self.is_lost() {
            return;
        }
        self.connection.set(ConnectionState::Replying);
        self.linger = self.ending.is_some();
        let limit = self.settings.write_timeout;
        let written = async {
            self.stream.write_all_buf(&mut outgoing).await?;
            self.stream.flush().await
        };
        match timeout(limit, written).await {
            Ok(Ok(())) => self.last_active = Instant::now(),
            Ok(Err(error)) => self.end(Input::Deaf, CloseReason::Lost(error.kind())),
            Err(_) => self.end(Input::Deaf, CloseReason::WriteTimeout { limit }),
        }
    }

    fn end(&mut self, input: Input, reason: CloseReason) {
        self.input = input;
        self.ending = Some(reason);
    }

    /// Whether there is nobody left to write to.
    const fn is_lost(&self) -> bool {
        matches!(
            self.ending,
            Some(CloseReason::Lost(_) | CloseReason::WriteTimeout { .. })
        )
    }

    /// The time until which the peer may keep us waiting.
    fn deadline(&self) -> Option<Instant> {
        if !self.hungry {
            return None;
        }
        if let Some(begun) = self.begun {
            let frame = begun + self.settings.frame_timeout;
            let grace = self.last_active + self.settings.end_grace;
            let waits = self.decoder.awaits_cr(&self.buffer);
            return Some(if waits { grace.min(frame) } else { frame });
        }
        if self.is_junk_so_far() {
            return Some(self.last_active + JUNK_TIMEOUT);
        }
        let idle = self.settings.idle_timeout?;
        self.calls.is_empty().then(|| self.last_active + idle)
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline() else {
            return Poll::Pending;
        };
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// The alarm rang: the peer has kept us waiting too long, or the end block has stayed alone.
    fn wake_up(&mut self) {
        let settings = self.settings;
        let frame_over = self
            .begun
            .is_some_and(|begun| begun.elapsed() >= settings.frame_timeout);
        let reason = if frame_over {
            CloseReason::FrameTimeout {
                limit: settings.frame_timeout,
            }
        } else if self.begun.is_some() {
            self.input = Input::GraceOver;
            return;
        } else if self.is_junk_so_far() {
            let bytes = self.received;
            CloseReason::JunkOnly { bytes }
        } else {
            CloseReason::IdleTimeout {
                limit: settings.idle_timeout.unwrap_or_default(),
            }
        };
        self.end(Input::Deaf, reason);
    }

    fn is_inside_frame(&self) -> bool {
        self.decoder.in_frame() && !self.decoder.awaits_cr(&self.buffer)
    }

    const fn is_junk_so_far(&self) -> bool {
        self.decoder.starts() == 0 && self.decoder.has_noise()
    }

    /// A connection that never began a frame gets one name, however it ended.
    fn reason(&self, reason: CloseReason) -> CloseReason {
        let of_peer = !matches!(
            reason,
            CloseReason::Drained | CloseReason::IdleTimeout { .. }
        );
        if of_peer && self.decoder.starts() == 0 && self.connection.frames() == 0 {
            let bytes = self.received;
            return CloseReason::JunkOnly { bytes };
        }
        reason
    }
}
