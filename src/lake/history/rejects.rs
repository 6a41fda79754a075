//! Rejects as the lake holds them, a few at a time, and which of them were understood since.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;

use super::rows::{Rows, text_at, unreadable};
use crate::domain::decode::RejectReason;
use crate::lake::resolutions::Resolution;
use crate::lake::sql::{Session, query_error};
use crate::lake::{LakeError, names};
use crate::source::{Lane, Origin};

/// Rejects read at once: each may be as large as a broker's largest message.
const BATCH_ROWS: usize = 64;

/// What tells a reject from all others: where it came from, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RejectKey {
    /// Topic or file.
    pub stream: String,
    /// Partition.
    pub partition: i32,
    /// Offset of the message.
    pub offset: i64,
    /// Place within the message.
    pub index: i32,
    /// MD5 of the bytes, in hexadecimal: a file that was replaced has other bytes at the same place.
    pub content_md5: String,
}

impl RejectKey {
    /// Where it came from.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        Origin {
            stream: &self.stream,
            partition: self.partition,
            offset: self.offset,
            index: self.index,
        }
    }
}

/// A row of `rejects`.
#[derive(Debug, Clone)]
pub struct StoredReject {
    /// What tells it from all others.
    pub key: RejectKey,
    /// Why; a name of the closed list of the version that wrote it.
    pub reason: String,
    /// What exactly.
    pub detail: String,
    /// The bytes, unchanged.
    pub raw: Vec<u8>,
    /// Where in its message it stood, a JSON pointer; empty for all of it.
    pub pointer: String,
    /// The header of its table, empty if it is no row of one.
    pub header: String,
    /// When it was taken in, UTC microseconds.
    pub ingested_at: i64,
}

/// A reject that is one no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// When it was understood, UTC microseconds.
    pub at: i64,
    /// By which version.
    pub program_version: String,
    /// What became of it.
    pub outcome: Resolution,
}

/// Which rejects are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// All of them.
    All,
    /// All that can be read without harm to the process.
    Harmless,
    /// Those of one reason.
    Reason(RejectReason),
    /// Those from this partition, offset and index, of whatever stream.
    Place(i32, i64, i32),
}

impl Wanted {
    fn condition(self) -> String {
        match self {
            Wanted::All => "true".to_owned(),
            Wanted::Harmless => format!("reason <> '{}'", RejectReason::Quarantined.name()),
            Wanted::Reason(reason) => format!("reason = '{}'", reason.name()),
            Wanted::Place(partition, offset, index) => format!(
                "origin_partition = {partition} AND origin_offset = {offset} AND origin_index = {index}"
            ),
        }
    }
}

/// The rejects of a lake as of one moment, resolved or not.
pub struct RejectReader {
    batches: SendableRecordBatchStream,
    resolved: HashMap<RejectKey, Resolved>,
}

impl RejectReader {
    /// Begins to read.
    pub async fn open(lake: &Path, wanted: Wanted) -> Result<RejectReader, LakeError> {
        let session = Session::open_in_batches(lake, BATCH_ROWS).await?;
        let sql = format!(
            "SELECT origin_stream, origin_partition, origin_offset, origin_index, \
             md5(raw) AS content_md5, reason, detail, pointer, raw, header, ingested_at FROM {} WHERE {}",
            names::REJECTS,
            wanted.condition()
        );
        Ok(RejectReader {
            resolved: resolutions(&session).await?,
            batches: session.stream(&sql).await?,
        })
    }

    /// The next few; `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredReject>>, LakeError> {
        match self.batches.next().await {
            None => Ok(None),
            Some(batch) => rejects(&Rows(batch.map_err(query_error)?)).map(Some),
        }
    }

    /// What became of a reject; `None` while it is open.
    #[must_use]
    pub fn resolved(&self, key: &RejectKey) -> Option<&Resolved> {
        self.resolved.get(key)
    }
}

fn rejects(rows: &Rows) -> Result<Vec<StoredReject>, LakeError> {
    let (reasons, details) = (rows.texts("reason")?, rows.texts("detail")?);
    let (headers, pointers) = (rows.texts("header")?, rows.texts("pointer")?);
    let times = rows.times("ingested_at")?;
    // A batch may hold more than the 2 GiB that the smaller kind reaches.
    let raws = rows.column("raw", &DataType::LargeBinary)?;
    let raws = raws.as_binary::<i64>();
    let reject = |(row, key)| StoredReject {
        key,
        reason: text_at(&reasons, row).to_owned(),
        detail: text_at(&details, row).to_owned(),
        raw: raws.value(row).to_vec(),
        pointer: text_at(&pointers, row).to_owned(),
        header: text_at(&headers, row).to_owned(),
        ingested_at: times.value(row),
    };
    Ok(keys(rows)?.into_iter().enumerate().map(reject).collect())
}

fn keys(rows: &Rows) -> Result<Vec<RejectKey>, LakeError> {
    let (streams, hashes) = (rows.texts("origin_stream")?, rows.texts("content_md5")?);
    let (partitions, indexes) = (rows.ints("origin_partition")?, rows.ints("origin_index")?);
    let offsets = rows.longs("origin_offset")?;
    let key = |row| RejectKey {
        stream: text_at(&streams, row).to_owned(),
        partition: partitions.value(row),
        offset: offsets.value(row),
        index: indexes.value(row),
        content_md5: text_at(&hashes, row).to_owned(),
    };
    Ok((0..streams.len()).map(key).collect())
}

async fn resolutions(session: &Session) -> Result<HashMap<RejectKey, Resolved>, LakeError> {
    let sql = format!("SELECT * FROM {}", names::REJECT_RESOLUTIONS);
    let mut batches = session.stream(&sql).await?;
    let mut resolved = HashMap::new();
    while let Some(batch) = batches.next().await {
        let rows = Rows(batch.map_err(query_error)?);
        let (versions, outcomes) = (rows.texts("program_version")?, rows.texts("outcome")?);
        let times = rows.times("resolved_at")?;
        for (row, key) in keys(&rows)?.into_iter().enumerate() {
            let outcome = text_at(&outcomes, row);
            let outcome =
                Resolution::parse(outcome).ok_or_else(|| unreadable("outcome", outcome))?;
            let resolution = Resolved {
                at: times.value(row),
                program_version: text_at(&versions, row).to_owned(),
                outcome,
            };
            resolved.insert(key, resolution);
        }
    }
    Ok(resolved)
}

/// Offset and index of the rejects of a lane at or after an offset.
pub async fn rejects_since(
    session: &Session,
    lane: &Lane,
    offset: i64,
) -> Result<HashSet<(i64, i32)>, LakeError> {
    let sql = format!(
        "SELECT origin_offset, origin_index FROM {} WHERE origin_stream = '{}' \
         AND origin_partition = {} AND origin_offset >= {offset}",
        names::REJECTS,
        lane.stream.replace('\'', "''"),
        lane.partition
    );
    let (_, batches) = session.query(&sql).await?;
    let mut origins = HashSet::new();
    for batch in batches {
        let rows = Rows(batch);
        let (offsets, indexes) = (rows.longs("origin_offset")?, rows.ints("origin_index")?);
        origins.extend((0..offsets.len()).map(|row| (offsets.value(row), indexes.value(row))));
    }
    Ok(origins)
}
