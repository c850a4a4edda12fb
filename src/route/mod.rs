//! Message → plan: which destination gets which bytes. Pure.
//!
//! A [`Route`] says from which sources, under which [`Condition`](crate::condition::Condition), after which [`Step`]s, to which destinations.
//! [`Routes::plan`] answers for one message and one destination; it is a function of the message and the
//! configuration alone, so that it can be asked again for a replay, for `why` and for a changed configuration.
//! Nothing here reads a file or a clock, and nothing here can stop the engine: what cannot be done is a [`StepError`].

mod explain;
mod plan;
mod step;
mod template;
mod text;

pub use explain::RouteDecision;
pub use plan::{FilterReason, Plan, Route, Routes};
pub use step::{
    DateFormat, DatePatternError, DateStep, Find, NewSegment, NewSegmentError, NewValue, Offset,
    Side, Step, StepError, StepErrorKind, StepFault, StepKind, TemplateTarget,
};
pub use template::{TemplateError, TemplateFormat, Templates};
