//! What a sender wants to know of an acknowledgment, read without building anything: the load path reads one for
//! every message it sends.

use bytes::Bytes;
use memchr::memchr_iter;

use crate::hl7::{Message, Path, Segments};

/// An acknowledgment as it came.
pub(in crate::cli) struct Reply(Bytes);

impl Reply {
    pub(in crate::cli) const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// MSA-1, as sent; empty if there is no MSA.
    pub(in crate::cli) fn code(&self) -> &[u8] {
        self.msa(1)
    }

    /// MSA-2, byte for byte.
    pub(in crate::cli) fn control_id(&self) -> &[u8] {
        self.msa(2)
    }

    /// MSA-3, decoded.
    pub(in crate::cli) fn text(&self) -> String {
        let Ok(message) = Message::parse(self.0.clone()) else {
            return String::new();
        };
        let text = message.text(&Path::field(*b"MSA", 3));
        text.map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    /// The code of the first error (table 0357): ERR-3.1, before v2.5 ERR-1.4.1; empty if there is none.
    pub(in crate::cli) fn error(&self) -> String {
        let Ok(message) = Message::parse(self.0.clone()) else {
            return String::new();
        };
        let old = Path {
            subcomponent: Some(1),
            ..Path::field(*b"ERR", 1).component(4)
        };
        [Path::field(*b"ERR", 3).component(1), old]
            .iter()
            .filter_map(|path| message.text(path))
            .find(|code| !code.is_empty())
            .map(std::borrow::Cow::into_owned)
            .unwrap_or_default()
    }

    fn msa(&self, number: usize) -> &[u8] {
        let bytes: &[u8] = &self.0;
        let Some(&separator) = bytes.get(3) else {
            return &[];
        };
        let ends = |&b: &u8| b == b'\r' || b == b'\n';
        let line = memchr_iter(b'M', bytes).find_map(|at| {
            let begins = at == 0 || bytes.get(at - 1).is_some_and(ends);
            let line = bytes.get(at..)?;
            let ours = begins && line.starts_with(b"MSA") && line.get(3) == Some(&separator);
            ours.then_some(line)
        });
        let line = line.unwrap_or_default();
        let line = line.split(ends).next().unwrap_or_default();
        line.split(|&b| b == separator)
            .nth(number)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_control_id_are_read_byte_for_byte_in_the_peers_delimiters() {
        let reply = Reply::new(Bytes::from_static(
            b"MSH#@*!%#MSA###\rMSA#AA# A@1 #well\rERR###207@x",
        ));
        assert_eq!(reply.code(), b"AA");
        assert_eq!(reply.control_id(), b" A@1 ");
        assert_eq!(reply.text(), "well");
        assert_eq!(reply.error(), "207");
    }

    #[test]
    fn an_old_error_segment_is_read_too_and_nonsense_gives_nothing() {
        let old = b"MSH|^~\\&|||||||ACK|1|P|2.3\rMSA|AR|7\rERR|MSH^1^9^200&x&HL70357";
        assert_eq!(Reply::new(Bytes::from_static(old)).error(), "200");
        let none = Reply::new(Bytes::from_static(b"no"));
        assert_eq!((none.code(), none.error()), (&b""[..], String::new()));
    }
}
