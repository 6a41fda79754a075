//! Another engine reads the same lake and says the same: DuckDB over the Delta tables and the
//! shipped views as they are.

use std::fs;

use serde_json::Value;

use crate::support::{Lake, VIEWS};
use crate::weekend::{Weekend, plan};

#[test]
fn duckdb_and_the_program_agree_on_counts_and_views() {
    let weekend = Weekend::new(&plan(300), usize::MAX);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weekend.ndjson");
    let broken = b"\n{\"broken\": true,\n".as_slice();
    fs::write(&file, [&weekend.messages.join(&b'\n'), broken].concat()).unwrap();
    let lake = Lake::new();
    lake.import(&weekend.moves);
    let told = lake.ingest(&[&file]);
    let expected = [weekend.ids.len(), weekend.copies, weekend.passed_over].map(|it| it as u64);
    assert_eq!([told.sign_ins, told.copies, told.passed_over], expected);
    assert_eq!((told.revisions, told.rejects), (0, 1));

    let counts = "SELECT auth_class, protocol, outcome, count(*) AS sign_ins FROM sign_ins \
                  GROUP BY auth_class, protocol, outcome";
    let counted = compare(&lake, counts);
    let sum: u64 = counted
        .iter()
        .map(|row| row["sign_ins"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, told.sign_ins);
    for view in VIEWS {
        // Bytes are written in another way by each engine.
        let columns = if view == "rejects_open" {
            "* EXCLUDE (raw)"
        } else {
            "*"
        };
        let rows = compare(&lake, &format!("SELECT {columns} FROM {view}"));
        println!("{view}: {} rows, the same in both engines", rows.len());
        assert!(!rows.is_empty(), "{view}");
    }
    // Lists, structs and absent values arrive as well.
    let details = "SELECT id, event_time, event_date, policies, blocking_policies, flags, asn, \
                   is_managed, raw FROM sign_ins WHERE outcome = 'blocked'";
    assert!(!compare(&lake, details).is_empty());
}

/// The rows of a query, which both engines must give alike.
pub fn compare(lake: &Lake, query: &str) -> Vec<Value> {
    let ours = canonical(lake.sql(query));
    let theirs = canonical(lake.duckdb(query));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "{query}");
    }
    assert_eq!(ours.len(), theirs.len(), "{query}");
    ours
}

/// Rows in an order of their own, instants as numbers: the engines write them differently.
fn canonical(rows: Vec<Value>) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.into_iter().map(with_instants).collect();
    rows.sort_by_cached_key(Value::to_string);
    rows
}

fn with_instants(value: Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Value::from(instant.as_microsecond()),
            Err(_) => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(with_instants).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, value)| (name, with_instants(value)))
                .collect()
        }
        other => other,
    }
}
