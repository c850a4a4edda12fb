//! A routing condition: any text gives a condition or the place of its fault.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wardwire::condition::fuzz_condition(data));
