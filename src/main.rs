//! The binary: arguments in, exit code out.

use apim_keyless::cli::Cli;
use apim_keyless::command;
use clap::Parser;
use mimalloc::MiMalloc;
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    command::run(Cli::parse()).unwrap_or_else(|error| {
        // if stderr is closed there is nowhere left to say so; the exit code still does
        _ = writeln!(anstream::stderr(), "error: {error:#}");
        ExitCode::from(2)
    })
}
