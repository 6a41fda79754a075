//! What the bytes of a published record say, read without any of the program's readers.
//!
//! Only what the samples need: their four shapes, one spelling of each field and two of times.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// The facts of one record, by the name of their column.
pub type Facts = BTreeMap<&'static str, Value>;

/// How many facts there are of each record.
pub const COUNT: usize = 28;

/// Columns whose text stands in the sign-in itself, and its keys in JSON and in Log Analytics.
const TEXTS: [(&str, &str, &str); 13] = [
    ("id", "id", "Id"),
    ("user_id", "userId", "UserId"),
    (
        "user_principal_name",
        "userPrincipalName",
        "UserPrincipalName",
    ),
    ("user_display_name", "userDisplayName", "UserDisplayName"),
    ("user_type", "userType", "UserType"),
    ("app_id", "appId", "AppId"),
    ("app_display_name", "appDisplayName", "AppDisplayName"),
    (
        "resource_display_name",
        "resourceDisplayName",
        "ResourceDisplayName",
    ),
    ("client_app_used", "clientAppUsed", "ClientAppUsed"),
    ("user_agent", "userAgent", "UserAgent"),
    (
        "authentication_requirement",
        "authenticationRequirement",
        "AuthenticationRequirement",
    ),
    (
        "conditional_access_status",
        "conditionalAccessStatus",
        "ConditionalAccessStatus",
    ),
    ("correlation_id", "correlationId", "CorrelationId"),
];

/// The records of a file in order; `None` if it is no JSON, as two were published.
pub fn records(path: &Path) -> Option<Vec<Facts>> {
    let text = fs::read_to_string(path).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let name = path.to_string_lossy();
    if name.ends_with(".csv") {
        return Some(rows(text));
    }
    if name.ends_with(".ndjson") {
        let lines = text.lines().filter(|line| !line.is_empty());
        let parsed = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        return Some(parsed.map(|record| of_json(&record)).collect());
    }
    let document: Value = serde_json::from_str(text).ok()?;
    let list = document.as_array().or_else(|| document["value"].as_array());
    let one = std::slice::from_ref(&document);
    let records = list.map_or(one, Vec::as_slice).iter();
    Some(records.map(|record| of_json(&unwrapped(record))).collect())
}

/// The record as text within the object of a collector.
fn unwrapped(record: &Value) -> Value {
    record["_raw"]
        .as_str()
        .map_or_else(|| record.clone(), |raw| serde_json::from_str(raw).unwrap())
}

fn of_json(record: &Value) -> Facts {
    let is_envelope = record["properties"].is_object();
    let own = if is_envelope {
        &record["properties"]
    } else {
        record
    };
    let outer = |name: &str| member(record, name);
    let mut facts: Facts = TEXTS
        .iter()
        .map(|(column, key, _)| (*column, text(&own[*key])))
        .collect();
    facts.entry("id").and_modify(no_zero_id);
    let or = |facts: &mut Facts, column, key| {
        let own = facts.entry(column).or_insert(Value::Null);
        if own.is_null() && is_envelope {
            *own = text(outer(key));
        }
    };
    or(&mut facts, "correlation_id", "correlationId");
    facts.insert("ip_address", text(&own["ipAddress"]));
    or(&mut facts, "ip_address", "callerIpAddress");
    facts.insert("country", text(&own["location"]["countryOrRegion"]));
    or(&mut facts, "country", "location");
    let created = own["createdDateTime"].as_str();
    let created = created.unwrap_or_else(|| outer("time").as_str().unwrap());
    facts.insert("event_time", json!(instant(created)));
    let published = is_envelope.then(|| outer("time").as_str().map(instant));
    facts.insert("publish_time", json!(published.flatten()));
    facts.insert(
        "category",
        if is_envelope {
            text(outer("category"))
        } else {
            of_graph(own)
        },
    );
    let code = &own["status"]["errorCode"];
    let code = if code.is_null() {
        outer("resultType")
    } else {
        code
    };
    let is_success = code == "Success";
    facts.insert(
        "error_code",
        if is_success { json!(0) } else { number(code) },
    );
    facts.insert("asn", number(&own["autonomousSystemNumber"]));
    of_nested(&mut facts, &own["location"], &own["deviceDetail"]);
    of_policies(&mut facts, &own["appliedConditionalAccessPolicies"]);
    facts
}

/// City, and what is said of the device.
fn of_nested(facts: &mut Facts, location: &Value, device: &Value) {
    facts.insert("city", text(&location["city"]));
    facts.insert("device_id", text(&device["deviceId"]));
    facts.insert("device_os", text(&device["operatingSystem"]));
    facts.insert("browser", text(&device["browser"]));
    facts.insert("is_compliant", device["isCompliant"].clone());
    facts.insert("is_managed", device["isManaged"].clone());
}

