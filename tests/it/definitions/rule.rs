//! `schemas/definitions.toml` as data, and what a definition says of a sign-in.
//!
//! A rule is judged on the fields as the log has them, never on our verdict. Which part of it
//! separates it from our verdict is the *cause*; why, the file must say.

use std::collections::BTreeMap;

use serde::Deserialize;
use signloop::domain::classify::Verdict;
use signloop::domain::decode::normalise::SignIn;
use signloop::domain::knowledge::Knowledge;
use signloop::domain::sign_in::AuthClass;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definitions {
    pub spellings: Spellings,
    pub definition: Vec<Definition>,
}

/// How the lower-case values of the tables stand in a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spellings {
    pub client_apps: BTreeMap<String, Vec<String>>,
    pub user_agents: BTreeMap<String, Vec<String>>,
}

/// One public definition.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub name: String,
    /// Set when it is another reading of a definition, not one more.
    pub reading_of: Option<String>,
    pub title: String,
    pub used_by: String,
    pub source: String,
    /// What it calls legacy, in plain words.
    pub means: String,
    /// What of its text the rule leaves out or takes on trust.
    pub not_expressed: String,
    pub rule: Rule,
    /// Why ours differs, by cause.
    pub reasons: BTreeMap<Cause, String>,
}

/// What a definition asks of a sign-in; what is not set is not asked.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    pub categories: Vec<String>,
    operation: Option<String>,
    client_apps: Option<Vec<String>>,
    client_apps_except: Option<Vec<String>>,
    user_agents: Option<Vec<String>>,
    #[serde(default)]
    ignore_case: bool,
    user_name: Option<String>,
    user_type: Option<String>,
    #[serde(default)]
    home_tenant_only: bool,
    #[serde(default)]
    policies_listed: bool,
    success: Option<Success>,
}

/// By which field a definition knows that a sign-in got in.
#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Success {
    /// The result of the record.
    ResultType,
    /// The code in the sign-in's status; none is as good as 0.
    Status,
}

/// What separates a definition from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It asks for a user of a certain name.
    UserName,
    /// It has the protocol or tell in another spelling.
    Spelling,
    /// Its list lacks the protocol.
    ProtocolNotListed,
    /// Its list lacks the tell.
    TellNotListed,
    /// It does not look at the client app.
    ClientAppIgnored,
    /// It does not look at the user agent.
    UserAgentIgnored,
    /// It does not read this log.
    Category,
    /// It asks for another operation.
    Operation,
    /// It leaves out people of other tenants.
    HomeTenant,
    /// It leaves out people who are not members.
    UserType,
    /// It leaves out sign-ins without policies.
    Policies,
    /// It leaves out sign-ins that did not get in.
    Outcome,
    /// It calls a modern client legacy whose name is spelt otherwise.
    ModernSpelling,
    /// It calls a password grant legacy.
    PasswordGrant,
    /// It calls a sign-in of no person legacy.
    NotAPerson,
    /// It calls an absent or unknown client legacy whose protocol is modern only.
    ModernProtocol,
    /// It calls an absent client legacy.
    NoClientApp,
    /// It calls a client legacy that nobody explains.
    UnknownClientApp,
}

/// How a definition and ours go apart on one sign-in.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Apart {
    /// Ours says legacy, the definition does not.
    Missed(Cause),
    /// The definition says legacy, ours does not.
    OverCounted(Cause),
}

impl Apart {
    pub fn cause(&self) -> Cause {
        match self {
            Apart::Missed(cause) | Apart::OverCounted(cause) => *cause,
        }
    }

    /// What the definition says, ours being the other.
    pub fn theirs(&self) -> &'static str {
        match self {
            Apart::Missed(_) => "not legacy",
            Apart::OverCounted(_) => "legacy",
        }
    }
}

impl Definitions {
    pub fn parse(text: &str) -> Definitions {
        toml::from_str(text).unwrap_or_else(|error| panic!("definitions.toml: {error}"))
    }
}

impl Rule {
    /// How this rule and our verdict go apart; `None` when they say the same.
    pub fn compare(&self, sign_in: &SignIn, verdict: &Verdict) -> Option<Apart> {
        let theirs = self.is_legacy(sign_in);
        match (theirs, verdict.auth_class) {
            (true, AuthClass::Legacy) => None,
            (false, AuthClass::Legacy) => Some(Apart::Missed(self.why_not(sign_in, verdict))),
            (true, _) => Some(Apart::OverCounted(why_counted(verdict))),
            (false, _) => None,
        }
    }

    /// What the definition says of a sign-in.
    pub fn is_legacy(&self, sign_in: &SignIn) -> bool {
        self.names_user(sign_in) && self.knows_client(sign_in) && self.left_out(sign_in).is_none()
    }

