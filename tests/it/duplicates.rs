//! A sign-in that comes several times is one: in `sign_ins`, in what is counted, and merged in the
//! view `sign_ins_latest`, in whatever order, number and runs its copies come.
//!
//! What the view says is held against the merge of the library over the stored rows, against
//! another engine, and against what people would say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use signloop::domain::merge::{MergedSignIn, PolicyKey, PolicySaid, SignInCopy, Stamp, Standing};
use signloop::domain::sign_in::Outcome;

use crate::engines::compare;
use crate::support::{Client, Counts, Lake, OUTLOOK, Short, TENANT, instant, upn};

/// What the status and the verdict bring along; the other columns are facts.
const OF_THE_STATUS: [&str; 21] = [
    "error_code",
    "failure_reason",
    "conditional_access_status",
    "auth_class",
    "auth_class_reason",
    "taxonomy_version",
    "protocol",
    "client_family",
    "outcome",
    "block_reason",
    "failure_class",
    "blocking_policies",
    "password_verified",
    "channel",
    "flags",
    "content_hash",
    "origin_stream",
    "origin_partition",
    "origin_offset",
    "origin_index",
    "raw",
];

/// A record of a browser's sign-in on 12 March; `own` adds and replaces fields.
fn record(id: &str, published: &str, code: i32, policies: &[(&str, &str)], own: Value) -> String {
    let policies = policies.iter().map(|(policy, result)| {
        let name = format!("Policy {policy}");
        json!({ "id": policy, "displayName": name, "result": result })
    });
    let mut properties = json!({
        "id": id,
        "createdDateTime": "2026-03-12T23:50:00Z",
        "userId": "00000000-1111-4222-8333-00000000000a",
        "userPrincipalName": "ana@tidewater.example",
        "clientAppUsed": "Browser",
        "status": { "errorCode": code },
        "appliedConditionalAccessPolicies": policies.collect::<Vec<_>>(),
    });
    let mut tenant = Some(TENANT);
    for (name, value) in own.as_object().expect("fields are an object") {
        match name.as_str() {
            "tenantId" => tenant = None,
            _ => properties[name] = value.clone(),
        }
    }
    json!({
        "time": published,
        "category": "SignInLogs",
        "tenantId": tenant,
        "properties": properties,
    })
    .to_string()
}

/// The copies of six sign-ins, each copy with another content.
fn copies() -> Vec<String> {
    let next_day = json!({ "createdDateTime": "2026-03-13T00:10:00Z" });
    let no_tenant = json!({ "tenantId": null });
    vec![
        // Split, for so many policies looked at it; the last part knows of the risk.
        record(
            "split",
            "2026-03-12T23:52:00Z",
            53003,
            &[("p1", "failure"), ("p2", "notApplied")],
            json!({ "userDisplayName": "Ana", "location": { "city": "Faro" } }),
        ),
        record(
            "split",
            "2026-03-12T23:53:00Z",
            53003,
            &[
                ("p3", "reportOnlyFailure"),
                ("p2", "success"),
                ("p1", "notApplied"),
            ],
            json!({ "status": { "errorCode": 53003, "failureReason": "Blocked." } }),
        ),
        record(
            "split",
            "2026-03-13T01:00:00Z",
            53003,
            &[("p1", "notEnabled"), ("p4", "notApplied")],
            json!({ "riskState": "atRisk", "userDisplayName": "Ana M." }),
        ),
        // The second factor is asked for and given; the first step is published again, and later.
        record(
            "mfa",
            "2026-03-12T23:52:00Z",
            50074,
            &[("p1", "failure")],
            json!({ "status": { "errorCode": 50074, "failureReason": "MFA." } }),
        ),
        record(
            "mfa",
            "2026-03-12T23:55:00Z",
            0,
            &[("p1", "success")],
            json!({}),
        ),
        record(
            "mfa",
            "2026-03-13T02:00:00Z",
            50074,
            &[("p1", "notApplied")],
            json!({ "riskState": "none", "deviceDetail": { "operatingSystem": "iOS" } }),
        ),
        // Published at once: the content settles it.
        record(
            "tie",
            "2026-03-12T23:52:00Z",
            0,
            &[],
            json!({ "userDisplayName": "A" }),
        ),
        record(
            "tie",
            "2026-03-12T23:52:00Z",
            0,
            &[],
            json!({ "userDisplayName": "B" }),
        ),
        // On two dates, and so two rows of `sign_ins`.
        record(
            "dates",
            "2026-03-13T00:12:00Z",
            0,
            &[("p1", "success")],
            next_day,
        ),
        record(
            "dates",
            "2026-03-12T23:52:00Z",
            50126,
            &[("p5", "failure")],
            json!({}),
        ),
        record(
            "stray",
            "2026-03-12T23:52:00Z",
            50126,
            &[],
            no_tenant.clone(),
        ),
        record(
            "stray",
            "2026-03-12T23:58:00Z",
            50053,
            &[("p1", "success")],
            no_tenant,
        ),
        record(
            "alone",
            "2026-03-12T23:52:00Z",
            0,
            &[("p1", "success")],
            json!({}),
        ),
    ]
}

