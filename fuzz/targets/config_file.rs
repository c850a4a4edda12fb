//! A configuration file: any text gives settings or faults with their place.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wardwire::config::fuzz_config(data));
