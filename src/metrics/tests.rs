//! What is exposed, and that every update arrives where it should.

use std::time::Duration;

use super::*;
use crate::domain::classify::Verdict;
use crate::domain::decode::RejectReason;
use crate::domain::decode::oddity::Oddity;
use crate::domain::failure_class::FailureClass;
use crate::domain::loops::words::{Ending, Kind};
use crate::domain::mailbox::MailboxState;
use crate::domain::sign_in::{
    AuthClass, BlockReason, Category, Outcome, PasswordVerified, Protocol,
};

const SECOND: i64 = 1_000_000;

/// A blocked Outlook 2010 over IMAP whose password was right.
const BLOCKED: Verdict = Verdict {
    auth_class: AuthClass::Legacy,
    auth_class_reason: "client_app",
    protocol: Protocol::Imap,
    client_family: "outlook_2010",
    outcome: Outcome::Blocked,
    block_reason: Some(BlockReason::LegacyAuthPolicy),
    failure_class: Some(FailureClass::CaBlock.name()),
    password_verified: PasswordVerified::Yes,
    channel: None,
    unknown_client_app: true,
    unknown_error_code: false,
};

/// Asserts that the exposition has each of these lines.
#[track_caller]
fn check(metrics: &Metrics, lines: &[&str]) {
    let text = metrics.render();
    for line in lines {
        let line = format!("signloop_{line}");
        assert!(
            text.lines().any(|shown| shown == line),
            "no line {line} in\n{text}"
        );
    }
}

fn series(metrics: &Metrics, metric: &str) -> usize {
    let text = metrics.render();
    text.lines()
        .filter(|line| line.starts_with(&format!("{metric}{{")))
        .count()
}

