//! The command line: arguments to a command, its errors to a sentence and an exit code.
//!
//! Data goes to standard output, everything else to standard error.

mod demo;
mod explain;
mod failure;
mod ingest;
mod loops;
mod migrations;
mod output;
mod rejects;
mod report;
mod run;
mod service;
mod sql;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use failure::{Exit, Failure};

const AFTER_HELP: &str = "\
Examples:
  signloop demo --exit                          see it at work on a synthetic tenant
  signloop ingest --lake lake exports/          read exported sign-in logs
  signloop migrations import moves.csv --lake lake --tz Europe/Berlin --date-order dmy
  signloop report --lake lake                   how the migration went
  signloop explain record.json                  why a sign-in was judged as it was
  signloop sql --lake lake \"SELECT * FROM stuck_now\"

Exit codes: 0 ok, 1 failure, 2 usage, 3 invalid configuration or data, 4 unreachable, 5 findings (--fail-on-any)";

/// Finds people stuck in legacy-auth loops after a mailbox migration.
#[derive(Debug, Parser)]
#[command(name = "signloop", version, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Arguments {
    /// How the program tells what it does, on standard error
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A synthetic tenant through a migration weekend, with an embedded broker
    Demo(demo::Options),
    /// The service: sign-ins from Kafka or Event Hubs into the lake
    Run(run::Options),
    /// Files and folders of sign-ins into the lake; what is in it already is not added again
    Ingest(ingest::Options),
    /// Facts of mailbox migrations
    #[command(subcommand)]
    Migrations(migrations::Command),
    /// How the migration went: health per batch, who is stuck, why, and what to do
    Report(report::Options),
    /// Loops: who is stuck, why, what to do
    Loops(loops::Options),
    /// Why a sign-in was judged as it was: every rule that was tried, and the ones that decided
    Explain(explain::Options),
    /// What could not become a sign-in: look at it, and take it in after a fix
    #[command(subcommand)]
    Rejects(rejects::Command),
    /// One SQL query over the tables and views of the lake
    Sql(sql::Options),
}

/// Where the lake is.
#[derive(Debug, Clone, Args)]
pub struct LakeOption {
    /// Folder of the lake
    #[arg(
        long,
        env = "SIGNLOOP_LAKE__PATH",
        default_value = "signloop.lake",
        value_name = "FOLDER"
    )]
    pub lake: PathBuf,
}

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Drawn, for people
    Table,
    /// Comma-separated with a header
    Csv,
    /// One array of objects
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Logs from `info` on; `SIGNLOOP_LOG` says otherwise, for example `debug`.
fn start_logging(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SIGNLOOP_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("signloop=info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(arguments.log_format);
    match dispatch(arguments.command) {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_closed_pipe() => Exit::Ok.into(),
        Err(failure) => {
            eprintln!("signloop: {}", output::visible(&failure.to_string()));
            failure.exit().into()
        }
    }
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Demo(options) => demo::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Ingest(options) => ingest::run(&options),
        Command::Migrations(command) => migrations::run(&command),
        Command::Report(options) => report::run(&options),
        Command::Loops(options) => loops::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Rejects(command) => rejects::run(&command),
        Command::Sql(options) => sql::run(&options),
    }
}
