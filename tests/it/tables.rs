//! Tables as files: whatever is wrong with a row, its neighbours are sign-ins and nothing vanishes.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::prometheus_rules::read;
use crate::support::{Ended, Lake, signloop};

const INVALID: i32 = 3;
/// The portal's download with this many rows.
const ROWS: usize = 4;

/// The portal's header and `ROWS` rows with ids of their own, each on one line.
fn portal() -> (String, Vec<String>) {
    let fixture =
        read("tests/fixtures/sign_ins/InteractiveSignIns_portal.csv").replace("\r\n", "\n");
    let (header, rows) = fixture.split_once('\n').unwrap();
    let first = rows.split("\n2026").next().unwrap();
    let row = first
        .replace("\"Person, The\n301\"", "Person 301")
        .trim()
        .to_owned();
    let numbered =
        (1..=ROWS).map(|number| row.replacen("000000000301", &format!("{number:012}"), 1));
    (header.trim().to_owned(), numbered.collect())
}

struct Table {
    lake: Lake,
    _folder: TempDir,
    ended: Ended,
}

fn ingest(lake: &Lake, paths: &[PathBuf]) -> Ended {
    let mut command = signloop();
    command.arg("ingest").arg("--lake").arg(lake.path());
    crate::support::run(command.args(paths))
}

