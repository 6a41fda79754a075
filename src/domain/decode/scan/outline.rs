//! A policy without its text: where in the bytes its parts stand.

use std::borrow::Cow;

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

/// The conditions of a policy.
#[derive(Debug)]
enum Met {
    Absent,
    Mask(u32),
    Names(Part),
}

impl Outline {
    /// Of a policy that was read at the beginning of `text`; `None` if a part does not stand in it.
    pub(super) fn of(policy: &Policy, text: &str) -> Option<Outline> {
        // Without `..`, so that a field more cannot be forgotten here.
        let Policy {
            id,
            name,
            result,
            grant_controls,
            conditions_satisfied,
            conditions_not_satisfied,
        } = policy;
        let controls = grant_controls.texts();
        Some(Outline {
            id: Part::of(id, text)?,
            name: Part::of(name, text)?,
            result: Part::of(result, text)?,
            grant_controls: controls
                .map(|control| Part::of(control, text))
                .collect::<Option<_>>()?,
            satisfied: Met::of(conditions_satisfied, text)?,
            not_satisfied: Met::of(conditions_not_satisfied, text)?,
        })
    }

    /// Makes `policy` the one at the beginning of a text that begins with the same bytes.
    #[inline]
    pub(super) fn fill<'a>(&self, text: &'a str, policy: &mut Policy<'a>) -> Option<()> {
        let mut grant_controls = Texts::default();
        for control in &self.grant_controls {
            grant_controls.push(control.fill(text)?);
        }
        *policy = Policy {
            id: self.id.fill(text)?,
            name: self.name.fill(text)?,
            result: self.result.fill(text)?,
            grant_controls,
            conditions_satisfied: self.satisfied.fill(text)?,
            conditions_not_satisfied: self.not_satisfied.fill(text)?,
        };
        Some(())
    }
}

impl Part {
    fn of(part: &Text, text: &str) -> Option<Part> {
        Some(match &part.0 {
            Cow::Owned(own) => Part::Own(own.clone()),
            Cow::Borrowed("") => Part::Cut(0, 0),
            Cow::Borrowed(part) => {
                let from = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
                let to = from + part.len();
                (text.get(from..to)? == *part).then_some(Part::Cut(from, to))?
            }
        })
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
    fn of(conditions: &Conditions, text: &str) -> Option<Met> {
        Some(match conditions {
            Conditions::Absent => Met::Absent,
            Conditions::Mask(mask) => Met::Mask(*mask),
            Conditions::Names(names) => Met::Names(Part::of(names, text)?),
        })
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
