//! `signloop explain` tells why a sign-in was judged as it was: from a file, standard input or the
//! lake, for people and for programs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use signloop::domain::classify::Classifier;
use signloop::domain::classify::trace::{Step, Steps};
use signloop::domain::decode::normalise::{Normalised, normalise};
use signloop::domain::decode::{Decoder, Piece};
use signloop::domain::knowledge::Knowledge;
use signloop::domain::signal::Facts;
use signloop::generate::tenant;
use tempfile::TempDir;

use crate::harness::process;
use crate::prometheus_rules::shipped;
use crate::support::{Ended, Lake, output, run, signloop, signloop_with};
use crate::weekend::plan;

const INVALID: i32 = 3;
const USAGE: i32 = 2;

/// Set to write the texts instead of comparing them.
const UPDATE: &str = "SIGNLOOP_UPDATE";

const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
const OFFICE: &str = "d3590ed6-52b3-4102-aeff-aad2292ab01c";

/// A record with these fields of `properties` beside those that every one has.
fn record(number: u32, fields: &Value) -> String {
    let mut properties = json!({
        "id": format!("b0000000-0000-4000-8000-{number:012x}"),
        "createdDateTime": "2026-03-13T16:31:07.6547905Z",
        "userId": format!("00000000-1111-4222-8333-{number:012x}"),
        "userPrincipalName": format!("person{number}@tidewater.example"),
        "resourceId": EXCHANGE,
    });
    for (key, value) in fields.as_object().unwrap() {
        properties[key] = value.clone();
    }
    json!({
        "time": "2026-03-13T16:59:00Z",
        "category": "SignInLogs",
        "tenantId": "6a5e9f3c-0d5b-4d0c-8f5e-2a7d9b1c4e60",
        "properties": properties,
    })
    .to_string()
}

/// Blocked by a policy on the type of client; another one only reports, a third does not apply.
fn legacy_block() -> String {
    record(
        1,
        &json!({
            "clientAppUsed": "Other clients; IMAP",
            "userAgent": "Thunderbird",
            "appId": EXCHANGE,
            "status": {"errorCode": 53003},
            "authenticationDetails": [{"authenticationMethod": "Password", "succeeded": true}],
            "appliedConditionalAccessPolicies": [
                {"id": "p-1", "displayName": "MFA for all", "result": "notApplied",
                 "enforcedGrantControls": ["Mfa"],
                 "conditionsSatisfied": 3, "conditionsNotSatisfied": 16},
                {"id": "p-2", "displayName": "Block legacy authentication", "result": "failure",
                 "enforcedGrantControls": ["Block"],
                 "conditionsSatisfied": 19, "conditionsNotSatisfied": 0},
                {"id": "p-3", "displayName": "Block countries", "result": "reportOnlyFailure",
                 "enforcedGrantControls": ["Block"],
                 "conditionsSatisfied": 11, "conditionsNotSatisfied": 0},
            ],
        }),
    )
}

/// A modern client app by name, but the user agent is that of basic authentication by proxy.
fn proxied_basic() -> String {
    record(
        2,
        &json!({
            "clientAppUsed": "Mobile Apps and Desktop clients",
            "userAgent": "BAV2ROPC",
            "appId": EXCHANGE,
            "authenticationProtocol": "ropc",
            "status": {"errorCode": 50126},
        }),
    )
}

/// A step on the way of a modern client.
fn modern_interrupt() -> String {
    record(
        3,
        &json!({
            "clientAppUsed": "Mobile Apps and Desktop clients",
            "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
            "appId": OFFICE,
            "authenticationProtocol": "none",
            "status": {"errorCode": 50076},
        }),
    )
}

/// A file with this content in a folder of its own.
fn file_with(content: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.json");
    fs::write(&path, content).unwrap();
    let path = path.canonicalize().unwrap();
    (folder, path.to_str().unwrap().to_owned())
}

/// What is told about a file, with its path replaced.
#[track_caller]
fn told(content: impl AsRef<[u8]>) -> String {
    let (_folder, path) = file_with(content);
    output(signloop().args(["explain", &path])).replace(&path, "FILE")
}

/// The records of the document that is told about a file.
#[track_caller]
fn document(content: impl AsRef<[u8]>) -> Vec<Value> {
    let (_folder, path) = file_with(content);
    records(&output(
        signloop().args(["explain", "--format", "json", &path]),
    ))
}

#[track_caller]
fn records(document: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["schema_version"], 1);
    assert_eq!(document["taxonomy_version"], 2);
    document["records"].as_array().unwrap().clone()
}