fn table(content: &[u8]) -> Table {
    let (lake, folder) = (Lake::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("InteractiveSignIns.csv");
    fs::write(&path, content).unwrap();
    let ended = ingest(&lake, &[path]);
    Table {
        lake,
        _folder: folder,
        ended,
    }
}

/// The last digit of every sign-in's id, and reason, detail and bytes of every reject.
#[track_caller]
fn check(content: &str, numbers: &[&str], rejects: &[(&str, &str)]) {
    let found = table(content.as_bytes());
    assert_eq!(found.ended.code, Some(0), "{}", found.ended.err);
    let ids = found
        .lake
        .sql("SELECT right(id, 1) AS number FROM sign_ins ORDER BY id");
    let ids: Vec<&Value> = ids.iter().map(|row| &row["number"]).collect();
    assert_eq!(ids, numbers, "{content}");
    let query =
        "SELECT reason, detail, CAST(raw AS VARCHAR) AS raw FROM rejects ORDER BY origin_offset";
    let expected: Vec<Value> = rejects
        .iter()
        .map(|(detail, raw)| json!({"reason": "broken_row", "detail": detail, "raw": raw}))
        .collect();
    assert_eq!(found.lake.sql(query), expected, "{content}");
}

const NEVER_CLOSED: &str = "a quote is opened and never closed";

#[test]
fn a_quote_that_never_closes_costs_its_own_row() {
    let (header, rows) = portal();
    let ends = rows[1].strip_suffix(',').unwrap();
    for broken in [
        rows[1].replace(",Failure,53003", ",\"Failure,53003"),
        rows[1].replace("Person 301", "\"Person 301"),
        rows[1]
            .replace("Person 301", "\"Person, The\n301\"")
            .replace(",Failure,", ",\"Failure,"),
        format!("{ends},\""),
    ] {
        let table = [header.as_str(), &rows[0], &broken, &rows[2], &rows[3], ""];
        for end in ["\n", "\r\n"] {
            let (table, broken) = (
                table.join("\n").replace('\n', end),
                broken.replace('\n', end),
            );
            check(&table, &["1", "3", "4"], &[(NEVER_CLOSED, &broken)]);
        }
    }
}

#[test]
fn a_row_without_as_many_cells_as_the_header_is_rejected() {
    let (header, rows) = portal();
    let shifted = rows[1].replace("Person 301", "Person, The 301");
    let cut = rows[3].split(',').take(13).collect::<Vec<_>>().join(",");
    let table = [header.as_str(), &rows[0], &shifted, &rows[2], &cut];
    let columns = header.split(',').count();
    check(
        &table.join("\n"),
        &["1", "3"],
        &[
            (
                &format!("{} cells, the header has {columns}", columns + 1),
                &shifted,
            ),
            (&format!("13 cells, the header has {columns}"), &cut),
        ],
    );
    // Empty cells at the end are no matter.
    let (fewer, more) = (
        rows[1].strip_suffix(",,").unwrap(),
        format!("{},,", rows[2]),
    );
    let table = [header.as_str(), &rows[0], fewer, &more, &rows[3], ""];
    check(&table.join("\n"), &["1", "2", "3", "4"], &[]);
}

#[test]
fn a_table_in_another_encoding_is_read_and_flagged() {
    let (header, rows) = portal();
    let odd = rows[1].replace("Person 301", "M\u{0}ller");
    let text = [header.as_str(), &rows[0], &odd, ""].join("\n");
    let latin: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == 0 { 0xfc } else { byte })
        .collect();
    let found = table(&latin);
    assert_eq!(found.ended.code, Some(0), "{}", found.ended.err);
    let rows = found.lake.sql(
        "SELECT user_display_name AS name, array_has(flags, 'bad_utf8') AS odd FROM sign_ins ORDER BY id",
    );
    let expected = [
        json!({"name": "Person 301", "odd": false}),
        json!({"name": "M\u{fffd}ller", "odd": true}),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_table_as_a_spreadsheet_writes_it_keeps_its_empty_cells() {
    let (header, rows) = portal();
    let text = [header.as_str(), &rows[0], &rows[1]].join("\r\n");
    let quoted = text.replace("\"Melbourne, Victoria, AU\"", "Melbourne");
    let tabs = quoted.replace(',', "\t");
    let wide: Vec<u8> = tabs.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [tabs.into_bytes(), [&b"\xff\xfe"[..], &wide].concat()] {
        let found = table(&content);
        assert_eq!(found.ended.code, Some(0), "{}", found.ended.err);
        assert!(
            found
                .ended
                .out
                .contains("2 new sign-ins, 0 copies, 0 revisions, 0 rejects"),
            "{}",
            found.ended.out
        );
    }
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn zeros_behind_gzip_are_no_damage() {
    let (lake, folder) = (Lake::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("lines.ndjson.gz");
    let lines = read("tests/fixtures/sign_ins/lines.ndjson");
    fs::write(&path, [packed(lines.as_bytes()), vec![0; 1000]].concat()).unwrap();
    assert_eq!(lake.ingest(&[&path]).sign_ins, 5);
}

/// A file that begins so and is as long as this, the rest of it zeros that need no disk.
fn sparse(path: &Path, start: &[u8], bytes: u64, end: &[u8]) {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(start).unwrap();
    file.set_len(bytes).unwrap();
    drop(file);
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(end).unwrap();
}

#[test]
fn what_is_too_large_is_told_and_stops_no_other_file() {
    let (lake, folder) = (Lake::new(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name);
    let lines = read("tests/fixtures/sign_ins/lines.ndjson");
    let (first, others) = lines.split_at(lines.find('\n').unwrap() + 1);
    let end = format!("\n{others}");
    sparse(&path("a.json"), b"{\n", (128 << 20) + 1, b"");
    sparse(
        &path("b.ndjson"),
        first.as_bytes(),
        66 << 20,
        end.as_bytes(),
    );
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sign_ins/bare.json"),
        path("c.json"),
    )
    .unwrap();
    let run = || ingest(&lake, &["a.json", "b.ndjson", "c.json"].map(path));
    let ended = run();
    assert_eq!(ended.code, Some(INVALID), "{}", ended.err);
    assert!(ended.out.contains(" 6 new sign-ins"), "{}", ended.out);
    let line = format!(
        "b.ndjson: the line at byte {} is longer than 64 MiB",
        first.len()
    );
    for part in ["a.json is one document of more than 128 MiB", &line, "jq"] {
        assert!(ended.err.contains(part), "no {part:?} in: {}", ended.err);
    }
    // The line is behind; the document is still unread.
    let again = run();
    assert_eq!(again.code, Some(INVALID), "{}", again.err);
    assert!(
        again.err.contains("a.json") && !again.err.contains("b.ndjson"),
        "{}",
        again.err
    );
    assert!(
        again.out.contains(" 0 new sign-ins, 0 copies"),
        "{}",
        again.out
    );
}
