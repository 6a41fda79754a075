//! `signloop rejects`: what could not become a sign-in, and how it becomes one after a fix.
//!
//! Everything of a reject was written by whoever sent it: nothing of it reaches a terminal as it is,
//! but for `show --raw`, which is asked to.

mod group;
mod list;
mod origin;
mod replay;
mod shape;
mod show;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{Exit, Failure};
use crate::domain::decode::RejectReason;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What is rejected, by why and by what it looks like; the most frequent first
    List(list::Options),
    /// Everything of one reject
    Show(show::Options),
    /// The open rejects once more through the pipeline, after a fix; never anything twice
    Replay(replay::Options),
}

pub fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(options) => list::run(options),
        Command::Show(options) => show::run(options),
        Command::Replay(options) => replay::run(options),
    }
}

/// Reads a reason by its name in tables.
fn reason() -> impl TypedValueParser<Value = RejectReason> {
    PossibleValuesParser::new(RejectReason::ALL.iter().map(|reason| reason.name())).map(|name| {
        let mut all = RejectReason::ALL.iter().copied();
        all.find(|reason| reason.name() == name)
            .expect("only the names of reasons are possible")
    })
}
