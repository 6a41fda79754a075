//! The report as JSON, for other programs.
//!
//! Pure. `schema_version` goes up when a field changes its meaning or goes away.

use serde_json::{Value, json};

use super::groups::{Group, by_cause, loop_json};
use super::picture::{Health, OBJECTIVE, OBJECTIVE_SHARE, Picture, people};
use super::words::rfc3339;
use crate::domain::loops::MINUTE;
use crate::domain::loops::row::LoopRow;

/// Version of the shape of every JSON document of these commands.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The report on these batches.
#[must_use]
pub(crate) fn report(picture: &Picture, batches: &[&Health]) -> Value {
    let stuck_of = |batch: Option<&str>| -> Vec<Value> {
        let stuck = picture.stuck().filter(|row| row.batch.as_deref() == batch);
        by_cause(stuck, &picture.texts)
            .iter()
            .map(group_json)
            .collect()
    };
    let batch_json = |health: &&Health| {
        json!({
            "batch": health.batch,
            "first_cutover": rfc3339(health.first_cutover),
            "last_cutover": rfc3339(health.last_cutover),
            "migrated": health.migrated,
            "reconfigured": health.reconfigured,
            "reconfigured_share": share(health.reconfigured, health.migrated),
            "looping": health.looping,
            "silent": health.silent,
            "inactive": health.inactive,
            "pending": health.pending,
            "p50_minutes": health.p50_minutes,
            "p95_minutes": health.p95_minutes,
            "objective": {
                "minutes": OBJECTIVE / MINUTE,
                "share": OBJECTIVE_SHARE,
                "reached": share(health.within_objective, health.migrated),
                "state": health.objective(picture.instant()).name(),
            },
            "recovered": picture.recovered(&health.batch),
            "stuck": stuck_of(Some(&health.batch)),
        })
    };
    json!({
        "schema_version": SCHEMA_VERSION,
        "as_of": picture.now.map(rfc3339),
        "batches": batches.iter().map(batch_json).collect::<Vec<_>>(),
        "stuck_without_batch": stuck_of(None),
        "unrelated": people(picture.unrelated()),
        "attack_suspected": people(picture.attacks()),
    })
}

fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn group_json(group: &Group) -> Value {
    json!({
        "cause": group.cause,
        "title": group.title,
        "why": group.why,
        "people": group.people,
        "loops": group.loops.iter().map(|row: &&LoopRow| loop_json(row)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{attack, picture, stuck};
    use super::*;

    #[test]
    fn a_batch_has_its_health_objective_and_stuck_people() {
        let picture = picture(vec![stuck("anna@x.example"), attack("mia@x.example")]);
        let report = report(&picture, &picture.batches.iter().collect::<Vec<_>>());
        let batch = &report["batches"][0];
        let expected = json!({"minutes": 240, "share": 0.98, "reached": 0.7, "state": "missed"});
        assert_eq!(batch["objective"], expected);
        assert_eq!(batch["reconfigured_share"], 0.88);
        assert_eq!(batch["stuck"][0]["people"], 1);
        let first = &batch["stuck"][0]["loops"][0];
        assert_eq!(first["user_principal_name"], "anna@x.example");
        assert_eq!(first["first_attempt"], "2026-03-13T16:24:00Z");
        assert_eq!(first["evidence"]["codes"], "53003:412");
        let rest = [
            &report["schema_version"],
            &report["attack_suspected"],
            &report["unrelated"],
        ];
        assert_eq!(rest, [&json!(1), &json!(1), &json!(0)]);
        assert_eq!(report["as_of"], "2026-03-16T12:00:00Z");
    }
}
