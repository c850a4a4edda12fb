//! Dates and times as they were said.
