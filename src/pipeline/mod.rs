//! The one place that knows source, domain and lake: messages in, durable rows and findings out.
//!
//! ```text
//! source ──▶ coordinator ──(8 chunks)──▶ workers: decode, classify, write files
//!                 ▲                         │
//!                 └──────── sealed ─────────┘
//!            commit: rejects, revisions, sign_ins with offsets → detect → loops, mailbox_states
//!            then: counts to the metrics, receipts to the source
//! ```
//!
//! Owns the order of a commit. A kill between any two steps leaves the offsets of `sign_ins` where
//! they were or moved together with its rows; what other tables hold ahead of it is recognised at the
//! next start, and findings are derived again from the stored sign-ins.

mod commit;
mod crew;
pub mod dedupe;
mod findings;
mod gauges;
mod quarantine;
pub mod replay;
pub mod start;
pub mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::lake::{Lake, LakeError, Receipt};
use crate::metrics::{Metrics, Tally};
use crate::serve::Health;
use crate::source::{Chunk, Lane, SourceError, SourceEvent};
use crew::Crew;
use dedupe::Dedupe;
use findings::Findings;
use quarantine::Care;
use quarantine::watch::Quarantine;
use start::Resumed;
use worker::{Raw, Worker};

/// Input after which a span is committed however little time has passed: bounds what is read again,
/// some seconds' worth. The workers wait while a commit is made, so it is not smaller.
const FLUSH_BYTES: u64 = 4 << 30;
/// How often time, stop and health are looked at while nothing comes.
const TICK: Duration = Duration::from_millis(100);

/// The topic of everything that is read from files.
pub const FILES: &str = "files";

/// How the pipeline runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Workers side by side.
    pub workers: usize,
    /// Longest time between two commits while something comes in.
    pub flush_interval: Duration,
    /// Which records are kept whole.
    pub raw: Raw,
    /// Topic under which the metrics count; files share one, since paths are no labels.
    pub topic: String,
    /// Whether events later than this machine's clock count for event time: only simulated ones do.
    pub clock: Clock,
}

/// Which events may move event time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Those that had happened when they came in.
    Real,
    /// All: the tenant is made up, and so is its time.
    Simulated,
}

impl Clock {
    /// The latest instant at which an event may have happened that is taken in now, UTC microseconds.
    #[must_use]
    pub fn latest(self) -> i64 {
        match self {
            Clock::Real => now(),
            Clock::Simulated => i64::MAX / 2,
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Settings {
            workers: cores.clamp(1, 16),
            flush_interval: Duration::from_secs(30),
            raw: Raw::Failures,
            topic: FILES.to_owned(),
            clock: Clock::Real,
        }
    }
}

/// Why the pipeline stopped before its time.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A worker thread is gone: a mistake in the program.
    #[error(
        "a worker ended unexpectedly; the rows since the last commit will be read again at the next start; please report this"
    )]
    WorkerLost,
    /// A message made a worker panic: a mistake in the program.
    #[error(
        "reading the message at offset {offset} of {stream}, partition {partition}, failed unexpectedly; the next start reads it again, and the third failure puts it into the table rejects instead; please report this"
    )]
    MessageCrashed {
        /// Topic or file.
        stream: String,
        /// Partition.
        partition: i32,
        /// Offset of the message.
        offset: i64,
    },
    /// Something came in and went nowhere: a mistake in the program.
    #[error(
        "{0} records came in but {1} are accounted for; nothing was committed; please report this"
    )]
    Unaccounted(u64, u64),
}

/// What a run has done.
#[derive(Debug, Default, Clone)]
pub struct Summary {
    /// Counts of all that was committed.
    pub tally: Tally,
    /// Commits made.
    pub commits: u64,
    /// Inputs of which only a part could be read, each told in a sentence.
    pub damaged: Vec<String>,
}

/// A pipeline over an open lake.
pub struct Pipeline {
    lake: Lake,
    settings: Settings,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    runtime: tokio::runtime::Handle,
    dedupe: Arc<Dedupe>,
    findings: Findings,
    summary: Summary,
    /// Lanes read since the last commit: from where, to where.
    spans: BTreeMap<Arc<Lane>, Span>,
    /// How far every lane is stored.
    stored: BTreeMap<Arc<str>, i64>,
    bytes: u64,
    receipts: Option<Sender<Receipt>>,
    /// There once it is known where to go on.
    quarantine: Option<Quarantine>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    from: Option<i64>,
    to: i64,
    broker_time: Option<i64>,
}

