//! The catalogue of bad input: every row, what becomes of it, and what it does to its neighbours.
//!
//! One table drives three looks: each input alone and between two good records through the library,
//! all of them together through the binary into a lake, and `docs/bad-input.md`, which is written from it.

mod case;
mod document;
mod envelope;
mod exhaustion;
mod lexis;
mod strings;
mod times;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use case::{Case, Found, Outcome, good, take_apart};

use crate::support::{Counts, Ended, Lake, files, signloop_with};

/// No input keeps a busy machine longer than this.
const HANG: Duration = Duration::from_secs(10);

/// The groups of the catalogue that concern input: letter, title, how many rows.
const GROUPS: [(&str, &str, u32); 7] = [
    ("A", "Around the records", 22),
    ("B", "The JSON itself", 19),
    ("C", "Types and values", 19),
    ("D", "Time", 14),
    ("E", "Identity and texts", 15),
    ("M", "Too much of it", 3),
    ("P", "Migration files", 1),
];

fn cases() -> Vec<Case> {
    let groups = [
        envelope::cases(),
        lexis::cases(),
        types::cases(),
        times::cases(),
        strings::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// What differs between an input's outcome and what the table says; nothing if all is well.
fn differences(case: &Case, found: &[Found]) -> Vec<String> {
    let outcomes: Vec<&Outcome> = found.iter().map(|piece| &piece.outcome).collect();
    let mut differences = Vec::new();
    if outcomes != case.outcome.iter().collect::<Vec<_>>() {
        let shown = &outcomes[..outcomes.len().min(8)];
        differences.push(format!(
            "{}: {} pieces {shown:?}",
            case.name(),
            outcomes.len()
        ));
        return differences;
    }
    for (column, value) in &case.reads {
        let read = found[0].column(column);
        if read != value {
            differences.push(format!("{}: {column} is {read:?}", case.name()));
        }
    }
    differences
}

/// The bytes of rejects are those that came: of a lone piece all of them.
fn lost_bytes(case: &Case, found: &[Found]) -> Vec<String> {
    let is_kept = |raw: &[u8]| {
        let lacks = case.input.trim_ascii().len() - raw.trim_ascii().len();
        // But for the bracket of a list around it.
        let is_all = found.len() != 1 || lacks < 2;
        is_all && memchr::memmem::find(&case.input, raw).is_some()
    };
    let rejects = found
        .iter()
        .filter(|piece| matches!(piece.outcome, Outcome::Reject(_)));
    let lost = rejects.filter(|piece| !is_kept(&piece.raw));
    lost.map(|piece| format!("{}: kept {} bytes", case.name(), piece.raw.len()))
        .collect()
}

#[test]
fn every_input_alone_becomes_what_the_table_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let began = Instant::now();
        let found = take_apart(&case.input);
        if began.elapsed() > HANG {
            wrong.push(format!("{}: {:?}", case.name(), began.elapsed()));
        }
        wrong.extend(differences(&case, &found));
        wrong.extend(lost_bytes(&case, &found));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bad_record_harms_neither_neighbour_and_keeps_its_bytes() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for case in cases().into_iter().filter(|case| case.is_record) {
        tried += 1;
        let (before, after) = (good(), good());
        let message = [
            format!(r#"{{"records":[{before},"#).as_bytes(),
            &case.input,
            format!(",{after}]}}").as_bytes(),
        ]
        .concat();
        let mut found = take_apart(&message);
        let (last, first) = (found.pop(), found.drain(..1.min(found.len())).next());
        for (neighbour, text) in [(first, before), (last, after)] {
            let is_well =
                |it: &Found| it.outcome == case::flagged(&[]) && it.raw == text.as_bytes();
            if !neighbour.as_ref().is_some_and(is_well) {
                wrong.push(format!("{}: a neighbour is {neighbour:?}", case.name()));
            }
        }
        wrong.extend(differences(&case, &found));
        let rejects = found
            .iter()
            .filter(|piece| matches!(piece.outcome, Outcome::Reject(_)));
        let changed = rejects.filter(|piece| piece.raw != case.input);
        wrong.extend(changed.map(|_| format!("{}: its bytes were changed", case.name())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 100, "only {tried} records");
}

#[test]
fn all_inputs_together_go_through_the_program_and_nothing_is_lost() {
    let (folder, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (cases, mut expected) = (cases(), BTreeMap::new());
    let mut counts = Counts::default();
    for (number, case) in cases.iter().enumerate() {
        let folder = if case.is_damaged { &damaged } else { &folder };
        let path = folder.path().join(format!("{number:03}-{}.json", case.row));
        fs::write(&path, &case.input).unwrap();
        let outcome = case.in_a_file.as_ref().map_or(&case.outcome, |(it, _)| it);
        outcome
            .iter()
            .for_each(|outcome| count(&mut counts, outcome));
        expected.insert(path.canonicalize().unwrap().display().to_string(), outcome);
    }
    let lake = Lake::new();
    let told = lake.ingest(&[folder.path()]);
    let ended = ingest_damaged(&lake, damaged.path());
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    for file in files(damaged.path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(
            ended.err.contains(name),
            "{name} is not told: {}",
            ended.err
        );
    }
    let mut wrong = Vec::new();
    let stored = stored(&lake);
    for (path, outcome) in &expected {
        let stored = stored.get(path).cloned().unwrap_or_default();
        let rows: Vec<&Outcome> = outcome.iter().filter(|it| leaves_a_row(it)).collect();
        if stored.iter().collect::<Vec<_>>() != rows {
            let name = Path::new(path).file_name().unwrap().display();
            let shown = &stored[..stored.len().min(8)];
            wrong.push(format!("{name}: {} rows {shown:?}", stored.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let pieces: usize = expected.values().map(|outcome| outcome.len()).sum();
    assert_eq!((told, told.sum()), (counts, pieces as u64));
    assert_eq!(
        lake.ingest(&[folder.path()]).sign_ins,
        0,
        "a second time nothing is new"
    );
}

fn ingest_damaged(lake: &Lake, folder: &Path) -> Ended {
    let (lake, folder) = (lake.path().to_str().unwrap(), folder.to_str().unwrap());
    signloop_with(["ingest", "--lake", lake, folder])
}

fn leaves_a_row(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::SignIn(_) | Outcome::Reject(_))
}

fn count(counts: &mut Counts, outcome: &Outcome) {
    match outcome {
        Outcome::SignIn(_) => counts.sign_ins += 1,
        Outcome::PassedOver => counts.passed_over += 1,
        Outcome::Copy => counts.copies += 1,
        Outcome::Reject(_) => counts.rejects += 1,
    }
}

/// What the lake holds of each file, in order.
fn stored(lake: &Lake) -> BTreeMap<String, Vec<Outcome>> {
    let rows = lake.sql(
        "SELECT origin_stream AS file, array_to_string(flags, ' ') AS flags, NULL AS reason, \
         origin_offset AS place, origin_index AS item FROM sign_ins \
         UNION ALL SELECT origin_stream, NULL, reason, origin_offset, origin_index FROM rejects \
         ORDER BY file, place, item",
    );
    let mut stored: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    for row in rows {
        let outcome = match row["reason"].as_str() {
            Some(reason) => case::rejected(reason),
            None => {
                let flags = row["flags"].as_str().unwrap_or_default();
                case::flagged(&flags.split_whitespace().collect::<Vec<_>>())
            }
        };
        let file = row["file"].as_str().unwrap().to_owned();
        stored.entry(file).or_default().push(outcome);
    }
    stored
}

/// Every row is there, and every deviation is still one.
#[test]
fn the_table_is_complete_and_its_deviations_are_real() {
    let (cases, elsewhere) = (cases(), exhaustion::elsewhere());
    let rows = cases.iter().map(|case| case.row);
    let rows: BTreeSet<&str> = rows.chain(elsewhere.iter().map(|it| it.row)).collect();
    let mut wanted = BTreeSet::new();
    for (letter, _, count) in GROUPS {
        let numbers = if letter == "P" { 4..=4 } else { 1..=count };
        wanted.extend(numbers.map(|number| format!("{letter}{number}")));
    }
    assert_eq!(rows.len(), 93);
    assert_eq!(rows, wanted.iter().map(String::as_str).collect());
    for case in &cases {
        let Some((asked, why)) = &case.deviation else {
            continue;
        };
        let found = take_apart(&case.input);
        assert!(
            !asked.is_met(&found),
            "{}: no deviation any more",
            case.name()
        );
        println!("{} deviates: {why}", case.name());
    }
    for row in &elsewhere {
        let text = crate::prometheus_rules::read(row.file);
        assert!(
            text.contains(&format!("fn {}(", row.test)),
            "{}: no {}",
            row.row,
            row.test
        );
    }
}