/// What was decided about a part: the answer and the rule.
fn decision<'a>(record: &'a Value, part: &str) -> (&'a str, &'a str) {
    let decisions = record["decisions"].as_array().unwrap();
    let found = decisions.iter().find(|decision| decision["part"] == part);
    let found = found.unwrap_or_else(|| panic!("{part} was not decided in {record:#}"));
    (
        found["decided"].as_str().unwrap(),
        found["rule"].as_str().unwrap(),
    )
}

/// Exit code and the sentence.
#[track_caller]
fn check(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.err);
    assert!(ended.err.starts_with("signloop: "), "{}", ended.err);
    assert_eq!(ended.err.trim_end().lines().count(), 1, "{}", ended.err);
    for part in parts {
        assert!(ended.err.contains(part), "no {part:?} in: {}", ended.err);
    }
}

/// Runs with something on standard input.
fn piped(arguments: &[&str], input: &[u8]) -> Ended {
    let output = process::run(signloop().args(arguments), input);
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_block_a_proxied_password_and_an_interrupt_are_told_in_full() {
    for (name, record) in [
        ("legacy_block", legacy_block()),
        ("proxied_basic", proxied_basic()),
        ("modern_interrupt", modern_interrupt()),
    ] {
        let path = shipped(&format!("tests/fixtures/explain/{name}.txt"));
        let text = told(record);
        if std::env::var_os(UPDATE).is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "run: {UPDATE}=1 … --test it explain::");
    }
}

#[test]
fn the_document_has_verdict_policies_decisions_and_the_rows_that_were_used() {
    let record = document(legacy_block()).remove(0);
    assert_eq!(record["became"], "sign_in");
    assert_eq!(
        record["verdict"],
        json!({"auth_class": "legacy", "auth_class_reason": "client_app", "protocol": "imap",
            "client_family": "thunderbird", "outcome": "blocked",
            "block_reason": "legacy_auth_policy",
            "failure_class": "ca_block", "password_verified": "yes", "channel": null})
    );
    let policies = record["policies"].as_array().unwrap();
    let blocked: Vec<&Value> = policies
        .iter()
        .filter(|policy| policy["blocked"] == true)
        .collect();
    assert_eq!(
        blocked,
        [
            &json!({"id": "p-2", "name": "Block legacy authentication", "result": "failure",
            "grant_controls": ["Block"], "conditions_satisfied": "application,users,clientType",
            "conditions_not_satisfied": "none", "blocked": true, "reason": "legacy_auth_policy"})
        ]
    );
    assert_eq!(
        decision(&record, "block_reason"),
        ("legacy_auth_policy", "failing_policies")
    );
    assert_eq!(
        decision(&record, "password_verified"),
        ("yes", "password_step")
    );
    assert_eq!(decision(&record, "signal"), ("attempt", "attempt"));
    assert_eq!(
        decision(&record, "client_group"),
        ("imap_pop", "client_family")
    );
    let class = &record["decisions"][0];
    let tried: Vec<&Value> = class["tried"].as_array().unwrap().iter().collect();
    assert_eq!(
        (
            tried.len(),
            &tried[0]["applies"],
            &tried[1]["evidence"][0]["row"]["key"]
        ),
        (2, &json!(false), &json!("imap"))
    );
    assert_eq!(record["origin"]["offset"], 0);
}

#[test]
fn rejects_and_records_of_other_logs_are_told_with_the_reason() {
    let path = shipped("tests/fixtures/sign_ins/broken_among_good.ndjson");
    let found = records(&output(
        signloop().args(["explain", "--format", "json"]).arg(path),
    ));
    let rejected: Vec<&Value> = found
        .iter()
        .filter(|record| record["became"] == "reject")
        .collect();
    assert!(!rejected.is_empty() && rejected.len() < found.len());
    assert!(
        rejected
            .iter()
            .all(|record| record["reason"].is_string() && record["detail"].is_string())
    );
    let text = told(format!(
        "{}\n[17]\n{{\"category\":\"AuditLogs\"}}\n",
        legacy_block()
    ));
    assert!(
        text.contains("reject: not_an_object, a record must be a JSON object\n"),
        "{text}"
    );
    assert!(
        text.contains("passed over: a record of another log, AuditLogs\n"),
        "{text}"
    );
}

#[test]
fn what_an_attacker_writes_neither_reaches_the_terminal_nor_fills_it() {
    let agent = format!("\u{1b}[2J\u{9b}2J\u{202e}{}", "x".repeat(5_000));
    let hostile = record(
        4,
        &json!({"clientAppUsed": "a\nb", "userAgent": agent, "status": {"errorCode": 0}}),
    );
    let text = told(&hostile);
    let harmful = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
    assert!(!text.contains(harmful), "{text:?}");
    assert!(text.contains("… (5,008 characters)"), "{text}");
    assert!(text.contains("clientAppUsed = a\u{fffd}b"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 600));

    let (_folder, path) = file_with(&hostile);
    let written = output(signloop().args(["explain", "--format", "json", &path]));
    assert!(!written.contains(harmful));
    let whole = records(&written)[0].to_string();
    let said: Value = serde_json::from_str(&whole).unwrap();
    let said = said["decisions"][0]["tried"][2]["evidence"][0]["value"].clone();
    assert_eq!(said, json!(agent), "the document has the value as it was");
}

