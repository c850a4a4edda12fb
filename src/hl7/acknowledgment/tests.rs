//! Who gets which acknowledgment, and its bytes.
