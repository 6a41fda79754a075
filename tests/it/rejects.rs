//! Rejects: listed by shape, shown byte for byte, and taken in once after a fix, whatever is killed.
//!
//! A fix is simulated by its result: a row of `rejects` whose bytes the present program understands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::{ProptestConfig, any, proptest};
use serde_json::{Value, json};
use signloop::domain::decode::{RejectReason, time::date};
use signloop::lake::rejects::RejectRow;
use signloop::lake::{Lake as Writer, names};
use signloop::source::Origin;

use crate::harness::process;
use crate::support::{
    Client, Ended, Lake, OUTLOOK, Short, envelope, files, output, run, signloop, signloop_with,
};

/// 2026-03-13T16:00:00Z
const START: i64 = 1_773_417_600_000_000;
const MINUTE: i64 = 60_000_000;

/// Lines of a file that is ingested, each with the reason it is rejected for.
const LINES: [(&[u8], &str); 9] = [
    (
        b"{\"time\":\"2026\",\"category\":\"SignInLogs\",\"x\":",
        "truncated",
    ),
    (b"{\"time\":\"2027-01-01\",\"category\":\"a\"", "truncated"),
    (b"42", "not_an_object"),
    (b"\"=\x1b[2J\"", "not_json"),
    (b"{\"a\":\"\xff\xfe\x00\"}", "not_a_sign_in"),
    (b"\x1f\x8b\x08\x00\x9b", "compressed"),
    (b"{\"hello\":\"world\"}", "not_a_sign_in"),
    (
        b"{\"category\":\"SignInLogs\",\"properties\":{\"createdDateTime\":\"13.3.26\"}}",
        "invalid_time",
    ),
    (
        b"{\"category\":\"SignInLogs\",\"properties\":{\"createdDateTime\":\"14.3.26\"}}",
        "invalid_time",
    ),
];

fn short(number: u64) -> Short {
    Short {
        number,
        user: 1,
        at: START + number as i64 * MINUTE,
        client: OUTLOOK,
        code: 0,
        ip: 1,
    }
}

/// A blocked attempt of a stuck program.
fn stuck(number: u64) -> Short {
    Short {
        client: Client::Legacy("Exchange ActiveSync"),
        code: 53003,
        ..short(number)
    }
}

