//! The fields of a record in their normal spelling, type and size.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::STRINGIFIED_MAX;
use crate::domain::decode::RejectReason;
use crate::domain::decode::oddity::{Oddities, Oddity};
use crate::domain::decode::scan::{LIST_MAX, TEXT_MAX};
use crate::domain::decode::wire::{
    DeviceField, EnvelopeField, LocationField, PolicyField, PropertiesField, StatusField, StepField,
};

/// What is read of a kind of object: keys in lower case, their normal spelling, all that are known, and
/// what they hold.
struct Spec(HashMap<String, (&'static str, Vec<&'static str>, Holds)>);

#[derive(Clone, Copy)]
enum Holds {
    /// A text, a number, yes or no; or a place that may be either.
    Scalar,
    /// Texts.
    Texts,
    /// Names between commas, or a list of them.
    Names,
    /// How it went; the code alone in some exports.
    Status,
    Object(&'static LazyLock<Spec>),
    List(&'static LazyLock<Spec>),
}

impl Spec {
    fn new<F: Copy>(keys: &'static [(&'static str, F)], below: &[(&str, Holds)]) -> Spec {
        let holds = |key: &str| below.iter().find(|(name, _)| *name == key);
        let mut spec = HashMap::new();
        for (key, _) in keys {
            let holds = holds(key).map_or(Holds::Scalar, |(_, holds)| *holds);
            let known = spec.entry(key.to_lowercase());
            known
                .or_insert_with(|| (*key, Vec::new(), holds))
                .1
                .push(*key);
        }
        Spec(spec)
    }
}

static LOCATION: LazyLock<Spec> = LazyLock::new(|| Spec::new(LocationField::KEYS, &[]));
static DEVICE: LazyLock<Spec> = LazyLock::new(|| Spec::new(DeviceField::KEYS, &[]));
static STATUS: LazyLock<Spec> = LazyLock::new(|| Spec::new(StatusField::KEYS, &[]));
static STEP: LazyLock<Spec> = LazyLock::new(|| Spec::new(StepField::KEYS, &[]));
static POLICY: LazyLock<Spec> = LazyLock::new(|| {
    Spec::new(
        PolicyField::KEYS,
        &[
            ("enforcedGrantControls", Holds::Texts),
            ("conditionsSatisfied", Holds::Names),
            ("conditionsNotSatisfied", Holds::Names),
        ],
    )
});
static PROPERTIES: LazyLock<Spec> = LazyLock::new(|| {
    let below = [
        ("location", Holds::Object(&LOCATION)),
        ("deviceDetail", Holds::Object(&DEVICE)),
        ("status", Holds::Status),
        ("appliedConditionalAccessPolicies", Holds::List(&POLICY)),
        ("authenticationDetails", Holds::List(&STEP)),
        ("signInEventTypes", Holds::Texts),
    ];
    Spec::new(PropertiesField::KEYS, &below)
});
static ENVELOPE: LazyLock<Spec> = LazyLock::new(|| {
    Spec::new(
        EnvelopeField::KEYS,
        &[("location", Holds::Object(&LOCATION))],
    )
});

/// Other names of the time of publication that have been seen.
const TIME_NAMES: [&str; 3] = ["EventTimeString", "startTime", "eventTime"];

/// One pass over a record, and what it has met.
pub(super) struct Reading {
    pub(super) oddities: Oddities,
    /// Whether keys are known whatever their case.
    pub(super) folds_case: bool,
}

impl Reading {
    /// A record with nothing in it but what is read, under its normal keys.
    pub(super) fn record(
        &mut self,
        mut map: Map<String, Value>,
    ) -> Result<Value, (RejectReason, String)> {
        let properties = self.take(&mut map, "properties");
        let mut record = match properties {
            None | Some(Value::Null) => self.own_fields(&map),
            Some(properties) => {
                let own = self.properties(properties)?;
                Map::from_iter([("properties".to_owned(), own)])
            }
        };
        for (key, value) in self.object(&map, &ENVELOPE) {
            record.insert(key, value);
        }
        let own = record.get("properties").and_then(Value::as_object);
        let created = own.unwrap_or(&record).get("createdDateTime");
        if is_nothing(created) && is_nothing(record.get("time")) {
            let mut names = TIME_NAMES.into_iter();
            if let Some(time) = names.find_map(|name| self.take(&mut map, name)) {
                record.insert("time".to_owned(), self.scalar(time));
            }
        }
        Ok(Value::Object(record))
    }

    /// Takes a value out by its key.
    fn take(&self, map: &mut Map<String, Value>, name: &str) -> Option<Value> {
        if let Some(value) = map.remove(name) {
            return Some(value);
        }
        let mut keys = map.keys().filter(|_| self.folds_case);
        let key = keys
            .find(|key| key.trim().eq_ignore_ascii_case(name))?
            .clone();
        map.remove(&key)
    }

    /// The sign-in's fields at the top of a record; those that the envelope has too are left to it.
    fn own_fields(&mut self, map: &Map<String, Value>) -> Map<String, Value> {
        self.object(map, &PROPERTIES)
    }

