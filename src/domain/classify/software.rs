//! What was spoken, by which software, and by which way to Exchange Online.

use super::clues::Clues;
use super::trace::{Evidence, Trace, decide};
use crate::domain::knowledge::UNKNOWN_FAMILY;
use crate::domain::sign_in::{AuthClass, Channel, Outcome, Protocol};

/// The client app tells best; a user agent fills in only where the app is silent. Where Exchange
/// Online took a password and fetched the token itself, the app is that of the token's request and
/// tells nothing of what was spoken.
pub(super) fn protocol(clues: &Clues, class: AuthClass, trace: &mut impl Trace) -> Protocol {
    let by_app = clues.client_app.map(|app| app.protocol);
    let app_class = clues.client_app.map(|app| app.auth_class);
    let is_proxied = class == AuthClass::Legacy && app_class == Some(AuthClass::Modern);
    let is_exact =
        |protocol: &Protocol| !matches!(protocol, Protocol::Unknown | Protocol::OtherLegacy);
    let by_agent = clues.agent.and_then(|agent| agent.protocol);
    let (protocol, _) = decide! { Protocol by trace;
        "proxied": "it is legacy, and the client app is that of the request for the token",
            [Evidence::of("auth_class", class.name()), clues.client_app_used()],
            is_proxied.then(|| by_agent.unwrap_or(Protocol::Unknown));
        "client_app": "the client app says which protocol it is",
            [clues.client_app_used()], by_app.filter(is_exact);
        "user_agent": "the user agent says which protocol it is",
            [clues.user_agent()], by_agent;
        "vague_client_app": "the client app says this much and nothing more exact",
            [clues.client_app_used()], by_app;
        else "nothing_tells": "neither client app nor user agent tells",
            [clues.client_app_used(), clues.user_agent()], Protocol::Unknown;
    };
    protocol
}

/// The application id is the client's own only with modern authentication; a browser engine in the
/// user agent says less than the id of the program around it.
pub(super) fn family(clues: &Clues, class: AuthClass, trace: &mut impl Trace) -> &'static str {
    let by_agent = clues.agent.map(|agent| agent.client_family);
    let is_exact = |family: &&str| !matches!(*family, "unknown" | "other" | "browser");
    let by_app = clues.app.map(|app| app.client_family);
    let by_app = by_app.filter(|family| !family.is_empty() && class != AuthClass::Legacy);
    let class = || Evidence::of("auth_class", class.name());
    let (family, _) = decide! { ClientFamily by trace;
        "user_agent": "the user agent names a program",
            [clues.user_agent()], by_agent.filter(is_exact);
        "application": "the application names a program, and authentication is not legacy",
            [clues.app_id(), class()], by_app;
        "vague_user_agent": "the user agent says this much and nothing more exact",
            [clues.user_agent()], by_agent;
        else "nothing_tells": "nothing names the software",
            [clues.user_agent(), clues.app_id()], UNKNOWN_FAMILY;
    };
    family
}

/// By which software a modern success reached Exchange Online.
pub(super) fn channel(
    clues: &Clues,
    class: AuthClass,
    outcome: Outcome,
    trace: &mut impl Trace,
) -> Option<Channel> {
    let is_exchange = clues
        .resource
        .is_some_and(|resource| resource.kind == "exchange");
    let is_modern = class == AuthClass::Modern;
    let is_success = outcome == Outcome::Success;
    let by_app = || clues.app.and_then(|app| Channel::parse(app.kind));
    let (channel, _) = decide! { Channel by trace;
        "not_modern": "authentication is not modern",
            [Evidence::of("auth_class", class.name())], (!is_modern).then_some(None);
        "no_success": "it did not succeed",
            [Evidence::of("outcome", outcome.name())], (!is_success).then_some(None);
        "not_exchange": "it was not to Exchange Online",
            [clues.resource_id()], (!is_exchange).then_some(None);
        "application": "the application is mail software of a known kind",
            [clues.app_id()], by_app().map(Some);
        else "other_application": "the application is another one",
            [clues.app_id()], Some(Channel::OtherMail);
    };
    channel
}
