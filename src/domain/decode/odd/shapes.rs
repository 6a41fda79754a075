//! Rows of other tables, translated by `schemas/input_shapes.csv` and `schemas/input_keys.csv`.
//!
//! A shape is known by its marks; of two columns for one field the one whose row in the table stands
//! first counts. Its keys are compared in lower case, without blanks around or doubled
//! inside and without what Log Analytics appends to the headers of its exports.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// A table whose rows can be read as sign-ins.
pub(super) struct Shape {
    /// Each of them must be there, by one of its names.
    marks: Vec<Vec<&'static str>>,
    /// Of rows that do not say their category.
    category: &'static str,
    keys: HashMap<&'static str, Vec<Target>>,
}

/// Where a value belongs, and in which form it stands.
struct Target {
    /// Its row in the table.
    rank: usize,
    path: Vec<&'static str>,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    /// As it is.
    Plain,
    /// `City, State, CC`.
    Place,
    /// Words for an enumeration: `Not Applied` for `notApplied`.
    Camel,
    /// `Yes` or `No`.
    Yes,
    /// An enumeration in words, or the number of one of its members.
    Access,
    /// Yes for a guest, no for a member.
    Guest,
}

static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(read_shapes);

const COMPILED_IN: &str = "the tables compiled in are read by a test";

fn read_shapes() -> Vec<Shape> {
    let rows = |table: &'static str| table.lines().skip(1).map(cells);
    let keys: Vec<Vec<&str>> = rows(include_str!("../../../../schemas/input_keys.csv")).collect();
    let shapes = rows(include_str!("../../../../schemas/input_shapes.csv"));
    let shapes = shapes.map(|row| Shape {
        marks: row[1]
            .split(';')
            .map(|mark| mark.trim().split('|').collect())
            .collect(),
        category: row[2],
        keys: keys_of(row[0], &keys),
    });
    shapes.collect()
}

