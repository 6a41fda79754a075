//! Whatever is wrong is told in one sentence with what to do, and the exit code says what kind it is.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::kafka::Kafka;
use crate::harness::process::free_ports;
use crate::support::{
    Ended, Lake, OUTLOOK, Service, Short, config_text, envelope, run, signloop, signloop_with,
};

const FAILURE: i32 = 1;
const USAGE: i32 = 2;
const INVALID: i32 = 3;
const UNREACHABLE: i32 = 4;

/// Asserts that a command ended with this code and one sentence that has these parts.
#[track_caller]
fn check(ended: &Ended, code: i32, parts: &[&str]) {
    let err = &ended.err;
    assert_eq!(ended.code, Some(code), "{err}");
    assert_eq!(ended.out, "", "data on standard output although it failed");
    // Anything before it is the log of a service that had begun to work.
    let sentence = err.trim_end().lines().last().unwrap_or_default();
    assert!(sentence.starts_with("signloop: "), "{err}");
    let said = err.lines().filter(|line| line.starts_with("signloop: "));
    assert_eq!(said.count(), 1, "{err}");
    for part in parts {
        assert!(sentence.contains(part), "no {part:?} in: {sentence}");
    }
    for noise in [
        "panicked",
        "RUST_BACKTRACE",
        "Error(",
        "Error {",
        "\\n",
        "Some(",
    ] {
        assert!(!err.contains(noise), "{noise:?} in: {err}");
    }
}

/// The same for a command that does not get to work at all: nothing but the sentence.
#[track_caller]
fn check_only(ended: &Ended, code: i32, parts: &[&str]) {
    check(ended, code, parts);
    assert_eq!(ended.err.trim_end().lines().count(), 1, "{}", ended.err);
}