#[test]
fn known_series_exist_at_zero_from_the_start() {
    let metrics = Metrics::new();
    check(
        &metrics,
        &[
            "events_total{category=\"microsoft_service_principal\"} 0",
            "passed_over_total{category=\"audit\"} 0",
            "rejects_total{reason=\"missing_time\"} 0",
            "parse_warnings_total{kind=\"id_from_content\"} 0",
            "signins_total{auth_class=\"legacy\",protocol=\"rpc_http\",result=\"blocked\"} 0",
            "signins_total{auth_class=\"ropc\",protocol=\"native_app\",result=\"failed\"} 0",
            "blocks_total{auth_class=\"legacy\",client=\"unknown\",protocol=\"smtp\",reason=\"legacy_auth_policy\"} 0",
            "legacy_success_total{protocol=\"pop\"} 0",
            "valid_password_blocked_total 0",
            "loop_users{batch=\"none\",kind=\"unrelated\"} 0",
            "loops_closed_total{ending=\"went_silent\",kind=\"delegate\"} 0",
            "lake_commit_failures_total{reason=\"conflict\"} 0",
            "lake_rows_written_total{table=\"sign_in_revisions\"} 0",
            "broker_errors_total{code=\"offset_out_of_range\"} 0",
            "metrics_series_folded_total{metric=\"signloop_blocks_total\"} 0",
            &format!("build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
        ],
    );
    // 13 legacy protocols, 3 modern, 3 of password grants, 1 unknown, 1 of no person; 4 results each.
    assert_eq!(series(&metrics, "signloop_signins_total"), 21 * 4);
    assert_eq!(series(&metrics, "signloop_blocks_total"), 13);
}

#[test]
fn a_tally_arrives_under_the_right_labels() {
    let (mut one, mut other) = (Tally::default(), Tally::default());
    one.record(1000);
    one.sign_in(Category::NonInteractiveUser, 100 * SECOND, &BLOCKED);
    one.sign_in(Category::NonInteractiveUser, 90 * SECOND, &BLOCKED);
    one.duplicate(Duplicate::Revision);
    one.passed_over(PassedOver::Audit);
    other.record(500);
    let accepted = Verdict {
        outcome: Outcome::Success,
        block_reason: None,
        unknown_client_app: false,
        unknown_error_code: true,
        ..BLOCKED
    };
    other.sign_in(Category::InteractiveUser, 101 * SECOND, &accepted);
    other.reject(RejectReason::TooLarge);
    other.warning(Oddity::TimeFromPublish);
    other.warning(Oddity::UnknownErrorCode);
    one.warning(Oddity::UnknownClientApp);
    one.warning(Oddity::UnknownClientApp);
    one.lenient = 1;
    other.lenient = 2;
    one.merge(&other);
    assert_eq!(one.pieces(), 6);

    let metrics = Metrics::new();
    metrics.add("sign-ins", &one);
    metrics.committed(&one, 161 * SECOND);
    check(
        &metrics,
        &[
            "records_consumed_total{topic=\"sign-ins\"} 2",
            "consumed_bytes_total{topic=\"sign-ins\"} 1500",
            "events_total{category=\"non_interactive\"} 2",
            "events_total{category=\"interactive\"} 1",
            "duplicate_events_total{kind=\"revision\"} 1",
            "duplicate_events_total{kind=\"copy\"} 0",
            "passed_over_total{category=\"audit\"} 1",
            "rejects_total{reason=\"too_large\"} 1",
            "lenient_records_total 3",
            "parse_warnings_total{kind=\"unknown_client_app\"} 2",
            "parse_warnings_total{kind=\"unknown_error_code\"} 1",
            "parse_warnings_total{kind=\"time_from_publish\"} 1",
            "signins_total{auth_class=\"legacy\",protocol=\"imap\",result=\"blocked\"} 2",
            "signins_total{auth_class=\"legacy\",protocol=\"imap\",result=\"success\"} 1",
            "blocks_total{auth_class=\"legacy\",client=\"outlook_2010\",protocol=\"imap\",reason=\"legacy_auth_policy\"} 2",
            "legacy_success_total{protocol=\"imap\"} 1",
            "valid_password_blocked_total 2",
            "event_watermark_timestamp_seconds 101",
            "last_flush_success_timestamp_seconds 161",
            "end_to_end_seconds_bucket{le=\"30\"} 0",
            "end_to_end_seconds_bucket{le=\"60\"} 2",
            "end_to_end_seconds_bucket{le=\"120\"} 3",
            "end_to_end_seconds_count 3",
        ],
    );
}

#[test]
fn the_watermark_never_goes_back() {
    let metrics = Metrics::new();
    for at in [50, 20] {
        let mut tally = Tally::default();
        tally.sign_in(Category::InteractiveUser, at * SECOND, &BLOCKED);
        metrics.committed(&tally, 60 * SECOND);
    }
    metrics.committed(&Tally::default(), 61 * SECOND);
    check(
        &metrics,
        &[
            "event_watermark_timestamp_seconds 50",
            "last_flush_success_timestamp_seconds 61",
        ],
    );
}

#[test]
fn counters_and_gauges_are_told_by_name() {
    let metrics = Metrics::new();
    metrics.know_topic(FILES);
    metrics.set_lag("sign-ins", 1, 7);
    metrics.set_last_processed("sign-ins", 1, 1_500_000);
    metrics.worked(Stage::Detect, Duration::from_millis(20));
    metrics.broker_error(BrokerError::Auth);
    metrics.loop_opened(Kind::Direct, Protocol::MapiHttp);
    metrics.loop_closed(Kind::Direct, Ending::Recovered);
    metrics.set_suspected_attack_users(3);
    metrics.set_feed_rows(FeedRows::Refused, 2);
    metrics.set_feed_success(9 * SECOND);
    let written = Written {
        rows: 10,
        bytes: 2000,
        files: 2,
    };
    metrics.lake_committed("loops", written, Duration::from_millis(300));
    metrics.lake_commit_failed(CommitFailure::Conflict);
    metrics.set_live_files("loops", 12);
    metrics.set_state_entries(Store::Fingerprints, 1234);
    check(
        &metrics,
        &[
            "records_consumed_total{topic=\"files\"} 0",
            "consumer_lag_records{partition=\"1\",topic=\"sign-ins\"} 7",
            "last_processed_record_timestamp_seconds{partition=\"1\",topic=\"sign-ins\"} 1.5",
            "processing_seconds_bucket{stage=\"detect\",le=\"0.01\"} 0",
            "processing_seconds_bucket{stage=\"detect\",le=\"0.05\"} 1",
            "broker_errors_total{code=\"auth\"} 1",
            "loops_opened_total{kind=\"direct\",protocol=\"mapi_http\"} 1",
            "loops_closed_total{ending=\"recovered\",kind=\"direct\"} 1",
            "suspected_attack_users 3",
            "migration_feed_rows{status=\"refused\"} 2",
            "migration_feed_last_success_timestamp_seconds 9",
            "lake_rows_written_total{table=\"loops\"} 10",
            "lake_bytes_written_total{table=\"loops\"} 2000",
            "lake_files_written_total{table=\"loops\"} 2",
            "lake_commit_seconds_bucket{table=\"loops\",le=\"0.25\"} 0",
            "lake_commit_seconds_bucket{table=\"loops\",le=\"0.5\"} 1",
            "lake_commit_failures_total{reason=\"conflict\"} 1",
            "lake_live_files{table=\"loops\"} 12",
            "state_entries{store=\"fingerprints\"} 1234",
        ],
    );
}

#[test]
fn who_recovered_is_counted_no_more() {
    let metrics = Metrics::new();
    metrics.set_loop_users([
        (Some("wave 1"), Kind::Direct, 4),
        (None, Kind::Unrelated, 2),
    ]);
    check(
        &metrics,
        &[
            "loop_users{batch=\"wave 1\",kind=\"direct\"} 4",
            "loop_users{batch=\"wave 1\",kind=\"delegate\"} 0",
            "loop_users{batch=\"none\",kind=\"unrelated\"} 2",
        ],
    );
    metrics.set_loop_users([(Some("wave 1"), Kind::Delegate, 1)]);
    check(
        &metrics,
        &[
            "loop_users{batch=\"wave 1\",kind=\"direct\"} 0",
            "loop_users{batch=\"wave 1\",kind=\"delegate\"} 1",
            "loop_users{batch=\"none\",kind=\"unrelated\"} 0",
        ],
    );
}

#[test]
fn the_batches_that_were_cut_over_last_keep_their_names() {
    let metrics = Metrics::new();
    let names: Vec<String> = (0..250).map(|number| format!("wave {number}")).collect();
    let facts = |number: usize| BatchFacts {
        batch: &names[number],
        completed: 10,
        planned: 1,
        cutover_at: Some(number as i64 * SECOND),
    };
    let all: Vec<_> = (0..names.len()).map(facts).collect();
    metrics.set_migration(&all);
    metrics.set_mailboxes(
        names
            .iter()
            .map(|name| (name.as_str(), MailboxState::Looping, 1)),
    );
    check(
        &metrics,
        &[
            "migration_users{batch=\"wave 249\",state=\"completed\"} 10",
            "migration_users{batch=\"wave 50\",state=\"planned\"} 1",
            "migration_users{batch=\"__other__\",state=\"completed\"} 500",
            "migration_cutover_timestamp_seconds{batch=\"wave 249\"} 249",
            "migration_cutover_timestamp_seconds{batch=\"__other__\"} 49",
            "mailboxes{batch=\"__other__\",state=\"looping\"} 50",
            "mailboxes{batch=\"wave 249\",state=\"silent\"} 0",
        ],
    );
    assert_eq!(series(&metrics, "signloop_migration_users"), 201 * 2);
    metrics.set_migration(&all[..1]);
    check(
        &metrics,
        &[
            "migration_users{batch=\"__other__\",state=\"completed\"} 10",
            "migration_users{batch=\"wave 249\",state=\"completed\"} 0",
        ],
    );
}

#[test]
fn blocks_beyond_the_limit_lose_only_the_name_of_the_client() {
    let metrics = Metrics::new();
    let mut tally = Tally::default();
    let clients: Vec<&'static str> = (0..3000)
        .map(|number| &*Box::leak(format!("client {number}").into_boxed_str()))
        .collect();
    for client in &clients {
        let verdict = Verdict {
            client_family: client,
            ..BLOCKED
        };
        tally.sign_in(Category::InteractiveUser, 0, &verdict);
    }
    metrics.add(FILES, &tally);
    let named = bounds::NAMED_BLOCKS_MAX;
    assert_eq!(series(&metrics, "signloop_blocks_total"), named + 1);
    // 13 of the named ones exist from the start.
    let folded = 3000 - (named - 13);
    let labels = "auth_class=\"legacy\",client=\"__other__\",protocol=\"imap\",reason=\"legacy_auth_policy\"";
    check(
        &metrics,
        &[
            &format!("blocks_total{{{labels}}} {folded}"),
            &format!("metrics_series_folded_total{{metric=\"signloop_blocks_total\"}} {folded}"),
        ],
    );
}
