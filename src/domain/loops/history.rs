//! The attempts of one key (user and client group), folded by minute.
//!
//! Owns what is remembered of attempts and how it is bounded. Folding is by sum, minimum, maximum and
//! "the smallest hashes", all of which commute, so the same set of attempts gives the same history in
//! any order. It does not know what a loop is.

use std::collections::{BTreeMap, BTreeSet};

use super::{DAY, HOUR, MINUTE, minute_of};
use crate::domain::sign_in::{PasswordVerified, Protocol};
use crate::domain::signal::Attempt;

/// Addresses remembered per key and day: the smallest hashes, so that the choice does not depend on
/// the order of arrival. Far above every threshold (3, 5, 10); a spray from more is a spray anyway.
pub const IPS_PER_DAY_MAX: usize = 64;

/// The day under which addresses older than the retention are kept together.
const OLD_DAY: u32 = 0;

/// What attempts have in common; knowledge about them is a closed list, so their number is bounded
/// by data files and by the codes that the service knows, not by what a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// What was spoken.
    pub protocol: Protocol,
    /// Which software.
    pub client_family: &'static str,
    /// The AADSTS code.
    pub error_code: i32,
    /// Class of the code.
    pub failure_class: &'static str,
    /// Whether the password was right.
    pub password: PasswordVerified,
}

/// Attempts of one variant within a minute (or, long ago, an hour).
#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u32,
    /// Microseconds from the start of the minute of the entry to the first attempt.
    first: u32,
    /// The same of the last attempt; an hour has fewer than 2^32 microseconds.
    last: u32,
}

/// Attempts of one variant that lie close together.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// Minutes since 1970 at which it starts.
    pub minute: u32,
    /// The first attempt, UTC microseconds.
    pub first: i64,
    /// The last attempt, UTC microseconds.
    pub last: i64,
    /// How many.
    pub count: u64,
    /// What they have in common.
    pub variant: Variant,
}

/// All that is remembered of the attempts of one key.
#[derive(Debug, Clone, Default)]
pub struct History {
    variants: Vec<Variant>,
    /// By minute and index of the variant.
    entries: BTreeMap<(u32, u32), Tally>,
    /// First and last time of an address, by day since 1970 and hash.
    ips: BTreeMap<(u32, u64), (i64, i64)>,
}

impl History {
    /// Adds an attempt.
    pub fn add(&mut self, at: i64, attempt: &Attempt) {
        let Some(minute) = minute_of(at) else { return };
        let variant = self.variant_index(attempt);
        let offset = offset_in(minute, at);
        let tally = Tally {
            count: 1,
            first: offset,
            last: offset,
        };
        merge_tally(&mut self.entries, (minute, variant), tally);
        if attempt.ip != 0 {
            add_ip(
                &mut self.ips,
                (minute / MINUTES_OF_DAY, attempt.ip),
                (at, at),
            );
        }
    }

    /// Every slice; in no particular order.
    #[must_use]
    pub fn slices(&self) -> Vec<Slice> {
        let slice = |(&(minute, variant), tally): (&(u32, u32), &Tally)| Slice {
            minute,
            first: i64::from(minute) * MINUTE + i64::from(tally.first),
            last: i64::from(minute) * MINUTE + i64::from(tally.last),
            count: u64::from(tally.count),
            variant: self.variants[variant as usize],
        };
        self.entries.iter().map(slice).collect()
    }

    /// How many addresses were seen from `first` to `last`, counting at most 64 a day.
    #[must_use]
    pub fn distinct_ips(&self, first: i64, last: i64) -> usize {
        let overlaps = |seen: &(i64, i64)| seen.0 <= last && seen.1 >= first;
        let seen = self.ips.iter().filter(|(_, seen)| overlaps(seen));
        seen.map(|((_, ip), _)| *ip)
            .collect::<BTreeSet<u64>>()
            .len()
    }

    /// Forgets attempts before `before`, which the caller knows to be a border between episodes.
    pub fn prune(&mut self, before: i64) {
        let Some(limit) = minute_of(before) else {
            return;
        };
        let mut kept = self.entries.split_off(&(limit, 0));
        let older = std::mem::take(&mut self.entries);
        kept.extend(older.into_iter().filter(|((minute, _), tally)| {
            i64::from(*minute) * MINUTE + i64::from(tally.last) >= before
        }));
        self.entries = kept;
        self.ips.retain(|_, seen| seen.1 >= before);
    }

