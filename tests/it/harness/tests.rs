//! That the servers are real and go away: what the other tests take for granted.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::duckdb::{delta, duckdb};
use super::http;
use super::kafka::Kafka;
use super::process::{EndedEarly, Guarded, eventually};
use super::prometheus::{Prometheus, promtool};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_topic_gives_back_what_was_produced_in_the_order_of_each_partition() {
    let kafka = Kafka::shared();
    kafka.create_topic("harness", 4);
    let message = |number: i32| (number % 4, format!("message {number}").into_bytes());
    kafka.produce("harness", (0..1000).map(message));

    let read = read(kafka, "harness", 4, 1000);
    for partition in 0..4 {
        let expected: Vec<_> = (0..1000)
            .map(message)
            .filter(|it| it.0 == partition)
            .collect();
        let found: Vec<_> = read
            .iter()
            .filter(|it| it.0 == partition)
            .cloned()
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_crashed_broker_comes_back_with_what_it_had() {
    let mut kafka = Kafka::start();
    kafka.create_topic("kept", 1);
    kafka.produce("kept", [(0, b"before".to_vec())]);
    kafka.crash();
    kafka.revive();
    kafka.produce("kept", [(0, b"after".to_vec())]);
    let expected = [(0, b"before".to_vec()), (0, b"after".to_vec())];
    assert_eq!(read(&kafka, "kept", 1, 2), expected);
}

#[test]
fn a_guarded_process_is_gone_when_its_pipe_closes() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo $$; exec sleep 600"]);
    let guarded = Guarded::start(&command, folder.path());
    let log = || guarded.log();
    let pid = eventually("its id", LIMIT, || {
        log().strip_suffix('\n').map(str::to_owned)
    });
    let process = Path::new("/proc").join(pid);
    assert!(process.exists());
    drop(guarded);
    assert!(!process.exists(), "{} still runs", process.display());
    assert!(!folder.path().exists(), "its folder is still there");
}

#[test]
fn a_server_that_ends_early_is_told_with_its_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo the port is taken >&2; exit 3"]);
    let mut guarded = Guarded::start(&command, folder.path());
    let Err(EndedEarly(log)) = guarded.until_ready(LIMIT, || false) else {
        panic!("it was never ready");
    };
    assert_eq!(log, "the port is taken\n");
    assert_eq!(guarded.ended().and_then(|status| status.code()), Some(3));
}

#[test]
fn prometheus_scrapes_and_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    fs::write(&rules, RULES).unwrap();
    // Nothing listens on the discard port of this machine.
    let scraper_of_nothing = Prometheus::start("127.0.0.1:9", &[]);
    let prometheus = Prometheus::start(scraper_of_nothing.address(), &[rules]);

    let sample = eventually("a scrape", LIMIT, || {
        let result = prometheus.query(r#"up{job="signloop"}"#);
        result.get(0).map(|sample| sample["value"][1].clone())
    });
    assert_eq!(sample, "1");
    let alert = eventually("an alert", LIMIT, || prometheus.alerts().get(0).cloned());
    assert_eq!(alert["labels"]["alertname"], "TargetIsUp");
    let missed = eventually("a missed scrape", LIMIT, || {
        scraper_of_nothing
            .query("up == 0")
            .get(0)
            .map(|sample| sample["value"][1].clone())
    });
    assert_eq!(missed, "0");
    assert_eq!(
        http::get(prometheus.address(), "/no-such-page")
            .unwrap()
            .status,
        404
    );
}

const RULES: &str = "\
groups:
  - name: harness
    rules:
      - alert: TargetIsUp
        expr: up == 1
";

#[test]
fn promtool_tells_good_metrics_from_bad() {
    let good = b"# HELP signloop_records_total Records.\n# TYPE signloop_records_total counter\n\
        signloop_records_total 1\n";
    assert!(promtool(&["check", "metrics"], good).status.success());
    let bad = promtool(&["check", "metrics"], b"# TYPE x counter\nx 1\n");
    assert_eq!(bad.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("no help text"));
}

#[test]
fn duckdb_reads_what_the_delta_log_names_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("it's a table");
    fs::create_dir_all(table.join("_delta_log")).unwrap();
    write_parquet(&table.join("named.parquet"), "range(3)");
    write_parquet(&table.join("not-named.parquet"), "range(100)");
    fs::write(
        table.join("_delta_log/00000000000000000000.json"),
        DELTA_LOG,
    )
    .unwrap();

    let rows = duckdb(&format!(
        "CREATE VIEW numbers AS SELECT * FROM {};
         SELECT id, nullif(id, 1), seen, [id] FROM numbers ORDER BY id DESC",
        delta(&table)
    ));
    let seen = "2026-01-01 00:00:00+00";
    assert_eq!(
        rows,
        [
            ["2", "2", seen, "[2]"],
            ["1", "NULL", seen, "[1]"],
            ["0", "0", seen, "[0]"]
        ]
    );
}

const DELTA_LOG: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},{\"name\":\"seen\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{},"createdTime":0}}
{"add":{"path":"named.parquet","partitionValues":{},"size":0,"modificationTime":0,"dataChange":true}}
"#;

fn write_parquet(path: &Path, source: &str) {
    let path = path.display().to_string().replace('\'', "''");
    duckdb(&format!(
        "COPY (SELECT range AS id, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS seen FROM {source})
         TO '{path}'"
    ));
}

/// Everything in a topic from its beginning, once `count` messages have come.
fn read(kafka: &Kafka, topic: &str, partitions: i32, count: usize) -> Vec<(i32, Vec<u8>)> {
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment
            .add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    let consumer: BaseConsumer = kafka.client().set("group.id", "harness").create().unwrap();
    consumer.assign(&assignment).unwrap();
    let mut messages = Vec::new();
    eventually("all messages", LIMIT, || {
        while let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let message = message.unwrap();
            messages.push((message.partition(), message.payload().unwrap().to_vec()));
        }
        (messages.len() >= count).then_some(())
    });
    messages
}
