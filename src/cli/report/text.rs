//! The report for a terminal.
//!
//! Pure: a picture in, text out.

use std::collections::BTreeSet;
use std::path::Path;

use super::describe::{fix_parts, going_on, software, weakens};
use super::groups::{Group, by_cause};
use super::picture::{Health, OBJECTIVE, OBJECTIVE_SHARE, Objective, Picture, people};
use super::words::{
    clock, count, date_and_time, length, number, percent, shell_word, shown, stretch, wrapped,
};
use crate::domain::loops::MINUTE;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::Kind;

/// What is missing for a report, and how to get it.
#[must_use]
pub(crate) fn nothing_yet(picture: &Picture, lake: &str) -> Option<String> {
    let moves = count(
        usize::try_from(picture.moves).unwrap_or(0),
        "mailbox",
        "mailboxes",
    );
    let read = format!("`signloop ingest --lake {lake} FILES` or `signloop run`");
    let import = format!("`signloop migrations import --lake {lake} FILE`");
    let loops = format!("`signloop loops --lake {lake}` shows who is stuck, whatever the reason.");
    match (picture.now, picture.batches.is_empty(), picture.moves) {
        (Some(_), false, _) => None,
        (None, true, 0) => Some(format!(
            "The lake {lake} is empty: read sign-ins with {read}, and the moves with {import}."
        )),
        (None, _, _) => Some(format!(
            "The lake {lake} has the moves of {moves} but no sign-ins, and a report needs both: \
             read them with {read}."
        )),
        (Some(_), true, 0) => Some(format!(
            "The lake {lake} has sign-ins but no moves, and a report needs both: import the moves \
             with {import}. {loops}"
        )),
        (Some(now), true, _) => Some(format!(
            "The lake {lake} has the moves of {moves} and sign-ins until {}, but no sign-in was \
             read yet after the cutover of one of them: read the later ones with {read}. {loops}",
            date_and_time(now)
        )),
    }
}

/// The report on these batches.
#[must_use]
pub(crate) fn report(picture: &Picture, batches: &[&Health], lake: &str) -> String {
    let now = picture.instant();
    let mut setting = Setting {
        now,
        lake,
        told: BTreeSet::new(),
    };
    let mut out = format!("Migration report, as of {}\n", date_and_time(now));
    for health in batches {
        let name = shown(&health.batch);
        out.push_str(&format!("\n{name}\n{}\n", "-".repeat(name.chars().count())));
        out.push_str(&wrapped(&cutovers(health), 2));
        out.push_str(&wrapped(&health_line(health), 2));
        out.push_str(&wrapped(&objective(health, now), 2));
        let stuck = picture
            .stuck()
            .filter(|row| row.batch.as_deref() == Some(&health.batch));
        for group in by_cause(stuck, &picture.texts) {
            out.push_str(&group_text(&group, &mut setting));
        }
        out.push_str(&recovered(picture.recovered(&health.batch)));
    }
    let delegates: Vec<&LoopRow> = picture
        .stuck()
        .filter(|row| row.kind == Kind::Delegate && row.batch.is_none())
        .collect();
    if !delegates.is_empty() {
        out.push_str(
            "\nPeople who were not moved themselves\n------------------------------------\n",
        );
    }
    for group in by_cause(delegates.into_iter(), &picture.texts) {
        out.push_str(&group_text(&group, &mut setting));
    }
    out.push_str(&notes(picture, lake));
    out
}

/// When the mailboxes were switched.
#[must_use]
pub(crate) fn cutovers(health: &Health) -> String {
    let moved = count(
        usize::try_from(health.migrated).unwrap_or(0),
        "mailbox",
        "mailboxes",
    );
    format!(
        "{moved} cut over {} UTC",
        stretch(health.first_cutover, health.last_cutover)
    )
}

