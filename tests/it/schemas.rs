//! The data tables hold what they promise, and what is written about tables and views is what the
//! program declares.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;
use signloop::domain::failure_class::{Ends, FailureClass};
use signloop::domain::policy::{ControlKind, PolicyResult};
use signloop::domain::sign_in::{AuthClass, Channel, PasswordVerified, Protocol};
use signloop::lake::{document, sql};

use crate::prometheus_rules::{read, shipped};
use crate::support::{Lake, VIEWS};

/// Set to write the documents instead of comparing them.
pub(crate) const UPDATE: &str = "SIGNLOOP_UPDATE";
const HOW_TO_UPDATE: &str = "run: SIGNLOOP_UPDATE=1 cargo test --profile demo --test it schemas::";

type Row = BTreeMap<String, String>;

/// The rows of a table under `schemas/`; every row has all cells and says where it comes from.
fn table(name: &str, key: &[&str]) -> Vec<Row> {
    let text = read(&format!("schemas/{name}.csv"));
    assert!(
        !text.contains('\r') && text.ends_with('\n'),
        "{name}: lines end with LF"
    );
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Row> = reader.deserialize().map(|row| row.unwrap()).collect();
    let mut keys = BTreeSet::new();
    for row in &rows {
        assert!(
            !row["source"].trim().is_empty(),
            "{name}: no source in {row:?}"
        );
        for cell in row.values() {
            assert_eq!(cell, cell.trim(), "{name}: blanks around a cell of {row:?}");
        }
        let key: Vec<&str> = key.iter().map(|column| row[*column].as_str()).collect();
        assert!(keys.insert(key.clone()), "{name}: {key:?} is there twice");
    }
    assert!(!rows.is_empty(), "{name} is empty");
    rows
}

