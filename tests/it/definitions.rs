//! What others call legacy authentication beside what we do: every disagreement is listed in
//! `docs/definitions.md`, and every one has a reason in `schemas/definitions.toml`.
//!
//! The published samples lie beside the repository; without them their part of the document is left
//! as it is and not checked.

mod corpus;
mod document;
mod rule;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signloop::domain::sign_in::Category;

use crate::prometheus_rules::read;
use crate::schemas::UPDATE;
use document::{Comparison, DOCUMENT, Document};
use rule::{Cause, Definition, Definitions};

const HOW_TO_UPDATE: &str =
    "run: SIGNLOOP_UPDATE=1 cargo test --profile demo --test it definitions::";

fn definitions() -> Definitions {
    Definitions::parse(&read("schemas/definitions.toml"))
}

fn compare<M: AsRef<[u8]>>(
    definitions: &[Definition],
    messages: impl IntoIterator<Item = M>,
) -> (Comparison, u64) {
    let (mut compared, mut others) = (Comparison::default(), 0);
    for message in messages {
        others += corpus::judge(message.as_ref(), |sign_in, verdict| {
            compared.add(definitions, sign_in, verdict);
        });
    }
    (compared, others)
}

#[test]
fn every_definition_is_complete_and_six_are_public() {
    let all = definitions().definition;
    let mut names = BTreeSet::new();
    for definition in &all {
        let Definition {
            name,
            title,
            used_by,
            source,
            means,
            not_expressed,
            ..
        } = definition;
        assert!(names.insert(name.clone()), "{name} is there twice");
        for text in [title, used_by, source, means, not_expressed] {
            assert!(!text.trim().is_empty(), "{name} lacks a text");
            assert!(
                !text.contains(['|', '\n']),
                "{name}: {text:?} breaks a table"
            );
        }
        for category in &definition.rule.categories {
            let known = Category::of_log(category).map(Category::name);
            assert_eq!(known, Some(category.as_str()), "{name}");
        }
        let read_again = definition.reading_of.as_ref();
        assert!(
            read_again.is_none_or(|it| names.contains(it)),
            "{name} is read before it"
        );
    }
    assert_eq!(all.iter().filter(|it| it.reading_of.is_none()).count(), 6);
}

