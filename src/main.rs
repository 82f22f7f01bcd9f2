//! The binary: parses the arguments, runs the command, exits with its code.

use apim_keyless::cli::Cli;
use apim_keyless::command;
use mimalloc::MiMalloc;
use std::env::args_os;
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::of(args_os()).unwrap_or_else(|error| error.exit());
    command::run(cli).unwrap_or_else(|error| {
        // if stderr is closed, only the exit code reports the error
        _ = writeln!(anstream::stderr(), "error: {error:#}");
        ExitCode::from(2)
    })
}
