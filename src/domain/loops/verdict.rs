//! Stuck client or attack: a small set of rules over what the attempts show.
//!
//! Owns the thresholds and the evidence. Spray must not wake the migration lead, and a stuck Outlook
//! must not wake the analyst, so whatever fits neither side stays undecided.

use std::collections::BTreeMap;

use super::HOUR;
use super::episodes::{Episode, Opening};
use super::words::{Kind, Verdict};
use crate::domain::failure_class::FailureClass;
use crate::domain::sign_in::{PasswordVerified, Protocol};

/// Addresses from which attempts are an attack whatever the password: nobody's client roams so far.
pub const ATTACK_IPS: usize = 10;
/// Addresses from which attempts without a right password are an attack.
pub const GUESSING_IPS: usize = 5;
/// Addresses of one person: office, home, telephone.
pub const OWN_IPS: usize = 3;
/// An onset this soon after the cutover speaks for the migration, microseconds.
pub const ONSET_AT_CUTOVER: i64 = 4 * HOUR;

/// What the attempts of a loop show; the ground for verdict and cause.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The key's client group.
    pub client_group: &'static str,
    /// How it relates to a migration.
    pub kind: Kind,
    /// All attempts.
    pub attempts: u64,
    /// Attempts by protocol.
    pub protocols: BTreeMap<Protocol, u64>,
    /// Attempts by software.
    pub families: BTreeMap<&'static str, u64>,
    /// Attempts by code.
    pub codes: BTreeMap<i32, u64>,
    /// Attempts by class of code.
    pub classes: BTreeMap<&'static str, u64>,
    /// Attempts with a right, a wrong, and an unknown password.
    pub passwords: BTreeMap<PasswordVerified, u64>,
    /// Distinct addresses.
    pub distinct_ips: usize,
    /// Whether a program keeps the beat.
    pub regular_cadence: bool,
    /// From the cutover to the onset, microseconds.
    pub since_cutover: Option<i64>,
}

impl Facts {
    /// Counts what an episode shows.
    #[must_use]
    pub fn of(episode: &Episode, opening: &Opening, client_group: &'static str) -> Facts {
        let mut facts = Facts {
            client_group,
            kind: Kind::Unrelated,
            attempts: episode.attempts(),
            protocols: BTreeMap::new(),
            families: BTreeMap::new(),
            codes: BTreeMap::new(),
            classes: BTreeMap::new(),
            passwords: BTreeMap::new(),
            distinct_ips: 0,
            regular_cadence: episode.regular_cadence(opening.onset),
            since_cutover: None,
        };
        for slice in &episode.slices {
            let variant = slice.variant;
            *facts.protocols.entry(variant.protocol).or_default() += slice.count;
            *facts.families.entry(variant.client_family).or_default() += slice.count;
            *facts.codes.entry(variant.error_code).or_default() += slice.count;
            *facts.classes.entry(variant.failure_class).or_default() += slice.count;
            *facts.passwords.entry(variant.password).or_default() += slice.count;
        }
        facts
    }

    /// Whether the password was right at least once.
    #[must_use]
    pub fn password_was_right(&self) -> bool {
        self.passwords.contains_key(&PasswordVerified::Yes)
    }

    /// A phone changes its address all day, but it knows the password and comes back from each one.
    fn is_roaming_client(&self) -> bool {
        let never_wrong = !self.passwords.contains_key(&PasswordVerified::No);
        let addresses = u64::try_from(self.distinct_ips).unwrap_or(0);
        self.password_was_right()
            && never_wrong
            && self.attempts >= ATTEMPTS_PER_ADDRESS_MIN * addresses
    }

    /// Share of attempts with one of these codes.
    #[must_use]
    pub fn share_of_codes(&self, codes: &[i32]) -> f64 {
        share(
            codes.iter().filter_map(|code| self.codes.get(code)).sum(),
            self.attempts,
        )
    }

    /// Share of attempts with a code of one of these classes.
    #[must_use]
    pub fn share_of_classes(&self, classes: &[FailureClass]) -> f64 {
        let counts = classes.iter().map(|class| self.classes.get(class.name()));
        share(counts.flatten().sum(), self.attempts)
    }

    /// Whether the loop began right after the cutover.
    #[must_use]
    pub fn began_at_cutover(&self) -> bool {
        self.since_cutover
            .is_some_and(|since| (0..=ONSET_AT_CUTOVER).contains(&since))
    }

    /// The most frequent protocol; the one declared first of equals.
    #[must_use]
    pub fn main_protocol(&self) -> Protocol {
        most_frequent(&self.protocols).unwrap_or(Protocol::Unknown)
    }

    /// The most frequent software that is known.
    #[must_use]
    pub fn main_family(&self) -> &'static str {
        let known = |family: &&'static str| !matches!(*family, "" | UNKNOWN_FAMILY);
        let families = self.families.iter().filter(|(family, _)| known(family));
        let families: BTreeMap<_, _> = families.map(|(family, count)| (*family, *count)).collect();
        most_frequent(&families).unwrap_or(UNKNOWN_FAMILY)
    }

    /// The verdict that these facts give.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.kind == Kind::Direct && self.began_at_cutover() && self.is_roaming_client() {
            return Verdict::StuckClient;
        }
        let guessing = !self.password_was_right() && self.distinct_ips >= GUESSING_IPS;
        if guessing || self.distinct_ips >= ATTACK_IPS {
            return Verdict::AttackSuspected;
        }
        let explained = self.password_was_right() || self.kind == Kind::Direct;
        let one_machine = self.distinct_ips == 1 && self.regular_cadence;
        if (explained && self.distinct_ips <= OWN_IPS) || one_machine {
            return Verdict::StuckClient;
        }
        Verdict::Undecided
    }

    /// What verdict and cause rest on, for people to check.
    #[must_use]
    pub fn evidence(&self) -> Vec<(&'static str, String)> {
        let of = |password| {
            self.passwords
                .get(&password)
                .copied()
                .unwrap_or(0)
                .to_string()
        };
        let mut evidence = vec![
            ("password_right", of(PasswordVerified::Yes)),
            ("password_wrong", of(PasswordVerified::No)),
            ("password_unknown", of(PasswordVerified::Unknown)),
            ("distinct_ips", self.distinct_ips.to_string()),
            ("regular_cadence", self.regular_cadence.to_string()),
            ("codes", counts(self.codes.iter())),
            ("failure_classes", counts(self.classes.iter())),
            ("client_families", counts(self.families.iter())),
        ];
        if self.since_cutover.is_some() {
            evidence.push(("began_at_cutover", self.began_at_cutover().to_string()));
        }
        evidence
    }
}

/// A client that belongs to the user comes back from an address; an attacker's list does not.
const ATTEMPTS_PER_ADDRESS_MIN: u64 = 3;

/// The name for software that the user agent does not tell.
const UNKNOWN_FAMILY: &str = "unknown";

/// What is most frequent; the smallest of equals.
fn most_frequent<K: Copy + Ord>(counts: &BTreeMap<K, u64>) -> Option<K> {
    counts
        .iter()
        .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))
        .map(|(key, _)| *key)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn counts<'a, K: std::fmt::Display + 'a>(counts: impl Iterator<Item = (&'a K, &'a u64)>) -> String {
    counts
        .map(|(key, count)| format!("{key}:{count}"))
        .collect::<Vec<_>>()
        .join(" ")
}
