//! From a sign-in on the broker to a firing alert: the real service, a real Prometheus, the shipped
//! rules.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::harness::kafka::Kafka;
use crate::harness::process::eventually;
use crate::harness::prometheus::Prometheus;
use crate::kafka::ends;
use crate::prometheus_rules::{RULES, read};
use crate::support::{LIMIT, Lake, Service};
use crate::weekend::{Weekend, plan};

const PARTITIONS: i32 = 4;
const ALERT: &str = "SignloopMigratedUserLegacyLoop";

/// The shipped rules without their patience: what they say, but at once.
fn impatient() -> String {
    let rules = read(RULES);
    let mut shortened = 0;
    let lines = rules.lines().map(|line| {
        let indent = &line[..line.len() - line.trim_start().len()];
        for key in ["for: ", "keep_firing_for: "] {
            if line.trim_start().starts_with(key) {
                shortened += 1;
                return format!("{indent}{key}1s");
            }
        }
        line.to_owned()
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    assert!(
        shortened >= 2,
        "the rules have their patience in other words"
    );
    text
}

#[test]
fn a_migrated_user_in_a_loop_makes_the_alert_fire() {
    let (kafka, topic, lake) = (Kafka::shared(), "alerting", Lake::new());
    let weekend = Weekend::new(&plan(250), usize::MAX);
    let messages = weekend.over_partitions(PARTITIONS);
    lake.import(&weekend.moves);
    kafka.create_topic(topic, PARTITIONS);
    let mut service = Service::start(kafka, topic, &lake);
    service.until_ready();

    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    fs::write(&rules, impatient()).unwrap();
    let prometheus = Prometheus::start(service.address(), &[rules]);
    eventually("a scrape", LIMIT, || {
        let up = prometheus.query("up{job=\"signloop\"}");
        (up[0]["value"][1] == "1").then_some(())
    });
    let quiet = prometheus.alerts();
    assert_eq!(firing(&quiet, ALERT), Vec::<String>::new(), "{quiet}");

    kafka.produce(topic, messages.clone());
    service.until_stored(&lake, topic, &ends(&messages));
    let batches = eventually("the alert fires", Duration::from_secs(60), || {
        let batches = firing(&prometheus.alerts(), ALERT);
        (!batches.is_empty()).then_some(batches)
    });
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    // The batches of the alert are those with stuck people in the lake.
    let stuck = "SELECT DISTINCT batch FROM stuck_now WHERE kind = 'direct' ORDER BY batch";
    let stuck: Vec<String> = lake.duckdb_text(stuck).into_iter().flatten().collect();
    assert!(
        !stuck.is_empty() && batches.iter().all(|batch| stuck.contains(batch)),
        "{batches:?} {stuck:?}"
    );
}

/// The batches for which an alert fires, sorted.
fn firing(alerts: &Value, name: &str) -> Vec<String> {
    let alerts = alerts.as_array().unwrap().iter();
    let firing =
        alerts.filter(|alert| alert["labels"]["alertname"] == name && alert["state"] == "firing");
    let mut batches: Vec<String> = firing
        .map(|alert| alert["labels"]["batch"].as_str().unwrap().to_owned())
        .collect();
    batches.sort();
    batches
}
