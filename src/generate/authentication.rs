//! The steps of authentication: what was asked for and what came of it.
//!
//! Owns: `authenticationDetails`, requirement and protocol. A block by Conditional Access comes
//! after a password step that succeeded; a wrong password has a step that did not.

use super::calendar::SECOND;
use super::json::Json;
use super::legacy::BASIC_TO_TOKEN;
use super::moment::{Ending, Moment};
use super::program::Client;
use super::record::View;

pub(super) fn push(view: &View<'_>, json: &mut Json) {
    let alone = view.basic() || view.moment.client == Client::Script;
    json.open_list("authenticationDetails");
    for (sequence, step) in steps(view.moment, alone).iter().enumerate() {
        let at = view.moment.created + sequence as i64 * 17 * SECOND / 10;
        json.item();
        json.instant("authenticationStepDateTime", at, view.spice as u8, "+00:00");
        push_step(json, sequence as u64, step);
        json.close();
    }
    json.close_list();
    let requirement = if alone {
        "singleFactorAuthentication"
    } else {
        "multiFactorAuthentication"
    };
    let protocol = match view.moment.client {
        Client::Script => "ropc",
        Client::DeviceCode => "deviceCode",
        _ if view.moment.agent == BASIC_TO_TOKEN => "ropc",
        _ if view.basic() => "none",
        _ => "oAuth2",
    };
    json.text("authenticationRequirement", requirement);
    json.text("authenticationProtocol", protocol);
}

fn push_step(json: &mut Json, sequence: u64, (method, detail, succeeded, result): &Step) {
    let requirement = if sequence == 0 {
        "Primary authentication"
    } else {
        ""
    };
    json.texts(&[
        ("authenticationMethod", method),
        ("authenticationMethodDetail", detail),
    ]);
    json.truth("succeeded", *succeeded);
    json.text("authenticationStepResultDetail", result);
    json.text("authenticationStepRequirement", requirement);
    json.number("StatusSequence", sequence);
    json.number("RequestSequence", 1 - sequence.min(1));
}

/// Method, its detail, whether it succeeded, and what came of it.
type Step = (&'static str, &'static str, bool, &'static str);

const PASSWORD: Step = ("Password", "Password Hash Sync", true, "Correct password");
const WRONG: Step = (
    "Password",
    "Password in the cloud",
    false,
    "Invalid username or password or Invalid on-premise username or password.",
);
const LOCKED: Step = (
    "Password",
    "Password in the cloud",
    false,
    "Account is locked, user tried to sign in too many times with an incorrect user ID or password.",
);
const APP: Step = (
    "Mobile app notification",
    "",
    true,
    "MFA completed in Azure AD",
);
const WAITING: Step = (
    "Mobile app notification",
    "",
    false,
    "Authentication in progress",
);
const KNOWN: Step = (
    "Previously satisfied",
    "",
    true,
    "First factor requirement satisfied by claim in the token",
);

/// The steps that were gone through.
fn steps(moment: &Moment, alone: bool) -> &'static [Step] {
    match moment.ending {
        Ending::Blocked => &[PASSWORD],
        Ending::Success if alone => &[PASSWORD],
        Ending::Success | Ending::KeepSignedIn if moment.interactive => &[PASSWORD, APP],
        Ending::Success | Ending::KeepSignedIn => &[KNOWN],
        Ending::MfaNeeded | Ending::MfaByPolicy if moment.interactive => &[PASSWORD, WAITING],
        Ending::MfaByPolicy if alone => &[PASSWORD],
        Ending::MfaNeeded | Ending::MfaByPolicy => &[KNOWN],
        Ending::WrongPassword => &[WRONG],
        Ending::Locked => &[LOCKED],
        Ending::UnknownUser
        | Ending::SilentImpossible
        | Ending::FrequencyExpired
        | Ending::WrongSecret => &[],
    }
}
