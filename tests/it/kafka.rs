//! A topic of a real broker goes into the lake once, whatever was read before, and what the broker
//! no longer has is told instead of skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::harness::kafka::Kafka;
use crate::harness::process::eventually;
use crate::support::{LIMIT, Lake, OUTLOOK, Service, Short, envelope};
use crate::weekend::{Weekend, plan};

const PARTITIONS: i32 = 4;
const REQUEST: Duration = Duration::from_secs(30);

/// Where each partition ends after these messages.
pub fn ends(messages: &[(i32, Vec<u8>)]) -> BTreeMap<i32, i64> {
    let mut ends = BTreeMap::new();
    for (partition, _) in messages {
        *ends.entry(*partition).or_insert(0) += 1;
    }
    ends
}

#[test]
fn a_topic_goes_in_once_and_a_restart_goes_on_where_the_lake_ended() {
    let (kafka, topic, lake) = (Kafka::shared(), "once", Lake::new());
    let weekend = Weekend::new(&plan(200), 2_000);
    let mut messages = weekend.over_partitions(PARTITIONS);
    messages.push((0, b"".to_vec()));
    messages.push((1, b"{\"records\":[{\"time\":".to_vec()));
    kafka.create_topic(topic, PARTITIONS);
    kafka.produce(topic, messages.clone());

    let mut service = Service::start(kafka, topic, &lake);
    service.until_ready();
    service.until_stored(&lake, topic, &ends(&messages));
    // Another engine reads while the service runs.
    check_ids(&lake, &weekend.ids);
    check_rejects(&lake, &messages);
    service.until("the broker has the offsets as a hint", || {
        committed(kafka, topic) == ends(&messages)
    });
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");

    let later = later(9_000);
    kafka.produce(topic, [(2, envelope(&[later.json()]))]);
    let more: Vec<_> = messages.iter().cloned().chain([(2, vec![])]).collect();
    let mut again = Service::start(kafka, topic, &lake);
    again.until_stored(&lake, topic, &ends(&more));
    let (status, log) = again.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let mut ids = weekend.ids.clone();
    ids.insert(later.id());
    check_ids(&lake, &ids);
    check_rejects(&lake, &messages);
}

/// Every id exactly once, and no other one.
pub fn check_ids(lake: &Lake, expected: &BTreeSet<String>) {
    let rows = lake.duckdb_text("SELECT id FROM sign_ins");
    let found: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    let missing: Vec<_> = expected.difference(&found).take(3).collect();
    let unknown: Vec<_> = found.difference(expected).take(3).collect();
    let counts = (rows.len(), found.len(), expected.len());
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "{counts:?}, missing {missing:?}, unknown {unknown:?}"
    );
    assert_eq!(
        rows.len(),
        found.len(),
        "ids are in the lake more than once"
    );
}

/// The two broken messages, at the ends of partitions 0 and 1.
fn check_rejects(lake: &Lake, messages: &[(i32, Vec<u8>)]) {
    let ends = ends(messages);
    let rows = lake.duckdb_text(
        "SELECT reason, origin_stream, origin_partition, origin_offset, decode(raw) FROM rejects \
         ORDER BY origin_partition",
    );
    let last = |partition: i32| (ends[&partition] - 1).to_string();
    let raw = "{\"records\":[{\"time\":";
    // What is broken is the record, not the frame around it.
    let expected = [
        ["empty", "once", "0", &last(0), ""],
        [
            "truncated",
            "once",
            "1",
            &last(1),
            &raw["{\"records\":[".len()..],
        ],
    ];
    assert_eq!(rows, expected);
}

/// A sign-in that comes after all others.
fn later(number: u64) -> Short {
    Short {
        number,
        user: 1,
        at: 1_773_700_000_000_000,
        client: OUTLOOK,
        code: 0,
        ip: 1,
    }
}

/// The offsets that the broker remembers for our group.
fn committed(kafka: &Kafka, topic: &str) -> BTreeMap<i32, i64> {
    let consumer: BaseConsumer = kafka.client().set("group.id", "signloop").create().unwrap();
    let mut asked = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        asked.add_partition(topic, partition);
    }
    let known = consumer.committed_offsets(asked, REQUEST).unwrap();
    let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        element.offset().to_raw().filter(|offset| *offset >= 0)
    };
    let offsets = known.elements();
    offsets
        .iter()
        .filter_map(|element| Some((element.partition(), offset(element)?)))
        .collect()
}

