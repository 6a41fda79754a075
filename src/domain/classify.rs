//! Sign-in to verdict: auth class, protocol, client family, outcome, block reason.
//!
//! Total: every sign-in gets a verdict, and what the record does not tell is `unknown`, never guessed.
//! The rules are those of the design's sections 4.2 and 4.3; the tables they consult are data.

use std::collections::HashMap;

use super::decode::conditions::{CLIENT_TYPE, DEVICE_STATE, LOCATION, PLATFORM, RISK};
use super::decode::normalise::{SignIn, satisfied};
use super::decode::wire::Policy;
use super::knowledge::{
    Application, ClientApp, Knowledge, OTHER_FAILURE, UNKNOWN_FAMILY, UserAgent,
};
use super::sign_in::{AuthClass, BlockReason, Channel, Outcome, PasswordVerified, Protocol};

/// Version of the rules and tables, for those who compare results over time.
pub const TAXONOMY_VERSION: i32 = 1;

/// What a sign-in was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Legacy, modern, …
    pub auth_class: AuthClass,
    /// The rule that decided the class.
    pub auth_class_reason: &'static str,
    /// What was spoken.
    pub protocol: Protocol,
    /// Which software.
    pub client_family: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// Why a policy refused it.
    pub block_reason: Option<BlockReason>,
    /// Class of the code, when it did not succeed.
    pub failure_class: Option<&'static str>,
    /// Whether the password was right.
    pub password_verified: PasswordVerified,
    /// Set when it reached Exchange Online with modern authentication, successfully.
    pub channel: Option<Channel>,
    /// Whether `clientAppUsed` is a value that the table does not know.
    pub unknown_client_app: bool,
    /// Whether the code is one that the table does not know.
    pub unknown_error_code: bool,
}

/// Look-ups already made are kept, since values repeat; both stay small whatever the input.
const MEMO_ENTRIES_MAX: usize = 4096;

/// Classifies sign-ins with the data tables.
pub struct Classifier {
    knowledge: &'static Knowledge,
    client_apps: HashMap<String, Option<ClientApp>, foldhash::fast::RandomState>,
    user_agents: HashMap<String, Option<UserAgent>, foldhash::fast::RandomState>,
    applications: HashMap<String, Option<Application>, foldhash::fast::RandomState>,
}

impl Classifier {
    /// A classifier over these tables.
    #[must_use]
    pub fn new(knowledge: &'static Knowledge) -> Classifier {
        Classifier {
            knowledge,
            client_apps: HashMap::default(),
            user_agents: HashMap::default(),
            applications: HashMap::default(),
        }
    }

    /// The verdict on a sign-in.
    pub fn classify(&mut self, sign_in: &SignIn) -> Verdict {
        let fields = &sign_in.record.sign_in;
        let knowledge = self.knowledge;
        let app_name = fields.client_app_used.as_str();
        let client_app = memo(&mut self.client_apps, app_name, |value| {
            knowledge.client_app(value)
        });
        let agent = memo(&mut self.user_agents, fields.user_agent.as_str(), |value| {
            knowledge.user_agent(value)
        });
        let app = memo(&mut self.applications, fields.app_id.as_str(), |value| {
            knowledge.application(value)
        });
        let resource = memo(&mut self.applications, sign_in.resource_id, |value| {
            knowledge.application(value)
        });

        let (auth_class, auth_class_reason) = auth_class(sign_in, client_app, agent);
        let protocol = protocol(client_app, agent);
        let known = sign_in
            .error_code
            .and_then(|code| knowledge.error_code(code));
        let class = known.map_or(OTHER_FAILURE, |code| code.class);
        let (outcome, block_reason) = outcome(sign_in, auth_class, class);
        Verdict {
            auth_class,
            auth_class_reason,
            protocol,
            client_family: family(agent, app, auth_class),
            outcome,
            block_reason,
            failure_class: (outcome != Outcome::Success).then_some(class),
            password_verified: password_verified(sign_in, auth_class, outcome, class),
            channel: channel(auth_class, outcome, app, resource),
            unknown_client_app: client_app.is_none() && !app_name.is_empty(),
            unknown_error_code: known.is_none() && sign_in.error_code.is_some(),
        }
    }
}

fn memo<T: Copy>(
    known: &mut HashMap<String, Option<T>, foldhash::fast::RandomState>,
    value: &str,
    look_up: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    if let Some(found) = known.get(value) {
        return *found;
    }
    let found = look_up(value);
    // An attacker may send endless values: beyond the limit, or a long one, is looked up each time.
    if known.len() < MEMO_ENTRIES_MAX && value.len() < 1024 {
        known.insert(value.to_owned(), found);
    }
    found
}

