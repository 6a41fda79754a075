//! Stuck people by cause, so that the same advice is given once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::picture::people;
use super::words;
use crate::domain::causes::texts::CauseTexts;
use crate::domain::loops::row::LoopRow;

/// Loops with one cause.
pub(crate) struct Group<'a> {
    /// Stable name of the cause.
    pub cause: &'a str,
    /// A few words.
    pub title: &'a str,
    /// What happens and why.
    pub why: &'a str,
    /// Its loops, most attempts first.
    pub loops: Vec<&'a LoopRow>,
    /// How many people they are of.
    pub people: usize,
}

/// Groups loops, the cause that most people share first.
#[must_use]
pub(crate) fn by_cause<'a>(
    loops: impl Iterator<Item = &'a LoopRow>,
    texts: &'a CauseTexts,
) -> Vec<Group<'a>> {
    let mut by_cause: BTreeMap<&str, Vec<&LoopRow>> = BTreeMap::new();
    for row in loops {
        by_cause.entry(&row.cause).or_default().push(row);
    }
    let mut groups: Vec<Group> = by_cause
        .into_iter()
        .map(|(cause, loops)| group(cause, loops, texts))
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.people));
    groups
}

fn group<'a>(cause: &'a str, mut loops: Vec<&'a LoopRow>, texts: &'a CauseTexts) -> Group<'a> {
    loops.sort_by(|a, b| {
        b.attempts
            .cmp(&a.attempts)
            .then_with(|| a.user_principal_name.cmp(&b.user_principal_name))
    });
    let text = texts.get(cause);
    Group {
        cause,
        title: text.map_or(cause, |text| text.title.as_str()),
        why: text.map_or("", |text| text.why.as_str()),
        people: people(loops.iter().copied()),
        loops,
    }
}

/// A loop as JSON: the columns of the table by their names, times in RFC 3339.
#[must_use]
pub(crate) fn loop_json(row: &LoopRow) -> Value {
    let time = |instant: Option<i64>| instant.map(words::rfc3339);
    json!({
        "loop_id": row.loop_id,
        "user_id": crate::lake::findings::guid_text(row.user),
        "user_principal_name": row.user_principal_name,
        "client_group": row.client_group,
        "client_family": row.client_family,
        "protocols": row.protocols.iter().map(|protocol| protocol.name()).collect::<Vec<_>>(),
        "kind": row.kind.name(),
        "verdict": row.verdict.name(),
        "first_attempt": words::rfc3339(row.first_attempt),
        "last_attempt": words::rfc3339(row.last_attempt),
        "recovered_at": time(row.recovered_at),
        "attempts": row.attempts,
        "distinct_ips": row.distinct_ips,
        "batch": row.batch,
        "cutover_at": time(row.cutover_at),
        "minutes_since_cutover": row.minutes_since_cutover,
        "cause": row.cause,
        "cause_confidence": row.cause_confidence,
        "evidence": serde_json::from_str::<Value>(&row.evidence).unwrap_or_default(),
        "fix": row.fix,
        "state": row.state.name(),
        "ending": row.ending.map(|ending| ending.name()),
    })
}
