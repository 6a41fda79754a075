//! The data tables under `schemas/`, compiled in and ready for look-up.
//!
//! Which client app is legacy, what a code means, which software a user agent names: all of it is
//! data with a source per row. This file only reads the tables; a table that does not read is a
//! broken build, which a test catches.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::sign_in::{AuthClass, Channel, Protocol};

/// What a `clientAppUsed` value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientApp {
    /// Legacy, modern or unknown.
    pub auth_class: AuthClass,
    /// What was spoken.
    pub protocol: Protocol,
}

/// What an AADSTS code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// Name in Microsoft's list.
    pub name: &'static str,
    /// Our class of it.
    pub class: &'static str,
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
}

/// What an application id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Application {
    /// Our kind of it: `exchange`, `outlook_desktop`, …
    pub kind: &'static str,
    /// Which software, empty when the id does not tell.
    pub client_family: &'static str,
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
    groups: HashMap<Protocol, &'static str>,
    group_overrides: HashMap<(&'static str, Option<Protocol>), &'static str>,
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
        BUILTIN.get_or_init(load)
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

    /// The piece of software that a legacy sign-in belongs to.
    #[must_use]
    pub fn client_group(&self, class: AuthClass, protocol: Protocol, family: &str) -> &'static str {
        if class == AuthClass::Ropc {
            return ROPC_GROUP;
        }
        let by_family = |protocol| {
            self.group_overrides
                .iter()
                .find(|(key, _)| key.0 == family && key.1 == protocol)
        };
        let overridden = by_family(Some(protocol))
            .or_else(|| by_family(None))
            .map(|(_, group)| *group);
        overridden
            .or_else(|| self.groups.get(&protocol).copied())
            .unwrap_or(ROPC_GROUP)
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

fn load() -> Knowledge {
    let mut knowledge = Knowledge {
        client_apps: HashMap::new(),
        error_codes: HashMap::new(),
        user_agents: Vec::new(),
        applications: HashMap::new(),
        groups: HashMap::new(),
        group_overrides: HashMap::new(),
        recovered_by: HashMap::new(),
        families: vec![UNKNOWN_FAMILY],
    };
    for [value, class, protocol] in rows(
        include_str!("../../schemas/client_apps.csv"),
        ["value", "auth_class", "protocol"],
    ) {
        let app = ClientApp {
            auth_class: class_of(class),
            protocol: protocol_of(protocol),
        };
        knowledge.client_apps.insert(value, app);
    }
    for [code, name, class] in rows(
        include_str!("../../schemas/error_codes.csv"),
        ["code", "name", "class"],
    ) {
        let code = code.parse().expect("error_codes.csv: a code is a number");
        knowledge
            .error_codes
            .insert(code, ErrorCode { name, class });
    }
    load_software(&mut knowledge);
    load_groups(&mut knowledge);
    knowledge.families.sort_unstable();
    knowledge.families.dedup();
    knowledge
}

fn load_software(knowledge: &mut Knowledge) {
    let columns = [
        "match",
        "pattern",
        "client_family",
        "auth_class",
        "protocol",
    ];
    for [how, pattern, family, class, protocol] in
        rows(include_str!("../../schemas/user_agents.csv"), columns)
    {
        let how = match how {
            "prefix" => Match::Prefix,
            "contains" => Match::Contains,
            other => panic!("user_agents.csv: match is prefix or contains, not {other}"),
        };
        let agent = UserAgent {
            client_family: family,
            auth_class: (!class.is_empty()).then(|| class_of(class)),
            protocol: (!protocol.is_empty()).then(|| protocol_of(protocol)),
        };
        knowledge.families.push(family);
        knowledge
            .user_agents
            .push((how, leak(pattern.to_ascii_lowercase()), agent));
    }
    let columns = ["app_id", "kind", "client_family"];
    for [id, kind, family] in rows(include_str!("../../schemas/applications.csv"), columns) {
        if !family.is_empty() {
            knowledge.families.push(family);
        }
        knowledge.applications.insert(
            id,
            Application {
                kind,
                client_family: family,
            },
        );
    }
}

fn load_groups(knowledge: &mut Knowledge) {
    let columns = ["protocol", "client_group", "recovered_by"];
    for [protocol, group, recovered_by] in
        rows(include_str!("../../schemas/client_groups.csv"), columns)
    {
        let channels = recovered_by.split_whitespace().map(|name| {
            Channel::parse(name)
                .unwrap_or_else(|| panic!("client_groups.csv: {name} is no channel"))
        });
        knowledge
            .recovered_by
            .entry(group)
            .or_insert_with(|| channels.collect());
        if let Some(protocol) = Protocol::parse(protocol) {
            knowledge.groups.entry(protocol).or_insert(group);
        }
    }
    let columns = ["client_family", "protocol", "client_group"];
    for [family, protocol, group] in rows(
        include_str!("../../schemas/client_group_overrides.csv"),
        columns,
    ) {
        knowledge
            .recovered_by
            .entry(group)
            .or_insert_with(|| vec![Channel::OtherMail]);
        knowledge
            .group_overrides
            .insert((family, Protocol::parse(protocol)), group);
    }
    knowledge
        .recovered_by
        .entry(ROPC_GROUP)
        .or_insert_with(|| vec![Channel::OtherMail]);
}

fn class_of(name: &str) -> AuthClass {
    AuthClass::parse(name).unwrap_or_else(|| panic!("{name} is no auth class"))
}

fn protocol_of(name: &str) -> Protocol {
    Protocol::parse(name).unwrap_or_else(|| panic!("{name} is no protocol"))
}

/// The named columns of a table's rows. The tables live as long as the program, so their cells do too.
fn rows<const N: usize>(table: &'static str, columns: [&str; N]) -> Vec<[&'static str; N]> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let headers = reader.headers().expect("a table has a header").clone();
    let places = columns.map(|name| {
        headers
            .iter()
            .position(|header| header == name)
            .unwrap_or_else(|| panic!("no column {name} in {headers:?}"))
    });
    let records = reader
        .records()
        .map(|record| record.expect("every row of a table has all cells"));
    records
        .map(|record| places.map(|place| leak(record[place].to_owned())))
        .collect()
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
