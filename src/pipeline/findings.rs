//! The detector at work: signals in, changed findings written, migration facts kept fresh.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Clock, gauges};
use crate::domain::decode::time::{HOUR, date};
use crate::domain::detector::Detector;
use crate::domain::migration::MigrationIndex;
use crate::domain::signal::Signal;
use crate::lake::file::{FileWriter, WrittenFile};
use crate::lake::findings::{Loops, MailboxStateAt, MailboxStates};
use crate::lake::sql::Session;
use crate::lake::{LakeError, Table, history};
use crate::metrics::Metrics;

/// The detector and where its findings go.
pub struct Findings {
    pub(super) detector: Detector,
    pub(super) loops: FileWriter<Loops>,
    pub(super) states: FileWriter<MailboxStates>,
    /// Greatest sequence number of a mailbox state so far.
    pub(super) sequence: i64,
    pub(super) mailboxes: Table,
    pub(super) index: Arc<MigrationIndex>,
    /// Version of the mailbox table that the detector knows.
    pub(super) known_version: Option<u64>,
    pub(super) lake: PathBuf,
    pub(super) clock: Clock,
}

/// Files of `loops` and of `mailbox_states`.
type Changed = (Vec<WrittenFile>, Vec<WrittenFile>);

impl Findings {
    /// Takes in new sign-ins.
    pub fn observe(&mut self, signals: &[Signal], watermark: Option<i64>) {
        // What claims to be from the future means nothing until then, and must not close what is open.
        let latest = self.clock.latest().saturating_add(HOUR);
        let plausible = signals.iter().filter(|signal| signal.at <= latest);
        plausible.for_each(|signal| self.detector.observe(signal));
        if let Some(watermark) = watermark {
            self.detector.advance(watermark);
        }
    }

    /// Reads the imported mailboxes again if there was an import since.
    pub fn reload_migrations(
        &mut self,
        runtime: &tokio::runtime::Handle,
        metrics: &Metrics,
    ) -> Result<(), LakeError> {
        let version = runtime.block_on(self.mailboxes.newest_version())?;
        if self.known_version == Some(version) {
            return Ok(());
        }
        if version == 0 {
            // The table was made and nothing has been imported.
            self.known_version = Some(version);
            return Ok(());
        }
        let imports = runtime.block_on(async {
            let session = Session::open(&self.lake).await?;
            history::imports(&session).await
        })?;
        if let Some(at) = imports.newest_at {
            metrics.set_feed_success(at);
        }
        self.index = Arc::new(MigrationIndex::new(imports.mailboxes));
        self.detector.set_migrations(self.index.clone());
        self.known_version = Some(version);
        Ok(())
    }

    /// Writes what has changed; no files if nothing has.
    pub fn write_changes(&mut self, metrics: &Metrics) -> Result<Changed, LakeError> {
        let changes = self.detector.derive_changed();
        gauges::count_loops(metrics, &changes.loops);
        for row in &changes.loops {
            self.loops.push(date(row.opened_at), row, 0)?;
        }
        for row in changes.mailbox_states {
            self.sequence += 1;
            let at = MailboxStateAt {
                row,
                sequence: self.sequence,
            };
            self.states.push(date(at.row.since), &at, 0)?;
        }
        gauges::show_migrations(metrics, &self.index, self.detector.watermark());
        gauges::show_findings(metrics, &self.detector);
        Ok((self.loops.seal()?, self.states.seal()?))
    }
}
