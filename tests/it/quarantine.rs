//! A message that makes the process crash does not stop the stream: after three crashes it is kept
//! in `rejects` with its bytes, and everything around it is stored once.
//!
//! The crashes are asked for by variables that are there for these tests: they name a text, and the
//! program dies when a message has it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::kafka::Kafka;
use crate::kafka::check_ids;
use crate::prometheus_rules::read;
use crate::support::{Ended, Lake, OUTLOOK, Short, config_text, envelope, run, signloop};

const ABORT: &str = "SIGNLOOP_TEST_ABORT_ON";
const PANIC: &str = "SIGNLOOP_TEST_PANIC_ON";
const ABORT_SEAL: &str = "SIGNLOOP_TEST_ABORT_SEAL_ON";
/// What the poisonous messages have in them.
const POISON: &str = "arsenic";
/// Sign-ins of a file: several chunks of it.
const SIGN_INS: u64 = 3_000;
/// No rule needs as many.
const RUNS_MAX: usize = 12;

/// A file of one record a line, some of them poisonous.
struct Input {
    path: PathBuf,
    neighbours: BTreeSet<String>,
    poisonous: BTreeSet<String>,
    _folder: TempDir,
}

fn short(number: u64) -> Short {
    Short {
        number,
        user: 7,
        at: 1_773_700_000_000_000 + number as i64 * 1_000_000,
        client: OUTLOOK,
        code: 0,
        ip: 1,
    }
}

fn poisonous(number: u64) -> String {
    short(number).json().replace("User 7", POISON)
}

fn input(poisonous_at: &[u64]) -> Input {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("PT1H.json");
    let (mut neighbours, mut poison, mut text) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for number in 0..SIGN_INS {
        let line = if poisonous_at.contains(&number) {
            let line = poisonous(number);
            poison.insert(line.clone());
            line
        } else {
            neighbours.insert(short(number).id());
            short(number).json()
        };
        text += &line;
        text += "\n";
    }
    fs::write(&path, text).unwrap();
    Input {
        path,
        neighbours,
        poisonous: poison,
        _folder: folder,
    }
}

fn ingest(lake: &Lake, path: &Path) -> Command {
    let mut command = signloop();
    command
        .args(["ingest", "--raw", "none", "--lake"])
        .arg(lake.path());
    command.arg(path);
    command
}

/// Runs again and again until one ends well: that one, and how many did not.
fn until_it_ends_well(mut command: impl FnMut() -> Command) -> (Ended, usize) {
    for crashes in 0..RUNS_MAX {
        let ended = run(&mut command());
        if ended.code == Some(0) {
            return (ended, crashes);
        }
        println!("crash {}: {:?}\n{}", crashes + 1, ended.code, ended.err);
    }
    panic!("it has crashed {RUNS_MAX} times and still does");
}

#[track_caller]
fn check(lake: &Lake, input: &Input) {
    check_ids(lake, &input.neighbours);
    let rows = lake.duckdb_text("SELECT reason, decode(raw), detail FROM rejects");
    let found: BTreeSet<String> = rows.iter().map(|row| row[1].clone()).collect();
    assert_eq!(found, input.poisonous);
    assert_eq!(rows.len(), input.poisonous.len());
    for row in &rows {
        assert_eq!(row[0], "quarantined");
        assert!(row[2].contains("crashed 3 times"), "{}", row[2]);
    }
}

/// The query of the runbook shows the message, here and in another engine.
#[track_caller]
fn check_runbook(lake: &Lake, input: &Input) {
    let runbooks = read("docs/runbooks.md");
    let section = runbooks.split("## SignloopMessageQuarantined\n").nth(1);
    let query = section.and_then(|text| text.split("```sql\n").nth(1));
    let query = query.and_then(|text| text.split(";\n```").next()).unwrap();
    let rows = lake.sql(query);
    let messages = rows.iter().map(|row| row["message"].as_str().unwrap());
    let messages: BTreeSet<String> = messages.map(str::to_owned).collect();
    assert_eq!(messages, input.poisonous);
    // That engine casts bytes to a text of its own.
    assert_eq!(lake.duckdb(query).len(), input.poisonous.len());
}