fn folder_with(name: &str, content: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A lake with one sign-in.
fn small_lake() -> Lake {
    let lake = Lake::new();
    let short = Short {
        number: 1,
        user: 1,
        at: 1_773_417_600_000_000,
        client: OUTLOOK,
        code: 0,
        ip: 1,
    };
    let (_folder, file) = folder_with("one.json", envelope(&[short.json()]));
    lake.ingest(&[Path::new(&file)]);
    lake
}

#[test]
fn a_missing_file_is_named() {
    let lake = Lake::new();
    let ended = signloop_with(["ingest", "--lake", text(lake.path()), "no-such-file.json"]);
    check_only(
        &ended,
        INVALID,
        &[
            "cannot read no-such-file.json",
            "No such file",
            "check the path",
        ],
    );
    assert!(!lake.path().exists(), "a lake was made for nothing");
    let ended = signloop_with([
        "migrations",
        "import",
        "--lake",
        text(lake.path()),
        "none.csv",
    ]);
    check_only(&ended, INVALID, &["cannot read none.csv", "check the path"]);
    assert!(!lake.path().exists(), "a lake was made for nothing");
}

/// Nobody is to believe that everything in a folder was read.
#[test]
fn files_of_other_kinds_in_a_folder_are_told_of() {
    let (folder, _) = folder_with("PT1H.json", "{}");
    for name in ["a.avro", "b.avro", "notes", ".hidden.avro"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    let lake = Lake::new();
    let mut command = signloop();
    command.args(["ingest", "--lake"]).arg(lake.path());
    let ended = run(command.arg(folder.path()));
    let told = "passed over in folders: 2 .avro, 1 without an ending;";
    assert!(ended.out.contains(told), "{}", ended.out);
    assert!(ended.out.starts_with("1 file: "), "{}", ended.out);
}

#[test]
fn a_folder_that_is_no_lake_is_left_alone() {
    let (folder, file) = folder_with("notes.txt", "mine");
    let path = text(folder.path());
    let query = signloop_with(["sql", "--lake", path, "SELECT 1"]);
    check_only(&query, INVALID, &[path, "is not a Signloop lake", "--lake"]);
    let ingest = signloop_with(["ingest", "--lake", path, &file]);
    check_only(
        &ingest,
        INVALID,
        &[path, "is not empty and not a Signloop lake"],
    );
    let absent = folder.path().join("absent");
    let query = signloop_with(["sql", "--lake", text(&absent), "SELECT 1"]);
    check_only(
        &query,
        INVALID,
        &[text(&absent), "does not exist", "signloop ingest"],
    );
    assert!(!absent.exists());
    let a_file = signloop_with(["ingest", "--lake", &file, &file]);
    check_only(&a_file, INVALID, &[&file, "is a file"]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(
        (left.len(), fs::read(&file).unwrap()),
        (1, b"mine".to_vec())
    );
}

#[test]
fn a_broken_log_of_a_table_is_told_and_not_repaired() {
    let lake = small_lake();
    let entry = lake
        .table("sign_ins")
        .join("_delta_log/00000000000000000001.json");
    fs::write(&entry, "{ broken").unwrap();
    let ended = signloop_with([
        "sql",
        "--lake",
        text(lake.path()),
        "SELECT count(*) FROM sign_ins",
    ]);
    check_only(
        &ended,
        FAILURE,
        &["the Delta log of sign_ins cannot be used"],
    );
    assert_eq!(fs::read_to_string(&entry).unwrap(), "{ broken");
}

fn run_with(config: impl AsRef<[u8]>) -> Ended {
    let (_folder, path) = folder_with("signloop.toml", config);
    signloop_with(["run", "-c", &path])
}

#[test]
fn a_configuration_that_cannot_be_read_or_is_wrong_is_told_with_all_its_problems() {
    let ended = signloop_with(["run", "-c", "no-such.toml"]);
    check_only(&ended, INVALID, &["no-such.toml", "No such file"]);
    let folder = tempfile::tempdir().unwrap();
    let ended = signloop_with(["run", "-c", text(folder.path())]);
    check_only(&ended, INVALID, &[text(folder.path())]);
    check_only(&run_with(b"\xff\xfe\x00"), INVALID, &["signloop.toml"]);
    check_only(&run_with("[lake\n"), INVALID, &["line 1"]);
    let unknown = run_with("[lake]\nfolder = \"x\"\n");
    check_only(&unknown, INVALID, &["folder", "path", "flush_seconds"]);
    let section = run_with("[lakes]\npath = \"x\"\n");
    check_only(&section, INVALID, &["lakes", "lake"]);
    let wrong =
        "[lake]\nflush_seconds = 0\n[kafka]\nstart = \"now\"\n[http]\nlisten = \"0.0.0.0:1\"\n";
    let parts = [
        "lake.flush_seconds",
        "kafka.brokers",
        "kafka.topic",
        "kafka.start",
        "loopback",
    ];
    check_only(&run_with(wrong), INVALID, &parts);
    let nothing = run_with("[lake]\npath = \"x\"\n");
    check_only(
        &nothing,
        INVALID,
        &["there is no [kafka]", "brokers", "topic"],
    );
}

#[test]
fn a_broker_that_does_not_answer_is_named() {
    let lake = Lake::new();
    let [port, http] = free_ports();
    let broker = format!("127.0.0.1:{port}");
    let listen = format!("127.0.0.1:{http}");
    let ended = run_with(config_text(&broker, "sign-ins", lake.path(), &listen));
    check(
        &ended,
        UNREACHABLE,
        &["cannot reach the broker", &broker, "kafka.brokers"],
    );
}

#[test]
fn a_topic_that_does_not_exist_is_named() {
    let (kafka, lake) = (Kafka::shared(), Lake::new());
    let [http] = free_ports();
    let listen = format!("127.0.0.1:{http}");
    let ended = run_with(config_text(
        kafka.bootstrap(),
        "no-such-topic",
        lake.path(),
        &listen,
    ));
    let parts = [
        kafka.bootstrap(),
        "has no topic no-such-topic",
        "kafka.topic",
    ];
    check(&ended, UNREACHABLE, &parts);
}

#[test]
fn a_port_in_use_is_named() {
    let (kafka, lake) = (Kafka::shared(), Lake::new());
    kafka.create_topic("port-in-use", 1);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let ended = run_with(config_text(
        kafka.bootstrap(),
        "port-in-use",
        lake.path(),
        &listen,
    ));
    check(
        &ended,
        FAILURE,
        &["cannot listen on", &listen, "in use", "http.listen"],
    );
}

#[test]
fn a_lake_in_use_by_another_process_is_not_touched() {
    let (kafka, lake) = (Kafka::shared(), small_lake());
    kafka.create_topic("in-use", 1);
    let mut service = Service::start(kafka, "in-use", &lake);
    service.until_ready();
    let (_folder, file) = folder_with("more.json", "{}");
    let ended = signloop_with(["ingest", "--lake", text(lake.path()), &file]);
    check_only(
        &ended,
        FAILURE,
        &[text(lake.path()), "is being written by another signloop"],
    );
    // Readers and imports go on.
    assert_eq!(lake.sql("SELECT id FROM sign_ins").len(), 1);
    lake.import("user,cutover_at\na@b.example,2026-03-13T16:00:00Z\n");
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[track_caller]
fn import(csv: &str, flags: &[&str]) -> Ended {
    let lake = Lake::new();
    let (_folder, file) = folder_with("moves.csv", csv);
    let mut command = signloop();
    command
        .args(["migrations", "import", "--lake"])
        .arg(lake.path())
        .arg(file);
    run(command.args(flags))
}

#[test]
fn an_export_that_is_none_is_refused_as_a_whole() {
    check_only(&import("", &[]), INVALID, &["moves.csv"]);
    check_only(
        &import("a,b,c\n1,2,3\n", &[]),
        INVALID,
        &["moves.csv", "cutover_at"],
    );
    check_only(&import("{\"user\": 1}", &[]), INVALID, &["moves.csv"]);
}

#[test]
fn an_export_without_a_row_that_can_be_read_says_which_lines_were_refused() {
    for (row, why) in [
        ("\"a@b.example,2026", "a quote is opened and never closed"),
        ("a@b.example", "the row has 1 cells"),
        ("a@b.example,soon", "`soon` is not a date and time"),
    ] {
        let ended = import(&format!("user,cutover_at\n{row}\n"), &[]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(INVALID), ""));
        for part in ["line 2 was refused", why, "0 mailboxes imported"] {
            assert!(ended.out.contains(part), "no {part:?} in: {}", ended.out);
        }
    }
    // One bad row does not keep the others out.
    let ended = import(
        "user,cutover_at\na@b.example,soon\nc@d.example,2026-03-13T16:00:00Z\n",
        &[],
    );
    assert_eq!(ended.code, Some(0));
    assert!(ended.out.contains("line 2 was refused") && ended.out.contains("1 mailboxes imported"));
}

#[test]
fn a_date_that_could_mean_two_instants_is_refused_with_the_flag_that_settles_it() {
    let no_zone = "user,cutover_at\na@b.example,2026-03-13 16:00\n";
    check_only(&import(no_zone, &[]), INVALID, &["moves.csv", "--tz"]);
    assert_eq!(import(no_zone, &["--tz", "Europe/Berlin"]).code, Some(0));
    let no_order = "user,cutover_at\na@b.example,3/4/2026 16:00\n";
    check_only(
        &import(no_order, &["--tz", "UTC"]),
        INVALID,
        &["moves.csv", "--date-order"],
    );
    assert_eq!(
        import(no_order, &["--tz", "UTC", "--date-order", "dmy"]).code,
        Some(0)
    );
    let zone = import(no_zone, &["--tz", "Europa/Berlin"]);
    check_only(&zone, INVALID, &["Europa/Berlin", "time zone", "--tz"]);
}

#[test]
fn a_query_that_is_wrong_is_told_and_one_that_writes_is_refused() {
    let lake = small_lake();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("stolen.csv");
    let query = |sql: &str| signloop_with(["sql", "--lake", text(lake.path()), sql]);
    check_only(&query("SELEC 1"), INVALID, &["the query failed", "SELEC"]);
    check_only(
        &query("SELECT nope FROM sign_ins"),
        INVALID,
        &["the query failed", "nope"],
    );
    check_only(
        &query("SELECT * FROM no_such_table"),
        INVALID,
        &["no_such_table"],
    );
    check_only(&query(""), INVALID, &["the query failed"]);
    for writing in [
        "CREATE TABLE mine AS SELECT 1".to_owned(),
        "CREATE VIEW mine AS SELECT 1".to_owned(),
        "CREATE EXTERNAL TABLE passwords STORED AS CSV LOCATION '/etc/passwd'".to_owned(),
        "INSERT INTO rejects SELECT * FROM rejects".to_owned(),
        "DELETE FROM sign_ins".to_owned(),
        "UPDATE sign_ins SET id = 'x'".to_owned(),
        "DROP TABLE sign_ins".to_owned(),
        "DROP VIEW stuck_now".to_owned(),
        "TRUNCATE TABLE sign_ins".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "SELECT 1; DROP TABLE sign_ins".to_owned(),
        format!("COPY (SELECT * FROM sign_ins) TO '{}'", target.display()),
    ] {
        check_only(&query(&writing), INVALID, &["the query failed"]);
    }
    check_only(
        &query("SELECT * FROM '/etc/passwd'"),
        INVALID,
        &["the query failed"],
    );
    assert!(!target.exists(), "a query has written a file");
    assert_eq!(lake.sql("SELECT id FROM sign_ins").len(), 1);
}

#[test]
fn wrong_arguments_are_usage_errors() {
    for arguments in [
        &["frobnicate"][..],
        &["ingest"],
        &["sql"],
        &["run"],
        &["sql", "--format", "x", "SELECT 1"],
    ] {
        let ended = signloop_with(arguments);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(USAGE), ""),
            "{arguments:?}"
        );
        assert!(
            ended.err.contains("Usage:") || ended.err.contains("--help"),
            "{}",
            ended.err
        );
    }
    assert_eq!(run(&mut signloop()).code, Some(USAGE));
}

#[test]
fn help_and_version_are_data() {
    let version = signloop_with(["--version"]);
    assert_eq!(version.code, Some(0));
    assert_eq!(
        version.out,
        format!("signloop {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = signloop_with(["--help"]);
    assert!(help.code == Some(0) && help.err.is_empty() && help.out.contains("Exit codes"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let lake = small_lake();
    let query = "SELECT a.value FROM generate_series(1, 2000000) a";
    let mut command = Command::new("sh");
    // Of a pipe's own status sh tells only the last one, so the first one goes to standard error.
    command.args([
        "-c",
        "{ \"$@\"; echo \"ended with $?\" >&2; } | head -n 1",
        "sh",
    ]);
    command.arg(env!("CARGO_BIN_EXE_signloop"));
    command
        .args(["sql", "--format", "csv", "--lake"])
        .arg(lake.path())
        .arg(query);
    let ended = run(&mut command);
    assert_eq!(
        (ended.out.as_str(), ended.err.as_str()),
        ("value\n", "ended with 0\n")
    );
}

#[test]
fn a_lake_is_no_input_of_its_own() {
    let lake = small_lake();
    let sign_in = envelope(&[Short {
        number: 2,
        user: 2,
        at: 1_773_417_600_000_000,
        client: OUTLOOK,
        code: 0,
        ip: 1,
    }
    .json()]);
    fs::write(lake.path().parent().unwrap().join("two.json"), sign_in).unwrap();
    let told = lake.ingest(&[lake.path().parent().unwrap()]);
    assert_eq!((told.sign_ins, told.sum()), (1, 1));
}

#[test]
fn a_marker_that_says_something_else_is_refused() {
    let lake = small_lake();
    let marker = lake.path().join("signloop-lake.json");
    for (content, said) in [
        ("xx", "its signloop-lake.json is damaged"),
        ("{}", "its signloop-lake.json is damaged"),
        (r#"{"format":99}"#, "has the format 99"),
    ] {
        fs::write(&marker, content).unwrap();
        let folder = text(lake.path());
        for command in [&["report"][..], &["loops"], &["ingest", text(&marker)]] {
            let ended = signloop_with([command, &["--lake", folder]].concat());
            check_only(&ended, INVALID, &[said]);
        }
    }
}
