//! Patient content that cannot be printed by accident.
//!
//! Whatever holds bytes of a message wears this type (or a hand-written `Debug` of the same kind), so that a
//! `{:?}` in a log line shows how much there is and never what it says.

use std::fmt;

/// Content whose `Debug` and `Display` show only its size: `‹phi 42 bytes›`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phi<T>(pub T);

impl<T: AsRef<[u8]>> fmt::Display for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹phi {} bytes›", self.0.as_ref().len())
    }
}

impl<T: AsRef<[u8]>> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_content_shows_its_size_and_nothing_of_it() {
        let name = Phi("ROE^RICHARD");
        assert_eq!(format!("{name} {name:?}"), "‹phi 11 bytes› ‹phi 11 bytes›");
    }
}
