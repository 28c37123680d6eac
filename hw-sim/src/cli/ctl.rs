//! `hw-sim ctl`: one command to a running simulator.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::failure::{EXIT_REFUSED, Failure};
use crate::control::socket::ask;
use crate::line::quoted;

/// Arguments of `hw-sim ctl`.
#[derive(Debug, Args)]
#[command(after_help = CTL_HELP)]
pub(super) struct CtlArgs {
    /// The socket of `hw-sim run --control PATH`.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Prints the answer as one JSON object.
    #[arg(long)]
    json: bool,
    /// The command and its words.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    words: Vec<String>,
}

const CTL_HELP: &str = "\
Examples:
  hw-sim ctl --socket /tmp/sensor.sock status
  hw-sim ctl --socket /tmp/sensor.sock power-cut 5
  hw-sim ctl --socket /tmp/sensor.sock fault noise rate=0.01 for=30
  hw-sim ctl --socket /tmp/sensor.sock fault unsolicited text='RDY now' once=yes
  hw-sim ctl --socket /tmp/sensor.sock help

Exit codes: 0 done, 1 refused, 2 no simulator answers at the socket.";

pub(super) async fn run(args: CtlArgs) -> Result<ExitCode, Failure> {
    let CtlArgs { socket, json, words } = args;
    let answer = ask(&socket, &to_command(&words)).await?;
    if json {
        writeln!(std::io::stdout(), "{}", answer_json(&answer))?;
        return Ok(if answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_REFUSED) });
    }
    let text = answer.map_err(Failure::Refused)?;
    writeln!(std::io::stdout(), "{}", if text.is_empty() { "ok" } else { &text })?;
    Ok(ExitCode::SUCCESS)
}

/// One word may be a whole command; of several each is one word, also where a shell has taken its quotes away.
fn to_command(words: &[String]) -> String {
    match words {
        [command] => command.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

/// An answer that is JSON itself, such as the status, is not quoted once more.
fn answer_json(answer: &Result<String, String>) -> Value {
    match answer {
        Ok(text) if text.is_empty() => json!({"ok": true}),
        Ok(text) => {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
            json!({"ok": true, "answer": value})
        }
        Err(reason) => json!({"ok": false, "error": reason}),
    }
}
