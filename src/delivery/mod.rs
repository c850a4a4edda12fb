//! Journal → destination: one ordered lane each, with retry and outcome.
