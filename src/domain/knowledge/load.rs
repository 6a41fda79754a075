//! The data tables, read once: rows of `schemas/*.csv` to look-ups.
//!
//! A table that does not read is a broken build, which a test catches.

use std::collections::HashMap;

use super::{
    Application, ClassMeaning, ClientApp, ClientGroup, ErrorCode, GrantControl, Knowledge, Match,
    Row, TokenProtocol, UNKNOWN_FAMILY, UserAgent,
};
use crate::domain::failure_class::{Ends, FailureClass};
use crate::domain::policy::ControlKind;
use crate::domain::sign_in::{AuthClass, Channel, PasswordVerified, Protocol};

/// A table: its name and its text.
#[derive(Clone, Copy)]
pub(in crate::domain) struct Table {
    pub(in crate::domain) name: &'static str,
    pub(in crate::domain) text: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table {
            name: $name,
            text: include_str!(concat!("../../../schemas/", $name)),
        }
    };
}

const CLIENT_APPS: Table = table!("client_apps.csv");
const AUTHENTICATION_PROTOCOLS: Table = table!("authentication_protocols.csv");
const ERROR_CODES: Table = table!("error_codes.csv");
const FAILURE_CLASSES: Table = table!("failure_classes.csv");
const GRANT_CONTROLS: Table = table!("grant_controls.csv");
const USER_AGENTS: Table = table!("user_agents.csv");
const APPLICATIONS: Table = table!("applications.csv");
const CLIENT_GROUPS: Table = table!("client_groups.csv");
const CLIENT_GROUP_OVERRIDES: Table = table!("client_group_overrides.csv");

/// Every table that verdicts depend on.
#[cfg(test)]
pub(in crate::domain) const TABLES: [Table; 9] = [
    CLIENT_APPS,
    AUTHENTICATION_PROTOCOLS,
    ERROR_CODES,
    FAILURE_CLASSES,
    GRANT_CONTROLS,
    USER_AGENTS,
    APPLICATIONS,
    CLIENT_GROUPS,
    CLIENT_GROUP_OVERRIDES,
];

/// Reads every table.
pub(super) fn load() -> Knowledge {
    let mut knowledge = Knowledge {
        client_apps: HashMap::new(),
        error_codes: HashMap::new(),
        failure_classes: failure_classes(FAILURE_CLASSES),
        token_protocols: token_protocols(AUTHENTICATION_PROTOCOLS),
        grant_controls: grant_controls(GRANT_CONTROLS),
        user_agents: Vec::new(),
        applications: HashMap::new(),
        groups: HashMap::new(),
        group_overrides: HashMap::new(),
        recovered_by: HashMap::new(),
        families: vec![UNKNOWN_FAMILY],
    };
    load_client_apps(&mut knowledge, CLIENT_APPS);
    load_error_codes(&mut knowledge, ERROR_CODES);
    load_user_agents(&mut knowledge, USER_AGENTS);
    load_applications(&mut knowledge, APPLICATIONS);
    load_groups(&mut knowledge, CLIENT_GROUPS);
    load_overrides(&mut knowledge, CLIENT_GROUP_OVERRIDES);
    knowledge.families.sort_unstable();
    knowledge.families.dedup();
    knowledge
}

/// A word of a closed list, or a panic that says which table holds another.
macro_rules! word {
    ($list:ty, $table:expr, $name:expr) => {
        <$list>::parse($name).unwrap_or_else(|| {
            let list = stringify!($list);
            panic!("{}: {:?} is no {list}", $table.name, $name)
        })
    };
}

fn load_client_apps(knowledge: &mut Knowledge, table: Table) {
    let columns = ["value", "auth_class", "protocol", "source"];
    for [value, class, protocol, source] in rows(table, columns) {
        let app = ClientApp {
            auth_class: word!(AuthClass, table, class),
            protocol: word!(Protocol, table, protocol),
            row: row(table, value, "", source),
        };
        knowledge.client_apps.insert(value, app);
    }
}

