//! The `wardwire` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    wardwire::cli::run(std::env::args_os()).into()
}
