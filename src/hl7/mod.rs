//! Bytes → message. Pure: no I/O, no clock.
//!
//! A message is its bytes plus the offsets of its segments. One pass over the bytes finds the segments; fields and what
//! is below them are cut out when somebody asks, by splitting a slice. Bytes are the truth: text is decoded only
//! where a value is read as text, and what nobody edits is written back exactly.

pub mod acknowledgment;
pub mod batch;
pub mod build;
pub mod charset;
mod delimiters;
mod draft;
pub mod escape;
mod fuzz;
mod header;
mod message;
mod path;
mod segment;
#[cfg(test)]
mod tests;
pub mod timestamp;

pub use charset::Charset;
pub use delimiters::Delimiters;
pub use draft::{Draft, EditError};
#[doc(hidden)]
pub use fuzz::{fuzz_message, fuzz_path};
pub use header::{Header, MessageKind};
pub use message::{Message, ParseError, ParseErrorKind, ParseWarning, Terminator, WarningCode};
pub use path::{Occurrence, Path, PathError, SegmentName};
pub use segment::{Segment, Segments, Value};
