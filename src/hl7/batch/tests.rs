//! Batches, whole and broken.
