//! Sign-ins of the lake by their id: the record as it was kept, or put together from the columns.

use std::path::Path;

use serde_json::{Value, json};

use super::story::{Became, Explainer, Place, Source, Stored, Story, Told};
use crate::cli::report::words::{shell_word, shown};
use crate::cli::{Failure, service};
use crate::lake::names;
use crate::lake::raw::bytes_of;
use crate::lake::sql::Session;
use crate::source::Form;

/// Rows of one id and table that are explained: an attacker can send copies without end.
const ROWS_MAX: usize = 20;

/// Every stored sign-in with this id, and its later revisions.
pub(super) fn explained(
    lake: &Path,
    id: &str,
    explainer: &mut Explainer,
) -> Result<Vec<Told>, Failure> {
    let mut found = Vec::new();
    for (table, row) in rows(lake, id)? {
        found.extend(explain(table, &row, explainer));
    }
    if found.is_empty() {
        let lake = shell_word(lake);
        return Err(Failure::invalid(format!(
            "no sign-in in the lake {lake} has the id \"{}\"; see which there are with: \
             signloop sql --lake {lake} \"SELECT event_time, user_principal_name, outcome, id FROM sign_ins \
             ORDER BY event_time DESC LIMIT 10\"",
            shown(&id.chars().take(100).collect::<String>())
        )));
    }
    Ok(found)
}

fn rows(lake: &Path, id: &str) -> Result<Vec<(&'static str, Value)>, Failure> {
    let runtime = service::runtime()?;
    let session = runtime.block_on(Session::open(lake))?;
    let mut rows = Vec::new();
    for table in [names::SIGN_INS, names::SIGN_IN_REVISIONS] {
        let most = ROWS_MAX + 1;
        let sql = format!(
            "SELECT * FROM {table} WHERE id IN ({}, {}) ORDER BY event_time LIMIT {most}",
            quoted(id),
            quoted(&id.to_lowercase())
        );
        let (_, batches) = runtime.block_on(session.query(&sql))?;
        let mut bytes = Vec::new();
        let mut writer = arrow::json::ArrayWriter::new(&mut bytes);
        writer
            .write_batches(&batches.iter().collect::<Vec<_>>())
            .and_then(|()| writer.finish())
            .map_err(Failure::new)?;
        drop(writer);
        if !bytes.is_empty() {
            let mut values: Vec<Value> = serde_json::from_slice(&bytes).map_err(Failure::new)?;
            if values.len() > ROWS_MAX {
                tracing::warn!(
                    table,
                    "only the first {ROWS_MAX} rows of this id are explained"
                );
                values.truncate(ROWS_MAX);
            }
            rows.extend(values.into_iter().map(|value| (table, value)));
        }
    }
    Ok(rows)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn explain(table: &'static str, row: &Value, explainer: &mut Explainer) -> Vec<Told> {
    let place = Place {
        table: Some(table),
        stream: text(row, "origin_stream").to_owned(),
        partition: number(row, "origin_partition") as i32,
        offset: number(row, "origin_offset"),
        index: number(row, "origin_index") as i32,
    };
    let mut told_of = |record: &[u8]| {
        let mut found = Vec::new();
        explainer.message(record, &Form::Json, place.clone(), &mut |told| {
            // A record in the lake is one record, whatever stands in it.
            found.push(Told {
                place: place.clone(),
                ..told
            });
        });
        found
    };
    let raw = text(row, "raw");
    let mut found = told_of(&bytes_of(raw));
    let is_sign_in = |told: &Told| matches!(told.became, Became::SignIn(_));
    let from = if raw.is_empty() {
        Source::Columns
    } else if found.iter().any(is_sign_in) {
        Source::Raw
    } else {
        Source::ColumnsInstead
    };
    if from != Source::Raw {
        found = told_of(record_of(row).to_string().as_bytes());
    }
    for told in &mut found {
        if let Became::SignIn(story) = &mut told.became {
            story.id = text(row, "id").to_owned();
            story.stored = Some(stored(row, story, from));
        }
    }
    found
}

fn stored(row: &Value, story: &Story, from: Source) -> Stored {
    let columns = story.columns().into_iter();
    let differs = columns.filter_map(|(name, today)| {
        let stored = text(row, name);
        (stored != today).then(|| (name, stored.to_owned(), today.to_owned()))
    });
    Stored {
        from,
        taxonomy_version: number(row, "taxonomy_version"),
        differs: differs.collect(),
    }
}

/// The record that a row stands for, as far as the columns tell.
fn record_of(row: &Value) -> Value {
    let policies = row["policies"].as_array().map_or(&[][..], Vec::as_slice);
    let policies = policies.iter().map(|policy| {
        json!({
            "id": policy["id"],
            "displayName": policy["name"],
            "result": policy["result"],
            "enforcedGrantControls": policy["grant_controls"],
            "conditionsSatisfied": policy["conditions_satisfied"],
            "conditionsNotSatisfied": policy["conditions_not_satisfied"],
        })
    });
    json!({
        "time": row["publish_time"],
        "category": row["category"],
        "tenantId": row["tenant_id"],
        "properties": {
            "id": row["id"],
            "createdDateTime": row["event_time"],
            "userId": row["user_id"],
            "userPrincipalName": row["user_principal_name"],
            "appId": row["app_id"],
            "resourceId": row["resource_id"],
            "clientAppUsed": row["client_app_used"],
            "userAgent": row["user_agent"],
            "authenticationProtocol": row["authentication_protocol"],
            "status": {"errorCode": row["error_code"]},
            "appliedConditionalAccessPolicies": policies.collect::<Vec<_>>(),
        }
    })
}

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or("")
}

fn number(row: &Value, column: &str) -> i64 {
    row[column].as_i64().unwrap_or(0)
}
