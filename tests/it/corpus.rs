//! Every published sample and every fixture goes in, and every record is accounted for.
//!
//! The published samples lie beside the repository; without them their test says so and checks
//! nothing more. The fixtures in `tests/fixtures/sign_ins` are our own, one shape a file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{Counts, Lake, OUTLOOK, Short};

/// A published file: its records as its README counts them, and what becomes of them.
struct Sample {
    file: &'static str,
    records: u64,
    sign_ins: u64,
    revisions: u64,
    /// The reason of all its rejects.
    rejected_as: &'static str,
}

/// A file whose records are all new sign-ins.
const fn good(file: &'static str, records: u64) -> Sample {
    Sample {
        file,
        records,
        sign_ins: records,
        revisions: 0,
        rejected_as: "",
    }
}

/// A file of which every record is rejected.
const fn rejected(file: &'static str, records: u64, rejected_as: &'static str) -> Sample {
    Sample {
        sign_ins: 0,
        rejected_as,
        ..good(file, records)
    }
}

/// A file whose records are edited copies of those in an earlier file.
const fn edited(file: &'static str, records: u64) -> Sample {
    Sample {
        sign_ins: 0,
        revisions: records,
        ..good(file, records)
    }
}

const SAMPLES: [Sample; 18] = [
    good("azure-sentinel-training-lab/sign-in_adelete.csv", 56),
    good("cribl-azure-graph-rest/7cieEB.json", 2),
    good(
        "datadog-integrations-core/azure.activedirectory.signin.json",
        1,
    ),
    good("microsoft-azure-docs/sign-in-schema-2022.json", 1),
    rejected(
        "microsoft-graph-docs/beta-signin-get-2021.json",
        1,
        "invalid_json",
    ),
    good("microsoft-graph-docs/beta-signin-list-2023.json", 1),
    rejected(
        "microsoft-graph-docs/v1.0-signin-list-2021.json",
        1,
        "invalid_json",
    ),
    good("panther-analysis/azure_device_code_broker_client.ndjson", 2),
    good(
        "panther-analysis/azure_excessive_account_lockouts.ndjson",
        3,
    ),
    good("panther-analysis/azure_failed_signins.ndjson", 2),
    good("panther-analysis/azure_high_risk_signin.ndjson", 2),
    edited("panther-analysis/azure_risklevel_passthrough.ndjson", 5),
    good("panther-analysis/azure_ropc_login_no_mfa.ndjson", 2),
    good("panther-analysis/azure_vscode_oauth_phishing.ndjson", 2),
    good("panther-analysis/helpers_azuresignin_a.ndjson", 1),
    edited("panther-analysis/sign_in_from_rogue_state.ndjson", 1),
    good("sekoia-automation-library/get_sign_ins.graph.ndjson", 2),
    good(
        "splunk-security-content/azure_active_directory_sign_in_activity.json",
        1,
    ),
];

#[test]
fn every_published_record_is_accounted_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/signins");
    if !folder.is_dir() {
        println!("{} is absent: nothing is checked", folder.display());
        return;
    }
    let folder = folder.canonicalize().unwrap();
    let lake = Lake::new();
    let told = lake.ingest(&[&folder]);
    println!(
        "{:<70} records | sign-ins | copies | revisions | rejects | passed over",
        "file"
    );
    let stored = Stored::of(&lake);
    for sample in &SAMPLES {
        let path = folder.join(sample.file);
        assert_eq!(records_in(&path), sample.records, "{}", sample.file);
        let found = stored.counts(&path);
        println!(
            "{:<70} {:>7} | {:>8} | {:>6} | {:>9} | {:>7} | {:>11}",
            sample.file,
            sample.records,
            found.sign_ins,
            found.copies,
            found.revisions,
            found.rejects,
            found.passed_over
        );
        let rejects = sample.records - sample.sign_ins - sample.revisions;
        let expected = counts(sample.sign_ins, 0, sample.revisions, rejects, 0);
        assert_eq!(found, expected, "{}", sample.file);
        let reasons = vec![sample.rejected_as; rejects as usize];
        assert_eq!(stored.reasons(&path), reasons, "{}", sample.file);
        stored.check_raw_bytes(&path);
    }
    let all: u64 = SAMPLES.iter().map(|sample| sample.records).sum();
    assert_eq!((all, told.sum()), (86, 86));
    assert_eq!(told, counts(78, 0, 6, 2, 0));
    assert_eq!(lake.ingest(&[&folder]), Counts::default());
    assert_eq!(Stored::of(&lake), stored);
}

