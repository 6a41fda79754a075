//! Explanations for people, on a terminal.
//!
//! Pure. Whatever comes from a record is cut and made harmless before it is written.

use std::fmt::Write as _;

use super::story::{Became, Place, PolicySeen, Source, Story, Told};
use crate::cli::report::words::{exact, number, shown};
use crate::domain::classify::TAXONOMY_VERSION;
use crate::domain::classify::trace::{Part, Step};
use crate::domain::knowledge::Row;

/// Characters of a value that are shown: a user agent fits, a book does not.
const VALUE_CHARS: usize = 160;
/// Columns of a terminal; what a rule looked at goes to the next line if it would pass them.
const WIDTH: usize = 100;
/// Policies of a record that are listed; those that blocked come first.
const POLICIES_SHOWN: usize = 20;

/// One record, with a line break at the end.
pub(super) fn told(told: &Told) -> String {
    let from = place(&told.place);
    match &told.became {
        Became::SignIn(story) => sign_in(story, &from),
        Became::PassedOver(category) => format!(
            "passed over: a record of another log, {}\n  from {from}\n",
            cut(category)
        ),
        Became::Reject {
            reason,
            detail,
            raw,
            bytes,
        } => format!(
            "reject: {reason}, {}\n  from {from}\n  {} bytes: {}\n",
            cut(detail),
            number(*bytes as u64),
            cut(&String::from_utf8_lossy(raw))
        ),
    }
}

fn place(place: &Place) -> String {
    let origin = format!(
        "{}, partition {}, offset {}, record {}",
        cut(&place.stream),
        place.partition,
        place.offset,
        place.index
    );
    match place.table {
        Some(table) => format!("the table {table}: {origin}"),
        None => format!(
            "{}, byte {}, record {}",
            cut(&place.stream),
            place.offset,
            place.index
        ),
    }
}

fn sign_in(story: &Story, from: &str) -> String {
    let mut out = format!(
        "sign-in {} of {}, {}\n  from {from}\n",
        or(&story.id, "without an id"),
        or(&story.user_principal_name, "nobody named"),
        exact(story.event_time)
    );
    let _ = writeln!(out, "  {}", in_short(story));
    if !story.flags.is_empty() {
        let _ = writeln!(out, "  flags: {}", story.flags.join(", "));
    }
    told_of_the_lake(story, &mut out);
    policies(story, &mut out);
    let mut blocked = story.policies.iter().filter(|policy| policy.blocked);
    for steps in story.steps.decisions() {
        let is_policy = steps.last().is_some_and(|step| step.part == Part::Policy);
        let of = if is_policy { blocked.next() } else { None };
        decision(steps, of, &mut out);
    }
    out
}

/// The verdict in one line.
fn in_short(story: &Story) -> String {
    let verdict = &story.verdict;
    let why = match (verdict.block_reason, verdict.failure_class) {
        (Some(reason), _) => format!(" ({})", reason.name()),
        (None, Some(class)) => format!(" ({class})"),
        (None, None) => String::new(),
    };
    let signal = story.decided(Part::Signal).and_then(|step| step.decided);
    let group = story
        .decided(Part::ClientGroup)
        .and_then(|step| step.decided);
    let signal = match (signal, group) {
        (Some("attempt"), Some(group)) => format!("counts as a loop attempt of {group}"),
        (Some(signal), Some(group)) => format!("counts as {signal} of {group}"),
        (Some("none") | None, _) => "counts for no loop".to_owned(),
        (Some(signal), None) => format!("counts as {signal}"),
    };
    format!(
        "{}, {}, {}, {}{why}; {signal}; rules and tables of version {TAXONOMY_VERSION}",
        verdict.auth_class.name(),
        verdict.protocol.name(),
        verdict.client_family,
        verdict.outcome.name()
    )
}

