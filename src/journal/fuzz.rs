//! What must hold for any bytes in a segment file: the body of the fuzz target and of its property test.

use std::io::{self, IoSlice};
use std::sync::Arc;

use super::File;
use super::record::{Head, Kind, Record, Scanner, Step, checksum};
use super::recovery;
use super::segment::Segment;
use super::state::State;

const ID: [u8; 16] = *b"a segment's name";

/// The fuzz target's body: a walk over any bytes ends, and comes to no record that is not whole; a record that was
/// made of `data` is read back, and no longer once a bit of it is flipped; whatever its body says is taken in or refused.
///
/// # Panics
/// Where one of these does not hold.
#[doc(hidden)]
pub fn fuzz_record(data: &[u8]) {
    walk(data);
    let Some((&[kind, flip, ..], body)) = data.split_first_chunk::<3>() else {
        return;
    };
    let kind = match kind % 7 {
        0 => Kind::Checkpoint,
        1 => Kind::Entry,
        2 => Kind::Outcome,
        3 => Kind::Cursor,
        4 => Kind::Retired,
        5 => Kind::Close,
        _ => Kind::Skip,
    };
    let mut bytes = record(kind, body);
    let Some(Step::Record(read)) = first(&bytes) else {
        unreachable!("a whole record is read");
    };
    assert_eq!((read.head.kind, &*read.body), (kind, body));
    take_in(&read);
    let bit = usize::from(flip) * 7 % ((24 + body.len()) * 8);
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    assert!(
        !matches!(first(&bytes), Some(Step::Record(_))),
        "a flipped bit is seen"
    );
}

/// Over all of `data`, and over what can be found in it.
fn walk(data: &[u8]) {
    let Ok(mut scanner) = Scanner::new(Arc::new(Memory(data.to_vec())), ID, 0) else {
        return;
    };
    assert!(
        scanner
            .last_used()
            .is_ok_and(|used| used <= data.len() as u64)
    );
    while let Ok(Some(record)) = scanner.seek_valid() {
        assert!(record.at + record.head.size() <= scanner.at);
        take_in(&record);
    }
}

/// What recovery makes of it.
fn take_in(record: &Record) {
    let mut state = State::default();
    if record.head.kind == Kind::Checkpoint {
        let read = postcard::from_bytes(&record.body).ok();
        state = read.filter(State::is_sane).unwrap_or_default();
    }
    drop(recovery::apply(&mut state, &segment(), record));
}

fn segment() -> Segment {
    Segment {
        number: 1,
        id: ID,
        previous: [0; 16],
        path: "00000001.log".into(),
        seal: None,
    }
}

fn record(kind: Kind, body: &[u8]) -> Vec<u8> {
    let head = Head {
        kind,
        sealed: false,
        len: u32::try_from(body.len()).unwrap_or(u32::MAX),
        sequence: 7,
        durable: 4096,
    };
    let head = head.encode();
    let sum = checksum(&head, &ID, [body]).to_le_bytes();
    let mut bytes = [&head[..], &sum, body].concat();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn first(bytes: &[u8]) -> Option<Step> {
    let mut scanner = Scanner::new(Arc::new(Memory(bytes.to_vec())), ID, 0).ok()?;
    scanner.step().ok()
}

/// A file in memory that is only read.
struct Memory(Vec<u8>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} bytes)", self.0.len())
    }
}

impl File for Memory {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        let from = usize::try_from(at)
            .ok()
            .and_then(|at| self.0.get(at..))
            .unwrap_or_default();
        let pairs = to.iter_mut().zip(from);
        let count = pairs.len();
        pairs.for_each(|(to, from)| *to = *from);
        Ok(count)
    }

    fn write_at(&self, _parts: &mut [IoSlice<'_>], _at: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_size(&self, _size: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::{Disposition, MessageType, NewEntry, SearchKeys, payload};

    proptest! {
        #[test]
        fn a_record_is_whole_or_it_is_none(data in prop::collection::vec(any::<u8>(), 0..300)) {
            fuzz_record(&data);
        }
    }

    #[test]
    fn an_ordinal_beyond_all_reason_is_damage_though_its_checksum_is_right() {
        let new = NewEntry {
            source: "adt".into(),
            received: jiff::Timestamp::UNIX_EPOCH,
            peer: None,
            disposition: Disposition::Accepted,
            acknowledgments: Vec::new(),
            warnings: Vec::new(),
            message_type: MessageType::default(),
            keys: SearchKeys::default(),
            raw: bytes::Bytes::new(),
        };
        let told = payload::describe(&new);
        let size = u32::try_from(told.len()).unwrap().to_le_bytes();
        let body = [&u64::MAX.to_le_bytes()[..], &size, &told].concat();
        fuzz_record(&[&[1, 1, 1][..], &body].concat());
        let bytes = record(Kind::Entry, &body);
        let Some(Step::Record(read)) = first(&bytes) else {
            panic!("it is whole");
        };
        assert!(recovery::apply(&mut State::default(), &segment(), &read).is_err());
    }

    #[test]
    fn a_state_of_a_record_that_is_whole_is_taken_in() {
        let body = postcard::to_allocvec(&State::default()).unwrap();
        fuzz_record(&[&[0, 1, 1][..], &body].concat());
        let bytes = record(Kind::Close, b"");
        assert!(matches!(first(&bytes), Some(Step::Record(_))));
        fuzz_record(&bytes);
    }
}
