//! Message → safe storage: the segmented log behind every positive acknowledgment.