fn load_error_codes(knowledge: &mut Knowledge, table: Table) {
    for [code, name, class, source] in rows(table, ["code", "name", "class", "source"]) {
        let known = ErrorCode {
            class: word!(FailureClass, table, class),
            row: row(table, code, name, source),
        };
        let code = code.parse().expect("error_codes.csv: a code is a number");
        knowledge.error_codes.insert(code, known);
    }
}

/// What every class means, in the order of their list.
fn failure_classes(table: Table) -> Vec<ClassMeaning> {
    let columns = ["class", "ends", "ends_legacy", "password_verified"];
    let mut known = HashMap::new();
    for [class, ends, ends_legacy, password] in rows(table, columns) {
        let meaning = ClassMeaning {
            ends: word!(Ends, table, ends),
            ends_legacy: word!(Ends, table, ends_legacy),
            password_verified: word!(PasswordVerified, table, password),
        };
        known.insert(word!(FailureClass, table, class), meaning);
    }
    let all = FailureClass::ALL.iter();
    let meanings = all.map(|class| known.get(class).copied());
    let meanings: Option<Vec<ClassMeaning>> = meanings.collect();
    meanings.expect("failure_classes.csv has every class")
}

fn token_protocols(table: Table) -> Vec<(&'static str, TokenProtocol)> {
    let rows = rows(table, ["value", "auth_class", "source"]).into_iter();
    let protocol = |[value, class, source]: [&'static str; 3]| {
        let auth_class = word!(AuthClass, table, class);
        let row = row(table, value, "", source);
        (value, TokenProtocol { auth_class, row })
    };
    rows.map(protocol).collect()
}

fn grant_controls(table: Table) -> Vec<(Match, &'static str, GrantControl)> {
    let rows = rows(table, ["match", "control", "kind", "source"]).into_iter();
    let control = |[how, control, kind, source]: [&'static str; 4]| {
        let kind = word!(ControlKind, table, kind);
        let row = row(table, leak(format!("{how} {control}")), "", source);
        (match_of(table, how), control, GrantControl { kind, row })
    };
    rows.map(control).collect()
}

fn load_user_agents(knowledge: &mut Knowledge, table: Table) {
    let columns = [
        "match",
        "pattern",
        "client_family",
        "auth_class",
        "protocol",
        "source",
    ];
    for [how, pattern, family, class, protocol, source] in rows(table, columns) {
        let agent = UserAgent {
            client_family: family,
            auth_class: (!class.is_empty()).then(|| word!(AuthClass, table, class)),
            protocol: (!protocol.is_empty()).then(|| word!(Protocol, table, protocol)),
            row: row(table, leak(format!("{how} {pattern}")), "", source),
        };
        knowledge.families.push(family);
        let pattern = leak(pattern.to_ascii_lowercase());
        let how = match_of(table, how);
        knowledge.user_agents.push((how, pattern, agent));
    }
}

fn load_applications(knowledge: &mut Knowledge, table: Table) {
    let columns = ["app_id", "name", "kind", "client_family", "source"];
    for [id, name, kind, client_family, source] in rows(table, columns) {
        if !client_family.is_empty() {
            knowledge.families.push(client_family);
        }
        let application = Application {
            kind,
            client_family,
            row: row(table, id, name, source),
        };
        knowledge.applications.insert(id, application);
    }
}

/// A row without a protocol is of a group that only overrides lead to.
fn load_groups(knowledge: &mut Knowledge, table: Table) {
    let columns = ["protocol", "client_group", "recovered_by", "source"];
    for [protocol, name, recovered_by, source] in rows(table, columns) {
        let channels = recovered_by.split_whitespace();
        let channels: Vec<Channel> = channels.map(|it| word!(Channel, table, it)).collect();
        let known = knowledge.recovered_by.entry(name);
        let known = known.or_insert_with(|| channels.clone());
        assert_eq!(
            *known, channels,
            "{}: {name} recovers in two ways",
            table.name
        );
        if !protocol.is_empty() {
            let row = row(table, protocol, "", source);
            let protocol = word!(Protocol, table, protocol);
            knowledge.groups.insert(protocol, ClientGroup { name, row });
        }
    }
}

