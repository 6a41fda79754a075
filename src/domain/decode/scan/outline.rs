//! A policy without its text: where in the bytes its parts stand.

use std::borrow::Cow;

use super::Scan;
use super::cursor::Cursor;
use crate::domain::decode::conditions::Conditions;
use crate::domain::decode::values::{Text, Texts};
use crate::domain::decode::wire::Policy;

/// Where the parts of a policy stand, counted from its first byte.
#[derive(Debug)]
pub(super) struct Outline {
    id: Part,
    name: Part,
    result: Part,
    grant_controls: Vec<Part>,
    satisfied: Met,
    not_satisfied: Met,
}

/// A text: cut out, or its own when it carries escapes.
#[derive(Debug)]
enum Part {
    Cut(usize, usize),
    Own(String),
}

#[derive(Debug)]
enum Met {
    Absent,
    Mask(u32),
    Names(Part),
}

impl Outline {
    /// Of a policy that was read at the beginning of `text`.
    pub(super) fn of(policy: &Policy, text: &str) -> Outline {
        let controls = policy.grant_controls.texts();
        Outline {
            id: Part::of(&policy.id, text),
            name: Part::of(&policy.name, text),
            result: Part::of(&policy.result, text),
            grant_controls: controls.map(|control| Part::of(control, text)).collect(),
            satisfied: Met::of(&policy.conditions_satisfied, text),
            not_satisfied: Met::of(&policy.conditions_not_satisfied, text),
        }
    }

    /// Makes `policy` the one at the beginning of a text that begins with the same bytes.
    #[inline]
    pub(super) fn fill<'a>(&self, text: &'a str, policy: &mut Policy<'a>) -> Option<()> {
        policy.id = self.id.fill(text)?;
        policy.name = self.name.fill(text)?;
        policy.result = self.result.fill(text)?;
        policy.grant_controls = Texts::default();
        for control in &self.grant_controls {
            policy.grant_controls.push(control.fill(text)?);
        }
        policy.conditions_satisfied = self.satisfied.fill(text)?;
        policy.conditions_not_satisfied = self.not_satisfied.fill(text)?;
        Some(())
    }
}

impl Part {
    fn of(part: &Text, text: &str) -> Part {
        match &part.0 {
            Cow::Owned(own) => Part::Own(own.clone()),
            Cow::Borrowed("") => Part::Cut(0, 0),
            Cow::Borrowed(part) => {
                let from = part.as_ptr().addr() - text.as_ptr().addr();
                Part::Cut(from, from + part.len())
            }
        }
    }

    #[inline]
    fn fill<'a>(&self, text: &'a str) -> Option<Text<'a>> {
        Some(Text(match self {
            Part::Cut(from, to) => Cow::Borrowed(text.get(*from..*to)?),
            Part::Own(own) => Cow::Owned(own.clone()),
        }))
    }
}

impl Met {
    fn of(conditions: &Conditions, text: &str) -> Met {
        match conditions {
            Conditions::Absent => Met::Absent,
            Conditions::Mask(mask) => Met::Mask(*mask),
            Conditions::Names(names) => Met::Names(Part::of(names, text)),
        }
    }

    #[inline]
    fn fill<'a>(&self, text: &'a str) -> Option<Conditions<'a>> {
        Some(match self {
            Met::Absent => Conditions::Absent,
            Met::Mask(mask) => Conditions::Mask(*mask),
            Met::Names(names) => Conditions::Names(names.fill(text)?),
        })
    }
}

impl<'a> Scan<'a> for Policy<'a> {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        if cursor.known_policy(self).is_some() {
            return Some(());
        }
        let before = *cursor;
        self.scan_whole(cursor)?;
        cursor.note_policy(before, self);
        Some(())
    }
}
