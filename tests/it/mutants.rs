//! Ten thousand changed variants of real records: what must mean the same does, what is broken is a
//! reject with its bytes, neighbours are unharmed, and nothing is lost on the way into a lake.

mod change;
mod dice;
mod meaning;
mod originals;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use self::change::Change;
use self::dice::Dice;
use self::meaning::{Became, Found, Reader};
use crate::support::{Counts, Lake, OUTLOOK, Short, envelope};

const SEED: u64 = 20_260_313;
const MUTANTS: usize = 10_000;

/// An original under an id of its own, and what one change made of it.
struct Mutant {
    change: Change,
    original: Value,
    bytes: Vec<u8>,
    /// The records around it.
    before: String,
    after: String,
}

/// Every original is changed in every way, again and again, until there are enough.
fn mutants() -> Vec<Mutant> {
    let (originals, mut dice) = (originals::originals(), Dice(SEED));
    assert!(originals.len() > 60, "{} originals", originals.len());
    let pairs = Change::ALL.iter().flat_map(|change| {
        let originals = originals.iter();
        originals.map(move |original| (*change, original))
    });
    let mutant = |(number, (change, original)): (usize, (Change, &Value))| {
        let mut original = original.clone();
        set_id(&mut original, dice.guid());
        Mutant {
            change,
            bytes: change.of(&original, &mut dice),
            original,
            before: neighbour(2 * number as u64),
            after: neighbour(2 * number as u64 + 1),
        }
    };
    let pairs: Vec<_> = pairs.collect();
    let endless = pairs.into_iter().cycle().take(MUTANTS);
    endless.enumerate().map(mutant).collect()
}

/// An id that no other record has, so that no mutant is taken for a copy.
fn set_id(record: &mut Value, id: String) {
    let key = if record.get("Id").is_some() {
        "Id"
    } else {
        "id"
    };
    let own = match record.get("properties") {
        Some(Value::Object(_)) => &mut record["properties"],
        _ => record,
    };
    own[key] = Value::from(id);
}

fn neighbour(number: u64) -> String {
    let short = Short {
        number,
        user: 1,
        at: 1_773_417_600_000_000,
        client: OUTLOOK,
        code: 0,
        ip: 1,
    };
    short.json()
}

impl Mutant {
    /// The message in which it goes into the lake: among its neighbours where its brackets close,
    /// else alone.
    fn message(&self) -> Vec<u8> {
        if self.change.preserves() || self.change == Change::FieldDropped {
            self.among_neighbours()
        } else {
            self.bytes.clone()
        }
    }

    fn among_neighbours(&self) -> Vec<u8> {
        let (before, after) = (self.before.as_bytes(), self.after.as_bytes());
        let members = [before, b",", &self.bytes, b",", after].concat();
        [b"{\"records\":[", members.as_slice(), b"]}"].concat()
    }
}

/// What became of the mutants of one change.
#[derive(Default)]
struct Tally {
    same: usize,
    flagged: usize,
    other: usize,
    passed_over: usize,
    rejected: usize,
}

/// What is wrong, by the change and what differs: how often, and the shortest example.
#[derive(Default)]
struct Wrong {
    by_change: BTreeMap<(Change, String), (usize, String)>,
}

impl Wrong {
    fn note(&mut self, mutant: &Mutant, what: String) {
        let shown = String::from_utf8_lossy(&mutant.bytes).into_owned();
        let entry = self.by_change.entry((mutant.change, what));
        let (times, example) = entry.or_insert((0, shown.clone()));
        *times += 1;
        if shown.len() < example.len() {
            *example = shown;
        }
    }
}

/// The names of the columns in which two sign-ins differ; `None` if one is no sign-in.
fn differences(one: &Became, other: &Became) -> Option<String> {
    let (Became::SignIn { columns: one, .. }, Became::SignIn { columns: other, .. }) = (one, other)
    else {
        return None;
    };
    let pairs = one.iter().zip(other).filter(|(one, other)| one != other);
    Some(pairs.map(|(one, _)| one.0).collect::<Vec<_>>().join(" "))
}

