//! Cuts the attempts of a key into episodes and finds the stretch in which a pattern first shows.
//!
//! Within a minute only the first and the last attempt of every variant have exact times. Where that
//! matters the rule is: a gap is measured from the last attempt of one minute to the first of the next;
//! if a cutover falls inside a slice, its last attempt belongs to the time after, the others before.

use super::history::{History, Slice};
use super::words::Pattern;
use super::{LoopSettings, PatternSettings};

/// Minutes in an hour: the unit in which slow patterns are counted.
const HOUR_MINUTES: u32 = 60;

/// Gaps looked at for a regular cadence: half an hour at one attempt per minute; more would only cost.
pub const CADENCE_GAPS_MAX: usize = 32;
/// Fewer gaps than this say nothing about cadence.
const CADENCE_GAPS_MIN: usize = 4;

/// Attempts of a key without a long silence, all on one side of the user's own cutover.
#[derive(Debug, Clone)]
pub struct Episode {
    /// In order of their first attempt.
    pub slices: Vec<Slice>,
    /// The first attempt.
    pub first: i64,
    /// The last attempt.
    pub last: i64,
}

/// Where and when an episode became a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The event time at which the pattern was met.
    pub at: i64,
    /// The first attempt of the stretch in which it was met.
    pub onset: i64,
    /// Which pattern.
    pub pattern: Pattern,
}

/// All attempts of a minute.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    minute: u32,
    first: i64,
    last: i64,
    count: u64,
}

/// The episodes of a key, oldest first.
#[must_use]
pub fn episodes(history: &History, cutover: Option<i64>, quiet_after: i64) -> Vec<Episode> {
    let mut slices = history.slices();
    if let Some(cutover) = cutover {
        slices = slices
            .into_iter()
            .flat_map(|slice| split(slice, cutover))
            .collect();
    }
    slices.sort_unstable_by_key(|slice| (slice.first, slice.last));
    let mut episodes: Vec<Episode> = Vec::new();
    for slice in slices {
        let crosses = |last: i64| cutover.is_some_and(|at| last < at && at <= slice.first);
        match episodes.last_mut() {
            Some(open) if slice.first - open.last <= quiet_after && !crosses(open.last) => {
                open.last = open.last.max(slice.last);
                open.slices.push(slice);
            }
            _ => episodes.push(Episode {
                slices: vec![slice],
                first: slice.first,
                last: slice.last,
            }),
        }
    }
    episodes
}

/// The parts of a slice before and after a cutover that falls inside it.
fn split(slice: Slice, cutover: i64) -> impl Iterator<Item = Slice> {
    let straddles = slice.first < cutover && cutover <= slice.last;
    let before = Slice {
        count: slice.count - 1,
        last: slice.first,
        ..slice
    };
    let after = Slice {
        count: 1,
        first: slice.last,
        ..slice
    };
    let parts = if straddles {
        [Some(before), Some(after)]
    } else {
        [Some(slice), None]
    };
    parts.into_iter().flatten()
}

impl Episode {
    /// How many attempts.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.slices.iter().map(|slice| slice.count).sum()
    }

    /// The pattern that was met first, if any; a burst if both at once.
    #[must_use]
    pub fn opening(&self, settings: &LoopSettings) -> Option<Opening> {
        let buckets = self.buckets();
        let burst = first_met(&buckets, &settings.burst, 1);
        let slow = first_met(&buckets, &settings.slow, HOUR_MINUTES);
        let burst = burst.map(|(at, onset)| Opening {
            at,
            onset,
            pattern: Pattern::Burst,
        });
        let slow = slow.map(|(at, onset)| Opening {
            at,
            onset,
            pattern: Pattern::Slow,
        });
        [burst, slow]
            .into_iter()
            .flatten()
            .min_by_key(|opening| (opening.at, opening.pattern))
    }

    /// Whether most gaps from `onset` on are within a quarter of their median: a program, not a person.
    #[must_use]
    pub fn regular_cadence(&self, onset: i64) -> bool {
        let buckets = self.buckets();
        let from = buckets.partition_point(|bucket| bucket.first < onset);
        let pairs = buckets[from..].windows(2).take(CADENCE_GAPS_MAX);
        let mut gaps: Vec<i64> = pairs.map(|pair| pair[1].first - pair[0].first).collect();
        if gaps.len() < CADENCE_GAPS_MIN {
            return false;
        }
        gaps.sort_unstable();
        let median = gaps[gaps.len() / 2];
        let near = gaps
            .iter()
            .filter(|gap| (**gap - median).abs() <= median / 4)
            .count();
        near * 10 >= gaps.len() * 7
    }

    /// From when on attempts may be folded into hours without a change of opening or cadence.
    #[must_use]
    pub fn foldable_from(&self, opening: &Opening) -> i64 {
        let buckets = self.buckets();
        let from = buckets.partition_point(|bucket| bucket.first < opening.onset);
        let cadence = buckets
            .get(from + CADENCE_GAPS_MAX + 1)
            .map_or(self.last, |next| next.first);
        let met = buckets.partition_point(|bucket| bucket.first <= opening.at);
        cadence.max(buckets.get(met).map_or(self.last, |next| next.first))
    }

    fn buckets(&self) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for slice in &self.slices {
            match buckets.last_mut() {
                Some(bucket) if bucket.minute == slice.minute => {
                    bucket.last = bucket.last.max(slice.last);
                    bucket.count += slice.count;
                }
                _ => buckets.push(Bucket {
                    minute: slice.minute,
                    first: slice.first,
                    last: slice.last,
                    count: slice.count,
                }),
            }
        }
        buckets
    }
}

