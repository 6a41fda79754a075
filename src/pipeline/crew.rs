//! The workers of a running pipeline: chunks go out to them, sealed work comes back.

use std::thread::{Builder, Scope};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::worker::{Sealed, Worker};
use super::{PipelineError, now};
use crate::source::Chunk;

/// Chunks waiting at one worker, up to about 1 MiB each: work enough for the time a commit takes.
const WORKER_QUEUE: usize = 8;

enum Job {
    Chunk(Chunk),
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
    ) -> Result<Crew, PipelineError> {
        let (report, sealed) = bounded(workers.len());
        let mut crew = Crew {
            jobs: Vec::new(),
            sealed,
        };
        for (number, worker) in workers.into_iter().enumerate() {
            let (jobs, work) = bounded(WORKER_QUEUE);
            let report = report.clone();
            Builder::new()
                .name(format!("worker {number}"))
                .spawn_scoped(scope, move || work_off(worker, &work, &report))
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
        for jobs in &self.jobs {
            jobs.send(Job::Seal).map_err(|_| self.why_lost())?;
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
    work: &Receiver<Job>,
    report: &Sender<Result<Sealed, PipelineError>>,
) {
    let _watched = Watched(report);
    for job in work {
        let result = match job {
            Job::Chunk(chunk) => worker.take(&chunk, now()).map(|()| None),
            Job::Seal => worker.seal().map(Some),
        };
        let sent = match result {
            Ok(None) => continue,
            Ok(Some(sealed)) => report.send(Ok(sealed)),
            Err(error) => {
                let _ = report.send(Err(error.into()));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
