use clap::Args;
use super::{Exit, Failure};
#[derive(Debug, Args)]
pub struct Options {}
pub fn run(_: &Options) -> Result<Exit, Failure> { Ok(Exit::Ok) }
