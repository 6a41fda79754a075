//! The ways in which a record is changed.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::write::{Style, written};

macro_rules! changes {
    ($($name:ident),+) => {
        /// A way to change a record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Change { $($name,)+ }

        impl Change {
            pub const ALL: &'static [Change] = &[$(Change::$name,)+];
        }
    };
}

changes! {
    NumbersAsTexts, TextsAsNumbers, FlagsAsTexts, TextsAsFlags, ObjectAsText, ListAsText,
    AllNestedAsTexts, KeysLower, KeysUpper, KeysPascal, Shuffled, Spaced, UnknownFields, Escaped,
    KeyRepeated, IdentityRepeatedBehind, ListAdded, KeyRepeatedOtherwise, FieldDropped, Truncated, ByteChanged
}

impl Change {
    /// Whether the record must mean the same afterwards.
    pub fn preserves(self) -> bool {
        use Change::{ByteChanged, FieldDropped, KeyRepeatedOtherwise, Truncated};
        ![KeyRepeatedOtherwise, FieldDropped, Truncated, ByteChanged].contains(&self)
    }

    /// The changed record.
    pub fn of(self, record: &Value, dice: &mut Dice) -> Vec<u8> {
        let mut record = record.clone();
        let mut style = Style::default();
        match self {
            Change::NumbersAsTexts => each(&mut record, &mut number_as_text),
            Change::TextsAsNumbers => each(&mut record, &mut text_as_number),
            Change::FlagsAsTexts => each(&mut record, &mut |value| flag_as_text(value, dice)),
            Change::TextsAsFlags => each(&mut record, &mut text_as_flag),
            Change::ObjectAsText => one_as_text(&mut record, dice, Value::is_object),
            Change::ListAsText => one_as_text(&mut record, dice, Value::is_array),
            Change::AllNestedAsTexts => nested_as_texts(&mut record, true),
            Change::KeysLower => record = keyed(&record, &str::to_lowercase),
            Change::KeysUpper => record = keyed(&record, &str::to_uppercase),
            Change::KeysPascal => record = keyed(&record, &pascal),
            Change::Shuffled => style.shuffled = true,
            Change::Spaced => style.spaced = true,
            Change::UnknownFields => unknown_fields(&mut record, dice),
            Change::Escaped => style.escaped = true,
            Change::KeyRepeated => style.repeated = Some(None),
            Change::KeyRepeatedOtherwise => style.repeated = Some(Some(plain(dice))),
            Change::IdentityRepeatedBehind => style.identity = true,
            Change::ListAdded => {
                style.shuffled = true;
                add_list(&mut record, dice);
            }
            Change::FieldDropped => drop_field(&mut record, dice),
            Change::Truncated | Change::ByteChanged => {}
        }
        let mut bytes = written(&record, &style, dice).into_bytes();
        match self {
            Change::Truncated => bytes.truncate(1 + dice.below(bytes.len() - 1)),
            Change::ByteChanged => {
                let place = dice.below(bytes.len());
                let old = bytes[place];
                while bytes[place] == old {
                    bytes[place] = dice.below(256) as u8;
                }
            }
            _ => {}
        }
        bytes
    }
}

/// A list at the top, under the name of a page's.
fn add_list(record: &mut Value, dice: &mut Dice) {
    let lists = [json!([]), json!([1]), json!([{"id": "x"}])];
    let key = dice.pick(&["records", "value"]);
    record[key] = lists[dice.below(lists.len())].clone();
}

/// Hands every value that holds no others to `change`.
fn each(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|value| each(value, change)),
        Value::Array(items) => items.iter_mut().for_each(|value| each(value, change)),
        _ => change(value),
    }
}

fn number_as_text(value: &mut Value) {
    if value.is_number() {
        *value = Value::from(value.to_string());
    }
}

/// A text of digits that is written as the number would be.
fn text_as_number(value: &mut Value) {
    let number = value.as_str().and_then(|text| {
        let number = text.parse::<i64>().ok()?;
        (number.to_string() == text).then_some(number)
    });
    if let Some(number) = number {
        *value = Value::from(number);
    }
}

fn flag_as_text(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Bool(true) => *value = Value::from(dice.pick(&["true", "True", "TRUE", "1"])),
        Value::Bool(false) => *value = Value::from(dice.pick(&["false", "False", "0"])),
        _ => {}
    }
}

fn text_as_flag(value: &mut Value) {
    match value.as_str() {
        Some("true") => *value = Value::Bool(true),
        Some("false") => *value = Value::Bool(false),
        _ => {}
    }
}

/// How many values below this one are of a kind.
fn count(value: &Value, is: fn(&Value) -> bool) -> usize {
    let one = |value: &Value| usize::from(is(value)) + count(value, is);
    match value {
        Value::Object(members) => members.values().map(one).sum(),
        Value::Array(items) => items.iter().map(one).sum(),
        _ => 0,
    }
}

/// Makes a text of one of the values below this one that are of a kind.
fn one_as_text(value: &mut Value, dice: &mut Dice, is: fn(&Value) -> bool) {
    let mut left = dice.below(count(value, is));
    nth_as_text(value, &mut left, is);
}

fn nth_as_text(value: &mut Value, left: &mut usize, is: fn(&Value) -> bool) -> bool {
    let below: Vec<&mut Value> = match value {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => return false,
    };
    for value in below {
        if is(value) {
            if *left == 0 {
                *value = Value::from(value.to_string());
                return true;
            }
            *left -= 1;
        }
        if nth_as_text(value, left, is) {
            return true;
        }
    }
    false
}

/// Every object and list within the sign-in as a text, and then the sign-in itself.
fn nested_as_texts(record: &mut Value, at_top: bool) {
    for (key, value) in record.as_object_mut().into_iter().flatten() {
        if at_top && key == "properties" {
            nested_as_texts(value, false);
        }
        if value.is_object() || value.is_array() {
            *value = Value::from(value.to_string());
        }
    }
}

fn keyed(value: &Value, spell: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(key, value)| (spell(key), keyed(value, spell)));
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(|item| keyed(item, spell)).collect(),
        _ => value.clone(),
    }
}

fn pascal(key: &str) -> String {
    let mut letters = key.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn other(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({"id": "x", "errorCode": 1}),
        1 => json!([{"id": "x"}, 1]),
        _ => plain(dice),
    }
}

/// A value without others in it.
fn plain(dice: &mut Dice) -> Value {
    let texts = ["", "x", "53003", "true", "{\"a\":", "2020-01-01T00:00:00Z"];
    match dice.below(4) {
        0 => Value::Null,
        1 => json!(dice.below(100_000)),
        _ => json!(dice.pick(&texts)),
    }
}

/// Keys that nobody knows, in every object.
fn unknown_fields(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(members) => {
            let below = members.values_mut();
            below.for_each(|value| unknown_fields(value, dice));
            for name in [
                "aa",
                "record",
                "status2",
                "zz \u{1F600}",
                "x_{\"id\":\"1\"}",
            ] {
                if dice.chance(2) {
                    members.insert(name.to_owned(), other(dice));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| unknown_fields(item, dice)),
        _ => {}
    }
}

/// Drops a field of the sign-in, or of the record around it.
fn drop_field(record: &mut Value, dice: &mut Dice) {
    let object = match record.get("properties") {
        Some(Value::Object(_)) if !dice.chance(4) => &mut record["properties"],
        _ => record,
    };
    let members: &mut Map<String, Value> = object.as_object_mut().expect("a record is an object");
    let keys: Vec<String> = members.keys().cloned().collect();
    members.remove(&keys[dice.below(keys.len())]);
}
