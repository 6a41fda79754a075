//! The whole program against references in the same run: file → lake beside DuckDB, Kafka → lake
//! beside a consumer that only polls. Prints ratios; `--write` puts them into docs/performance.md.
//!
//! `make bench` runs it with the shipped binary in the shipped profile (`--program`). Every run is a
//! process of its own, interleaved, medians over the rounds. Nothing is asserted about time.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use signloop::generate::{Event, Plan, envelope, tenant};

#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
#[path = "../tests/it/harness/mod.rs"]
mod harness;

/// Records of an envelope: about 135 KB, far under the 1 MiB a message may have.
const ENVELOPE: usize = 20;
const PARTITIONS: i32 = 8;
const TOPIC: &str = "sign-ins";
const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// What one run took.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
struct Took {
    wall_s: f64,
    cpu_s: f64,
    rss_mb: f64,
}

struct Input {
    program: PathBuf,
    records: u64,
    lines: PathBuf,
    envelopes: PathBuf,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, brokers] = arguments.as_slice()
        && mode == "--poll-only"
    {
        return poll_only(brokers);
    }
    let number = |name: &str, default: u64| {
        let place = arguments.iter().position(|argument| argument == name);
        place.map_or(default, |place| {
            arguments[place + 1].parse().expect("a number")
        })
    };
    let (records, rounds) = (number("--records", 160_000), number("--rounds", 9));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = arguments
        .iter()
        .position(|argument| argument == "--program")
        .map(|place| arguments[place + 1].as_str());
    let program =
        program.expect("--program names the binary to measure, such as target/release/signloop");
    let input = make_input(PathBuf::from(program), records, folder.path());
    let kafka = harness::kafka::Kafka::start();
    kafka.create_topic(TOPIC, PARTITIONS);
    fill(&kafka, &input);
    let report = run(&input, &kafka, rounds, folder.path());
    println!("{report}");
    if arguments.iter().any(|argument| argument == "--write") {
        write_report(&report);
    }
}

fn make_input(program: PathBuf, records: u64, folder: &Path) -> Input {
    let input = Input {
        program,
        records,
        lines: folder.join("lines.ndjson"),
        envelopes: folder.join("envelopes.ndjson"),
    };
    let mut lines = BufWriter::new(File::create(&input.lines).expect("a file"));
    let mut envelopes = BufWriter::new(File::create(&input.envelopes).expect("a file"));
    let tenant = tenant(&Plan::bulk(records));
    let mut batch: Vec<Event> = Vec::new();
    for event in tenant
        .events()
        .take(usize::try_from(records).expect("a count"))
    {
        writeln!(lines, "{}", event.json).expect("room on the disk");
        batch.push(event);
        if batch.len() == ENVELOPE {
            envelopes
                .write_all(&envelope(&batch))
                .expect("room on the disk");
            envelopes.write_all(b"\n").expect("room on the disk");
            batch.clear();
        }
    }
    envelopes
        .write_all(&envelope(&batch))
        .expect("room on the disk");
    input
}

fn fill(kafka: &harness::kafka::Kafka, input: &Input) {
    let text = std::fs::read(&input.envelopes).expect("just written");
    let messages = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let spread = messages.zip((0..PARTITIONS).cycle());
    kafka.produce(
        TOPIC,
        spread.map(|(message, partition)| (partition, message.to_vec())),
    );
}

/// One kind of run, and what its rounds took.
struct Row {
    name: &'static str,
    took: Vec<Took>,
}

fn run(input: &Input, kafka: &harness::kafka::Kafka, rounds: u64, folder: &Path) -> String {
    let names = [
        "DuckDB, schema given",
        "file → lake",
        "file → lake, failures kept whole",
        "file of envelopes → lake",
        "poll only",
        "Kafka → lake",
    ];
    let mut rows = names.map(|name| Row {
        name,
        took: Vec::new(),
    });
    for round in 0..=rounds {
        let took = [
            duckdb(input, folder),
            ingest(input, &input.lines, "none", folder),
            ingest(input, &input.lines, "failures", folder),
            ingest(input, &input.envelopes, "failures", folder),
            poll(kafka),
            from_kafka(input, kafka, folder),
        ];
        eprintln!("round {round}: {took:?}");
        // The first round warms caches and does not count.
        if round > 0 {
            rows.iter_mut()
                .zip(took)
                .for_each(|(row, took)| row.took.push(took));
        }
    }
    report(input, &rows, rounds)
}