fn keys_of(shape: &str, rows: &[Vec<&'static str>]) -> HashMap<&'static str, Vec<Target>> {
    let mut keys: HashMap<&str, Vec<Target>> = HashMap::new();
    let rows = rows.iter().filter(|row| row[0] == shape);
    for (rank, row) in rows.enumerate() {
        let form = match row[3] {
            "" => Form::Plain,
            "place" => Form::Place,
            "camel" => Form::Camel,
            "yes" => Form::Yes,
            "access" => Form::Access,
            "guest" => Form::Guest,
            _ => unreachable!("{COMPILED_IN}"),
        };
        let path = row[2].split('.').collect();
        keys.entry(row[1])
            .or_default()
            .push(Target { rank, path, form });
    }
    keys
}

/// The cells of a row; the tables hold no quotes.
fn cells(line: &'static str) -> Vec<&'static str> {
    line.split(',').collect()
}

/// The row as a diagnostic record, if it has the marks of a shape.
pub(super) fn translated(row: &Map<String, Value>) -> Option<Map<String, Value>> {
    let keys: Vec<(String, &Value)> = row.iter().map(|(key, value)| (plain(key), value)).collect();
    let has = |name: &&str| keys.iter().any(|(key, _)| key == name);
    let shape = SHAPES.iter().find(|shape| shape.is_marked(has))?;
    let mut found: Vec<(&Target, &Value)> = Vec::new();
    for (key, value) in &keys {
        let targets = shape.keys.get(key.as_str()).into_iter().flatten();
        found.extend(targets.map(|target| (target, *value)));
    }
    found.sort_by_key(|(target, _)| target.rank);
    let mut record = Map::new();
    for (target, value) in found {
        if let Some(value) = target.form.read(value) {
            put(&mut record, &target.path, value);
        }
    }
    if !shape.category.is_empty() {
        put(&mut record, &["category"], Value::from(shape.category));
    }
    Some(record)
}

impl Shape {
    fn is_marked(&self, has: impl Fn(&&str) -> bool) -> bool {
        let mut marks = self.marks.iter();
        marks.all(|names| names.iter().any(&has))
    }
}

/// Which of these columns are known, and whether rows that have them can be sign-ins.
pub(in super::super) fn known_columns(names: &[String]) -> (Vec<bool>, bool) {
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let is_column = |name: &String| {
        let mut shapes = SHAPES.iter();
        shapes.any(|shape| shape.keys.contains_key(name.as_str()))
    };
    let known = names.iter().map(is_column).collect();
    let has = |name: &&str| names.iter().any(|other| other == name);
    // Sign-ins under their normal names are in no shape.
    let is_plain = has(&"category") || has(&"id") && has(&"createddatetime");
    let is_marked = SHAPES.iter().any(|shape| shape.is_marked(has));
    (known, is_plain || is_marked)
}

/// A key without what differs between exports of one table.
fn plain(key: &str) -> String {
    let lower = key.trim_start_matches('\u{feff}').to_lowercase();
    let words: Vec<&str> = lower
        .split_whitespace()
        .filter(|word| *word != "[utc]")
        .collect();
    let joined = words.join(" ");
    let bare = joined
        .strip_suffix("_dynamic")
        .or_else(|| joined.strip_suffix("_string"));
    bare.unwrap_or(&joined).to_owned()
}

impl Form {
    fn read(self, value: &Value) -> Option<Value> {
        let scalar = match (self, value) {
            (Form::Access | Form::Guest, Value::Number(_) | Value::Bool(_)) => value.to_string(),
            _ => String::new(),
        };
        let text = value
            .as_str()
            .or(Some(scalar.as_str()).filter(|it| !it.is_empty()));
        let text = text.map(str::trim);
        match (self, text) {
            (_, Some("")) | (_, None) if value.is_null() || text == Some("") => None,
            (Form::Plain, _) | (_, None) => Some(value.clone()),
            (Form::Place, Some(place)) => Some(place_of(place)),
            (Form::Camel, Some(words)) => Some(Value::from(camel(words))),
            (Form::Yes, Some(answer)) => match answer.to_lowercase().as_str() {
                "yes" | "true" => Some(Value::Bool(true)),
                "no" | "false" => Some(Value::Bool(false)),
                _ => None,
            },
            // A number is given its name later, as in every other shape.
            (Form::Access, Some(words)) => Some(Value::from(match words.parse::<i64>() {
                Ok(_) => words.to_owned(),
                Err(_) => camel(words),
            })),
            (Form::Guest, Some(answer)) => match answer.to_lowercase().as_str() {
                "true" | "1" => Some(Value::from("Guest")),
                "false" | "0" => Some(Value::from("Member")),
                _ => None,
            },
        }
    }
}

fn place_of(place: &str) -> Value {
    let parts: Vec<&str> = place.split(',').map(str::trim).collect();
    let country = parts.last().copied().unwrap_or("");
    let city = if parts.len() > 1 { parts[0] } else { "" };
    serde_json::json!({"city": city, "countryOrRegion": country})
}

fn camel(words: &str) -> String {
    let mut out = String::new();
    for word in words
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let mut letters = word.chars();
        let first = letters.next().into_iter();
        if out.is_empty() {
            out.extend(first.flat_map(char::to_lowercase));
        } else {
            out.extend(first.flat_map(char::to_uppercase));
        }
        out.push_str(letters.as_str());
    }
    out
}

/// Puts a value at its place unless there is one: of two columns with one meaning the first filled
/// one counts.
fn put(into: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            into.entry(*last).or_insert(value);
        }
        [first, rest @ ..] => {
            let below = into
                .entry(*first)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_read_and_every_shape_has_what_a_sign_in_needs() {
        for shape in SHAPES.iter() {
            let fields = shape
                .keys
                .values()
                .flatten()
                .map(|target| target.path.join("."));
            let fields: Vec<String> = fields.collect();
            for needed in ["properties.id", "properties.createdDateTime"] {
                assert!(fields.iter().any(|field| field == needed), "{needed}");
            }
            let marks = shape.marks.iter().flatten();
            assert!(marks.clone().count() > 1);
            assert!(marks.clone().any(|mark| shape.keys.contains_key(mark)));
        }
        assert_eq!(SHAPES.len(), 5);
    }

    #[test]
    fn headers_differ_and_mean_the_same() {
        for key in [
            "\u{feff}Createddatetime [UTC]",
            " CreatedDateTime",
            "createddatetime_dynamic",
        ] {
            assert_eq!(plain(key), "createddatetime");
        }
        assert_eq!(
            plain("Autonomous system  number "),
            "autonomous system number"
        );
    }

    #[test]
    fn of_two_columns_for_one_field_the_first_row_counts() {
        let row = serde_json::json!({
            "CreatedDateTime": "2026-03-13T16:00:00Z",
            "ResultType": "0",
            "AppliedConditionalAccessPolicies": "[]",
            "ConditionalAccessPolicies": "[{}]",
        });
        let read = |row: &Value| translated(row.as_object().expect("an object"));
        let policies = |row| {
            let record = Value::Object(read(row).expect("a shape"));
            record["properties"]["appliedConditionalAccessPolicies"].clone()
        };
        // The name that stands first in the alphabet stands second in the table.
        assert_eq!(policies(&row), "[{}]");
        let mut empty = row.clone();
        empty["ConditionalAccessPolicies"] = "".into();
        assert_eq!(policies(&empty), "[]");
    }

    #[test]
    fn columns_are_known_whatever_their_spelling() {
        let columns = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            known_columns(&names)
        };
        let portal = ["\u{feff}Date (UTC)", "Request ID", "username ", "Datum"];
        assert_eq!(columns(&portal), (vec![true, true, true, false], true));
        assert!(columns(&["Id", "CreatedDateTime"]).1);
        assert_eq!(columns(&["Status", "Datum"]), (vec![true, false], false));
    }

    #[test]
    fn forms_are_read() {
        let camel = |words: &str| Form::Camel.read(&Value::from(words));
        assert_eq!(camel("Not Applied"), Some("notApplied".into()));
        assert_eq!(
            camel("Single-factor authentication"),
            Some("singleFactorAuthentication".into())
        );
        assert_eq!(camel(" "), None);
        let place = Form::Place.read(&Value::from("Melbourne, Victoria, AU"));
        assert_eq!(
            place,
            Some(serde_json::json!({"city": "Melbourne", "countryOrRegion": "AU"}))
        );
        let access = |value: Value| Form::Access.read(&value);
        assert_eq!(access(1.into()), Some("1".into()));
        assert_eq!(access("-2".into()), Some("-2".into()));
        assert_eq!(access("Success".into()), Some("success".into()));
        assert_eq!(access(Value::Null), None);
        let guest = |value: Value| Form::Guest.read(&value);
        assert_eq!(guest(true.into()), Some("Guest".into()));
        assert_eq!(guest("False".into()), Some("Member".into()));
        assert_eq!(
            (guest(0.into()), guest("".into())),
            (Some("Member".into()), None)
        );
        assert_eq!(Form::Yes.read(&Value::from("No")), Some(Value::Bool(false)));
    }
}
