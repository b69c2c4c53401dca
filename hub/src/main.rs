//! `pilah-hub`: see `pilah-hub help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pilah_hub::cli::main()
}
