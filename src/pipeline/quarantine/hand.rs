//! The log of what is in hand: a line for each chunk that a worker begins, emptied by every commit.
//!
//! What is written stays when the process dies, however it dies, so no line waits for the disk. A
//! power cut may take lines: then less is suspected, never more. One write a line, so that lines of
//! several workers do not mix.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Care, Stored, Stretch};
use crate::lake::LakeError;
use crate::source::Chunk;

/// One thing that happened to what is in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: which run this is.
    Run(String),
    /// From here on only what is suspect is read, by one worker after the other.
    Careful,
    /// A worker began that many messages.
    Begun(usize, usize, Stretch),
    /// It has finished what it began.
    Done(usize),
    /// The message at this offset made its worker panic.
    Panicked(Arc<str>, i64),
    /// Somebody asked the run to end.
    Stopping,
}

/// The log of a run that is over.
#[derive(Debug, Default)]
pub(super) struct LastRun {
    /// Its name, empty if nothing can be said of it.
    pub(super) run: String,
    pub(super) lines: Vec<Line>,
    /// No line is broken.
    pub(super) whole: bool,
}

impl LastRun {
    /// Reads a log; lines that are broken are left out.
    pub(super) fn parse(log: &[u8]) -> LastRun {
        let texts = log.split_inclusive(|byte| *byte == b'\n');
        let mut last = LastRun {
            whole: log.ends_with(b"\n"),
            ..LastRun::default()
        };
        for text in texts {
            match serde_json::from_slice(text) {
                Ok(Line::Run(run)) => last.run = run,
                Ok(line) => last.lines.push(line),
                Err(_) => last.whole = false,
            }
        }
        last
    }

    /// Lanes of which something was in hand.
    pub(super) fn lanes(&self) -> impl Iterator<Item = &Arc<str>> {
        self.lines.iter().filter_map(|line| match line {
            Line::Begun(_, _, stretch) => Some(&stretch.lane),
            Line::Panicked(lane, _) => Some(lane),
            Line::Run(_) | Line::Careful | Line::Done(_) | Line::Stopping => None,
        })
    }
}

/// What a run had in hand when it ended, without what was stored after all.
pub(super) struct Hand {
    /// Everything that was read since the last commit.
    pub(super) read: Vec<Stretch>,
    /// What the workers had not finished.
    pub(super) open: Vec<Stretch>,
    /// That is one message.
    open_is_one: bool,
    /// Nothing but what was suspect was read.
    pub(super) careful: bool,
    /// Everything that was read is one message.
    is_one: bool,
    /// Whoever ended it had asked it to stop before.
    pub(super) stopping: bool,
    /// Nothing is missing at the end of the log.
    whole: bool,
    panicked: Option<(Arc<str>, i64)>,
}

impl Hand {
    pub(super) fn of(last: &LastRun, stored: &Stored) -> Hand {
        let is_ahead = |lane: &Arc<str>, last: i64| stored.get(lane).is_none_or(|at| last >= *at);
        let (mut read, mut open) = (Vec::new(), BTreeMap::new());
        let mut messages = 0;
        for line in &last.lines {
            match line {
                Line::Begun(worker, count, it) if is_ahead(&it.lane, it.to - 1) => {
                    messages += count;
                    read.push(it.clone());
                    open.insert(*worker, (*count, it.clone()));
                }
                Line::Done(worker) => drop(open.remove(worker)),
                _ => {}
            }
        }
        let mut panics = last.lines.iter().filter_map(|line| match line {
            Line::Panicked(lane, offset) if is_ahead(lane, *offset) => {
                Some((lane.clone(), *offset))
            }
            _ => None,
        });
        Hand {
            read,
            open_is_one: open.len() == 1 && open.values().all(|(count, _)| *count == 1),
            open: open.into_values().map(|(_, it)| it).collect(),
            careful: last.lines.contains(&Line::Careful),
            stopping: last.lines.contains(&Line::Stopping),
            is_one: messages == 1,
            whole: last.whole,
            panicked: panics.next(),
        }
    }

    /// The one message that can have been it.
    pub(super) fn culprit(&self, care: Care) -> Option<(Arc<str>, i64)> {
        if self.panicked.is_some() {
            return self.panicked.clone();
        }
        if !self.careful || !self.whole || self.stopping {
            return None;
        }
        let alone = match care {
            Care::Parts => self.read.first().filter(|_| self.is_one),
            Care::None | Care::Watch | Care::Messages => {
                self.open.first().filter(|_| self.open_is_one)
            }
        };
        alone.map(|it| (it.lane.clone(), it.from))
    }
}

/// The log of the run that goes on.
pub(in crate::pipeline) struct HandLog {
    file: File,
    path: PathBuf,
    /// Length of the first line, which stays.
    first_line: u64,
}

impl HandLog {
    /// A new log in the place of the last one.
    pub(super) fn create(path: &Path, run: &str) -> Result<HandLog, LakeError> {
        let failed = |error| LakeError::Io(path.display().to_string(), error);
        // Emptied first: appending alone keeps lines of several threads apart.
        File::create(path).map_err(failed)?;
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        let mut log = HandLog {
            file,
            path: path.to_path_buf(),
            first_line: 0,
        };
        log.note(&Line::Run(run.to_owned()))?;
        log.first_line = log.file.metadata().map_err(failed)?.len();
        Ok(log)
    }

    pub(super) fn note(&self, line: &Line) -> Result<(), LakeError> {
        let mut text = serde_json::to_vec(line).expect("a line is texts and numbers");
        text.push(b'\n');
        (&self.file)
            .write_all(&text)
            .map_err(|error| LakeError::Io(self.path.display().to_string(), error))
    }

    /// Nothing is in hand any more.
    pub(super) fn clear(&self) -> Result<(), LakeError> {
        self.file
            .set_len(self.first_line)
            .map_err(|error| LakeError::Io(self.path.display().to_string(), error))
    }
}

/// One worker's hand.
pub(in crate::pipeline) struct WorkerHand {
    pub(in crate::pipeline) worker: usize,
    pub(in crate::pipeline) log: Arc<HandLog>,
}

impl WorkerHand {
    /// The worker begins a chunk.
    pub(in crate::pipeline) fn begin(&self, chunk: &Chunk) -> Result<(), LakeError> {
        let Some((first, _)) = chunk.messages.first() else {
            return Ok(());
        };
        let stretch = Stretch {
            lane: chunk.lane.app_id.clone(),
            from: *first,
            to: chunk.next_offset,
        };
        self.log
            .note(&Line::Begun(self.worker, chunk.messages.len(), stretch))
    }

    /// It has done so.
    pub(in crate::pipeline) fn done(&self) -> Result<(), LakeError> {
        self.log.note(&Line::Done(self.worker))
    }

    /// It panicked at this message.
    pub(in crate::pipeline) fn panicked(&self, chunk: &Chunk, at: i64) -> Result<(), LakeError> {
        self.log
            .note(&Line::Panicked(chunk.lane.app_id.clone(), at))
    }
}
