//! Journal → destination: one ordered lane each, with retry and outcome.
//!
//! A lane takes the next entry of the journal, asks the routes what of it is for its destination, and sends that until
//! the partner takes it, it is parked, or a person settles it. What became of it is written to the journal before the
//! next message goes out: so a message is never overtaken, and a killed engine sends at most the one in hand again.
//!
//! # What becomes of an answer
//! | the partner | the message |
//! |---|---|
//! | AA, CA; 2xx; synced to the file | delivered |
//! | AE, CE; 500; silence, a broken connection, an unreadable reply, one that names another message; 408, 425 | sent again, parked after `max_attempts` |
//! | AR, CR; other 4xx | parked at once with the reply (`on_reject = "retry"`: like AE) |
//! | does not listen; full disk; 3xx; 401, 403, 407, 429, 502, 503, 504 | sent again for ever: no fault of the message |
//!
//! A message that a step or template cannot be applied to is parked at once, and so is one that `mllp` cannot carry
//! (no MSH-10, MLLP's block characters): trying again is no cure.
//!
//! # What the log is told
//! Changes of state, at WARN and INFO: retrying, delivering again, parked, stopped, going on. Single tries are DEBUG,
//! and no line ever holds content.

mod attempt;
mod certificates;
mod error;
mod file;
mod file_path;
mod http;
mod lane;
mod mllp;
mod plan;
mod retry;
mod settings;
mod start;
mod status;
#[cfg(test)]
mod tests;

pub use error::DeliveryError;
pub use file_path::{PathTemplate, PathTemplateError, PathTemplateErrorKind};
pub use settings::{
    DestinationKind, DestinationSettings, FileSettings, HttpSettings, HttpTls, OnPark, OnReject,
    RetrySettings, Secret,
};
pub use start::{Certificates, Delivery};
pub use status::{LaneSnapshot, LaneState, LaneStatus};
