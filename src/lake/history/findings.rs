//! Findings and migration facts as the lake holds them.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};

use super::rows::{Rows, long_at, owned, text_at, time_at, unreadable};
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::{Ending, Kind, LoopState, Pattern, Phase, Verdict};
use crate::domain::mailbox::{MailboxState, MailboxStateRow};
use crate::domain::migration::{Mailbox, UserKey};
use crate::domain::sign_in::Protocol;
use crate::domain::signal::parse_guid;
use crate::lake::LakeError;
use crate::lake::sql::Session;

/// The newest revision of every loop, taken back or not.
pub async fn newest_loops(session: &Session) -> Result<Vec<LoopRow>, LakeError> {
    let sql = "SELECT l.* FROM loops l JOIN (SELECT loop_id, max(revision) AS revision FROM loops GROUP BY loop_id) n \
               ON l.loop_id = n.loop_id AND l.revision = n.revision";
    let (_, batches) = session.query(sql).await?;
    let mut loops = Vec::new();
    for batch in batches {
        read_loops(&Rows(batch), &mut loops)?;
    }
    Ok(loops)
}

/// The loops of a query over `loops_latest`.
pub fn loops_of(batches: Vec<RecordBatch>) -> Result<Vec<LoopRow>, LakeError> {
    let mut loops = Vec::new();
    for batch in batches {
        read_loops(&Rows(batch), &mut loops)?;
    }
    Ok(loops)
}

fn read_loops(rows: &Rows, loops: &mut Vec<LoopRow>) -> Result<(), LakeError> {
    let names = [
        "loop_id",
        "tenant_id",
        "user_id",
        "user_principal_name",
        "client_group",
        "protocol",
        "client_family",
        "pattern",
        "kind",
        "verdict",
        "batch",
        "phase",
        "cause",
        "evidence",
        "fix",
        "state",
        "ending",
    ];
    let columns = names
        .iter()
        .map(|name| rows.texts(name))
        .collect::<Result<Vec<_>, _>>()?;
    let text = |name: &str, row: usize| {
        let place = names.iter().position(|known| *known == name).unwrap_or(0);
        text_at(&columns[place], row).to_owned()
    };
    let (revision, ips) = (rows.ints("revision")?, rows.ints("distinct_ips")?);
    let (attempts, minutes) = (
        rows.longs("attempts")?,
        rows.longs("minutes_since_cutover")?,
    );
    let (first, opened, last) = (
        rows.times("first_attempt")?,
        rows.times("opened_at")?,
        rows.times("last_attempt")?,
    );
    let (recovered, cutover) = (rows.times("recovered_at")?, rows.times("cutover_at")?);
    let confidence = rows.column("cause_confidence", &DataType::Float64)?;
    let confidence = confidence.as_primitive::<Float64Type>();
    let (protocols, replaces) = (rows.lists("protocols")?, rows.lists("replaces")?);
    for row in 0..revision.len() {
        let named = |column: &'static str| text(column, row);
        loops.push(LoopRow {
            loop_id: named("loop_id"),
            revision: revision.value(row),
            tenant: parse_guid(&named("tenant_id")).unwrap_or(0),
            user: parse_guid(&named("user_id")).unwrap_or(0),
            user_principal_name: named("user_principal_name"),
            client_group: named("client_group"),
            protocol: Protocol::parse(&named("protocol"))
                .ok_or_else(|| unreadable("protocol", &named("protocol")))?,
            protocols: protocols[row]
                .iter()
                .filter_map(|name| Protocol::parse(name))
                .collect(),
            client_family: named("client_family"),
            pattern: Pattern::parse(&named("pattern"))
                .ok_or_else(|| unreadable("pattern", &named("pattern")))?,
            kind: Kind::parse(&named("kind")).ok_or_else(|| unreadable("kind", &named("kind")))?,
            verdict: Verdict::parse(&named("verdict"))
                .ok_or_else(|| unreadable("verdict", &named("verdict")))?,
            first_attempt: first.value(row),
            opened_at: opened.value(row),
            last_attempt: last.value(row),
            recovered_at: time_at(&recovered, row),
            attempts: attempts.value(row),
            distinct_ips: ips.value(row),
            batch: Some(named("batch")).filter(|batch| !batch.is_empty()),
            cutover_at: time_at(&cutover, row),
            minutes_since_cutover: long_at(&minutes, row),
            phase: Phase::parse(&named("phase")),
            cause: named("cause"),
            cause_confidence: confidence.value(row),
            evidence: named("evidence"),
            fix: named("fix"),
            state: LoopState::parse(&named("state"))
                .ok_or_else(|| unreadable("state", &named("state")))?,
            ending: Ending::parse(&named("ending")),
            replaces: replaces[row].clone(),
        });
    }
    Ok(())
}