/// Writes a file beside the lake and ingests it.
fn ingest(lake: &Lake, name: &str, content: &[u8]) -> String {
    let file = lake.path().with_file_name(name);
    fs::write(&file, content).unwrap();
    lake.ingest(&[&file]);
    file.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A lake with one sign-in and a reject of each line, and the name of the file.
fn lake_with_rejects() -> (Lake, String) {
    let lake = Lake::new();
    let mut content = short(1).json().into_bytes();
    for (line, _) in LINES {
        content.push(b'\n');
        content.extend_from_slice(line);
    }
    let file = ingest(&lake, "some.ndjson", &content);
    (lake, file)
}

/// `signloop rejects` with these arguments on a lake.
fn rejects(lake: &Lake, arguments: &[&str]) -> Ended {
    let mut command = signloop();
    command.arg("rejects").args(arguments);
    run(command.arg("--lake").arg(lake.path()))
}

/// The rows that `rejects list` gives as JSON.
fn listed(lake: &Lake, arguments: &[&str]) -> Vec<Value> {
    let ended = rejects(lake, &[&["list", "--format", "json"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

fn shown_raw(lake: &Lake, origin: &str) -> Vec<u8> {
    let mut command = signloop();
    command.args(["rejects", "show", "--raw", origin, "--lake"]);
    let output = process::run(command.arg(lake.path()), b"");
    assert!(output.status.success(), "{:?}", output.stderr);
    output.stdout
}

/// What a replay says it did: open, resolved, left, sign-ins, copies, revisions, of other logs.
#[track_caller]
fn replay(lake: &Lake, arguments: &[&str]) -> [u64; 7] {
    let mut command = signloop();
    command.args(["rejects", "replay"]).args(arguments);
    let told = output(command.arg("--lake").arg(lake.path()));
    let counts = told.split("; lake").next().unwrap();
    let numbers = counts.split([' ', ',', ';', ':']);
    let numbers: Vec<u64> = numbers.filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{told}"))
}

/// A reject as a version that did not understand it would have stored it.
#[derive(Debug, Clone)]
struct Planted {
    offset: i64,
    index: i32,
    raw: Vec<u8>,
    /// Of a table, if it is a row of one.
    header: &'static str,
}

const TOPIC: &str = "sign-ins";
const PARTITION: i32 = 3;

fn planted(offset: i64, index: i32, raw: impl Into<Vec<u8>>) -> Planted {
    let raw = raw.into();
    Planted {
        offset,
        index,
        raw,
        header: "",
    }
}

/// Puts rejects into a lake through the library.
fn plant(lake: &Path, rows: &[Planted]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut writer = Writer::open(lake).await.unwrap();
        let mut files = writer.worker_files(0);
        for (number, planted) in (0..).zip(rows) {
            let row = RejectRow {
                pointer: signloop::domain::decode::Pointer::default(),
                reason: RejectReason::InvalidTime,
                detail: "a form that nobody knew",
                origin: Origin {
                    stream: TOPIC,
                    partition: PARTITION,
                    offset: planted.offset,
                    index: planted.index,
                },
                raw: &planted.raw,
                header: planted.header,
                ingested_at: START + number,
            };
            let size = planted.raw.len();
            files.rejects.push(date(START), &row, size).unwrap();
        }
        let files = files.rejects.seal().unwrap();
        writer.rejects.commit(&files, &[]).await.unwrap();
    });
}

/// Everything that has to stay as it is when nothing new is understood.
fn state(lake: &Lake) -> BTreeMap<&'static str, usize> {
    let entries = names::ALL.map(|table| (table, lake.log(table).len()));
    entries.into_iter().collect()
}

/// The offsets of lanes in the log of `sign_ins`.
fn lanes(lake: &Lake) -> Vec<Value> {
    let log = lake.log("sign_ins").into_iter();
    log.filter(|action| !action["txn"].is_null())
        .map(|action| action["txn"].clone())
        .collect()
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    let text = |row: &Value| row[name].as_str().unwrap_or_default().to_owned();
    rows.iter().map(text).collect()
}

#[test]
fn rejects_of_one_shape_are_one_line_with_an_example() {
    let (lake, file) = lake_with_rejects();
    let groups = listed(&lake, &[]);
    let found: BTreeSet<(i64, String, String)> = groups
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (
                row["rejects"].as_i64().unwrap(),
                text("reason"),
                text("begins"),
            )
        })
        .collect();
    let expected = [
        (1, "truncated", "{time, category, x"),
        (1, "truncated", "{time, category"),
        (1, "not_an_object", "#"),
        (1, "not_json", "\"=\u{fffd}[#a\""),
        (1, "not_a_sign_in", "{a"),
        (1, "compressed", "bytes 1f 8b 08 00"),
        (1, "not_a_sign_in", "{hello"),
        (2, "invalid_time", "{category, properties"),
    ];
    let expected =
        expected.map(|(count, reason, begins)| (count, reason.to_owned(), begins.to_owned()));
    assert_eq!(found, BTreeSet::from(expected));
    let times = &groups[0];
    let detail = times["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("\"…\" is not an instant in a form that is read"),
        "{detail}"
    );
    assert!(times["first_seen"].as_str() <= times["last_seen"].as_str());
    let example = times["example"].as_str().unwrap();
    assert!(example.starts_with(&format!("{file}:0:")), "{example}");
    let of_one_reason = listed(&lake, &["--reason", "truncated"]);
    assert_eq!(column(&of_one_reason, "reason"), ["truncated"; 2]);
}

#[test]
fn one_by_one_the_newest_are_listed_up_to_a_limit() {
    let (lake, file) = lake_with_rejects();
    let all = listed(&lake, &["--each"]);
    let mut reasons = column(&all, "reason");
    reasons.sort();
    let mut expected = LINES.map(|(_, reason)| reason.to_owned());
    expected.sort();
    assert_eq!(reasons, expected);
    assert!(
        column(&all, "origin")
            .iter()
            .all(|origin| origin.starts_with(&file))
    );
    let some = rejects(
        &lake,
        &["list", "--each", "--limit", "2", "--format", "csv"],
    );
    assert_eq!(some.out.lines().count(), 3, "{}", some.out);
    assert!(some.err.starts_with("and 7 more"), "{}", some.err);
    plant(lake.path(), &[planted(7, 0, "old")]);
    let newest = listed(&lake, &["--each", "--limit", "9"]);
    assert_eq!(newest, all, "an older one took the place of a newer one");
}

