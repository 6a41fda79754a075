//! The data tables under `schemas/`, compiled in and ready for look-up.
//!
//! Which client app is legacy, what a code means, which software a user agent names: all of it is
//! data with a source per row, and whatever a look-up finds names the row it was found in.

mod load;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::sign_in::{AuthClass, Channel, Protocol};

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
    pub class: &'static str,
    /// Where that is written; the row's name is the one in Microsoft's list.
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

/// The class of a code that is not in the table.
pub const OTHER_FAILURE: &str = "other_failure";
/// The family of software that nothing names.
pub const UNKNOWN_FAMILY: &str = "unknown";
/// The client group of password grants at modern endpoints.
pub const ROPC_GROUP: &str = "ropc";

/// All tables.
#[derive(Debug)]
pub struct Knowledge {
    client_apps: HashMap<&'static str, ClientApp>,
    error_codes: HashMap<i32, ErrorCode>,
    user_agents: Vec<(Match, &'static str, UserAgent)>,
    applications: HashMap<&'static str, Application>,
    groups: HashMap<Protocol, ClientGroup>,
    group_overrides: HashMap<(&'static str, Option<Protocol>), ClientGroup>,
    recovered_by: HashMap<&'static str, Vec<Channel>>,
    families: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum Match {
    Prefix,
    Contains,
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

    /// The first row of the user-agent table that matches.
    #[must_use]
    pub fn user_agent(&self, value: &str) -> Option<UserAgent> {
        let value = value.to_ascii_lowercase();
        let matches = |how: Match, pattern: &str| match how {
            Match::Prefix => value.starts_with(pattern),
            Match::Contains => value.contains(pattern),
        };
        self.user_agents
            .iter()
            .find(|(how, pattern, _)| matches(*how, pattern))
            .map(|row| row.2)
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
        let with = |protocol| {
            self.group_overrides
                .iter()
                .find(|(key, _)| key.0 == family && key.1 == protocol)
        };
        let found = with(Some(protocol)).or_else(|| with(None));
        found.map(|(_, group)| *group)
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

    /// The group of this name, as the static name that signals carry.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&'static str> {
        self.recovered_by
            .keys()
            .copied()
            .find(|group| *group == name)
    }

    /// The class of error codes of this name, as the static name that signals carry.
    #[must_use]
    pub fn class_named(&self, name: &str) -> &'static str {
        let classes = self.error_codes.values().map(|code| code.class);
        classes
            .into_iter()
            .find(|class| *class == name)
            .unwrap_or(OTHER_FAILURE)
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
