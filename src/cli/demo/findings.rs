//! What the demo says at its start and at its end, in the words of a migration lead.
//!
//! Pure: values in, text out.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::check::Account;
use crate::cli::loops::text::{field, finding};
use crate::cli::report::groups::{Group, by_cause};
use crate::cli::report::picture::{Picture, people};
use crate::cli::report::text::{health_line, objective};
use crate::cli::report::words::{
    clock, count, fix_parts, number, shown, software, stretch, wrapped,
};
use crate::domain::loops::DAY;
use crate::domain::loops::row::LoopRow;
use crate::generate::Plan;

/// People who are named in the overview.
const NAMED: usize = 8;
/// The client groups that are shown in full.
const DESKTOP: &str = "outlook_desktop";
const PHONE: &str = "activesync";

/// Before the first event.
#[must_use]
pub fn opening(plan: &Plan, moved: usize, lake: &str, address: SocketAddr) -> String {
    let end = plan.start + i64::from(plan.days) * DAY;
    format!(
        "Contoso (made up): {} people, {} mailboxes move in {} batches, {} to {} UTC\n\
         lake     {lake}\nmetrics  http://{address}/metrics",
        number(plan.users),
        number(moved as u64),
        plan.batches.len(),
        clock(plan.start),
        clock(end),
    )
}

/// After the last one.
#[must_use]
pub fn told(account: &Account, picture: &Picture, program: &str, lake: &str) -> String {
    let stuck: Vec<&LoopRow> = picture.stuck().collect();
    let mut out = format!("\n{}", nothing_lost(account));
    out.push_str(&batches(picture));
    out.push_str(&overview(picture, &stuck));
    out.push_str(&in_full(picture, &stuck));
    out.push_str(&not_the_migration(picture));
    out.push_str(&go_on(&stuck, program, lake));
    out
}

fn nothing_lost(account: &Account) -> String {
    let mut parts = vec![
        format!("{} sign-ins", number(account.sign_ins)),
        format!("{} copies", number(account.copies)),
    ];
    let rest = [
        (account.revisions, "revisions"),
        (account.rejects, "rejects"),
        (account.passed_over, "of other logs"),
    ];
    parts.extend(
        rest.iter()
            .filter(|(records, _)| *records > 0)
            .map(|(records, what)| format!("{} {what}", number(*records))),
    );
    let text = format!(
        "The weekend is over and nothing was lost: {} records = {}.",
        number(account.records),
        parts.join(" + ")
    );
    wrapped(&text, 0)
}

fn batches(picture: &Picture) -> String {
    let mut out = "\nHow the batches went\n".to_owned();
    for health in &picture.batches {
        let text = format!(
            "{} mailboxes, {}",
            number(u64::try_from(health.migrated).unwrap_or(0)),
            health_line(health)
        );
        out.push_str(&format!(
            "  {}\n{}",
            shown(&health.batch),
            wrapped(&text, 4)
        ));
        out.push_str(&wrapped(&objective(health, picture.instant()), 4));
    }
    out
}

/// How many are stuck, by cause, and the first of them by name.
fn overview(picture: &Picture, stuck: &[&LoopRow]) -> String {
    if stuck.is_empty() {
        return "\nNobody is stuck because of the move\n".to_owned();
    }
    let who = count(people(stuck.iter().copied()), "person", "people");
    let mut out = format!("\nStuck because of the move: {who}\n");
    let mut room = NAMED;
    for group in by_cause(stuck.iter().copied(), &picture.texts) {
        let people = count(group.people, "person", "people");
        out.push_str(&wrapped(&format!("{people}: {}", shown(group.title)), 2));
        let names = names(&group, room.clamp(2, 6));
        room = room.saturating_sub(names.len());
        let mut text = names.join(", ");
        if group.people > names.len() {
            text.push_str(&format!(
                " and {} more",
                number((group.people - names.len()) as u64)
            ));
        }
        out.push_str(&wrapped(&text, 4));
    }
    out
}

fn names(group: &Group, most: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let first = group
        .loops
        .iter()
        .filter(|row| seen.insert(row.user_id()))
        .take(most);
    first.map(|row| shown(&row.user_principal_name)).collect()
}

