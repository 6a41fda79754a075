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
struct Entry {
    /// Since 1970; the start of the hour if folded.
    minute: u32,
    /// Index of the variant.
    variant: u32,
    count: u32,
    /// Microseconds from the start of the minute to the first attempt.
    first: u32,
    /// The same to the last attempt; an hour has fewer than 2^32 microseconds.
    last: u32,
}

impl Entry {
    fn key(&self) -> (u32, u32) {
        (self.minute, self.variant)
    }

    fn merge(&mut self, other: &Entry) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    fn at(&self, offset: u32) -> i64 {
        i64::from(self.minute) * MINUTE + i64::from(offset)
    }
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
    /// Sorted by minute and variant: most of what comes belongs at the end, and a map costs twice
    /// the memory.
    entries: Vec<Entry>,
    /// First and last time of an address, by day since 1970 and hash.
    ips: BTreeMap<(u32, u64), (i64, i64)>,
}

impl History {
    /// Adds an attempt.
    pub fn add(&mut self, at: i64, attempt: &Attempt) {
        let Some(minute) = minute_of(at) else { return };
        let variant = self.variant_index(attempt);
        let offset = offset_in(minute, at);
        let entry = Entry {
            minute,
            variant,
            count: 1,
            first: offset,
            last: offset,
        };
        match self.entries.binary_search_by_key(&entry.key(), Entry::key) {
            Ok(place) => self.entries[place].merge(&entry),
            Err(place) => self.entries.insert(place, entry),
        }
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
        let slice = |entry: &Entry| Slice {
            minute: entry.minute,
            first: entry.at(entry.first),
            last: entry.at(entry.last),
            count: u64::from(entry.count),
            variant: self.variants[entry.variant as usize],
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
        self.entries.retain(|entry| entry.at(entry.last) >= before);
        self.entries.shrink_to_fit();
        self.ips.retain(|_, seen| seen.1 >= before);
    }

    /// Folds attempts from `from` to `before` into hours, so that a loop
    /// that goes on grows by 24 entries a day and not by 1,440.
    pub fn fold(&mut self, from: i64, before: i64) {
        let (Some(from), Some(limit)) = (minute_of(from), minute_of(before)) else {
            return;
        };
        let limit = limit / MINUTES_OF_HOUR * MINUTES_OF_HOUR;
        if from >= limit {
            return;
        }
        let start = self.entries.partition_point(|entry| entry.minute < from);
        let end = self.entries.partition_point(|entry| entry.minute < limit);
        let mut hours: BTreeMap<(u32, u32), Entry> = BTreeMap::new();
        for entry in &self.entries[start..end] {
            let folded = folded(entry, from);
            let hour = hours.entry(folded.key());
            hour.and_modify(|hour| hour.merge(&folded))
                .or_insert(folded);
        }
        self.entries.splice(start..end, hours.into_values());
        self.entries.shrink_to_fit();
    }

    /// Folds addresses of the days before `before` into one bucket.
    pub fn fold_ips(&mut self, before: i64) {
        let Some(limit) = minute_of(before) else {
            return;
        };
        let recent = self.ips.split_off(&(limit / MINUTES_OF_DAY, 0));
        for ((_, ip), seen) in std::mem::replace(&mut self.ips, recent) {
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

/// The entry as part of its hour, unless that begins before the attempts that may be folded.
fn folded(entry: &Entry, from: u32) -> Entry {
    let hour = entry.minute / MINUTES_OF_HOUR * MINUTES_OF_HOUR;
    if hour < from {
        return *entry;
    }
    let shift = (entry.minute - hour) * MICROS_OF_MINUTE;
    Entry {
        minute: hour,
        first: entry.first + shift,
        last: entry.last + shift,
        ..*entry
    }
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

    #[test]
    fn an_hour_that_begins_before_the_foldable_attempts_stays_as_it_is() {
        let mut folded = history(1..=300, 9);
        folded.fold(9 * DAY + 30 * MINUTE, 9 * DAY + 240 * MINUTE);
        assert_eq!(folded.len(), 59 + 3 + 61);
        assert!(folded.entries.is_sorted_by_key(Entry::key));
    }
}