    /// Folds attempts from `from` to `before` into hours and old addresses into one bucket, so that
    /// a loop that never ends grows by 24 entries a day and not by 1,440.
    pub fn fold(&mut self, from: i64, before: i64) {
        let (Some(from), Some(limit)) = (minute_of(from), minute_of(before)) else {
            return;
        };
        let limit = limit / MINUTES_OF_HOUR * MINUTES_OF_HOUR;
        if from >= limit {
            return;
        }
        let mut old = self.entries.split_off(&(from, 0));
        let recent = old.split_off(&(limit, 0));
        for ((minute, variant), tally) in old {
            let hour = minute / MINUTES_OF_HOUR * MINUTES_OF_HOUR;
            let start = if hour < from { minute } else { hour };
            let shift = (minute - start) * MICROS_OF_MINUTE;
            let tally = Tally {
                first: tally.first + shift,
                last: tally.last + shift,
                ..tally
            };
            merge_tally(&mut self.entries, (start, variant), tally);
        }
        self.entries.extend(recent);
        let recent_ips = self.ips.split_off(&(limit / MINUTES_OF_DAY, 0));
        for ((_, ip), seen) in std::mem::replace(&mut self.ips, recent_ips) {
            add_ip(&mut self.ips, (OLD_DAY, ip), seen);
        }
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn variant_index(&mut self, attempt: &Attempt) -> u32 {
        let variant = Variant {
            protocol: attempt.protocol,
            client_family: attempt.client_family,
            error_code: attempt.error_code,
            failure_class: attempt.failure_class,
            password: attempt.password_verified,
        };
        let known = self.variants.iter().position(|known| *known == variant);
        let index = known.unwrap_or_else(|| {
            self.variants.push(variant);
            self.variants.len() - 1
        });
        u32::try_from(index).expect("variants are far fewer than 2^32")
    }
}

const MINUTES_OF_HOUR: u32 = (HOUR / MINUTE) as u32;
const MINUTES_OF_DAY: u32 = (DAY / MINUTE) as u32;
const MICROS_OF_MINUTE: u32 = MINUTE as u32;

fn offset_in(minute: u32, at: i64) -> u32 {
    u32::try_from(at - i64::from(minute) * MINUTE).expect("an offset within the minute")
}

fn merge_tally(entries: &mut BTreeMap<(u32, u32), Tally>, key: (u32, u32), tally: Tally) {
    let entry = entries.entry(key).or_insert(Tally { count: 0, ..tally });
    entry.count = entry.count.saturating_add(tally.count);
    entry.first = entry.first.min(tally.first);
    entry.last = entry.last.max(tally.last);
}

/// Adds an address; of more than the limit the smallest hashes stay. A hash that stays in the end was
/// among the smallest all the time, so its times are complete.
fn add_ip(ips: &mut BTreeMap<(u32, u64), (i64, i64)>, key: (u32, u64), seen: (i64, i64)) {
    let entry = ips.entry(key).or_insert(seen);
    *entry = (entry.0.min(seen.0), entry.1.max(seen.1));
    let day = (key.0, u64::MIN)..=(key.0, u64::MAX);
    if ips.range(day.clone()).count() > IPS_PER_DAY_MAX {
        let largest = ips.range(day).next_back().map(|(key, _)| *key);
        largest.and_then(|largest| ips.remove(&largest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(ips: impl Iterator<Item = u64>, day: i64) -> History {
        let mut history = History::default();
        for ip in ips {
            let attempt = Attempt {
                client_group: "smtp",
                protocol: Protocol::Smtp,
                client_family: "unknown",
                error_code: 50126,
                failure_class: "password",
                password_verified: PasswordVerified::No,
                ip,
            };
            let minute = i64::try_from(ip).expect("small") * MINUTE;
            history.add(day * DAY + minute, &attempt);
        }
        history
    }

    #[test]
    fn of_many_addresses_the_smallest_hashes_are_kept_whatever_came_first() {
        let limit = u64::try_from(IPS_PER_DAY_MAX).expect("small");
        let (up, down) = (history(1..=100, 9), history((1..=100).rev(), 9));
        assert_eq!(up.ips, down.ips);
        assert!(up.ips.keys().map(|key| key.1).eq(1..=limit));
        assert_eq!(up.distinct_ips(9 * DAY, 10 * DAY), IPS_PER_DAY_MAX);
        assert_eq!(up.distinct_ips(9 * DAY, 9 * DAY + 3 * MINUTE), 3);
        assert_eq!(up.distinct_ips(0, 9 * DAY), 0);
    }

    #[test]
    fn an_absent_address_is_no_address() {
        let seen = history([0, 5, 5].into_iter(), 9);
        assert_eq!(seen.distinct_ips(0, 10 * DAY), 1);
    }

    #[test]
    fn pruning_forgets_attempts_and_addresses_before_the_border() {
        let mut pruned = history(1..=10, 9);
        pruned.prune(9 * DAY + 8 * MINUTE);
        let kept = (8..=10).map(|minute| 9 * DAY + minute * MINUTE);
        assert!(pruned.slices().iter().map(|slice| slice.first).eq(kept));
        assert_eq!(pruned.distinct_ips(0, 10 * DAY), 3);
        pruned.prune(10 * DAY);
        assert!(pruned.is_empty());
    }

    #[test]
    fn folding_twice_is_folding_once_and_keeps_the_extremes() {
        let mut once = history(1..=300, 9);
        once.fold(9 * DAY, 9 * DAY + 240 * MINUTE);
        let mut twice = history(1..=300, 9);
        twice.fold(9 * DAY, 9 * DAY + 120 * MINUTE);
        twice.fold(9 * DAY, 9 * DAY + 240 * MINUTE);
        let shape = |history: &History| -> Vec<(u32, i64, i64, u64)> {
            let slices = history.slices().into_iter();
            slices
                .map(|slice| (slice.minute, slice.first, slice.last, slice.count))
                .collect()
        };
        assert_eq!(shape(&once), shape(&twice));
        assert_eq!(once.len(), 4 + 61);
        let first_hour = (9 * 24 * 60, 9 * DAY + MINUTE, 9 * DAY + 59 * MINUTE, 59);
        assert_eq!(shape(&once)[0], first_hour);
    }
}