/// One finding of an Outlook in full, and one of a phone.
fn in_full(picture: &Picture, stuck: &[&LoopRow]) -> String {
    let mut out = String::new();
    for (heading, client_group) in [
        ("One of them in full", DESKTOP),
        ("And an iPhone, which has a cure of its own", PHONE),
    ] {
        let row = worst(stuck, client_group);
        let Some(row) = row else { continue };
        out.push_str(&format!("\n{heading}\n"));
        out.push_str(&finding(row, &picture.texts, picture.instant()));
        out.push_str(&advice(row, picture));
    }
    out
}

/// The one with most attempts.
fn worst<'a>(stuck: &[&'a LoopRow], client_group: &str) -> Option<&'a LoopRow> {
    stuck
        .iter()
        .filter(|row| row.client_group == client_group)
        .max_by_key(|row| row.attempts)
        .copied()
}

fn advice(row: &LoopRow, picture: &Picture) -> String {
    let (tell, commands) = fix_parts(&row.fix);
    let why = picture
        .texts
        .get(&row.cause)
        .map_or("", |text| text.why.as_str());
    let mut out = String::new();
    if !why.is_empty() {
        out.push_str(&field("why", &shown(why)));
    }
    if !tell.is_empty() {
        out.push_str(&field("tell them", &format!("\"{tell}\"")));
    }
    if !commands.is_empty() {
        out.push_str("  type\n");
        commands
            .iter()
            .for_each(|command| out.push_str(&format!("    {command}\n")));
    }
    out
}

/// What a migration lead need not look at, and a security analyst must.
fn not_the_migration(picture: &Picture) -> String {
    let mut out = String::new();
    let attacks: Vec<&LoopRow> = picture.attacks().collect();
    if let Some(hit) = attacks
        .iter()
        .max_by_key(|row| (row.distinct_ips, row.attempts))
    {
        let accounts = count(people(attacks.iter().copied()), "account", "accounts");
        out.push_str(&format!(
            "\nAttack suspected on {accounts}: not a migration problem, for the security team\n"
        ));
        let sample = format!(
            "{}: {} attempts from {} addresses, {} UTC",
            shown(&hit.user_principal_name),
            number(u64::try_from(hit.attempts).unwrap_or(0)),
            hit.distinct_ips,
            stretch(hit.first_attempt, hit.last_attempt),
        );
        out.push_str(&wrapped(&sample, 2));
    }
    let others: Vec<&LoopRow> = picture.unrelated().collect();
    if !others.is_empty() {
        let who = count(
            people(others.iter().copied()),
            "person or device",
            "people or devices",
        );
        out.push_str(&format!(
            "\nStuck for other reasons, with no migration in reach: {who}\n"
        ));
        let first = others.iter().take(NAMED).map(|row| {
            format!(
                "{} ({})",
                shown(&row.user_principal_name),
                shown(&software(row))
            )
        });
        out.push_str(&wrapped(&first.collect::<Vec<_>>().join(", "), 2));
    }
    out
}

/// Commands to copy.
fn go_on(stuck: &[&LoopRow], program: &str, lake: &str) -> String {
    let mut commands = vec![
        format!("{program} report --lake {lake}"),
        format!("{program} loops --lake {lake} --format table"),
    ];
    if let Some(row) = worst(stuck, DESKTOP) {
        let name = shown(
            row.user_principal_name
                .split('@')
                .next()
                .unwrap_or_default(),
        );
        commands.push(format!(
            "{program} loops '{}' --lake {lake}",
            name.replace('\'', "")
        ));
    }
    commands.push(format!(
        "{program} sql --lake {lake} \"SELECT * FROM batch_health\""
    ));
    commands.push(format!(
        "{program} sql --lake {lake} \"SELECT protocol, client_family, outcome, count(*) AS sign_ins FROM sign_ins \
         WHERE auth_class = 'legacy' GROUP BY protocol, client_family, outcome ORDER BY sign_ins DESC\""
    ));
    format!(
        "\nGo on with\n{}\n",
        commands
            .iter()
            .map(|command| format!("  {command}"))
            .collect::<Vec<_>>()
            .join("\n")
    )
}
