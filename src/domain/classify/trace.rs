//! Decisions as ordered rules that can tell how they were made.
//!
//! A decision is made in one place only: the rules that decide are the rules that explain. With
//! [`Silent`] nothing of the telling is left in the program; with [`Steps`] every rule that was
//! tried is kept, with what it looked at.

use crate::domain::failure_class::FailureClass;
use crate::domain::knowledge::Row;
use crate::domain::sign_in::{
    AuthClass, BlockReason, Channel, Outcome, PasswordVerified, Protocol, closed_list,
};

closed_list! {
    /// What is decided about a sign-in, in the order in which it is decided.
    Part {
        /// Legacy, modern, …
        AuthClass = "auth_class",
        /// What was spoken.
        Protocol = "protocol",
        /// Which software.
        ClientFamily = "client_family",
        /// Class of the code, when it did not succeed.
        FailureClass = "failure_class",
        /// How it ended.
        Outcome = "outcome",
        /// Why one policy refused it; once for every policy that failed.
        Policy = "policy",
        /// Why it was blocked.
        BlockReason = "block_reason",
        /// Whether the password was right.
        PasswordVerified = "password_verified",
        /// By which software it reached Exchange Online.
        Channel = "channel",
        /// What it means to loops and mailboxes.
        Signal = "signal",
        /// The piece of software a legacy sign-in belongs to.
        ClientGroup = "client_group",
    }
}

/// A field that a rule looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its name as Entra writes it, or ours when it was decided before.
    pub field: &'static str,
    /// What it holds, empty if absent.
    pub value: String,
    /// The row of knowledge that the value led to.
    pub row: Option<&'static Row>,
}

impl Evidence {
    /// A field and its value.
    #[must_use]
    pub fn of(field: &'static str, value: impl Into<String>) -> Evidence {
        Evidence {
            field,
            value: value.into(),
            row: None,
        }
    }

    /// The same with the row that was found for it.
    #[must_use]
    pub fn found_in(self, row: Option<&'static Row>) -> Evidence {
        Evidence { row, ..self }
    }
}

/// A rule that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was to be decided.
    pub part: Part,
    /// Name of the rule.
    pub rule: &'static str,
    /// What holds if the rule applies, for people.
    pub says: &'static str,
    /// What it looked at.
    pub evidence: Vec<Evidence>,
    /// What it decided; `None` leaves it to the next.
    pub decided: Option<&'static str>,
}

/// Whoever wants to know how decisions are made.
pub trait Trace {
    /// A rule was tried. What is told costs memory, so it is made only for those who ask.
    fn tried(&mut self, step: impl FnOnce() -> Step);
}

/// Nobody wants to know: costs nothing.
pub struct Silent;

impl Trace for Silent {
    #[inline(always)]
    fn tried(&mut self, _: impl FnOnce() -> Step) {}
}

/// Every rule that was tried, in order.
#[derive(Debug, Default)]
pub struct Steps(Vec<Step>);

impl Trace for Steps {
    fn tried(&mut self, step: impl FnOnce() -> Step) {
        self.0.push(step());
    }
}

impl Steps {
    /// The steps of each decision; the last of them decided.
    pub fn decisions(&self) -> impl Iterator<Item = &[Step]> {
        self.0.split_inclusive(|step| step.decided.is_some())
    }
}

/// What a rule can answer.
pub trait Answer: Copy {
    /// The stable name of the answer.
    fn name(self) -> &'static str;
}

macro_rules! answers {
    ($($list:ident)+) => {
        $(impl Answer for $list {
            fn name(self) -> &'static str {
                $list::name(self)
            }
        })+
    };
}
answers!(AuthClass Protocol FailureClass Outcome BlockReason PasswordVerified Channel);

impl Answer for &'static str {
    fn name(self) -> &'static str {
        self
    }
}

impl<A: Answer> Answer for Option<A> {
    fn name(self) -> &'static str {
        self.map_or("none", A::name)
    }
}

/// A decision in the making: the first rule that has an answer decides.
pub struct Decision<'t, T, A> {
    part: Part,
    trace: &'t mut T,
    decided: Option<(A, &'static str)>,
}

impl<'t, T: Trace, A: Answer> Decision<'t, T, A> {
    /// Nothing is decided yet.
    #[inline]
    pub fn on(part: Part, trace: &'t mut T) -> Self {
        Decision {
            part,
            trace,
            decided: None,
        }
    }

    /// Tries a rule, unless one before it had an answer.
    #[inline]
    #[must_use]
    pub fn rule<const N: usize>(
        mut self,
        rule: &'static str,
        says: &'static str,
        evidence: impl FnOnce() -> [Evidence; N],
        answer: impl FnOnce() -> Option<A>,
    ) -> Self {
        if self.decided.is_none() {
            let answer = answer();
            self.trace.tried(|| Step {
                part: self.part,
                rule,
                says,
                evidence: evidence().into(),
                decided: answer.map(A::name),
            });
            self.decided = answer.map(|answer| (answer, rule));
        }
        self
    }

    /// What holds if no rule had an answer; gives the answer and the rule that decided.
    #[inline]
    pub fn otherwise<const N: usize>(
        self,
        rule: &'static str,
        says: &'static str,
        evidence: impl FnOnce() -> [Evidence; N],
        answer: A,
    ) -> (A, &'static str) {
        let last = self.rule(rule, says, evidence, || Some(answer));
        last.decided.unwrap_or((answer, rule))
    }
}

/// A decision as a table of `name: what holds if it applies, [what it looks at], answer or none`.
/// The rules are tried from the top; gives the answer and the name of the rule that decided.
macro_rules! decide {
    (
        $part:ident by $trace:expr;
        $($rule:literal: $says:literal, [$($evidence:expr),+], $answer:expr;)+
        else $last:literal: $holds:literal, [$($known:expr),+], $otherwise:expr;
    ) => {
        $crate::domain::classify::trace::Decision::on(
            $crate::domain::classify::trace::Part::$part,
            $trace,
        )
        $(.rule($rule, $says, || [$($evidence),+], || $answer))+
        .otherwise($last, $holds, || [$($known),+], $otherwise)
    };
}
pub(in crate::domain) use decide;