/// The records of a file, counted by other means than the program's.
fn records_in(path: &Path) -> u64 {
    let bytes = fs::read(path).unwrap();
    let name = path.to_string_lossy();
    if name.ends_with(".csv") {
        return csv::Reader::from_reader(bytes.as_slice()).records().count() as u64;
    }
    if name.ends_with(".ndjson") {
        return bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count() as u64;
    }
    // What is no JSON was published as one record.
    let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
        return 1;
    };
    let list = document.as_array().or_else(|| document["value"].as_array());
    list.map_or(1, |list| list.len() as u64)
}

fn counts(sign_ins: u64, copies: u64, revisions: u64, rejects: u64, passed_over: u64) -> Counts {
    Counts {
        sign_ins,
        copies,
        revisions,
        rejects,
        passed_over,
    }
}

/// What a lake holds of each file, as DuckDB reads it.
#[derive(Debug, PartialEq)]
struct Stored {
    /// Table, file, offset, index; of rejects also reason and bytes in hexadecimal. In this order.
    rows: Vec<Vec<String>>,
}

impl Stored {
    fn of(lake: &Lake) -> Stored {
        let place = "origin_stream, origin_offset, origin_index";
        let rows = lake.duckdb_text(&format!(
            "SELECT 'sign_ins', {place}, '', '' FROM sign_ins \
             UNION ALL SELECT 'revisions', {place}, '', '' FROM sign_in_revisions \
             UNION ALL SELECT 'rejects', {place}, reason, hex(raw) FROM rejects ORDER BY 1, 2, 3, 4"
        ));
        Stored { rows }
    }