/// Rows of `sign_ins`, and of `sign_in_revisions`: one content is not stored twice.
const SIGN_INS: u64 = 7;
const REVISIONS: u64 = 6;

/// Ingests records of one run.
fn ingest(lake: &Lake, records: &[&String]) -> Counts {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.ndjson");
    let lines: Vec<&str> = records.iter().map(|record| record.as_str()).collect();
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    lake.ingest(&[&file])
}

/// The rows of the view by id; both engines give the same ones.
fn view(lake: &Lake) -> BTreeMap<String, Value> {
    let rows = compare(lake, "SELECT * FROM sign_ins_latest").into_iter();
    let rows: Vec<(String, Value)> = rows.map(|row| (text(&row, "id"), row)).collect();
    let count = rows.len();
    let rows = BTreeMap::from_iter(rows);
    assert_eq!(rows.len(), count, "an id is there twice");
    rows
}

fn text(row: &Value, column: &str) -> String {
    let text = row[column].as_str();
    text.unwrap_or_else(|| panic!("no {column} in {row}"))
        .to_owned()
}

/// What the merge of the library makes of the stored copies, as rows of the view.
fn merged(lake: &Lake) -> BTreeMap<String, Value> {
    let stored = "SELECT * FROM sign_ins UNION ALL SELECT * FROM sign_in_revisions";
    let mut events: BTreeMap<String, MergedSignIn<Value>> = BTreeMap::new();
    for row in compare(lake, stored) {
        let id = text(&row, "id");
        let copy = MergedSignIn::of(copy(row));
        let event = match events.remove(&id) {
            Some(event) => event.merge(copy),
            None => copy,
        };
        events.insert(id, event);
    }
    let rows = events.into_iter();
    rows.map(|(id, event)| (id, row(&event))).collect()
}

/// A stored row as a copy. Instants are numbers already.
fn copy(row: Value) -> SignInCopy<Value> {
    let outcome = Outcome::parse(&text(&row, "outcome")).unwrap();
    let code = row["error_code"].as_i64().map(|code| code as i32);
    let stamp = Stamp {
        publish_time: row["publish_time"].as_i64(),
        content_hash: i32::try_from(row["content_hash"].as_i64().unwrap()).unwrap(),
        event_time: row["event_time"].as_i64().unwrap(),
    };
    let policies = row["policies"].as_array().unwrap().iter().map(said);
    let policies = policies.collect();
    let Value::Object(columns) = row else {
        panic!("a row is an object");
    };
    let columns = columns.into_iter();
    let columns = columns.filter(|(name, value)| name != "policies" && !value.is_null());
    let (status, facts): (Vec<_>, Vec<_>) =
        columns.partition(|(name, _)| OF_THE_STATUS.contains(&name.as_str()));
    SignInCopy {
        stamp,
        standing: Standing::of(code, outcome),
        facts: facts.into_iter().collect(),
        status: Value::Object(status.into_iter().collect()),
        policies,
    }
}

fn said(policy: &Value) -> PolicySaid<Value> {
    let word = |name: &str| policy[name].as_str().unwrap_or_default().to_owned();
    let key = match policy["id"].as_str() {
        Some(id) => PolicyKey::Id(id.to_owned()),
        None => PolicyKey::Name(word("name")),
    };
    PolicySaid {
        key,
        result: word("result"),
        policy: policy.clone(),
    }
}

/// An event as a row of the view, without what is absent.
fn row(event: &MergedSignIn<Value>) -> Value {
    let mut row = event.status().clone();
    for (name, value) in event.facts() {
        row[name] = value.clone();
    }
    row["policies"] = event.policies().into_iter().cloned().collect();
    row["revisions"] = json!(event.revisions());
    row
}

fn without_absent(row: &Value) -> Value {
    let columns = row.as_object().unwrap().iter();
    let present = columns.filter(|(_, value)| !value.is_null());
    let present = present.map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(present.collect())
}

