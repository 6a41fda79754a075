//! Rejects once more through the pipeline, after a release or a table has learned to read them.
//!
//! The rows of a reject that is understood now are committed as those of any message; the offsets of
//! its lane stay where they are, for they are past it already. After that, a row of
//! `reject_resolutions` says what became of it. A kill between the two costs nothing: the next replay
//! finds copies and says so. What still fails stays the reject that it was.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::commit::timed;
use super::worker::Worker;
use super::{FLUSH_BYTES, Pipeline, PipelineError, now};
use crate::domain::decode::RejectReason;
use crate::lake::file::FileWriter;
use crate::lake::history::{RejectKey, RejectReader, StoredReject, Wanted};
use crate::lake::resolutions::{Resolution, ResolutionRow, Resolutions};
use crate::metrics::Tally;

/// What a replay has done.
#[derive(Debug, Default, Clone)]
pub struct Replay {
    /// Open rejects that were read again.
    pub rejects: u64,
    /// Those that are none any more, by what became of them.
    pub resolved: [u64; Resolution::ALL.len()],
    /// Counts of all that came out of them.
    pub tally: Tally,
}

/// A replay at work.
struct Again {
    worker: Worker,
    resolutions: FileWriter<Resolutions>,
    /// Resolved by this run.
    keys: HashSet<RejectKey>,
    done: Replay,
    bytes: u64,
}

impl Pipeline {
    /// Takes in the open rejects again, those of one reason, or all but messages that crashed the process,
    /// until `stop` is set.
    pub fn replay(
        mut self,
        reason: Option<RejectReason>,
        stop: &AtomicBool,
    ) -> Result<Replay, PipelineError> {
        self.commit_findings(Vec::new(), None)?;
        let wanted = reason.map_or(Wanted::Harmless, Wanted::Reason);
        let open = RejectReader::open(self.lake.root(), wanted);
        let mut reader = self.runtime.block_on(open)?;
        let files = self.lake.worker_files(0);
        let mut again = Again {
            worker: Worker::new(
                files,
                self.dedupe.clone(),
                Arc::default(),
                Arc::default(),
                &self.settings,
            ),
            resolutions: self.lake.resolution_files(),
            keys: HashSet::new(),
            done: Replay::default(),
            bytes: 0,
        };
        let mut last_commit = Instant::now();
        while let Some(rejects) = self.runtime.block_on(reader.next())? {
            for reject in rejects {
                if reader.resolved(&reject.key).is_none() {
                    again.take(reject)?;
                }
            }
            let late = last_commit.elapsed() >= self.settings.flush_interval;
            if late || again.bytes >= FLUSH_BYTES {
                self.commit_again(&mut again)?;
                last_commit = Instant::now();
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.commit_again(&mut again)?;
        again.done.tally = self.summary.tally;
        Ok(again.done)
    }

    /// The rows first, then what they mean for the rejects.
    fn commit_again(&mut self, again: &mut Again) -> Result<(), PipelineError> {
        again.bytes = 0;
        let (started, sealed) = (Instant::now(), again.worker.seal()?);
        self.commit_sealed(sealed, &BTreeMap::new(), started)?;
        let files = again.resolutions.seal()?;
        if !files.is_empty() {
            let table = &mut self.lake.resolutions;
            timed(&self.metrics, &self.runtime, table, &files, &[])?;
        }
        Ok(())
    }
}

impl Again {
    fn take(&mut self, reject: StoredReject) -> Result<(), PipelineError> {
        if self.keys.contains(&reject.key) {
            return Ok(());
        }
        self.done.rejects += 1;
        self.bytes += reject.raw.len() as u64;
        let now = now();
        let Some(outcome) = self.worker.take_again(&reject, now)? else {
            return Ok(());
        };
        self.done.resolved[outcome as usize] += 1;
        let row = ResolutionRow {
            origin: reject.key.origin(),
            content_md5: &reject.key.content_md5,
            resolved_at: now,
            outcome,
        };
        self.resolutions.push(0, &row, 0)?;
        self.keys.insert(reject.key);
        Ok(())
    }
}
