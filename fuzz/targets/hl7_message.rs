//! A message: any bytes are read or refused with their place, and what is read is written back exactly.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wardwire::hl7::fuzz_message(data));