/// The row of a sign-in as people would say it: some columns, and policies with their results.
fn said_of(row: &Value, columns: &[&str]) -> Value {
    let columns = columns.iter().map(|name| row[*name].clone());
    let policies = row["policies"].as_array().unwrap().iter();
    let policies: BTreeSet<String> = policies
        .map(|policy| format!("{} {}", text(policy, "id"), text(policy, "result")))
        .collect();
    json!([columns.collect::<Vec<_>>(), policies])
}

#[track_caller]
fn check(rows: &BTreeMap<String, Value>) {
    let ids: Vec<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(ids, ["alone", "dates", "mfa", "split", "stray", "tie"]);
    let columns = ["error_code", "outcome", "failure_reason", "revisions"];
    for (id, expected) in [
        ("alone", json!([[0, "success", null, 0], ["p1 success"]])),
        (
            "dates",
            json!([[0, "success", null, 1], ["p1 success", "p5 failure"]]),
        ),
        ("mfa", json!([[0, "success", null, 2], ["p1 success"]])),
        (
            "split",
            json!([
                [53003, "blocked", null, 2],
                [
                    "p1 failure",
                    "p2 success",
                    "p3 reportOnlyFailure",
                    "p4 notApplied"
                ]
            ]),
        ),
        ("stray", json!([[50053, "failed", null, 1], ["p1 success"]])),
        ("tie", json!([[0, "success", null, 1], []])),
    ] {
        assert_eq!(said_of(&rows[id], &columns), expected, "{id}");
    }
    let [split, mfa] = [&rows["split"], &rows["mfa"]];
    assert_eq!(split["user_display_name"], "Ana M.", "the latest");
    assert_eq!(split["city"], "Faro", "only the first part knows it");
    assert_eq!(mfa["device_os"], "iOS", "only the step knows it");
    assert_eq!(rows["dates"]["event_date"], "2026-03-13");
    assert_eq!(rows["stray"]["tenant_id"], Value::Null);
}

/// What does not tell through which file a copy came, nor the place in it.
fn without_origins(rows: BTreeMap<String, Value>) -> Vec<Value> {
    let rows = rows.into_values().map(|mut row| {
        let columns = row.as_object_mut().unwrap();
        columns.retain(|name, _| !name.starts_with("origin_"));
        row
    });
    rows.collect()
}

/// The places of the copies, every one at least once and some again: in order, backwards, mixed.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let once: Vec<usize> = (0..count).collect();
    let twice = [once.clone(), once.clone()].concat();
    let strided = |step: usize| (0..count * 2).map(|place| place * step % count).collect();
    let backwards = twice.iter().rev().copied().collect();
    vec![once, twice, backwards, strided(5), strided(8)]
}

#[test]
fn copies_of_a_sign_in_are_one_event_in_any_order_and_over_a_restart() {
    let copies = copies();
    let mut first: Option<Vec<Value>> = None;
    for (number, order) in orders(copies.len()).iter().enumerate() {
        let records: Vec<&String> = order.iter().map(|place| &copies[*place]).collect();
        // The first in one run, the others in two.
        let (later, earlier) = records.split_at(records.len() / (1 + number.min(2)));
        let lake = Lake::new();
        let mut told = ingest(&lake, later);
        if !earlier.is_empty() {
            let more = ingest(&lake, earlier);
            told.sign_ins += more.sign_ins;
            told.revisions += more.revisions;
            told.copies += more.copies;
        }
        let exact = records.len() as u64 - SIGN_INS - REVISIONS;
        let counted = [told.sign_ins, told.revisions, told.copies];
        assert_eq!(counted, [SIGN_INS, REVISIONS, exact], "{order:?}");

        let rows = view(&lake);
        check(&rows);
        let expected = merged(&lake);
        for (id, row) in &rows {
            assert_eq!(without_absent(row), expected[id], "{id}, {order:?}");
        }
        let rows = without_origins(rows);
        let first = first.get_or_insert_with(|| rows.clone());
        assert_eq!(&rows, first, "{order:?}");
    }
}

#[test]
fn the_view_has_the_columns_of_the_table_and_the_number_of_revisions() {
    let lake = Lake::new();
    ingest(&lake, &copies().iter().collect::<Vec<_>>());
    let columns = |table: &str| {
        let query = format!(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_name = '{table}' ORDER BY ordinal_position"
        );
        let rows = lake.sql(&query).into_iter();
        rows.map(|row| (text(&row, "column_name"), text(&row, "data_type")))
            .collect::<Vec<_>>()
    };
    let mut expected = columns("sign_ins");
    expected.push(("revisions".to_owned(), "Int64".to_owned()));
    assert_eq!(columns("sign_ins_latest"), expected);
}