fn admin(kafka: &Kafka) -> AdminClient<DefaultClientContext> {
    kafka.client().create().unwrap()
}

/// Removes what a partition holds before an offset, as retention does.
fn remove_before(kafka: &Kafka, topic: &str, offset: i64) {
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset(topic, 0, Offset::Offset(offset))
        .unwrap();
    let options = AdminOptions::new().operation_timeout(Some(REQUEST));
    let result = block_on(admin(kafka).delete_records(&before, &options)).unwrap();
    assert!(
        result
            .elements()
            .iter()
            .all(|element| element.error().is_ok())
    );
}

fn messages(count: u64, from: u64) -> Vec<(i32, Vec<u8>)> {
    let message = |number| (0, envelope(&[later(number).json()]));
    (from..from + count).map(message).collect()
}

/// Ingests five messages of a topic into a lake and stops.
fn five_stored(kafka: &Kafka, topic: &str) -> Lake {
    let lake = Lake::new();
    kafka.create_topic(topic, 1);
    kafka.produce(topic, messages(5, 0));
    let mut service = Service::start(kafka, topic, &lake);
    service.until_stored(&lake, topic, &BTreeMap::from([(0, 5)]));
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    lake
}

/// The service refuses to go on, in one sentence that says so.
fn check_refused(kafka: &Kafka, topic: &str, lake: &Lake, told: &[&str]) {
    let (status, log) = Service::start(kafka, topic, lake).ended();
    assert_eq!(status.code(), Some(1), "{log}");
    for part in told {
        assert!(log.contains(part), "no {part:?} in: {log}");
    }
    assert!(
        log.contains(topic) && log.contains("nothing was skipped"),
        "{log}"
    );
    assert_eq!(lake.duckdb_number("SELECT count(*) FROM sign_ins"), 5);
}

#[test]
fn what_retention_removed_before_it_was_read_is_told_with_its_offsets() {
    let (kafka, topic) = (Kafka::shared(), "retention");
    let lake = five_stored(kafka, topic);
    kafka.produce(topic, messages(10, 5));
    remove_before(kafka, topic, 12);
    check_refused(
        kafka,
        topic,
        &lake,
        &["partition 0", "offsets 5 to 11 are gone"],
    );
}

#[test]
fn a_topic_that_was_made_again_is_not_taken_for_the_old_one() {
    let (kafka, topic) = (Kafka::shared(), "again");
    let lake = five_stored(kafka, topic);
    let options = AdminOptions::new().operation_timeout(Some(REQUEST));
    let deleted = block_on(admin(kafka).delete_topics(&[topic], &options)).unwrap();
    deleted.into_iter().for_each(|result| {
        result.unwrap();
    });
    let client: BaseConsumer = kafka.client().create().unwrap();
    eventually("the topic is gone", LIMIT, || {
        let metadata = client.fetch_metadata(None, REQUEST).ok()?;
        let mut topics = metadata.topics().iter();
        topics.all(|known| known.name() != topic).then_some(())
    });
    kafka.create_topic(topic, 1);
    kafka.produce(topic, messages(2, 5));
    check_refused(kafka, topic, &lake, &["offset 5", "ends at 2"]);
}

#[test]
fn a_gap_that_opens_while_the_service_runs_ends_it() {
    let (kafka, topic, lake) = (Kafka::shared(), "overtaken", Lake::new());
    kafka.create_topic(topic, 1);
    kafka.produce(topic, messages(5, 0));
    let mut service = Service::start(kafka, topic, &lake);
    service.until_stored(&lake, topic, &BTreeMap::from([(0, 5)]));
    service.process().signal("STOP");
    kafka.produce(topic, messages(200, 5));
    kafka.produce(topic, messages(200, 205));
    remove_before(kafka, topic, 400);
    service.process().signal("CONT");
    let (status, log) = service.ended();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(
        log.contains("the broker no longer has the next offset"),
        "{log}"
    );
    // An answer that was under way may have brought some; they are a prefix of what was sent.
    let stored = lake.offsets(topic)[&0] as u64;
    let expected = (0..stored).map(|number| later(number).id()).collect();
    assert!(stored < 400, "{stored}");
    check_ids(&lake, &expected);
}