    /// The rule is told by the user agent and not by the client app.
    pub fn asks_user_agent(&self) -> bool {
        self.user_agents.is_some()
    }

    fn same(&self, left: &str, right: &str) -> bool {
        left == right || self.ignore_case && left.eq_ignore_ascii_case(right)
    }

    fn lists(&self, list: &[String], value: &str) -> bool {
        list.iter().any(|listed| self.same(listed, value))
    }

    fn names_user(&self, sign_in: &SignIn) -> bool {
        let name = sign_in.record.sign_in.user_principal_name.as_str();
        self.user_name
            .as_ref()
            .is_none_or(|wanted| self.same(wanted, name))
    }

    fn knows_client(&self, sign_in: &SignIn) -> bool {
        let fields = &sign_in.record.sign_in;
        let (app, agent) = (fields.client_app_used.as_str(), fields.user_agent.as_str());
        let on = |list: &Option<Vec<String>>, value| {
            list.as_ref().is_none_or(|list| self.lists(list, value))
        };
        on(&self.client_apps, app)
            && on(&self.user_agents, agent)
            && !self
                .client_apps_except
                .as_ref()
                .is_some_and(|list| self.lists(list, app))
    }

    /// Which condition besides the client the sign-in does not meet.
    fn left_out(&self, sign_in: &SignIn) -> Option<Cause> {
        let (envelope, fields) = (&sign_in.record.envelope, &sign_in.record.sign_in);
        let category = sign_in.category.name().to_owned();
        let is = |wanted: &Option<String>, value: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| self.same(wanted, value))
        };
        let at_home = fields.home_tenant_id == fields.resource_tenant_id;
        let status = fields.status.error_code.0;
        let got_in = match self.success {
            None => true,
            Some(Success::ResultType) => envelope.result_type.0.or(status) == Some(0),
            Some(Success::Status) => status.is_none_or(|code| code == 0),
        };
        let conditions = [
            (
                self.categories.is_empty() || self.categories.contains(&category),
                Cause::Category,
            ),
            (
                is(&self.operation, envelope.operation.as_str()),
                Cause::Operation,
            ),
            (!self.home_tenant_only || at_home, Cause::HomeTenant),
            (
                is(&self.user_type, fields.user_type.as_str()),
                Cause::UserType,
            ),
            (
                !self.policies_listed || !sign_in.policies().is_empty(),
                Cause::Policies,
            ),
            (got_in, Cause::Outcome),
        ];
        let unmet = conditions.into_iter().find(|(met, _)| !met);
        unmet.map(|(_, cause)| cause)
    }

    /// Why the definition does not see what we call legacy: the client before what it leaves out.
    fn why_not(&self, sign_in: &SignIn, verdict: &Verdict) -> Cause {
        if !self.names_user(sign_in) {
            return Cause::UserName;
        }
        if self.knows_client(sign_in) {
            return self
                .left_out(sign_in)
                .expect("what is met throughout is legacy");
        }
        let agent = sign_in.record.sign_in.user_agent.as_str();
        let by_agent = verdict.auth_class_reason == "user_agent";
        match (&self.user_agents, by_agent) {
            (None, true) => Cause::UserAgentIgnored,
            (None, false) if self.lists_protocol_of(verdict) => Cause::Spelling,
            (None, false) => Cause::ProtocolNotListed,
            (Some(_), false) => Cause::ClientAppIgnored,
            (Some(list), true) if list.iter().any(|it| it.eq_ignore_ascii_case(agent)) => {
                Cause::Spelling
            }
            (Some(_), true) => Cause::TellNotListed,
        }
    }

    /// Whether the list of client apps has the protocol of a verdict in some spelling.
    fn lists_protocol_of(&self, verdict: &Verdict) -> bool {
        let listed = self.client_apps.iter().flatten();
        let mut apps = listed.filter_map(|name| Knowledge::builtin().client_app(name));
        apps.any(|app| app.protocol == verdict.protocol)
    }
}

fn why_counted(verdict: &Verdict) -> Cause {
    match verdict.auth_class {
        AuthClass::Modern if verdict.auth_class_reason == "modern_protocol" => {
            Cause::ModernProtocol
        }
        AuthClass::Modern => Cause::ModernSpelling,
        AuthClass::Ropc => Cause::PasswordGrant,
        AuthClass::NotApplicable => Cause::NotAPerson,
        AuthClass::Unknown if verdict.auth_class_reason == "no_client_app" => Cause::NoClientApp,
        AuthClass::Unknown => Cause::UnknownClientApp,
        AuthClass::Legacy => unreachable!("both say legacy"),
    }
}
