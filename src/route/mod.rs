//! Message → plan: which destination gets which bytes. Pure.
