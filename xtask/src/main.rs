//! Work on the product that is not the product: benchmarks, generated files.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool for developers")]

mod bench;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod messages;
mod notices;
#[cfg(test)]
mod supply;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bench", rest @ ..] => tokio::runtime::Runtime::new()?.block_on(bench::run(rest)),
        ["third-party"] => notices::write(),
        _ => bail!(
            "cargo xtask {}\n\
             cargo xtask third-party        (rewrites THIRD_PARTY.md)",
            bench::USAGE
        ),
    }
}
