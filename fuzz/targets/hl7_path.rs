//! A path, and reading by it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wardwire::hl7::fuzz_path(data));
