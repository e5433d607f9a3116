//! The command line's own words: help and refusals of the argument parser, in Japanese.
//!
//! The parser speaks English and decides alone what it says; here its help is laid out anew and each of its refusals
//! is said as 事象・原因・対処 with a code. Nothing but this module knows that there is a parser with words of its own.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};

use super::{complain, say};

/// Reads the command line. When there is nothing to run, help or a refusal is shown and the exit code given.
pub(crate) fn read<T: CommandFactory + FromArgMatches>() -> Result<T, ExitCode> {
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help("版を表示する");
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("この説明を表示する").global(true);
    let command = T::command().disable_version_flag(true).disable_help_flag(true).arg(version).arg(help);
    laid_out(command).try_get_matches().and_then(|matches| T::from_arg_matches(&matches)).map_err(|e| answer(&e))
}

/// `command` and all below it with Japanese headings.
fn laid_out(command: Command) -> Command {
    command
        .help_template("{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("コマンド")
        .subcommand_value_name("コマンド")
        .mut_args(|arg| {
            let arg = arg.clone().help_heading(if arg.is_positional() { "引数" } else { "オプション" });
            if !arg.get_action().takes_values() {
                return arg;
            }
            let help = format!("{}{}", arg.get_help().cloned().unwrap_or_default(), remarks(&arg));
            arg.help(help).hide_default_value(true).hide_env(true).hide_possible_values(true)
        })
        .mut_subcommands(laid_out)
}

/// What the parser would add to the help of an argument in English: choices, default, environment variable.
fn remarks(arg: &Arg) -> String {
    let choices: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    let mut remarks = String::new();
    if !choices.is_empty() {
        remarks.push_str(&format!("［{}］", choices.join("・")));
    }
    if defaults.iter().any(|value| !value.is_empty()) {
        remarks.push_str(&format!("［省くと {}］", defaults.join(" ")));
    }
    if let Some(variable) = arg.get_env() {
        remarks.push_str(&format!("［環境変数 {}］", variable.to_string_lossy()));
    }
    remarks
}

/// Shows what the parser wants to say; the exit code is 2 but for help that was asked for.
fn answer(error: &Error) -> ExitCode {
    let help = || error.render().to_string().replace("[OPTIONS]", "[オプション]");
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            say(help().trim_end());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            complain(&anyhow::Error::msg(help().trim_end().to_owned()))
        }
        _ => complain(&anyhow::Error::msg(refusal(error))),
    }
}

fn refusal(error: &Error) -> String {
    let about = |kind| text(error, kind);
    let argument = about(ContextKind::InvalidArg);
    let value = about(ContextKind::InvalidValue);
    let (code, why) = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            ("CLI-001", format!("「{}」というコマンドはありません。", about(ContextKind::InvalidSubcommand)))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            ("CLI-002", format!("「{argument}」というオプションはありません。"))
        }
        ErrorKind::UnknownArgument => ("CLI-002", format!("「{argument}」は余分です。")),
        ErrorKind::MissingRequiredArgument => ("CLI-003", format!("「{argument}」がありません。")),
        ErrorKind::MissingSubcommand => ("CLI-003", "コマンドがありません。".to_owned()),
        ErrorKind::InvalidValue if value.is_empty() => ("CLI-003", format!("「{argument}」の値がありません。")),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            ("CLI-004", format!("「{argument}」に「{value}」は使えません。"))
        }
        ErrorKind::ArgumentConflict => {
            let prior = about(ContextKind::PriorArg);
            let why = if prior == argument || prior.is_empty() {
                format!("「{argument}」は一度だけ指定できます。")
            } else {
                format!("「{argument}」と「{prior}」は一緒に使えません。")
            };
            ("CLI-005", why)
        }
        ErrorKind::InvalidUtf8 => ("CLI-007", "UTF-8ではない文字があります。".to_owned()),
        _ => ("CLI-006", format!("「{argument}」の値の数が合いません。")),
    };
    let known = about(ContextKind::ValidValue);
    let choices =
        if known.is_empty() { String::new() } else { format!("「{known}」のどれかにしてください。") };
    let meant: Vec<String> = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .into_iter()
        .map(about)
        .filter(|suggested| !suggested.is_empty())
        .map(|suggested| format!("もしかして「{suggested}」ですか。"))
        .collect();
    let command = called(error);
    format!(
        "コマンドを実行しませんでした（{code}）。{why}{choices}{}使い方は「{command} --help」で見られます。",
        meant.concat()
    )
}

/// The strings of a piece of context, joined for people; empty where there is none.
fn text(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join("」「"),
        _ => String::new(),
    }
}

/// The command as far as it was understood: `sakimori catalog show`.
fn called(error: &Error) -> String {
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let mut words = usage.split_whitespace().skip_while(|word| *word != env!("CARGO_BIN_NAME"));
    let path: Vec<&str> = words.by_ref().take_while(|word| !word.starts_with(['[', '<', '-'])).collect();
    if path.is_empty() { env!("CARGO_BIN_NAME").to_owned() } else { path.join(" ") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    /// A cell of a table in the manual.
    fn cell(text: &str) -> String {
        text.trim().replace('\n', " ").replace('|', "\\|")
    }

    /// Every command below `command`, as the manual describes it.
    fn described(page: &mut String, before: &str, command: &Command) {
        let name = format!("{before} {}", command.get_name());
        if command.has_subcommands() {
            return command.get_subcommands().for_each(|below| described(page, &name, below));
        }
        let arguments: Vec<&Arg> =
            command.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help").collect();
        let value = |arg: &Arg| arg.get_value_names().map(|n| format!("<{}>", n.join("> <"))).unwrap_or_default();
        let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
        let mut usage = name.clone();
        for arg in arguments.iter().filter(|arg| arg.is_required_set()) {
            let long = arg.get_long().map(|long| format!("--{long} ")).unwrap_or_default();
            let _ = write!(usage, " {long}{}", value(arg));
        }
        let _ = write!(page, "\n### `{name}`\n\n{}\n\n```\n{usage}\n```\n", about.trim());
        if !arguments.is_empty() {
            page.push_str("\n| 引数・オプション | 意味 |\n|---|---|\n");
        }
        for arg in arguments {
            let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
            let long = arg.get_long().map(|long| format!("--{long}")).unwrap_or_default();
            let taken = if arg.get_action().takes_values() { value(arg) } else { String::new() };
            let named = format!("{short}{long} {taken}");
            let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(page, "| `{}` | {} |", named.trim(), cell(&help));
        }
    }

    #[test]
    fn the_page_of_commands_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ja/reference/commands.md");
        let is = std::fs::read_to_string(&file).unwrap();
        let (head, _) = is.split_once("\n## コマンド\n").unwrap();
        let mut page = format!("{head}\n## コマンド\n");
        let mut all = laid_out(super::super::Cli::command());
        all.build();
        all.get_subcommands().for_each(|command| described(&mut page, "sakimori", command));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &page).unwrap();
        }
        let is = std::fs::read_to_string(&file).unwrap();
        assert!(is == page, "commands.md is not what the commands say; run: UPDATE=1 cargo test -p server commands");
    }
}
