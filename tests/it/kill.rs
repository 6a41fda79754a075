//! Killed again and again at any moment, the service loses nothing and doubles nothing.
//!
//! The oracle is what was sent and an undisturbed run over the same topic; the lakes are read by
//! another engine. Half of the kills wait for something to happen in the lake first, since a blind
//! kill rarely hits the short time between two commits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::kafka::Kafka;
use crate::kafka::{check_ids, ends};
use crate::support::{Lake, Service, envelope, files};
use crate::weekend::{Weekend, plan, sign_in_id};

const PARTITIONS: i32 = 4;
const SIGN_INS: usize = 50_000;
const KILLS: usize = 20;
/// Kills before the migration facts are imported.
const KILLS_BEFORE_IMPORT: usize = 4;
/// How long a moment is waited for.
const WAIT_MAX: Duration = Duration::from_secs(6);
/// Every so many messages one is followed by a message that is no JSON.
const BROKEN_EVERY: usize = 60;
/// Every so many messages a record of one is sent again with other content.
const REVISED_EVERY: usize = 45;

/// When the service is killed: a time after something.
#[derive(Debug, Clone, Copy)]
struct Kill {
    moment: Moment,
    delay: Duration,
}

/// What has to have happened before the kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Nothing: a time after the start.
    Any,
    /// A file of the table was begun.
    File(&'static str),
    /// A commit to the table.
    Commit(&'static str),
}

/// Each comes at least twice; the delay after it is thrown.
const MOMENTS: [Moment; 10] = [
    Moment::Commit("rejects"),
    Moment::Any,
    Moment::Commit("sign_ins"),
    Moment::File("sign_ins"),
    Moment::Commit("loops"),
    Moment::Commit("sign_in_revisions"),
    Moment::Any,
    Moment::Commit("mailbox_states"),
    Moment::File("loops"),
    Moment::Any,
];

/// The same throws in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What is sent and what must come of it.
struct Sent {
    messages: Vec<(i32, Vec<u8>)>,
    broken: BTreeSet<String>,
    /// Ids that were sent with two contents.
    revised: BTreeSet<String>,
}

fn sent(weekend: &Weekend) -> Sent {
    let mut sent = Sent {
        messages: Vec::new(),
        broken: BTreeSet::new(),
        revised: BTreeSet::new(),
    };
    for (number, (partition, message)) in
        weekend.over_partitions(PARTITIONS).into_iter().enumerate()
    {
        if number % BROKEN_EVERY == 0 {
            let broken = format!("{{\"broken\": {number},");
            sent.messages.push((partition, broken.clone().into_bytes()));
            sent.broken.insert(broken);
        }
        if number % REVISED_EVERY == 0 {
            let other = (partition + number as i32 % 3) % PARTITIONS;
            let record = revised(&message);
            sent.revised.extend(sign_in_id(&record));
            sent.messages.push((other, envelope(&[record])));
        }
        sent.messages.push((partition, message));
    }
    sent
}

/// The first record of an envelope with one more key, which is not read.
fn revised(message: &[u8]) -> String {
    let text = std::str::from_utf8(message).unwrap();
    let list = text.strip_prefix("{\"records\":[").unwrap();
    let end = signloop::domain::decode::split::value_end(list.as_bytes(), 0).unwrap();
    let record = list[..end].strip_prefix('{').unwrap();
    format!("{{\"revision\":2,{record}")
}

#[test]
fn killed_twenty_times_it_loses_nothing_and_doubles_nothing() {
    let (kafka, topic) = (Kafka::shared(), "killed");
    let weekend = Weekend::new(&plan(1_000), SIGN_INS);
    assert_eq!(weekend.ids.len(), SIGN_INS);
    let sent = sent(&weekend);
    kafka.create_topic(topic, PARTITIONS);
    let killed = Lake::new();
    let mut dice = Dice(2026);
    let mut slices = sent
        .messages
        .chunks(sent.messages.len().div_ceil(KILLS + 1));
    for kill in 0..KILLS {
        if kill == KILLS_BEFORE_IMPORT {
            killed.import(&weekend.moves);
        }
        let moment = MOMENTS[kill % MOMENTS.len()];
        let delay = Duration::from_millis(dice.below(moment.delay_max()));
        let slice = slices.next().unwrap_or_default();
        kill_once(kafka, topic, &killed, slice, Kill { moment, delay });
    }
    slices.for_each(|slice| kafka.produce(topic, slice.iter().cloned()));
    run_to_end(kafka, topic, &killed, &sent);

    let undisturbed = Lake::new();
    undisturbed.import(&weekend.moves);
    run_to_end(kafka, topic, &undisturbed, &sent);

    for lake in [&killed, &undisturbed] {
        check_ids(lake, &weekend.ids);
        check_rejects(lake, &sent.broken);
        check_revisions(lake, &sent.revised);
        check_no_strays(lake);
    }
    check_same_findings(&killed, &undisturbed);
}

/// Starts the service, feeds it, waits for the moment, and kills it a little later.
fn kill_once(kafka: &Kafka, topic: &str, lake: &Lake, slice: &[(i32, Vec<u8>)], kill: Kill) {
    let before = kill.moment.seen(lake);
    let mut service = Service::start(kafka, topic, lake);
    thread::scope(|scope| {
        scope.spawn(|| kafka.produce(topic, slice.iter().cloned()));
        if kill.moment != Moment::Any {
            // One that does not come, such as a loop when nobody is stuck yet, is not waited for.
            wait(WAIT_MAX, || kill.moment.seen(lake) != before);
        }
        wait(kill.delay, || false);
        if service.process().ended().is_some() {
            panic!("the service ended by itself: {}", service.process().log());
        }
        println!("{kill:?}, stored {:?}", lake.offsets(topic));
        service.kill();
    });
}

impl Moment {
    /// Milliseconds; the whole of a commit takes some ten.
    fn delay_max(self) -> u64 {
        match self {
            Moment::Any => 3_000,
            Moment::File(_) | Moment::Commit(_) => 120,
        }
    }

    /// What it is recognised by: names of files, of which there is one more afterwards.
    fn seen(self, lake: &Lake) -> BTreeSet<PathBuf> {
        match self {
            Moment::Any => BTreeSet::new(),
            Moment::File(table) => {
                let folders = files(&lake.table(table));
                folders.iter().flat_map(|folder| files(folder)).collect()
            }
            Moment::Commit(table) => {
                let log = files(&lake.table(table).join("_delta_log"));
                let is_entry = |path: &PathBuf| path.extension().is_some_and(|it| it == "json");
                log.into_iter().filter(is_entry).collect()
            }
        }
    }
}

/// Waits until something holds, or as long as this.
fn wait(longest: Duration, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < longest && !holds() {
        thread::park_timeout(Duration::from_millis(1));
    }
}

fn run_to_end(kafka: &Kafka, topic: &str, lake: &Lake, sent: &Sent) {
    let mut service = Service::start(kafka, topic, lake);
    service.until_stored(lake, topic, &ends(&sent.messages));
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

fn check_rejects(lake: &Lake, broken: &BTreeSet<String>) {
    let rows = lake.duckdb_text("SELECT decode(raw) FROM rejects WHERE reason = 'truncated'");
    let found: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(&found, broken);
    let all = lake.duckdb_number("SELECT count(*) FROM rejects");
    assert_eq!((rows.len(), all), (broken.len(), broken.len() as u64));
}

/// Both contents of every revised sign-in are there, and no origin is there twice.
fn check_revisions(lake: &Lake, revised: &BTreeSet<String>) {
    let rows = lake.duckdb_text(
        "SELECT id FROM (SELECT id, content_hash FROM sign_ins \
                         UNION SELECT id, content_hash FROM sign_in_revisions) \
         GROUP BY id HAVING count(*) = 2",
    );
    let found: BTreeSet<String> = rows.into_iter().flatten().collect();
    assert_eq!(&found, revised);
    let twice = "SELECT count(*) FROM (SELECT 1 FROM sign_in_revisions \
                 GROUP BY origin_partition, origin_offset, origin_index HAVING count(*) > 1)";
    assert_eq!(lake.duckdb_number(twice), 0);
    let rows = lake.duckdb_number("SELECT count(*) FROM sign_in_revisions");
    println!("{rows} revisions of {} sign-ins", revised.len());
}

/// What a killed run had written but not committed is gone: plain globbing readers count right.
fn check_no_strays(lake: &Lake) {
    for table in ["sign_ins", "sign_in_revisions", "rejects"] {
        let folder = lake.table(table);
        let globbed = format!("read_parquet('{}/*/*.parquet')", folder.display());
        let counts = lake.duckdb_text(&format!(
            "SELECT (SELECT count(*) FROM {globbed}), (SELECT count(*) FROM {table})"
        ));
        assert_eq!(counts[0][0], counts[0][1], "{table}");
    }
}

fn check_same_findings(killed: &Lake, undisturbed: &Lake) {
    // How often a finding was revised on the way, and which ones it took over, is its history.
    let loops = "SELECT * EXCLUDE (revision, replaces) FROM loops_latest ORDER BY loop_id";
    let health = "SELECT * FROM batch_health ORDER BY batch";
    let states = "SELECT * EXCLUDE (sequence) FROM mailbox_states_latest ORDER BY mailbox";
    let kinds = "SELECT kind, count(*) FROM loops_latest GROUP BY kind ORDER BY kind";
    let found: BTreeMap<String, String> = undisturbed
        .duckdb_text(kinds)
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    println!("loops by kind: {found:?}");
    assert!(
        found.contains_key("direct") && found.contains_key("unrelated"),
        "{found:?}"
    );
    for query in [loops, states, health] {
        let (killed, undisturbed) = (killed.duckdb_text(query), undisturbed.duckdb_text(query));
        assert!(!undisturbed.is_empty(), "{query}");
        for (left, right) in killed.iter().zip(&undisturbed) {
            assert_eq!(left, right, "{query}");
        }
        assert_eq!(killed.len(), undisturbed.len(), "{query}");
    }
}
