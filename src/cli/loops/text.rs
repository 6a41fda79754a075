//! Loops for a terminal, told in full.
//!
//! Pure: a picture in, text out. Advice that several share is written once.

use std::collections::BTreeMap;

use crate::cli::report::describe::{
    SOME_WEAKEN, evidence, going_on, kind, protocols, since, software,
};
use crate::cli::report::picture::{Picture, is_stuck, people};
use crate::cli::report::text::nothing_yet;
use crate::cli::report::words::{count, shown, wrapped};
use crate::domain::causes::texts::CauseTexts;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::Verdict;

/// Blanks before the text of a field.
const FIELD: usize = 12;

/// All of them, with what to do.
#[must_use]
pub(crate) fn list(picture: &Picture, loops: &[&LoopRow], lake: &str) -> String {
    if loops.is_empty() {
        return nobody(picture, lake);
    }
    let (who, what) = (
        count(people(loops.iter().copied()), "person", "people"),
        count(loops.len(), "loop", "loops"),
    );
    let mut out = format!("{what} of {who}\n");
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    for row in loops {
        out.push('\n');
        out.push_str(&finding(row, &picture.texts, picture.instant()));
        let first = *told.entry(&row.cause).or_insert(&row.user_principal_name);
        if first == row.user_principal_name || loops.len() == 1 {
            out.push_str("  fix\n");
            out.push_str(&fix(&row.fix));
        } else {
            out.push_str(&field(
                "fix",
                &format!("as for {} above, with this name", shown(first)),
            ));
        }
    }
    out
}

fn nobody(picture: &Picture, lake: &str) -> String {
    match nothing_yet(picture, lake).filter(|_| picture.now.is_none()) {
        Some(sentence) => format!("{sentence}\n"),
        None => "Nobody is stuck, as far as the sign-ins tell.\n".to_owned(),
    }
}

/// Why nothing is shown for a name: `hidden` loops of such people are left out without `--all`, and
/// there may be no sign-in of theirs at all.
#[must_use]
pub(crate) fn nobody_called(
    picture: &Picture,
    lake: &str,
    name: &str,
    hidden: usize,
    has_sign_ins: bool,
) -> String {
    if picture.now.is_none() {
        return nobody(picture, lake);
    }
    let of_them = format!("of anybody with `{}` in the sign-in name", shown(name));
    let found = match (hidden, has_sign_ins) {
        (0, false) => format!("No sign-in is {of_them}, so there is no loop either"),
        (0, true) => format!("No loop {of_them}"),
        (hidden, _) => format!(
            "No open loop {of_them}; --all shows {}",
            count(
                hidden,
                "that has ended or looks like an attack",
                "that have ended or look like an attack"
            )
        ),
    };
    let others = match picture.loops.iter().filter(|row| is_stuck(row)).count() {
        0 => "no other loop is open".to_owned(),
        open => count(open, "other loop is open", "other loops are open"),
    };
    wrapped(&format!("{found}; {others}."), 0)
}

/// One loop without its fix.
#[must_use]
pub(crate) fn finding(row: &LoopRow, texts: &CauseTexts, now: i64) -> String {
    let mut out = format!("{}\n", shown(&row.user_principal_name));
    let client = shown(&software(row));
    let spoke = shown(&protocols(row));
    out.push_str(&field(
        "client",
        &if client.ends_with(&spoke) {
            client
        } else {
            format!("{client}, over {spoke}")
        },
    ));
    let attempts = count(
        usize::try_from(row.attempts).unwrap_or(0),
        "attempt",
        "attempts",
    );
    out.push_str(&field(
        "since",
        &format!("{}; {attempts}; {}", since(row), going_on(row, now)),
    ));
    let batch = row
        .batch
        .as_deref()
        .map_or(String::new(), |batch| format!(" (batch {})", shown(batch)));
    out.push_str(&field("migration", &format!("{}{batch}", kind(row.kind))));
    if row.verdict == Verdict::AttackSuspected {
        out.push_str(&field("attack", "suspected; this is for the security team"));
    }
    let title = texts
        .get(&row.cause)
        .map_or(row.cause.as_str(), |text| text.title.as_str());
    out.push_str(&field(
        "cause",
        &format!(
            "{} ({}, {:.0} % sure)",
            shown(title),
            shown(&row.cause),
            row.cause_confidence * 100.0
        ),
    ));
    out.push_str(&field("evidence", &evidence(row).join("; ")));
    out
}

