//! The messages that are sent: variations of one base message, each with a control ID of its own.

use bytes::Bytes;

use crate::clock::Clock;
use crate::hl7::timestamp::{Precision, Timestamp};
use crate::hl7::{Delimiters, Draft, Message, Path, Segments, acknowledgment};
use crate::mllp::{CR, FS, VT};

/// The patient of the base message: nobody.
const SYNTHETIC: &str = "MSH|^~\\&|CERTIFY^1.2.3.4^ISO|WARDWIRE|RECEIVER|TEST|20260102030405||ADT^A01^ADT_A01|0|T|2.5.1\r\
    EVN|A01|20260102030405\r\
    PID|1||CERTIFY-0000^^^WARDWIRE^MR||CERTIFY^NOBODY^^^^^L||19700101|U|||1 TEST STREET^^TESTTOWN^ZZ^00000\r\
    PV1|1|O|TEST^1^1^WARDWIRE|||||||||||||||||CERTIFY-V0^^^WARDWIRE^VN\r";

/// What cannot be a base message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// It is a reply, which a receiver must not answer.
    #[error("the base message is itself an acknowledgment or a reply")]
    Acknowledgment,
    /// MSH-2 does not declare what the cases need.
    #[error(
        "the base message does not declare component, repetition, escape and subcomponent separators in MSH-2"
    )]
    Delimiters,
}

/// Makes the messages of a run. It asks for acknowledgments as each case needs it, whatever the base message says.
pub struct Kit {
    base: Message,
    clock: Clock,
    made: usize,
    synthetic: bool,
}

/// One message of a case.
#[derive(Clone)]
pub(super) struct Specimen {
    /// MSH-10, byte for byte.
    pub(super) id: Bytes,
    /// The bytes between start and end block.
    pub(super) body: Bytes,
}

impl Kit {
    /// Messages about a patient who does not exist: ADT^A01 of version 2.5.1 with processing ID T.
    ///
    /// # Panics
    /// Never: the message is a constant that a test reads.
    #[must_use]
    pub fn synthetic(clock: Clock) -> Self {
        #[expect(clippy::expect_used, reason = "a constant, read by every test")]
        let base = Message::parse(SYNTHETIC).expect("the synthetic message can be read");
        Self {
            base,
            clock,
            made: 0,
            synthetic: true,
        }
    }

    /// Messages made out of `message`: its content stays, its header is changed as the cases need it.
    ///
    /// # Errors
    /// See [`KitError`].
    pub fn of(message: &Message, clock: Clock) -> Result<Self, KitError> {
        if acknowledgment::is_acknowledgment(message) {
            return Err(KitError::Acknowledgment);
        }
        let d = message.delimiters();
        if [d.component, d.repetition, d.escape, d.subcomponent].contains(&None) {
            return Err(KitError::Delimiters);
        }
        let mut bytes = Vec::with_capacity(message.raw().len() + 1);
        for (_, segment) in message.iter() {
            bytes.extend_from_slice(segment.bytes());
            bytes.push(CR);
        }
        let base = Message::parse(bytes).map_err(|_| KitError::Delimiters)?;
        Ok(Self {
            base,
            clock,
            made: 0,
            synthetic: false,
        })
    }

    /// The same kit with a base message that differs in what somebody asked for and is as synthetic as before.
    ///
    /// # Errors
    /// See [`KitError`].
    pub fn with_base(self, message: &Message) -> Result<Self, KitError> {
        let synthetic = self.synthetic;
        Ok(Self {
            synthetic,
            ..Self::of(message, self.clock)?
        })
    }

    /// The message that all others are made out of.
    #[must_use]
    pub const fn base(&self) -> &Message {
        &self.base
    }

    /// Whether all of it is ours, so that what is sent and what comes back may be shown anywhere.
    #[must_use]
    pub const fn is_synthetic(&self) -> bool {
        self.synthetic
    }

    /// How many messages it has made.
    #[must_use]
    pub const fn made(&self) -> usize {
        self.made
    }

    /// A message in original mode.
    pub(super) fn message(&mut self) -> Specimen {
        self.with(&[])
    }

    /// A message in original mode, with these fields of MSH changed; a changed MSH-10 is taken as it is.
    pub(super) fn with(&mut self, fields: &[(u16, &[u8])]) -> Specimen {
        let mut draft = self.draft();
        for (number, value) in fields {
            put(&mut draft, *number, value);
        }
        specimen(&draft.write())
    }