#[test]
fn a_reject_is_shown_in_full_and_its_bytes_come_out_as_they_came_in() {
    let (lake, _) = lake_with_rejects();
    let rows = listed(&lake, &["--each"]);
    let raws: BTreeSet<Vec<u8>> = column(&rows, "origin")
        .iter()
        .map(|origin| shown_raw(&lake, origin))
        .collect();
    assert_eq!(
        raws,
        LINES.map(|(line, _)| line.to_vec()).into_iter().collect()
    );
    let hostile = rows.iter().find(|row| row["bytes"] == 7).unwrap();
    let origin = hostile["origin"].as_str().unwrap();
    let shown = rejects(&lake, &["show", origin]);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    for part in [
        origin,
        "not_json",
        "no JSON begins here",
        "\"=\\u{1b}[2J\"",
        "open",
    ] {
        assert!(shown.out.contains(part), "no {part:?} in {}", shown.out);
    }
    let table = rejects(&lake, &["list", "--each"]).out + &rejects(&lake, &["list"]).out;
    let obeyed = |letter: char| letter.is_control() && letter != '\n';
    assert!(!(shown.out + &table).contains(obeyed), "{table}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn any_bytes_come_out_as_they_came_in(
        raws in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 3)
    ) {
        let lake = Lake::new();
        let rows: Vec<Planted> =
            (0..).zip(&raws).map(|(offset, raw)| planted(offset, 0, raw.clone())).collect();
        plant(lake.path(), &rows);
        for row in rows {
            let origin = format!("{TOPIC}:{PARTITION}:{}:0", row.offset);
            assert_eq!(shown_raw(&lake, &origin), row.raw);
        }
    }
}

#[test]
fn a_replay_with_nothing_fixed_changes_nothing() {
    let (lake, _) = lake_with_rejects();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sign_ins");
    lake.ingest(&[&fixtures]);
    // What the reader does not enter it does not enter now.
    let nested = [
        short(1).json(),
        format!("[[{}]]", short(2).json()),
        format!("[[{}", short(3).json()),
    ];
    ingest(
        &lake,
        "nested.ndjson",
        (nested.join("\n") + "\n").as_bytes(),
    );
    let (before, open) = (state(&lake), listed(&lake, &["--each"]));
    assert!(open.len() > LINES.len() + 2);
    for _ in 0..2 {
        let count = open.len() as u64;
        assert_eq!(replay(&lake, &[]), [count, 0, count, 0, 0, 0, 0]);
        assert_eq!(state(&lake), before);
        assert_eq!(listed(&lake, &["--each"]), open);
    }
    assert_eq!(replay(&lake, &["--reason", "too_large"]), [0; 7]);
}

/// Rejects of every outcome, in a lake that holds the sign-ins 1 and 2.
fn understood() -> Vec<Planted> {
    let revised = short(2).json().replacen('{', "{\"revision\":2,", 1);
    let without_id = short(5).json().replace(&short(5).id(), "");
    let audit = "{\"category\":\"AuditLogs\",\"time\":\"2026-03-13T16:00:00Z\"}";
    let page = envelope(&[short(7).json(), short(8).json()]);
    let half = envelope(&[short(9).json(), "{\"category\":oops}".to_owned()]);
    vec![
        planted(10, 4, short(3).json()),
        planted(11, 0, short(1).json()),
        planted(12, 0, revised),
        planted(13, 0, without_id),
        planted(14, 0, audit),
        planted(15, 2, page),
        planted(16, 0, half),
        planted(17, 0, "still broken"),
    ]
}

fn lake_with_understood() -> Lake {
    let lake = Lake::new();
    ingest(
        &lake,
        "two.ndjson",
        format!("{}\n{}", short(1).json(), short(2).json()).as_bytes(),
    );
    plant(lake.path(), &understood());
    lake
}

/// Ids with origin of what came from the planted rejects.
fn taken_in(lake: &Lake) -> Vec<(String, i64, i64)> {
    let sql = format!(
        "SELECT id, origin_offset, origin_index FROM sign_ins WHERE origin_stream = '{TOPIC}' \
         AND origin_partition = {PARTITION} ORDER BY origin_offset, id"
    );
    let number = |row: &Value, name: &str| row[name].as_i64().unwrap();
    let row = |row: &Value| {
        let id = row["id"].as_str().unwrap().to_owned();
        (
            id,
            number(row, "origin_offset"),
            number(row, "origin_index"),
        )
    };
    lake.sql(&sql).iter().map(row).collect()
}