#[test]
fn what_must_mean_the_same_does_and_what_is_broken_keeps_its_bytes() {
    let (mut reader, mut wrong) = (Reader::new(), Wrong::default());
    let mut tallies: BTreeMap<Change, Tally> = BTreeMap::new();
    for mutant in &mutants() {
        let original = reader.read(mutant.original.to_string().as_bytes());
        let original = &original[0].became;
        let alone = reader.read(&mutant.bytes);
        let tally = tallies.entry(mutant.change).or_default();
        for found in &alone {
            tally.count(original, &found.became);
        }
        check_bytes(mutant, &alone, &mut wrong);
        if mutant.change.preserves() {
            match differences(original, &alone[0].became) {
                Some(differences) if differences.is_empty() => {}
                Some(differences) => wrong.note(mutant, differences),
                None => wrong.note(mutant, alone[0].became.name().to_owned()),
            }
        }
        check_neighbours(mutant, &alone, &mut reader, &mut wrong);
    }
    print(&tallies);
    for ((change, what), (times, example)) in &wrong.by_change {
        println!("{change:?}, {times} times, {what}:\n  {example}");
    }
    assert!(wrong.by_change.is_empty(), "seed {SEED}, see above");
}

impl Tally {
    fn count(&mut self, original: &Became, became: &Became) {
        let flags = |became: &Became| match became {
            Became::SignIn { flags, .. } => flags.clone(),
            _ => Vec::new(),
        };
        let place = match became {
            Became::PassedOver => &mut self.passed_over,
            Became::Reject(_) => &mut self.rejected,
            _ if differences(original, became).is_none_or(|it| !it.is_empty()) => &mut self.other,
            _ if flags(original) == flags(became) => &mut self.same,
            _ => &mut self.flagged,
        };
        *place += 1;
    }
}

fn print(tallies: &BTreeMap<Change, Tally>) {
    println!("change                 |  same | flagged | other sign-in | passed over | rejected");
    for (change, tally) in tallies {
        println!(
            "{:<22} | {:>5} | {:>7} | {:>13} | {:>11} | {:>8}",
            format!("{change:?}"),
            tally.same,
            tally.flagged,
            tally.other,
            tally.passed_over,
            tally.rejected
        );
    }
}

/// The pieces stand in the message in order, and besides them nothing but what frames a list; of a
/// single one the bytes are those that came.
fn check_bytes(mutant: &Mutant, found: &[Found], wrong: &mut Wrong) {
    let mut rest = mutant.bytes.as_slice();
    let mut frame = Vec::new();
    for piece in found {
        let place = memchr::memmem::find(rest, &piece.raw);
        let Some(place) = place.filter(|_| !piece.raw.is_empty()) else {
            return wrong.note(mutant, "a piece whose bytes are others".to_owned());
        };
        frame.extend_from_slice(&rest[..place]);
        rest = &rest[place + piece.raw.len()..];
    }
    frame.extend_from_slice(rest);
    frame.retain(|byte| !byte.is_ascii_whitespace());
    if found.is_empty() || frame.iter().any(|byte| !b"[],".contains(byte)) {
        let frame = String::from_utf8_lossy(&frame);
        wrong.note(mutant, format!("lost without a word: {frame:?}"));
    }
}

/// Whether a changed byte may be one that gives JSON its form.
fn keeps_its_form(mutant: &Mutant) -> bool {
    let original = mutant.original.to_string().into_bytes();
    let gives_form = |byte: u8| b"\"\\{}[]".contains(&byte);
    let mut changed = original
        .iter()
        .zip(&mutant.bytes)
        .filter(|(one, other)| one != other);
    !changed.any(|(one, other)| gives_form(*one) || gives_form(*other))
}

