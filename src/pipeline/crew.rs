//! The workers of a running pipeline: chunks go out to them, sealed work comes back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, Scope};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::quarantine::hand::{HandLog, WorkerHand};
use super::worker::{Sealed, Worker};
use super::{PipelineError, now};
use crate::source::Chunk;

/// Chunks waiting at one worker, up to about 1 MiB each: work enough for the time a commit takes.
const WORKER_QUEUE: usize = 8;

enum Job {
    Chunk(Chunk),
    Pause,
    Seal,
}

/// The workers, each with a queue of its own. They end when the crew is dropped.
pub(super) struct Crew {
    jobs: Vec<Sender<Job>>,
    sealed: Receiver<Result<Sealed, PipelineError>>,
}

impl Crew {
    /// Starts one thread for each worker.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        workers: Vec<Worker>,
        log: &Arc<HandLog>,
    ) -> Result<Crew, PipelineError> {
        let (report, sealed) = bounded(workers.len());
        let mut crew = Crew {
            jobs: Vec::new(),
            sealed,
        };
        for (number, worker) in workers.into_iter().enumerate() {
            let (jobs, work) = bounded(WORKER_QUEUE);
            let report = report.clone();
            let hand = WorkerHand {
                worker: number,
                log: log.clone(),
            };
            Builder::new()
                .name(format!("worker {number}"))
                .spawn_scoped(scope, move || work_off(worker, &hand, &work, &report))
                .map_err(|_| PipelineError::WorkerLost)?;
            crew.jobs.push(jobs);
        }
        Ok(crew)
    }

    /// Hands a chunk to the worker with the least to do.
    pub(super) fn dispatch(&self, chunk: Chunk) -> Result<(), PipelineError> {
        let idlest = self.jobs.iter().min_by_key(|jobs| jobs.len());
        let sent = idlest
            .ok_or(PipelineError::WorkerLost)?
            .send(Job::Chunk(chunk));
        sent.map_err(|_| self.why_lost())
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
        for jobs in &self.jobs {
            jobs.send(job()).map_err(|_| self.why_lost())?;
        }
        let mut all = Sealed::default();
        for _ in &self.jobs {
            all.merge(
                self.sealed
                    .recv()
                    .map_err(|_| PipelineError::WorkerLost)??,
            );
        }
        Ok(all)
    }

    /// A worker that failed has said why before it ended.
    fn why_lost(&self) -> PipelineError {
        match self.sealed.try_recv() {
            Ok(Err(error)) => error,
            Ok(Ok(_)) | Err(_) => PipelineError::WorkerLost,
        }
    }
}

/// Tells the coordinator of a worker that panicked, which would wait for it otherwise.
struct Watched<'a>(&'a Sender<Result<Sealed, PipelineError>>);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.try_send(Err(PipelineError::WorkerLost));
        }
    }
}

fn work_off(
    mut worker: Worker,
    hand: &WorkerHand,
    work: &Receiver<Job>,
    report: &Sender<Result<Sealed, PipelineError>>,
) {
    let _watched = Watched(report);
    for job in work {
        let result = match job {
            Job::Chunk(chunk) => take(&mut worker, hand, &chunk).map(|()| None),
            Job::Pause => Ok(Some(Sealed::default())),
            Job::Seal => worker.seal().map(Some).map_err(PipelineError::from),
        };
        let sent = match result {
            Ok(None) => continue,
            Ok(Some(sealed)) => report.send(Ok(sealed)),
            Err(error) => {
                let _ = report.send(Err(error));
                return;
            }
        };
        if sent.is_err() {
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
