//! The integration tests: raw bytes to a server on port 0, words an operator reads, faults.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "clippy's exceptions for tests do not reach what the tests of this binary share"
)]

// Which acknowledgments a sender gets, and what they say.
mod acknowledgment;
// Floors, confined crates, purity, size, and no content in debug output.
mod architecture;
// What certify says of receivers, ours and broken ones.
mod certify;
// The commands as a shell sees them.
mod cli;
// Clocks that jump.
mod clock;
// What an admin is told about a configuration.
mod config;
// A folder as a source.
mod directory;
// Disks that fail, are full, or are not fit to hold messages.
mod disk;
// Stopping in order, and going on where it stopped.
mod drain;
// One flipped bit in any file of the journal.
mod flips;
// Bytes that are not framed as they should be.
mod framing;
// The rules that architecture holds the source files to.
mod house_rules;
// Killed at any moment, also while it recovers.
mod kill;
// The whole path, from a byte on the wire to a delivered message.
mod path;
// Content appears in the journal and at the destinations, and nowhere else.
mod phi;
// The power fails at any moment, and a disk that never syncs shows that the rig would tell.
mod powercut;
// Partners at their worst, and the order that holds all the same.
mod partners;
// Peers at their worst, and the good sender that does not notice.
mod peers;
// Another configuration in force, whole or not at all.
mod reload;
// Reloads all the time while messages come in and go out.
mod reload_under_load;
// Messages that come twice, and messages that come together.
mod repeated;
// Routes, steps and destinations: what each destination gets.
mod routing;
// The files in samples/ against their table and expectations.
mod samples;
// The samples sent to an engine with the shipped configuration.
mod shipped;
// A simulated hospital in front of an engine, a simulated partner behind it.
mod simulate;
// What the house rules read source files with.
mod source_text;
// An engine to speak to, and the peers that speak to it.
mod support;
// TLS and mutual TLS between two engines.
mod tls;
