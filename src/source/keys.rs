//! What a message can be found by: control ID, patient IDs, visit and order numbers.

use bytes::Bytes;

use crate::hl7::{Message, Segment, Segments};
use crate::journal::SearchKeys;

/// More values of one kind are not indexed: a hostile message must not bloat the index.
const MOST_VALUES: usize = 64;

/// Collects, in one pass, the keys of `message`: MSH-10; PID-2.1, each PID-3.1 and MRG-1.1 (a merged patient is
/// found by the old number, too); PV1-19.1 and PID-18.1; ORC-2.1, ORC-3.1, OBR-2.1, OBR-3.1 and OBR-18.
pub(super) fn search_keys(message: &Message, raw: &Bytes) -> SearchKeys {
    let header = message.header();
    let mut keys = SearchKeys {
        control_id: Some(part(raw, header.control_id())),
        dedup: Some(dedup_key(message)),
        body_hash: body_hash(raw),
        ..SearchKeys::default()
    };
    for (_, segment) in message.iter() {
        match segment.bytes().first_chunk::<3>() {
            Some(b"PID") => {
                collect(&mut keys.patient_ids, raw, &segment, &[2, 3]);
                collect(&mut keys.visits, raw, &segment, &[18]);
            }
            Some(b"MRG") => collect(&mut keys.patient_ids, raw, &segment, &[1]),
            Some(b"PV1") => collect(&mut keys.visits, raw, &segment, &[19]),
            Some(b"ORC") => collect(&mut keys.orders, raw, &segment, &[2, 3]),
            Some(b"OBR") => collect(&mut keys.orders, raw, &segment, &[2, 3, 18]),
            _ => {}
        }
    }
    keys
}

/// What makes a re-sent message the same one: MSH-3, MSH-4 and MSH-10, byte for byte. Segment terminators cannot occur
/// in a field, so they keep the parts apart.
fn dedup_key(message: &Message) -> Bytes {
    let header = message.header();
    let parts = [
        header.sending_application(),
        header.sending_facility(),
        header.control_id(),
    ];
    Bytes::from(parts.join(&b'\r'))
}

fn body_hash(raw: &[u8]) -> u64 {
    let hash = blake3::hash(raw);
    hash.as_bytes()
        .first_chunk()
        .map_or(0, |first| u64::from_le_bytes(*first))
}

/// Adds the first component of every repetition of the fields `numbers`.
fn collect(values: &mut Vec<Bytes>, raw: &Bytes, segment: &Segment<'_>, numbers: &[usize]) {
    let component = segment.delimiters().component;
    for &number in numbers {
        for repetition in segment.repetitions(number) {
            let end = component
                .and_then(|c| memchr::memchr(c, repetition))
                .unwrap_or(repetition.len());
            let value = repetition.get(..end).unwrap_or_default().trim_ascii();
            let new =
                !value.is_empty() && value != b"\"\"" && values.iter().all(|known| known != value);
            if new && values.len() < MOST_VALUES {
                values.push(part(raw, value));
            }
        }
    }
}

/// `value`, which lies in `raw`, without copying it.
fn part(raw: &Bytes, value: &[u8]) -> Bytes {
    if value.is_empty() {
        Bytes::new()
    } else {
        raw.slice_ref(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_by_every_number_a_person_may_hold_in_hand() {
        let text = "MSH|^~\\&|A|B|C|D|20260101||ADT^A40|C1|P|2.3\rPID|1|E9|M1^^^LAKE~M2|||||||||||||||ACC7^^\r\
                    MRG|OLD1^^~\"\"\rPV1|1|I|||||||||||||||||V5^^^LAKE\rORC|NW|P1^X|F1\rOBR|1|P1|F1|||||||||||||||AC5\r";
        let raw = Bytes::from(text);
        let keys = search_keys(&Message::parse(raw.clone()).unwrap(), &raw);
        assert_eq!(keys.control_id.as_deref(), Some(&b"C1"[..]));
        assert_eq!(keys.patient_ids, ["E9", "M1", "M2", "OLD1"]);
        assert_eq!(keys.visits, ["ACC7", "V5"]);
        assert_eq!(keys.orders, ["P1", "F1", "AC5"]);
        assert_eq!(keys.dedup.as_deref(), Some(&b"A\rB\rC1"[..]));
    }
}
