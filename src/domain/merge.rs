//! Several copies of one sign-in to the one event that they tell of together.
//!
//! Entra sends a sign-in again when its risk becomes known, when the second factor has been given,
//! or in parts when many policies looked at it. Owns the rules by which such copies become one,
//! whatever their order and however often each comes; the view `sign_ins_latest` has the same rules
//! in SQL. Does not know which columns there are, nor decide which copies belong together.

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::policy::PolicyResult;
use super::sign_in::Outcome;

/// When a copy was published, and what settles a tie; the greatest is the latest. Copies with the
/// same stamp are the same copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// When it was published, UTC microseconds; a copy that does not say is older than all that do.
    pub publish_time: Option<i64>,
    /// Hash of its bytes.
    pub content_hash: i32,
    /// When it happened, UTC microseconds: a record without a time takes that of arrival.
    pub event_time: i64,
}

/// How far a copy knows how the sign-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It has no code.
    Unsaid,
    /// It was interrupted: a step on the way.
    Step,
    /// It was refused or failed.
    Failure,
    /// It succeeded.
    Success,
}

impl Standing {
    /// The standing of a copy with this code and outcome.
    #[must_use]
    pub fn of(error_code: Option<i32>, outcome: Outcome) -> Standing {
        match (error_code, outcome) {
            (None, _) => Standing::Unsaid,
            (Some(_), Outcome::Interrupted) => Standing::Step,
            (Some(_), Outcome::Blocked | Outcome::Failed) => Standing::Failure,
            (Some(_), Outcome::Success) => Standing::Success,
        }
    }
}

/// What a policy is recognised by: its id, or its name when it has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyKey {
    /// Its id.
    Id(String),
    /// Its name, perhaps empty.
    Name(String),
}

/// What one copy says of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySaid<V> {
    /// Which policy.
    pub key: PolicyKey,
    /// What it said, as Entra words it.
    pub result: String,
    /// The policy as a whole.
    pub policy: V,
}

/// One copy of a sign-in; `V` is how values are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInCopy<V> {
    /// When it was published.
    pub stamp: Stamp,
    /// How far it knows the end.
    pub standing: Standing,
    /// What it knows of who, when, where and by what: names with values, without those it lacks.
    pub facts: BTreeMap<String, V>,
    /// Its code with all that was concluded from it and from this copy: taken whole or not at all.
    pub status: V,
    /// Its policies.
    pub policies: Vec<PolicySaid<V>>,
}

/// Which of two sayings about a policy counts: one of a policy that took part, then the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    took_part: bool,
    stamp: Stamp,
    place: Reverse<usize>,
}

/// A policy, and which of its mentions in one copy: a copy that names it twice keeps both.
type Mention = (PolicyKey, usize);

/// The event that the copies merged so far tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedSignIn<V> {
    facts: BTreeMap<String, (Stamp, V)>,
    statuses: BTreeMap<Standing, (Stamp, V)>,
    policies: BTreeMap<Mention, (Weight, V)>,
    contents: BTreeSet<i32>,
}

impl<V> MergedSignIn<V> {
    /// What one copy tells.
    #[must_use]
    pub fn of(copy: SignInCopy<V>) -> MergedSignIn<V> {
        let stamp = copy.stamp;
        let facts = copy.facts.into_iter();
        MergedSignIn {
            facts: facts.map(|(name, value)| (name, (stamp, value))).collect(),
            statuses: BTreeMap::from([(copy.standing, (stamp, copy.status))]),
            policies: mentions(stamp, copy.policies),
            contents: BTreeSet::from([stamp.content_hash]),
        }
    }

    /// What both tell together. Order, grouping and repetition make no difference.
    #[must_use]
    pub fn merge(mut self, other: MergedSignIn<V>) -> MergedSignIn<V> {
        keep_greatest(&mut self.facts, other.facts);
        keep_greatest(&mut self.statuses, other.statuses);
        keep_greatest(&mut self.policies, other.policies);
        self.contents.extend(other.contents);
        self
    }