/// A label and its text, broken to the width of a terminal.
#[must_use]
pub(crate) fn field(label: &str, text: &str) -> String {
    let indented = wrapped(text, FIELD);
    format!("  {label:<10}{}", indented.get(FIELD..).unwrap_or("\n"))
}

/// The whole fix: what to say is broken to the width, commands are not. That steps weaken security is
/// said where they are, with their end.
fn fix(fix: &str) -> String {
    let mut lines = fix.lines();
    let mut out = wrapped(
        &format!("Tell them: {}", shown(lines.next().unwrap_or(""))),
        4,
    );
    lines
        .filter(|line| !line.starts_with(SOME_WEAKEN))
        .for_each(|line| out.push_str(&format!("    {}\n", shown(line))));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::samples::{picture, stuck};

    #[test]
    fn a_loop_is_told_in_words_and_shared_advice_once() {
        let picture = picture(vec![stuck("anna@x.example"), stuck("ben\u{1b}@x.example")]);
        let loops: Vec<&LoopRow> = picture.loops.iter().collect();
        let expected = "\
2 loops of 2 people

anna@x.example
  client    Outlook 2016 or later, over Autodiscover and EWS
  since     Fri 13 Mar 16:24 UTC, 24 min after the cutover; 412 attempts; still trying
  migration this person's own mailbox moved (batch Wave 1)
  cause     Outlook still uses the old RPC over HTTP connection (rpc_http_profile, 80 % sure)
  evidence  the password was right every time; from 2 addresses; answered with code 53003 (412
            times)
  fix
    Tell them: Your password is right.
    # On-premises
    Get-A 'anna@x.example'

ben\u{fffd}@x.example
  client    Outlook 2016 or later, over Autodiscover and EWS
  since     Fri 13 Mar 16:24 UTC, 24 min after the cutover; 412 attempts; still trying
  migration this person's own mailbox moved (batch Wave 1)
  cause     Outlook still uses the old RPC over HTTP connection (rpc_http_profile, 80 % sure)
  evidence  the password was right every time; from 2 addresses; answered with code 53003 (412
            times)
  fix       as for anna@x.example above, with this name
";
        assert_eq!(list(&picture, &loops, "lake"), expected);
    }

    #[test]
    fn the_note_on_security_stands_only_at_its_steps() {
        let text = "Wait.\n# Some of these steps weaken security.\n# Weakens security. End it after 14 days.\nDo-B";
        let expected =
            "    Tell them: Wait.\n    # Weakens security. End it after 14 days.\n    Do-B\n";
        assert_eq!(fix(text), expected);
    }

    #[test]
    fn a_name_without_loops_is_told_from_a_name_without_sign_ins() {
        let picture = picture(vec![stuck("anna@x.example")]);
        let told = |hidden, has_sign_ins| nobody_called(&picture, "l", "Bob", hidden, has_sign_ins);
        assert_eq!(
            told(0, true),
            "No loop of anybody with `Bob` in the sign-in name; 1 other loop is open.\n"
        );
        let unknown = "No sign-in is of anybody with `Bob` in the sign-in name, so there is no loop either; 1 other loop is\n\
                       open.\n";
        assert_eq!(told(0, false), unknown);
        let hidden = "No open loop of anybody with `Bob` in the sign-in name; --all shows 2 that have ended or";
        assert!(told(2, true).starts_with(hidden), "{}", told(2, true));
    }

    #[test]
    fn without_loops_there_is_a_sentence() {
        assert_eq!(
            list(&picture(Vec::new()), &[], "lake"),
            "Nobody is stuck, as far as the sign-ins tell.\n"
        );
        let empty = Picture::default();
        assert!(
            list(&empty, &[], "my.lake")
                .starts_with("The lake my.lake is empty: read sign-ins with")
        );
    }
}