/// What must be in the lake after any number of replays of [`understood`].
#[track_caller]
fn check_understood(lake: &Lake) {
    let found = taken_in(lake);
    let place = |id: String, offset, index| (id, offset, index);
    assert!(found[1].0.starts_with("content:"), "{found:?}");
    let expected = [
        place(short(3).id(), 10, 4),
        place(found[1].0.clone(), 13, 0),
        place(short(7).id(), 15, 2),
        place(short(8).id(), 15, 2),
        place(short(9).id(), 16, 0),
    ];
    assert_eq!(found, expected);
    assert_eq!(lake.sql("SELECT id FROM sign_ins").len(), 7);
    let revisions = lake.sql("SELECT id, origin_offset FROM sign_in_revisions");
    assert_eq!(
        revisions,
        [json!({"id": short(2).id(), "origin_offset": 12})]
    );
    assert_eq!(
        lake.sql("SELECT reason FROM rejects").len(),
        understood().len()
    );
    let open = lake.sql("SELECT origin_offset FROM rejects_open ORDER BY 1");
    assert_eq!(
        open,
        [json!({"origin_offset": 16}), json!({"origin_offset": 17})]
    );
    let resolved = lake.sql("SELECT origin_offset FROM reject_resolutions ORDER BY 1");
    let offsets: Vec<i64> = resolved
        .iter()
        .map(|row| row["origin_offset"].as_i64().unwrap())
        .collect();
    assert_eq!(offsets, [10, 11, 12, 13, 14, 15]);
}

#[test]
fn what_is_understood_now_is_taken_in_once_with_the_origin_it_had() {
    let lake = lake_with_understood();
    let before = lanes(&lake);
    assert_eq!(replay(&lake, &[]), [8, 6, 2, 5, 1, 1, 1]);
    check_understood(&lake);
    let outcomes = lake.sql("SELECT outcome FROM reject_resolutions ORDER BY origin_offset");
    let expected = [
        "sign_in",
        "copy",
        "revision",
        "sign_in",
        "passed_over",
        "sign_in",
    ];
    assert_eq!(column(&outcomes, "outcome"), expected);

    // The good half of a message that still fails is a copy from now on.
    let after = state(&lake);
    assert_eq!(replay(&lake, &[]), [2, 0, 2, 0, 1, 0, 0]);
    assert_eq!(state(&lake), after);
    check_understood(&lake);
    assert_eq!(lanes(&lake), before, "a replay has moved a lane");
}

