//! Every metric, once: name, help, labels, and which series exist from the start.
//!
//! One struct with a registry of its own, made once and passed by reference. The pipeline keeps plain
//! counts in a [`Tally`] and adds them after each commit, so that counters speak of durable rows.
//! Labels are closed lists, topics, tables and batches: never a user, an address, an application or a
//! program's text. Nothing here reads a clock; times are UTC microseconds.

mod batches;
mod bounds;
mod declare;
mod event_times;
mod known;
mod labels;
mod tally;
#[cfg(test)]
mod tests;
mod updates;

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Registry, TextEncoder,
};

use self::bounds::{Admitted, BATCHES_MAX, NAMED_BLOCKS_MAX};
use self::declare::{
    counter, counters, gauge, gauges, histogram, histograms, time_gauge, time_gauges,
};
use self::tally::BlockKey;

pub use self::batches::BatchFacts;
pub use self::labels::{BrokerError, CommitFailure, Duplicate, FeedRows, PassedOver, Stage, Store};
pub use self::tally::Tally;
pub use self::updates::Written;

/// The `topic` of records that come from files: paths are no labels.
pub const FILES: &str = "files";

/// The `batch` of those who belong to none.
pub const NO_BATCH: &str = "none";

/// What `/metrics` answers as its content type.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// From the flush interval up to a day, which is Entra's own worst delay.
const AGE_BUCKETS: &[f64] = &[
    5., 15., 30., 60., 120., 300., 600., 900., 1800., 3600., 14_400., 86_400.,
];

/// From one small chunk up to a commit on a slow store.
const WORK_BUCKETS: &[f64] = &[
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 5., 10., 30.,
];