    /// The facts: each from the latest copy that has it.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &V)> {
        let facts = self.facts.iter();
        facts.map(|(name, (_, value))| (name.as_str(), value))
    }

    /// The status: of the latest copy that has a code. A step on the way does not undo a success,
    /// however late it was published.
    #[must_use]
    pub fn status(&self) -> &V {
        let succeeded = self.statuses.contains_key(&Standing::Success);
        let weight = |standing: Standing| match standing {
            Standing::Unsaid => 0,
            Standing::Step if succeeded => 1,
            Standing::Step | Standing::Failure | Standing::Success => 2,
        };
        let statuses = self.statuses.iter();
        let (_, (_, status)) = statuses
            .max_by_key(|(standing, (stamp, _))| (weight(**standing), *stamp))
            .expect("every copy has a standing, and there is a copy");
        status
    }

    /// The policies that any copy names, those of the latest copy first.
    #[must_use]
    pub fn policies(&self) -> Vec<&V> {
        let mut policies: Vec<&(Weight, V)> = self.policies.values().collect();
        policies.sort_by_key(|(weight, _)| Reverse((weight.stamp, weight.place)));
        policies.into_iter().map(|(_, policy)| policy).collect()
    }

    /// How many differing copies there are beside the first.
    #[must_use]
    pub fn revisions(&self) -> usize {
        self.contents.len() - 1
    }
}

fn mentions<V>(stamp: Stamp, said: Vec<PolicySaid<V>>) -> BTreeMap<Mention, (Weight, V)> {
    let mut times: BTreeMap<PolicyKey, usize> = BTreeMap::new();
    let said = said.into_iter().enumerate().map(|(place, said)| {
        let times = times.entry(said.key.clone()).or_default();
        *times += 1;
        let weight = Weight {
            took_part: PolicyResult::took_part(&said.result),
            stamp,
            place: Reverse(place),
        };
        ((said.key, *times), (weight, said.policy))
    });
    said.collect()
}

