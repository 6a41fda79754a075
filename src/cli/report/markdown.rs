//! The report as Markdown, for a ticket or a wiki.
//!
//! Pure. Names are code spans, everything else from a lake is escaped, commands are in fences that
//! are longer than any run of backticks within them.

use std::collections::BTreeSet;

use super::groups::{Group, by_cause};
use super::picture::{Health, Picture, people};
use super::text::{cutovers, health_line, objective};
use super::words::{
    clock, code, count, date_and_time, fix_parts, going_on, markdown, number, software,
};
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::Kind;

/// The report on these batches.
#[must_use]
pub fn report(picture: &Picture, batches: &[&Health]) -> String {
    let now = picture.instant();
    let mut told = BTreeSet::new();
    let mut out = format!("# Migration report\n\nAs of {}.\n", date_and_time(now));
    for health in batches {
        out.push_str(&format!("\n## {}\n\n", markdown(&health.batch)));
        for line in [
            cutovers(health),
            health_line(health),
            objective(health, now),
        ] {
            out.push_str(&format!("- {}\n", markdown(&line)));
        }
        let recovered = picture.recovered(&health.batch);
        if recovered > 0 {
            out.push_str(&format!(
                "- {} stuck for a while and recovered\n",
                count(recovered, "person was", "people were")
            ));
        }
        let stuck = picture
            .stuck()
            .filter(|row| row.batch.as_deref() == Some(&health.batch));
        by_cause(stuck, &picture.texts)
            .iter()
            .for_each(|group| out.push_str(&group_text(group, now, &mut told)));
    }
    let delegates: Vec<&LoopRow> = picture
        .stuck()
        .filter(|row| row.kind == Kind::Delegate && row.batch.is_none())
        .collect();
    if !delegates.is_empty() {
        out.push_str("\n## People who were not moved themselves\n");
        by_cause(delegates.into_iter(), &picture.texts)
            .iter()
            .for_each(|group| out.push_str(&group_text(group, now, &mut told)));
    }
    out.push_str(&notes(picture));
    out
}

fn group_text(group: &Group, now: i64, told: &mut BTreeSet<String>) -> String {
    let stuck = count(group.people, "person is stuck", "people are stuck");
    let mut out = format!("\n### {stuck}: {}\n\n", markdown(group.title));
    out.push_str("| who | client | since (UTC) | attempts | now |\n|---|---|---|---:|---|\n");
    for row in &group.loops {
        let name = code(&row.user_principal_name);
        let (client, since, now) = (
            markdown(&software(row)),
            clock(row.first_attempt),
            going_on(row, now),
        );
        out.push_str(&format!(
            "| {name} | {client} | {since} | {} | {now} |\n",
            number(u64::try_from(row.attempts).unwrap_or(0))
        ));
    }
    match group.loops.first() {
        Some(first) if told.insert(group.cause.to_owned()) => out.push_str(&advice(group, first)),
        _ => out.push_str("\nWhy and what to do: as above.\n"),
    }
    out
}

/// Why, what to tell people, what to run: once for a cause, with the first one's name filled in.
fn advice(group: &Group, first: &LoopRow) -> String {
    let mut out = String::new();
    let (tell, commands) = fix_parts(&first.fix);
    for (label, text) in [("Why", group.why), ("Tell them", tell.as_str())] {
        if !text.is_empty() {
            out.push_str(&format!("\n**{label}.** {}\n", markdown(text)));
        }
    }
    if !commands.is_empty() {
        let others = if group.people > 1 {
            ", and likewise for the others"
        } else {
            ""
        };
        let who = code(&first.user_principal_name);
        out.push_str(&format!(
            "\n**Run**, here for {who}{others}:\n\n{}",
            fenced(&commands.join("\n"))
        ));
    }
    out
}

/// A block of commands that nothing within can close.
fn fenced(text: &str) -> String {
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}powershell\n{text}\n{fence}\n")
}

fn notes(picture: &Picture) -> String {
    let mut out = String::new();
    let (unrelated, attacked) = (people(picture.unrelated()), people(picture.attacks()));
    if unrelated + attacked > 0 {
        out.push_str("\n## Not from the migration\n\n");
    }
    if unrelated > 0 {
        out.push_str(&format!(
            "- {} stuck for other reasons\n",
            count(unrelated, "person or device is", "people or devices are")
        ));
    }
    if attacked > 0 {
        out.push_str(&format!(
            "- For the security team: an attack is suspected on {}\n",
            count(attacked, "account", "accounts")
        ));
    }
    out
}
