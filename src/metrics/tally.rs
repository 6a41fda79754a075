//! What happened in one commit, as plain counts.
//!
//! Each worker bumps a tally of its own, without locks; they are merged and added to the metrics once,
//! after the commit, so that metrics speak of durable rows only. Counts are arrays indexed by the
//! closed lists; only blocks, which name the client, need a map.

use std::collections::HashMap;

use super::event_times::EventTimes;
use super::labels::{Duplicate, PassedOver};
use crate::domain::classify::Verdict;
use crate::domain::decode::RejectReason;
use crate::domain::decode::oddity::Oddity;
use crate::domain::sign_in::{
    AuthClass, BlockReason, Category, Outcome, PasswordVerified, Protocol,
};

const CLASSES: usize = AuthClass::ALL.len();
const PROTOCOLS: usize = Protocol::ALL.len();
const OUTCOMES: usize = Outcome::ALL.len();

/// What a blocked sign-in is counted by: class, protocol, client family, reason.
pub(super) type BlockKey = (AuthClass, Protocol, &'static str, BlockReason);

/// Plain counts, indexed by the discriminants of the closed lists.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Broker messages or file lines.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that only the lenient reader could read.
    pub lenient: u64,
    /// Sign-ins by log, copies not counted.
    pub events: [u64; Category::ALL.len()],
    /// Records of other logs.
    pub passed_over: [u64; PassedOver::ALL.len()],
    /// Sign-ins met again.
    pub duplicates: [u64; Duplicate::ALL.len()],
    /// What could not become a sign-in.
    pub rejects: [u64; RejectReason::ALL.len()],
    /// What was odd about sign-ins.
    pub warnings: [u64; Oddity::ALL.len()],
    /// Sign-ins by class, protocol and outcome.
    pub sign_ins: [[[u64; OUTCOMES]; PROTOCOLS]; CLASSES],
    /// Blocked sign-ins.
    pub blocks: HashMap<BlockKey, u64, foldhash::fast::RandomState>,
    /// Blocked sign-ins whose password was right.
    pub valid_password_blocked: u64,
    /// When the sign-ins happened.
    pub event_times: EventTimes,
}

impl Tally {
    /// Counts a broker message or file line.
    pub fn record(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes += bytes as u64;
    }

    /// Counts a sign-in that is new, at its event time in UTC microseconds.
    pub fn sign_in(&mut self, category: Category, at: i64, verdict: &Verdict) {
        self.events[category as usize] += 1;
        self.event_times.count(at);
        let Verdict {
            auth_class,
            protocol,
            outcome,
            ..
        } = *verdict;
        self.sign_ins[auth_class as usize][protocol as usize][outcome as usize] += 1;
        if let (Outcome::Blocked, Some(reason)) = (outcome, verdict.block_reason) {
            let key = (auth_class, protocol, verdict.client_family, reason);
            *self.blocks.entry(key).or_default() += 1;
        }
        let password_was_right = verdict.password_verified == PasswordVerified::Yes;
        if outcome == Outcome::Blocked && password_was_right {
            self.valid_password_blocked += 1;
        }
    }

    /// Counts a record of another log.
    pub fn passed_over(&mut self, what: PassedOver) {
        self.passed_over[what as usize] += 1;
    }

    /// Counts a sign-in that was met again.
    pub fn duplicate(&mut self, kind: Duplicate) {
        self.duplicates[kind as usize] += 1;
    }

    /// Counts what could not become a sign-in.
    pub fn reject(&mut self, reason: RejectReason) {
        self.rejects[reason as usize] += 1;
    }

    /// Counts something odd.
    pub fn warning(&mut self, kind: Oddity) {
        self.warnings[kind as usize] += 1;
    }

    /// Legacy sign-ins of this protocol that succeeded.
    #[must_use]
    pub fn legacy_successes(&self, protocol: Protocol) -> u64 {
        self.sign_ins[AuthClass::Legacy as usize][protocol as usize][Outcome::Success as usize]
    }

    /// Everything that came out of the records: sign-ins, duplicates, rejects, passed over.
    #[must_use]
    pub fn pieces(&self) -> u64 {
        let lists: [&[u64]; 4] = [
            &self.events,
            &self.duplicates,
            &self.rejects,
            &self.passed_over,
        ];
        lists.into_iter().flatten().sum()
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Tally) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.lenient += other.lenient;
        self.valid_password_blocked += other.valid_password_blocked;
        plus(&mut self.events, &other.events);
        plus(&mut self.passed_over, &other.passed_over);
        plus(&mut self.duplicates, &other.duplicates);
        plus(&mut self.rejects, &other.rejects);
        plus(&mut self.warnings, &other.warnings);
        let theirs = other.sign_ins.as_flattened().as_flattened();
        plus(self.sign_ins.as_flattened_mut().as_flattened_mut(), theirs);
        for (key, count) in &other.blocks {
            *self.blocks.entry(*key).or_default() += count;
        }
        self.event_times.merge(&other.event_times);
    }
}

fn plus(ours: &mut [u64], theirs: &[u64]) {
    for (our, their) in ours.iter_mut().zip(theirs) {
        *our += their;
    }
}
