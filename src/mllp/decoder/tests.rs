//! Frames out of bytes, however the bytes come in pieces and whatever stands around the frames.

use proptest::prelude::*;

use super::fuzz::decode_in_pieces;
use super::*;

const ONE: &[u8] = b"MSH|^~\\&|LAB|EAST|||20260102||ADT^A01|1|P|2.5\rPID|1||77\r";
const TWO: &[u8] = b"MSH|^~\\&|LAB|EAST|||20260102||ADT^A02|2|P|2.5\rPID|1||78\r";

/// A few framing words among plain text, so that streams can be written down as they look.
fn wire(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn framed(body: &[u8]) -> Vec<u8> {
    wire(&[b"\x0B", body, b"\x1C\r"])
}

/// All that comes out of `stream`, checked to be the same for pieces of every size.
fn decode_with(stream: &[u8], tolerance: Tolerance, max_frame: usize) -> Decoded {
    let whole = decode_in_pieces(stream, stream.len(), tolerance, max_frame);
    for step in 1..stream.len() {
        let pieces = decode_in_pieces(stream, step, tolerance, max_frame);
        assert_eq!(pieces, whole, "in pieces of {step}");
    }
    for cut in 0..=stream.len() {
        assert_eq!(
            cut_once(stream, cut, tolerance, max_frame),
            whole,
            "cut at {cut}"
        );
    }
    whole
}

type Decoded = (Vec<Frame>, Vec<FrameWarning>, Option<FrameError>);

fn cut_once(stream: &[u8], cut: usize, tolerance: Tolerance, max_frame: usize) -> Decoded {
    let mut decoder = Decoder::new(tolerance, max_frame);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in [&stream[..cut], &stream[cut..]] {
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

fn decode(stream: &[u8]) -> Vec<Frame> {
    let (frames, _, error) = decode_with(stream, Tolerance::default(), 1000);
    assert_eq!(error, None);
    frames
}

/// The frames in words: `body`, or `body!` where truncated, and the warnings behind it.
fn told(frames: &[Frame]) -> Vec<String> {
    frames
        .iter()
        .map(|frame| {
            let body = String::from_utf8_lossy(&frame.body).replace('\r', "/");
            let mark = if frame.truncated { "!" } else { "" };
            let warnings: Vec<_> = frame.warnings.iter().map(ToString::to_string).collect();
            format!("{body}{mark} [{}]", warnings.join(", "))
        })
        .collect()
}

#[test]
fn three_frames_come_out_alike_however_their_bytes_are_cut() {
    let frames = decode(&wire(&[&framed(ONE), &framed(TWO), &framed(ONE)]));
    let expected = [ONE, TWO, ONE].map(|body| Frame::whole(Bytes::from_static(body)));
    assert_eq!(frames, expected);
}

#[test]
fn a_line_feed_behind_a_frame_costs_neither_frame() {
    let frames = decode(b"\x0BMSH|one\x1C\r\n\x0BMSH|two\x1C\r");
    assert_eq!(
        told(&frames),
        ["MSH|one []", "MSH|two [lf_after_fs at byte 10 (1C 0D 0A)]"]
    );
}

#[test]
fn an_end_block_without_cr_ends_the_frame_when_another_follows() {
    let frames = decode(b"\x0BMSH|one\x1C\x0BMSH|two\x1C\n\x0BMSH|three\x1C\r");
    assert_eq!(
        told(&frames),
        [
            "MSH|one [fs_without_cr at byte 8 (1C 0B)]",
            "MSH|two [fs_without_cr at byte 17 (1C 0A 0B)]",
            "MSH|three []"
        ]
    );
}

#[test]
fn an_end_block_without_cr_ends_the_frame_when_nothing_follows_for_a_while() {
    for (stream, behind) in [(&b"\x0BMSH|one\x1C"[..], "\r"), (b"\x0BMSH|one\x1C\n", "")] {
        let mut decoder = Decoder::new(Tolerance::default(), 1000);
        let mut buffer = BytesMut::from(stream);
        assert_eq!(decoder.next(&mut buffer), Ok(None));
        assert!(decoder.awaits_cr(&buffer));
        let frame = decoder.grace_elapsed(&mut buffer).unwrap();
        assert_eq!(told(&[frame]), ["MSH|one [fs_without_cr at byte 8 (1C)]"]);
        // A CR that comes after all harms nobody.
        buffer.extend_from_slice(behind.as_bytes());
        buffer.extend_from_slice(b"\x0BMSH|two\x1C\r");
        let frame = decoder.next(&mut buffer).unwrap().unwrap();
        assert_eq!(frame.body, "MSH|two");
    }
}

#[test]
fn waiting_ends_no_frame_that_is_simply_not_complete() {
    let mut decoder = Decoder::new(Tolerance::default(), 1000);
    for stream in [&b""[..], b"\x0BMSH|one", b"\x1C\x41"] {
        let mut buffer = BytesMut::from(stream);
        assert_eq!(decoder.next(&mut buffer), Ok(None));
        assert!(!decoder.awaits_cr(&buffer));
        assert_eq!(decoder.grace_elapsed(&mut buffer), None);
    }
}

#[test]
fn an_end_block_inside_a_body_is_data_unless_a_cr_follows() {
    let frames = decode(b"\x0BMSH|a\x1Cb\x1Cc\x1C\r");
    assert_eq!(
        told(&frames),
        ["MSH|a\u{1c}b\u{1c}c [fs_in_body at byte 6 (1C)]"]
    );
}

#[test]
fn a_frame_whose_end_was_lost_is_refused_and_the_one_behind_it_read() {
    let frames = decode(b"\x0BMSH|lost its e\x0BMSH|whole\x1C\r");
    assert_eq!(
        told(&frames),
        [
            "MSH|lost its e! [vt_in_body at byte 15 (0B)]",
            "MSH|whole []"
        ]
    );
}

#[test]
fn a_start_block_that_is_text_spoils_its_message_alone_and_is_refused_once() {
    let frames = decode(b"\x0BMSH|a\x0Bb\x0BM\x1C\r\x0BMSH|two\x1C\r");
    assert_eq!(
        told(&frames),
        [
            "MSH|a\u{b}b\u{b}M! [vt_in_body at byte 6 (0B)]",
            "MSH|two []"
        ]
    );
}

#[test]
fn a_doubled_start_block_is_skipped() {
    let frames = decode(b"\x0B\x0BMSH|one\x1C\r");
    assert_eq!(told(&frames), ["MSH|one [leading_junk at byte 1 (0B 0B)]"]);
}

#[test]
fn an_empty_frame_is_told_as_such() {
    let frames = decode(b"\x0B\x1C\r\x0BMSH|two\x1C\r");
    assert_eq!(
        told(&frames),
        [" [empty_frame at byte 1 (0B 1C 0D)]", "MSH|two []"]
    );
}

#[test]
fn a_message_without_start_block_is_refused_and_the_next_one_read() {
    let frames = decode(b"MSH|no start\x1C\r\n\x0BMSH|two\x1C\r");
    assert_eq!(
        told(&frames),
        [
            "MSH|no start! [missing_start at byte 0]",
            "MSH|two [lf_after_fs at byte 14 (1C 0D 0A)]"
        ]
    );
    let lenient = Tolerance {
        missing_start: true,
        ..Tolerance::default()
    };
    let (frames, ..) = decode_with(b"MSH|no start\x1C\r", lenient, 1000);
    assert_eq!(told(&frames), ["MSH|no start [missing_start at byte 0]"]);
}

#[test]
fn a_message_without_start_block_and_without_end_is_not_even_refused() {
    let frames = decode(b"MSH|nothing certain\r\x0BMSH|two\x1C\r");
    assert_eq!(told(&frames), ["MSH|two [missing_start at byte 0]"]);
    let (frames, warnings, _) = decode_with(b"MSH|nothing", Tolerance::default(), 1000);
    assert_eq!((frames.len(), warnings.len()), (0, 1));
}

#[test]
fn what_lies_between_frames_is_skipped_and_told_with_the_next_one() {
    let frames = decode(b"\r\n hello \x0BMSH|one\x1C\r junk \x1C and \x0BMSH|two\x1C\r");
    assert_eq!(
        told(&frames),
        [
            "MSH|one [leading_junk at byte 0]",
            "MSH|two [trailing_bytes at byte 19]"
        ]
    );
}

#[test]
fn a_frame_that_ends_with_the_connection_is_told_as_cut_off() {
    let frames = decode(b"\x0BMSH|one\x1C\r\x0BMSH|tw");
    assert_eq!(
        told(&frames),
        ["MSH|one []", "MSH|tw! [cut_off at byte 17]"]
    );
    let frames = decode(b"\x0BMSH|one\x1C");
    assert_eq!(told(&frames), ["MSH|one [fs_without_cr at byte 8 (1C)]"]);
}

#[test]
fn a_frame_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let body = [b'x'; 64];
    let stream = framed(&body);
    let (frames, ..) = decode_with(&stream, Tolerance::default(), 64);
    assert_eq!(frames, [Frame::whole(Bytes::copy_from_slice(&body))]);
    let stream = wire(&[&stream, b"\x0BMSH|two\x1C\r"]);
    let (frames, ..) = decode_with(&stream, Tolerance::default(), 63);
    let told = told(&frames);
    assert_eq!(
        told,
        [
            format!("{}! [frame_too_large at byte 64]", "x".repeat(63)),
            "MSH|two []".into()
        ]
    );
}

#[test]
fn the_beginning_of_an_oversize_frame_is_enough_to_refuse_it_by() {
    let stream = framed(&[ONE, &vec![b'x'; 20_000]].concat());
    let (frames, ..) = decode_in_pieces(&stream, 1000, Tolerance::default(), 10_000);
    assert_eq!(frames.len(), 1);
    assert!(frames[0].truncated && frames[0].body.starts_with(ONE));
    assert_eq!(frames[0].body.len(), OVERSIZE_HEAD);
}

#[test]
fn an_oversize_frame_without_end_is_left_at_the_next_message() {
    let stream = wire(&[
        b"\x0B",
        &[b'x'; 90],
        b"\x0B..\x0BMSH|two\x1C\x0BMSH|three\x1C\r",
    ]);
    let (frames, ..) = decode_with(&stream, Tolerance::default(), 50);
    let bodies: Vec<_> = frames.iter().skip(1).map(|frame| &frame.body[..]).collect();
    assert_eq!(bodies, [&b"MSH|two"[..], b"MSH|three"]);
}

#[test]
fn junk_without_end_is_given_up() {
    let limit = usize::try_from(gap::MOST_JUNK).unwrap();
    let mut stream = vec![b'j'; limit];
    stream.extend(framed(ONE));
    let (frames, _, error) = decode_in_pieces(&stream, 4096, Tolerance::default(), 1000);
    assert_eq!((frames.len(), error), (1, None));
    stream.extend(vec![b'j'; limit + 1]);
    for step in [1, 4096, stream.len()] {
        let (frames, _, error) = decode_in_pieces(&stream, step, Tolerance::default(), 1000);
        let offset = stream.len() as u64 - 1;
        let limit = gap::MOST_JUNK;
        assert_eq!(frames.len(), 1);
        assert_eq!(error, Some(FrameError::TooMuchJunk { limit, offset }));
    }
}

#[test]
fn what_the_settings_do_not_tolerate_is_named() {
    let strict = Tolerance {
        missing_start: false,
        fs_without_cr: false,
        lf_after_fs: false,
        leading_junk: false,
    };
    let error = |stream: &[u8]| decode_with(stream, strict, 1000).2.map(|e| e.to_string());
    let said = |code| Some(format!("{code} is not tolerated by the settings"));
    assert_eq!(error(b" \x0BMSH|\x1C\r"), said("leading_junk at byte 0"));
    assert_eq!(error(b"\x0BMSH|\x1C\r\n"), said("lf_after_fs at byte 7"));
    assert_eq!(error(b"\x0BMSH|\x1C\rx"), said("trailing_bytes at byte 7"));
    let (frames, ..) = decode_with(b"\x0BMSH|a\x1C\x0BMSH|b\x1C\r", strict, 1000);
    assert_eq!(
        frames.iter().map(|f| f.truncated).collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn a_small_message_does_not_keep_a_large_buffer_alive() {
    let mut decoder = Decoder::new(Tolerance::default(), 1 << 20);
    let mut buffer = BytesMut::with_capacity(1 << 20);
    buffer.extend_from_slice(&framed(ONE));
    let frame = decoder.next(&mut buffer).unwrap().unwrap();
    buffer.clear();
    assert!(buffer.try_reclaim(1 << 20), "the frame shares the buffer");
    assert_eq!(frame.body, ONE);
}

#[test]
fn a_large_message_is_taken_out_without_a_copy() {
    let mut decoder = Decoder::new(Tolerance::default(), 1 << 20);
    let mut buffer = BytesMut::from(&framed(&vec![b'x'; 100_000])[..]);
    let place = buffer.as_ptr() as usize + 1;
    let frame = decoder.next(&mut buffer).unwrap().unwrap();
    assert_eq!(frame.body.as_ptr() as usize, place);
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(&b"\x0B"[..]),
        Just(&b"\x1C"[..]),
        Just(&b"\r"[..]),
        Just(&b"\n"[..]),
        Just(&b"\x1C\r"[..]),
        Just(&b"MSH"[..]),
        Just(&b"MS"[..]),
        Just(&b"PID|1||ROE\r"[..]),
        Just(&b" "[..]),
        Just(&b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"[..]),
    ];
    proptest::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn pieces_of_any_size_decode_like_the_whole(stream in stream(), step: u8, flags: u8) {
        fuzz_decoder(&wire(&[&[step % 40, flags], &stream]));
    }

    #[test]
    fn any_bytes_can_be_decoded(stream: Vec<u8>, step: u8, flags: u8) {
        fuzz_decoder(&wire(&[&[step, flags], &stream]));
    }

    #[test]
    fn what_carries_no_block_characters_arrives_as_it_was_sent(
        bodies in proptest::collection::vec("[^\u{b}\u{1c}]{1,40}", 1..5)
    ) {
        let stream: Vec<u8> = bodies.iter().flat_map(|body| framed(body.as_bytes())).collect();
        let (frames, _, error) = decode_in_pieces(&stream, 7, Tolerance::default(), 1000);
        prop_assert_eq!(error, None);
        let expected: Vec<_> = bodies.into_iter().map(|body| Frame::whole(body.into())).collect();
        prop_assert_eq!(frames, expected);
    }
}