    fn properties(&mut self, value: Value) -> Result<Value, (RejectReason, String)> {
        match self.opened(value) {
            Value::Object(own) => Ok(Value::Object(self.object(&own, &PROPERTIES))),
            // A text that is JSON beyond a limit is no text by mistake.
            Value::String(text) if let Some(limit) = limit_of(&text) => Err(limit),
            other => {
                let detail = format!("`properties` is {}", kind(&other));
                Err((RejectReason::WrongType, detail))
            }
        }
    }

    fn object(&mut self, map: &Map<String, Value>, spec: &Spec) -> Map<String, Value> {
        let mut object = Map::new();
        for (key, value) in map {
            let folded = key.trim().to_lowercase();
            let Some((name, spellings, holds)) = spec.0.get(&folded) else {
                continue;
            };
            let is_normal = spellings.contains(&key.as_str());
            // The normal spelling counts before any other.
            if is_normal || self.folds_case && !object.contains_key(*name) {
                let value = self.value(value.clone(), *holds);
                object.insert((*name).to_owned(), value);
            }
        }
        object
    }

    fn value(&mut self, value: Value, holds: Holds) -> Value {
        match holds {
            Holds::Scalar => self.scalar(value),
            Holds::Texts => self.texts(value),
            Holds::Names => self.names(value),
            Holds::Status => match self.opened(value) {
                Value::Object(map) => Value::Object(self.object(&map, &STATUS)),
                Value::String(code) => json!({"errorCode": self.text(code)}),
                other => self.scalar(other),
            },
            Holds::Object(spec) => match self.opened(value) {
                Value::Object(map) => Value::Object(self.object(&map, spec)),
                other => self.scalar(other),
            },
            Holds::List(spec) => self.list(value, spec),
        }
    }

    fn scalar(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            other => other,
        }
    }

    fn text(&mut self, mut text: String) -> String {
        if text.contains(|letter: char| letter.is_control() && !letter.is_whitespace()) {
            self.oddities.note(Oddity::ControlChar);
            // Several readers of the lake end a text there.
            text.retain(|letter| letter != '\0');
        }
        if text.len() > TEXT_MAX {
            self.oddities.note(Oddity::TextCut);
            text.truncate(text.floor_char_boundary(TEXT_MAX));
        }
        text
    }

    fn texts(&mut self, value: Value) -> Value {
        let items = match self.opened_list(value) {
            Value::Array(items) => items,
            Value::String(text) => {
                let parts = text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                parts.map(Value::from).collect()
            }
            _ => Vec::new(),
        };
        Value::Array(items.into_iter().map(|item| self.scalar(item)).collect())
    }

    fn names(&mut self, value: Value) -> Value {
        match self.opened_list(value) {
            Value::Array(items) => {
                let names = items.iter().filter_map(Value::as_str);
                let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
                match names.as_slice() {
                    [] => Value::Null,
                    names => Value::String(self.text(names.join(","))),
                }
            }
            other => self.scalar(other),
        }
    }

    fn list(&mut self, value: Value, spec: &Spec) -> Value {
        let mut items = match self.opened_list(value) {
            Value::Array(items) => items,
            one @ Value::Object(_) => vec![one],
            _ => Vec::new(),
        };
        if items.len() > LIST_MAX {
            self.oddities.note(Oddity::ListCut);
            items.truncate(LIST_MAX);
        }
        let items = items.into_iter().map(|item| match self.opened(item) {
            Value::Object(map) => Value::Object(self.object(&map, spec)),
            // A policy by its name alone.
            Value::String(name) if !name.is_empty() => json!({"displayName": self.text(name)}),
            _ => Value::Null,
        });
        Value::Array(items.collect())
    }

    /// JSON in a text as JSON, a list of one object as the object.
    fn opened(&mut self, value: Value) -> Value {
        match self.unquoted(value, b"{[") {
            Value::Array(mut items) if items.len() == 1 && items[0].is_object() => {
                self.oddities.note(Oddity::Unwrapped);
                items.remove(0)
            }
            other => other,
        }
    }

    fn opened_list(&mut self, value: Value) -> Value {
        self.unquoted(value, b"[{")
    }

    fn unquoted(&mut self, mut value: Value, begins: &[u8]) -> Value {
        for _ in 0..STRINGIFIED_MAX {
            let Value::String(text) = &value else { break };
            let first = text.trim_start().as_bytes().first();
            if !first.is_some_and(|first| begins.contains(first) || *first == b'"') {
                break;
            }
            let mut oddities = self.oddities;
            let Ok(inner) = super::parse(text, &mut oddities) else {
                break;
            };
            self.oddities = oddities.with(Oddity::Stringified);
            value = inner;
        }
        value
    }
}

/// The limit that JSON in a text exceeds.
fn limit_of(text: &str) -> Option<(RejectReason, String)> {
    let error = super::parse(text, &mut Oddities::default()).err()?;
    matches!(error.0, RejectReason::TooDeep | RejectReason::TooManyKeys).then_some(error)
}

fn is_nothing(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value == "")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
