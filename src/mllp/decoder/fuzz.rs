//! The promise that pieces do not matter, in the shape a fuzzer and the property tests can use.

use bytes::BytesMut;

use super::{Decoder, FrameError, Tolerance};
use crate::mllp::frame::{Frame, FrameWarning};

/// The fuzz target's body: however the bytes are cut, the same frames, warnings and errors come out. The first two
/// bytes of `data` choose the cuts and the settings.
#[doc(hidden)]
pub fn fuzz_decoder(data: &[u8]) {
    let Some((&[step, flags], stream)) = data.split_first_chunk::<2>() else {
        return;
    };
    let tolerance = Tolerance {
        missing_start: flags & 1 != 0,
        fs_without_cr: flags & 2 != 0,
        lf_after_fs: flags & 4 != 0,
        leading_junk: flags & 8 != 0,
    };
    let max_frame = if flags & 16 == 0 { 64 } else { 1 << 20 };
    let whole = decode_in_pieces(stream, stream.len(), tolerance, max_frame);
    let pieces = decode_in_pieces(stream, usize::from(step), tolerance, max_frame);
    assert_eq!(whole, pieces, "pieces of {step} bytes decode differently");
}

/// All that comes out of `stream` when it arrives in pieces of `step` bytes.
pub(super) fn decode_in_pieces(
    stream: &[u8],
    step: usize,
    tolerance: Tolerance,
    max_frame: usize,
) -> (Vec<Frame>, Vec<FrameWarning>, Option<FrameError>) {
    let mut decoder = Decoder::new(tolerance, max_frame);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(step.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, decoder.take_warnings(), Some(error)),
            }
        }
    }
    frames.extend(decoder.finish(&mut buffer));
    (frames, decoder.take_warnings(), None)
}
