//! Writes JSON in more ways than one.

use serde_json::Value;

use super::dice::Dice;

/// Keys of which the first counts when they stand there twice.
const IDENTITY: [&str; 5] = [
    "id",
    "userId",
    "userPrincipalName",
    "tenantId",
    "createdDateTime",
];

/// How a value is written.
#[derive(Default)]
pub struct Style {
    pub shuffled: bool,
    pub spaced: bool,
    pub escaped: bool,
    /// A key of each object again behind the others, with the same value or another one.
    pub repeated: Option<Option<Value>>,
    /// The keys that say who and which again behind the others, with other values.
    pub identity: bool,
}

/// The text of a value.
pub fn written(value: &Value, style: &Style, dice: &mut Dice) -> String {
    let mut out = String::new();
    write(value, style, dice, &mut out);
    out
}

fn write(value: &Value, style: &Style, dice: &mut Dice, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&str, Value)> = members
                .iter()
                .map(|(key, value)| (key.as_str(), value.clone()))
                .collect();
            if style.shuffled {
                dice.shuffle(&mut members);
            }
            repeat(&mut members, style, dice);
            let writes = members.iter().map(|(key, value)| {
                let (key, value) = (*key, value);
                move |dice: &mut Dice, out: &mut String| {
                    string(key, style, dice, out);
                    space(style, dice, out);
                    out.push(':');
                    space(style, dice, out);
                    write(value, style, dice, out);
                }
            });
            listed(['{', '}'], writes, style, dice, out);
        }
        Value::Array(items) => {
            let writes = items
                .iter()
                .map(|item| move |dice: &mut Dice, out: &mut String| write(item, style, dice, out));
            listed(['[', ']'], writes, style, dice, out);
        }
        Value::String(text) => string(text, style, dice, out),
        _ => out.push_str(&value.to_string()),
    }
}

fn repeat(members: &mut Vec<(&str, Value)>, style: &Style, dice: &mut Dice) {
    if let (Some(value), false) = (&style.repeated, members.is_empty()) {
        let (key, own) = members[dice.below(members.len())].clone();
        members.push((key, value.clone().unwrap_or(own)));
    }
    if style.identity {
        let keys: Vec<&str> = members.iter().map(|(key, _)| *key).collect();
        let keys = keys.into_iter().filter(|key| IDENTITY.contains(key));
        members.extend(keys.map(|key| (key, Value::from("somebody else"))));
    }
}

fn listed(
    brackets: [char; 2],
    writes: impl Iterator<Item = impl FnOnce(&mut Dice, &mut String)>,
    style: &Style,
    dice: &mut Dice,
    out: &mut String,
) {
    out.push(brackets[0]);
    space(style, dice, out);
    for (number, write) in writes.enumerate() {
        if number > 0 {
            out.push(',');
            space(style, dice, out);
        }
        write(dice, out);
        space(style, dice, out);
    }
    out.push(brackets[1]);
}

/// White space within a line.
fn space(style: &Style, dice: &mut Dice, out: &mut String) {
    if style.spaced {
        out.push_str(dice.pick(&["", " ", "\t", "\r", "   "]));
    }
}

/// A text, some of its letters as `\uXXXX`.
fn string(text: &str, style: &Style, dice: &mut Dice, out: &mut String) {
    if !style.escaped {
        out.push_str(&Value::from(text).to_string());
        return;
    }
    out.push('"');
    for letter in text.chars() {
        if dice.chance(2) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let lower = format!("\\u{unit:04x}");
                let upper = format!("\\u{unit:04X}");
                out.push_str(dice.pick(&[lower.as_str(), upper.as_str()]));
            }
        } else {
            let quoted = Value::from(letter.to_string()).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
    }
    out.push('"');
}
