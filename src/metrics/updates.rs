//! How counters and plain gauges are told: typed, so that no label value is made up on the way.
//!
//! A [`Tally`] is added once per commit. Gauges per batch are in `batches`.

use std::time::Duration;

use prometheus::IntCounterVec;
use prometheus::core::Collector;

use super::bounds::OTHER;
use super::labels::{
    BrokerError, CommitFailure, Duplicate, FeedRows, LEGACY_PROTOCOLS, PassedOver, Stage, Store,
    category,
};
use super::tally::{BlockKey, Tally};
use super::{Metrics, name, seconds};
use crate::domain::decode::RejectReason;
use crate::domain::decode::oddity::Oddity;
use crate::domain::loops::words::{Ending, Kind};
use crate::domain::sign_in::{AuthClass, Category, Outcome, Protocol};

/// What a commit to one table wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

impl Metrics {
    /// Makes a topic known before its first record.
    pub fn know_topic(&self, topic: &str) {
        self.add(topic, &Tally::default());
    }

    /// Adds what became durable in one commit.
    pub fn add(&self, topic: &str, tally: &Tally) {
        self.records_consumed
            .with_label_values(&[topic])
            .inc_by(tally.records);
        self.consumed_bytes
            .with_label_values(&[topic])
            .inc_by(tally.bytes);
        self.lenient_records.inc_by(tally.lenient);
        self.add_pieces(tally);
        self.add_sign_ins(tally);
        for (key, count) in &tally.blocks {
            self.add_blocks(*key, *count);
        }
        for protocol in LEGACY_PROTOCOLS {
            let successes = tally.legacy_successes(*protocol);
            self.legacy_success
                .with_label_values(&[protocol.name()])
                .inc_by(successes);
        }
        self.valid_password_blocked
            .inc_by(tally.valid_password_blocked);
    }

    fn add_pieces(&self, tally: &Tally) {
        inc_all(
            &self.events,
            Category::ALL.iter().map(|log| category(*log)),
            &tally.events,
        );
        inc_all(
            &self.passed_over,
            PassedOver::ALL.iter().map(|what| what.name()),
            &tally.passed_over,
        );
        inc_all(
            &self.duplicates,
            Duplicate::ALL.iter().map(|kind| kind.name()),
            &tally.duplicates,
        );
        inc_all(
            &self.rejects,
            RejectReason::ALL.iter().map(|why| why.name()),
            &tally.rejects,
        );
        inc_all(
            &self.parse_warnings,
            Oddity::ALL.iter().map(|kind| kind.name()),
            &tally.warnings,
        );
    }

    fn add_sign_ins(&self, tally: &Tally) {
        for class in AuthClass::ALL {
            for protocol in Protocol::ALL {
                let ended = tally.sign_ins[*class as usize][*protocol as usize];
                for (outcome, count) in Outcome::ALL.iter().zip(ended).filter(|(_, n)| *n > 0) {
                    let labels = [class.name(), protocol.name(), outcome.name()];
                    self.signins.with_label_values(&labels).inc_by(count);
                }
            }
        }
    }

    /// Beyond the limit only the client's name is lost: class, protocol and reason always fit.
    pub(super) fn add_blocks(&self, key: BlockKey, count: u64) {
        let (class, protocol, client, reason) = key;
        let client = if self.named_blocks.admit(key) {
            client
        } else {
            self.folded(&self.blocks);
            OTHER
        };
        let labels = [class.name(), protocol.name(), client, reason.name()];
        self.blocks.with_label_values(&labels).inc_by(count);
    }

    pub(super) fn folded(&self, metric: &impl Collector) {
        self.series_folded.with_label_values(&[name(metric)]).inc();
    }

    /// Notes a commit of sign-ins at this instant: their age and the newest of them.
    pub fn committed(&self, tally: &Tally, now: i64) {
        let ages = self.end_to_end.local();
        for (at, events) in tally.event_times.middles() {
            // A clock that is behind makes no negative age.
            let age = seconds(now.saturating_sub(at).max(0));
            for _ in 0..events {
                ages.observe(age);
            }
        }
        ages.flush();
        if let Some(newest) = tally.event_times.newest() {
            self.event_watermark
                .set(self.event_watermark.get().max(seconds(newest)));
        }
        self.flushed(now);
    }

    /// Notes that everything read so far is durable at this instant. To be called at the start too.
    pub fn flushed(&self, now: i64) {
        self.last_flush_success.set(seconds(now));
    }

    /// Records of the partition that are not yet read.
    pub fn set_lag(&self, topic: &str, partition: i32, records: i64) {
        self.consumer_lag
            .with_label_values(&[topic, &partition.to_string()])
            .set(records);
    }

    /// The broker's time of the last durable record of the partition.
    pub fn set_last_processed(&self, topic: &str, partition: i32, at: i64) {
        let labels = [topic, &partition.to_string()];
        self.last_processed_record
            .with_label_values(&labels)
            .set(seconds(at));
    }

    /// One piece of work of this stage took this long.
    pub fn worked(&self, stage: Stage, took: Duration) {
        self.processing
            .with_label_values(&[stage.name()])
            .observe(took.as_secs_f64());
    }

    /// The broker client complained.
    pub fn broker_error(&self, code: BrokerError) {
        self.broker_errors.with_label_values(&[code.name()]).inc();
    }

    /// A loop was opened.
    pub fn loop_opened(&self, kind: Kind, protocol: Protocol) {
        self.loops_opened
            .with_label_values(&[kind.name(), protocol.name()])
            .inc();
    }

    /// A loop ended.
    pub fn loop_closed(&self, kind: Kind, ending: Ending) {
        self.loops_closed
            .with_label_values(&[kind.name(), ending.name()])
            .inc();
    }

    /// Rows of the last migration import.
    pub fn set_feed_rows(&self, status: FeedRows, rows: i64) {
        self.migration_feed_rows
            .with_label_values(&[status.name()])
            .set(rows);
    }

    /// Migration facts were imported at this instant.
    pub fn set_feed_success(&self, now: i64) {
        self.migration_feed_last_success.set(seconds(now));
    }

    /// A commit to this table, one of the lake's names, took this long and wrote this.
    pub fn lake_committed(&self, table: &'static str, written: Written, took: Duration) {
        self.lake_rows_written
            .with_label_values(&[table])
            .inc_by(written.rows);
        self.lake_bytes_written
            .with_label_values(&[table])
            .inc_by(written.bytes);
        self.lake_files_written
            .with_label_values(&[table])
            .inc_by(written.files);
        self.lake_commit
            .with_label_values(&[table])
            .observe(took.as_secs_f64());
    }

    /// A commit failed.
    pub fn lake_commit_failed(&self, why: CommitFailure) {
        self.lake_commit_failures
            .with_label_values(&[why.name()])
            .inc();
    }

    /// Files that the newest version of this table consists of.
    pub fn set_live_files(&self, table: &'static str, files: i64) {
        self.lake_live_files.with_label_values(&[table]).set(files);
    }

    /// What is kept in memory.
    pub fn set_state_entries(&self, store: Store, entries: i64) {
        self.state_entries
            .with_label_values(&[store.name()])
            .set(entries);
    }
}

fn inc_all(counters: &IntCounterVec, values: impl Iterator<Item = &'static str>, counts: &[u64]) {
    for (value, count) in values.zip(counts).filter(|(_, count)| **count > 0) {
        counters.with_label_values(&[value]).inc_by(*count);
    }
}