    fn rows<'a>(&'a self, table: &str, path: &Path) -> impl Iterator<Item = &'a Vec<String>> {
        let (table, file) = (table.to_owned(), path.display().to_string());
        self.rows
            .iter()
            .filter(move |row| row[0] == table && row[1] == file)
    }

    /// What is stored of a file; copies and records of other logs leave no rows.
    fn counts(&self, path: &Path) -> Counts {
        let count = |table| self.rows(table, path).count() as u64;
        counts(
            count("sign_ins"),
            0,
            count("revisions"),
            count("rejects"),
            0,
        )
    }

    fn reasons(&self, path: &Path) -> Vec<&str> {
        self.rows("rejects", path)
            .map(|row| row[4].as_str())
            .collect()
    }

    fn raw(&self, path: &Path) -> Vec<Vec<u8>> {
        self.rows("rejects", path)
            .map(|row| unhex(&row[5]))
            .collect()
    }

    /// The bytes of every reject stand in the file, in the record that its origin names.
    fn check_raw_bytes(&self, path: &Path) {
        let file = fs::read(path).unwrap();
        for row in self.rows("rejects", path) {
            let (from, raw) = (row[2].parse::<usize>().unwrap(), unhex(&row[5]));
            let found = file[from..]
                .windows(raw.len().max(1))
                .any(|window| window == raw);
            let shown = String::from_utf8_lossy(&raw);
            assert!(found, "{}: {shown}", path.display());
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// A fixture and what must become of it: counts, and the reasons of its rejects in order.
type Fixture = (&'static str, Counts, &'static [&'static str]);

fn fixtures() -> Vec<Fixture> {
    let all_new = |sign_ins| counts(sign_ins, 0, 0, 0, 0);
    let broken = &["truncated", "invalid_json"][..];
    let not_objects = &["not_an_object"; 5][..];
    let times = &[
        "missing_time",
        "invalid_time",
        "invalid_time",
        "not_a_sign_in",
    ][..];
    vec![
        ("InteractiveSignIns_portal.csv", all_new(2), &[]),
        ("NonInteractiveSignIns_portal.csv", all_new(1), &[]),
        ("array.json", all_new(2), &[]),
        ("array_of_envelopes.json", all_new(3), &[]),
        ("bare.json", all_new(1), &[]),
        ("broken_among_good.ndjson", counts(5, 0, 0, 2, 0), broken),
        ("byte_order_mark.json", all_new(1), &[]),
        ("concatenated.json", all_new(3), &[]),
        ("copies_and_revisions.ndjson", counts(1, 2, 1, 0, 0), &[]),
        ("defender.ndjson", all_new(1), &[]),
        ("duplicate_keys.ndjson", all_new(1), &[]),
        ("envelope.json", all_new(3), &[]),
        ("every_log.ndjson", all_new(5), &[]),
        ("graph_page.json", all_new(2), &[]),
        ("lines.ndjson", all_new(5), &[]),
        ("log_analytics.ndjson", all_new(1), &[]),
        ("lower_case.ndjson", all_new(1), &[]),
        ("not_objects.ndjson", counts(2, 0, 0, 5, 0), not_objects),
        ("not_utf8.ndjson", all_new(3), &[]),
        ("other_logs.ndjson", counts(0, 0, 0, 0, 4), &[]),
        ("pretty.json", all_new(2), &[]),
        ("repaired.ndjson", all_new(2), &[]),
        ("rows.csv", counts(0, 0, 0, 2, 0), &["not_a_sign_in"; 2]),
        ("short.csv", all_new(1), &[]),
        ("stringified.ndjson", all_new(3), &[]),
        ("times.ndjson", counts(1, 0, 0, 4, 0), times),
        ("type_drift.ndjson", all_new(2), &[]),
        ("utf16.json", all_new(1), &[]),
        ("what_is_missing.ndjson", counts(2, 1, 0, 0, 0), &[]),
        ("wrapped.json", all_new(1), &[]),
    ]
}

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sign_ins");
    folder.join(name).canonicalize().unwrap()
}

#[test]
fn every_shape_gives_its_records_and_every_reject_keeps_its_bytes() {
    let folder = fixture("");
    let lake = Lake::new();
    let told = lake.ingest(&[&folder]);
    let stored = Stored::of(&lake);
    let mut expected = Counts::default();
    for (name, counts, reasons) in fixtures() {
        let path = fixture(name);
        let rows = Counts {
            copies: 0,
            passed_over: 0,
            ..counts
        };
        assert_eq!(stored.counts(&path), rows, "{name}");
        assert_eq!(stored.reasons(&path), reasons, "{name}");
        stored.check_raw_bytes(&path);
        expected.sign_ins += counts.sign_ins;
        expected.copies += counts.copies;
        expected.revisions += counts.revisions;
        expected.rejects += counts.rejects;
        expected.passed_over += counts.passed_over;
    }
    assert_eq!(told, expected);
    assert_eq!(fixtures().len(), fs::read_dir(&folder).unwrap().count());
    check_broken_bytes(&stored);
    check_odd_values(&lake);
    assert_eq!(lake.ingest(&[&folder]), Counts::default());
    assert_eq!(Stored::of(&lake), stored);
}

/// The whole of what is broken and nothing of its neighbours.
fn check_broken_bytes(stored: &Stored) {
    let raw = |name: &str| stored.raw(&fixture(name));
    let line = |name: &str, number: usize| {
        let file = fs::read(fixture(name)).unwrap();
        let line = file.split(|byte| *byte == b'\n').nth(number);
        line.unwrap().to_vec()
    };
    let member = br#"{"time":"2026-03-13T16:00:00Z",  "category":oops, "properties":{"id":"}]{"}}"#;
    let broken = line("broken_among_good.ndjson", 1);
    assert_eq!(raw("broken_among_good.ndjson"), [broken, member.to_vec()]);
    let scalars: [&[u8]; 5] = [b"42", b"\"a sign-in\"", b"null", b"7", b"\"x\""];
    assert_eq!(raw("not_objects.ndjson"), scalars);
    let rows: [&[u8]; 2] = [
        b"2026-03-13T16:00:00Z,\"Miller, Ann\",Outlook",
        b"2026-03-13T16:01:00Z,\"two\r\nlines\",Teams",
    ];
    let found = raw("rows.csv");
    let found: Vec<&[u8]> = found.iter().map(|row| row.trim_ascii()).collect();
    assert_eq!(found, rows);
}

/// Every type drift has one defined reading; of a repeated key the last value counts.
fn check_odd_values(lake: &Lake) {
    let rows = lake.sql(
        "SELECT right(id, 4) AS number, asn, is_interactive, is_compliant, is_managed, device_os, \
         country, city, error_code, failure_reason, outcome, block_reason, category, protocol, \
         ip_address, event_time, user_display_name, user_agent, tenant_id, \
         authentication_requirement, conditional_access_status, password_verified, cardinality(policies) AS policies, flags FROM sign_ins",
    );
    let check = |number: &str, expected: Value| {
        let row = rows.iter().find(|row| row["number"] == number);
        let row = row.unwrap_or_else(|| panic!("no sign-in {number}"));
        for (column, value) in expected.as_object().unwrap() {
            assert_eq!(&row[column], value, "{column} of {number}");
        }
    };
    check(
        "0261",
        json!({
            "asn": 64500, "is_interactive": false, "is_compliant": null, "is_managed": null,
            "device_os": null, "country": "DE", "error_code": 53003, "failure_reason": null,
            "outcome": "blocked", "block_reason": "unexplained", "policies": 0,
        }),
    );
    check(
        "0262",
        json!({
            "asn": 64501, "is_interactive": false, "is_compliant": true, "is_managed": null,
            "device_os": "10", "country": null, "error_code": 53003, "failure_reason": null,
            "outcome": "blocked", "block_reason": "legacy_auth_policy", "policies": 2,
        }),
    );
    check(
        "0251",
        json!({ "category": "SignInLogs", "protocol": "imap" }),
    );
    check_other_shapes(&check);
    let published = json!({ "event_time": "2026-03-13T16:59:00Z", "flags": ["time_from_publish"] });
    check("0241", published);
    let lower = json!({ "category": "SignInLogs", "event_time": "2026-03-13T16:01:07.654790Z" });
    check("0181", lower);
}

/// Tables, JSON in texts and other encodings mean what a diagnostic record means.
fn check_other_shapes(check: &dyn Fn(&str, Value)) {
    let tenant = "6a5e9f3c-0d5b-4d0c-8f5e-2a7d9b1c4e60";
    check(
        "0301",
        json!({
            "category": "SignInLogs", "event_time": "2026-03-13T16:21:07Z", "error_code": 53003,
            "user_display_name": "Person, The\r\n301", "country": "AU", "city": "Melbourne",
            "is_compliant": false, "is_managed": null, "asn": 64500, "protocol": "activesync",
            "authentication_requirement": "singleFactorAuthentication", "tenant_id": tenant,
            "conditional_access_status": "failure", "flags": ["other_shape"],
        }),
    );
    check(
        "0302",
        json!({ "error_code": 0, "outcome": "success", "conditional_access_status": "notApplied" }),
    );
    check(
        "0303",
        json!({
            "category": "NonInteractiveUserSignInLogs", "is_interactive": false, "country": "DE",
            "city": null, "error_code": 50074, "protocol": "imap",
        }),
    );
    check(
        "0305",
        json!({
            "category": "NonInteractiveUserSignInLogs", "tenant_id": tenant, "city": "Delft",
            "event_time": "2026-03-13T16:25:07.654790Z", "policies": 1, "outcome": "blocked",
            "block_reason": "legacy_auth_policy", "password_verified": "yes",
            "flags": ["stringified", "other_shape"],
        }),
    );
    check(
        "0306",
        json!({
            "category": "SignInLogs", "error_code": 50126, "country": "FR", "is_managed": false,
            "is_compliant": true, "protocol": "pop", "policies": 1,
        }),
    );
    let unwrapped = ["stringified", "unwrapped"];
    for number in ["0307", "0308"] {
        let expected = json!({
            "error_code": 53003, "policies": 1, "device_os": "Windows 11", "flags": unwrapped,
        });
        check(number, expected);
    }
    check(
        "0309",
        json!({ "error_code": 53003, "protocol": "imap", "tenant_id": tenant }),
    );
    check("0310", json!({ "error_code": 0, "flags": ["unwrapped"] }));
    check(
        "0311",
        json!({ "user_display_name": "Zoë 😀", "flags": [] }),
    );
    check(
        "0312",
        json!({ "user_display_name": "O'Brien", "flags": ["sanitized"] }),
    );
    let repaired = json!({ "user_agent": "a\tb", "flags": ["sanitized", "number_range"] });
    check("0313", repaired);
}

fn shorts(from: u64, count: u64) -> Vec<String> {
    let record = |number| {
        let short = Short {
            number,
            user: 1,
            at: 1_773_417_600_000_000 + number as i64 * 1_000_000,
            client: OUTLOOK,
            code: 0,
            ip: 1,
        };
        short.json()
    };
    (from..from + count).map(record).collect()
}

#[test]
fn gzip_is_read_whatever_it_is_called_and_in_several_members() {
    let folder = tempfile::tempdir().unwrap();
    let packed = |records: &[String]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all((records.join("\n") + "\n").as_bytes())
            .unwrap();
        gzip.finish().unwrap()
    };
    let members = [packed(&shorts(0, 500)), packed(&shorts(500, 500))].concat();
    fs::write(folder.path().join("two.ndjson.gz"), members).unwrap();
    fs::write(
        folder.path().join("unnamed.log"),
        packed(&shorts(1000, 300)),
    )
    .unwrap();
    let lake = Lake::new();
    assert_eq!(lake.ingest(&[folder.path()]), counts(1300, 0, 0, 0, 0));
    assert_eq!(lake.ingest(&[folder.path()]), Counts::default());
}

#[test]
fn a_file_that_grew_goes_on_where_it_ended_and_one_that_was_replaced_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grows.ndjson");
    let write = |records: &[String]| fs::write(&file, records.join("\n") + "\n").unwrap();
    let lake = Lake::new();
    write(&shorts(0, 40));
    assert_eq!(lake.ingest(&[&file]), counts(40, 0, 0, 0, 0));
    write(&shorts(0, 100));
    assert_eq!(lake.ingest(&[&file]), counts(60, 0, 0, 0, 0));
    write(&shorts(90, 20));
    assert_eq!(lake.ingest(&[&file]), counts(10, 10, 0, 0, 0));
}

#[test]
fn a_lake_keeps_its_rows_however_its_folder_is_named() {
    let records = tempfile::tempdir().unwrap();
    let file = records.path().join("sign-ins.ndjson");
    fs::write(&file, shorts(0, 3).join("\n")).unwrap();
    for name in ["lake", "our lake", "Übersicht", "a'b#c?d", "100%"] {
        let lake = Lake::named(name);
        let folder = lake.path().parent().unwrap();
        // Relative, as people type it.
        let run = |arguments: &[&str]| {
            let mut command = crate::support::signloop();
            crate::support::output(command.args(arguments).current_dir(folder))
        };
        let file = file.to_str().unwrap();
        run(&["ingest", "--lake", name, file]);
        run(&["ingest", "--lake", name, file]);
        let count = "SELECT count(*) FROM sign_ins";
        let rows = run(&["sql", "--lake", name, "--format", "csv", count]);
        assert_eq!(rows.lines().last(), Some("3"), "{name}");
    }
}
