//! The integration tests: raw bytes to a server on port 0, words an operator reads, faults.
