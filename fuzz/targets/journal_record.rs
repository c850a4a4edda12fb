//! A record of the journal: damaged bytes are told from whole ones and never trusted.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wardwire::journal::fuzz_record(data));
