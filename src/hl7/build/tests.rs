//! Messages of ours.