/// How the mailboxes of a batch are doing, on one line.
#[must_use]
pub(crate) fn health_line(health: &Health) -> String {
    let mut line = format!(
        "{} of {} reconfigured ({})",
        number(health.reconfigured),
        count(
            usize::try_from(health.migrated).unwrap_or(0),
            "mailbox",
            "mailboxes"
        ),
        percent(health.reconfigured, health.migrated)
    );
    match (health.reconfigured, health.p50_minutes, health.p95_minutes) {
        (1, Some(half), _) => line.push_str(&format!(", within {}", length(half))),
        (_, Some(half), Some(most)) => line.push_str(&format!(
            ", half of them within {}, 95 % within {}",
            length(half),
            length(most)
        )),
        _ => {}
    }
    let states = [
        (health.looping, "looping"),
        (health.silent, "silent"),
        (health.inactive, "inactive"),
        (health.pending, "not seen in Outlook yet"),
    ];
    for (mailboxes, state) in states.iter().filter(|(mailboxes, _)| *mailboxes > 0) {
        line.push_str(&format!("; {} {state}", number(*mailboxes)));
    }
    line
}

/// Whether the objective holds.
#[must_use]
pub(crate) fn objective(health: &Health, now: i64) -> String {
    let goal = format!(
        "{:.0} % within {} of the cutover",
        OBJECTIVE_SHARE * 100.0,
        length(OBJECTIVE / MINUTE)
    );
    let reached = percent(health.within_objective, health.migrated);
    match health.objective(now) {
        Objective::Met => format!(
            "Objective met: {reached} within {} (goal: {goal})",
            length(OBJECTIVE / MINUTE)
        ),
        Objective::Missed => format!(
            "Objective missed: {reached} within {} (goal: {goal})",
            length(OBJECTIVE / MINUTE)
        ),
        Objective::Open => format!("Objective open: {reached} so far (goal: {goal})"),
    }
}

/// What a group's text needs besides the group.
struct Setting<'a> {
    now: i64,
    lake: &'a str,
    /// Causes whose advice has been written.
    told: BTreeSet<String>,
}

fn group_text(group: &Group, setting: &mut Setting<'_>) -> String {
    let stuck = count(group.people, "person is stuck", "people are stuck");
    let mut out = format!(
        "\n{}",
        wrapped(&format!("{stuck}: {}", shown(group.title)), 2)
    );
    let names: Vec<String> = group
        .loops
        .iter()
        .map(|row| shown(&row.user_principal_name))
        .collect();
    let width = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(44);
    for (row, name) in group.loops.iter().zip(&names) {
        out.push_str(&format!(
            "    {name:<width$}  {}\n",
            person(row, setting.now)
        ));
    }
    match group.loops.first() {
        Some(first) if setting.told.insert(group.cause.to_owned()) => {
            out.push_str(&advice(group, first, setting.lake))
        }
        _ => out.push_str("    Why and what to do: as above.\n"),
    }
    out
}

fn person(row: &LoopRow, now: i64) -> String {
    let attempts = count(
        usize::try_from(row.attempts).unwrap_or(0),
        "attempt",
        "attempts",
    );
    format!(
        "{}, {attempts} since {}, {}",
        software(row),
        clock(row.first_attempt),
        going_on(row, now)
    )
}

/// Why, what to tell people, what to run: once for a group, with the first one's name filled in.
fn advice(group: &Group, first: &LoopRow, lake: &str) -> String {
    let (tell, commands) = fix_parts(&first.fix);
    let mut out = String::new();
    if !group.why.is_empty() {
        out.push_str(&labelled("Why", &shown(group.why)));
    }
    if !tell.is_empty() {
        out.push_str(&labelled("Tell them", &tell));
    }
    if !commands.is_empty() {
        let name = shown(&first.user_principal_name);
        let label = if group.people > 1 {
            format!("Run, here for {name}, and likewise for the others:")
        } else {
            "Run:".to_owned()
        };
        out.push_str(&format!("    {label}\n"));
        commands
            .iter()
            .for_each(|command| out.push_str(&format!("      {command}\n")));
    }
    if weakens(&first.fix) {
        // A name comes from a log: what is copied into a shell must stay one word.
        let name = shell_word(Path::new(&first.user_principal_name));
        out.push_str("    Last resort, which weakens security:\n");
        out.push_str(&format!("      signloop loops {name} --lake {lake}\n"));
    }
    out
}

