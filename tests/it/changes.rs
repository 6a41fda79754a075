//! What comes late, half or out of time: facts after events, files still being written, clocks ahead.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Lake, signloop_with};

/// A blocked legacy sign-in of one user, `minute` minutes after 08:00.
fn block(minute: u32) -> String {
    sign_in(
        &format!("a{minute:07}"),
        &format!("2026-03-13T08:{minute:02}:00Z"),
        53003,
        "Other clients",
    )
}

fn sign_in(id: &str, time: &str, code: u32, client: &str) -> String {
    json!({
        "time": time, "category": "NonInteractiveUserSignInLogs",
        "tenantId": "11111111-1111-4111-8111-111111111111",
        "properties": {
            "id": format!("{id}-0000-4000-8000-000000000000"), "createdDateTime": time,
            "userId": "22222222-2222-4222-8222-222222222222", "userPrincipalName": "ada@contoso.example",
            "clientAppUsed": client, "ipAddress": "192.0.2.7", "status": {"errorCode": code},
            "resourceId": "00000002-0000-0ff1-ce00-000000000000"
        }
    })
    .to_string()
}

fn written(folder: &Path, name: &str, lines: &[String]) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::write(&path, lines.join("\n") + "\n").expect("room on the disk");
    path
}

fn stuck(lake: &Lake) -> Vec<Value> {
    lake.sql("SELECT user_principal_name, batch, kind FROM stuck_now")
}

const MOVES: &str = "user,cutover_at,batch\nada@contoso.example,2026-03-13T07:30:00Z,Wave 1\n";

#[test]
fn an_import_after_the_events_is_as_good_as_one_before() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let events = written(
        folder.path(),
        "events.ndjson",
        &(0..10).map(block).collect::<Vec<_>>(),
    );
    let lake = Lake::new();
    lake.ingest(&[&events]);
    assert!(stuck(&lake).is_empty());
    lake.import(MOVES);
    let expected =
        json!({"user_principal_name": "ada@contoso.example", "batch": "Wave 1", "kind": "direct"});
    assert_eq!(stuck(&lake), [expected]);
    assert_eq!(
        lake.sql("SELECT batch, looping FROM batch_health"),
        [json!({"batch": "Wave 1", "looping": 1})]
    );
}

#[test]
fn an_event_from_the_future_closes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let events = written(
        folder.path(),
        "events.ndjson",
        &(0..10).map(block).collect::<Vec<_>>(),
    );
    let future = sign_in("f0000000", "2095-01-01T00:00:00Z", 53003, "Other clients");
    let future = written(folder.path(), "future.ndjson", &[future]);
    let lake = Lake::new();
    lake.import(MOVES);
    lake.ingest(&[&events]);
    lake.ingest(&[&future]);
    assert_eq!(stuck(&lake).len(), 1, "while it came in");
    lake.import(MOVES);
    assert_eq!(stuck(&lake).len(), 1, "after a restart");
    assert_eq!(
        lake.sql("SELECT count(*) AS n FROM sign_ins"),
        [json!({"n": 11})]
    );
}

#[test]
fn a_record_that_is_half_written_is_read_when_it_is_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole: Vec<String> = (0..5).map(block).collect();
    let text = whole.join("\n") + "\n";
    let path = folder.path().join("PT1H.json");
    fs::write(&path, &text[..text.len() - 200]).expect("room on the disk");
    let lake = Lake::new();
    let arguments = [Path::new("ingest"), Path::new("--lake"), lake.path(), &path];
    let ended = signloop_with(arguments);
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.err.contains("ends in the middle of a record"),
        "{}",
        ended.err
    );
    fs::write(&path, &text).expect("room on the disk");
    lake.ingest(&[&path]);
    let counts = "SELECT (SELECT count(*) FROM sign_ins) AS sign_ins, (SELECT count(*) FROM rejects) AS rejects";
    assert_eq!(lake.sql(counts), [json!({"sign_ins": 5, "rejects": 0})]);
}
