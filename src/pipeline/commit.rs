//! The one order in which a span becomes durable: tables ahead, `sign_ins` with the offsets, findings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::crew::Crew;
use super::dedupe::DayFiles;
use super::worker::Sealed;
use super::{Pipeline, PipelineError, Span, gauges, now, start};
use crate::domain::signal::Signal;
use crate::lake::file::WrittenFile;
use crate::lake::{Advance, LakeError, Receipt, Table};
use crate::metrics::{Duplicate, Metrics, Stage, Store};
use crate::source::Lane;

impl Pipeline {
    /// Makes everything since the last commit durable, then lets the world know.
    pub(super) fn commit(&mut self, crew: &Crew) -> Result<(), PipelineError> {
        let spans = std::mem::take(&mut self.spans);
        self.bytes = 0;
        if spans.is_empty() {
            return self.commit_findings(Vec::new(), None);
        }
        let started = Instant::now();
        let sealed = crew.gather()?;
        self.commit_sealed(sealed, &spans, started)
    }

    /// Makes sealed work durable, and moves the lanes over these spans, if any.
    pub(super) fn commit_sealed(
        &mut self,
        sealed: Sealed,
        spans: &BTreeMap<Arc<Lane>, Span>,
        started: Instant,
    ) -> Result<(), PipelineError> {
        account_for(&sealed)?;
        self.commit_ahead(&sealed, spans)?;
        let advances = spans
            .iter()
            .map(|(lane, span)| advance(lane, *span))
            .collect::<Vec<_>>();
        let mut receipts = Vec::new();
        if !sealed.sign_ins.is_empty() || !advances.is_empty() {
            receipts = timed(
                &self.metrics,
                &self.runtime,
                &mut self.lake.sign_ins,
                &sealed.sign_ins,
                &advances,
            )?;
        }
        self.note_stored(spans, &sealed);
        if let Some(quarantine) = &mut self.quarantine {
            quarantine.committed(&self.stored)?;
        }
        self.commit_findings(sealed.signals, sealed.watermark)?;
        self.metrics.worked(Stage::Decode, sealed.busy);
        self.metrics.worked(Stage::Commit, started.elapsed());
        self.metrics.committed(&sealed.tally, now());
        self.metrics.set_state_entries(
            Store::Fingerprints,
            i64::try_from(self.dedupe.entries()).unwrap_or(i64::MAX),
        );
        self.acknowledge(spans, receipts);
        Ok(())
    }

    /// The tables that must not be behind `sign_ins`.
    fn commit_ahead(
        &mut self,
        sealed: &Sealed,
        spans: &BTreeMap<Arc<Lane>, Span>,
    ) -> Result<(), LakeError> {
        for (table, files) in [
            (&mut self.lake.rejects, &sealed.rejects),
            (&mut self.lake.revisions, &sealed.revisions),
        ] {
            if files.is_empty() {
                continue;
            }
            let mut advances = Vec::new();
            for (lane, span) in spans {
                let from = self.runtime.block_on(table.offset(&lane.app_id))?;
                advances.push(Advance {
                    app_id: lane.app_id.to_string(),
                    from,
                    to: from.map_or(span.to, |from| from.max(span.to)),
                });
            }
            timed(&self.metrics, &self.runtime, table, files, &advances)?;
        }
        Ok(())
    }

    fn note_stored(&mut self, spans: &BTreeMap<Arc<Lane>, Span>, sealed: &Sealed) {
        for (lane, span) in spans {
            self.stored.insert(lane.app_id.clone(), span.to);
        }
        let held = |table: &Table, file: &WrittenFile| {
            Some((
                start::partition_date(file.partition.as_deref()?)?,
                table.root().join(&file.path),
            ))
        };
        let sign_ins = sealed
            .sign_ins
            .iter()
            .filter_map(|file| held(&self.lake.sign_ins, file));
        let revisions = sealed
            .revisions
            .iter()
            .filter_map(|file| held(&self.lake.revisions, file));
        let files = sign_ins.map(|(date, path)| (date, DayFiles::of_sign_ins(path)));
        self.dedupe.committed(
            files.chain(revisions.map(|(date, path)| (date, DayFiles::of_revisions(path)))),
        );
        self.metrics.add(&self.settings.topic, &sealed.tally);
        self.summary.tally.merge(&sealed.tally);
        self.summary.commits += 1;
    }

    pub(super) fn commit_findings(
        &mut self,
        signals: Vec<Signal>,
        watermark: Option<i64>,
    ) -> Result<(), PipelineError> {
        let started = Instant::now();
        self.findings
            .reload_migrations(&self.runtime, &self.metrics)?;
        self.findings.observe(&signals, watermark);
        let (loops, states) = self.findings.write_changes(&self.metrics)?;
        if !loops.is_empty() {
            timed(
                &self.metrics,
                &self.runtime,
                &mut self.lake.loops,
                &loops,
                &[],
            )?;
        }
        if !states.is_empty() {
            timed(
                &self.metrics,
                &self.runtime,
                &mut self.lake.mailbox_states,
                &states,
                &[],
            )?;
        }
        self.metrics.worked(Stage::Detect, started.elapsed());
        Ok(())
    }

    fn acknowledge(&self, spans: &BTreeMap<Arc<Lane>, Span>, receipts: Vec<Receipt>) {
        for (lane, span) in spans {
            if let Some(time) = span.broker_time {
                self.metrics
                    .set_last_processed(&lane.stream, lane.partition, time);
            }
        }
        let Some(source) = &self.receipts else { return };
        for receipt in receipts {
            // The broker's copy of the offset is a hint: a source that is busy or gone does not need it.
            let _ = source.try_send(receipt);
        }
    }
}

fn advance(lane: &Lane, span: Span) -> Advance {
    Advance {
        app_id: lane.app_id.to_string(),
        from: span.from,
        to: span.to,
    }
}

/// Commits files to a table and counts them.
pub(super) fn timed(
    metrics: &Metrics,
    runtime: &tokio::runtime::Handle,
    table: &mut Table,
    files: &[WrittenFile],
    advances: &[Advance],
) -> Result<Vec<Receipt>, LakeError> {
    let started = Instant::now();
    let result = runtime.block_on(table.commit(files, advances));
    match &result {
        Ok(_) => {
            metrics.lake_committed(table.name(), gauges::written(files), started.elapsed());
            metrics.set_live_files(
                table.name(),
                i64::try_from(table.live_files()).unwrap_or(i64::MAX),
            );
        }
        Err(error) => metrics.lake_commit_failed(gauges::commit_failure(error)),
    }
    result
}

/// Records in = sign-ins + copies + revisions + rejects + passed over; else nothing is committed.
fn account_for(sealed: &Sealed) -> Result<(), PipelineError> {
    let rows = |files: &[WrittenFile]| files.iter().map(|file| file.rows as u64).sum::<u64>();
    let new: u64 = sealed.tally.events.iter().sum();
    let rejects: u64 = sealed.tally.rejects.iter().sum();
    let accounted = sealed.tally.pieces();
    let stored = new == rows(&sealed.sign_ins)
        && rejects == rows(&sealed.rejects) + sealed.replayed
        && sealed.tally.duplicates[Duplicate::Revision as usize] == rows(&sealed.revisions);
    if sealed.pieces == accounted && stored {
        return Ok(());
    }
    Err(PipelineError::Unaccounted(sealed.pieces, accounted))
}
