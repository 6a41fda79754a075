//! The quarantine of a running pipeline: judges the last run, keeps what is known, watches this.
//!
//! Owns the folder `_signloop` of the lake: `in_hand.log`, and `crashes.json`, which is replaced as
//! a whole and synced before anything follows from it. A broken `crashes.json` is forgotten with a
//! warning: it must never keep the stream from going on.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hand::{HandLog, LastRun, Line};
use super::{Care, Finding, Memory, Portion, Quarantined, Stored};
use crate::lake::LakeError;
use crate::lake::file::now_ms;
use crate::pipeline::PipelineError;
use crate::source::{Chunk, Form, Lane};

/// The folder in the lake; no reader of tables looks into names that begin so.
const FOLDER: &str = "_signloop";
const IN_HAND: &str = "in_hand.log";
const CRASHES: &str = "crashes.json";

/// What a start finds.
pub(in crate::pipeline) struct Found {
    folder: PathBuf,
    memory: Memory,
    last: LastRun,
}

impl Found {
    /// Reads what the last run left in this lake.
    pub(in crate::pipeline) fn read(lake: &Path) -> Result<Found, LakeError> {
        let folder = lake.join(FOLDER);
        if !folder.is_dir() {
            std::fs::create_dir(&folder)
                .and_then(|()| File::open(lake)?.sync_all())
                .map_err(|error| failed(&folder, error))?;
        }
        let log = read_if_there(&folder.join(IN_HAND))?;
        let path = folder.join(CRASHES);
        let known = read_if_there(&path)?;
        let memory = match serde_json::from_slice(&known) {
            Ok(memory) => memory,
            Err(_) if known.is_empty() => Memory::default(),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "what was known of crashes cannot be read and is forgotten");
                Memory::default()
            }
        };
        Ok(Found {
            folder,
            memory,
            last: LastRun::parse(&log),
        })
    }

    /// The lanes whose next offset decides.
    pub(in crate::pipeline) fn lanes(&self) -> Vec<Arc<str>> {
        let mut lanes: Vec<_> = self.memory.lanes().chain(self.last.lanes()).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes.into_iter().cloned().collect()
    }

    /// Judges the last run and begins a new one.
    pub(in crate::pipeline) fn judge(
        mut self,
        stored: &Stored,
        lanes: &[Arc<Lane>],
    ) -> Result<Quarantine, LakeError> {
        let before = self.memory.clone();
        let finding = self.memory.judge(&self.last, stored);
        if self.memory != before {
            save(&self.folder, &self.memory)?;
        }
        tell(&finding, lanes);
        let run = format!("{:x}-{:x}", now_ms(), std::process::id());
        Ok(Quarantine {
            hand: Arc::new(HandLog::create(&self.folder.join(IN_HAND), &run)?),
            folder: self.folder,
            memory: self.memory,
        })
    }
}

/// The quarantine of a running pipeline.
pub(in crate::pipeline) struct Quarantine {
    folder: PathBuf,
    memory: Memory,
    hand: Arc<HandLog>,
}

impl Quarantine {
    pub(in crate::pipeline) fn hand(&self) -> Arc<HandLog> {
        self.hand.clone()
    }

    /// Messages that are not to be read.
    pub(in crate::pipeline) fn quarantined(&self) -> Quarantined {
        self.memory.quarantined()
    }

    /// How a chunk is read. A table is one chunk, stored as a whole or not at all: its rows are not told apart.
    pub(in crate::pipeline) fn care_for(&self, chunk: &Chunk) -> Care {
        match (&chunk.form, chunk.messages.first()) {
            (Form::Json, Some((first, _))) => {
                self.memory
                    .care_for(&chunk.lane.app_id, *first, chunk.next_offset)
            }
            (Form::Json | Form::Row(_), _) => Care::None,
        }
    }

    /// How the messages of a chunk are portioned.
    pub(super) fn portions(&self, lane: &Lane, offsets: &[i64], care: Care) -> Vec<Portion> {
        self.memory.portions(&lane.app_id, offsets, care)
    }

    /// What is handed out from here on is suspect, and nothing else is in hand.
    pub(super) fn begin_part(&self) -> Result<(), LakeError> {
        self.hand.note(&Line::Careful)
    }

    /// The run was asked to end: who kills it now is impatient, not hit by a message.
    pub(in crate::pipeline) fn stopping(&self) -> Result<(), LakeError> {
        self.hand.note(&Line::Stopping)
    }

    /// Everything that was in hand is stored.
    pub(in crate::pipeline) fn committed(&mut self, stored: &Stored) -> Result<(), LakeError> {
        self.hand.clear()?;
        if self.memory.is_empty() {
            return Ok(());
        }
        if self.memory.forget(stored) {
            save(&self.folder, &self.memory)?;
            if self.memory.is_empty() {
                tracing::info!("what was suspect is stored; going on at full speed");
            }
        }
        Ok(())
    }

    /// The run ends; if no worker was lost, nothing is to be suspected.
    pub(in crate::pipeline) fn ended(&self, outcome: &Result<(), PipelineError>) {
        use PipelineError::{MessageCrashed, WorkerLost};
        if let Err(MessageCrashed { .. } | WorkerLost) = outcome {
            return;
        }
        if let Err(error) = self.hand.clear() {
            tracing::warn!(%error, "the next start will take this end for a crash");
        }
    }
}

fn tell(finding: &Finding, lanes: &[Arc<Lane>]) {
    match finding {
        Finding::Nothing => {}
        Finding::Suspects(Care::None | Care::Watch) => {
            tracing::warn!("the last run was killed or crashed while it wrote; trying again");
        }
        Finding::Suspects(Care::Messages) => tracing::warn!(
            "the last run was killed or crashed; what it had in hand is read message by message"
        ),
        Finding::Suspects(Care::Parts) => tracing::warn!(
            "the last run was killed or crashed while it wrote; what it had in hand is committed in small parts"
        ),
        Finding::Culprit(culprit) => {
            let lane = lanes.iter().find(|lane| lane.app_id == culprit.lane);
            let stream = lane.map_or(&*culprit.lane, |lane| &*lane.stream);
            let partition = lane.map_or(0, |lane| lane.partition);
            let (offset, crashes) = (culprit.offset, culprit.crashes);
            if culprit.is_quarantined() {
                tracing::error!(
                    stream = ?stream, partition, offset, crashes,
                    "a message has crashed the process too often: it is quarantined, its bytes go to the table rejects; please report it"
                );
            } else {
                tracing::warn!(
                    stream = ?stream, partition, offset, crashes,
                    "a message was alone in hand when the process died; it is tried again"
                );
            }
        }
    }
}

/// Replaces the file as a whole: after a power cut it is the old one or the new one.
fn save(folder: &Path, memory: &Memory) -> Result<(), LakeError> {
    let (path, new) = (folder.join(CRASHES), folder.join("crashes.json.new"));
    let text = serde_json::to_vec_pretty(memory).expect("what is remembered is texts and numbers");
    let mut file = File::create(&new).map_err(|error| failed(&new, error))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(|error| failed(&new, error))?;
    std::fs::rename(&new, &path)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| failed(&path, error))
}

fn read_if_there(path: &Path) -> Result<Vec<u8>, LakeError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(path, error)),
    }
}

fn failed(path: &Path, error: std::io::Error) -> LakeError {
    LakeError::Io(path.display().to_string(), error)
}