fn told_of_the_lake(story: &Story, out: &mut String) {
    let Some(stored) = &story.stored else { return };
    let why = match stored.from {
        Source::Raw => None,
        Source::Columns => Some("the record was not kept"),
        Source::ColumnsInstead => {
            Some("what was kept says too little by itself (a row of a table without its header?)")
        }
    };
    if let Some(why) = why {
        let _ = writeln!(
            out,
            "  {why}, so this is told from the columns; they do not hold authenticationDetails"
        );
    }
    for (column, stored_value, today) in &stored.differs {
        let _ = writeln!(
            out,
            "  the lake has {column} {} by version {}, these rules have {}",
            or(stored_value, "none"),
            stored.taxonomy_version,
            or(today, "none")
        );
    }
}

fn policies(story: &Story, out: &mut String) {
    let (blocked, others): (Vec<_>, Vec<_>) =
        story.policies.iter().partition(|policy| policy.blocked);
    if story.policies.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "  policies: {} in the record, {} of them blocked it",
        story.policies.len(),
        blocked.len()
    );
    for policy in blocked.into_iter().chain(others).take(POLICIES_SHOWN) {
        let _ = writeln!(out, "    {}", policy_line(policy));
    }
    if story.policies.len() > POLICIES_SHOWN {
        let more = story.policies.len() - POLICIES_SHOWN;
        let _ = writeln!(out, "    and {more} more");
    }
}

fn policy_line(policy: &PolicySeen) -> String {
    let mut line = format!(
        "{} {}: {}",
        if policy.blocked { "by" } else { "not by" },
        policy_name(policy),
        or(&policy.result, "no result")
    );
    if !policy.grant_controls.is_empty() {
        let controls = policy.grant_controls.join(", ");
        let _ = write!(line, "; demands {}", cut(&controls));
    }
    if let Some(conditions) = &policy.conditions_satisfied {
        let _ = write!(line, "; met {}", cut(conditions));
    }
    if let Some(conditions) = &policy.conditions_not_satisfied {
        let _ = write!(line, "; not met {}", cut(conditions));
    }
    line
}

fn policy_name(policy: &PolicySeen) -> String {
    let id = or(&policy.id, "no id");
    format!("\"{}\" ({id})", cut(&policy.name))
}

fn decision(steps: &[Step], policy: Option<&PolicySeen>, out: &mut String) {
    let Some(last) = steps.last() else { return };
    let of = policy.map_or(String::new(), |policy| format!(" {}", policy_name(policy)));
    let _ = writeln!(
        out,
        "{}{of}: {}, decided by {}",
        last.part.name(),
        last.decided.unwrap_or("nothing"),
        last.rule
    );
    let mut told = Vec::new();
    for step in steps {
        let mark = if step.decided.is_some() { "yes" } else { "no " };
        let seen = step.evidence.iter().map(|evidence| {
            let value = or(&evidence.value, "absent");
            format!("{} = {value}", evidence.field)
        });
        let seen = seen.collect::<Vec<_>>().join(", ");
        let rule = format!("  {mark} {}: {}", step.rule, step.says);
        let is_long = rule.chars().count() + seen.chars().count() + 3 > WIDTH;
        let between = if is_long { "\n       " } else { "" };
        let _ = writeln!(out, "{rule}{between} ({seen})");
        for row in step.evidence.iter().filter_map(|evidence| evidence.row) {
            if !told.contains(&row) {
                told.push(row);
                knowledge(row, out);
            }
        }
    }
}

fn knowledge(row: &Row, out: &mut String) {
    let name = match row.name {
        "" => String::new(),
        name => format!(" {name}"),
    };
    let _ = writeln!(
        out,
        "        {}: \"{}\"{name}, from {}",
        row.table, row.key, row.source
    );
}

/// A value, or the words for nothing.
fn or(value: &str, nothing: &str) -> String {
    if value.is_empty() {
        nothing.to_owned()
    } else {
        cut(value)
    }
}

/// A value of a record on one line: harmless, and not longer than people read.
fn cut(value: &str) -> String {
    let letters = value.chars().count();
    if letters <= VALUE_CHARS {
        return shown(value);
    }
    let start: String = value.chars().take(VALUE_CHARS).collect();
    format!("{}… ({} characters)", shown(&start), number(letters as u64))
}