/// In one envelope with others they are what they are without it, and a mutant whose form is whole
/// becomes the same.
fn check_neighbours(mutant: &Mutant, alone: &[Found], reader: &mut Reader, wrong: &mut Wrong) {
    let before = reader.read(mutant.before.as_bytes());
    let after = reader.read(mutant.after.as_bytes());
    let is_broken = match mutant.change {
        Change::Truncated => true,
        Change::ByteChanged => !keeps_its_form(mutant),
        _ => false,
    };
    if is_broken {
        let found = reader.read(&mutant.among_neighbours());
        if !found.starts_with(&before) || !found.ends_with(&after) {
            let told: Vec<_> = found.iter().map(|it| it.became.name()).collect();
            wrong.note(mutant, format!("harms a neighbour: {}", told.join(" ")));
        }
        return;
    }
    let expected: Vec<&Found> = before.iter().chain(alone).chain(&after).collect();
    let found = reader.read(&mutant.among_neighbours());
    if found.iter().collect::<Vec<_>>() != expected {
        let told: Vec<_> = found.iter().map(|it| it.became.name()).collect();
        wrong.note(mutant, format!("among neighbours: {}", told.join(" ")));
    }
}

#[test]
fn all_of_them_go_into_a_lake_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mutants.ndjson");
    let mut bytes = Vec::new();
    for (number, mutant) in mutants().iter().enumerate() {
        let own = neighbour((2 * MUTANTS + number) as u64);
        bytes.extend_from_slice(&mutant.message());
        bytes.push(b'\n');
        bytes.extend_from_slice(&envelope(&[own]));
        bytes.push(b'\n');
    }
    let first = neighbour(u64::MAX >> 16) + "\n";
    let bytes = [first.as_bytes(), &bytes].concat();
    fs::write(&file, &bytes).unwrap();
    let expected = Expected::of(&bytes);
    let lake = Lake::new();
    let told = lake.ingest(&[&file]);
    println!("{told:?}");
    assert_eq!(told.sum(), expected.pieces, "seed {SEED}");
    assert_eq!(told.rejects, expected.rejects.len() as u64, "seed {SEED}");
    assert_eq!(told.passed_over, expected.passed_over, "seed {SEED}");
    check_lake(&lake, told, &expected);
}

/// What must be in the lake, as the bytes are read line by line.
#[derive(Default)]
struct Expected {
    pieces: u64,
    passed_over: u64,
    ids: BTreeSet<String>,
    /// Bytes in hexadecimal.
    rejects: Vec<String>,
}

impl Expected {
    fn of(bytes: &[u8]) -> Expected {
        let (mut reader, mut expected) = (Reader::new(), Expected::default());
        let lines = bytes.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
            for found in reader.read(line) {
                expected.pieces += 1;
                match found.became {
                    Became::SignIn { id, .. } => {
                        expected.ids.extend(Some(id).filter(|id| !id.is_empty()));
                    }
                    Became::PassedOver => expected.passed_over += 1,
                    Became::Reject(_) => expected.rejects.push(hex(&found.raw)),
                }
            }
        }
        expected.rejects.sort();
        expected
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_lake(lake: &Lake, told: Counts, expected: &Expected) {
    let counts = lake.sql(
        "SELECT (SELECT count(*) FROM sign_ins) AS sign_ins, \
         (SELECT count(*) FROM sign_in_revisions) AS revisions, \
         (SELECT count(*) FROM rejects) AS rejects",
    );
    assert_eq!(counts[0]["sign_ins"], told.sign_ins);
    assert_eq!(counts[0]["revisions"], told.revisions);
    assert_eq!(counts[0]["rejects"], told.rejects);
    let texts = |query: &str| {
        let rows = lake.sql(query).into_iter();
        rows.map(|row| row["text"].as_str().unwrap().to_owned())
    };
    let ids = texts("SELECT id AS text FROM sign_ins WHERE id NOT LIKE 'content:%'");
    assert_eq!(ids.collect::<BTreeSet<_>>(), expected.ids, "seed {SEED}");
    let mut rejects: Vec<String> =
        texts("SELECT encode(raw, 'hex') AS text FROM rejects").collect();
    rejects.sort();
    assert!(
        rejects == expected.rejects,
        "a reject has other bytes, seed {SEED}"
    );
}
