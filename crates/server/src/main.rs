//! `sakimori`: the one executable. It reads the command line, opens the store and hands over.

mod cli;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("SAKIMORI_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    let command = match cli::read() {
        Ok(command) => command,
        Err(code) => return code,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cli::complain(&error.into()),
    };
    match runtime.block_on(cli::run(command)) {
        Ok(code) => code,
        Err(error) => cli::complain(&error),
    }
}