    /// A message in original mode with these segments added at its end, which are written with `|^~\&`.
    pub(super) fn with_segments(&mut self, segments: &[&[u8]]) -> Specimen {
        self.with_both(&[], segments)
    }

    /// Both kinds of change.
    pub(super) fn with_both(&mut self, fields: &[(u16, &[u8])], segments: &[&[u8]]) -> Specimen {
        let made = self.with(fields);
        let mut body = made.body.to_vec();
        for segment in segments {
            body.extend(self.in_its_delimiters(segment));
            body.push(CR);
        }
        Specimen {
            id: made.id,
            body: body.into(),
        }
    }

    /// Bytes written with `|^~\&`, in the delimiters of the base message.
    pub(super) fn in_its_delimiters(&self, bytes: &[u8]) -> Vec<u8> {
        translate(bytes, &Delimiters::STANDARD, self.base.delimiters())
    }

    fn draft(&mut self) -> Draft {
        self.made += 1;
        let mut draft = Draft::of(&self.base);
        let now = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
        let now = Timestamp::of(&now, Precision::Second).to_string();
        put(&mut draft, 7, now.as_bytes());
        put(&mut draft, 10, self.clock.control_id().as_bytes());
        for number in [15, 16] {
            let _nothing_there = draft.clear(&Path::field(*b"MSH", number));
        }
        draft
    }
}

impl Specimen {
    /// A message whose bytes were made by hand.
    pub(super) fn by_hand(id: &[u8], body: Vec<u8>) -> Self {
        Self {
            id: Bytes::copy_from_slice(id),
            body: body.into(),
        }
    }

    /// The same message with other bytes.
    pub(super) fn changed(&self, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        Self {
            id: self.id.clone(),
            body: change(&self.body).into(),
        }
    }

    /// The message in its frame.
    pub(super) fn frame(&self) -> Vec<u8> {
        framed(&self.body)
    }

    /// Its frame, cut behind `at` bytes.
    pub(super) fn cut(&self, at: usize) -> (Vec<u8>, Vec<u8>) {
        let frame = self.frame();
        let (head, tail) = frame.split_at(at.min(frame.len()));
        (head.to_vec(), tail.to_vec())
    }

    /// Its frame in two halves.
    pub(super) fn halves(&self) -> (Vec<u8>, Vec<u8>) {
        self.cut(self.body.len() / 2)
    }

    /// The same message written with other delimiters, in which those bytes and the old ones change places.
    pub(super) fn in_delimiters(&self, new: &Delimiters) -> Self {
        let Ok(message) = Message::parse(self.body.clone()) else {
            return self.clone();
        };
        let old = *message.delimiters();
        Self {
            id: translate(&self.id, &old, new).into(),
            body: translate(&self.body, &old, new).into(),
        }
    }
}

/// `body` between start and end block.
pub(super) fn framed(body: &[u8]) -> Vec<u8> {
    [&[VT], body, &[FS, CR]].concat()
}

fn specimen(body: &Bytes) -> Specimen {
    let id = Message::parse(body.clone());
    let id = id.map_or_else(
        |_| Bytes::new(),
        |message| Bytes::copy_from_slice(message.header().control_id()),
    );
    Specimen {
        id,
        body: body.clone(),
    }
}

fn put(draft: &mut Draft, number: u16, value: &[u8]) {
    // Only a separator that the base does not have could refuse it, and `Kit::of` has seen to that.
    let _places = draft.set_raw(&Path::field(*b"MSH", number), value);
}

/// Each old delimiter becomes the new one and the other way round, so that no data turns into a delimiter.
fn translate(bytes: &[u8], old: &Delimiters, new: &Delimiters) -> Vec<u8> {
    let all = |d: &Delimiters| {
        [
            Some(d.field),
            d.component,
            d.repetition,
            d.escape,
            d.subcomponent,
        ]
    };
    // A swap a pair, one after the other: a permutation whatever the two sets share.
    let mut map: Vec<u8> = (0..=u8::MAX).collect();
    for (old, new) in all(old).into_iter().zip(all(new)) {
        let (Some(old), Some(new)) = (old, new) else {
            continue;
        };
        let at = map.get(usize::from(old)).copied().unwrap_or(old);
        for slot in &mut map {
            if *slot == new {
                *slot = at;
            } else if *slot == at {
                *slot = new;
            }
        }
        // Now `old` is written as `new`, and what was written so is written as `old` was.
    }
    bytes
        .iter()
        .map(|&byte| map.get(usize::from(byte)).copied().unwrap_or(byte))
        .collect()
}