/// Adds values under their keys; where both have one, that of the greater weight stays.
fn keep_greatest<K: Ord, W: Ord, V>(into: &mut BTreeMap<K, (W, V)>, from: BTreeMap<K, (W, V)>) {
    for (key, value) in from {
        match into.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(mut entry) if entry.get().0 < value.0 => {
                entry.insert(value);
            }
            Entry::Occupied(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A copy published at a time, with a standing, what it knows, and policies with their results.
    fn copy(
        at: Option<i64>,
        content_hash: i32,
        standing: Standing,
        facts: &[&str],
        policies: &[(&str, &str)],
    ) -> SignInCopy<String> {
        let tag = |what: &str| format!("{what} of {content_hash}");
        let said = |(id, result): &(&str, &str)| PolicySaid {
            key: PolicyKey::Id((*id).to_owned()),
            result: (*result).to_owned(),
            policy: format!("{id} {result}"),
        };
        SignInCopy {
            stamp: Stamp {
                publish_time: at,
                content_hash,
                event_time: 0,
            },
            standing,
            facts: facts.iter().map(|it| ((*it).to_owned(), tag(it))).collect(),
            status: format!("{standing:?} of {content_hash}"),
            policies: policies.iter().map(said).collect(),
        }
    }

    fn merged(copies: impl IntoIterator<Item = SignInCopy<String>>) -> MergedSignIn<String> {
        let copies = copies.into_iter().map(MergedSignIn::of);
        copies.reduce(MergedSignIn::merge).expect("there is a copy")
    }

    /// The status of copies that are published one after the other with these standings.
    fn status(standings: &[Standing]) -> String {
        let copies = (1..).zip(standings);
        let copies =
            copies.map(|(at, standing)| copy(Some(i64::from(at)), at, *standing, &["user"], &[]));
        merged(copies).status().clone()
    }

    #[test]
    fn the_latest_status_wins_but_a_step_never_undoes_a_success() {
        use Standing::{Failure, Step, Success, Unsaid};
        for (standings, expected) in [
            (&[Step, Success][..], "Success of 2"),
            (&[Success, Step], "Success of 1"),
            (&[Step, Success, Step], "Success of 2"),
            (&[Success, Failure], "Failure of 2"),
            (&[Success, Failure, Step], "Failure of 2"),
            (&[Failure, Success], "Success of 2"),
            (&[Failure, Step], "Step of 2"),
            (&[Step, Unsaid], "Step of 1"),
            (&[Unsaid, Unsaid], "Unsaid of 2"),
        ] {
            assert_eq!(status(standings), expected, "{standings:?}");
        }
    }

    #[test]
    fn a_fact_is_that_of_the_latest_copy_that_knows_it() {
        let event = merged([
            copy(Some(2), 1, Standing::Failure, &["user", "city"], &[]),
            copy(Some(3), 2, Standing::Failure, &["user"], &[]),
            copy(None, 3, Standing::Failure, &["user", "device"], &[]),
        ]);
        let facts: Vec<_> = event.facts().map(|(_, value)| value.as_str()).collect();
        assert_eq!(facts, ["city of 1", "device of 3", "user of 2"]);
        assert_eq!(event.revisions(), 2);
    }

    #[test]
    fn the_content_settles_which_of_two_copies_of_one_moment_is_the_later() {
        let copies = [4, 7].map(|hash| copy(Some(1), hash, Standing::Failure, &["user"], &[]));
        assert_eq!(merged(copies).status(), "Failure of 7");
    }

    #[test]
    fn every_policy_stays_with_the_result_of_the_copy_it_took_part_in() {
        let event = merged([
            copy(
                Some(1),
                1,
                Standing::Failure,
                &[],
                &[("a", "failure"), ("b", "notApplied"), ("c", "success")],
            ),
            copy(
                Some(2),
                2,
                Standing::Failure,
                &[],
                &[("d", "neverHeardOf"), ("a", "notApplied"), ("c", "failure")],
            ),
        ]);
        assert_eq!(
            event.policies(),
            ["d neverHeardOf", "c failure", "a failure", "b notApplied"]
        );
    }

    #[test]
    fn a_result_counts_the_same_however_it_is_spelt() {
        for no_part in ["notApplied", "NOTAPPLIED", "2", "notenabled", "3", ""] {
            let event = merged([
                copy(Some(1), 1, Standing::Failure, &[], &[("a", "1")]),
                copy(Some(2), 2, Standing::Failure, &[], &[("a", no_part)]),
            ]);
            assert_eq!(event.policies(), ["a 1"], "{no_part:?}");
        }
    }

    #[test]
    fn a_copy_that_names_a_policy_twice_loses_nothing_alone_or_repeated() {
        let twice = copy(
            None,
            1,
            Standing::Failure,
            &[],
            &[("a", "success"), ("a", "failure")],
        );
        let event = merged([twice.clone(), twice]);
        assert_eq!(event.policies(), ["a success", "a failure"]);
        assert_eq!(event.revisions(), 0);
    }

    fn standing() -> impl Strategy<Value = Standing> {
        prop_oneof![
            Just(Standing::Unsaid),
            Just(Standing::Step),
            Just(Standing::Failure),
            Just(Standing::Success),
        ]
    }

    /// Copies with few distinct times, facts and policies, so that all of them meet.
    fn copies() -> impl Strategy<Value = Vec<SignInCopy<String>>> {
        let facts = prop::sample::subsequence(vec!["user", "city", "device"], 0..=3);
        let result = prop::sample::select(vec!["", "notApplied", "notEnabled", "success", "new"]);
        let id = prop::sample::select(vec!["a", "b", "c"]);
        let policies = prop::collection::vec((id, result), 0..4);
        let one = (prop::option::of(0..3_i64), standing(), facts, policies);
        prop::collection::vec(one, 1..7).prop_map(|parts| {
            let numbered = (0..).zip(parts);
            numbered
                .map(|(hash, (at, standing, facts, policies))| {
                    copy(at, hash, standing, &facts, &policies)
                })
                .collect()
        })
    }

    /// Copies in order, and the same ones up to three times each in any order.
    fn in_two_orders() -> impl Strategy<Value = (Vec<SignInCopy<String>>, Vec<SignInCopy<String>>)>
    {
        let both = (copies(), prop::collection::vec(1..4_usize, 6));
        both.prop_flat_map(|(copies, times)| {
            let repeated = copies.iter().zip(times);
            let repeated: Vec<_> = repeated
                .flat_map(|(copy, times)| vec![copy.clone(); times])
                .collect();
            (Just(copies), Just(repeated).prop_shuffle())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn any_order_repetition_and_grouping_gives_the_same_event(
            (ordered, mixed) in in_two_orders(),
            cut in any::<prop::sample::Index>(),
        ) {
            let event = merged(ordered);
            prop_assert_eq!(&merged(mixed.clone()), &event);
            let (left, right) = mixed.split_at(cut.index(mixed.len()));
            if !left.is_empty() {
                let grouped = merged(left.to_vec()).merge(merged(right.to_vec()));
                prop_assert_eq!(grouped.status(), event.status());
                prop_assert_eq!(grouped.policies(), event.policies());
                prop_assert_eq!(grouped, event);
            }
        }

        #[test]
        fn nothing_that_any_copy_knows_is_lost(ordered in copies()) {
            let event = merged(ordered.clone());
            let names: BTreeSet<&str> = event.facts().map(|(name, _)| name).collect();
            for copy in &ordered {
                prop_assert!(copy.facts.keys().all(|name| names.contains(name.as_str())));
                for said in &copy.policies {
                    let kept = event.policies.keys().any(|(key, _)| *key == said.key);
                    prop_assert!(kept, "{:?} is lost", said.key);
                }
            }
        }
    }
}