#[test]
fn standard_input_is_read_like_a_file() {
    let page = format!(
        "{{\"records\":[\n{},\n{}\n]}}",
        proxied_basic(),
        modern_interrupt()
    );
    let ended = piped(&["explain", "-", "--format", "json"], page.as_bytes());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let found = records(&ended.out);
    let outcomes: Vec<&Value> = found
        .iter()
        .map(|record| &record["verdict"]["outcome"])
        .collect();
    assert_eq!(outcomes, ["failed", "interrupted"]);
    assert_eq!(found[1]["origin"]["stream"], "standard input");
    assert_eq!(found[1]["origin"]["index"], 1);
    check(
        &piped(&["explain", "-"], b" \n"),
        INVALID,
        &["there is no record in standard input"],
    );
}

#[test]
fn a_file_that_is_missing_empty_or_cut_off_is_told_in_one_sentence() {
    check(
        &signloop_with(["explain", "no-such-file.json"]),
        INVALID,
        &["cannot read no-such-file.json", "check the path"],
    );
    let (_folder, empty) = file_with("");
    check(
        &signloop_with(["explain", &empty]),
        INVALID,
        &["there is no record in", &empty],
    );
    let half = format!("{}\n{}", legacy_block(), &proxied_basic()[..100]);
    let (_folder, half) = file_with(half);
    let ended = signloop_with(["explain", &half]);
    check(&ended, INVALID, &[&half, "in the middle of a record"]);
    assert!(ended.out.starts_with("sign-in b0000000-"), "{}", ended.out);
    assert_eq!(signloop_with(["explain"]).code, Some(USAGE));
    assert_eq!(
        signloop_with(["explain", &half, "--id", "x"]).code,
        Some(USAGE)
    );
}

/// Ingests the three records, keeping these of them whole.
fn lake_of(raw: &str) -> Lake {
    let lake = Lake::new();
    let lines = [legacy_block(), proxied_basic(), modern_interrupt()].join("\n");
    let (_folder, path) = file_with(lines);
    let mut command = signloop();
    command.args(["ingest", "--raw", raw, "--lake"]);
    output(command.arg(lake.path()).arg(path));
    lake
}

fn explain_id(lake: &Lake, id: &str) -> Ended {
    let mut command = signloop();
    command.args(["explain", "--format", "json", "--id", id, "--lake"]);
    run(command.arg(lake.path()))
}

#[test]
fn a_sign_in_of_the_lake_is_told_as_it_was_when_it_came_in() {
    let from_file = document([legacy_block(), proxied_basic(), modern_interrupt()].join("\n"));
    for raw in ["all", "none"] {
        let lake = lake_of(raw);
        for expected in &from_file {
            let ended = explain_id(&lake, expected["id"].as_str().unwrap());
            assert_eq!(ended.code, Some(0), "{}", ended.err);
            let found = &records(&ended.out)[0];
            assert_eq!(found["origin"]["table"], "sign_ins");
            assert_eq!(found["origin"]["offset"], expected["origin"]["offset"]);
            assert_eq!(found["verdict"], expected["verdict"]);
            assert_eq!(found["policies"], expected["policies"]);
            assert_eq!(found["stored"]["differs"], json!([]));
            if raw == "all" {
                assert_eq!(found["stored"]["explained_from"], "raw");
                assert_eq!(found["decisions"], expected["decisions"]);
            } else {
                assert_eq!(found["stored"]["explained_from"], "columns");
                assert_eq!(
                    decision(found, "block_reason"),
                    decision(expected, "block_reason")
                );
            }
        }
    }
}

#[test]
fn what_the_columns_do_not_hold_is_told_as_a_difference() {
    let lake = Lake::new();
    let steps = json!([{"authenticationMethod": "Password", "succeeded": true}]);
    let interrupt = json!({"clientAppUsed": "Browser", "status": {"errorCode": 50076},
        "authenticationDetails": steps});
    let (_folder, path) = file_with(record(5, &interrupt));
    lake.ingest(&[Path::new(&path)]);
    let id = "b0000000-0000-4000-8000-000000000005";
    let found = records(&explain_id(&lake, id).out).remove(0);
    assert_eq!(
        found["stored"]["differs"],
        json!([{"column": "password_verified", "stored": "yes", "today": "unknown"}])
    );
    let mut command = signloop();
    command.args(["explain", "--id", id, "--lake"]);
    let text = output(command.arg(lake.path()));
    assert!(text.contains("told from the columns"), "{text}");
    assert!(
        text.contains("the lake has password_verified yes by version 2, these rules have unknown"),
        "{text}"
    );
}

