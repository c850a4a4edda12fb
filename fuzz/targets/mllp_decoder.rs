//! The frame decoder: any bytes, cut anywhere, give the same frames.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wardwire::mllp::fuzz_decoder(data));
