//! The records that are mutated: the published ones if they lie beside the repository, else our own
//! fixtures; and some of the synthetic tenant, for no published record was blocked by a policy.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use signloop::generate::tenant;

use crate::prometheus_rules::shipped;
use crate::weekend;

/// Records of the synthetic tenant, each how manieth is taken, and rows taken of a table.
const SYNTHETIC: usize = 60;
const EVERY: usize = 97;
const ROWS: usize = 8;

/// Sign-ins as JSON objects.
pub fn originals() -> Vec<Value> {
    let mut folder = shipped("../shared/data/signins");
    if !folder.is_dir() {
        println!(
            "{} is absent: fixtures are mutated instead",
            folder.display()
        );
        folder = shipped("tests/fixtures/sign_ins");
    }
    let mut paths = Vec::new();
    collect(&folder, &mut paths);
    paths.sort();
    let mut records: Vec<Value> = paths.iter().flat_map(|path| of_file(path)).collect();
    let tenant = tenant(&weekend::plan(120));
    let events = tenant.events().step_by(EVERY);
    let events = events.filter(|event| weekend::sign_in_id(&event.json).is_some());
    let parsed = events.map(|event| serde_json::from_str::<Value>(&event.json).unwrap());
    records.extend(parsed.take(SYNTHETIC));
    records
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

/// The records of a file that are JSON objects; what is broken is left out.
fn of_file(path: &Path) -> Vec<Value> {
    let bytes = fs::read(path).unwrap();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    if path.extension().is_some_and(|ending| ending == "csv") {
        return rows(bytes);
    }
    let whole = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let whole: Vec<Value> = whole.map_while(Result::ok).collect();
    whole.into_iter().flat_map(records).collect()
}

/// The records in a value: of lists and pages their members, of a wrapper what is in it.
fn records(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.into_iter().flat_map(records).collect(),
        Value::Object(mut object) => {
            for list in ["records", "value"] {
                if let Some(Value::Array(items)) = object.remove(list) {
                    return items.into_iter().flat_map(records).collect();
                }
            }
            match object.get("_raw").and_then(Value::as_str) {
                Some(raw) => vec![serde_json::from_str(raw).unwrap()],
                None => vec![Value::Object(object)],
            }
        }
        _ => Vec::new(),
    }
}

/// Rows of a table as objects, as Log Analytics gives them to programs.
fn rows(bytes: &[u8]) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().filter_map(Result::ok).take(ROWS);
    let rows = rows.map(|row| {
        let cells = header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(name, cell)| (name.to_owned(), Value::from(cell)));
        Value::Object(cells.collect::<Map<String, Value>>())
    });
    rows.collect()
}
