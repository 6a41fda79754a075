//! What the metrics are told of lake and findings: rows of ours to labels of theirs.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::detector::Detector;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::{Kind, Verdict};
use crate::domain::migration::MigrationIndex;
use crate::domain::signal::UserId;
use crate::lake::LakeError;
use crate::lake::file::WrittenFile;
use crate::metrics::{BatchFacts, CommitFailure, FeedRows, Metrics, Store, Written};

/// Rows, bytes and files of a commit.
pub(super) fn written(files: &[WrittenFile]) -> Written {
    Written {
        rows: files.iter().map(|file| file.rows as u64).sum(),
        bytes: files.iter().map(|file| file.bytes).sum(),
        files: files.len() as u64,
    }
}

/// The kind of a failed commit.
pub(super) fn commit_failure(error: &LakeError) -> CommitFailure {
    match error {
        LakeError::Fenced { .. } => CommitFailure::Conflict,
        LakeError::Io(..) | LakeError::Parquet(..) => CommitFailure::Io,
        LakeError::NotALake(_)
        | LakeError::Locked(_)
        | LakeError::Delta(..)
        | LakeError::Query(_) => CommitFailure::Other,
    }
}

/// Counts loops that opened or ended with these revisions.
pub(super) fn count_loops(metrics: &Metrics, rows: &[LoopRow]) {
    for row in rows.iter().filter(|row| !row.is_retraction()) {
        if row.revision == 1 && row.replaces.is_empty() {
            metrics.loop_opened(row.kind, row.protocol);
        }
        if let Some(ending) = row.ending {
            metrics.loop_closed(row.kind, ending);
        }
    }
}

/// Shows who is in a loop now, and how the mailboxes are.
pub(super) fn show_findings(metrics: &Metrics, detector: &Detector) {
    let mut users: BTreeMap<(Option<&str>, Kind), BTreeSet<UserId>> = BTreeMap::new();
    let mut suspected: BTreeSet<UserId> = BTreeSet::new();
    for row in detector.open_loops() {
        if row.verdict == Verdict::AttackSuspected {
            suspected.insert(row.user_id());
        } else {
            users
                .entry((row.batch.as_deref(), row.kind))
                .or_default()
                .insert(row.user_id());
        }
    }
    metrics.set_loop_users(
        users
            .into_iter()
            .map(|((batch, kind), users)| (batch, kind, count(users.len()))),
    );
    metrics.set_suspected_attack_users(count(suspected.len()));
    let counts = detector.mailbox_counts();
    metrics.set_mailboxes(counts.into_iter().map(|((batch, state), mailboxes)| {
        (batch, state, i64::try_from(mailboxes).unwrap_or(i64::MAX))
    }));
    metrics.set_state_entries(Store::Users, count(detector.people()));
}

/// Shows what the migration facts say.
pub(super) fn show_migrations(metrics: &Metrics, index: &MigrationIndex, watermark: i64) {
    let mut batches: BTreeMap<&str, BatchFacts> = BTreeMap::new();
    for mailbox in index.mailboxes() {
        let facts = batches.entry(&mailbox.batch).or_insert(BatchFacts {
            batch: &mailbox.batch,
            completed: 0,
            planned: 0,
            cutover_at: None,
        });
        match mailbox.cutover_at {
            Some(at) if at <= watermark => facts.completed += 1,
            Some(_) | None => facts.planned += 1,
        }
        facts.cutover_at = facts.cutover_at.max(mailbox.cutover_at);
    }
    metrics.set_migration(&batches.into_values().collect::<Vec<_>>());
    metrics.set_feed_rows(FeedRows::Loaded, count(index.len()));
    metrics.set_feed_rows(FeedRows::Unresolved, count(index.unresolved().len()));
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