#[test]
fn every_client_app_and_deciding_tell_is_in_the_grid_as_logs_spell_it() {
    let spellings = definitions().spellings;
    let values = |table: &str, keep: fn(&csv::StringRecord) -> bool, column: usize| {
        let text = read(&format!("schemas/{table}.csv"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().map(Result::unwrap).filter(keep);
        rows.map(|row| row[column].to_owned())
            .collect::<BTreeSet<_>>()
    };
    let apps: BTreeSet<String> = spellings.client_apps.keys().cloned().collect();
    assert_eq!(apps, values("client_apps", |_| true, 0));
    let tells: BTreeSet<String> = spellings.user_agents.keys().cloned().collect();
    assert_eq!(tells, values("user_agents", |row| !row[3].is_empty(), 1));
    for (value, written) in spellings.client_apps.iter().chain(&spellings.user_agents) {
        assert!(!written.is_empty(), "{value}");
        for spelling in written {
            let lower = spelling.to_lowercase();
            let bare = lower.strip_prefix("other clients; ").unwrap_or(&lower);
            assert_eq!(bare, value);
        }
    }
}

/// A sign-in of a member at home, seen by a policy, that got in; with these fields instead.
fn sign_in(changes: &Value) -> String {
    let mut record = json!({
        "time": "2026-03-13T16:02:00Z", "category": "SignInLogs",
        "operationName": "Sign-in activity", "resultType": "0",
        "properties": {
            "id": "a", "createdDateTime": "2026-03-13T16:00:00Z", "clientAppUsed": "IMAP4",
            "userPrincipalName": "ann@contoso.example", "userType": "Member",
            "homeTenantId": "home", "resourceTenantId": "home", "status": {"errorCode": 0},
            "appliedConditionalAccessPolicies": [{"id": "p", "result": "notApplied"}],
        },
    });
    for (key, value) in changes.as_object().unwrap() {
        let at_the_top = record.get(key).is_some();
        let place = if at_the_top {
            &mut record
        } else {
            &mut record["properties"]
        };
        place[key] = value.clone();
    }
    record.to_string()
}

/// Which definitions call a sign-in with these changes legacy.
#[track_caller]
fn check_legacy_by(changes: &Value, expected: &[&str]) {
    let (all, mut found) = (definitions().definition, Vec::new());
    let others = corpus::judge(sign_in(changes).as_bytes(), |sign_in, _| {
        let says_so = all.iter().filter(|it| it.rule.is_legacy(sign_in));
        found = says_so.map(|it| it.name.clone()).collect();
    });
    assert_eq!(others, 0, "{changes}");
    assert_eq!(found, expected, "{changes}");
}

const PAGE: &str = "microsoft_workbook";
const ACCESS: &str = "microsoft_conditional_access";
const ELASTIC: &str = "elastic";
const PANTHER: &str = "panther";
const SIGMA: &str = "sigma_without_placeholder";
const KQL: &str = "community_kql";

#[test]
fn a_definition_knows_the_clients_that_its_text_names() {
    let check = |app: &str, expected: &[&str]| {
        check_legacy_by(&json!({"clientAppUsed": app}), expected);
    };
    check("IMAP4", &[PAGE, ACCESS, ELASTIC, KQL]);
    check("imap4", &[PAGE, ACCESS]);
    check("IMAP", &[PAGE, ACCESS, SIGMA]);
    check("imap", &[PAGE, ACCESS, SIGMA]);
    check("AutoDiscover", &[PAGE, ACCESS, KQL]);
    check("Autodiscover", &[PAGE, ACCESS, ELASTIC]);
    check("Unknown", &[PAGE, ACCESS, KQL]);
    check("", &[PAGE, ACCESS]);
    check("Browser", &[]);
    let check = |agent: &str, expected: &[&str]| {
        let changes = json!({"clientAppUsed": "Browser", "userAgent": agent, "status": null});
        check_legacy_by(&changes, expected);
    };
    check("BAV2ROPC", &[PANTHER]);
    check("bav2ropc", &[]);
    check("BAV2ROPC/1.0", &[]);
}

#[test]
fn a_definition_leaves_out_what_its_text_leaves_out() {
    let check = |changes: Value, expected: &[&str]| check_legacy_by(&changes, expected);
    let everybody = [PAGE, ACCESS, ELASTIC, "sigma", SIGMA, KQL];
    check(
        json!({"clientAppUsed": "Exchange ActiveSync", "userPrincipalName": "UPN"}),
        &everybody,
    );
    let blocked = json!({"resultType": "53003", "status": {"errorCode": 53003}});
    check(blocked, &[PAGE]);
    check(
        json!({"category": "NonInteractiveUserSignInLogs"}),
        &[PAGE, ELASTIC, KQL],
    );
    check(json!({"category": "ADFSSignInLogs"}), &[ELASTIC]);
    check(
        json!({"homeTenantId": "elsewhere", "userType": "Guest"}),
        &[ACCESS, KQL],
    );
    check(
        json!({"appliedConditionalAccessPolicies": []}),
        &[PAGE, ELASTIC, KQL],
    );
    check(
        json!({"operationName": "Something else"}),
        &[PAGE, ACCESS, KQL],
    );
}

#[test]
fn every_disagreement_has_a_reason_and_every_reason_is_used() {
    let Definitions {
        spellings,
        definition: mut all,
    } = definitions();
    let (grid, others) = compare(&all, corpus::grid(&spellings));
    let (synthetic, _) = compare(&all, corpus::synthetic());
    assert_eq!(others, 0, "every record of the grid is a sign-in");
    let complaints = |all: &[Definition]| document::complaints(all, &[&grid, &synthetic]);
    assert_eq!(complaints(&all), Vec::<String>::new());

    // What is checked above would be noticed.
    let taken = all[0].reasons.remove(&Cause::NoClientApp).unwrap();
    all[1].reasons.insert(Cause::UserName, taken);
    let noticed = [
        "microsoft_workbook: no reason for NoClientApp",
        "microsoft_conditional_access: nothing needs UserName",
    ];
    assert_eq!(complaints(&all), noticed);
}

#[test]
fn what_an_attacker_calls_a_client_breaks_no_table() {
    let all = definitions().definition;
    let hostile = json!({"clientAppUsed": "x` | <b>y\n| z\u{1b}[2J |"});
    let (compared, others) = compare(&all, [sign_in(&hostile)]);
    assert_eq!((compared.totals(&all[0]), others), ([0, 0, 1], 0));
    let told = document::published(&all, &compared, 0);
    let line = told.lines().find(|line| line.contains("`x ")).unwrap();
    assert!(line.contains("`x  b>y z[2J `"), "{line}");
    assert_eq!(line.matches('|').count(), 7, "{line}");
}

#[test]
fn the_document_of_definitions_is_up_to_date() {
    let Definitions {
        spellings,
        definition: all,
    } = definitions();
    let (grid, _) = compare(&all, corpus::grid(&spellings));
    let (synthetic, _) = compare(&all, corpus::synthetic());
    let mut written = Document::read();
    let told = document::disagreements(&all, &grid, &synthetic);
    let published = corpus::published().map(|files| {
        let (compared, unread) = compare(&all, files.into_iter().flat_map(|(_, it)| it));
        check_published(&all, &compared, unread);
        document::published(&all, &compared, unread)
    });
    if std::env::var_os(UPDATE).is_some() {
        written.told = told.clone();
        written.published = published.clone().unwrap_or(written.published);
        written.write();
    }
    check_part(&told, &written.told);
    if let Some(published) = published {
        check_part(&published, &written.published);
    }
}

/// Every published record is there, and their disagreements have reasons too.
fn check_published(all: &[Definition], compared: &Comparison, unread: u64) {
    assert_eq!(
        compared.sign_ins + unread,
        86,
        "the records that the samples' own list counts"
    );
    for definition in all {
        let given = definition.reasons.keys().copied().collect();
        let lacking: Vec<_> = compared
            .causes(definition)
            .difference(&given)
            .copied()
            .collect();
        assert_eq!(lacking, [], "{}: causes without a reason", definition.name);
    }
}

#[track_caller]
fn check_part(told: &str, written: &str) {
    let differs = told
        .lines()
        .zip(written.lines())
        .find(|(left, right)| left != right);
    assert!(
        told == written,
        "{DOCUMENT} is not up to date, {HOW_TO_UPDATE}\n{differs:?}"
    );
}