#[test]
fn what_was_kept_in_another_form_is_read_again_all_the_same() {
    let lake = Lake::new();
    // A name in Latin-1, and a row of a table, which says nothing without its header.
    let latin = legacy_block().replace("Thunderbird", "M\u{fc}nchen");
    let latin: Vec<u8> = latin.chars().map(|letter| letter as u8).collect();
    let (_folder, latin) = file_with(latin);
    let table = "Date (UTC),Request ID,User ID,Username,Application,Client app,Status,Sign-in error code\n\
                 2026-03-13T16:31:07Z,c0000000-0000-4000-8000-000000000001,00000000-1111-4222-8333-000000000001,\
                 person1@tidewater.example,Office,IMAP4,Failure,53003\n";
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("InteractiveSignIns.csv");
    fs::write(&csv, table).unwrap();
    lake.ingest(&[Path::new(&latin), &csv]);
    for (id, from, outcome) in [
        ("b0000000-0000-4000-8000-000000000001", "raw", "blocked"),
        ("C0000000-0000-4000-8000-000000000001", "columns", "blocked"),
    ] {
        let ended = explain_id(&lake, id);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let found = &records(&ended.out)[0];
        assert_eq!(found["became"], "sign_in", "{found}");
        assert_eq!(found["stored"]["explained_from"], from);
        assert_eq!(found["stored"]["differs"], json!([]));
        assert_eq!(found["verdict"]["outcome"], outcome);
    }
    let text = output(
        signloop()
            .args([
                "explain",
                "--id",
                "c0000000-0000-4000-8000-000000000001",
                "--lake",
            ])
            .arg(lake.path()),
    );
    assert!(text.contains("says too little by itself"), "{text}");
}

#[test]
fn flags_and_the_exact_time_are_told() {
    let record = record(
        4,
        &json!({"clientAppUsed": "Telepathy", "status": {"errorCode": 0}}),
    );
    let found = &document(&record)[0];
    assert_eq!(found["event_time"], "2026-03-13T16:31:07.65479Z");
    assert_eq!(found["flags"], json!(["unknown_client_app"]));
    let text = told(&record);
    assert!(text.contains("2026-03-13T16:31:07.65479Z"), "{text}");
    assert!(text.contains("  flags: unknown_client_app\n"), "{text}");
}

#[test]
fn an_id_that_is_not_there_is_told_and_no_query() {
    let lake = lake_of("none");
    for id in ["no-such-id", "' OR '1' = '1", ""] {
        let ended = explain_id(&lake, id);
        check(
            &ended,
            INVALID,
            &[
                "no sign-in in the lake",
                &format!("has the id \"{id}\""),
                "SELECT event_time",
            ],
        );
        assert_eq!(ended.out, "");
    }
    let nowhere = Lake::new();
    check(
        &explain_id(&nowhere, "x"),
        INVALID,
        &["does not exist", "signloop ingest"],
    );
}

#[test]
fn who_asks_for_the_rules_of_a_whole_weekend_gets_the_same_verdicts() {
    let (mut plain, mut traced) = (
        Classifier::new(Knowledge::builtin()),
        Classifier::new(Knowledge::builtin()),
    );
    let mut judged = 0;
    let plan = plan(60);
    for event in tenant(&plan).events() {
        Decoder::default().decode(event.json.as_bytes(), &mut |piece| {
            let Piece::Record { record, .. } = piece else {
                panic!("every generated record is read");
            };
            let Normalised::SignIn(sign_in) = normalise(record, None) else {
                return;
            };
            let mut steps = Steps::default();
            let verdict = traced.classify_traced(&sign_in, &mut steps);
            assert_eq!(plain.classify(&sign_in), verdict);
            let facts = Facts::of(&sign_in, &verdict);
            let signal = facts.signal_traced(Knowledge::builtin(), &mut steps);
            assert_eq!(facts.signal(Knowledge::builtin()), signal);
            let last: Vec<&Step> = steps.decisions().filter_map(<[Step]>::last).collect();
            assert_eq!(last[0].rule, verdict.auth_class_reason);
            assert_eq!(last[0].decided, Some(verdict.auth_class.name()));
            judged += 1;
        });
    }
    assert!(judged > 1_000, "{judged} sign-ins");
}
