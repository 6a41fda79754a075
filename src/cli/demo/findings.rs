//! What the demo says at its start and at its end, in the words of a migration lead.
//!
//! Pure: values in, text out.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use super::check::Account;
use crate::cli::loops::text::{field, finding};
use crate::cli::report::describe::{fix_parts, software};
use crate::cli::report::groups::{Group, by_cause};
use crate::cli::report::picture::{Picture, people};
use crate::cli::report::text::{health_line, objective};
use crate::cli::report::words::{clock, count, number, shell_word, shown, stretch, wrapped};
use crate::domain::loops::DAY;
use crate::domain::loops::row::LoopRow;
use crate::generate::Plan;

/// People who are named in the overview.
const NAMED: usize = 8;
/// The client groups that are shown in full.
const DESKTOP: &str = "outlook_desktop";
const PHONE: &str = "activesync";

/// How the batches are doing.
const HEALTH: &str = "SELECT * FROM batch_health ORDER BY batch";
/// What still speaks legacy authentication, and what becomes of it.
const LEGACY: &str = "SELECT protocol, client_family, outcome, count(*) AS sign_ins FROM sign_ins \
     WHERE auth_class = 'legacy' GROUP BY protocol, client_family, outcome ORDER BY sign_ins DESC";
/// Few addresses that try many accounts.
const SPRAY: &str = "SELECT country, count(DISTINCT ip_address) AS addresses, \
     count(DISTINCT user_id) AS accounts, count(*) AS attempts FROM sign_ins \
     WHERE auth_class = 'legacy' AND failure_class = 'password' \
     GROUP BY country ORDER BY accounts DESC";