fn labelled(label: &str, text: &str) -> String {
    wrapped(&format!("{label}: {text}"), 4)
}

fn recovered(people: usize) -> String {
    match people {
        0 => String::new(),
        _ => format!(
            "\n  {} stuck for a while and recovered\n",
            count(people, "person was", "people were")
        ),
    }
}

/// What is no part of the migration, and the commands that show it.
fn notes(picture: &Picture, lake: &str) -> String {
    let mut out = String::new();
    let unrelated = people(picture.unrelated());
    if unrelated > 0 {
        let who = count(unrelated, "person or device is", "people or devices are");
        out.push_str(&format!(
            "\nNot from the migration: {who} stuck for other reasons\n"
        ));
        out.push_str(&format!("  signloop loops --lake {lake}\n"));
    }
    let attacked = people(picture.attacks());
    if attacked > 0 {
        let who = count(attacked, "account", "accounts");
        let text = format!("an attack is suspected on {who}; not a migration problem");
        out.push_str(&format!("\nFor the security team: {text}\n"));
        out.push_str(&format!("  signloop loops --all --lake {lake}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples::{CUTOVER, attack, health, picture, stuck};
    use super::*;
    use crate::domain::loops::HOUR;
    use crate::domain::loops::words::{Ending, LoopState, Verdict};

    #[test]
    fn the_report_gives_advice_once_and_keeps_others_apart() {
        let mut phone = stuck("ben\u{1b}@x.example");
        phone.cause = "eas_basic_profile".to_owned();
        phone.fix = "Add the account\u{7} again.".to_owned();
        let mut done = stuck("eva@x.example");
        (done.state, done.ending) = (LoopState::Closed, Some(Ending::Recovered));
        let mut other = stuck("scanner@x.example");
        (other.kind, other.batch) = (Kind::Unrelated, None);
        let mut later = stuck("zoe@x.example");
        later.batch = Some("Wave 2".to_owned());
        let loops = vec![
            stuck("anna@x.example"),
            phone,
            done,
            other,
            attack("mia@x.example"),
            later,
        ];
        let mut picture = picture(loops);
        picture.batches.push(health("Wave 2"));
        let batches: Vec<&Health> = picture.batches.iter().collect();
        let expected = "\
Migration report, as of Mon 16 Mar 2026 12:00 UTC

Wave 1
------
  100 mailboxes cut over Fri 13 Mar 16:00 to 17:30 UTC
  88 of 100 mailboxes reconfigured (88 %), half of them within 42 min, 95 % within 5 h 12 min; 8
  looping; 4 not seen in Outlook yet
  Objective missed: 70 % within 4 h (goal: 98 % within 4 h of the cutover)

  1 person is stuck: eas_basic_profile
    ben\u{fffd}@x.example  Outlook 2016 or later, 412 attempts since Fri 13 Mar 16:24, still trying
    Tell them: Add the account\u{fffd} again.

  1 person is stuck: Outlook still uses the old RPC over HTTP connection
    anna@x.example  Outlook 2016 or later, 412 attempts since Fri 13 Mar 16:24, still trying
    Why: It offers legacy authentication and is refused.
    Tell them: Your password is right.
    Run:
      # On-premises
      Get-A 'anna@x.example'

  1 person was stuck for a while and recovered

Wave 2
------
  100 mailboxes cut over Fri 13 Mar 16:00 to 17:30 UTC
  88 of 100 mailboxes reconfigured (88 %), half of them within 42 min, 95 % within 5 h 12 min; 8
  looping; 4 not seen in Outlook yet
  Objective missed: 70 % within 4 h (goal: 98 % within 4 h of the cutover)

  1 person is stuck: Outlook still uses the old RPC over HTTP connection
    zoe@x.example  Outlook 2016 or later, 412 attempts since Fri 13 Mar 16:24, still trying
    Why and what to do: as above.

Not from the migration: 1 person or device is stuck for other reasons
  signloop loops --lake lake

For the security team: an attack is suspected on 1 account; not a migration problem
  signloop loops --all --lake lake
";
        assert_eq!(report(&picture, &batches, "lake"), expected);
    }

    #[test]
    fn a_name_in_a_command_stays_one_word() {
        let mut row = stuck("$(reboot)'@x.example");
        row.fix =
            "Wait.\n# Weakens security, last resort: for a day.\nDo-B\n# Undo:\nUndo-B".to_owned();
        let picture = picture(vec![row]);
        let told = report(
            &picture,
            &picture.batches.iter().collect::<Vec<_>>(),
            "lake",
        );
        let command = "\n      signloop loops '$(reboot)'\\''@x.example' --lake lake\n";
        assert!(told.contains(command), "{told}");
    }

    #[test]
    fn an_objective_is_open_until_its_time_is_over() {
        let mut health = health("Wave 1");
        let open = "Objective open: 70 % so far (goal: 98 % within 4 h of the cutover)";
        assert_eq!(objective(&health, CUTOVER + HOUR), open);
        health.within_objective = 98;
        let met = "Objective met: 98 % within 4 h (goal: 98 % within 4 h of the cutover)";
        assert_eq!(objective(&health, CUTOVER + HOUR), met);
    }

    #[test]
    fn a_health_line_counts_one_mailbox_and_none() {
        let mut health = health("Wave 1");
        (health.migrated, health.reconfigured, health.looping) = (1, 1, 0);
        (health.pending, health.p95_minutes) = (0, health.p50_minutes);
        let one = "1 of 1 mailbox reconfigured (100 %), within 42 min";
        assert_eq!(health_line(&health), one);
        (health.migrated, health.reconfigured, health.pending) = (2, 0, 2);
        (health.p50_minutes, health.p95_minutes) = (None, None);
        let none = "0 of 2 mailboxes reconfigured (0 %); 2 not seen in Outlook yet";
        assert_eq!(health_line(&health), none);
    }

    #[test]
    fn a_lake_without_findings_says_what_to_do_next() {
        let mut nothing = Picture::default();
        let empty = nothing_yet(&nothing, "a.lake").expect("a sentence");
        assert!(
            empty.starts_with("The lake a.lake is empty: read sign-ins with"),
            "{empty}"
        );
        nothing.moves = 1;
        let no_sign_ins = nothing_yet(&nothing, "a.lake").expect("a sentence");
        let expected = "The lake a.lake has the moves of 1 mailbox but no sign-ins, and a report needs both: \
                        read them with `signloop ingest --lake a.lake FILES` or `signloop run`.";
        assert_eq!(no_sign_ins, expected);
        nothing.now = Some(CUTOVER);
        let before = nothing_yet(&nothing, "a.lake").expect("a sentence");
        let expected = "has the moves of 1 mailbox and sign-ins until Fri 13 Mar 2026 16:00 UTC, but no sign-in";
        assert!(before.contains(expected), "{before}");
        nothing.moves = 0;
        let no_moves = nothing_yet(&nothing, "a.lake").expect("a sentence");
        assert!(
            no_moves.contains("has sign-ins but no moves, and a report needs both"),
            "{no_moves}"
        );
        assert_eq!(nothing_yet(&picture(Vec::new()), "a.lake"), None);
    }

    #[test]
    fn whoever_is_attacked_or_still_stuck_has_not_recovered() {
        let closed = |mut row: LoopRow| {
            (row.state, row.ending) = (LoopState::Closed, Some(Ending::Recovered));
            (row.kind, row.batch) = (Kind::Direct, Some("Wave 1".to_owned()));
            row
        };
        let loops = vec![
            closed(stuck("anna@x.example")),
            closed(stuck("ben@x.example")),
            stuck("ben@x.example"),
            closed(attack("mia@x.example")),
        ];
        assert_eq!(picture(loops).recovered("Wave 1"), 1);
    }

    #[test]
    fn the_undecided_are_stuck_too() {
        let mut undecided = stuck("anna@x.example");
        undecided.verdict = Verdict::Undecided;
        assert_eq!(picture(vec![undecided]).stuck().count(), 1);
    }
}
