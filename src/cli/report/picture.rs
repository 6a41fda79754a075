//! The picture of a lake at one moment: batches, loops and the texts about causes.
//!
//! Reads; decides nothing but who counts as stuck. Closed and suspected loops are in it too, since
//! the reports name how many there are.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::cli::{Failure, Format, output, service};
use crate::domain::causes::texts::CauseTexts;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::{Ending, Kind, Verdict};
use crate::domain::loops::{HOUR, MINUTE};
use crate::lake::LakeError;
use crate::lake::history;
use crate::lake::sql::Session;
use crate::pipeline::Clock;

/// Within this time of its cutover a mailbox is to be reconfigured.
pub(crate) const OBJECTIVE: i64 = 4 * HOUR;
/// Share of the mailboxes of a batch for which that is to hold.
pub(crate) const OBJECTIVE_SHARE: f64 = 0.98;

/// Mailboxes as imported, each once.
const MOVES: &str = "SELECT count(*) AS counted FROM (SELECT DISTINCT mailbox FROM mailboxes) AS m";

/// What the health of a batch is read from: the view, and what the view has no room for.
fn health_sql() -> String {
    format!(
        "SELECT h.*, o.within_objective, o.first_cutover, o.last_cutover FROM batch_health h JOIN (\
         SELECT batch, sum(CASE WHEN state = 'reconfigured' AND minutes_to_reconfigure <= {} THEN 1 ELSE 0 END) AS within_objective, \
         CAST(min(cutover_at) AS BIGINT) AS first_cutover, CAST(max(cutover_at) AS BIGINT) AS last_cutover \
         FROM mailbox_states_latest GROUP BY batch) o ON h.batch = o.batch ORDER BY o.first_cutover, h.batch",
        OBJECTIVE / MINUTE
    )
}

/// How a batch is doing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Health {
    /// Its name.
    pub batch: String,
    /// Mailboxes that were cut over.
    pub migrated: i64,
    /// Mailboxes by state.
    pub reconfigured: i64,
    pub looping: i64,
    pub silent: i64,
    pub inactive: i64,
    pub pending: i64,
    /// Minutes within which half and 95 % of the reconfigured ones were done.
    pub p50_minutes: Option<i64>,
    pub p95_minutes: Option<i64>,
    /// Reconfigured within the objective's time.
    pub within_objective: i64,
    /// Cutovers of its first and last mailbox, UTC microseconds.
    pub first_cutover: i64,
    pub last_cutover: i64,
}

/// Whether the objective holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objective {
    /// Enough mailboxes were in time.
    Met,
    /// Too few were.
    Missed,
    /// Too few so far, and there is time left.
    Open,
}

impl Objective {
    /// The stable name.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Objective::Met => "met",
            Objective::Missed => "missed",
            Objective::Open => "open",
        }
    }
}

impl Health {
    /// Whether the objective holds at `now`, which is event time.
    #[must_use]
    pub(crate) fn objective(&self, now: i64) -> Objective {
        if self.within_objective as f64 >= OBJECTIVE_SHARE * self.migrated as f64 {
            Objective::Met
        } else if now < self.last_cutover + OBJECTIVE {
            Objective::Open
        } else {
            Objective::Missed
        }
    }
}

/// What a lake says.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// Newest event time, UTC microseconds; none while there is no sign-in.
    pub now: Option<i64>,
    /// Rows of `sign_ins`.
    pub sign_ins: u64,
    /// Mailboxes whose moves were imported.
    pub moves: u64,
    /// Batches in order of cutover.
    pub batches: Vec<Health>,
    /// The newest revision of every loop.
    pub loops: Vec<LoopRow>,
    /// Titles and reasons of causes.
    pub texts: CauseTexts,
}

impl Picture {
    /// Reads a lake.
    pub(crate) fn read(lake: &Path) -> Result<Picture, Failure> {
        let runtime = service::runtime()?;
        runtime.block_on(async {
            let session = Session::open(lake).await?;
            let mut loops = history::newest_loops(&session).await?;
            loops.retain(|row| !row.is_retraction());
            Ok(Picture {
                now: as_of(&session).await?,
                sign_ins: count(&session).await?,
                moves: counted(&session, MOVES).await?,
                batches: rows(&session, &health_sql()).await?,
                loops,
                texts: texts(),
            })
        })
    }

