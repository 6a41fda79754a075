//! Whether the pipeline lives and whether it is at work.
//!
//! The pipeline's thread reports, the HTTP server asks. Healthy: the thread beats and has not failed.
//! Ready: healthy, the source is assigned and the loop of commits runs. An answer that is no is a
//! sentence that says why.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest pause between two beats: several times the slowest commit that is still good.
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// What the pipeline's thread last said.
#[derive(Debug)]
pub struct Health {
    said: Mutex<Said>,
}

#[derive(Debug)]
struct Said {
    last_beat: Instant,
    source_assigned: bool,
    committing: bool,
    failure: Option<String>,
}

impl Health {
    /// Before the thread has said anything; it gets one pause to start.
    #[must_use]
    pub fn new() -> Health {
        let said = Said {
            last_beat: Instant::now(),
            source_assigned: false,
            committing: false,
            failure: None,
        };
        Health {
            said: Mutex::new(said),
        }
    }

    /// The thread lives. To be said in every turn of its loop, idle or not.
    pub fn beat(&self) {
        self.said().last_beat = Instant::now();
    }

    /// The source knows its partitions or files.
    pub fn source_assigned(&self) {
        self.said().source_assigned = true;
    }

    /// The loop that gathers and commits has been entered.
    pub fn committing(&self) {
        self.said().committing = true;
    }

    /// The thread ended, and why. The first reason stays: what follows is usually its consequence.
    pub fn failed(&self, why: impl Into<String>) {
        self.said().failure.get_or_insert(why.into());
    }

    /// Whether the thread lives, or why it is thought not to.
    pub fn healthy(&self) -> Result<(), String> {
        self.healthy_at(Instant::now())
    }

    /// Whether it is at work, or what it waits for.
    pub fn ready(&self) -> Result<(), String> {
        self.healthy()?;
        let said = self.said();
        if !said.source_assigned {
            return Err("waiting for the source: no partition or file is assigned yet".to_owned());
        }
        if !said.committing {
            return Err("waiting for the pipeline to take up its commits".to_owned());
        }
        Ok(())
    }

    fn healthy_at(&self, now: Instant) -> Result<(), String> {
        let said = self.said();
        if let Some(why) = &said.failure {
            return Err(format!("the pipeline failed: {why}"));
        }
        let pause = now.saturating_duration_since(said.last_beat);
        if pause > PAUSE_MAX {
            let seconds = pause.as_secs();
            return Err(format!(
                "the pipeline has shown no sign of life for {seconds} s"
            ));
        }
        Ok(())
    }

    /// Every field is set in one step, so a panic elsewhere leaves nothing half said.
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Health {
    fn default() -> Health {
        Health::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_once_the_source_is_assigned_and_commits_run() {
        let health = Health::new();
        assert_eq!(health.healthy(), Ok(()));
        assert!(
            health
                .ready()
                .unwrap_err()
                .contains("waiting for the source")
        );
        health.source_assigned();
        assert!(health.ready().unwrap_err().contains("take up its commits"));
        health.committing();
        assert_eq!(health.ready(), Ok(()));
    }

    #[test]
    fn a_failure_stays_whatever_beats_after_it() {
        let health = Health::new();
        health.source_assigned();
        health.committing();
        health.failed("the disk is full");
        health.failed("the channel is closed");
        health.beat();
        let why = Err("the pipeline failed: the disk is full".to_owned());
        assert_eq!((health.healthy(), health.ready()), (why.clone(), why));
    }

    #[test]
    fn a_thread_that_stops_beating_is_not_healthy() {
        let health = Health::new();
        health.beat();
        let beaten = health.said().last_beat;
        assert_eq!(health.healthy_at(beaten + PAUSE_MAX), Ok(()));
        let why = health
            .healthy_at(beaten + PAUSE_MAX + Duration::from_secs(5))
            .unwrap_err();
        assert_eq!(why, "the pipeline has shown no sign of life for 125 s");
    }
}