/// Id, name and result of each policy.
fn of_policies(facts: &mut Facts, policies: &Value) {
    let policies = policies.as_array().map_or(&[][..], Vec::as_slice);
    let told = |policy: &Value| {
        json!([
            text(&policy["id"]),
            text(&policy["displayName"]),
            text(&policy["result"])
        ])
    };
    facts.insert("policies", policies.iter().map(told).collect());
    let controls = policies.iter().map(|policy| {
        let controls = &policy["enforcedGrantControls"];
        if controls.is_null() {
            json!([])
        } else {
            controls.clone()
        }
    });
    facts.insert("grant_controls", controls.collect());
}

/// Rows of a Log Analytics table.
fn rows(text: &str) -> Vec<Facts> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        of_row_of_table(|name: &str| {
            let place = header.iter().position(|column| column == name);
            row[place.unwrap_or_else(|| panic!("no column {name}"))].to_owned()
        })
    });
    rows.collect()
}

fn of_row_of_table(cell: impl Fn(&str) -> String) -> Facts {
    let parsed = |name: &str| match cell(name).as_str() {
        "" => Value::Null,
        text => serde_json::from_str::<Value>(text).unwrap(),
    };
    let mut facts: Facts = TEXTS
        .iter()
        .map(|(column, _, name)| (*column, self::text(&Value::from(cell(name)))))
        .collect();
    let created = cell("CreatedDateTime [UTC]");
    let created = DateTime::strptime("%m/%d/%Y, %I:%M:%S%.f %p", &created).unwrap();
    facts.insert("event_time", json!(in_utc(created)));
    facts.insert("publish_time", Value::Null);
    facts.insert("category", Value::from(cell("Category")));
    let code = number(&parsed("Status_dynamic")["errorCode"]);
    assert_eq!(code, number(&Value::from(cell("ResultType"))));
    facts.insert("error_code", code);
    facts.insert("asn", Value::Null);
    facts.insert("ip_address", text(&Value::from(cell("IPAddress"))));
    let place = parsed("LocationDetails_dynamic");
    facts.insert("country", text(&place["countryOrRegion"]));
    of_nested(&mut facts, &place, &parsed("DeviceDetail_dynamic"));
    of_policies(&mut facts, &parsed("ConditionalAccessPolicies_dynamic"));
    facts
}

/// The same facts of a row of the lake.
pub fn of_row(row: &Value) -> Facts {
    let mut facts = Facts::new();
    let others = [
        "ip_address",
        "country",
        "category",
        "error_code",
        "asn",
        "city",
        "device_id",
        "device_os",
        "browser",
        "is_compliant",
        "is_managed",
    ];
    for column in TEXTS.iter().map(|(column, ..)| *column).chain(others) {
        facts.insert(column, row[column].clone());
    }
    // Made from the bytes when the record has none.
    let made = |id: &str| id.starts_with("content:");
    if row["id"].as_str().is_some_and(made) {
        facts.insert("id", Value::Null);
    }
    for column in ["event_time", "publish_time"] {
        let time = row[column].as_str().map(instant);
        facts.insert(column, json!(time));
    }
    let policies = row["policies"].as_array().unwrap().iter();
    let told = |policy: &Value| json!([policy["id"], policy["name"], policy["result"]]);
    facts.insert("policies", policies.clone().map(told).collect());
    let controls = policies.map(|policy| policy["grant_controls"].clone());
    facts.insert("grant_controls", controls.collect());
    facts
}

/// A member whatever the case of its key: collectors change that of the outer ones.
fn member<'v>(object: &'v Value, name: &str) -> &'v Value {
    let members = object.as_object().unwrap();
    let found = members
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or(&Value::Null, |(_, value)| value)
}

/// A text, null for none.
fn text(value: &Value) -> Value {
    match value.as_str() {
        None | Some("") => Value::Null,
        Some(_) => value.clone(),
    }
}

/// Ids that were blanked out before publication name nothing.
fn no_zero_id(id: &mut Value) {
    if id == "00000000-0000-0000-0000-000000000000" {
        *id = Value::Null;
    }
}

/// A whole number, also in a text.
fn number(value: &Value) -> Value {
    let number = value.as_i64();
    json!(number.or_else(|| value.as_str()?.parse::<i64>().ok()))
}

fn of_graph(own: &Value) -> Value {
    let types = own["signInEventTypes"].to_string();
    Value::from(if types.contains("nonInteractiveUser") {
        "NonInteractiveUserSignInLogs"
    } else {
        "SignInLogs"
    })
}

/// UTC microseconds; a time without a zone is UTC.
fn instant(text: &str) -> i64 {
    let instant = text.parse::<Timestamp>().map(Timestamp::as_microsecond);
    instant.unwrap_or_else(|_| in_utc(text.parse().unwrap()))
}

fn in_utc(time: DateTime) -> i64 {
    let instant = time.to_zoned(TimeZone::UTC).unwrap().timestamp();
    instant.as_microsecond()
}