fn auth_class(
    sign_in: &SignIn,
    client_app: Option<ClientApp>,
    agent: Option<UserAgent>,
) -> (AuthClass, &'static str) {
    if !sign_in.category.is_user() {
        return (AuthClass::NotApplicable, "category");
    }
    let by_app = client_app.map(|app| app.auth_class);
    if by_app == Some(AuthClass::Legacy) {
        return (AuthClass::Legacy, "client_app");
    }
    if let Some(class) = agent.and_then(|agent| agent.auth_class) {
        return (class, "user_agent");
    }
    if sign_in
        .record
        .sign_in
        .authentication_protocol
        .as_str()
        .eq_ignore_ascii_case("ropc")
    {
        return (AuthClass::Ropc, "authentication_protocol");
    }
    match by_app {
        Some(AuthClass::Modern) => (AuthClass::Modern, "client_app"),
        _ if sign_in.record.sign_in.client_app_used.is_empty() => {
            (AuthClass::Unknown, "no_client_app")
        }
        _ => (AuthClass::Unknown, "unknown_client_app"),
    }
}

/// The client app tells best; a user agent fills in only where the app is silent.
fn protocol(client_app: Option<ClientApp>, agent: Option<UserAgent>) -> Protocol {
    let by_app = client_app.map_or(Protocol::Unknown, |app| app.protocol);
    let vague = matches!(by_app, Protocol::Unknown | Protocol::OtherLegacy);
    let by_agent = agent.and_then(|agent| agent.protocol).filter(|_| vague);
    by_agent.unwrap_or(by_app)
}

fn family(agent: Option<UserAgent>, app: Option<Application>, class: AuthClass) -> &'static str {
    let by_agent = agent.map_or(UNKNOWN_FAMILY, |agent| agent.client_family);
    let by_app = app.map_or("", |app| app.client_family);
    // The application id is the client's own only with modern authentication; a browser engine
    // in the user agent says less than the id of the program around it.
    let app_tells = !by_app.is_empty() && class != AuthClass::Legacy;
    if app_tells && matches!(by_agent, "unknown" | "other" | "browser") {
        by_app
    } else {
        by_agent
    }
}

fn outcome(sign_in: &SignIn, auth_class: AuthClass, class: &str) -> (Outcome, Option<BlockReason>) {
    // A client that cannot answer an interrupt has been refused.
    let cannot_answer = matches!(auth_class, AuthClass::Legacy | AuthClass::Ropc);
    match class {
        "success" => (Outcome::Success, None),
        "interrupt" | "mfa_interrupt" if !cannot_answer => (Outcome::Interrupted, None),
        "mfa_interrupt" => (
            Outcome::Blocked,
            Some(BlockReason::LegacyCannotSatisfyControl),
        ),
        "ca_block" | "ca_device" => (Outcome::Blocked, Some(block_reason(sign_in, cannot_answer))),
        "security_defaults" => (Outcome::Blocked, Some(BlockReason::SecurityDefaults)),
        "tenant_policy" => (Outcome::Blocked, Some(BlockReason::TenantPolicy)),
        "risk" => (Outcome::Blocked, Some(BlockReason::Risk)),
        _ => (Outcome::Failed, None),
    }
}

/// The policies that refused: enforced and failed. Report-only results never block.
pub fn failing<'a>(policies: &'a [Policy<'a>]) -> impl Iterator<Item = &'a Policy<'a>> {
    policies.iter().filter(|policy| {
        let result = policy.result.as_str();
        result.eq_ignore_ascii_case("failure") || result == "1"
    })
}

fn demands(policy: &Policy, control: &str) -> bool {
    policy
        .grant_controls
        .iter()
        .any(|grant| grant.eq_ignore_ascii_case(control))
}

/// The most telling reason among the failing policies, the order of [`BlockReason`] deciding.
fn block_reason(sign_in: &SignIn, cannot_answer: bool) -> BlockReason {
    let reasons = failing(sign_in.policies()).map(|policy| reason_of(policy, cannot_answer));
    reasons.min().unwrap_or(BlockReason::Unexplained)
}

fn reason_of(policy: &Policy, cannot_answer: bool) -> BlockReason {
    let bits = satisfied(policy);
    let aimed_at_client = bits & CLIENT_TYPE != 0;
    let further = bits & (LOCATION | PLATFORM | RISK | DEVICE_STATE);
    if !demands(policy, "block") {
        return if cannot_answer {
            BlockReason::LegacyCannotSatisfyControl
        } else {
            BlockReason::Device
        };
    }
    match (aimed_at_client, cannot_answer) {
        (true, true) if further == 0 => BlockReason::LegacyAuthPolicy,
        (true, true) => BlockReason::LegacyPlusCondition,
        (true, false) if further == 0 => BlockReason::ClientTypePolicy,
        _ if further & LOCATION != 0 => BlockReason::Location,
        _ if further & RISK != 0 => BlockReason::Risk,
        _ if further != 0 => BlockReason::Device,
        _ => BlockReason::BlanketPolicy,
    }
}

