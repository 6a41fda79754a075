//! `signloop rejects list`: what is rejected, by shape or one by one.

use std::cmp::Reverse;
use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use clap::Args;

use super::group::{Group, Groups};
use super::origin::origin;
use super::shape::beginning;
use crate::cli::report::words::{number, rfc3339, shell_word, shown};
use crate::cli::{Exit, Failure, Format, LakeOption, output, service};
use crate::domain::decode::RejectReason;
use crate::lake::history::{RejectReader, Resolved, StoredReject, Wanted};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop rejects list --lake lake
  signloop rejects list --lake lake --reason invalid_json --each --limit 20
  signloop rejects list --lake lake --resolved --format csv > rejects.csv

Rejects are grouped by their reason, its detail without numbers and quoted values, and what their
bytes begin like. The example is an origin for `signloop rejects show`.")]
pub struct Options {
    #[command(flatten)]
    lake: LakeOption,
    /// Only those of one reason
    #[arg(long, value_parser = super::reason(), value_name = "REASON")]
    reason: Option<RejectReason>,
    /// Also those that have become something since
    #[arg(long)]
    resolved: bool,
    /// One by one instead of in groups, the newest first
    #[arg(long)]
    each: bool,
    /// With --each: at most so many
    #[arg(
        long,
        default_value = "100",
        value_name = "NUMBER",
        requires = "each",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    limit: u32,
    /// How rows are shown
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// A reject without its bytes.
struct Row {
    origin: String,
    reject: StoredReject,
    bytes: usize,
    begins: String,
    resolved: Option<Resolved>,
}

/// What is listed: one of the two, and how many there were.
#[derive(Default)]
struct Found {
    groups: Groups,
    each: Vec<Row>,
    shown: u64,
    hidden: u64,
}

pub fn run(options: &Options) -> Result<Exit, Failure> {
    let found = service::runtime()?.block_on(read(options))?;
    let mut out = std::io::stdout().lock();
    if found.shown == 0 && options.format == Format::Table {
        writeln!(out, "{}", nothing(options, found.hidden))?;
        return Ok(Exit::Ok);
    }
    let more = found.shown.saturating_sub(options.limit.into());
    let rows = if options.each {
        each(found.each, options.resolved)?
    } else {
        groups(&found.groups.sorted(), options.resolved)?
    };
    output::write(&mut out, options.format, &rows.schema(), &[rows])?;
    if options.each && more > 0 {
        eprintln!("and {} more; a greater --limit shows them", number(more));
    }
    Ok(Exit::Ok)
}

async fn read(options: &Options) -> Result<Found, Failure> {
    let wanted = options.reason.map_or(Wanted::All, Wanted::Reason);
    let mut reader = RejectReader::open(&options.lake.lake, wanted).await?;
    let mut found = Found::default();
    let limit = options.limit as usize;
    while let Some(rejects) = reader.next().await? {
        for reject in rejects {
            let resolved = reader.resolved(&reject.key);
            if resolved.is_some() && !options.resolved {
                found.hidden += 1;
                continue;
            }
            found.shown += 1;
            if options.each {
                let resolved = resolved.cloned();
                found.each.push(Row::new(reject, resolved));
            } else {
                found.groups.add(&reject, resolved.is_some());
            }
        }
        if found.each.len() / 2 >= limit {
            newest(&mut found.each, limit);
        }
    }
    newest(&mut found.each, limit);
    Ok(found)
}

impl Row {
    fn new(mut reject: StoredReject, resolved: Option<Resolved>) -> Row {
        let raw = std::mem::take(&mut reject.raw);
        Row {
            origin: origin(&reject.key),
            bytes: raw.len(),
            begins: beginning(&raw),
            reject,
            resolved,
        }
    }
}

/// Keeps the newest, in order.
fn newest(rows: &mut Vec<Row>, limit: usize) {
    rows.sort_by(|left, right| {
        let key = |row: &Row| Reverse(row.reject.ingested_at);
        (key(left), &left.origin).cmp(&(key(right), &right.origin))
    });
    rows.truncate(limit);
}

fn nothing(options: &Options, hidden: u64) -> String {
    let lake = shell_word(&options.lake.lake);
    let kind = options
        .reason
        .map_or(String::new(), |reason| format!(" with reason {reason}"));
    match hidden {
        0 => format!("no rejects{kind} in the lake {lake}"),
        _ => format!(
            "no open rejects{kind} in the lake {lake}; --resolved shows {} that have become something since",
            number(hidden)
        ),
    }
}

fn groups(groups: &[Group], with_resolved: bool) -> Result<RecordBatch, Failure> {
    let text = |cell: fn(&Group) -> String| texts(groups.iter().map(|group| Some(cell(group))));
    let number = |cell: fn(&Group) -> i64| numbers(groups.iter().map(cell));
    let mut columns = vec![
        ("rejects", number(|group| group.rejects)),
        ("reason", text(|group| group.shape.reason.clone())),
        ("detail", text(|group| group.shape.detail.clone())),
        ("begins", text(|group| group.shape.begins.clone())),
        ("first_seen", text(|group| rfc3339(group.first_seen))),
        ("last_seen", text(|group| rfc3339(group.last_seen))),
        ("example", text(|group| group.example.clone())),
    ];
    if with_resolved {
        columns.insert(1, ("resolved", number(|group| group.resolved)));
    }
    RecordBatch::try_from_iter(columns).map_err(Failure::new)
}

fn each(rows: Vec<Row>, with_resolved: bool) -> Result<RecordBatch, Failure> {
    let text = |cell: fn(&Row) -> String| texts(rows.iter().map(|row| Some(cell(row))));
    let mut columns = vec![
        ("origin", text(|row| row.origin.clone())),
        ("ingested_at", text(|row| rfc3339(row.reject.ingested_at))),
        ("reason", text(|row| row.reject.reason.clone())),
        ("detail", text(|row| shown(&row.reject.detail))),
        ("bytes", numbers(rows.iter().map(|row| row.bytes as i64))),
        ("begins", text(|row| row.begins.clone())),
        (
            "content_md5",
            text(|row| row.reject.key.content_md5.clone()),
        ),
    ];
    if with_resolved {
        let resolved = |cell: fn(&Resolved) -> String| {
            texts(rows.iter().map(|row| row.resolved.as_ref().map(cell)))
        };
        columns.push(("resolved_at", resolved(|it| rfc3339(it.at))));
        columns.push(("outcome", resolved(|it| it.outcome.name().to_owned())));
    }
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .map_err(Failure::new)
}

fn texts(cells: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(cells.collect::<StringArray>())
}

fn numbers(cells: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(cells))
}