/// Declares the metrics: a field, its help (also its documentation), its name, its labels or buckets.
macro_rules! metrics {
    ($($field:ident: $type:ty = $make:ident($name:literal, $help_text:literal $(, $more:expr)*);)+) => {
        /// Every metric of the program.
        pub struct Metrics {
            registry: Registry,
            batches: Admitted<String>,
            named_blocks: Admitted<BlockKey>,
            $(#[doc = $help_text] pub $field: $type,)+
        }

        impl Metrics {
            fn declare(registry: Registry) -> Metrics {
                Metrics {
                    $($field: $make(&registry, $name, $help_text $(, $more)*),)+
                    batches: Admitted::new(BATCHES_MAX),
                    named_blocks: Admitted::new(NAMED_BLOCKS_MAX),
                    registry,
                }
            }
        }
    };
}

metrics! {
    build_info: IntGaugeVec = gauges("signloop_build_info",
        "Always 1; the label tells the version that runs.", &["version"]);

    records_consumed: IntCounterVec = counters("signloop_records_consumed_total",
        "Broker messages and file lines of which everything is durable.", &["topic"]);
    consumed_bytes: IntCounterVec = counters("signloop_consumed_bytes_total",
        "Bytes of these records.", &["topic"]);
    events: IntCounterVec = counters("signloop_events_total",
        "Sign-ins by log; one that is met again is not counted again.", &["category"]);
    passed_over: IntCounterVec = counters("signloop_passed_over_total",
        "Records of logs that are no sign-ins.", &["category"]);
    duplicates: IntCounterVec = counters("signloop_duplicate_events_total",
        "Sign-ins met again: the same (copy) or changed (revision).", &["kind"]);
    rejects: IntCounterVec = counters("signloop_rejects_total",
        "What could not become a sign-in; the bytes are in the table rejects.", &["reason"]);
    lenient_records: IntCounter = counter("signloop_lenient_records_total",
        "Records that the quick reader left to the lenient one.");
    parse_warnings: IntCounterVec = counters("signloop_parse_warnings_total",
        "What was odd about sign-ins that could be read all the same.", &["kind"]);
    consumer_lag: IntGaugeVec = gauges("signloop_consumer_lag_records",
        "Records that are in the partition and not yet read.", &["topic", "partition"]);
    last_processed_record: GaugeVec = time_gauges(
        "signloop_last_processed_record_timestamp_seconds",
        "Broker's time of the last durable record.", &["topic", "partition"]);
    event_watermark: Gauge = time_gauge("signloop_event_watermark_timestamp_seconds",
        "Newest event time that is durable.");
    end_to_end: Histogram = histogram("signloop_end_to_end_seconds",
        "From a sign-in to its row being durable.", AGE_BUCKETS);
    processing: HistogramVec = histograms("signloop_processing_seconds",
        "Time that one piece of work of this stage took.", &["stage"], WORK_BUCKETS);
    broker_errors: IntCounterVec = counters("signloop_broker_errors_total",
        "What the broker client complained about.", &["code"]);

    signins: IntCounterVec = counters("signloop_signins_total",
        "Sign-ins by what they were and how they ended.", &["auth_class", "protocol", "result"]);
    blocks: IntCounterVec = counters("signloop_blocks_total",
        "Sign-ins that a policy refused, by client and reason.",
        &["auth_class", "protocol", "client", "reason"]);
    legacy_success: IntCounterVec = counters("signloop_legacy_success_total",
        "Legacy sign-ins that succeeded.", &["protocol"]);
    valid_password_blocked: IntCounter = counter("signloop_valid_password_blocked_total",
        "Sign-ins that a policy refused although the password was right.");

    loop_users: IntGaugeVec = gauges("signloop_loop_users",
        "Users in an open loop that is no suspected attack.", &["batch", "kind"]);
    suspected_attack_users: IntGauge = gauge("signloop_suspected_attack_users",
        "Users in an open loop that looks like an attack.");
    loops_opened: IntCounterVec = counters("signloop_loops_opened_total",
        "Loops that were opened.", &["kind", "protocol"]);
    loops_closed: IntCounterVec = counters("signloop_loops_closed_total",
        "Loops that ended.", &["kind", "ending"]);
    mailboxes: IntGaugeVec = gauges("signloop_mailboxes",
        "Mailboxes that were cut over, by how they are doing.", &["batch", "state"]);
    migration_users: IntGaugeVec = gauges("signloop_migration_users",
        "Mailboxes of the last migration import.", &["batch", "state"]);
    migration_cutover: GaugeVec = time_gauges("signloop_migration_cutover_timestamp_seconds",
        "Last cutover in the batch.", &["batch"]);
    migration_feed_rows: IntGaugeVec = gauges("signloop_migration_feed_rows",
        "Rows of the last migration import.", &["status"]);
    migration_feed_last_success: Gauge = time_gauge(
        "signloop_migration_feed_last_success_timestamp_seconds",
        "When migration facts were last imported.");

    lake_rows_written: IntCounterVec = counters("signloop_lake_rows_written_total",
        "Rows made durable.", &["table"]);
    lake_bytes_written: IntCounterVec = counters("signloop_lake_bytes_written_total",
        "Bytes of the files made durable.", &["table"]);
    lake_files_written: IntCounterVec = counters("signloop_lake_files_written_total",
        "Files made durable.", &["table"]);
    lake_commit: HistogramVec = histograms("signloop_lake_commit_seconds",
        "Time that a commit to the table took.", &["table"], WORK_BUCKETS);
    lake_commit_failures: IntCounterVec = counters("signloop_lake_commit_failures_total",
        "Commits that failed.", &["reason"]);
    last_flush_success: Gauge = time_gauge("signloop_last_flush_success_timestamp_seconds",
        "When rows were last made durable; the start of the program before that.");
    lake_live_files: IntGaugeVec = gauges("signloop_lake_live_files",
        "Files that the newest version of the table consists of.", &["table"]);

    state_entries: IntGaugeVec = gauges("signloop_state_entries",
        "What is kept in memory.", &["store"]);
    series_folded: IntCounterVec = counters("signloop_metrics_series_folded_total",
        "Times that a label set was beyond the limit of its metric and was folded.", &["metric"]);
}

impl Metrics {
    /// All metrics, with the known series at 0.
    #[must_use]
    pub fn new() -> Metrics {
        let metrics = Metrics::declare(Registry::new());
        metrics.create_known_series();
        metrics
    }

    /// The exposition in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        let families = self.registry.gather();
        TextEncoder::new()
            .encode_to_string(&families)
            .expect("gathered metrics can be encoded")
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// Seconds, from microseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "a fraction of a microsecond matters to nobody"
)]
fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

/// The name under which a metric is exposed.
fn name(metric: &impl Collector) -> &str {
    &metric.desc()[0].fq_name
}
