//! DuckDB as a second reader of the lake: an engine that shares no code with ours.

use std::path::Path;
use std::process::Command;

use super::{process, tools};

/// Reads SQL, prints rows; see its header.
const SCRIPT: &str = include_str!("duckdb.py");

/// Runs statements separated by `;` and returns the rows of the last one. Every value is DuckDB's
/// own text for it (times in UTC), and `NULL` for null.
pub fn duckdb(sql: &str) -> Vec<Vec<String>> {
    // Isolated: neither the environment nor the user's own packages have a say.
    let mut python = Command::new(tools::python());
    let output = process::run(python.args(["-I", "-c", SCRIPT]), sql.as_bytes());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "DuckDB refuses\n{sql}\n{errors}");
    let rows: Vec<Vec<Option<String>>> =
        serde_json::from_slice(&output.stdout).expect("the script prints rows as JSON");
    let text = |value: Option<String>| value.unwrap_or_else(|| "NULL".to_owned());
    rows.into_iter()
        .map(|row| row.into_iter().map(text).collect())
        .collect()
}

/// What to select from to read the Delta table in a folder.
pub fn delta(table: &Path) -> String {
    format!(
        "delta_scan('{}')",
        table.display().to_string().replace('\'', "''")
    )
}
