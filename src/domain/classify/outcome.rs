//! How a sign-in ended, and whether the password was right.

use super::clues::Clues;
use super::trace::{Evidence, Trace, decide};
use crate::domain::knowledge::OTHER_FAILURE;
use crate::domain::sign_in::{AuthClass, Outcome, PasswordVerified};

/// What the client and the code are, on which everything about the end depends.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    /// Legacy, modern, …
    pub(super) auth_class: AuthClass,
    /// Class of the code, none for a success.
    pub(super) failure_class: Option<&'static str>,
}

impl Ending {
    /// Whether the client has a password and nothing else: it cannot answer an interrupt.
    pub(super) fn is_password_only(self) -> bool {
        matches!(self.auth_class, AuthClass::Legacy | AuthClass::Ropc)
    }

    /// Whether the code is of one of these classes.
    pub(super) fn is_of(self, classes: &[&str]) -> bool {
        let class = self.failure_class;
        class.is_some_and(|class| classes.contains(&class))
    }

    pub(super) fn class(self) -> Evidence {
        Evidence::of("failure_class", self.failure_class.unwrap_or("none"))
    }

    pub(super) fn client(self) -> Evidence {
        Evidence::of("auth_class", self.auth_class.name())
    }
}

/// The class of the code; none for a success.
pub(super) fn failure_class(clues: &Clues, trace: &mut impl Trace) -> Option<&'static str> {
    let class = clues.code.map(|code| code.class);
    let is_absent = clues.sign_in.error_code.is_none();
    let (class, _) = decide! { FailureClass by trace;
        "success": "the code is that of a success",
            [clues.error_code()], (class == Some("success")).then_some(None);
        "error_code": "the table knows the code",
            [clues.error_code()], class.map(Some);
        "no_error_code": "the record has no code, so nothing says that it succeeded",
            [clues.error_code()], is_absent.then_some(Some(OTHER_FAILURE));
        else "unknown_error_code": "the table does not know the code",
            [clues.error_code()], Some(OTHER_FAILURE);
    };
    class
}

/// Classes of codes with which a policy refuses whoever signs in.
const BY_POLICY: [&str; 5] = [
    "ca_block",
    "ca_device",
    "security_defaults",
    "tenant_policy",
    "risk",
];

/// How it ended. A client that cannot answer an interrupt has been refused.
pub(super) fn outcome(ending: Ending, trace: &mut impl Trace) -> Outcome {
    let is_success = ending.failure_class.is_none();
    let can_answer = || ending.is_of(&["interrupt", "mfa_interrupt"]) && !ending.is_password_only();
    let (outcome, _) = decide! { Outcome by trace;
        "success": "the code is that of a success",
            [ending.class()], is_success.then_some(Outcome::Success);
        "interrupt": "it is a step on the way, and this client can go on",
            [ending.class(), ending.client()], can_answer().then_some(Outcome::Interrupted);
        "legacy_interrupt": "more than a password is asked for, and this client has no more",
            [ending.class(), ending.client()],
            ending.is_of(&["mfa_interrupt"]).then_some(Outcome::Blocked);
        "policy": "the code is that of a policy",
            [ending.class()], ending.is_of(&BY_POLICY).then_some(Outcome::Blocked);
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
    let is_wrong = || ending.is_of(&["password"]);
    let reached = matches!(outcome, Outcome::Success | Outcome::Blocked);
    let is_past = ending.is_password_only() && reached;
    let ended = || Evidence::of("outcome", outcome.name());
    let (verified, _) = decide! { PasswordVerified by trace;
        "password_step": "a password step succeeded",
            [clues.steps()], (passed == Some(true)).then_some(PasswordVerified::Yes);
        "failed_step": "no password step succeeded, and at least one failed",
            [clues.steps()], (passed == Some(false)).then_some(PasswordVerified::No);
        "wrong_password": "the code is that of a wrong password",
            [ending.class()], is_wrong().then_some(PasswordVerified::No);
        "past_the_password": "a client that has only a password got as far as a policy or a token",
            [ending.client(), ended()], is_past.then_some(PasswordVerified::Yes);
        else "nothing_tells": "the record does not tell",
            [ending.client(), ended()], PasswordVerified::Unknown;
    };
    verified
}
