//! The data tables under `schemas/`, compiled in and ready for look-up.
//!
//! Which client app is legacy, what a code means, which software a user agent names: all of it is
//! data with a source per row, and whatever a look-up finds names the row it was found in.

mod load;

use std::collections::HashMap;
use std::sync::OnceLock;

#[cfg(test)]
pub(in crate::domain) use load::TABLES;

use super::failure_class::{Ends, FailureClass};
use super::policy::ControlKind;
use super::sign_in::{AuthClass, Channel, PasswordVerified, Protocol};

/// A row of a table: where a piece of knowledge comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// File under `schemas/`.
    pub table: &'static str,
    /// The cells that tell the row from all others.
    pub key: &'static str,
    /// What the row calls the thing, empty if the table has no names.
    pub name: &'static str,
    /// Where the fact comes from.
    pub source: &'static str,
}

/// What a `clientAppUsed` value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientApp {
    /// Legacy, modern or unknown.
    pub auth_class: AuthClass,
    /// What was spoken.
    pub protocol: Protocol,
    /// Where that is written.
    pub row: &'static Row,
}

/// What an AADSTS code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// Our class of it.
    pub class: FailureClass,
    /// Where that is written; the row's name is the one in Microsoft's list.
    pub row: &'static Row,
}

/// What a class of codes means for a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassMeaning {
    /// How it ends for a client that can do more than send a password.
    pub ends: Ends,
    /// How it ends for a client that has a password and nothing else.
    pub ends_legacy: Ends,
    /// What such a code alone tells of the password.
    pub password_verified: PasswordVerified,
}

/// What an `authenticationProtocol` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenProtocol {
    /// The class that it belongs to, unknown if to several.
    pub auth_class: AuthClass,
    /// Where that is written.
    pub row: &'static Row,
}

/// What a grant control of a policy demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantControl {
    /// The kind of thing.
    pub kind: ControlKind,
    /// Where that is written.
    pub row: &'static Row,
}

/// What a user agent tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserAgent {
    /// Which software.
    pub client_family: &'static str,
    /// Set when the user agent alone decides.
    pub auth_class: Option<AuthClass>,
    /// Set when the user agent alone tells.
    pub protocol: Option<Protocol>,
    /// Where that is written.
    pub row: &'static Row,
}

/// What an application id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Application {
    /// Our kind of it: `exchange`, `outlook_desktop`, …
    pub kind: &'static str,
    /// Which software, empty when the id does not tell.
    pub client_family: &'static str,
    /// Where that is written.
    pub row: &'static Row,
}

/// The piece of software that legacy sign-ins belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientGroup {
    /// Our name of it.
    pub name: &'static str,
    /// Where that is written.
    pub row: &'static Row,
}

/// The family of software that nothing names.
pub const UNKNOWN_FAMILY: &str = "unknown";
/// The client group of password grants at modern endpoints.
pub const ROPC_GROUP: &str = "ropc";

/// All tables.
#[derive(Debug)]
pub struct Knowledge {
    client_apps: HashMap<&'static str, ClientApp>,
    error_codes: HashMap<i32, ErrorCode>,
    /// By the place of the class in its list.
    failure_classes: Vec<ClassMeaning>,
    token_protocols: Vec<(&'static str, TokenProtocol)>,
    grant_controls: Vec<(Match, &'static str, GrantControl)>,
    user_agents: Vec<(Match, &'static str, UserAgent)>,
    applications: HashMap<&'static str, Application>,
    groups: HashMap<Protocol, ClientGroup>,
    group_overrides: HashMap<(&'static str, Option<Protocol>), ClientGroup>,
    recovered_by: HashMap<&'static str, Vec<Channel>>,
    families: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum Match {
    Exact,
    Prefix,
    Contains,
}

impl Match {
    fn finds(self, pattern: &str, value: &str) -> bool {
        match self {
            Match::Exact => value == pattern,
            Match::Prefix => value.starts_with(pattern),
            Match::Contains => value.contains(pattern),
        }
    }
}

impl Knowledge {
    /// The tables compiled into the program.
    ///
    /// # Panics
    /// If a compiled-in table does not read, which tests rule out.
    #[must_use]
    pub fn builtin() -> &'static Knowledge {
        static BUILTIN: OnceLock<Knowledge> = OnceLock::new();
        BUILTIN.get_or_init(load::load)
    }

    /// Looks up `clientAppUsed`: case and surrounding blanks do not count, nor does `Other clients; `.
    #[must_use]
    pub fn client_app(&self, value: &str) -> Option<ClientApp> {
        let value = value.trim().to_ascii_lowercase();
        let bare = value
            .strip_prefix("other clients;")
            .map_or(value.as_str(), str::trim);
        self.client_apps.get(bare).copied()
    }

    /// Looks up an AADSTS code.
    #[must_use]
    pub fn error_code(&self, code: i32) -> Option<ErrorCode> {
        self.error_codes.get(&code).copied()
    }

    /// What a class of codes means.
    #[must_use]
    pub fn meaning(&self, class: FailureClass) -> ClassMeaning {
        self.failure_classes[class as usize]
    }

    /// The first row of the user-agent table that matches.
    #[must_use]
    pub fn user_agent(&self, value: &str) -> Option<UserAgent> {
        first(&self.user_agents, value)
    }

    /// Looks up a grant control as a policy names it.
    #[must_use]
    pub fn grant_control(&self, value: &str) -> Option<GrantControl> {
        first(&self.grant_controls, value)
    }

    /// Looks up `authenticationProtocol`; case does not count.
    #[must_use]
    pub fn token_protocol(&self, value: &str) -> Option<TokenProtocol> {
        let mut rows = self.token_protocols.iter();
        let found = rows.find(|(known, _)| known.eq_ignore_ascii_case(value));
        found.map(|(_, protocol)| *protocol)
    }

    /// Looks up an application or resource id.
    #[must_use]
    pub fn application(&self, id: &str) -> Option<Application> {
        self.applications.get(id).copied().or_else(|| {
            self.applications
                .get(id.to_ascii_lowercase().as_str())
                .copied()
        })
    }

    /// The group of a family of software that belongs elsewhere than what it speaks.
    #[must_use]
    pub fn group_of_family(&self, family: &str, protocol: Protocol) -> Option<ClientGroup> {
        let with = |protocol| self.group_overrides.get(&(family, protocol));
        with(Some(protocol)).or_else(|| with(None)).copied()
    }

    /// The group of whatever speaks a protocol.
    #[must_use]
    pub fn group_of_protocol(&self, protocol: Protocol) -> Option<ClientGroup> {
        self.groups.get(&protocol).copied()
    }

    /// By which modern sign-ins each client group shows that it has been reconfigured.
    #[must_use]
    pub fn recovered_by(&self) -> &HashMap<&'static str, Vec<Channel>> {
        &self.recovered_by
    }

    /// Every client family that a verdict can name, sorted.
    #[must_use]
    pub fn families(&self) -> &[&'static str] {
        &self.families
    }

    /// The family of this name, as the static name that signals carry.
    #[must_use]
    pub fn family_named(&self, name: &str) -> &'static str {
        self.families
            .iter()
            .copied()
            .find(|family| *family == name)
            .unwrap_or(UNKNOWN_FAMILY)
    }
}

/// What the first row says that finds its pattern, which is lower-case, in the value.
fn first<T: Copy>(rows: &[(Match, &'static str, T)], value: &str) -> Option<T> {
    let value = value.to_ascii_lowercase();
    let mut rows = rows.iter();
    let found = rows.find(|(how, pattern, _)| how.finds(pattern, &value));
    found.map(|row| row.2)
}
