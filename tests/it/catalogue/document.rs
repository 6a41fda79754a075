//! `docs/bad-input.md`, written from the table.

use std::fs;

use super::case::{Asked, Case, Outcome};
use super::exhaustion::elsewhere;
use super::{GROUPS, cases};
use crate::prometheus_rules::{read, shipped};
use crate::schemas::UPDATE;

const DOCUMENT: &str = "docs/bad-input.md";
const HOW_TO_UPDATE: &str =
    "run: SIGNLOOP_UPDATE=1 cargo test --profile demo --test it catalogue::document::";

const HEAD: &str = "\
# Bad input

What Signloop does with everything that is not as it should be. Written by `tests/it/catalogue.rs`, which
sends each input through the decoder alone, between two good records, and through `signloop ingest`.

*Taken* is a row of `sign_ins`, *with* the named values in its column `flags`; *rejected* is a row of `rejects`
with that reason and the bytes as they came; *passed over* is counted. Neighbours are never harmed. What a flag
or a reason means stands in [schemas/tables.md](../schemas/tables.md).
";

fn document() -> String {
    let (cases, elsewhere) = (cases(), elsewhere());
    let mut text = HEAD.to_owned();
    for (letter, title, _) in GROUPS {
        text += &format!(
            "\n## {letter}. {title}\n\n| row | input | what becomes of it |\n|---|---|---|\n"
        );
        let mut rows: Vec<(u32, String)> = Vec::new();
        for case in cases.iter().filter(|case| case.row.starts_with(letter)) {
            rows.push((number(case.row), line(case.row, case.what, &becomes(case))));
        }
        for row in elsewhere.iter().filter(|row| row.row.starts_with(letter)) {
            let becomes = format!("{} (`{}` in `{}`)", row.becomes, row.test, row.file);
            rows.push((number(row.row), line(row.row, row.what, &becomes)));
        }
        rows.sort_by_key(|(number, _)| *number);
        text.extend(rows.into_iter().map(|(_, line)| line));
    }
    text + &deviations(&cases)
}

fn number(row: &str) -> u32 {
    row[1..].parse().unwrap()
}

fn line(row: &str, what: &str, becomes: &str) -> String {
    let escaped = becomes.replace('|', "\\|");
    format!("| {row} | {} | {escaped} |\n", what.replace('|', "\\|"))
}

fn becomes(case: &Case) -> String {
    let mut text = in_words(&case.outcome);
    if let Some((outcome, why)) = &case.in_a_file {
        text += &format!("; in a file {}: {why}", in_words(outcome));
    }
    if !case.because.is_empty() {
        text += &format!("; {}", case.because);
    }
    text
}

/// Outcomes in order, equal ones that follow each other as one with their number.
fn in_words(outcomes: &[Outcome]) -> String {
    let runs = outcomes.chunk_by(|one, next| one == next).map(|run| {
        let times = if run.len() > 1 {
            format!("{} ", run.len())
        } else {
            String::new()
        };
        let what = match &run[0] {
            Outcome::SignIn(flags) if flags.is_empty() => "taken".to_owned(),
            Outcome::SignIn(flags) => format!("taken with `{}`", flags.join("`, `")),
            Outcome::PassedOver => "passed over".to_owned(),
            Outcome::Copy => "a copy".to_owned(),
            Outcome::Reject(reason) => format!("rejected: `{reason}`"),
        };
        times + &what
    });
    let words: Vec<String> = runs.collect();
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", then ")
    }
}

fn deviations(cases: &[Case]) -> String {
    let mut text = "\n## Where this differs from what one might expect\n\n".to_owned();
    for case in cases {
        if let Some((asked, why)) = &case.deviation {
            let asked = match asked {
                Asked::Outcome(outcome) => in_words(std::slice::from_ref(outcome)),
                Asked::Hidden(column, _) => format!("hashed in `{column}`"),
            };
            text += &format!("- {}, {}: not {asked}, since {why}.\n", case.row, case.what);
        }
    }
    text
}

#[test]
fn the_document_says_what_the_table_says() {
    let text = document();
    if std::env::var_os(UPDATE).is_some() {
        fs::write(shipped(DOCUMENT), text).unwrap();
        return;
    }
    let path = shipped(DOCUMENT);
    assert!(path.is_file(), "no {DOCUMENT}; {HOW_TO_UPDATE}");
    assert!(read(DOCUMENT) == text, "{DOCUMENT} is old; {HOW_TO_UPDATE}");
}
