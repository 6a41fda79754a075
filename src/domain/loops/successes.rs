//! The successes of one user that can end a loop, by minute.
//!
//! Of every minute the earliest and the latest success are kept: the first success after an instant is
//! then exact to the microsecond, except when a minute holds three or more and the instant lies between
//! them (then the latest of that minute is given). Folding is by minimum and maximum: order is no matter.

use std::collections::BTreeMap;

use super::{DAY, MINUTE, minute_of};

/// Earliest and latest success of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: i64,
    last: i64,
}

/// Successes of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Successes {
    /// By minute since 1970: offsets of the earliest and latest in it, microseconds.
    minutes: BTreeMap<u32, (u32, u32)>,
    /// By day since 1970: older ones of a user without attempts.
    days: BTreeMap<u32, Span>,
}

impl Successes {
    /// Adds a success.
    pub fn add(&mut self, at: i64) {
        let Some(minute) = minute_of(at) else { return };
        let offset = u32::try_from(at.rem_euclid(MINUTE)).expect("a minute has fewer than 2^32 µs");
        let span = self.minutes.entry(minute).or_insert((offset, offset));
        *span = (span.0.min(offset), span.1.max(offset));
    }

    /// The first success later than `at`.
    #[must_use]
    pub fn first_after(&self, at: i64) -> Option<i64> {
        let from = minute_of(at.max(0))?;
        let minutes = self
            .minutes
            .range(from..)
            .take(2)
            .map(|(minute, offsets)| Span {
                first: i64::from(*minute) * MINUTE + i64::from(offsets.0),
                last: i64::from(*minute) * MINUTE + i64::from(offsets.1),
            });
        let days = self
            .days
            .range(day_of_minute(from)..)
            .take(2)
            .map(|(_, span)| *span);
        minutes
            .chain(days)
            .filter_map(|span| {
                [span.first, span.last]
                    .into_iter()
                    .find(|success| *success > at)
            })
            .min()
    }

    /// Folds minutes before `before` into days: enough for a user who has no attempts.
    pub fn thin(&mut self, before: i64) {
        let Some(limit) = minute_of(before) else {
            return;
        };
        let kept = self.minutes.split_off(&limit);
        for (minute, (first, last)) in std::mem::replace(&mut self.minutes, kept) {
            let start = i64::from(minute) * MINUTE;
            let (first, last) = (start + i64::from(first), start + i64::from(last));
            let day = self
                .days
                .entry(day_of_minute(minute))
                .or_insert(Span { first, last });
            *day = Span {
                first: day.first.min(first),
                last: day.last.max(last),
            };
        }
    }

    /// Forgets minutes and days that ended before `before`.
    pub fn prune(&mut self, before: i64) {
        let Some(limit) = minute_of(before) else {
            return;
        };
        self.minutes = self.minutes.split_off(&limit);
        self.days = self.days.split_off(&day_of_minute(limit));
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.minutes.is_empty() && self.days.is_empty()
    }
}

fn day_of_minute(minute: u32) -> u32 {
    minute / u32::try_from(DAY / MINUTE).expect("minutes of a day fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn successes(at: &[i64]) -> Successes {
        let mut successes = Successes::default();
        at.iter().for_each(|at| successes.add(*at));
        successes
    }

    #[test]
    fn the_first_success_after_an_instant_is_exact() {
        let successes = successes(&[10, 40, 3 * MINUTE + 5]);
        assert_eq!(successes.first_after(-1), Some(10));
        assert_eq!(
            successes.first_after(10),
            Some(40),
            "strictly later, within the same minute"
        );
        assert_eq!(successes.first_after(40), Some(3 * MINUTE + 5));
        assert_eq!(successes.first_after(3 * MINUTE + 5), None);
    }

    #[test]
    fn thinned_days_keep_their_first_and_last_success() {
        let mut thinned = successes(&[10, HOUR_3, DAY + 7, 5 * DAY]);
        thinned.thin(4 * DAY);
        assert_eq!(thinned.first_after(0), Some(10));
        assert_eq!(thinned.first_after(10), Some(HOUR_3));
        assert_eq!(thinned.first_after(HOUR_3), Some(DAY + 7));
        assert_eq!(thinned.first_after(2 * DAY), Some(5 * DAY));
        thinned.prune(2 * DAY);
        assert_eq!(thinned.first_after(0), Some(5 * DAY));
        thinned.prune(6 * DAY);
        assert!(thinned.is_empty());
    }

    const HOUR_3: i64 = 3 * super::super::HOUR;
}
