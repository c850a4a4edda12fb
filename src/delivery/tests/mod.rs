//! Lanes against partners.