/// The present state of every mailbox, and the greatest sequence number given so far.
pub async fn newest_mailbox_states(
    session: &Session,
) -> Result<(Vec<MailboxStateRow>, i64), LakeError> {
    let (_, batches) = session.query("SELECT * FROM mailbox_states_latest").await?;
    let (mut states, mut greatest) = (Vec::new(), 0);
    for batch in batches {
        let rows = Rows(batch);
        let (mailbox, tenant, user) = (
            rows.texts("mailbox")?,
            rows.texts("tenant_id")?,
            rows.texts("user_id")?,
        );
        let (name, batch, state) = (
            rows.texts("user_principal_name")?,
            rows.texts("batch")?,
            rows.texts("state")?,
        );
        let (cutover, since) = (rows.times("cutover_at")?, rows.times("since")?);
        let (minutes, sequence) = (
            rows.longs("minutes_to_reconfigure")?,
            rows.longs("sequence")?,
        );
        for row in 0..sequence.len() {
            greatest = greatest.max(sequence.value(row));
            states.push(MailboxStateRow {
                mailbox: text_at(&mailbox, row).to_owned(),
                tenant: parse_guid(text_at(&tenant, row)),
                user: parse_guid(text_at(&user, row)),
                user_principal_name: text_at(&name, row).to_owned(),
                batch: text_at(&batch, row).to_owned(),
                cutover_at: cutover.value(row),
                state: MailboxState::parse(text_at(&state, row))
                    .ok_or_else(|| unreadable("state", text_at(&state, row)))?,
                since: since.value(row),
                minutes_to_reconfigure: long_at(&minutes, row),
            });
        }
    }
    Ok((states, greatest))
}

/// What has been imported about migrations.
#[derive(Debug, Default)]
pub struct Imports {
    /// The mailboxes, oldest import first.
    pub mailboxes: Vec<Mailbox>,
    /// Number of the newest import, 0 before the first.
    pub newest: i64,
    /// When it was made, UTC microseconds.
    pub newest_at: Option<i64>,
}

/// Everything that has been imported about migrations.
pub async fn imports(session: &Session) -> Result<Imports, LakeError> {
    let (_, batches) = session
        .query("SELECT * FROM mailboxes ORDER BY import, line")
        .await?;
    let mut imports = Imports::default();
    for batch in batches {
        let rows = Rows(batch);
        let names = [
            "mailbox",
            "user_principal_name",
            "object_id",
            "alias",
            "display_name",
            "exchange_guid",
            "batch",
            "status",
        ];
        let columns = names
            .iter()
            .map(|name| rows.texts(name))
            .collect::<Result<Vec<_>, _>>()?;
        let at = rows.times("imported_at")?;
        let (cutover, line, import) = (
            rows.times("cutover_at")?,
            rows.longs("line")?,
            rows.longs("import")?,
        );
        for row in 0..line.len() {
            imports.newest = imports.newest.max(import.value(row));
            imports.newest_at = imports.newest_at.max(time_at(&at, row));
            imports.mailboxes.push(Mailbox {
                user: UserKey::new(text_at(&columns[0], row).to_owned()),
                user_principal_name: owned(&columns[1], row),
                object_id: owned(&columns[2], row),
                alias: owned(&columns[3], row),
                display_name: owned(&columns[4], row),
                exchange_guid: owned(&columns[5], row),
                batch: text_at(&columns[6], row).to_owned(),
                cutover_at: time_at(&cutover, row),
                status: text_at(&columns[7], row).to_owned(),
                line: u64::try_from(line.value(row)).unwrap_or(0),
            });
        }
    }
    Ok(imports)
}
