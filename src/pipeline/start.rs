//! From a lake to a running pipeline: what is stored, what was left half done, what the detector knew.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::dedupe::Dedupe;
use super::findings::Findings;
use super::gauges;
use super::worker::{Ahead, Replayed};
use super::{Pipeline, Settings, Summary};
use crate::domain::causes::texts::CauseTexts;
use crate::domain::detector::{Detector, DetectorSettings};
use crate::domain::knowledge::Knowledge;
use crate::domain::migration::MigrationIndex;
use crate::lake::sql::Session;
use crate::lake::{Lake, LakeError, Receipt, history, names, open_mailboxes};
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
        let findings = findings(&lake).await?;
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
        })
    }

    /// Where each of these lanes goes on, and what a killed run has left ahead of it.
    pub async fn resume(
        &mut self,
        lanes: &[Arc<Lane>],
    ) -> Result<(Vec<Option<i64>>, Replayed), LakeError> {
        let mut next = Vec::new();
        let mut replayed = Replayed::new();
        let mut session = None;
        for lane in lanes {
            let stored = self.lake.sign_ins.offset(&lane.app_id).await?;
            if let Some(stored) = stored {
                self.stored.insert(lane.app_id.clone(), stored);
            }
            next.push(stored);
            for (table, name, ahead) in [
                (
                    &self.lake.revisions,
                    names::SIGN_IN_REVISIONS,
                    Ahead::Revisions,
                ),
                (&self.lake.rejects, names::REJECTS, Ahead::Rejects),
            ] {
                let from = stored.unwrap_or(0);
                if table
                    .offset(&lane.app_id)
                    .await?
                    .is_none_or(|offset| offset <= from)
                {
                    continue;
                }
                if session.is_none() {
                    session = Some(Session::open(self.lake.root()).await?);
                }
                let Some(session) = &session else { continue };
                let origins =
                    history::origins_since(session, name, &lane.stream, lane.partition, from)
                        .await?;
                let rows = replayed.entry(lane.app_id.clone()).or_default();
                rows.extend(
                    origins
                        .into_iter()
                        .map(|(offset, index)| (ahead, offset, index)),
                );
            }
        }
        Ok((next, replayed))
    }
}

/// Days since 1970 of a partition's value `YYYY-MM-DD`.
pub(super) fn partition_date(value: &str) -> Option<i32> {
    let day: jiff::civil::Date = value.parse().ok()?;
    let days = day.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days();
    Some(days)
}

fn files_by_date(lake: &Lake) -> Result<HashMap<i32, Vec<PathBuf>>, LakeError> {
    let mut files: HashMap<i32, Vec<PathBuf>> = HashMap::new();
    for path in lake.sign_ins.live_paths()? {
        let folder = path
            .parent()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned());
        let date = folder
            .as_deref()
            .and_then(|name| name.strip_prefix("event_date="))
            .and_then(partition_date);
        if let Some(date) = date {
            files.entry(date).or_default().push(path);
        }
    }
    Ok(files)
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

async fn findings(lake: &Lake) -> Result<Findings, LakeError> {
    let knowledge = Knowledge::builtin();
    let mut detector = detector(knowledge);
    let mut sequence = 0;
    if !lake.is_empty() {
        sequence = recall(&mut detector, lake.root(), knowledge).await?;
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
    })
}

/// Brings the detector to where the lake is; the greatest sequence number of a mailbox state.
async fn recall(
    detector: &mut Detector,
    lake: &Path,
    knowledge: &'static Knowledge,
) -> Result<i64, LakeError> {
    let session = Session::open(lake).await?;
    let (states, sequence) = history::newest_mailbox_states(&session).await?;
    detector.seed_emitted(history::newest_loops(&session).await?, states);
    if let Some(watermark) = history::watermark(&session).await? {
        detector.advance(watermark);
        let from = detector.replay_from(watermark);
        history::replay(&session, from, |facts| {
            if let Some(signal) = facts.signal(knowledge) {
                detector.observe(&signal);
            }
        })
        .await?;
    }
    Ok(sequence)
}
