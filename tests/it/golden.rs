//! Every published record, column by column: as it was read before, and as its bytes say.
//!
//! The rows that the published samples become are compared with `tests/golden/signins`, and what
//! matters most of them with the raw bytes, which `facts` reads by means of its own. The samples
//! lie beside the repository; without them the tests say so and check nothing.

mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use signloop::lake::sign_ins::SIGN_INS;

use crate::prometheus_rules::shipped;
use crate::schemas::UPDATE;
use crate::support::Lake;

const HOW_TO_UPDATE: &str = "run: SIGNLOOP_UPDATE=1 cargo test --profile demo --test it golden::";
const GOLDEN: &str = "tests/golden/signins";

/// No facts of a record: the version of our tables, where the file lay, and the record itself, whose
/// licence is not ours.
const LEFT_OUT: [&str; 4] = [
    "taxonomy_version",
    "origin_stream",
    "origin_partition",
    "raw",
];

/// What a file became: rows of `sign_ins` and `sign_in_revisions`, and its rejects, each in order.
#[derive(Default)]
struct Became {
    rows: Vec<Value>,
    rejects: Vec<Value>,
}

/// The samples by their path below the folder of samples, as the program itself reads them.
fn published() -> Option<BTreeMap<String, (PathBuf, Became)>> {
    let folder = shipped("../shared/data/signins");
    let Ok(folder) = folder.canonicalize() else {
        println!("{} is absent: nothing is checked", folder.display());
        return None;
    };
    let mut samples = BTreeMap::new();
    for source in sorted(&folder) {
        for path in sorted(&source) {
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            samples.insert(name, (path, Became::default()));
        }
    }
    let lake = Lake::new();
    lake.ingest(&[&folder]);
    let place = "origin_stream, origin_offset, origin_index";
    let columns: Vec<&str> = SIGN_INS.iter().map(|column| column.name).collect();
    let columns = columns.join(", ");
    let rows = lake.sql(&format!(
        "SELECT event_date, {columns} FROM sign_ins \
         UNION ALL SELECT event_date, {columns} FROM sign_in_revisions ORDER BY {place}"
    ));
    let rejects = lake.sql(&format!(
        "SELECT reason, detail, origin_offset, origin_index, \
         octet_length(encode(raw, 'hex')) / 2 AS bytes, origin_stream FROM rejects ORDER BY {place}"
    ));
    let name_of = |row: &Value| {
        let path = Path::new(row["origin_stream"].as_str().unwrap());
        path.strip_prefix(&folder).unwrap().display().to_string()
    };
    for row in rows {
        samples.get_mut(&name_of(&row)).unwrap().1.rows.push(row);
    }
    for row in rejects {
        let rejects = &mut samples.get_mut(&name_of(&row)).unwrap().1.rejects;
        rejects.push(row);
    }
    Some(samples)
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

impl Became {
    /// One array, a column a line, in the order of the table.
    fn golden(&self) -> String {
        let table = SIGN_INS.iter().map(|column| column.name);
        let columns: Vec<&str> = std::iter::once("event_date").chain(table).collect();
        let rejected = ["reason", "detail", "origin_offset", "origin_index", "bytes"];
        let rows = self.rows.iter().map(|row| object(row, &columns));
        let rejects = self.rejects.iter().map(|row| object(row, &rejected));
        let objects: Vec<String> = rows.chain(rejects).collect();
        format!("[\n{}\n]\n", objects.join(",\n"))
    }
}

fn object(row: &Value, columns: &[&str]) -> String {
    let kept = columns.iter().filter(|column| !LEFT_OUT.contains(column));
    let lines = kept.map(|column| format!("    \"{column}\": {}", value(&row[column])));
    let lines: Vec<String> = lines.collect();
    format!("  {{\n{}\n  }}", lines.join(",\n"))
}

/// A value on its line; policies one a line.
fn value(value: &Value) -> String {
    match value.as_array() {
        Some(items) if items.iter().any(Value::is_object) => {
            let items: Vec<String> = items.iter().map(|item| format!("      {item}")).collect();
            format!("[\n{}\n    ]", items.join(",\n"))
        }
        _ => value.to_string(),
    }
}

#[test]
fn every_column_of_every_published_record_is_as_it_was() {
    let Some(samples) = published() else { return };
    let folder = shipped(GOLDEN);
    let mut written = BTreeSet::new();
    for (name, (_, became)) in &samples {
        let path = folder.join(format!("{}.json", stem(name)));
        let golden = became.golden();
        written.insert(path.clone());
        if std::env::var_os(UPDATE).is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, golden).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let differs = golden
            .lines()
            .zip(expected.lines())
            .position(|(now, then)| now != then)
            .or_else(|| (golden != expected).then(|| golden.lines().count()));
        if let Some(line) = differs {
            let (now, then) = (golden.lines().nth(line), expected.lines().nth(line));
            let line = line + 1;
            panic!("{name}, line {line}:\n  now {now:?}\n was {then:?}\n{HOW_TO_UPDATE}");
        }
    }
    let present = sorted(&folder);
    let present = present.iter().flat_map(|source| sorted(source));
    assert_eq!(present.collect::<BTreeSet<_>>(), written, "{HOW_TO_UPDATE}");
}

/// The name of a sample without its last ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[test]
fn every_published_record_says_what_its_bytes_say() {
    let Some(samples) = published() else { return };
    let (mut checked, mut odd) = (0, Vec::new());
    for (name, (path, became)) in &samples {
        let Some(records) = facts::records(path) else {
            assert_eq!((became.rows.len(), became.rejects.len()), (0, 1), "{name}");
            assert_eq!(became.rejects[0]["reason"], "invalid_json", "{name}");
            continue;
        };
        assert_eq!(records.len(), became.rows.len(), "{name}");
        for (number, (record, row)) in records.iter().zip(&became.rows).enumerate() {
            let found = facts::of_row(row);
            for (fact, expected) in record {
                checked += 1;
                if found.get(fact) != Some(expected) {
                    let found = &found[fact];
                    odd.push(format!("{name} {number} {fact}: {found} for {expected}"));
                }
            }
            check_raw(row, path);
        }
    }
    println!("{checked} facts of {} files", samples.len());
    assert_eq!(odd, [""; 0]);
    assert_eq!(
        checked,
        facts::COUNT * 84,
        "as many facts of each of 84 records"
    );
}

/// A record that is kept is kept whole: what is kept stands in the file and holds its id.
fn check_raw(row: &Value, path: &Path) {
    let file = fs::read_to_string(path).unwrap();
    let Some(raw) = row["raw"].as_str() else {
        let is_failure = ["blocked", "failed"].contains(&row["outcome"].as_str().unwrap());
        assert!(!is_failure, "{} is not kept", row["id"]);
        return;
    };
    let id = row["id"].as_str().unwrap();
    let whole = file.contains(raw) && (raw.contains(id) || id.starts_with("content:"));
    assert!(whole, "{} has no {raw}", path.display());
}
