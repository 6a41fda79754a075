//! `signloop rejects replay`: the open rejects once more through the pipeline.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use clap::Args;

use crate::cli::report::words::shell_word;
use crate::cli::service::Service;
use crate::cli::{Exit, Failure, LakeOption};
use crate::domain::decode::RejectReason;
use crate::lake::require;
use crate::metrics::Duplicate;
use crate::pipeline::replay::Replay;
use crate::pipeline::worker::Raw;
use crate::pipeline::{Pipeline, Settings};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop rejects replay --lake lake
  signloop rejects replay --lake lake --reason invalid_time

What is understood now becomes sign-ins with the origin of the reject, each once, however often this
is run. What still fails stays the reject it was. Messages that crashed the program are read only if
their reason is named: --reason quarantined. A running signloop has to be stopped first.")]
pub struct Options {
    #[command(flatten)]
    lake: LakeOption,
    /// Only those of one reason
    #[arg(long, value_parser = super::reason(), value_name = "REASON")]
    reason: Option<RejectReason>,
    /// Which sign-ins are kept whole beside their columns: none, failures or all
    #[arg(long, default_value = "failures", value_name = "WHICH")]
    raw: Raw,
}

pub fn run(options: &Options) -> Result<Exit, Failure> {
    // A lake that is not there must not be made for nothing.
    require(&options.lake.lake)?;
    let service = Service::new()?;
    service.stop_on_signal();
    let settings = Settings {
        raw: options.raw,
        ..Settings::default()
    };
    let start = Pipeline::start(&options.lake.lake, settings, service.shared(), None);
    let pipeline = service.runtime.block_on(start)?;
    let replay = pipeline.replay(options.reason, &service.stop)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", told(&replay, options))?;
    if replay.rejects > replay.resolved.iter().sum() {
        let lake = shell_word(&options.lake.lake);
        writeln!(
            out,
            "those that are left: signloop rejects list --lake {lake}"
        )?;
    }
    if service.stop.load(Ordering::Relaxed) {
        return Err(Failure::new(
            "stopped before the end; run the same command again to go on",
        ));
    }
    Ok(Exit::Ok)
}

fn told(replay: &Replay, options: &Options) -> String {
    let sum = |counts: &[u64]| counts.iter().sum::<u64>();
    let (tally, resolved) = (&replay.tally, sum(&replay.resolved));
    format!(
        "{} open rejects: {resolved} resolved, {} left; {} new sign-ins, {} copies, {} revisions, \
         {} of other logs; lake {}",
        replay.rejects,
        replay.rejects - resolved,
        sum(&tally.events),
        tally.duplicates[Duplicate::Copy as usize],
        tally.duplicates[Duplicate::Revision as usize],
        sum(&tally.passed_over),
        shell_word(&options.lake.lake)
    )
}
