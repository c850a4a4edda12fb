//! The `wardwire` program.

fn main() {}
