//! Acknowledgments (HL7 v2.9.1 §2.8): which ones a sender asks for, what they say, how one is recognised.
//!
//! Original mode knows one reply, the application's. In enhanced mode the sender asks in MSH-15 for a reply that the
//! message is safe, and in MSH-16 for one that it was worked on.

mod refusal;
mod reply;
#[cfg(test)]
mod tests;

pub use refusal::{Condition, Fault, Refusal};
pub use reply::{Reply, build, build_unreadable};

use super::message::Message;
use super::path::{Path, SegmentName};
use super::segment::Segments;

/// MSA-1 (table 0008).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// `AA`
    ApplicationAccept,
    /// `AE`
    ApplicationError,
    /// `AR`
    ApplicationReject,
    /// `CA`
    CommitAccept,
    /// `CE`
    CommitError,
    /// `CR`
    CommitReject,
}

/// What became of a message at the receiving end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Safely stored, and its content is our business from now on.
    Accept,
    /// Cannot be taken now or as it is: the sender may try again or mend it.
    Error,
    /// Will never be taken: not this type, version, processing ID.
    Reject,
}

/// How a source acknowledges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As the sender asks in MSH-15 and MSH-16.
    #[default]
    Auto,
    /// One application acknowledgment, whatever the sender asks for.
    Original,
    /// As the sender asks; one that asks for nothing gets a commit acknowledgment.
    Enhanced,
    /// Only the commit acknowledgment: as MSH-15 asks, always if it says nothing.
    CommitOnly,
    /// Never.
    None,
}

/// The acknowledgments that are due for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The commit ("accept") acknowledgment, `CA CE CR`.
    pub accept: Option<Code>,
    /// The application acknowledgment, `AA AE AR`.
    pub application: Option<Code>,
    /// MSH-15 or MSH-16 had a value that table 0155 does not have; it counted as empty.
    pub unknown: bool,
}

/// When an acknowledgment is asked for (table 0155).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition0155 {
    Always,
    Never,
    OnError,
    OnSuccess,
}

impl Condition0155 {
    const fn of(value: &[u8]) -> Result<Option<Self>, ()> {
        Ok(Some(match value {
            b"AL" => Self::Always,
            b"NE" => Self::Never,
            b"ER" => Self::OnError,
            b"SU" => Self::OnSuccess,
            b"" | b"\"\"" => return Ok(None),
            _ => return Err(()),
        }))
    }

    fn asks(self, outcome: Outcome) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::OnError => outcome != Outcome::Accept,
            Self::OnSuccess => outcome == Outcome::Accept,
        }
    }
}

/// Which acknowledgments a message gets: `msh15` and `msh16` as sent, how its source acknowledges, and what became of it.
///
/// Both empty is original mode, which equals NE and AL. With any value the mode is enhanced, and the empty one of the
/// two keeps that default (§2.8.1). A value that table 0155 does not have counts as empty and is reported.
#[must_use]
pub fn requested(msh15: &[u8], msh16: &[u8], mode: Mode, outcome: Outcome) -> Requested {
    use Condition0155::{Always, Never};
    let accept = Condition0155::of(msh15.trim_ascii());
    let application = Condition0155::of(msh16.trim_ascii());
    let unknown = accept.is_err() || application.is_err();
    let said = (accept.unwrap_or(None), application.unwrap_or(None));
    let (accept, application) = match (mode, said) {
        (Mode::None, _) => (Never, Never),
        (Mode::Original, _) => (Never, Always),
        (Mode::CommitOnly, (accept, _)) => (accept.unwrap_or(Always), Never),
        (Mode::Enhanced, (None, None)) => (Always, Never),
        (Mode::Auto | Mode::Enhanced, (accept, application)) => {
            (accept.unwrap_or(Never), application.unwrap_or(Always))
        }
    };
    Requested {
        accept: accept.asks(outcome).then_some(Code::commit(outcome)),
        application: application
            .asks(outcome)
            .then_some(Code::application(outcome)),
        unknown,
    }
}

impl Code {
    /// The code of a commit acknowledgment.
    #[must_use]
    pub const fn commit(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accept => Self::CommitAccept,
            Outcome::Error => Self::CommitError,
            Outcome::Reject => Self::CommitReject,
        }
    }

    /// The code of an application acknowledgment.
    #[must_use]
    pub const fn application(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accept => Self::ApplicationAccept,
            Outcome::Error => Self::ApplicationError,
            Outcome::Reject => Self::ApplicationReject,
        }
    }

    /// MSA-1 read, `None` for anything that is not in table 0008.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        Some(match value {
            b"AA" => Self::ApplicationAccept,
            b"AE" => Self::ApplicationError,
            b"AR" => Self::ApplicationReject,
            b"CA" => Self::CommitAccept,
            b"CE" => Self::CommitError,
            b"CR" => Self::CommitReject,
            _ => return None,
        })
    }

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationAccept => "AA",
            Self::ApplicationError => "AE",
            Self::ApplicationReject => "AR",
            Self::CommitAccept => "CA",
            Self::CommitError => "CE",
            Self::CommitReject => "CR",
        }
    }

    /// What it says of the message.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::ApplicationAccept | Self::CommitAccept => Outcome::Accept,
            Self::ApplicationError | Self::CommitError => Outcome::Error,
            Self::ApplicationReject | Self::CommitReject => Outcome::Reject,
        }
    }

    /// Whether it is a commit acknowledgment.
    #[must_use]
    pub const fn is_commit(self) -> bool {
        matches!(
            self,
            Self::CommitAccept | Self::CommitError | Self::CommitReject
        )
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an acknowledgment that we received says. Its parts are raw bytes.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// MSA-1; `None` if it is not in table 0008.
    pub code: Option<Code>,
    /// MSA-2: the control ID of the message that is answered, byte for byte.
    pub control_id: &'a [u8],
    /// MSA-3, for people; may hold anything.
    pub text: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Reads the first MSA; `None` where there is none.
    #[must_use]
    pub fn of(message: &'a Message) -> Option<Self> {
        let (_, msa) = message.named(SegmentName::MSA).next()?;
        let field = |number| msa.field(number).unwrap_or_default();
        Some(Self {
            code: Code::read(
                msa.read(&Path::field(*b"MSA", 1).component(1))?
                    .trim_ascii(),
            ),
            control_id: field(2),
            text: field(3),
        })
    }
}

impl std::fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({:?})", self.code)
    }
}

/// Whether a message is itself an acknowledgment or a reply, which must never be acknowledged: it has an MSA, or its
/// message code is `ACK`.
#[must_use]
pub fn is_acknowledgment(message: &Message) -> bool {
    message.header().message_code() == b"ACK" || message.named(SegmentName::MSA).next().is_some()
}
