//! Why a sign-in was blocked: by its code, or by the policies that failed.

use super::clues::{Clues, conditions};
use super::outcome::Ending;
use super::trace::{Evidence, Trace, decide};
use crate::domain::decode::conditions::{
    CLIENT_TYPE, Conditions, DEVICE_STATE, LOCATION, PLATFORM, RISK,
};
use crate::domain::decode::normalise::satisfied;
use crate::domain::decode::wire::Policy;
use crate::domain::failure_class::FailureClass;
use crate::domain::policy::{ControlKind, PolicyResult};
use crate::domain::sign_in::{BlockReason, Outcome};

/// The policies that refused: enforced and failed. Report-only results never block.
pub fn failing<'a>(policies: &'a [Policy<'a>]) -> impl Iterator<Item = &'a Policy<'a>> {
    policies.iter().filter(|policy| is_failing(policy))
}

/// Whether a policy refused: enforced and failed.
#[must_use]
pub fn is_failing(policy: &Policy) -> bool {
    PolicyResult::of(policy.result.as_str()) == Some(PolicyResult::Failure)
}

/// Why it was blocked; none if it was not.
pub(super) fn block_reason(
    clues: &Clues,
    ending: Ending,
    outcome: Outcome,
    trace: &mut impl Trace,
) -> Option<BlockReason> {
    use FailureClass::{CaBlock, CaDevice, MfaInterrupt, Risk, SecurityDefaults, TenantPolicy};
    let is_blocked = outcome == Outcome::Blocked;
    let by_policies = if is_blocked && (ending.is_of(CaBlock) || ending.is_of(CaDevice)) {
        by_policies(clues, ending, trace)
    } else {
        None
    };
    let of_class = |class, reason| ending.is_of(class).then_some(Some(reason));
    let (reason, _) = decide! { BlockReason by trace;
        "not_blocked": "it was not blocked",
            [Evidence::of("outcome", outcome.name())], (!is_blocked).then_some(None);
        "legacy_interrupt": "more than a password was asked for",
            [ending.class()], of_class(MfaInterrupt, BlockReason::LegacyCannotSatisfyControl);
        "security_defaults": "the code is that of security defaults",
            [ending.class()], of_class(SecurityDefaults, BlockReason::SecurityDefaults);
        "tenant_policy": "the code is that of a policy for the whole tenant",
            [ending.class()], of_class(TenantPolicy, BlockReason::TenantPolicy);
        "risk": "the code is that of a risk",
            [ending.class()], of_class(Risk, BlockReason::Risk);
        "failing_policies": "of the reasons of the policies that failed, this is the most telling",
            [clues.policies()], by_policies.map(Some);
        else "no_failing_policy": "the record has no policy that failed",
            [clues.policies()], Some(BlockReason::Unexplained);
    };
    reason
}

/// The most telling reason among the failing policies, the order of [`BlockReason`] deciding.
fn by_policies(clues: &Clues, ending: Ending, trace: &mut impl Trace) -> Option<BlockReason> {
    let policies = failing(clues.sign_in.policies());
    policies
        .map(|policy| reason_of(clues, policy, ending, trace))
        .min()
}

/// What a policy demands; `None` if the record does not tell. Of several kinds of things it does
/// not tell which one was lacking, unless the code does.
fn demanded(clues: &Clues, policy: &Policy, ending: Ending) -> Option<ControlKind> {
    let controls = policy.grant_controls.iter();
    let controls = controls.filter(|control| !control.trim().is_empty());
    let kinds = controls.map(|control| {
        let known = clues.grant_control(control);
        known.map_or(ControlKind::Other, |control| control.kind)
    });
    let kinds: Vec<ControlKind> = kinds.collect();
    let first = *kinds.first()?;
    let has = |kind| kinds.contains(&kind);
    Some(if has(ControlKind::Block) {
        ControlKind::Block
    } else if has(ControlKind::Device) && ending.is_of(FailureClass::CaDevice) {
        ControlKind::Device
    } else if kinds.iter().all(|kind| *kind == first) {
        first
    } else {
        ControlKind::Other
    })
}

/// The reason of a modern client that was not let in for want of something.
fn wanting(kind: ControlKind) -> Option<BlockReason> {
    Some(match kind {
        ControlKind::Block => return None,
        ControlKind::Device => BlockReason::Device,
        ControlKind::App => BlockReason::AppProtection,
        ControlKind::Mfa => BlockReason::MfaRequired,
        ControlKind::TermsOfUse => BlockReason::TermsOfUse,
        ControlKind::PasswordChange => BlockReason::PasswordChange,
        ControlKind::Other => BlockReason::ControlNotMet,
    })
}

/// Why this policy refused, by what it demands and the conditions that were met.
fn reason_of(
    clues: &Clues,
    policy: &Policy,
    ending: Ending,
    trace: &mut impl Trace,
) -> BlockReason {
    let is_legacy = ending.is_password_only();
    let demanded = demanded(clues, policy, ending);
    let unmet = demanded.and_then(wanting);
    let is_untold = policy.conditions_satisfied == Conditions::Absent;
    let bits = satisfied(policy);
    let further = bits & (LOCATION | PLATFORM | RISK | DEVICE_STATE);
    let is_aimed = bits & CLIENT_TYPE != 0;
    let is_only_aimed = is_aimed && further == 0;
    let (controls, met) = (|| clues.grant_controls(policy), || conditions(policy));
    let (reason, _) = decide! { Policy by trace;
        "control_not_told": "the record does not tell what it demands",
            [controls()], demanded.is_none().then_some(BlockReason::Unexplained);
        "legacy_cannot_satisfy_control": "it demands what a legacy client cannot give",
            [controls(), ending.client()],
            unmet.filter(|_| is_legacy).map(|_| BlockReason::LegacyCannotSatisfyControl);
        "control_not_met": "it demands something that was not given",
            [controls()], unmet;
        "conditions_not_told": "the record does not tell the conditions",
            [met()], is_untold.then_some(BlockReason::Unexplained);
        "legacy_clients": "it blocks by type of client alone, and this is a legacy one",
            [met(), ending.client()],
            (is_only_aimed && is_legacy).then_some(BlockReason::LegacyAuthPolicy);
        "legacy_clients_and_more": "it blocks by type of client and more, and this is a legacy one",
            [met(), ending.client()],
            (is_aimed && is_legacy).then_some(BlockReason::LegacyPlusCondition);
        "client_type": "it blocks by type of client alone",
            [met()], is_only_aimed.then_some(BlockReason::ClientTypePolicy);
        "location": "it blocks by place",
            [met()], (further & LOCATION != 0).then_some(BlockReason::Location);
        "risk": "it blocks by risk",
            [met()], (further & RISK != 0).then_some(BlockReason::Risk);
        "device": "it blocks by platform or state of the device",
            [met()], (further != 0).then_some(BlockReason::Device);
        else "everything": "it blocks without a condition on client, place, risk or device",
            [met()], BlockReason::BlanketPolicy;
    };
    reason
}
