//! The sign-ins on which definitions are compared: a grid of everything that the tables know, a
//! synthetic tenant, and the published records beside the repository where they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signloop::domain::classify::{Classifier, Verdict};
use signloop::domain::decode::normalise::{Normalised, SignIn, normalise};
use signloop::domain::decode::{Decoder, Piece};
use signloop::domain::knowledge::Knowledge;
use signloop::domain::sign_in::Category;
use signloop::generate::tenant;

use super::rule::Spellings;
use crate::prometheus_rules::shipped;
use crate::weekend;

/// People of the synthetic tenant, how many of its records are taken, and each how manieth.
const PEOPLE: u32 = 120;
const RECORDS: usize = 600;
const EVERY: usize = 15;

/// Who signs in: a member or a guest, with or without a policy that looked at it.
const PEOPLE_OF_GRID: [(&str, &str, &str); 3] = [
    ("Member", "home", r#"[{"id":"p","result":"notApplied"}]"#),
    ("Member", "home", "[]"),
    (
        "Guest",
        "elsewhere",
        r#"[{"id":"p","result":"notApplied"}]"#,
    ),
];

/// Hands every sign-in of a message with our verdict to `see`; tells how many records gave none.
pub fn judge(message: &[u8], mut see: impl FnMut(&SignIn, &Verdict)) -> u64 {
    let (mut classifier, mut others) = (Classifier::new(Knowledge::builtin()), 0);
    Decoder::default().decode(message, &mut |piece| match piece {
        Piece::Record { record, .. } => match normalise(record, None) {
            Normalised::SignIn(sign_in) => see(&sign_in, &classifier.classify(&sign_in)),
            Normalised::PassedOver(_) | Normalised::Reject(..) => others += 1,
        },
        Piece::Reject(_) => others += 1,
    });
    others
}

/// Client app x user agent x protocol x log x person x outcome, one page for each client app.
pub fn grid(spellings: &Spellings) -> impl Iterator<Item = String> + '_ {
    let agents = user_agents(spellings);
    let apps = spellings.client_apps.values().flatten();
    apps.map(move |app| {
        let mut records = Vec::new();
        for agent in &agents {
            for category in Category::ALL {
                records.extend(records_of(app, agent, *category));
            }
        }
        format!("{{\"records\":[{}]}}", records.join(","))
    })
}

fn records_of(app: &str, agent: &str, category: Category) -> Vec<String> {
    let mut records = Vec::new();
    for protocol in ["none", "ropc", "oAuth2"] {
        for code in [0, 53003] {
            for (kind, home, policies) in PEOPLE_OF_GRID {
                // Only a person is a member or a guest.
                let kind = if category.is_user() { kind } else { "" };
                let category = category.name();
                records.push(format!(
                    r#"{{"time":"2026-03-13T16:02:00Z","category":"{category}",
                    "operationName":"Sign-in activity","resultType":"{code}","properties":{{
                    "id":"a","createdDateTime":"2026-03-13T16:00:00Z","clientAppUsed":"{app}",
                    "userAgent":"{agent}","authenticationProtocol":"{protocol}",
                    "userPrincipalName":"ann@contoso.example","userType":"{kind}",
                    "homeTenantId":"{home}","resourceTenantId":"home",
                    "status":{{"errorCode":{code}}},
                    "appliedConditionalAccessPolicies":{policies}}}}}"#
                ));
            }
        }
    }
    records
}

/// No tell, every tell that alone decides in every spelling, and one user agent of each family.
pub fn user_agents(spellings: &Spellings) -> BTreeSet<String> {
    let mut agents = BTreeSet::from([String::new()]);
    let mut families = BTreeSet::new();
    let text = fs::read(shipped("schemas/user_agents.csv")).unwrap();
    for row in csv::Reader::from_reader(text.as_slice()).records() {
        let row = row.unwrap();
        let (pattern, family, class) = (&row[1], &row[2], &row[3]);
        if !class.is_empty() {
            let written = spellings.user_agents.get(pattern);
            agents.extend(
                written
                    .unwrap_or_else(|| panic!("no spelling of {pattern}"))
                    .clone(),
            );
        } else if families.insert(family.to_owned()) {
            agents.insert(pattern.to_owned());
        }
    }
    agents
}

/// Some hundred records of a migration weekend, spread over it.
pub fn synthetic() -> Vec<String> {
    let tenant = tenant(&weekend::plan(PEOPLE));
    let spread = tenant.events().step_by(EVERY).take(RECORDS);
    spread.map(|event| event.json).collect()
}

/// The published samples, if they lie beside the repository: each file's name and messages.
pub fn published() -> Option<Vec<(String, Vec<Vec<u8>>)>> {
    let folder = shipped("../shared/data/signins");
    if !folder.is_dir() {
        println!("{} is absent: its part is not checked", folder.display());
        return None;
    }
    let mut paths = Vec::new();
    collect(&folder, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        (name, messages(&path))
    };
    Some(paths.into_iter().map(read).collect())
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

/// The records of a file in a form that is read: rows of a table and records kept as text are put
/// into it here, since the definitions are compared and not the ways of export.
fn messages(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|it| it == "csv") {
        return rows(&bytes);
    }
    match serde_json::from_slice::<Vec<Value>>(&bytes) {
        Ok(list) if list.iter().all(|item| item["_raw"].is_string()) => {
            let texts = list.iter().map(|item| item["_raw"].as_str().unwrap());
            texts.map(|text| text.as_bytes().to_vec()).collect()
        }
        _ => vec![bytes],
    }
}

/// Rows of a Log Analytics table. The time is not compared, so any will do.
fn rows(bytes: &[u8]) -> Vec<Vec<u8>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    let record = |row: csv::StringRecord| {
        let cell = |name: &str| {
            let place = header.iter().position(|column| column == name);
            row[place.unwrap_or_else(|| panic!("no column {name}"))].to_owned()
        };
        let parsed = |name: &str| serde_json::from_str::<Value>(&cell(name)).unwrap();
        json!({"category": cell("Category"), "operationName": cell("OperationName"),
            "resultType": cell("ResultType"), "properties": {
            "id": cell("Id"), "createdDateTime": "2021-04-28T14:00:00Z",
            "clientAppUsed": cell("ClientAppUsed"), "userAgent": cell("UserAgent"),
            "userPrincipalName": cell("UserPrincipalName"), "userType": cell("UserType"),
            "homeTenantId": cell("HomeTenantId"), "resourceTenantId": cell("ResourceTenantId"),
            "status": parsed("Status_dynamic"),
            "appliedConditionalAccessPolicies": parsed("ConditionalAccessPolicies_dynamic")}})
    };
    let records = reader.records().map(|row| record(row.unwrap()));
    records
        .map(|record| record.to_string().into_bytes())
        .collect()
}