#[test]
fn resolved_rejects_are_hidden_until_asked_for() {
    let lake = lake_with_understood();
    replay(&lake, &[]);
    assert_eq!(column(&listed(&lake, &["--each"]), "origin").len(), 2);
    let all = listed(&lake, &["--each", "--resolved"]);
    let count = |outcome: &str| {
        column(&all, "outcome")
            .iter()
            .filter(|it| *it == outcome)
            .count()
    };
    assert_eq!((all.len(), count(""), count("sign_in")), (8, 2, 3));
    let groups = listed(&lake, &["--resolved"]);
    let sum = |name: &str| {
        groups
            .iter()
            .map(|row| row[name].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!((sum("rejects"), sum("resolved")), (8, 6));
    let shown = rejects(&lake, &["show", &format!("{TOPIC}:{PARTITION}:10:4")]);
    assert!(shown.out.contains("sign_in since 20"), "{}", shown.out);
    // Another engine sees the same.
    let sql = "SELECT origin_offset FROM rejects_open ORDER BY 1";
    assert_eq!(lake.duckdb(sql), lake.sql(sql));

    let none = Lake::new();
    plant(none.path(), &[planted(1, 0, short(1).json())]);
    assert_eq!(replay(&none, &["--reason", "invalid_time"])[1], 1);
    let told = rejects(&none, &["list"]);
    assert_eq!(told.code, Some(0));
    assert!(
        told.out.contains("no open rejects in the lake"),
        "{}",
        told.out
    );
    assert!(told.out.contains("--resolved shows 1"), "{}", told.out);
}

/// Takes the newest commit of a table back, as if the program had been killed before it.
fn take_back(lake: &Lake, table: &str, entries_before: usize) {
    let mut log = files(&lake.table(table).join("_delta_log"));
    log.retain(|path| path.extension().is_some_and(|it| it == "json"));
    log.sort();
    for entry in &log[entries_before..] {
        fs::remove_file(entry).unwrap();
    }
}

fn commits(lake: &Lake, table: &str) -> usize {
    let log = files(&lake.table(table).join("_delta_log"));
    log.iter()
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .count()
}

/// A row says nothing by itself: it is kept with its header, and read with it.
#[test]
fn a_row_of_a_table_is_read_with_its_header() {
    let header = "Date (UTC);Request ID;Username;Client app;Status;Sign-in error code;Application;\
                  Resource";
    let row = |number: u8, user: &str, end: &str| {
        let raw = format!("2026-03-13T16:00:00Z;id-{number};{user};IMAP4;Failure;53003{end}");
        Planted {
            header,
            ..planted(i64::from(number), 0, raw)
        }
    };
    let lake = Lake::new();
    let rows = [
        row(1, "ann@example.com", ";;"),
        row(2, "\"bo;b@example.com", ";;"),
        // Spreadsheets leave out what is empty at the end of a line.
        row(3, "cyd@example.com", ";"),
    ];
    plant(lake.path(), &rows);
    assert_eq!(replay(&lake, &[])[..4], [3, 2, 1, 2]);
    let sql = "SELECT id, user_principal_name AS user, client_app_used AS app FROM sign_ins \
               ORDER BY id";
    let expected = serde_json::json!([
        {"id": "id-1", "user": "ann@example.com", "app": "IMAP4"},
        {"id": "id-3", "user": "cyd@example.com", "app": "IMAP4"},
    ]);
    assert_eq!(serde_json::json!(lake.sql(sql)), expected);
    assert_eq!(replay(&lake, &[])[..2], [1, 0]);

    // As it is stored by the program itself.
    let table = format!("{header}\n2026-03-13T16:00:00Z;id-3;too;few\n");
    ingest(&lake, "table.csv", table.as_bytes());
    let sql = "SELECT header FROM rejects_open WHERE origin_stream LIKE '%table.csv'";
    assert_eq!(
        serde_json::json!(lake.sql(sql)),
        serde_json::json!([{"header": header}])
    );
}

#[test]
fn killed_between_any_two_commits_of_a_replay_it_lands_once() {
    let order = ["sign_in_revisions", "sign_ins", "reject_resolutions"];
    for done in 0..=order.len() {
        let lake = lake_with_understood();
        let before = order.map(|table| commits(&lake, table));
        replay(&lake, &[]);
        for place in (done..order.len()).rev() {
            assert_eq!(
                commits(&lake, order[place]),
                before[place] + 1,
                "{}",
                order[place]
            );
            take_back(&lake, order[place], before[place]);
        }
        println!("killed after {:?}", &order[..done]);
        replay(&lake, &[]);
        check_understood(&lake);
        let after = state(&lake);
        replay(&lake, &[]);
        assert_eq!(state(&lake), after);
    }
}

#[test]
fn loops_and_mailbox_states_are_those_of_an_undisturbed_run() {
    let moves = "user,cutover_at,batch\nuser1@tidewater.example,2026-03-13T15:50:00Z,first\n";
    let attempts: Vec<String> = (0..12).map(|number| stuck(number * 3).json()).collect();
    let undisturbed = Lake::new();
    undisturbed.import(moves);
    ingest(&undisturbed, "all.ndjson", attempts.join("\n").as_bytes());
    let loops = "SELECT loop_id, user_principal_name, attempts, first_attempt, last_attempt, kind, \
                 batch, cause, state FROM loops_latest";
    let states = "SELECT mailbox, state, since, batch FROM mailbox_states_latest";
    assert_eq!(undisturbed.sql(loops).len(), 1);

    let lake = Lake::new();
    lake.import(moves);
    let (early, late) = attempts.split_at(2);
    ingest(&lake, "some.ndjson", early.join("\n").as_bytes());
    let rows: Vec<Planted> = (0..)
        .zip(late)
        .map(|(offset, raw)| planted(offset, 0, raw.as_str()))
        .collect();
    plant(lake.path(), &rows);
    assert_eq!(lake.sql(loops).len(), 0);
    let before = commits(&lake, "loops");
    assert_eq!(replay(&lake, &[])[3], rows.len() as u64);
    for query in [loops, states] {
        assert_eq!(lake.sql(query), undisturbed.sql(query));
    }
    take_back(&lake, "loops", before);
    take_back(&lake, "reject_resolutions", 1);
    assert_eq!(replay(&lake, &[])[1], rows.len() as u64);
    assert_eq!(lake.sql(loops), undisturbed.sql(loops));
}

#[test]
fn a_place_where_a_file_was_replaced_has_two_rejects_and_each_is_resolved_by_itself() {
    let lake = Lake::new();
    let (old, new) = (planted(5, 0, "old bytes"), planted(5, 0, short(1).json()));
    plant(lake.path(), &[old.clone(), new, old]);
    let origin = format!("{TOPIC}:{PARTITION}:5:0");
    let unclear = rejects(&lake, &["show", "--raw", &origin]);
    assert_eq!((unclear.code, unclear.out.as_str()), (Some(3), ""));
    assert!(
        unclear.err.contains("2 rejects came from there"),
        "{}",
        unclear.err
    );
    let rows = listed(&lake, &["--each"]);
    let of_old = rows.iter().find(|row| row["bytes"] == 9).unwrap();
    let content = of_old["content_md5"].as_str().unwrap();
    let raw = rejects(
        &lake,
        &["show", "--raw", &origin, "--content", &content[..8]],
    );
    assert_eq!(raw.out, "old bytes", "{}", raw.err);
    replay(&lake, &[]);
    assert_eq!(
        column(&listed(&lake, &["--each"]), "content_md5"),
        [content; 2]
    );
}

/// Asserts that a command ended with this code and one sentence that has these parts.
#[track_caller]
fn check(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(code), ""),
        "{}",
        ended.err
    );
    for part in parts {
        assert!(ended.err.contains(part), "no {part:?} in {}", ended.err);
    }
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

#[test]
fn a_wrong_origin_a_missing_lake_and_one_in_use_are_told() {
    let (lake, file) = lake_with_rejects();
    for wrong in ["", "some.ndjson", "a:b:c:d", ":1:2:3"] {
        check(
            &rejects(&lake, &["show", wrong]),
            2,
            &["STREAM:PARTITION:OFFSET:INDEX"],
        );
    }
    let nowhere = rejects(&lake, &["show", &format!("{file}:0:1:0")]);
    check(&nowhere, 3, &["has no such reject", "rejects list --each"]);
    check(
        &rejects(&lake, &["list", "--reason", "nonsense"]),
        2,
        &["nonsense", "invalid_json"],
    );

    let missing = Lake::new();
    for arguments in [&["list"][..], &["show", "a:0:0:0"], &["replay"]] {
        check(
            &rejects(&missing, arguments),
            3,
            &["does not exist", "--lake"],
        );
        assert!(!missing.path().exists(), "a lake was made for nothing");
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let writer = runtime.block_on(Writer::open(lake.path())).unwrap();
    check(
        &rejects(&lake, &["replay"]),
        1,
        &["is being written by another signloop"],
    );
    assert_eq!(listed(&lake, &["--each"]).len(), LINES.len());
    drop(writer);
}

#[test]
fn a_lake_without_rejects_has_nothing_to_list_show_or_replay() {
    let lake = Lake::new();
    lake.import("user,cutover_at\na@b.example,2026-03-13T16:00:00Z\n");
    // A lake of an earlier version has no table of resolutions.
    fs::remove_dir_all(lake.table("reject_resolutions")).ok();
    for _ in 0..2 {
        let told = rejects(&lake, &["list"]);
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
        assert!(
            told.out.starts_with("no rejects in the lake"),
            "{}",
            told.out
        );
        assert_eq!(listed(&lake, &[]), Vec::<Value>::new());
        assert_eq!(
            listed(&lake, &["--each", "--resolved"]),
            Vec::<Value>::new()
        );
        check(
            &rejects(&lake, &["show", "a:0:0:0"]),
            3,
            &["has no such reject"],
        );
        assert_eq!(replay(&lake, &[]), [0; 7]);
    }
    assert_eq!(signloop_with(["rejects"]).code, Some(2));
}

#[test]
fn what_was_too_much_for_one_message_is_taken_in_later() {
    const TAKEN: u64 = 50_000;
    const MORE: u64 = 10;
    let record = |number: u64| {
        format!(
            "{{\"category\":\"SignInLogs\",\"time\":\"2026-03-13T16:00:00Z\",\
             \"properties\":{{\"id\":\"{number}\"}}}}"
        )
    };
    let records: Vec<String> = (0..TAKEN + MORE).map(record).collect();
    let lake = Lake::new();
    ingest(&lake, "page.json", &envelope(&records));
    let stored = || lake.duckdb_number("SELECT count(*) FROM sign_ins");
    assert_eq!(stored(), TAKEN);
    assert_eq!(
        column(&listed(&lake, &["--each"]), "reason"),
        ["too_many_records"]
    );
    assert_eq!(replay(&lake, &[])[..2], [1, 1]);
    assert_eq!(stored(), TAKEN + MORE);
    assert_eq!(replay(&lake, &[])[0], 0);
}
