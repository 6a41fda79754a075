//! The successes of one user that can end a loop, by minute.
//!
//! Of every minute the earliest and the latest success are kept: the first success after an instant is
//! then exact to the microsecond, except when a minute holds three or more and the instant lies between
//! them (then the latest of that minute is given). Folding is by minimum and maximum: order is no matter.

use super::{DAY, MINUTE, minute_of};
use crate::domain::sign_in::Channel;

/// The successes of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Minute {
    /// Since 1970.
    minute: u32,
    /// Microseconds from its start to the earliest.
    first: u32,
    /// The same to the latest.
    last: u32,
}

/// The successes of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    /// Since 1970.
    day: u32,
    first: i64,
    last: i64,
}

/// Successes of one kind. Sorted vectors and not maps: there is one of these per person, most of what
/// comes belongs at the end, and a map costs twice the memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Successes {
    minutes: Vec<Minute>,
    /// Older ones of a user without attempts.
    days: Vec<Day>,
}

impl Successes {
    /// Adds a success.
    pub fn add(&mut self, at: i64) {
        let Some(minute) = minute_of(at) else { return };
        let offset = u32::try_from(at.rem_euclid(MINUTE)).expect("a minute has fewer than 2^32 µs");
        match self
            .minutes
            .binary_search_by_key(&minute, |known| known.minute)
        {
            Ok(place) => {
                let known = &mut self.minutes[place];
                known.first = known.first.min(offset);
                known.last = known.last.max(offset);
            }
            Err(place) => {
                let new = Minute {
                    minute,
                    first: offset,
                    last: offset,
                };
                self.minutes.insert(place, new);
            }
        }
    }

    /// The first success later than `at`.
    #[must_use]
    pub fn first_after(&self, at: i64) -> Option<i64> {
        let from = minute_of(at.max(0))?;
        let minutes = &self.minutes[self.minutes.partition_point(|known| known.minute < from)..];
        let from = day_of_minute(from);
        let days = &self.days[self.days.partition_point(|known| known.day < from)..];
        let minutes = minutes.iter().take(2).flat_map(|minute| minute.extremes());
        let days = days.iter().take(2).flat_map(|day| [day.first, day.last]);
        minutes.chain(days).filter(|success| *success > at).min()
    }

    /// Folds minutes before `before` into days: enough for a user who has no attempts.
    pub fn thin(&mut self, before: i64) {
        let Some(limit) = minute_of(before) else {
            return;
        };
        let old = self.minutes.partition_point(|known| known.minute < limit);
        for minute in self.minutes.drain(..old) {
            let (day, [first, last]) = (day_of_minute(minute.minute), minute.extremes());
            match self.days.binary_search_by_key(&day, |known| known.day) {
                Ok(place) => {
                    let known = &mut self.days[place];
                    known.first = known.first.min(first);
                    known.last = known.last.max(last);
                }
                Err(place) => self.days.insert(place, Day { day, first, last }),
            }
        }
        self.minutes.shrink_to_fit();
    }

    /// Forgets minutes and days that ended before `before`.
    pub fn prune(&mut self, before: i64) {
        let Some(limit) = minute_of(before) else {
            return;
        };
        self.minutes.retain(|known| known.minute >= limit);
        self.days.retain(|known| known.day >= day_of_minute(limit));
    }

    /// How many minutes and days are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.minutes.len() + self.days.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.minutes.is_empty() && self.days.is_empty()
    }
}

impl Minute {
    fn extremes(&self) -> [i64; 2] {
        let start = i64::from(self.minute) * MINUTE;
        [start + i64::from(self.first), start + i64::from(self.last)]
    }
}

/// A user's modern successes by channel: a handful, so a search is a glance.
#[derive(Debug, Clone, Default)]
pub struct ByChannel(Vec<(Channel, Successes)>);

impl ByChannel {
    /// Adds a success.
    pub fn add(&mut self, channel: Channel, at: i64) {
        match self.0.iter_mut().find(|(known, _)| *known == channel) {
            Some((_, successes)) => successes.add(at),
            None => {
                let mut successes = Successes::default();
                successes.add(at);
                self.0.push((channel, successes));
            }
        }
    }

    /// The first success of any of these channels later than `at`.
    #[must_use]
    pub fn first_after(&self, channels: &[Channel], at: i64) -> Option<i64> {
        let of = self
            .0
            .iter()
            .filter(|(channel, _)| channels.contains(channel));
        of.filter_map(|(_, successes)| successes.first_after(at))
            .min()
    }

    /// What is kept of each channel.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Successes> {
        self.0.iter_mut().map(|(_, successes)| successes)
    }

    /// Drops channels of which nothing is kept.
    pub fn drop_empty(&mut self) {
        self.0.retain(|(_, successes)| !successes.is_empty());
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