fn password_verified(
    sign_in: &SignIn,
    auth_class: AuthClass,
    outcome: Outcome,
    class: &str,
) -> PasswordVerified {
    let steps = sign_in
        .steps()
        .iter()
        .filter(|step| step.method.as_str().eq_ignore_ascii_case("password"));
    let passed = steps.filter_map(|step| step.succeeded.0).max();
    match passed {
        Some(true) => return PasswordVerified::Yes,
        Some(false) => return PasswordVerified::No,
        None => {}
    }
    // Access policies run after the password check (Microsoft, "Block legacy authentication"): a
    // password-only client that got as far as a policy, or a token, has given the right one.
    let password_only = matches!(auth_class, AuthClass::Legacy | AuthClass::Ropc);
    match (class, outcome) {
        ("password", _) => PasswordVerified::No,
        (_, Outcome::Success | Outcome::Blocked) if password_only => PasswordVerified::Yes,
        _ => PasswordVerified::Unknown,
    }
}

fn channel(
    class: AuthClass,
    outcome: Outcome,
    app: Option<Application>,
    resource: Option<Application>,
) -> Option<Channel> {
    let reached_exchange = resource.is_some_and(|resource| resource.kind == "exchange");
    if class != AuthClass::Modern || outcome != Outcome::Success || !reached_exchange {
        return None;
    }
    Some(
        app.and_then(|app| Channel::parse(app.kind))
            .unwrap_or(Channel::OtherMail),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decode::normalise::{Normalised, normalise};
    use crate::domain::decode::record::Record;

    /// The verdict on a record with these fields of `properties`.
    fn verdict(fields: &serde_json::Value) -> Verdict {
        let mut properties =
            serde_json::json!({"id": "a", "createdDateTime": "2026-03-13T16:00:00Z"});
        for (key, value) in fields.as_object().expect("fields") {
            properties[key] = value.clone();
        }
        let category = fields
            .get("category")
            .and_then(|name| name.as_str())
            .unwrap_or("SignInLogs");
        let text = serde_json::json!({"category": category, "properties": properties}).to_string();
        let record: Record = serde_json::from_str(&text).expect("readable");
        match normalise(&record, None) {
            Normalised::SignIn(sign_in) => Classifier::new(Knowledge::builtin()).classify(&sign_in),
            other => panic!("{other:?}"),
        }
    }

    fn blocked_by(client: &str, mask: u32, control: &str) -> Option<BlockReason> {
        verdict(&serde_json::json!({"clientAppUsed": client, "status": {"errorCode": 53003},
            "appliedConditionalAccessPolicies": [
                {"result": "reportOnlyFailure", "enforcedGrantControls": ["Block"], "conditionsSatisfied": 19},
                {"result": "failure", "enforcedGrantControls": [control], "conditionsSatisfied": mask}]}))
        .block_reason
    }

    #[test]
    fn the_client_app_decides_before_the_user_agent() {
        let of = |app: &str, agent: &str, protocol: &str| {
            let found = verdict(
                &serde_json::json!({"clientAppUsed": app, "userAgent": agent,
                "authenticationProtocol": protocol, "status": {"errorCode": 0}}),
            );
            (found.auth_class, found.auth_class_reason, found.protocol)
        };
        assert_eq!(
            of("Exchange ActiveSync", "", ""),
            (AuthClass::Legacy, "client_app", Protocol::Activesync)
        );
        assert_eq!(
            of(" other clients; IMAP ", "", ""),
            (AuthClass::Legacy, "client_app", Protocol::Imap)
        );
        assert_eq!(
            of("Other clients", "", ""),
            (AuthClass::Legacy, "client_app", Protocol::OtherLegacy)
        );
        let modern = "Mobile Apps and Desktop clients";
        assert_eq!(of(modern, "BAV2ROPC", "ropc").0, AuthClass::Legacy);
        assert_eq!(
            of(modern, "", "ropc"),
            (
                AuthClass::Ropc,
                "authentication_protocol",
                Protocol::NativeApp
            )
        );
        assert_eq!(
            of(modern, "", "none"),
            (AuthClass::Modern, "client_app", Protocol::NativeApp)
        );
        assert_eq!(
            of("", "", ""),
            (AuthClass::Unknown, "no_client_app", Protocol::Unknown)
        );
        assert_eq!(of("Telnet", "", "").1, "unknown_client_app");
    }

    #[test]
    fn a_record_of_no_person_has_no_class() {
        let found = verdict(
            &serde_json::json!({"category": "ServicePrincipalSignInLogs", "clientAppUsed": "Other clients"}),
        );
        assert_eq!(found.auth_class, AuthClass::NotApplicable);
        // Neither a status nor a result type: nothing says that it succeeded.
        assert_eq!(
            (found.outcome, found.unknown_error_code),
            (Outcome::Failed, false)
        );
    }

    #[test]
    fn an_mfa_interrupt_is_a_step_for_modern_and_the_end_for_legacy_clients() {
        let of = |app: &str| {
            let found =
                verdict(&serde_json::json!({"clientAppUsed": app, "status": {"errorCode": 50076}}));
            (found.outcome, found.block_reason)
        };
        assert_eq!(of("Browser"), (Outcome::Interrupted, None));
        assert_eq!(
            of("IMAP4"),
            (
                Outcome::Blocked,
                Some(BlockReason::LegacyCannotSatisfyControl)
            )
        );
    }

    #[test]
    fn the_failing_policy_tells_why_it_was_blocked() {
        assert_eq!(
            blocked_by("Other clients", 19, "Block"),
            Some(BlockReason::LegacyAuthPolicy)
        );
        assert_eq!(
            blocked_by("Other clients", 27, "Block"),
            Some(BlockReason::LegacyPlusCondition)
        );
        assert_eq!(
            blocked_by("Other clients", 3, "Block"),
            Some(BlockReason::BlanketPolicy)
        );
        assert_eq!(
            blocked_by("Other clients", 11, "Block"),
            Some(BlockReason::Location)
        );
        assert_eq!(
            blocked_by("Browser", 19, "Block"),
            Some(BlockReason::ClientTypePolicy)
        );
        assert_eq!(blocked_by("Browser", 35, "Block"), Some(BlockReason::Risk));
        assert_eq!(blocked_by("Browser", 7, "Block"), Some(BlockReason::Device));
        assert_eq!(
            blocked_by("Other clients", 19, "Mfa"),
            Some(BlockReason::LegacyCannotSatisfyControl)
        );
    }

    #[test]
    fn a_block_without_a_failing_policy_is_not_explained_away() {
        let found = verdict(
            &serde_json::json!({"clientAppUsed": "Other clients", "status": {"errorCode": 53003}}),
        );
        assert_eq!(found.block_reason, Some(BlockReason::Unexplained));
        let found = verdict(
            &serde_json::json!({"clientAppUsed": "Other clients", "status": {"errorCode": 530035}}),
        );
        assert_eq!(found.block_reason, Some(BlockReason::SecurityDefaults));
    }

    #[test]
    fn the_password_was_right_if_its_step_passed_or_a_policy_was_reached() {
        let of = |code: i32, app: &str, step: Option<bool>| {
            let steps: Vec<_> = step.map(|passed| serde_json::json!({"authenticationMethod": "Password", "succeeded": passed})).into_iter().collect();
            verdict(&serde_json::json!({"clientAppUsed": app, "status": {"errorCode": code}, "authenticationDetails": steps})).password_verified
        };
        assert_eq!(
            of(53003, "Other clients", Some(true)),
            PasswordVerified::Yes
        );
        assert_eq!(of(53003, "Other clients", None), PasswordVerified::Yes);
        assert_eq!(of(53003, "Browser", None), PasswordVerified::Unknown);
        assert_eq!(of(50126, "Other clients", None), PasswordVerified::No);
        assert_eq!(of(50053, "Other clients", None), PasswordVerified::Unknown);
        assert_eq!(of(0, "IMAP4", None), PasswordVerified::Yes);
    }

    #[test]
    fn an_unknown_code_is_a_failure_and_counted() {
        let found = verdict(
            &serde_json::json!({"clientAppUsed": "Browser", "status": {"errorCode": 99_999_999}}),
        );
        assert_eq!(
            (found.outcome, found.failure_class),
            (Outcome::Failed, Some(OTHER_FAILURE))
        );
        assert!(found.unknown_error_code);
    }

    #[test]
    fn a_modern_success_at_exchange_has_a_channel() {
        let of = |app: &str, resource: &str| {
            verdict(&serde_json::json!({"clientAppUsed": "Mobile Apps and Desktop clients", "appId": app,
                "resourceId": resource, "status": {"errorCode": 0}}))
            .channel
        };
        let exchange = "00000002-0000-0ff1-ce00-000000000000";
        assert_eq!(
            of("d3590ed6-52b3-4102-aeff-aad2292ab01c", exchange),
            Some(Channel::OutlookDesktop)
        );
        assert_eq!(
            of("27922004-5251-4030-b22d-91ecd9a37ea4", exchange),
            Some(Channel::OutlookMobile)
        );
        assert_eq!(
            of("1fec8e78-bce4-4aaf-ab1b-5451cc387264", exchange),
            Some(Channel::OtherMail)
        );
        assert_eq!(
            of(
                "d3590ed6-52b3-4102-aeff-aad2292ab01c",
                "00000003-0000-0000-c000-000000000000"
            ),
            None
        );
    }
}
