//! The data tables, read once: rows of `schemas/*.csv` to look-ups.
//!
//! A table that does not read is a broken build, which a test catches.

use std::collections::HashMap;

use super::{
    Application, ClientApp, ClientGroup, ErrorCode, Knowledge, Match, ROPC_GROUP, Row,
    UNKNOWN_FAMILY, UserAgent,
};
use crate::domain::sign_in::{AuthClass, Channel, Protocol};

/// A table: its name and its text.
macro_rules! table {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../schemas/", $name)))
    };
}

/// Reads every table.
pub(super) fn load() -> Knowledge {
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
    load_apps_and_codes(&mut knowledge);
    load_user_agents(&mut knowledge);
    load_applications(&mut knowledge);
    load_groups(&mut knowledge);
    load_overrides(&mut knowledge);
    knowledge
        .recovered_by
        .entry(ROPC_GROUP)
        .or_insert_with(|| vec![Channel::OtherMail]);
    knowledge.families.sort_unstable();
    knowledge.families.dedup();
    knowledge
}

fn load_apps_and_codes(knowledge: &mut Knowledge) {
    let (table, text) = table!("client_apps.csv");
    for [value, class, protocol, source] in
        rows(text, ["value", "auth_class", "protocol", "source"])
    {
        let app = ClientApp {
            auth_class: class_of(class),
            protocol: protocol_of(protocol),
            row: row(table, value, "", source),
        };
        knowledge.client_apps.insert(value, app);
    }
    let (table, text) = table!("error_codes.csv");
    for [code, name, class, source] in rows(text, ["code", "name", "class", "source"]) {
        let row = row(table, code, name, source);
        let code = code.parse().expect("error_codes.csv: a code is a number");
        knowledge.error_codes.insert(code, ErrorCode { class, row });
    }
}

fn load_user_agents(knowledge: &mut Knowledge) {
    let columns = [
        "match",
        "pattern",
        "client_family",
        "auth_class",
        "protocol",
        "source",
    ];
    let (table, text) = table!("user_agents.csv");
    for [kind, pattern, family, class, protocol, source] in rows(text, columns) {
        let how = match kind {
            "prefix" => Match::Prefix,
            "contains" => Match::Contains,
            other => panic!("user_agents.csv: match is prefix or contains, not {other}"),
        };
        let agent = UserAgent {
            client_family: family,
            auth_class: (!class.is_empty()).then(|| class_of(class)),
            protocol: (!protocol.is_empty()).then(|| protocol_of(protocol)),
            row: row(table, leak(format!("{kind} {pattern}")), "", source),
        };
        knowledge.families.push(family);
        knowledge
            .user_agents
            .push((how, leak(pattern.to_ascii_lowercase()), agent));
    }
}

fn load_applications(knowledge: &mut Knowledge) {
    let columns = ["app_id", "name", "kind", "client_family", "source"];
    let (table, text) = table!("applications.csv");
    for [id, name, kind, client_family, source] in rows(text, columns) {
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

fn load_groups(knowledge: &mut Knowledge) {
    let columns = ["protocol", "client_group", "recovered_by", "source"];
    let (table, text) = table!("client_groups.csv");
    for [protocol, name, recovered_by, source] in rows(text, columns) {
        let channels = recovered_by.split_whitespace().map(|name| {
            Channel::parse(name)
                .unwrap_or_else(|| panic!("client_groups.csv: {name} is no channel"))
        });
        knowledge
            .recovered_by
            .entry(name)
            .or_insert_with(|| channels.collect());
        let row = row(table, protocol, "", source);
        if let Some(protocol) = Protocol::parse(protocol) {
            let group = ClientGroup { name, row };
            knowledge.groups.entry(protocol).or_insert(group);
        }
    }
}

fn load_overrides(knowledge: &mut Knowledge) {
    let columns = ["client_family", "protocol", "client_group", "source"];
    let (table, text) = table!("client_group_overrides.csv");
    for [family, protocol, name, source] in rows(text, columns) {
        knowledge
            .recovered_by
            .entry(name)
            .or_insert_with(|| vec![Channel::OtherMail]);
        let row = row(table, leak(format!("{family}, {protocol}")), "", source);
        knowledge.group_overrides.insert(
            (family, Protocol::parse(protocol)),
            ClientGroup { name, row },
        );
    }
}

fn row(
    table: &'static str,
    key: &'static str,
    name: &'static str,
    source: &'static str,
) -> &'static Row {
    Box::leak(Box::new(Row {
        table,
        key,
        name,
        source,
    }))
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
