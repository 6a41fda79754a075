//! Explanations as JSON, for other programs: one document, a record a line.
//!
//! Pure. Values are whole; characters that could write on a terminal are written as escapes.

use serde_json::{Map, Value, json};

use super::story::{Became, Place, PolicySeen, Source, Story, Told};
use crate::cli::output::visible_json;
use crate::cli::report::json::SCHEMA_VERSION;
use crate::cli::report::words::exact;
use crate::domain::classify::TAXONOMY_VERSION;
use crate::domain::classify::trace::{Evidence, Step};

/// What stands before the records.
pub(super) fn head() -> String {
    let versions =
        format!("\"schema_version\":{SCHEMA_VERSION},\"taxonomy_version\":{TAXONOMY_VERSION}");
    format!("{{{versions},\"records\":[\n")
}

/// What stands after them.
pub(super) const TAIL: &str = "\n]}\n";

/// One record.
pub(super) fn told(told: &Told) -> String {
    let mut record = match &told.became {
        Became::SignIn(story) => sign_in(story),
        Became::PassedOver(category) => json!({"became": "passed_over", "category": category}),
        Became::Reject {
            reason,
            detail,
            raw,
            bytes,
        } => json!({
            "became": "reject",
            "reason": reason.name(),
            "detail": detail,
            "raw": String::from_utf8_lossy(raw),
            "bytes": bytes,
        }),
    };
    record["origin"] = origin(&told.place);
    visible_json(&record.to_string())
}

fn origin(place: &Place) -> Value {
    json!({
        "table": place.table,
        "stream": place.stream,
        "partition": place.partition,
        "offset": place.offset,
        "index": place.index,
    })
}

fn sign_in(story: &Story) -> Value {
    let verdict: Map<String, Value> = story
        .columns()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), some(value)))
        .collect();
    json!({
        "became": "sign_in",
        "tenant_id": some(&story.tenant_id),
        "id": some(&story.id),
        "event_time": exact(story.event_time),
        "user_id": some(&story.user_id),
        "user_principal_name": some(&story.user_principal_name),
        "verdict": verdict,
        "flags": story.flags,
        "policies": story.policies.iter().map(policy).collect::<Vec<_>>(),
        "decisions": story.steps.decisions().map(decision).collect::<Vec<_>>(),
        "stored": story.stored.as_ref().map(|stored| json!({
            "explained_from": if stored.from == Source::Raw { "raw" } else { "columns" },
            "taxonomy_version": stored.taxonomy_version,
            "differs": stored.differs.iter().map(|(column, stored, today)| json!({
                "column": column, "stored": some(stored), "today": some(today),
            })).collect::<Vec<_>>(),
        })),
    })
}

fn policy(policy: &PolicySeen) -> Value {
    json!({
        "id": some(&policy.id),
        "name": some(&policy.name),
        "result": some(&policy.result),
        "grant_controls": policy.grant_controls,
        "conditions_satisfied": policy.conditions_satisfied,
        "conditions_not_satisfied": policy.conditions_not_satisfied,
        "blocked": policy.blocked,
        "reason": policy.reason,
    })
}

fn decision(steps: &[Step]) -> Value {
    let last = steps.last();
    json!({
        "part": last.map(|step| step.part.name()),
        "decided": last.and_then(|step| step.decided),
        "rule": last.map(|step| step.rule),
        "tried": steps.iter().map(|step| json!({
            "rule": step.rule,
            "says": step.says,
            "applies": step.decided.is_some(),
            "evidence": step.evidence.iter().map(evidence).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn evidence(evidence: &Evidence) -> Value {
    json!({
        "field": evidence.field,
        "value": some(&evidence.value),
        "row": evidence.row.map(|row| json!({
            "table": row.table, "key": row.key, "name": some(row.name), "source": row.source,
        })),
    })
}

/// Null for nothing, as in the lake.
fn some(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::from(text)
    }
}
