//! Escapes, both ways.
