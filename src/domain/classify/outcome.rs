//! How a sign-in ended, and whether the password was right.

use super::clues::Clues;
use super::trace::{Evidence, Trace, decide};
use crate::domain::failure_class::{Ends, FailureClass};
use crate::domain::knowledge::{ClassMeaning, Knowledge};
use crate::domain::sign_in::{AuthClass, Outcome, PasswordVerified};

/// What the client and the code are, on which everything about the end depends.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    auth_class: AuthClass,
    /// None for a success.
    failure_class: Option<FailureClass>,
    meaning: ClassMeaning,
}

impl Ending {
    /// What a class of codes means for a client of this class.
    pub(super) fn of(
        auth_class: AuthClass,
        failure_class: Option<FailureClass>,
        knowledge: &Knowledge,
    ) -> Ending {
        Ending {
            auth_class,
            failure_class,
            meaning: knowledge.meaning(failure_class.unwrap_or(FailureClass::Success)),
        }
    }

    /// Whether the client has a password and nothing else: it cannot answer an interrupt.
    pub(super) fn is_password_only(self) -> bool {
        matches!(self.auth_class, AuthClass::Legacy | AuthClass::Ropc)
    }

    /// Whether the code is of this class.
    pub(super) fn is_of(self, class: FailureClass) -> bool {
        self.failure_class == Some(class)
    }

    /// How this client ends with such a code.
    fn ends(self) -> Ends {
        if self.is_password_only() {
            self.meaning.ends_legacy
        } else {
            self.meaning.ends
        }
    }

    pub(super) fn class(self) -> Evidence {
        let class = self.failure_class.map_or("none", FailureClass::name);
        Evidence::of("failure_class", class)
    }

    pub(super) fn client(self) -> Evidence {
        Evidence::of("auth_class", self.auth_class.name())
    }
}

/// The class of the code; none for a success.
pub(super) fn failure_class(clues: &Clues, trace: &mut impl Trace) -> Option<FailureClass> {
    let class = clues.code.map(|code| code.class);
    let is_success = class == Some(FailureClass::Success);
    let is_absent = clues.sign_in.error_code.is_none();
    let other = Some(FailureClass::Other);
    let (class, _) = decide! { FailureClass by trace;
        "success": "the code is that of a success",
            [clues.error_code()], is_success.then_some(None);
        "error_code": "the table knows the code",
            [clues.error_code()], class.map(Some);
        "no_error_code": "the record has no code, so nothing says that it succeeded",
            [clues.error_code()], is_absent.then_some(other);
        else "unknown_error_code": "the table does not know the code",
            [clues.error_code()], other;
    };
    class
}

/// How it ended. A client that cannot answer an interrupt has been refused.
pub(super) fn outcome(ending: Ending, trace: &mut impl Trace) -> Outcome {
    let (as_modern, ends) = (ending.meaning.ends, ending.ends());
    let is_cut_short = as_modern == Ends::Interrupt && ends == Ends::Block;
    let (outcome, _) = decide! { Outcome by trace;
        "success": "the code is that of a success",
            [ending.class()], (ends == Ends::Success).then_some(Outcome::Success);
        "interrupt": "it is a step on the way, and this client can go on",
            [ending.class(), ending.client()],
            (ends == Ends::Interrupt).then_some(Outcome::Interrupted);
        "legacy_interrupt": "more than a password is asked for, and this client has no more",
            [ending.class(), ending.client()], is_cut_short.then_some(Outcome::Blocked);
        "policy": "the code is that of a policy",
            [ending.class()], (ends == Ends::Block).then_some(Outcome::Blocked);
        else "failure": "it did not succeed, and not because of a policy",
            [ending.class(), ending.client()], Outcome::Failed;
    };
    outcome
}

/// Whether the password was right. Access policies run after the password check (Microsoft, "Block
/// legacy authentication"): a password-only client that got as far as a policy, or a token, has
/// given the right one.
pub(super) fn password_verified(
    clues: &Clues,
    ending: Ending,
    outcome: Outcome,
    trace: &mut impl Trace,
) -> PasswordVerified {
    let steps = clues.sign_in.steps().iter();
    let steps = steps.filter(|step| step.method.as_str().eq_ignore_ascii_case("password"));
    let passed = steps.filter_map(|step| step.succeeded.0).max();
    let by_class = ending.meaning.password_verified;
    let by_class = (by_class != PasswordVerified::Unknown).then_some(by_class);
    let reached = matches!(outcome, Outcome::Success | Outcome::Blocked);
    let is_past = ending.is_password_only() && reached;
    let ended = || Evidence::of("outcome", outcome.name());
    let (verified, _) = decide! { PasswordVerified by trace;
        "password_step": "a password step succeeded",
            [clues.steps()], (passed == Some(true)).then_some(PasswordVerified::Yes);
        "failed_step": "no password step succeeded, and at least one failed",
            [clues.steps()], (passed == Some(false)).then_some(PasswordVerified::No);
        "failure_class": "the code is one that tells of the password",
            [ending.class()], by_class;
        "past_the_password": "a client that has only a password got as far as a policy or a token",
            [ending.client(), ended()], is_past.then_some(PasswordVerified::Yes);
        else "nothing_tells": "the record does not tell",
            [ending.client(), ended()], PasswordVerified::Unknown;
    };
    verified
}
