//! The usual configuration of these tests: one MLLP feed, one file that gets everything.

/// A feed `adt` with more keys in its table, and all that comes goes to `out/all.hl7`.
pub(crate) fn feed(keys: &str) -> String {
    format!(
        r#"
[source.adt]
type = "mllp"
listen = "127.0.0.1:0"
{keys}

[[route]]
name = "all"
from = ["adt"]
to = ["archive"]

[destination.archive]
type = "file"
path = "out/all.hl7"
"#
    )
}

fn board(address: &str) -> String {
    format!(
        "[destination.board]\ntype = \"mllp\"\nconnect = \"{address}\"\nretry = {{ first = \"20ms\", max = \"50ms\" }}\n"
    )
}

/// The feed, and everything also goes to a board.
pub(crate) fn with_board(address: &str) -> String {
    feed("").replace("to = [\"archive\"]", "to = [\"archive\", \"board\"]") + &board(address)
}
