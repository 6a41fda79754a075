//! Rejects counted by their shape. Pure; senders of garbage cannot make it grow without a bound.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::origin::origin;
use super::shape::{beginning, normalised};
use crate::lake::history::StoredReject;

/// Shapes told apart; the rest of a reason is one group.
const GROUPS_MAX: usize = 1000;
/// Detail and beginning of the group of what is beyond that.
const REST: &str = "(any other)";

/// Reason, normalised detail, beginning of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    pub reason: String,
    pub detail: String,
    pub begins: String,
}

impl Shape {
    /// The shape of a reject.
    pub fn of(reject: &StoredReject) -> Shape {
        Shape {
            reason: reject.reason.clone(),
            detail: normalised(&reject.detail),
            begins: beginning(&reject.raw),
        }
    }
}

/// Rejects of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub shape: Shape,
    pub rejects: i64,
    /// Those among them that are resolved.
    pub resolved: i64,
    /// UTC microseconds of their ingestion.
    pub first_seen: i64,
    pub last_seen: i64,
    /// Origin of the newest one.
    pub example: String,
}

/// Collects rejects.
#[derive(Debug, Default)]
pub struct Groups(BTreeMap<Shape, Group>);

impl Groups {
    /// Counts a reject.
    pub fn add(&mut self, reject: &StoredReject, is_resolved: bool) {
        let mut shape = Shape::of(reject);
        if self.0.len() >= GROUPS_MAX && !self.0.contains_key(&shape) {
            (shape.detail, shape.begins) = (REST.to_owned(), REST.to_owned());
        }
        let at = reject.ingested_at;
        let group = self.0.entry(shape).or_insert_with_key(|shape| Group {
            shape: shape.clone(),
            rejects: 0,
            resolved: 0,
            first_seen: at,
            last_seen: at,
            example: origin(&reject.key),
        });
        group.rejects += 1;
        group.resolved += i64::from(is_resolved);
        group.first_seen = group.first_seen.min(at);
        let newest = at > group.last_seen;
        // Of several that came at once the least origin: the same whatever the order.
        if newest || at == group.last_seen && origin(&reject.key) < group.example {
            group.example = origin(&reject.key);
        }
        group.last_seen = group.last_seen.max(at);
    }

    /// The groups, the largest first.
    pub fn sorted(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().collect();
        groups.sort_by_key(|group| Reverse(group.rejects));
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::history::RejectKey;
    use proptest::prelude::*;

    fn reject(reason: &str, detail: &str, raw: &str, at: i64) -> StoredReject {
        StoredReject {
            pointer: String::new(),
            header: String::new(),
            key: RejectKey {
                stream: "topic".to_owned(),
                partition: 0,
                offset: at,
                index: 0,
                content_md5: String::new(),
            },
            reason: reason.to_owned(),
            detail: detail.to_owned(),
            raw: raw.as_bytes().to_vec(),
            ingested_at: at,
        }
    }

    fn grouped(rejects: &[StoredReject]) -> Vec<Group> {
        let mut groups = Groups::default();
        rejects
            .iter()
            .for_each(|reject| groups.add(reject, reject.ingested_at % 2 == 1));
        groups.sorted()
    }

    #[test]
    fn rejects_of_one_shape_are_one_group_with_first_last_and_the_newest_as_example() {
        let groups = grouped(&[
            reject("invalid_json", "EOF at column 9", r#"{"time":1"#, 20),
            reject("invalid_json", "EOF at column 44", r#"{"time":"x"#, 31),
            reject("invalid_json", "EOF at column 1", r#"{"time""#, 11),
            reject("invalid_json", "EOF at column 1", r#"{"hello""#, 12),
            reject("too_large", "EOF at column 1", r#"{"time""#, 13),
        ]);
        let first = &groups[0];
        assert_eq!((first.rejects, first.resolved), (3, 2));
        assert_eq!((first.first_seen, first.last_seen), (11, 31));
        assert_eq!(first.example, "topic:0:31:0");
        assert_eq!(groups.len(), 3);
    }

    #[test]
    fn what_is_sent_to_make_ever_new_groups_becomes_one() {
        let letter = |digit: u8| char::from(digit - b'0' + b'a');
        let name = |number: i64| number.to_string().bytes().map(letter).collect::<String>();
        let many: Vec<StoredReject> = (0..3000)
            .map(|number| reject("invalid_json", &name(number), "{", number))
            .collect();
        let groups = grouped(&many);
        assert_eq!(groups.len(), GROUPS_MAX + 1);
        assert_eq!(
            (groups[0].rejects, groups[0].shape.begins.as_str()),
            (2000, REST)
        );
    }

    proptest! {
        #[test]
        fn groups_do_not_depend_on_the_order_and_count_everything(
            rejects in proptest::collection::vec(
                ("(a|b)", "(x 1|x 2|y)", "(|\\{\"k\":1|7)", 0..5i64), 0..30
            ),
            seed: u64
        ) {
            let rejects: Vec<StoredReject> = rejects
                .iter()
                .map(|(reason, detail, raw, at)| reject(reason, detail, raw, *at))
                .collect();
            let mut other = rejects.clone();
            let place = |reject: &StoredReject| (reject.key.offset as u64 ^ seed) % 7;
            other.sort_by_key(|reject| (place(reject), reject.detail.clone()));
            let groups = grouped(&rejects);
            prop_assert_eq!(groups.iter().map(|group| group.rejects).sum::<i64>(), rejects.len() as i64);
            prop_assert_eq!(groups, grouped(&other));
        }
    }
}