/// The words in backticks after `marker` in `schemas/README.md`, up to the end of the sentence.
fn listed(marker: &str) -> BTreeSet<String> {
    let readme = read("schemas/README.md").replace("\n  ", " ");
    let after = readme
        .split_once(marker)
        .unwrap_or_else(|| panic!("no {marker:?} in the README"))
        .1;
    let sentence = after.split(['.', '\n']).next().unwrap_or_default();
    let words = sentence.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[track_caller]
fn all_in(rows: &[Row], column: &str, list: &BTreeSet<String>) {
    for row in rows {
        let value = &row[column];
        assert!(
            value.is_empty() || list.contains(value),
            "{column} is {value:?} in {row:?}"
        );
    }
}

fn never_empty(rows: &[Row], columns: &[&str]) {
    for row in rows {
        for column in columns {
            assert!(!row[*column].is_empty(), "no {column} in {row:?}");
        }
    }
}

fn names<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> BTreeSet<String> {
    all.iter().map(|it| name(*it).to_owned()).collect()
}

#[test]
fn client_apps_and_groups_speak_of_classes_protocols_and_channels_that_exist() {
    let protocols = names(Protocol::ALL, Protocol::name);
    assert_eq!(
        listed("`protocol` is one of"),
        protocols,
        "the README's list of protocols"
    );
    let apps = table("client_apps", &["value"]);
    never_empty(&apps, &["auth_class", "protocol"]);
    all_in(&apps, "auth_class", &listed("`auth_class` is"));
    all_in(&apps, "protocol", &protocols);
    for app in &apps {
        assert_eq!(
            app["value"],
            app["value"].to_lowercase(),
            "values are lower case"
        );
    }

    let groups = table("client_groups", &["protocol", "client_group"]);
    never_empty(&groups, &["client_group"]);
    all_in(&groups, "protocol", &protocols);
    let channels = names(Channel::ALL, Channel::name);
    for row in &groups {
        let recovered_by = row["recovered_by"].split_whitespace();
        recovered_by.for_each(|channel| assert!(channels.contains(channel), "{row:?}"));
    }
    let covered = groups.iter().map(|row| row["protocol"].clone());
    let covered: Vec<String> = covered.filter(|protocol| !protocol.is_empty()).collect();
    assert_eq!(
        covered.len(),
        protocols.len(),
        "a protocol belongs to one group"
    );
    let covered = BTreeSet::from_iter(covered);
    assert_eq!(covered, protocols, "every protocol belongs to a group");

    let overrides = table("client_group_overrides", &["client_family", "protocol"]);
    let mut with_any = protocols;
    with_any.insert("*".to_owned());
    all_in(&overrides, "protocol", &with_any);
    all_in(
        &overrides,
        "client_family",
        &listed("`client_family` is one of"),
    );
}

#[test]
fn error_codes_have_a_number_a_class_and_a_meaning() {
    let codes = table("error_codes", &["code"]);
    never_empty(&codes, &["class", "meaning"]);
    let classes = names(FailureClass::ALL, FailureClass::name);
    assert_eq!(listed("`class` is one of"), classes, "the README's list");
    all_in(&codes, "class", &classes);
    let numbers: Vec<i32> = codes
        .iter()
        .map(|row| row["code"].parse().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "codes are in order");
}

#[test]
fn every_class_of_codes_says_what_it_does_and_means_what_the_program_says() {
    let classes = table("failure_classes", &["class"]);
    let ends = names(Ends::ALL, Ends::name);
    let passwords = names(PasswordVerified::ALL, PasswordVerified::name);
    never_empty(&classes, &["ends", "ends_legacy", "password_verified"]);
    all_in(&classes, "ends", &ends);
    all_in(&classes, "ends_legacy", &ends);
    all_in(&classes, "password_verified", &passwords);
    let meanings = classes
        .iter()
        .map(|row| (row["class"].as_str(), row["meaning"].as_str()));
    let declared = FailureClass::ALL.iter();
    let declared: Vec<_> = declared
        .map(|class| (class.name(), class.meaning()))
        .collect();
    assert_eq!(meanings.collect::<Vec<_>>(), declared);
}

#[test]
fn grant_controls_and_token_protocols_are_lower_case_and_of_listed_kinds() {
    let controls = table("grant_controls", &["match", "control"]);
    never_empty(&controls, &["match", "control", "kind"]);
    let kinds = names(ControlKind::ALL, ControlKind::name);
    assert_eq!(
        listed("`kind` of a control is one of"),
        kinds,
        "the README's list"
    );
    all_in(&controls, "kind", &kinds);
    let protocols = table("authentication_protocols", &["value"]);
    never_empty(&protocols, &["value", "auth_class"]);
    all_in(
        &protocols,
        "auth_class",
        &names(AuthClass::ALL, AuthClass::name),
    );
    let words = controls.iter().map(|row| &row["control"]);
    for word in words.chain(protocols.iter().map(|row| &row["value"])) {
        assert_eq!(*word, word.to_lowercase());
    }
}

/// Two copies of a sign-in; in the later one the policy says this.
fn copies(result: &str) -> String {
    let copy = |minute: u32, result: &str| {
        format!(
            r#"{{"time":"2026-03-12T23:5{minute}:00Z","category":"SignInLogs","properties":{{
            "id":"a{result}","createdDateTime":"2026-03-12T23:50:00Z","status":{{"errorCode":53003}},
            "appliedConditionalAccessPolicies":[{{"id":"p","result":"{result}"}}]}}}}"#
        )
        .replace('\n', "")
    };
    let second = copy(2, result);
    let first = copy(1, result).replace(&format!(r#""result":"{result}""#), r#""result":"1""#);
    format!("{first}\n{second}\n")
}

#[test]
fn the_view_and_the_merge_read_a_result_alike_however_it_is_spelt() {
    let spellings = [
        "notApplied",
        "NOTAPPLIED",
        "2",
        "notEnabled",
        "NotEnabled",
        "3",
    ];
    let others = ["success", "0", "8", "reportOnlyNotApplied", "interrupt"];
    let results: Vec<&str> = spellings.into_iter().chain(others).collect();
    let lake = Lake::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copies.ndjson");
    let records: Vec<String> = results.iter().map(|result| copies(result)).collect();
    fs::write(&file, records.concat()).unwrap();
    lake.ingest(&[&file]);
    let rows = lake.sql("SELECT id, policies FROM sign_ins_latest");
    assert_eq!(rows.len(), results.len());
    for row in rows {
        let later = row["id"].as_str().unwrap().strip_prefix('a').unwrap();
        let expected = if PolicyResult::took_part(later) {
            later
        } else {
            "1"
        };
        let policies = row["policies"].as_array().unwrap();
        assert_eq!(policies.len(), 1, "{row}");
        assert_eq!(policies[0]["result"], expected, "{row}");
    }
}

#[test]
fn user_agents_and_applications_name_software_that_is_listed() {
    let families = listed("`client_family` is one of");
    let agents = table("user_agents", &["match", "pattern"]);
    never_empty(&agents, &["match", "pattern", "client_family"]);
    all_in(&agents, "match", &listed("`match` is"));
    all_in(&agents, "client_family", &families);
    all_in(
        &agents,
        "auth_class",
        &names(AuthClass::ALL, AuthClass::name),
    );
    all_in(&agents, "protocol", &names(Protocol::ALL, Protocol::name));
    check_order(&agents);

    let applications = table("applications", &["app_id"]);
    never_empty(&applications, &["app_id", "name", "kind"]);
    all_in(&applications, "client_family", &families);
    all_in(&applications, "kind", &listed("`kind` is one of"));
    for row in &applications {
        let id = &row["app_id"];
        let guid = signloop::domain::signal::parse_guid(id).is_some();
        assert!(guid && *id == id.to_lowercase(), "{row:?}");
    }
}

/// A row that an earlier one always covers would never be reached.
fn check_order(agents: &[Row]) {
    for (place, later) in agents.iter().enumerate() {
        for earlier in &agents[..place] {
            let (wide, narrow) = (&earlier["pattern"], &later["pattern"]);
            let covers = match earlier["match"].as_str() {
                "contains" => narrow.contains(wide.as_str()),
                _ => later["match"] == "prefix" && narrow.starts_with(wide.as_str()),
            };
            assert!(
                !covers,
                "{narrow:?} is never reached: {wide:?} comes before it"
            );
        }
    }
}

#[derive(Deserialize)]
struct Causes {
    cause: Vec<Cause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cause {
    name: String,
    title: String,
    why: String,
    tell_user: String,
    commands: Vec<String>,
    #[serde(default)]
    undo: Vec<String>,
    weakens_security: bool,
    source: String,
}

#[test]
fn every_cause_tells_people_what_to_do_and_says_so_when_it_weakens_security() {
    let causes: Causes = toml::from_str(&read("schemas/causes.toml")).unwrap();
    let mut known = BTreeSet::new();
    for cause in &causes.cause {
        assert!(known.insert(&cause.name), "{} is there twice", cause.name);
        for text in [&cause.title, &cause.why, &cause.tell_user, &cause.source] {
            assert!(!text.trim().is_empty(), "{} lacks a text", cause.name);
        }
        let warned = cause
            .commands
            .iter()
            .any(|line| line.starts_with("# Weakens security"));
        assert_eq!(warned, cause.weakens_security, "{}", cause.name);
        assert!(
            !warned || !cause.undo.is_empty(),
            "{} cannot be undone",
            cause.name
        );
    }
    assert_eq!(known.len(), 23, "the causes of the design, and unknown");
}

#[test]
fn the_views_are_the_files_there_are() {
    let files = fs::read_dir(shipped("schemas/views")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let declared: BTreeSet<String> = sql::VIEWS
        .iter()
        .map(|(name, _)| format!("{name}.sql"))
        .collect();
    assert_eq!(files, declared);
    assert_eq!(sql::VIEWS.map(|(name, _)| name), VIEWS);
    for (name, text) in sql::VIEWS {
        assert_eq!(text, read(&format!("schemas/views/{name}.sql")));
        assert!(text.starts_with("-- "), "{name} says what it shows");
    }
}

#[test]
fn the_document_of_tables_is_what_the_program_declares() {
    let declared = document::tables_markdown();
    if std::env::var_os(UPDATE).is_some() {
        fs::write(shipped("schemas/tables.md"), &declared).unwrap();
    }
    let written = fs::read_to_string(shipped("schemas/tables.md")).unwrap_or_default();
    let differs = declared
        .lines()
        .zip(written.lines())
        .find(|(left, right)| left != right);
    assert!(
        declared == written,
        "schemas/tables.md is not up to date, {HOW_TO_UPDATE}\n{differs:?}"
    );
}
