//! Reading the lake back: what is in it already, and what the detector must know after a restart.
//!
//! The detector's state is a fold over the stored sign-ins, so nothing else needs to be kept for it.

use std::fs::File;
use std::path::Path;

use arrow::array::{
    Array, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::timestamp;
use super::file::date_text;
use super::sql::Session;
use super::{LakeError, names};
use crate::domain::decode::time::date;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::{Ending, Kind, LoopState, Pattern, Phase, Verdict};
use crate::domain::mailbox::{MailboxState, MailboxStateRow};
use crate::domain::migration::{Mailbox, UserKey};
use crate::domain::sign_in::{AuthClass, Channel, Outcome, PasswordVerified, Protocol};
use crate::domain::signal::{Facts, parse_guid};

/// A batch whose columns are found by name and read as one type.
struct Rows(RecordBatch);

impl Rows {
    fn column(&self, name: &str, kind: &DataType) -> Result<arrow::array::ArrayRef, LakeError> {
        let column = self
            .0
            .column_by_name(name)
            .ok_or_else(|| LakeError::Query(format!("no column {name} in the lake")))?;
        arrow::compute::cast(column, kind)
            .map_err(|error| LakeError::Query(format!("column {name}: {error}")))
    }

    fn texts(&self, name: &str) -> Result<StringArray, LakeError> {
        Ok(self
            .column(name, &DataType::Utf8)?
            .as_string::<i32>()
            .clone())
    }

    fn times(&self, name: &str) -> Result<TimestampMicrosecondArray, LakeError> {
        Ok(self
            .column(name, &timestamp())?
            .as_primitive::<TimestampMicrosecondType>()
            .clone())
    }

    fn ints(&self, name: &str) -> Result<Int32Array, LakeError> {
        Ok(self
            .column(name, &DataType::Int32)?
            .as_primitive::<Int32Type>()
            .clone())
    }

    fn longs(&self, name: &str) -> Result<Int64Array, LakeError> {
        Ok(self
            .column(name, &DataType::Int64)?
            .as_primitive::<Int64Type>()
            .clone())
    }
}

fn text_at(array: &StringArray, row: usize) -> &str {
    if array.is_null(row) {
        ""
    } else {
        array.value(row)
    }
}

fn owned(array: &StringArray, row: usize) -> Option<String> {
    array.is_valid(row).then(|| array.value(row).to_owned())
}

fn time_at(array: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

fn long_at(array: &Int64Array, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

/// Names the value that the lake holds and no version of this program writes.
fn unreadable(column: &str, value: &str) -> LakeError {
    LakeError::NotALake(format!(
        "column {column} holds {value:?}, which this version does not know; use the version that wrote the lake"
    ))
}

/// The greatest event time in the lake.
pub async fn watermark(session: &Session) -> Result<Option<i64>, LakeError> {
    let (_, batches) = session
        .query("SELECT max(event_time) AS watermark FROM sign_ins")
        .await?;
    for batch in batches {
        let rows = Rows(batch);
        let times = rows.times("watermark")?;
        if !times.is_empty() {
            return Ok(time_at(&times, 0));
        }
    }
    Ok(None)
}

/// Gives every stored sign-in since `from` (UTC microseconds) that the detector has to know to `observe`.
pub async fn replay(
    session: &Session,
    from: i64,
    mut observe: impl FnMut(&Facts),
) -> Result<(), LakeError> {
    let sql = format!(
        "SELECT tenant_id, user_id, user_principal_name, user_display_name, event_time, auth_class, protocol, client_family, outcome, \
         failure_class, error_code, password_verified, channel, ip_address FROM {} \
         WHERE event_date >= DATE '{}' AND user_id IS NOT NULL AND (auth_class IN ('legacy', 'ropc') OR channel IS NOT NULL)",
        names::SIGN_INS,
        date_text(date(from))
    );
    let (_, batches) = session.query(&sql).await?;
    for batch in batches {
        let rows = Rows(batch);
        let texts = [
            "tenant_id",
            "user_id",
            "user_principal_name",
            "user_display_name",
            "auth_class",
            "protocol",
            "client_family",
            "outcome",
            "failure_class",
            "password_verified",
            "channel",
            "ip_address",
        ];
        let columns = texts
            .iter()
            .map(|name| rows.texts(name))
            .collect::<Result<Vec<_>, _>>()?;
        let (times, codes) = (rows.times("event_time")?, rows.ints("error_code")?);
        for row in 0..times.len() {
            let text = |place: usize| text_at(&columns[place], row);
            observe(&Facts {
                tenant_id: text(0),
                user_id: text(1),
                user_principal_name: text(2),
                display_name: text(3),
                event_time: times.value(row),
                auth_class: AuthClass::parse(text(4))
                    .ok_or_else(|| unreadable("auth_class", text(4)))?,
                protocol: Protocol::parse(text(5))
                    .ok_or_else(|| unreadable("protocol", text(5)))?,
                client_family: text(6),
                outcome: Outcome::parse(text(7)).ok_or_else(|| unreadable("outcome", text(7)))?,
                failure_class: text(8),
                error_code: if codes.is_valid(row) {
                    codes.value(row)
                } else {
                    0
                },
                password_verified: PasswordVerified::parse(text(9))
                    .ok_or_else(|| unreadable("password_verified", text(9)))?,
                channel: Channel::parse(text(10)),
                ip_address: text(11),
            });
        }
    }
    Ok(())
}

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

impl Rows {
    fn lists(&self, name: &str) -> Result<Vec<Vec<String>>, LakeError> {
        let column = self
            .0
            .column_by_name(name)
            .ok_or_else(|| LakeError::Query(format!("no column {name} in the lake")))?;
        let lists = column
            .as_list_opt::<i32>()
            .ok_or_else(|| LakeError::Query(format!("column {name} is no list")))?;
        let texts = |row: usize| -> Result<Vec<String>, LakeError> {
            if lists.is_null(row) {
                return Ok(Vec::new());
            }
            let items = arrow::compute::cast(&lists.value(row), &DataType::Utf8)
                .map_err(|error| LakeError::Query(error.to_string()))?;
            Ok(items
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(str::to_owned)
                .collect())
        };
        (0..lists.len()).map(texts).collect()
    }
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

/// Gives tenant, id and content hash of every row of a `sign_ins` file to `each`.
pub fn read_ids(path: &Path, mut each: impl FnMut(&str, &str, i32)) -> Result<(), LakeError> {
    let file = File::open(path).map_err(|error| LakeError::io(path, error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| LakeError::parquet(path, error))?;
    let mask = ProjectionMask::columns(
        builder.parquet_schema(),
        ["tenant_id", "id", "content_hash"],
    );
    let reader = builder
        .with_projection(mask)
        .build()
        .map_err(|error| LakeError::parquet(path, error))?;
    for batch in reader {
        let batch =
            batch.map_err(|error| LakeError::Query(format!("{}: {error}", path.display())))?;
        let rows = Rows(batch);
        let (tenants, ids, hashes) = (
            rows.texts("tenant_id")?,
            rows.texts("id")?,
            rows.ints("content_hash")?,
        );
        for row in 0..ids.len() {
            each(
                text_at(&tenants, row),
                text_at(&ids, row),
                hashes.value(row),
            );
        }
    }
    Ok(())
}

/// Origins (stream, partition, offset, index) in a table at or after an offset of a lane.
pub async fn origins_since(
    session: &Session,
    table: &str,
    stream: &str,
    partition: i32,
    offset: i64,
) -> Result<Vec<(i64, i32)>, LakeError> {
    let stream = stream.replace('\'', "''");
    let sql = format!(
        "SELECT origin_offset, origin_index FROM {table} WHERE origin_stream = '{stream}' AND origin_partition = {partition} \
         AND origin_offset >= {offset}"
    );
    let (_, batches) = session.query(&sql).await?;
    let mut origins = Vec::new();
    for batch in batches {
        let rows = Rows(batch);
        let (offsets, indexes) = (rows.longs("origin_offset")?, rows.ints("origin_index")?);
        origins.extend((0..offsets.len()).map(|row| (offsets.value(row), indexes.value(row))));
    }
    Ok(origins)
}