#[test]
fn a_message_that_aborts_the_process_three_times_is_quarantined_and_the_rest_goes_in() {
    let (lake, input) = (Lake::new(), input(&[1_234]));
    let command = || {
        let mut command = ingest(&lake, &input.path);
        command.env(ABORT, POISON);
        command
    };
    let (ended, crashes) = until_it_ends_well(command);
    assert_eq!(crashes, 3);
    assert!(
        ended.out.contains("rejects: 1 quarantined"),
        "{}",
        ended.out
    );
    assert!(ended.err.contains("it is quarantined"), "{}", ended.err);
    check(&lake, &input);
    check_runbook(&lake, &input);
    // Later runs know nothing of it any more: it is stored.
    let again = run(&mut command());
    assert_eq!(again.code, Some(0), "{}", again.err);
    check(&lake, &input);
}

#[test]
fn a_message_that_makes_a_worker_panic_is_quarantined_after_three_times() {
    let (lake, input) = (Lake::new(), input(&[SIGN_INS - 1]));
    let (_, crashes) = until_it_ends_well(|| {
        let mut command = ingest(&lake, &input.path);
        command.env(PANIC, POISON);
        command
    });
    assert_eq!(crashes, 3);
    check(&lake, &input);
}

#[test]
fn several_messages_that_abort_the_process_are_quarantined_one_after_the_other() {
    let (lake, input) = (Lake::new(), input(&[0, 1, 2_900]));
    let (_, crashes) = until_it_ends_well(|| {
        let mut command = ingest(&lake, &input.path);
        command.env(ABORT, POISON);
        command
    });
    assert!(crashes >= 5, "{crashes}");
    check(&lake, &input);
}

#[test]
fn a_message_whose_row_cannot_be_written_is_found_as_well() {
    let (lake, input) = (Lake::new(), input(&[700]));
    let (_, crashes) = until_it_ends_well(|| {
        let mut command = ingest(&lake, &input.path);
        command.env(ABORT_SEAL, POISON);
        command
    });
    assert!(crashes >= 3, "{crashes}");
    check(&lake, &input);
}

#[test]
fn two_crashes_quarantine_nobody() {
    let (lake, mut input) = (Lake::new(), input(&[1_234]));
    for _ in 0..2 {
        let ended = run(ingest(&lake, &input.path).env(ABORT, POISON));
        assert_eq!(ended.code, None, "{}", ended.err);
    }
    let ended = run(&mut ingest(&lake, &input.path));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("full speed"), "{}", ended.err);
    input.neighbours.insert(short(1_234).id());
    input.poisonous.clear();
    check(&lake, &input);
}

#[test]
fn a_topic_goes_on_behind_a_message_that_aborts_the_service() {
    let (kafka, topic, lake) = (Kafka::shared(), "poisoned", Lake::new());
    kafka.create_topic(topic, 2);
    let good = |number| (number as i32 % 2, envelope(&[short(number).json()]));
    let poison = envelope(&[short(500).json(), poisonous(501)]);
    let messages = (0..40).map(good).chain([(1, poison.clone())]);
    kafka.produce(topic, messages.chain((40..80).map(good)));

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("signloop.toml");
    let text = config_text(kafka.bootstrap(), topic, lake.path(), "127.0.0.1:0");
    fs::write(&config, text).unwrap();
    let (ended, crashes) = until_it_ends_well(|| {
        let mut command = signloop();
        command.args(["run", "--once", "-c"]).arg(&config);
        command.env(ABORT, POISON);
        command
    });
    assert_eq!(crashes, 3, "{}", ended.err);
    check_ids(&lake, &(0..80).map(|number| short(number).id()).collect());
    let rows = lake.duckdb_text(
        "SELECT reason, decode(raw), origin_partition, origin_offset, origin_index FROM rejects",
    );
    let poison = String::from_utf8(poison).unwrap();
    assert_eq!(rows, [["quarantined", &poison, "1", "20", "-1"]]);
}