impl Pipeline {
    /// Runs until the source ends or `stop` is set, then commits what came in.
    pub fn run(
        mut self,
        events: &Receiver<SourceEvent>,
        resumed: Resumed,
        stop: &AtomicBool,
    ) -> Result<Summary, PipelineError> {
        let replayed = Arc::new(resumed.replayed);
        let quarantined = Arc::new(resumed.quarantine.quarantined());
        let in_hand = resumed.quarantine.hand();
        self.quarantine = Some(resumed.quarantine);
        self.commit_findings(Vec::new(), None)?;
        let worker = |number| {
            let files = self.lake.worker_files(number);
            let (dedupe, replayed) = (self.dedupe.clone(), replayed.clone());
            Worker::new(files, dedupe, replayed, quarantined.clone(), &self.settings)
        };
        let workers = (0..self.settings.workers).map(worker).collect();
        let outcome = std::thread::scope(|scope| {
            let crew = Crew::start(scope, workers, &in_hand)?;
            self.drive(events, &crew, stop)
        });
        if let Some(quarantine) = &self.quarantine {
            quarantine.ended(&outcome);
        }
        outcome.map(|()| self.summary)
    }

    /// Derives the findings once more, as after an import, and writes what has changed.
    pub fn settle(mut self) -> Result<(), PipelineError> {
        self.commit_findings(Vec::new(), None)
    }

    fn drive(
        &mut self,
        events: &Receiver<SourceEvent>,
        crew: &Crew,
        stop: &AtomicBool,
    ) -> Result<(), PipelineError> {
        let mut last_commit = Instant::now();
        self.health.source_assigned();
        self.health.committing();
        self.metrics.flushed(now());
        loop {
            self.health.beat();
            let event = events.recv_timeout(TICK);
            let ended = matches!(
                event,
                Ok(SourceEvent::End) | Err(RecvTimeoutError::Disconnected)
            );
            if let Ok(event) = event {
                self.take_event(event, crew)?;
            }
            let asked = stop.load(Ordering::Relaxed);
            if let Some(quarantine) = self.quarantine.as_ref().filter(|_| asked) {
                quarantine.stopping()?;
            }
            let stopping = ended || asked;
            let due =
                last_commit.elapsed() >= self.settings.flush_interval || self.bytes >= FLUSH_BYTES;
            if due || stopping {
                self.commit(crew)?;
                last_commit = Instant::now();
            }
            if stopping {
                return Ok(());
            }
        }
    }

    fn take_event(&mut self, event: SourceEvent, crew: &Crew) -> Result<(), PipelineError> {
        match event {
            SourceEvent::Chunk(chunk) => self.dispatch(chunk, crew)?,
            SourceEvent::Lag(lane, records) => {
                self.metrics.set_lag(&lane.stream, lane.partition, records);
            }
            SourceEvent::Failed(error) => {
                self.commit(crew)?;
                return Err(error.into());
            }
            SourceEvent::Damaged(what) => self.summary.damaged.push(what),
            SourceEvent::End => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, chunk: Chunk, crew: &Crew) -> Result<(), PipelineError> {
        let quarantine = self.quarantine.as_ref();
        match quarantine.map_or(Care::None, |it| it.care_for(&chunk)) {
            Care::None | Care::Watch => self.hand_out(chunk, crew),
            care => self.read_carefully(&chunk, care, crew),
        }
    }

    /// Notes how far a chunk reaches and hands it to a worker.
    fn hand_out(&mut self, chunk: Chunk, crew: &Crew) -> Result<(), PipelineError> {
        self.bytes += chunk.bytes.len() as u64;
        let stored = self.stored.get(&chunk.lane.app_id).copied();
        let span = self.spans.entry(chunk.lane.clone()).or_insert(Span {
            from: stored,
            to: chunk.next_offset,
            broker_time: None,
        });
        span.to = span
            .to
            .max(chunk.next_offset)
            .max(stored.unwrap_or(i64::MIN));
        span.broker_time = span.broker_time.max(chunk.broker_time());
        crew.dispatch(chunk)
    }
}

/// UTC microseconds.
fn now() -> i64 {
    crate::lake::file::now_ms() * 1000
}
