//! `signloop ingest`: files through the same pipeline.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use crossbeam_channel::bounded;
use indicatif::{ProgressBar, ProgressStyle};

use super::report::words::{shell_word, shown};
use super::service::Service;
use super::{Exit, Failure, LakeOption};
use crate::domain::decode::RejectReason;
use crate::metrics::{Duplicate, Tally};
use crate::pipeline::worker::Raw;
use crate::pipeline::{Pipeline, Settings};
use crate::source::Lane;
use crate::source::files::{self, Found};

/// Chunks read ahead of the workers, about 1 MiB each.
const EVENTS: usize = 4;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop ingest --lake lake insights-logs-signinlogs/
  signloop ingest --lake lake export.ndjson.gz PT1H.json

Reads one record a line, JSON documents, arrays and {\"records\":[…]} envelopes, and tables with an
English header (CSV, also with ; or tabs); UTF-8 or UTF-16, plain or gzip. Of folders it reads
.json, .ndjson, .jsonl, .log, .csv, .tsv and .txt, also with .gz, and tells what it passed over.
A second run of the same files adds nothing; an interrupted run goes on where it was.")]
pub struct Options {
    /// Files, or folders with all below them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    lake: LakeOption,
    /// Which sign-ins are kept whole beside their columns: none, failures or all
    #[arg(long, default_value = "failures", value_name = "WHICH")]
    raw: Raw,
}

pub fn run(options: &Options) -> Result<Exit, Failure> {
    let Found {
        inputs,
        passed_over,
    } = files::inputs(&options.paths, crate::lake::MARKER)?;
    let service = Service::new()?;
    service.stop_on_signal();
    let mut pipeline = service.runtime.block_on(Pipeline::start(
        &options.lake.lake,
        Settings {
            raw: options.raw,
            ..Settings::default()
        },
        service.shared(),
        None,
    ))?;
    let lanes: Vec<Arc<Lane>> = inputs.iter().map(|input| input.lane.clone()).collect();
    let (next, resumed) = service.runtime.block_on(pipeline.resume(&lanes))?;

    let bar = progress_bar(inputs.iter().map(|input| input.bytes).sum());
    let (events, incoming) = bounded(EVENTS);
    let (stop, told) = (service.stop.clone(), bar.clone());
    let summary = service.drive(
        incoming,
        |incoming| pipeline.run(incoming, resumed, &stop),
        move |ended| files::read(&inputs, &next, &events, ended, |bytes| told.inc(bytes)),
    )?;
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}",
        told_in_words(lanes.len(), &summary.tally, options)
    )?;
    tell_passed_over(&mut out, &passed_over)?;
    tell_rejects(&mut out, &summary.tally, options)?;
    if service.stop.load(Ordering::Relaxed) {
        return Err(Failure::new(
            "stopped before the end; run the same command again to go on",
        ));
    }
    if summary.damaged.is_empty() {
        return Ok(Exit::Ok);
    }
    Err(Failure::invalid(summary.damaged.join("\n  ")))
}

/// Which files of folders were not read, by their endings.
fn tell_passed_over(out: &mut impl std::io::Write, files: &[PathBuf]) -> Result<(), Failure> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for file in files {
        let ending = file.extension().map(|ending| ending.to_string_lossy());
        let kind = match ending {
            Some(ending) => format!(".{}", shown(&ending)),
            None => "without an ending".to_owned(),
        };
        *counts.entry(kind).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let counts = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
    writeln!(
        out,
        "passed over in folders: {}; a file that is named is read whatever it is called",
        counts.collect::<Vec<_>>().join(", ")
    )?;
    Ok(())
}

/// Which rejects there were, and how to look at them.
fn tell_rejects(
    out: &mut impl std::io::Write,
    tally: &Tally,
    options: &Options,
) -> Result<(), Failure> {
    let found = RejectReason::ALL
        .iter()
        .zip(tally.rejects)
        .filter(|(_, count)| *count > 0);
    let reasons = found
        .map(|(reason, count)| format!("{count} {}", reason.name()))
        .collect::<Vec<_>>();
    if !reasons.is_empty() {
        writeln!(out, "rejects: {}; look at them with", reasons.join(", "))?;
        writeln!(
            out,
            "  signloop rejects list --lake {}",
            shell_word(&options.lake.lake)
        )?;
    }
    Ok(())
}

fn progress_bar(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn told_in_words(files: usize, tally: &Tally, options: &Options) -> String {
    let sum = |counts: &[u64]| counts.iter().sum::<u64>();
    let hint = if files == 0 {
        " (there is no file that is read)"
    } else if tally.pieces() == 0 {
        " (nothing that was not read before)"
    } else {
        ""
    };
    format!(
        "{files} {}: {} new sign-ins, {} copies, {} revisions, {} rejects, {} of other logs{hint}; lake {}",
        if files == 1 { "file" } else { "files" },
        sum(&tally.events),
        tally.duplicates[Duplicate::Copy as usize],
        tally.duplicates[Duplicate::Revision as usize],
        sum(&tally.rejects),
        sum(&tally.passed_over),
        options.lake.lake.display()
    )
}