fn report(input: &Input, rows: &[Row; 6], rounds: u64) -> String {
    let bytes = std::fs::metadata(&input.lines).expect("just written").len() as f64;
    let records = input.records as f64;
    let mut text = format!(
        "{} records of {:.0} bytes, 2 threads, median of {rounds} rounds after a warm-up.\n\n\
         | run | wall s (min–max) | records/s | MB/s | CPU µs/record | peak RSS MB |\n|---|---|---|---|---|---|\n",
        input.records,
        bytes / records
    );
    for row in rows {
        let wall = median(row, |took| took.wall_s);
        let (least, most) = bounds(row);
        text += &format!(
            "| {} | {wall:.2} ({least:.2}–{most:.2}) | {:.0} | {:.0} | {:.2} | {:.0} |\n",
            row.name,
            records / wall,
            bytes / wall / 1e6,
            median(row, |took| took.cpu_s) * 1e6 / records,
            median(row, |took| took.rss_mb),
        );
    }
    let [duckdb, lines, kept, envelopes, poll, kafka] = rows;
    let wall = |row: &Row| median(row, |took| took.wall_s);
    let cpu = |row: &Row| median(row, |took| took.cpu_s);
    text + &format!(
        "\n| ratio | measured | bar |\n|---|---|---|\n\
         | file → lake, records/s against DuckDB | {:.2} | ≥ 1.5 |\n\
         | the same with failures kept whole, which DuckDB does not do | {:.2} | – |\n\
         | file → lake, CPU per record as a share of DuckDB's | {:.2} | – |\n\
         | Kafka → lake, CPU per record against (file of envelopes → lake + poll only) | {:.2} | ≤ 1.15 |\n\
         | peak resident memory of Kafka → lake, MB | {:.0} | < 512 |\n",
        wall(duckdb) / wall(lines),
        wall(duckdb) / wall(kept),
        cpu(lines) / cpu(duckdb),
        cpu(kafka) / (cpu(envelopes) + cpu(poll)),
        median(kafka, |took| took.rss_mb),
    )
}

fn median(row: &Row, of: impl Fn(&Took) -> f64) -> f64 {
    let mut values: Vec<f64> = row.took.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn bounds(row: &Row) -> (f64, f64) {
    let walls = row.took.iter().map(|took| took.wall_s);
    (
        walls.clone().fold(f64::INFINITY, f64::min),
        walls.fold(0.0, f64::max),
    )
}

fn duckdb(input: &Input, folder: &Path) -> Took {
    warm(&input.lines);
    let out = folder.join("duckdb.parquet");
    let mut command = measured(&harness::tools::python());
    command
        .arg(source("benches/reference.py"))
        .arg(&input.lines)
        .arg(&out);
    took(command)
}

/// `raw` is what is kept whole; DuckDB keeps nothing, the service by default what failed.
fn ingest(input: &Input, file: &Path, raw: &str, folder: &Path) -> Took {
    let lake = fresh(folder);
    let mut command = measured(&input.program);
    command
        .args(["ingest", "--raw", raw, "--lake"])
        .arg(lake)
        .arg(file);
    took(command)
}

fn poll(kafka: &harness::kafka::Kafka) -> Took {
    let mut command = measured(&std::env::current_exe().expect("this program"));
    command.arg("--poll-only").arg(kafka.bootstrap());
    took(command)
}

fn from_kafka(input: &Input, kafka: &harness::kafka::Kafka, folder: &Path) -> Took {
    let config = folder.join("signloop.toml");
    let text = format!(
        "[lake]\npath = {:?}\n[kafka]\nbrokers = {:?}\ntopic = {TOPIC:?}\n[http]\nlisten = \"127.0.0.1:0\"\n",
        fresh(folder),
        kafka.bootstrap()
    );
    std::fs::write(&config, text).expect("room on the disk");
    let mut command = measured(&input.program);
    command.arg("run").arg("--once").arg("--config").arg(config);
    took(command)
}

fn fresh(folder: &Path) -> PathBuf {
    let lake = folder.join("lake");
    if lake.exists() {
        std::fs::remove_dir_all(&lake).expect("our own folder");
    }
    lake
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn measured(program: &Path) -> Command {
    let mut command = Command::new(harness::tools::python());
    command.arg(source("benches/measure.py")).arg(program);
    command
}

/// Reads a file once, so that no run pays for another one's eviction of it from the page cache.
fn warm(file: &Path) {
    let mut file = File::open(file).expect("our own file");
    std::io::copy(&mut file, &mut std::io::sink()).expect("readable");
}

fn took(mut command: Command) -> Took {
    let output = command.output().expect("the command starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{command:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(text.trim().lines().last().expect("a last line"))
        .expect("measure.py prints JSON")
}

/// Reads the whole topic with the program's own client settings and does nothing with it.
fn poll_only(brokers: &str) {
    let settings = signloop::source::kafka::KafkaSettings {
        brokers: brokers.to_owned(),
        topic: TOPIC.to_owned(),
        group: "poll-only".to_owned(),
        start: signloop::source::kafka::Start::Earliest,
        options: Vec::new(),
        once: true,
    };
    let consumer: BaseConsumer = signloop::source::kafka::client_config(&settings)
        .create()
        .expect("settings are valid");
    let mut list = TopicPartitionList::new();
    let mut left = 0;
    for partition in 0..PARTITIONS {
        let (_, high) = consumer
            .fetch_watermarks(TOPIC, partition, Duration::from_secs(15))
            .expect("the broker answers");
        list.add_partition_offset(TOPIC, partition, Offset::Beginning)
            .expect("a valid offset");
        left += high;
    }
    consumer.assign(&list).expect("an assignment");
    let mut bytes = 0;
    while left > 0 {
        if let Some(message) = consumer.poll(Duration::from_millis(50)) {
            bytes += message.expect("a message").payload_len();
            left -= 1;
        }
    }
    println!("{bytes} bytes");
}

fn write_report(report: &str) {
    let path = source("docs/performance.md");
    let text = std::fs::read_to_string(&path).expect("docs/performance.md");
    let (before, rest) = text.split_once(BEGIN).expect("the begin mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    std::fs::write(&path, format!("{before}{BEGIN}\n{report}{END}{after}"))
        .expect("docs/performance.md");
}