fn load_overrides(knowledge: &mut Knowledge, table: Table) {
    let columns = ["client_family", "protocol", "client_group", "source"];
    for [family, protocol, name, source] in rows(table, columns) {
        assert!(
            knowledge.recovered_by.contains_key(name),
            "{}: {name:?} is no client group",
            table.name
        );
        let row = row(table, leak(format!("{family}, {protocol}")), "", source);
        let protocol = (protocol != "*").then(|| word!(Protocol, table, protocol));
        let group = ClientGroup { name, row };
        knowledge.group_overrides.insert((family, protocol), group);
    }
}

fn row(table: Table, key: &'static str, name: &'static str, source: &'static str) -> &'static Row {
    Box::leak(Box::new(Row {
        table: table.name,
        key,
        name,
        source,
    }))
}

fn match_of(table: Table, how: &str) -> Match {
    match how {
        "exact" => Match::Exact,
        "prefix" => Match::Prefix,
        "contains" => Match::Contains,
        other => panic!("{}: {other:?} is no way to match", table.name),
    }
}

/// The named columns of a table's rows. The tables live as long as the program, so their cells do too.
fn rows<const N: usize>(table: Table, columns: [&str; N]) -> Vec<[&'static str; N]> {
    let mut reader = csv::Reader::from_reader(table.text.as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Why a table with this row instead of others is refused.
    fn refused(read: impl FnOnce(&mut Knowledge, Table), table: Table, line: &str) -> String {
        let header = table.text.lines().next().expect("a header");
        let text = leak(format!("{header}\n{line}\n"));
        let mut knowledge = load();
        let read = std::panic::AssertUnwindSafe(|| read(&mut knowledge, Table { text, ..table }));
        let panic = std::panic::catch_unwind(read).expect_err("it must be refused");
        panic.downcast_ref::<String>().expect("a message").clone()
    }

    #[test]
    fn a_word_outside_its_closed_list_is_refused() {
        let code = refused(load_error_codes, ERROR_CODES, "1,X,conditional_access,m,s");
        assert_eq!(
            code,
            "error_codes.csv: \"conditional_access\" is no FailureClass"
        );
        let group = refused(load_groups, CLIENT_GROUPS, "telnet,fax,,s");
        assert_eq!(group, "client_groups.csv: \"telnet\" is no Protocol");
        let any = refused(load_overrides, CLIENT_GROUP_OVERRIDES, "office,any,smtp,s");
        assert_eq!(any, "client_group_overrides.csv: \"any\" is no Protocol");
        let other = refused(load_overrides, CLIENT_GROUP_OVERRIDES, "office,*,fax,s");
        assert_eq!(
            other,
            "client_group_overrides.csv: \"fax\" is no client group"
        );
        let control = |_: &mut Knowledge, table| drop(grant_controls(table));
        let control = refused(control, GRANT_CONTROLS, "exact,block,stop,s");
        assert!(control.contains("\"stop\" is no"), "{control}");
    }

    #[test]
    fn a_group_recovers_as_its_table_says_and_in_one_way() {
        let recovered_by = |name: &str| load().recovered_by[name].clone();
        assert_eq!(recovered_by("ropc"), []);
        assert_eq!(recovered_by("ews_app"), [Channel::OtherMail]);
        let line = "smtp,smtp,outlook_web,s";
        let why = refused(load_groups, CLIENT_GROUPS, line);
        assert!(why.contains("smtp recovers in two ways"), "{why}");
    }

    #[test]
    fn an_override_for_the_protocol_comes_before_one_for_any() {
        let mut knowledge = load();
        let text = "client_family,protocol,client_group,source\nx,*,smtp,s\nx,ews,ews_app,s\n";
        let table = Table {
            text,
            ..CLIENT_GROUP_OVERRIDES
        };
        load_overrides(&mut knowledge, table);
        let group = |family: &str, protocol| {
            let found = knowledge.group_of_family(family, protocol);
            found.map(|group| group.name)
        };
        assert_eq!(group("x", Protocol::Ews), Some("ews_app"));
        assert_eq!(group("x", Protocol::Imap), Some("smtp"));
        assert_eq!(group("y", Protocol::Ews), None);
    }
}
