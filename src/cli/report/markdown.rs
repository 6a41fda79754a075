//! The report as Markdown, for a ticket or a wiki.
//!
//! Pure. Names are code spans, everything else from a lake is escaped, commands are in fences that
//! are longer than any run of backticks within them.

use std::collections::BTreeSet;

use super::describe::{fix_parts, going_on, software};
use super::groups::{Group, by_cause};
use super::picture::{Health, Picture, people};
use super::text::{cutovers, health_line, objective};
use super::words::{clock, code, count, date_and_time, markdown, number};
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::Kind;

/// The report on these batches.
#[must_use]
pub(crate) fn report(picture: &Picture, batches: &[&Health]) -> String {
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

#[cfg(test)]
mod tests {
    use super::super::samples::{attack, picture, stuck};
    use super::*;

    #[test]
    fn nothing_from_a_lake_is_markup() {
        let mut row = stuck("a|b`c<img>@x.example");
        row.fix = "Tell [her](x).\nGet-A 'a```b'".to_owned();
        row.batch = Some("*Wave* 1".to_owned());
        let mut picture = picture(vec![row, attack("mia@x.example")]);
        picture.batches[0].batch = "*Wave* 1".to_owned();
        let batches: Vec<&Health> = picture.batches.iter().collect();
        let expected = "\
# Migration report

As of Mon 16 Mar 2026 12:00 UTC.

## \\*Wave\\* 1

- 100 mailboxes cut over Fri 13 Mar 16:00 to 17:30 UTC
- 88 of 100 mailboxes reconfigured (88 %), half of them within 42 min, 95 % within 5 h 12 min; 8 looping; 4 not seen in Outlook yet
- Objective missed: 70 % within 4 h (goal: 98 % within 4 h of the cutover)

### 1 person is stuck: Outlook still uses the old RPC over HTTP connection

| who | client | since (UTC) | attempts | now |
|---|---|---|---:|---|
| `a\u{fffd}b\u{fffd}c<img>@x.example` | Outlook 2016 or later | Fri 13 Mar 16:24 | 412 | still trying |

**Why.** It offers legacy authentication and is refused.

**Tell them.** Tell \\[her\\](x).

**Run**, here for `a\u{fffd}b\u{fffd}c<img>@x.example`:

````powershell
Get-A 'a```b'
````

## Not from the migration

- For the security team: an attack is suspected on 1 account
";
        assert_eq!(report(&picture, &batches), expected);
    }
}