/// Before the first event.
#[must_use]
pub(crate) fn opening(plan: &Plan, moved: usize, lake: &str, address: SocketAddr) -> String {
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
pub(crate) fn told(account: &Account, picture: &Picture, program: &str, lake: &str) -> String {
    let stuck: Vec<&LoopRow> = picture.stuck().collect();
    let mut out = format!("\n{}", nothing_lost(account));
    out.push_str(&batches(picture));
    out.push_str(&overview(picture, &stuck));
    out.push_str(&in_full(picture, &stuck));
    out.push_str(&not_the_migration(picture, program, lake));
    out.push_str(&go_on(&stuck, program, lake));
    out
}

fn nothing_lost(account: &Account) -> String {
    let mut parts = vec![
        counted(account.sign_ins, "sign-in", "sign-ins"),
        counted(account.copies, "copy", "copies"),
    ];
    let rest = [
        (account.revisions, "revision", "revisions"),
        (account.rejects, "reject", "rejects"),
        (account.passed_over, "of other logs", "of other logs"),
    ];
    parts.extend(
        rest.iter()
            .filter(|(records, ..)| *records > 0)
            .map(|(records, one, many)| counted(*records, one, many)),
    );
    let text = format!(
        "The weekend is over and nothing was lost: {} records = {}.",
        number(account.records),
        parts.join(" + ")
    );
    wrapped(&text, 0)
}

fn counted(records: u64, one: &str, many: &str) -> String {
    count(usize::try_from(records).unwrap_or(usize::MAX), one, many)
}

fn batches(picture: &Picture) -> String {
    let mut out = "\nHow the batches went\n".to_owned();
    for health in &picture.batches {
        out.push_str(&format!("  {}\n", shown(&health.batch)));
        out.push_str(&wrapped(&health_line(health), 4));
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
        let more = more(group.people, names.len());
        out.push_str(&wrapped(&format!("{}{more}", names.join(", ")), 4));
    }
    let recovered: usize = picture
        .batches
        .iter()
        .map(|health| picture.recovered(&health.batch))
        .sum();
    if recovered > 0 {
        out.push_str(&format!(
            "  {} stuck for a while and recovered\n",
            count(recovered, "more was", "more were")
        ));
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
fn not_the_migration(picture: &Picture, program: &str, lake: &str) -> String {
    let mut out = attacked(picture);
    if !out.is_empty() {
        out.push_str(&format!("  all: {program} loops --all --lake {lake}\n"));
    }
    let others = others(picture);
    if !others.is_empty() {
        out.push_str(&others);
        out.push_str(&format!("  all: {program} loops --lake {lake}\n"));
    }
    out
}

/// The account that is attacked from most addresses, and how many there are.
fn attacked(picture: &Picture) -> String {
    let hit = picture
        .attacks()
        .max_by_key(|row| (row.distinct_ips, row.attempts));
    let Some(hit) = hit else {
        return String::new();
    };
    let accounts = people(picture.attacks());
    let sample = format!(
        "{}: {} from {}, {} UTC{}",
        shown(&hit.user_principal_name),
        count(
            usize::try_from(hit.attempts).unwrap_or(0),
            "attempt",
            "attempts"
        ),
        count(
            usize::try_from(hit.distinct_ips).unwrap_or(0),
            "address",
            "addresses"
        ),
        stretch(hit.first_attempt, hit.last_attempt),
        more(accounts, 1),
    );
    format!(
        "\nAttack suspected on {}: not a migration problem, for the security team\n{}",
        count(accounts, "account", "accounts"),
        wrapped(&sample, 2)
    )
}

/// Who is stuck for other reasons, most attempts first.
fn others(picture: &Picture) -> String {
    let mut others: Vec<&LoopRow> = picture.unrelated().collect();
    if others.is_empty() {
        return String::new();
    }
    others.sort_by(|a, b| {
        b.attempts
            .cmp(&a.attempts)
            .then_with(|| a.user_principal_name.cmp(&b.user_principal_name))
    });
    let mut seen = BTreeSet::new();
    others.retain(|row| seen.insert(row.user_id()));
    let named: Vec<String> = others
        .iter()
        .take(NAMED)
        .map(|row| {
            let name = shown(&row.user_principal_name);
            format!("{name} ({})", shown(&software(row)))
        })
        .collect();
    let who = count(others.len(), "person or device", "people or devices");
    let text = format!("{}{}", named.join(", "), more(others.len(), named.len()));
    format!(
        "\nStuck for other reasons, with no migration in reach: {who}\n{}",
        wrapped(&text, 2)
    )
}

/// ` and 5 more`, where not all are named.
fn more(all: usize, named: usize) -> String {
    match all.saturating_sub(named) {
        0 => String::new(),
        left => format!(" and {} more", number(left as u64)),
    }
}

/// Commands to copy.
fn go_on(stuck: &[&LoopRow], program: &str, lake: &str) -> String {
    let sql = |query: &str| format!("{program} sql --lake {lake} \"{query}\"");
    let mut commands = vec![
        format!("{program} report --lake {lake}"),
        format!("{program} loops --lake {lake} --format table"),
    ];
    if let Some(row) = worst(stuck, DESKTOP) {
        let name = row
            .user_principal_name
            .split('@')
            .next()
            .unwrap_or_default();
        let name = shell_word(Path::new(name));
        commands.push(format!("{program} loops {name} --lake {lake}"));
    }
    commands.extend([sql(HEALTH), sql(LEGACY), sql(SPRAY)]);
    format!("\nGo on with\n  {}\n", commands.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::samples::{attack, picture, stuck};
    use crate::domain::loops::words::Kind;

    const ACCOUNT: Account = Account {
        records: 1_010,
        sign_ins: 1_000,
        copies: 8,
        revisions: 0,
        rejects: 0,
        passed_over: 2,
    };

    #[test]
    fn a_migration_lead_reads_who_is_stuck_and_the_attack_apart() {
        let mut phone = stuck("ben@x.example");
        (phone.client_group, phone.client_family) = (PHONE.to_owned(), "apple_mail".to_owned());
        let picture = picture(vec![
            stuck("anna@x.example"),
            phone,
            attack("mia@x.example"),
        ]);
        let expected = "
The weekend is over and nothing was lost: 1,010 records = 1,000 sign-ins + 8 copies + 2 of other
logs.

How the batches went
  Wave 1
    88 of 100 mailboxes reconfigured (88 %), half of them within 42 min, 95 % within 5 h 12 min; 8
    looping; 4 not seen in Outlook yet
    Objective missed: 70 % within 4 h (goal: 98 % within 4 h of the cutover)

Stuck because of the move: 2 people
  2 people: Outlook still uses the old RPC over HTTP connection
    anna@x.example, ben@x.example

One of them in full
anna@x.example
  client    Outlook 2016 or later, over Autodiscover and EWS
  since     Fri 13 Mar 16:24 UTC, 24 min after the cutover; 412 attempts; still trying
  migration this person's own mailbox moved (batch Wave 1)
  cause     Outlook still uses the old RPC over HTTP connection (rpc_http_profile, 80 % sure)
  evidence  the password was right every time; from 2 addresses; answered with code 53003 (412
            times)
  why       It offers legacy authentication and is refused.
  tell them \"Your password is right.\"
  type
    # On-premises
    Get-A 'anna@x.example'

And an iPhone, which has a cure of its own
ben@x.example
";
        let told = told(&ACCOUNT, &picture, "signloop", "my.lake");
        assert!(told.starts_with(expected), "{told}");
        let attack = "\nAttack suspected on 1 account: not a migration problem, for the security team\n  \
                      mia@x.example: 412 attempts from 41 addresses, Fri 13 Mar 16:24 to Mon 16 Mar 11:30 UTC\n  \
                      all: signloop loops --all --lake my.lake\n";
        assert!(told.contains(attack), "{told}");
        let command = "\n  signloop loops anna --lake my.lake\n";
        assert!(told.contains(command), "{told}");
    }

    #[test]
    fn who_is_stuck_for_other_reasons_is_cut_after_the_busiest() {
        let unrelated = |place: i64| {
            let mut row = stuck(&format!("p{place}@x.example"));
            (row.kind, row.batch, row.attempts) = (Kind::Unrelated, None, place);
            row
        };
        let mut loops: Vec<LoopRow> = (1..=9).map(unrelated).collect();
        loops.extend([attack("mia@x.example"), attack("tom@x.example")]);
        let told = not_the_migration(&picture(loops), "signloop", "my.lake");
        assert!(told.contains("11:30 UTC and 1 more\n"), "{told}");
        let first = "9 people or devices\n  p9@x.example (Outlook 2016 or later), p8@x.example";
        assert!(told.contains(first), "{told}");
        assert!(
            told.contains(" and 1 more\n  all: signloop loops --lake my.lake\n"),
            "{told}"
        );
        assert!(!told.contains("p1@"), "{told}");
    }

    #[test]
    fn nobody_stuck_is_said_too() {
        let told = told(&ACCOUNT, &picture(Vec::new()), "signloop", "my.lake");
        assert!(
            told.contains("\nNobody is stuck because of the move\n"),
            "{told}"
        );
    }
}
