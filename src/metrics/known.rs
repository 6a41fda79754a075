//! The series that exist from the start, at 0.
//!
//! A counter that is born at 1 has no increase, so an alert would miss the first block or reject; and
//! a dashboard should show 0, not "no data".

use prometheus::IntCounterVec;

use super::labels::{
    BrokerError, CommitFailure, Duplicate, FeedRows, LEGACY_PROTOCOLS, PassedOver, Stage, Store,
    category, usual_protocols,
};
use super::{Metrics, NO_BATCH, name};
use crate::domain::decode::RejectReason;
use crate::domain::decode::oddity::Oddity;
use crate::domain::knowledge::UNKNOWN_FAMILY;
use crate::domain::loops::words::{Ending, Kind};
use crate::domain::sign_in::{AuthClass, BlockReason, Category, Outcome, Protocol};
use crate::lake::names;

impl Metrics {
    pub(super) fn create_known_series(&self) {
        self.build_info
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        self.create_record_series();
        self.create_sign_in_series();
        self.create_loop_series();
        self.create_lake_series();
        let of_batches = [&self.loop_users, &self.mailboxes, &self.migration_users].map(name);
        let folding = [name(&self.blocks), name(&self.migration_cutover)];
        for metric in folding.into_iter().chain(of_batches) {
            let _ = self.series_folded.with_label_values(&[metric]);
        }
    }

    fn create_record_series(&self) {
        create(&self.events, Category::ALL.iter().map(|log| category(*log)));
        create(
            &self.passed_over,
            PassedOver::ALL.iter().map(|what| what.name()),
        );
        create(
            &self.duplicates,
            Duplicate::ALL.iter().map(|kind| kind.name()),
        );
        create(
            &self.rejects,
            RejectReason::ALL.iter().map(|reason| reason.name()),
        );
        create(
            &self.parse_warnings,
            Oddity::ALL.iter().map(|kind| kind.name()),
        );
        create(
            &self.broker_errors,
            BrokerError::ALL.iter().map(|code| code.name()),
        );
        for stage in Stage::ALL {
            let _ = self.processing.with_label_values(&[stage.name()]);
        }
        for store in Store::ALL {
            self.set_state_entries(*store, 0);
        }
    }

    fn create_sign_in_series(&self) {
        for class in AuthClass::ALL {
            for protocol in usual_protocols(*class) {
                for outcome in Outcome::ALL {
                    let labels = [class.name(), protocol.name(), outcome.name()];
                    let _ = self.signins.with_label_values(&labels);
                }
            }
        }
        create(
            &self.legacy_success,
            LEGACY_PROTOCOLS.iter().map(|protocol| protocol.name()),
        );
        let (legacy, policy) = (AuthClass::Legacy, BlockReason::LegacyAuthPolicy);
        for protocol in LEGACY_PROTOCOLS {
            self.add_blocks((legacy, *protocol, UNKNOWN_FAMILY, policy), 0);
        }
    }

    fn create_loop_series(&self) {
        for kind in Kind::ALL {
            self.loop_users
                .with_label_values(&[NO_BATCH, kind.name()])
                .set(0);
            for protocol in Protocol::ALL {
                let _ = self
                    .loops_opened
                    .with_label_values(&[kind.name(), protocol.name()]);
            }
            for ending in Ending::ALL {
                let _ = self
                    .loops_closed
                    .with_label_values(&[kind.name(), ending.name()]);
            }
        }
        for status in FeedRows::ALL {
            self.set_feed_rows(*status, 0);
        }
    }

    fn create_lake_series(&self) {
        for written in [
            &self.lake_rows_written,
            &self.lake_bytes_written,
            &self.lake_files_written,
        ] {
            create(written, names::ALL.into_iter());
        }
        create(
            &self.lake_commit_failures,
            CommitFailure::ALL.iter().map(|why| why.name()),
        );
        for table in names::ALL {
            let _ = self.lake_commit.with_label_values(&[table]);
            self.set_live_files(table, 0);
        }
    }
}

fn create(counters: &IntCounterVec, values: impl Iterator<Item = &'static str>) {
    for value in values {
        let _ = counters.with_label_values(&[value]);
    }
}