    /// Newest event time, for what is compared with it.
    #[must_use]
    pub(crate) fn instant(&self) -> i64 {
        self.now.unwrap_or(0)
    }

    /// Open loops that a migration explains.
    pub(crate) fn stuck(&self) -> impl Iterator<Item = &LoopRow> {
        self.loops
            .iter()
            .filter(|row| is_stuck(row) && row.kind != Kind::Unrelated)
    }

    /// Open loops that no migration explains.
    pub(crate) fn unrelated(&self) -> impl Iterator<Item = &LoopRow> {
        self.loops
            .iter()
            .filter(|row| is_stuck(row) && row.kind == Kind::Unrelated)
    }

    /// Loops that look like an attack, ended or not.
    pub(crate) fn attacks(&self) -> impl Iterator<Item = &LoopRow> {
        self.loops
            .iter()
            .filter(|row| row.verdict == Verdict::AttackSuspected)
    }

    /// People whose loops a migration explains and who are out of all of them.
    #[must_use]
    pub(crate) fn recovered(&self, batch: &str) -> usize {
        let of_batch = |row: &&LoopRow| {
            row.batch.as_deref() == Some(batch)
                && row.kind != Kind::Unrelated
                && row.verdict != Verdict::AttackSuspected
        };
        let stuck: BTreeSet<_> = self.stuck().map(LoopRow::user_id).collect();
        let recovered = self
            .loops
            .iter()
            .filter(of_batch)
            .filter(|row| row.ending == Some(Ending::Recovered));
        recovered
            .map(LoopRow::user_id)
            .filter(|user| !stuck.contains(user))
            .collect::<BTreeSet<_>>()
            .len()
    }
}

/// Open, and no attack.
#[must_use]
pub(crate) fn is_stuck(row: &LoopRow) -> bool {
    row.is_open() && row.verdict != Verdict::AttackSuspected
}

/// How many people these loops are of.
#[must_use]
pub(crate) fn people<'a>(loops: impl Iterator<Item = &'a LoopRow>) -> usize {
    loops.map(LoopRow::user_id).collect::<BTreeSet<_>>().len()
}

/// The texts compiled in.
#[must_use]
pub(crate) fn texts() -> CauseTexts {
    CauseTexts::parse(include_str!("../../../schemas/causes.toml"))
        .expect("causes.toml is a table of causes")
}

/// Rows of `sign_ins`.
pub(crate) async fn count(session: &Session) -> Result<u64, LakeError> {
    counted(session, "SELECT count(*) AS counted FROM sign_ins").await
}

/// Whether any sign-in is of somebody with this in the sign-in name, without regard to case.
pub(crate) fn has_sign_ins_of(lake: &Path, name: &str) -> Result<bool, Failure> {
    let name = name.to_lowercase().replace('\'', "''");
    let sql = format!(
        "SELECT count(*) AS counted FROM sign_ins WHERE strpos(lower(user_principal_name), '{name}') > 0"
    );
    let runtime = service::runtime()?;
    runtime.block_on(async { Ok(counted(&Session::open(lake).await?, &sql).await? > 0) })
}

/// The number that a query counts.
async fn counted(session: &Session, sql: &str) -> Result<u64, LakeError> {
    #[derive(Deserialize)]
    struct Counted {
        counted: u64,
    }
    let rows: Vec<Counted> = rows(session, sql).await?;
    Ok(rows.first().map_or(0, |row| row.counted))
}

/// The rows of a query as values.
async fn rows<T: for<'de> Deserialize<'de>>(
    session: &Session,
    sql: &str,
) -> Result<Vec<T>, LakeError> {
    let (schema, batches) = session.query(sql).await?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(Vec::new());
    }
    let mut json = Vec::new();
    let written = output::write(&mut json, Format::Json, &schema, &batches);
    written.map_err(|failure| LakeError::Query(failure.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| {
        LakeError::Query(format!("a view has other columns than expected: {error}"))
    })
}

/// How far event time has come: by this machine's clock, or whatever the lake holds when all of it lies
/// ahead of the clock, as a made-up tenant may.
async fn as_of(session: &Session) -> Result<Option<i64>, LakeError> {
    let known = history::watermark(session, Clock::Real.latest()).await?;
    match known {
        Some(known) => Ok(Some(known)),
        None => history::watermark(session, Clock::Simulated.latest()).await,
    }
}
