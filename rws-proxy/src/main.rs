//! The `rws` binary: command line, then configuration, then serving. A wrong configuration starts nothing.

use clap::Parser as _;
use rws_proxy::{cli::Cli, config, serve};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let loaded = match config::load(&cli.overrides(), std::env::vars_os()) {
        Ok(loaded) => loaded,
        Err(diagnostics) => {
            let styled = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            // Nothing is left to do where even the error stream is gone.
            let _ = std::io::stderr().write_all(config::render_all(&diagnostics, styled).as_bytes());
            return ExitCode::FAILURE;
        }
    };
    if cli.check {
        println!("{}", loaded.summary());
        return ExitCode::SUCCESS;
    }
    match serve::serve(&loaded.config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rws: {error}");
            ExitCode::FAILURE
        }
    }
}
