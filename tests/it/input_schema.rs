//! The JSON Schema of the input says what the program reads: the same keys, the same types, and the
//! fixtures that are in order conform to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use signloop::domain::decode::code::{Code, Word};
use signloop::domain::decode::conditions::Conditions;
use signloop::domain::decode::values::{Flag, Int, Text, Texts};
use signloop::domain::decode::wire::{Declared, declared};

use crate::prometheus_rules::{read, shipped};

/// Fixtures whose every value is in its normal shape.
const IN_ORDER: [&str; 13] = [
    "array.json",
    "array_of_envelopes.json",
    "bare.json",
    "byte_order_mark.json",
    "concatenated.json",
    "copies_and_revisions.ndjson",
    "envelope.json",
    "every_log.ndjson",
    "graph_page.json",
    "lines.ndjson",
    "lower_case.ndjson",
    "other_logs.ndjson",
    "pretty.json",
];

/// The schema, and as much of a validator as it needs: a keyword it does not know is an error.
struct Schema(Value);

impl Schema {
    fn shipped() -> Schema {
        Schema(serde_json::from_str(&read("schemas/sign_in.schema.json")).unwrap())
    }

    fn definition(&self, name: &str) -> &Value {
        let pointer = format!("/$defs/{name}");
        self.0
            .pointer(&pointer)
            .unwrap_or_else(|| panic!("no definition of {name}"))
    }

    fn properties(&self, name: &str) -> &Map<String, Value> {
        self.definition(name)["properties"].as_object().unwrap()
    }

    fn takes(&self, value: &Value) -> bool {
        self.conforms(value, &self.0)
    }

    fn conforms(&self, value: &Value, schema: &Value) -> bool {
        let schema = schema.as_object().unwrap();
        schema
            .iter()
            .all(|(keyword, rule)| self.meets(value, keyword, rule))
    }

    fn meets(&self, value: &Value, keyword: &str, rule: &Value) -> bool {
        match keyword {
            "$schema" | "$comment" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                let schema = self.0.pointer(pointer);
                self.conforms(value, schema.unwrap_or_else(|| panic!("no {pointer}")))
            }
            "anyOf" => items(rule).iter().any(|rule| self.conforms(value, rule)),
            "type" if rule.is_string() => is_a(value, rule),
            "type" => items(rule).iter().any(|rule| is_a(value, rule)),
            "enum" => items(rule).contains(value),
            "required" => items(rule)
                .iter()
                .all(|key| !value.is_object() || value.get(key.as_str().unwrap()).is_some()),
            "properties" => rule.as_object().unwrap().iter().all(|(key, rule)| {
                let inner = value.as_object().and_then(|object| object.get(key));
                inner.is_none_or(|inner| self.conforms(inner, rule))
            }),
            "items" => {
                let items = value.as_array();
                items.is_none_or(|items| items.iter().all(|item| self.conforms(item, rule)))
            }
            "minimum" => value.as_f64().is_none_or(|it| it >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|it| it <= rule.as_f64().unwrap()),
            "pattern" => value
                .as_str()
                .is_none_or(|text| matches(text, rule.as_str().unwrap())),
            other => panic!("the check does not know {other}"),
        }
    }
}

fn items(rule: &Value) -> &[Value] {
    rule.as_array().unwrap()
}

fn is_a(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("the check does not know the type {other}"),
    }
}

/// A pattern of the schema: a code as text.
const CODE: &str =
    r"^\s*([+-]?[0-9]+|[Aa][Aa][Dd][Ss][Tt][Ss][0-9]+|[Ss][Uu][Cc][Cc][Ee][Ss][Ss])\s*$";

/// The patterns of the schema, by what they mean.
fn matches(text: &str, pattern: &str) -> bool {
    let text = text.trim();
    match pattern {
        r"^\s*[+-]?[0-9]+\s*$" => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)\s*$" => {
            ["true", "false", "0", "1"].contains(&text.to_ascii_lowercase().as_str())
        }
        CODE => {
            let text = text.to_ascii_lowercase();
            let code = text.strip_prefix("aadsts");
            let code = code.unwrap_or_else(|| text.strip_prefix(['+', '-']).unwrap_or(&text));
            let is_number = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
            is_number || text == "success"
        }
        other => panic!("the check does not know the pattern {other}"),
    }
}

/// Where the schema of a type as `wire.rs` writes it stands.
fn reference(holds: &str) -> Value {
    let name = holds.replace("<'a>", "");
    match name
        .strip_prefix("List<")
        .and_then(|it| it.strip_suffix('>'))
    {
        Some(item) => json!({
            "type": ["array", "null"],
            "items": { "$ref": format!("#/$defs/{item}") },
        }),
        None => json!({ "$ref": format!("#/$defs/{name}") }),
    }
}

