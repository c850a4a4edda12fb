//! Labels and letters.
