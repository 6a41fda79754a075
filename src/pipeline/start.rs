//! From a lake to a running pipeline: what is stored, what was left half done, what the detector knew.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::dedupe::{DayFiles, Dedupe};
use super::findings::Findings;
use super::gauges;
use super::quarantine::watch::{Found, Quarantine};
use super::worker::Replayed;
use super::{Clock, Pipeline, Settings, Summary};
use crate::domain::causes::texts::CauseTexts;
use crate::domain::decode::time::HOUR;
use crate::domain::detector::{Detector, DetectorSettings};
use crate::domain::knowledge::Knowledge;
use crate::domain::migration::MigrationIndex;
use crate::lake::sql::Session;
use crate::lake::{Lake, LakeError, Receipt, history, open_mailboxes};
use crate::metrics::Metrics;
use crate::serve::Health;
use crate::source::Lane;

/// What the parts of the program share.
#[derive(Clone)]
pub struct Shared {
    /// Counts and gauges.
    pub metrics: Arc<Metrics>,
    /// Whether the pipeline is alive.
    pub health: Arc<Health>,
    /// Where asynchronous work runs.
    pub runtime: tokio::runtime::Handle,
}

/// What the last run left, for the one that goes on.
pub struct Resumed {
    pub(super) replayed: Replayed,
    pub(super) quarantine: Quarantine,
}

impl Pipeline {
    /// Opens the lake and brings the detector to where it was.
    pub async fn start(
        root: &Path,
        settings: Settings,
        shared: Shared,
        receipts: Option<Sender<Receipt>>,
    ) -> Result<Pipeline, LakeError> {
        let lake = Lake::open(root).await?;
        let dedupe = Arc::new(Dedupe::new(files_by_date(&lake)?));
        let findings = findings(&lake, settings.clock).await?;
        gauges::show_findings(&shared.metrics, &findings.detector);
        shared.metrics.know_topic(&settings.topic);
        Ok(Pipeline {
            lake,
            settings,
            metrics: shared.metrics,
            health: shared.health,
            runtime: shared.runtime,
            dedupe,
            findings,
            summary: Summary::default(),
            spans: BTreeMap::new(),
            stored: BTreeMap::new(),
            bytes: 0,
            receipts,
            quarantine: None,
        })
    }

    /// Where each of these lanes goes on, which rejects a killed run has left ahead of it, and what
    /// it had in hand.
    pub async fn resume(
        &mut self,
        lanes: &[Arc<Lane>],
    ) -> Result<(Vec<Option<i64>>, Resumed), LakeError> {
        let mut next = Vec::new();
        let mut replayed = Replayed::new();
        for lane in lanes {
            let stored = self.lake.sign_ins.offset(&lane.app_id).await?;
            if let Some(stored) = stored {
                self.stored.insert(lane.app_id.clone(), stored);
            }
            next.push(stored);
            let from = stored.unwrap_or(0);
            let ahead = self.lake.rejects.offset(&lane.app_id).await?;
            if ahead.is_some_and(|ahead| ahead > from) {
                let session = Session::open(self.lake.root()).await?;
                let origins = history::rejects_since(&session, lane, from).await?;
                replayed.insert(lane.app_id.clone(), origins);
            }
        }
        let resumed = Resumed {
            replayed,
            quarantine: self.judge_last_run(lanes).await?,
        };
        Ok((next, resumed))
    }

    /// Lanes of the last run that are not read now have an offset all the same.
    async fn judge_last_run(&self, lanes: &[Arc<Lane>]) -> Result<Quarantine, LakeError> {
        let found = Found::read(self.lake.root())?;
        let mut stored = self.stored.clone();
        for lane in found.lanes() {
            if let Some(offset) = self.lake.sign_ins.offset(&lane).await? {
                stored.insert(lane, offset);
            }
        }
        found.judge(&stored, lanes)
    }
}

/// Days since 1970 of a partition's value `YYYY-MM-DD`.
pub(super) fn partition_date(value: &str) -> Option<i32> {
    let day: jiff::civil::Date = value.parse().ok()?;
    let days = day.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days();
    Some(days)
}

fn files_by_date(lake: &Lake) -> Result<HashMap<i32, DayFiles>, LakeError> {
    let mut files: HashMap<i32, DayFiles> = HashMap::new();
    for path in lake.sign_ins.live_paths()? {
        if let Some(date) = date_of(&path) {
            files.entry(date).or_default().sign_ins.push(path);
        }
    }
    for path in lake.revisions.live_paths()? {
        if let Some(date) = date_of(&path) {
            files.entry(date).or_default().revisions.push(path);
        }
    }
    Ok(files)
}

/// The date of a file's partition, from its folder `event_date=YYYY-MM-DD`.
fn date_of(path: &Path) -> Option<i32> {
    let folder = path.parent()?.file_name()?.to_str()?;
    partition_date(folder.strip_prefix("event_date=")?)
}

/// A detector with the tables compiled in.
#[must_use]
pub fn detector(knowledge: &'static Knowledge) -> Detector {
    let texts = CauseTexts::parse(include_str!("../../schemas/causes.toml"))
        .expect("causes.toml is a table of causes");
    let mut settings = DetectorSettings {
        texts: Arc::new(texts),
        ..DetectorSettings::default()
    };
    settings.loops.recovered_by = knowledge
        .recovered_by()
        .iter()
        .map(|(group, channels)| (*group, channels.clone()))
        .collect();
    Detector::new(settings)
}

async fn findings(lake: &Lake, clock: Clock) -> Result<Findings, LakeError> {
    let knowledge = Knowledge::builtin();
    let mut detector = detector(knowledge);
    let mut sequence = 0;
    if !lake.is_empty() {
        sequence = recall(&mut detector, lake.root(), clock.latest()).await?;
    }
    let (loops, states) = lake.finding_files();
    Ok(Findings {
        detector,
        loops,
        states,
        sequence,
        mailboxes: open_mailboxes(lake.root()).await?,
        index: Arc::new(MigrationIndex::new([])),
        known_version: None,
        lake: lake.root().to_path_buf(),
        clock,
    })
}

/// Brings the detector to where the lake is; the greatest sequence number of a mailbox state.
async fn recall(detector: &mut Detector, lake: &Path, latest: i64) -> Result<i64, LakeError> {
    let knowledge = Knowledge::builtin();
    let session = Session::open(lake).await?;
    let (states, sequence) = history::newest_mailbox_states(&session).await?;
    detector.seed_emitted(history::newest_loops(&session).await?, states);
    if let Some(watermark) = history::watermark(&session, latest).await? {
        detector.advance(watermark);
        let from = detector.replay_from(watermark);
        history::replay(&session, from, |facts| {
            let plausible = facts.event_time <= latest.saturating_add(HOUR);
            if let Some(signal) = facts.signal(knowledge).filter(|_| plausible) {
                detector.observe(&signal);
            }
        })
        .await?;
    }
    Ok(sequence)
}
