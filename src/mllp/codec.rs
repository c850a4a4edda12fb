//! Frames for whoever writes: bodies between their blocks, large ones without being copied; and the decoder and
//! encoder in tokio-util's shape.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::decoder::{Decoder, FrameError, Tolerance};
use super::frame::{CR, FS, Frame, VT};

/// Bodies up to this size are copied next to their blocks: cheaper than a slice of their own in a vectored write.
const COPIED_BODY: usize = 4096;

/// Frames on their way out, as a [`Buf`] for `write_all_buf`: small ones lie side by side in one slice, a large body
/// is a slice of its own, shared with whoever owns it.
#[derive(Default)]
pub struct Outgoing {
    slices: VecDeque<Bytes>,
    tail: BytesMut,
}

impl Outgoing {
    /// Adds `body` as a frame. It is written as it is: that no VT and no FS CR is in it is the caller's to see.
    pub fn push(&mut self, body: &Bytes) {
        self.tail.put_u8(VT);
        if body.len() <= COPIED_BODY {
            self.tail.put_slice(body);
        } else {
            self.slices.push_back(self.tail.split().freeze());
            self.slices.push_back(body.clone());
        }
        self.tail.put_slice(&[FS, CR]);
    }

    /// The bytes that are left, slice by slice.
    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        self.slices.iter().map(|slice| &slice[..]).chain(tail)
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({} bytes)", self.remaining())
    }
}

impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        self.slices().map(<[u8]>::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.slices().next().unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [io::IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (place, slice) in into.iter_mut().zip(self.slices()) {
            *place = io::IoSlice::new(slice);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(first) = self.slices.front_mut() {
            let here = count.min(first.len());
            first.advance(here);
            count -= here;
            if !first.is_empty() {
                return;
            }
            self.slices.pop_front();
        }
        self.tail.advance(count);
    }
}

/// MLLP for `tokio_util::codec::Framed`, without timeouts: an FS without CR ends a frame only when another one follows or
/// the stream ends.
#[derive(Debug)]
pub struct Codec(Decoder);

/// Why a stream of frames ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes cannot be followed.
    #[error(transparent)]
    Framing(#[from] FrameError),
    /// The stream failed.
    #[error("the stream failed")]
    Io(#[from] io::Error),
}

impl Codec {
    /// For one stream; bodies longer than `max_frame` bytes come out truncated.
    #[must_use]
    pub fn new(tolerance: Tolerance, max_frame: usize) -> Self {
        Self(Decoder::new(tolerance, max_frame))
    }
}

impl tokio_util::codec::Decoder for Codec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        Ok(self.0.next(buffer)?)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        if let Some(frame) = self.0.next(buffer)? {
            return Ok(Some(frame));
        }
        Ok(self.0.finish(buffer))
    }
}

impl tokio_util::codec::Encoder<Bytes> for Codec {
    type Error = CodecError;

    fn encode(&mut self, body: Bytes, buffer: &mut BytesMut) -> Result<(), CodecError> {
        buffer.reserve(body.len() + 3);
        buffer.put_u8(VT);
        buffer.put_slice(&body);
        buffer.put_slice(&[FS, CR]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::codec::{Decoder as _, Encoder as _};

    fn drained(mut outgoing: Outgoing, step: usize) -> Vec<u8> {
        let mut written = Vec::new();
        while outgoing.has_remaining() {
            let mut places = [io::IoSlice::new(&[]); 8];
            let count = outgoing.chunks_vectored(&mut places);
            let seen: Vec<u8> = places[..count]
                .iter()
                .flat_map(|place| place.to_vec())
                .take(step)
                .collect();
            outgoing.advance(seen.len());
            written.extend(seen);
        }
        written
    }

    #[test]
    fn frames_go_out_whole_however_little_the_socket_takes_at_a_time() {
        let large = Bytes::from(vec![b'x'; COPIED_BODY + 1]);
        for step in [1, 3, 4096, 100_000] {
            let mut outgoing = Outgoing::default();
            let mut expected = Vec::new();
            for body in [&Bytes::from_static(b"a"), &large, &Bytes::new(), &large] {
                outgoing.push(body);
                expected.push(VT);
                expected.extend_from_slice(body);
                expected.extend_from_slice(&[FS, CR]);
            }
            assert_eq!(outgoing.remaining(), expected.len());
            assert!(drained(outgoing, step) == expected, "steps of {step}");
        }
    }

    #[test]
    fn a_large_body_is_written_from_where_it_lies() {
        let large = Bytes::from(vec![b'x'; COPIED_BODY + 1]);
        let mut outgoing = Outgoing::default();
        outgoing.push(&large);
        assert!(
            outgoing
                .slices()
                .any(|slice| slice.as_ptr() == large.as_ptr())
        );
    }

    #[test]
    fn what_the_codec_encodes_it_decodes() {
        let mut codec = Codec::new(Tolerance::default(), 100);
        let mut buffer = BytesMut::new();
        let body = Bytes::from_static(b"MSH|^~\\&|A\rPID|1\r");
        codec.encode(body.clone(), &mut buffer).unwrap();
        assert_eq!(codec.decode(&mut buffer).unwrap(), Some(Frame::whole(body)));
        buffer.put_slice(b"\x0BMSH|");
        assert_eq!(codec.decode(&mut buffer).unwrap(), None);
        assert!(codec.decode_eof(&mut buffer).unwrap().unwrap().truncated);
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None);
    }
}