/// The schema of a field without what is for people.
fn bare(field: &Value) -> Value {
    let mut bare = field.as_object().unwrap().clone();
    for note in ["description", "$comment"] {
        let text = bare.remove(note);
        let said = text.as_ref().and_then(Value::as_str).unwrap_or_default();
        assert!(!said.is_empty(), "no {note} of {field}");
    }
    Value::Object(bare)
}

fn by_key(fields: &[Declared]) -> BTreeMap<&'static str, Value> {
    let pairs = fields.iter().flat_map(|field| {
        let keys = field.keys.iter();
        keys.map(|key| (*key, reference(field.holds)))
    });
    pairs.collect()
}

#[test]
fn the_schema_has_the_keys_and_types_that_are_read_and_no_others() {
    let schema = Schema::shipped();
    for (name, fields) in declared() {
        let described: BTreeMap<&str, Value> = schema
            .properties(name)
            .iter()
            .map(|(key, field)| (key.as_str(), bare(field)))
            .collect();
        assert_eq!(described, by_key(fields), "{name}");
    }
}

#[test]
fn a_record_has_the_keys_of_its_envelope_before_those_of_the_sign_in() {
    let schema = Schema::shipped();
    let mut expected = BTreeMap::new();
    // The later one counts.
    for name in ["Properties", "Envelope"] {
        for key in schema.properties(name).keys() {
            expected.insert(key.as_str(), format!("#/$defs/{name}/properties/{key}"));
        }
    }
    expected.insert("properties", "#/$defs/Properties".to_owned());
    let described: BTreeMap<&str, String> = schema
        .properties("Record")
        .iter()
        .map(|(key, field)| (key.as_str(), field["$ref"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(described, expected);
}

#[test]
fn a_type_takes_what_has_a_meaning_when_it_is_read() {
    let schema = Schema::shipped();
    let check = |name: &str, value: &Value, has_meaning: bool| {
        let takes = schema.conforms(value, schema.definition(name));
        assert_eq!(takes, has_meaning || value.is_null(), "{name}: {value}");
    };
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(53003),
        json!(-7),
        json!(1.5),
        json!(4_294_967_296_i64),
        json!("53003"),
        json!(" +53003 "),
        json!("-"),
        json!("True"),
        json!("FALSE "),
        json!("2"),
        json!("yes"),
        json!(" aadsts53003"),
        json!("AADSTS-1"),
        json!("SUCCESS"),
        json!("Failure"),
        json!(["Block"]),
        json!({ "a": 1 }),
    ];
    for value in &values {
        check("Int", value, Int::deserialize(value).unwrap().0.is_some());
        let code = Code::deserialize(value).unwrap();
        check("Code", value, code.0.is_some() || code.1 == Word::Success);
        check("Flag", value, Flag::deserialize(value).unwrap().0.is_some());
        check("Text", value, !Text::deserialize(value).unwrap().is_empty());
        check(
            "Texts",
            value,
            !Texts::deserialize(value).unwrap().is_empty(),
        );
        let conditions = Conditions::deserialize(value).unwrap();
        check("Conditions", value, conditions != Conditions::Absent);
    }
}

#[test]
fn fixtures_in_order_conform_and_others_do_not() {
    let schema = Schema::shipped();
    let mut seen = BTreeSet::new();
    for name in IN_ORDER {
        let text = fs::read(shipped("tests/fixtures/sign_ins").join(name)).unwrap();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        for value in serde_json::Deserializer::from_slice(text).into_iter::<Value>() {
            let value = value.unwrap();
            assert!(schema.takes(&value), "{name}: {value}");
            seen.insert(name);
        }
    }
    assert_eq!(seen.len(), IN_ORDER.len(), "a fixture holds nothing");
    let misfits = [
        json!(42),
        json!({}),
        json!({ "id": "x" }),
        json!({ "records": {} }),
        json!({ "records": [42] }),
        json!({ "value": [{ "category": "SignInLogs", "time": {} }] }),
        json!([{ "category": "SignInLogs", "properties": [] }]),
        json!({ "properties": { "status": { "errorCode": "none" } } }),
        json!({ "properties": { "appliedConditionalAccessPolicies": [{ "id": [] }] } }),
    ];
    for misfit in misfits {
        assert!(!schema.takes(&misfit), "{misfit}");
    }
}