/// When a pattern is first met, and the first attempt of the stretch that meets it. Exact if the first
/// or the last attempt of a minute decides; if one between them does, the last is given.
fn first_met(buckets: &[Bucket], pattern: &PatternSettings, unit: u32) -> Option<(i64, i64)> {
    let mut onset = 0;
    let (mut attempts, mut distinct) = (0, 0);
    let mut before: Option<&Bucket> = None;
    for bucket in buckets {
        let continues = before.is_some_and(|before| bucket.first - before.last <= pattern.gap_max);
        if !continues {
            (onset, attempts, distinct) = (bucket.first, 0, 0);
        }
        let same_unit = before.is_some_and(|before| before.minute / unit == bucket.minute / unit);
        if !(continues && same_unit) {
            distinct += 1;
        }
        if distinct >= pattern.distinct_min && attempts + bucket.count >= pattern.attempts_min {
            let first_decides = attempts + 1 >= pattern.attempts_min;
            return Some((
                if first_decides {
                    bucket.first
                } else {
                    bucket.last
                },
                onset,
            ));
        }
        attempts += bucket.count;
        before = Some(bucket);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{HOUR, MINUTE};
    use super::*;
    use crate::domain::failure_class::FailureClass;
    use crate::domain::sign_in::{PasswordVerified, Protocol};
    use crate::domain::signal::Attempt;

    fn history(times: &[i64]) -> History {
        let mut history = History::default();
        let attempt = Attempt {
            client_group: "outlook_desktop",
            protocol: Protocol::Ews,
            client_family: "outlook_2016",
            error_code: 53003,
            failure_class: FailureClass::CaBlock.name(),
            password_verified: PasswordVerified::Yes,
            ip: 7,
        };
        times.iter().for_each(|at| history.add(*at, &attempt));
        history
    }

    fn opening(times: &[i64]) -> Option<Opening> {
        let found = episodes(&history(times), None, 72 * HOUR);
        found
            .first()
            .and_then(|episode| episode.opening(&LoopSettings::default()))
    }

    #[test]
    fn a_burst_needs_five_attempts_in_three_minutes() {
        let m = MINUTE;
        assert_eq!(opening(&[0, m, 2 * m, 3 * m]), None, "four attempts");
        assert_eq!(
            opening(&[0, 1, m, m + 1, m + 2, m + 3]),
            None,
            "two minutes"
        );
        let burst = |at, onset| {
            Some(Opening {
                at,
                onset,
                pattern: Pattern::Burst,
            })
        };
        assert_eq!(opening(&[0, m, 2 * m, 3 * m, 4 * m]), burst(4 * m, 0));
        assert_eq!(
            opening(&[0, 1, 2, 3, m, 2 * m]),
            burst(2 * m, 0),
            "the third minute decides"
        );
        assert_eq!(
            opening(&[0, m, 2 * m, 2 * m + 5, 2 * m + 9]),
            burst(2 * m + 9, 0)
        );
        assert_eq!(
            opening(&[0, 30 * m, 60 * m, 90 * m, 120 * m]),
            burst(120 * m, 0)
        );
    }

    #[test]
    fn the_onset_is_the_start_of_the_stretch_and_not_of_the_episode() {
        let times = [0, 20, 21, 22, 23, 24].map(|hours_or_minutes| match hours_or_minutes {
            0 => 0,
            minutes => 20 * HOUR + minutes * MINUTE,
        });
        let found = opening(&times).expect("a burst");
        assert_eq!(found.onset, 20 * HOUR + 20 * MINUTE);
    }

    #[test]
    fn a_slow_pattern_needs_six_attempts_in_five_hours() {
        let hourly = |count: i64| (0..count).map(|hour| hour * HOUR).collect::<Vec<_>>();
        assert_eq!(opening(&hourly(5)), None);
        let met = Some(Opening {
            at: 5 * HOUR,
            onset: 0,
            pattern: Pattern::Slow,
        });
        assert_eq!(opening(&hourly(6)), met);
        let four_hourly = (0..6).map(|n| n * 4 * HOUR).collect::<Vec<_>>();
        assert_eq!(opening(&four_hourly).map(|found| found.at), Some(20 * HOUR));
        let too_far = (0..9).map(|n| n * 4 * HOUR + n).collect::<Vec<_>>();
        assert_eq!(
            opening(&too_far),
            None,
            "a gap of a microsecond more than four hours"
        );
    }

    #[test]
    fn a_burst_and_a_slow_pattern_met_at_once_are_a_burst() {
        let mut times: Vec<i64> = (0..5).map(|hour| hour * HOUR + 59 * MINUTE).collect();
        times.extend([4 * HOUR + 59 * MINUTE + 1, 4 * HOUR + 59 * MINUTE + 2]);
        assert_eq!(
            opening(&times).map(|found| found.pattern),
            Some(Pattern::Slow)
        );
        let burst = [0, 1, 2, 3, 4].map(|n| 100 * HOUR + n * MINUTE);
        assert_eq!(
            opening(&burst).map(|found| found.pattern),
            Some(Pattern::Burst)
        );
    }

    #[test]
    fn a_silence_longer_than_three_days_and_a_cutover_part_episodes() {
        let quiet = 72 * HOUR;
        let one = history(&[0, quiet]);
        assert_eq!(episodes(&one, None, quiet).len(), 1);
        assert_eq!(episodes(&history(&[0, quiet + 1]), None, quiet).len(), 2);
        let parts = episodes(&one, Some(quiet), quiet);
        assert_eq!(
            parts.iter().map(|part| part.first).collect::<Vec<_>>(),
            [0, quiet]
        );
        assert_eq!(
            episodes(&one, Some(0), quiet).len(),
            1,
            "the first attempt is at the cutover"
        );
        let within = episodes(&history(&[1, 5, 9]), Some(4), quiet);
        let shape: Vec<_> = within
            .iter()
            .map(|p| (p.first, p.last, p.attempts()))
            .collect();
        assert_eq!(
            shape,
            [(1, 1, 2), (9, 9, 1)],
            "inside one minute the last attempt is after"
        );
    }

    #[test]
    fn a_regular_cadence_is_told_from_a_person() {
        let regular = |times: &[i64]| {
            let found = episodes(&history(times), None, 72 * HOUR);
            found[0].regular_cadence(0)
        };
        assert!(regular(
            &[0, 10, 20, 30, 41, 50].map(|minute| minute * MINUTE)
        ));
        assert!(!regular(
            &[0, 1, 20, 22, 60, 61].map(|minute| minute * MINUTE)
        ));
        assert!(
            !regular(&[0, 10, 20, 30].map(|minute| minute * MINUTE)),
            "too few gaps"
        );
    }

    #[test]
    fn folding_a_long_loop_keeps_its_opening_and_its_attempts() {
        let times: Vec<i64> = (0..3_000).map(|n| n * 2 * MINUTE).collect();
        let mut folded = history(&times);
        let settings = LoopSettings::default();
        let before = &episodes(&folded, None, settings.quiet_after)[0];
        let opening = before.opening(&settings).expect("a burst");
        folded.fold(before.foldable_from(&opening), 90 * HOUR);
        let after = &episodes(&folded, None, settings.quiet_after)[0];
        assert!(folded.len() < 450, "{}", folded.len());
        assert_eq!(after.opening(&settings), Some(opening));
        assert_eq!((after.first, after.last), (before.first, before.last));
        assert_eq!(after.attempts(), 3_000);
        assert!(after.regular_cadence(opening.onset));
        assert_eq!(folded.distinct_ips(after.first, after.last), 1);
    }
}
