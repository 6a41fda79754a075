//! Sign-in to verdict: auth class, protocol, client family, outcome, block reason.
//!
//! Total: every sign-in gets a verdict, and what the record does not tell is `unknown`, never
//! guessed. The rules are those of the design's sections 4.2 and 4.3; the tables they consult are
//! data. Each decision is an ordered list of rules, and whoever hands in a [`trace`] is told of
//! every one that was tried.

mod auth_class;
mod block_reason;
mod clues;
mod outcome;
mod software;
#[cfg(test)]
mod tests;
pub mod trace;

use std::collections::HashMap;

pub use block_reason::{failing, is_failing};

use super::decode::normalise::SignIn;
use super::decode::oddity::{Oddities, Oddity};
use super::failure_class::FailureClass;
use super::knowledge::{Application, ClientApp, Knowledge, UserAgent};
use super::sign_in::{AuthClass, BlockReason, Channel, Outcome, PasswordVerified, Protocol};
use clues::Clues;
use outcome::Ending;
use trace::{Silent, Trace};

/// Version of the rules and tables, for those who compare results over time.
pub const TAXONOMY_VERSION: i32 = 2;

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

impl Verdict {
    /// What was odd about the sign-in, with what the tables do not know of it.
    #[must_use]
    pub fn oddities(&self, sign_in: &SignIn) -> Oddities {
        let mut oddities = sign_in.oddities;
        oddities.note_if(self.unknown_client_app, Oddity::UnknownClientApp);
        oddities.note_if(self.unknown_error_code, Oddity::UnknownErrorCode);
        oddities
    }
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
        self.classify_traced(sign_in, &mut Silent)
    }

    /// The same verdict, telling of every rule that was tried.
    pub fn classify_traced(&mut self, sign_in: &SignIn, trace: &mut impl Trace) -> Verdict {
        let clues = self.clues(sign_in);
        let (auth_class, auth_class_reason) = auth_class::auth_class(&clues, trace);
        let protocol = software::protocol(&clues, auth_class, trace);
        let client_family = software::family(&clues, auth_class, trace);
        let failure_class = outcome::failure_class(&clues, trace);
        let ending = Ending::of(auth_class, failure_class, self.knowledge);
        let outcome = outcome::outcome(ending, trace);
        let names_app = !clues.fields().client_app_used.is_empty();
        Verdict {
            auth_class,
            auth_class_reason,
            protocol,
            client_family,
            outcome,
            block_reason: block_reason::block_reason(&clues, ending, outcome, trace),
            failure_class: failure_class.map(FailureClass::name),
            password_verified: outcome::password_verified(&clues, ending, outcome, trace),
            channel: software::channel(&clues, auth_class, outcome, trace),
            unknown_client_app: clues.client_app.is_none() && names_app,
            unknown_error_code: clues.code.is_none() && sign_in.error_code.is_some(),
        }
    }

    /// Looks up what the tables say about a sign-in.
    fn clues<'a>(&mut self, sign_in: &'a SignIn<'a>) -> Clues<'a> {
        let fields = &sign_in.record.sign_in;
        let knowledge = self.knowledge;
        let app = fields.client_app_used.as_str();
        let agent = fields.user_agent.as_str();
        let by_id = |id: &str| knowledge.application(id);
        let applications = &mut self.applications;
        Clues {
            knowledge,
            sign_in,
            client_app: memo(&mut self.client_apps, app, |app| knowledge.client_app(app)),
            agent: memo(&mut self.user_agents, agent, |agent| {
                knowledge.user_agent(agent)
            }),
            token_protocol: knowledge.token_protocol(fields.authentication_protocol.as_str()),
            app: memo(applications, fields.app_id.as_str(), by_id),
            resource: memo(applications, sign_in.resource_id, by_id),
            code: sign_in
                .error_code
                .and_then(|code| knowledge.error_code(code)),
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
