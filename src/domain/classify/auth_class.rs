//! Legacy or modern authentication: the category first, then the client app, then the user agent,
//! then the protocol of the token request.

use super::clues::Clues;
use super::trace::{Trace, decide};
use crate::domain::sign_in::AuthClass;

/// The class and the rule that decided it.
pub(super) fn auth_class(clues: &Clues, trace: &mut impl Trace) -> (AuthClass, &'static str) {
    let is_of_people = clues.sign_in.category.is_user();
    let by_app = clues.client_app.map(|app| app.auth_class);
    let by_agent = clues.agent.and_then(|agent| agent.auth_class);
    let by_protocol = clues.token_protocol.map(|protocol| protocol.auth_class);
    let is_absent = clues.fields().client_app_used.is_empty();
    let tells_nothing = by_app == Some(AuthClass::Unknown);
    let is_modern = |class: &AuthClass| *class == AuthClass::Modern;
    decide! { AuthClass by trace;
        "category": "the log is not one of people's sign-ins",
            [clues.category()], (!is_of_people).then_some(AuthClass::NotApplicable);
        "client_app": "the client app speaks legacy authentication",
            [clues.client_app_used()], by_app.filter(|class| *class == AuthClass::Legacy);
        "user_agent": "the user agent alone tells the class",
            [clues.user_agent()], by_agent;
        "authentication_protocol": "the token was asked for with a password (ropc)",
            [clues.authentication_protocol()],
            by_protocol.filter(|class| *class == AuthClass::Ropc);
        "client_app": "the client app speaks modern authentication",
            [clues.client_app_used()], by_app.filter(is_modern);
        "modern_protocol": "no client app tells, and the protocol is a modern one only",
            [clues.client_app_used(), clues.authentication_protocol()],
            by_protocol.filter(|class| is_modern(class) && tells_nothing);
        "no_client_app": "the record names no client app",
            [clues.client_app_used()], is_absent.then_some(AuthClass::Unknown);
        else "unknown_client_app": "the table does not know the client app or its class",
            [clues.client_app_used()], AuthClass::Unknown;
    }
}