#[test]
fn copies_in_the_hands_of_several_workers_at_once_are_one_sign_in() {
    const IDS: u64 = 1_000;
    const CONTENTS: u64 = 16;
    // Each time about half a chunk, so that neighbouring chunks hold the same sign-ins.
    let rounds = (0..CONTENTS).chain(0..4).map(|content| {
        let record = |number| {
            let short = Short {
                number,
                user: 1,
                at: 1_773_300_000_000_000,
                client: Client::Legacy("Exchange Web Services"),
                code: 53003,
                ip: 1,
            };
            short.json().replace("User 1", &format!("User {content}"))
        };
        (0..IDS).map(record).collect::<Vec<_>>()
    });
    let records: Vec<String> = rounds.flatten().collect();
    let lake = Lake::new();
    let told = ingest(&lake, &records.iter().collect::<Vec<_>>());
    let counted = [told.sign_ins, told.revisions, told.copies];
    assert_eq!(counted, [IDS, IDS * (CONTENTS - 1), IDS * 4]);
    let added = |table: &str| {
        let actions = lake.log(table).into_iter();
        actions.filter(|action| action["add"].is_object()).count()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(
        cores == 1 || added("sign_in_revisions") > 1,
        "only one worker had work"
    );
    for (query, expected) in [
        ("SELECT count(*) FROM sign_ins", IDS),
        ("SELECT count(DISTINCT id) FROM sign_ins", IDS),
        ("SELECT count(*) FROM sign_ins_latest", IDS),
        ("SELECT min(revisions) FROM sign_ins_latest", CONTENTS - 1),
    ] {
        assert_eq!(lake.duckdb_number(query), expected, "{query}");
    }
    assert_eq!(
        lake.log("sign_ins")
            .iter()
            .filter(|it| it["txn"].is_object())
            .count(),
        1
    );
}

#[test]
fn a_second_factor_that_was_given_ends_a_loop_whichever_copy_came_first() {
    const START: i64 = 1_773_300_000_000_000;
    const MINUTE: i64 = 60_000_000;
    let attempts = (0..6).map(|number| Short {
        number,
        user: 1,
        at: START + number as i64 * MINUTE,
        client: Client::Legacy("Exchange Web Services"),
        code: 53003,
        ip: 1,
    });
    let attempts: Vec<String> = attempts.map(|attempt| attempt.json()).collect();
    let modern = |number, code, at| {
        let short = Short {
            number,
            user: 1,
            at,
            client: OUTLOOK,
            code,
            ip: 1,
        };
        short.json()
    };
    let at = START + 20 * MINUTE;
    let (asked, given) = (modern(100, 50074, at), modern(100, 0, at));
    let later = modern(101, 50074, START + 30 * MINUTE);
    for runs in [
        vec![vec![&asked, &given]],
        vec![vec![&given, &asked]],
        vec![vec![&asked], vec![&given]],
        vec![vec![&given], vec![&asked]],
    ] {
        let lake = Lake::new();
        lake.import(&format!(
            "user,cutover_at,batch\n{},{},North\n",
            upn(1),
            instant(START - 60 * MINUTE)
        ));
        ingest(&lake, &attempts.iter().collect::<Vec<_>>());
        let found = |expected: Value| {
            let loops = format!(
                "SELECT attempts, coalesce(ending, 'none') AS ending, \
                 coalesce(recovered_at = TIMESTAMP '{}', false) AS in_time FROM loops_latest",
                instant(at)
            );
            let state = "SELECT state FROM mailbox_states_latest";
            let told = json!([lake.sql(&loops), lake.sql(state)]);
            assert_eq!(told, expected, "{runs:?}");
        };
        found(json!([
            [{ "attempts": 6, "ending": "none", "in_time": false }],
            [{ "state": "looping" }]
        ]));
        for records in &runs {
            ingest(&lake, records);
        }
        let ended = json!([
            [{ "attempts": 6, "ending": "recovered", "in_time": true }],
            [{ "state": "reconfigured" }]
        ]);
        found(ended.clone());
        // What is known is read from the lake again, and nothing about it has changed.
        let rows = || lake.sql("SELECT count(*) AS rows FROM loops");
        let before = rows();
        ingest(&lake, &[&later]);
        found(ended);
        assert_eq!(rows(), before, "{runs:?}");
    }
}
