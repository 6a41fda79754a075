//! Sign-in to verdict: auth class, protocol, client family, outcome, block reason.
//!
//! Total: every sign-in gets a verdict, and what the record does not tell is `unknown`, never guessed.
//! The rules are those of the design's sections 4.2 and 4.3; the tables they consult are data.

use std::collections::HashMap;

use super::decode::conditions::{CLIENT_TYPE, DEVICE_STATE, LOCATION, PLATFORM, RISK};
use super::decode::normalise::{SignIn, satisfied};
use super::decode::wire::Policy;
use super::knowledge::{Application, ClientApp, Knowledge, OTHER_FAILURE, UNKNOWN_FAMILY, UserAgent};
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
        let client_app = memo(&mut self.client_apps, app_name, |value| knowledge.client_app(value));
        let agent = memo(&mut self.user_agents, fields.user_agent.as_str(), |value| knowledge.user_agent(value));
        let app = memo(&mut self.applications, fields.app_id.as_str(), |value| knowledge.application(value));
        let resource = memo(&mut self.applications, sign_in.resource_id, |value| knowledge.application(value));

        let (auth_class, auth_class_reason) = auth_class(sign_in, client_app, agent);
        let protocol = protocol(client_app, agent);
        let code = sign_in.error_code.unwrap_or(0);
        let known = knowledge.error_code(code);
        let class = known.map_or(OTHER_FAILURE, |code| code.class);
        let (outcome, block_reason) = outcome(sign_in, auth_class, code, class);
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
            unknown_error_code: known.is_none(),
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

fn auth_class(sign_in: &SignIn, client_app: Option<ClientApp>, agent: Option<UserAgent>) -> (AuthClass, &'static str) {
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
    if sign_in.record.sign_in.authentication_protocol.as_str().eq_ignore_ascii_case("ropc") {
        return (AuthClass::Ropc, "authentication_protocol");
    }
    match by_app {
        Some(AuthClass::Modern) => (AuthClass::Modern, "client_app"),
        _ if sign_in.record.sign_in.client_app_used.is_empty() => (AuthClass::Unknown, "no_client_app"),
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
    if app_tells && matches!(by_agent, "unknown" | "other" | "browser") { by_app } else { by_agent }
}

fn outcome(sign_in: &SignIn, auth_class: AuthClass, code: i32, class: &str) -> (Outcome, Option<BlockReason>) {
    if code == 0 {
        return (Outcome::Success, None);
    }
    // A client that cannot answer an interrupt has been refused.
    let cannot_answer = matches!(auth_class, AuthClass::Legacy | AuthClass::Ropc);
    match class {
        "interrupt" | "mfa_interrupt" if !cannot_answer => (Outcome::Interrupted, None),
        "mfa_interrupt" => (Outcome::Blocked, Some(BlockReason::LegacyCannotSatisfyControl)),
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
    policy.grant_controls.0.iter().any(|grant| grant.as_str().eq_ignore_ascii_case(control))
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
        return if cannot_answer { BlockReason::LegacyCannotSatisfyControl } else { BlockReason::Device };
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

fn password_verified(sign_in: &SignIn, auth_class: AuthClass, outcome: Outcome, class: &str) -> PasswordVerified {
    let steps = sign_in.steps().iter().filter(|step| step.method.as_str().eq_ignore_ascii_case("password"));
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

fn channel(class: AuthClass, outcome: Outcome, app: Option<Application>, resource: Option<Application>) -> Option<Channel> {
    let reached_exchange = resource.is_some_and(|resource| resource.kind == "exchange");
    if class != AuthClass::Modern || outcome != Outcome::Success || !reached_exchange {
        return None;
    }
    Some(app.and_then(|app| Channel::parse(app.kind)).unwrap_or(Channel::OtherMail))
}
