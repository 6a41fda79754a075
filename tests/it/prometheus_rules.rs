//! The shipped rules, their test cases, the example configuration and the exposition, each judged by
//! the promtool of the oldest Prometheus that is supported; and every alert has its runbook.

use std::fs;
use std::path::{Path, PathBuf};

use signloop::domain::loops::words::Kind;
use signloop::domain::mailbox::MailboxState;
use signloop::metrics::{BatchFacts, Metrics};

use crate::harness::prometheus::promtool;

pub(crate) const RULES: &str = "deploy/prometheus/signloop.rules.yml";

pub(crate) fn shipped(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

pub(crate) fn read(relative: &str) -> String {
    let path = shipped(relative);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The exposition of a program that has seen a topic and a batch.
pub(crate) fn exposition() -> String {
    let metrics = Metrics::new();
    fill(&metrics);
    metrics.render()
}

/// Tells the metrics of a topic, a batch and a commit.
pub(crate) fn fill(metrics: &Metrics) {
    metrics.know_topic("sign-ins");
    metrics.set_lag("sign-ins", 0, 0);
    metrics.set_last_processed("sign-ins", 0, 0);
    metrics.set_migration(&[BatchFacts {
        batch: "wave 1",
        completed: 1,
        planned: 0,
        cutover_at: Some(1),
    }]);
    metrics.set_loop_users([(Some("wave 1"), Kind::Direct, 1)]);
    metrics.set_mailboxes([("wave 1", MailboxState::Looping, 1)]);
    metrics.flushed(1);
}

/// Runs promtool and asserts that it finds nothing; tells what it found otherwise.
#[track_caller]
fn check(arguments: &[&str], input: &[u8]) {
    let output = promtool(arguments, input);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "promtool {arguments:?}: {text}");
}

#[test]
fn the_rules_are_valid_without_a_lint() {
    let rules = shipped(RULES);
    check(
        &[
            "check",
            "rules",
            "--lint=all",
            "--lint-fatal",
            &rules.to_string_lossy(),
        ],
        b"",
    );
}

#[test]
fn every_alert_fires_when_it_should_and_stays_quiet_otherwise() {
    let cases = shipped("deploy/prometheus/signloop.rules.test.yml");
    check(&["test", "rules", &cases.to_string_lossy()], b"");
}

#[test]
fn the_example_configuration_is_valid() {
    let config = shipped("deploy/prometheus/prometheus.yml");
    check(&["check", "config", &config.to_string_lossy()], b"");
}

#[test]
fn the_exposition_keeps_the_conventions() {
    check(&["check", "metrics"], Metrics::new().render().as_bytes());
    check(&["check", "metrics"], exposition().as_bytes());
}

#[test]
fn every_alert_has_test_cases_that_fire_and_that_stay_quiet() {
    let cases = read("deploy/prometheus/signloop.rules.test.yml");
    for alert in alerts() {
        let asserted = format!("alertname: {alert}\n");
        let after = cases.split(&asserted).skip(1);
        let (quiet, firing): (Vec<_>, Vec<_>) =
            after.partition(|text| text.trim_start().starts_with("exp_alerts: []"));
        assert!(!quiet.is_empty(), "no case in which {alert} stays quiet");
        assert!(!firing.is_empty(), "no case in which {alert} fires");
    }
}

#[test]
fn every_alert_leads_to_its_section_of_the_runbooks() {
    let (rules, runbooks) = (read(RULES), read("docs/runbooks.md"));
    let sections: Vec<&str> = runbooks
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    for alert in alerts() {
        assert!(sections.contains(&alert.as_str()), "no section {alert}");
        let url = format!("runbook_url: docs/runbooks.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&url), "no {url}");
    }
    for section in sections
        .iter()
        .filter(|section| section.starts_with("Signloop"))
    {
        assert!(
            alerts().iter().any(|alert| alert == section),
            "no alert {section}"
        );
    }
}

fn alerts() -> Vec<String> {
    let rules = read(RULES);
    let names = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(!names.is_empty(), "the rules have alerts");
    names
}
