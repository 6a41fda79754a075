//! The workers of a running pipeline: chunks go out to them, sealed work comes back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, Scope};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::quarantine::hand::{HandLog, WorkerHand};
use super::worker::{Sealed, Worker};
use super::{PipelineError, now};
use crate::source::Chunk;

/// Chunks waiting for each worker, up to about 1 MiB each: work enough for the time a commit takes.
const WAITING: usize = 8;

enum Job {
    Chunk(Chunk),
    Pause,
    Seal,
}

type Report = Result<Sealed, PipelineError>;

/// The workers, and the one queue they take from, so that all of them end at the same time. They end
/// when the crew is dropped.
pub(super) struct Crew {
    jobs: Sender<Job>,
    reports: Receiver<Report>,
    /// A worker that has reported takes nothing more until it is told to go on.
    go_on: Vec<Sender<()>>,
}

impl Crew {
    /// Starts one thread for each worker.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        workers: Vec<Worker>,
        log: &Arc<HandLog>,
    ) -> Result<Crew, PipelineError> {
        let (jobs, work) = bounded(WAITING * workers.len());
        let (report, reports) = bounded(workers.len());
        let mut go_on = Vec::new();
        for (number, worker) in workers.into_iter().enumerate() {
            let (go, told) = bounded(1);
            go_on.push(go);
            let desk = Desk {
                work: work.clone(),
                report: report.clone(),
                told,
            };
            let hand = WorkerHand {
                worker: number,
                log: log.clone(),
            };
            Builder::new()
                .name(format!("worker {number}"))
                .spawn_scoped(scope, move || work_off(worker, &hand, &desk))
                .map_err(|_| PipelineError::WorkerLost)?;
        }
        Ok(Crew {
            jobs,
            reports,
            go_on,
        })
    }

    /// Hands a chunk to the next worker that is free.
    pub(super) fn dispatch(&self, chunk: Chunk) -> Result<(), PipelineError> {
        // Nobody was asked: whoever reports has failed.
        if let Ok(Err(error)) = self.reports.try_recv() {
            return Err(error);
        }
        self.send(Job::Chunk(chunk))
    }

    /// Waits for every worker to finish its files.
    pub(super) fn gather(&self) -> Result<Sealed, PipelineError> {
        self.ask(|| Job::Seal)
    }

    /// Waits until no worker has anything in hand.
    pub(super) fn pause(&self) -> Result<(), PipelineError> {
        self.ask(|| Job::Pause).map(drop)
    }

    fn ask(&self, job: impl Fn() -> Job) -> Result<Sealed, PipelineError> {
        for _ in &self.go_on {
            self.send(job())?;
        }
        let mut all = Sealed::default();
        for _ in &self.go_on {
            all.merge(
                self.reports
                    .recv()
                    .map_err(|_| PipelineError::WorkerLost)??,
            );
        }
        for worker in &self.go_on {
            worker.send(()).map_err(|_| PipelineError::WorkerLost)?;
        }
        Ok(all)
    }

    fn send(&self, job: Job) -> Result<(), PipelineError> {
        self.jobs.send(job).map_err(|_| self.why_lost())
    }

    /// A worker that failed has said why before it ended.
    fn why_lost(&self) -> PipelineError {
        match self.reports.try_recv() {
            Ok(Err(error)) => error,
            Ok(Ok(_)) | Err(_) => PipelineError::WorkerLost,
        }
    }
}

/// What a worker has before it.
struct Desk {
    work: Receiver<Job>,
    report: Sender<Report>,
    told: Receiver<()>,
}

/// Tells the coordinator of a worker that panicked, which would wait for it otherwise.
struct Watched<'a>(&'a Sender<Report>);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.try_send(Err(PipelineError::WorkerLost));
        }
    }
}

fn work_off(mut worker: Worker, hand: &WorkerHand, desk: &Desk) {
    let _watched = Watched(&desk.report);
    for job in &desk.work {
        let report = match job {
            Job::Chunk(chunk) => match take(&mut worker, hand, &chunk) {
                Ok(()) => continue,
                Err(error) => Err(error),
            },
            Job::Pause => Ok(Sealed::default()),
            Job::Seal => worker.seal().map_err(PipelineError::from),
        };
        let failed = report.is_err();
        if desk.report.send(report).is_err() || failed || desk.told.recv().is_err() {
            return;
        }
    }
}

/// Reads a chunk. After a panic nothing that the worker holds is used again: the run ends, and the
/// message that did it is known.
fn take(worker: &mut Worker, hand: &WorkerHand, chunk: &Chunk) -> Result<(), PipelineError> {
    hand.begin(chunk)?;
    match catch_unwind(AssertUnwindSafe(|| worker.take(chunk, now()))) {
        Ok(taken) => taken?,
        Err(_) => {
            let offset = worker.in_hand();
            hand.panicked(chunk, offset)?;
            return Err(PipelineError::MessageCrashed {
                stream: chunk.lane.stream.to_string(),
                partition: chunk.lane.partition,
                offset,
            });
        }
    }
    Ok(hand.done()?)
}
