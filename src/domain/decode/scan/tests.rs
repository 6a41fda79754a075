//! The quick reader against the lenient one.

use proptest::prelude::*;

use super::*;
use crate::domain::decode::odd;
use crate::domain::decode::oddity::Oddities;

/// Asserts that the lenient reader reads this record in the text, if it reads it at all.
fn assert_lenient(quick: &Record, text: &[u8]) -> Result<(), TestCaseError> {
    let odd = odd::read(text);
    let shown = String::from_utf8_lossy(text);
    prop_assert!(odd.is_ok(), "{:?} in {}", odd.err(), shown);
    let odd = odd.expect("read");
    let mut lenient = odd.record().expect("a tree is a record");
    // What is odd in a field that is not read is seen by the lenient reader alone.
    lenient.oddities = Oddities::default();
    prop_assert_eq!(quick, &lenient, "{}", shown);
    Ok(())
}

/// JSON as text, piece by piece: keys may repeat, numbers and escapes are written as they are.
#[derive(Debug, Clone)]
enum Json {
    Scalar(&'static str),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

const TEXTS: &[&str] = &[
    "null",
    r#""""#,
    r#""53003""#,
    r#""application,users""#,
    r#""Krüger""#,
    r#""\u0026 \"x\" \\""#,
    r#""\ud83d\ude00""#,
    r#""2026-03-13T16:00:00Z""#,
    r#""SignInLogs""#,
];
const NUMBERS: &[&str] = &["null", "0", "-1", "50126", "19", "4294967296", r#""53003""#];
const FLAGS: &[&str] = &["true", "false", "null"];
const ODD: &[&str] = &[
    "1.5",
    "-0",
    "1e3",
    "12345678901234567890",
    r#""True""#,
    "true",
    "7",
];

/// No JSON, or no text.
const BROKEN: &[&str] = &["01", "+1", "tru", "1.", r#""\ud83d""#, ""];

const TEXT_KEYS: &[&str] = &[
    "time",
    "category",
    "Category",
    "tenantId",
    "tenantid",
    "resourceId",
    "correlationId",
    "id",
    "createdDateTime",
    "userPrincipalName",
    "clientAppUsed",
    "userAgent",
    "failureReason",
    "browser",
    "city",
    "countryOrRegion",
    "displayName",
    "result",
    "unknown",
    "Id",
    "",
];
const NUMBER_KEYS: &[&str] = &[
    "resultType",
    "errorCode",
    "autonomousSystemNumber",
    "conditionsSatisfied",
    "conditionsNotSatisfied",
];
const FLAG_KEYS: &[&str] = &["isCompliant", "isInteractive", "succeeded"];
const OBJECT_KEYS: &[&str] = &[
    "properties",
    "status",
    "deviceDetail",
    "location",
    "unknown",
];
const LIST_KEYS: &[&str] = &[
    "appliedConditionalAccessPolicies",
    "authenticationDetails",
    "unknown",
];
const TEXT_LIST_KEYS: &[&str] = &["enforcedGrantControls", "signInEventTypes", "unknown"];
const ODD_KEYS: &[&str] = &["records", r#"\u0069d"#];

type Member = (&'static str, Json);

fn scalar(of: &'static [&'static str]) -> impl Strategy<Value = Json> + Clone {
    proptest::sample::select(of).prop_map(Json::Scalar)
}

/// A key with a value of the type that belongs to it, and now and then of any other.
fn member() -> impl Strategy<Value = Member> {
    let key = |of: &'static [&'static str]| proptest::sample::select(of);
    let any_key = [
        TEXT_KEYS,
        NUMBER_KEYS,
        FLAG_KEYS,
        OBJECT_KEYS,
        LIST_KEYS,
        ODD_KEYS,
    ]
    .concat();
    let odd = prop_oneof![
        scalar(TEXTS),
        scalar(ODD),
        scalar(BROKEN),
        Just(Json::Object(Vec::new()))
    ];
    let leaf = prop_oneof![
        60 => (key(TEXT_KEYS), scalar(TEXTS)),
        20 => (key(NUMBER_KEYS), scalar(NUMBERS)),
        20 => (key(FLAG_KEYS), scalar(FLAGS)),
        2 => (proptest::sample::select(any_key), odd),
    ];
    leaf.prop_recursive(4, 60, 8, move |inner| {
        let object = proptest::collection::vec(inner.clone(), 0..8).prop_map(Json::Object);
        let texts = proptest::collection::vec(scalar(TEXTS), 0..3).prop_map(Json::List);
        let objects = proptest::collection::vec(object.clone(), 0..3).prop_map(Json::List);
        prop_oneof![
            3 => inner,
            2 => (proptest::sample::select(OBJECT_KEYS), object),
            1 => (proptest::sample::select(LIST_KEYS), objects),
            1 => (proptest::sample::select(TEXT_LIST_KEYS), texts),
        ]
    })
}

fn object() -> impl Strategy<Value = Json> {
    proptest::collection::vec(member(), 0..12).prop_map(Json::Object)
}

fn write(json: &Json, space: &str, into: &mut String) {
    let mut members =
        |open: char, close: char, count: usize, member: &dyn Fn(usize, &mut String)| {
            into.push(open);
            for number in 0..count {
                *into += if number > 0 { "," } else { "" };
                *into += space;
                member(number, into);
                *into += space;
            }
            into.push(close);
        };
    match json {
        Json::Scalar(text) => *into += text,
        Json::List(items) => members('[', ']', items.len(), &|at, into| {
            write(&items[at], space, into);
        }),
        Json::Object(fields) => members('{', '}', fields.len(), &|at, into| {
            *into += &format!("\"{}\"{space}:{space}", fields[at].0);
            write(&fields[at].1, space, into);
        }),
    }
}

/// The lenient reader accepts what the quick one accepts, and reads the same in it.
fn assert_same_meaning(text: &str) -> Result<(), TestCaseError> {
    assert_same(&mut Scanner::default(), text)
}

/// What the quick reader has read before changes nothing: neither what it accepts nor what it reads.
fn assert_same_after(before: &[&str], text: &str) -> Result<(), TestCaseError> {
    let mut scanner = Scanner::default();
    for text in before.iter().chain([&text, &text]) {
        assert_same(&mut scanner, text)?;
        let accepted = scanner
            .read(text.as_bytes(), &mut Record::default())
            .is_some();
        let fresh = Scanner::default().read(text.as_bytes(), &mut Record::default());
        prop_assert_eq!(accepted, fresh.is_some(), "{}", text);
    }
    Ok(())
}

fn assert_same(scanner: &mut Scanner, text: &str) -> Result<(), TestCaseError> {
    let mut quick = Record::default();
    match scanner.read(text.as_bytes(), &mut quick) {
        None => {}
        Some(Scanned::Record) => assert_lenient(&quick, text.as_bytes())?,
        Some(Scanned::Page(records)) => {
            let whole: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
            prop_assert!(whole.is_ok(), "{}", text);
            for (quick, range) in records {
                if let Some(quick) = quick {
                    assert_lenient(&quick, &text.as_bytes()[range])?;
                }
            }
        }
    }
    Ok(())
}

fn quick_record(text: &str) -> Option<Record<'_>> {
    let mut record = Record::default();
    match Scanner::default().read(text.as_bytes(), &mut record)? {
        Scanned::Record => Some(record),
        Scanned::Page(_) => None,
    }
}

/// One record as Event Hubs delivers it, shortened.
const RECORD: &str = r#"{"time":"2026-03-13T16:01:00.1Z","resourceId":"/tenants/t-1/providers/Microsoft.aadiam",
    "category":"SignInLogs","resultType":"53003","Level":4,"location":"NL","callerIpAddress":"192.0.2.1","properties":
    {"id":"a","createdDateTime":"2026-03-13T16:00:00.01+00:00","userDisplayName":"Paul Kr\u00fcger","userAgent":null,
    "status":{"errorCode":53003,"failureReason":"Blocked"},"deviceDetail":{"isCompliant":true,"browser":""},"mfaDetail":{},
    "location":{"city":"Köln","geoCoordinates":{"latitude":-52.37}},"appliedConditionalAccessPolicies":[{"id":"p",
    "displayName":"Block \"legacy\"","enforcedGrantControls":["Block","Mfa"],"conditionsSatisfied":19,"conditionsNotSatisfied":8,"includeRulesSatisfied":
    [{"ruleSatisfied":"allApps"}]},{"result":"notApplied","conditionsSatisfied":"application, users"}],"isInteractive":false,
    "authenticationProcessingDetails":[{"key":"Oauth Scope Info","value":"[\"Mail.Read\"]"}]}}"#;

#[test]
fn usual_records_and_pages_are_read_quickly() {
    let record = quick_record(RECORD).expect("a record read quickly");
    assert_lenient(&record, RECORD.as_bytes()).expect("the same");
    assert_eq!(record.sign_in.user_display_name.as_str(), "Paul Krüger");
    assert_eq!(
        record.sign_in.policies.0[0].name.as_str(),
        r#"Block "legacy""#
    );
    let page = format!(r#"{{"@odata.context":"x","value":[{RECORD}, {RECORD}]}}"#);
    let Some(Scanned::Page(records)) =
        Scanner::default().read(page.as_bytes(), &mut Record::default())
    else {
        panic!("not read quickly");
    };
    assert_eq!(records.len(), 2);
    assert!(
        records
            .iter()
            .all(|(read, range)| read.as_ref() == Some(&record) && page[range.clone()] == *RECORD)
    );
}

#[test]
fn an_odd_record_leaves_the_rest_of_its_page_quick() {
    let odd = r#"{"id":"odd","createdDateTime":"2026-03-13T16:00:00Z","isInteractive":"yes","status":"none"}"#;
    let page = format!(r#"{{"records":[{RECORD},{odd},{RECORD}]}}"#);
    assert_eq!(quick_record(odd), None);
    let Some(Scanned::Page(records)) =
        Scanner::default().read(page.as_bytes(), &mut Record::default())
    else {
        panic!("not read quickly");
    };
    let ids = records
        .iter()
        .map(|(record, _)| record.as_ref().map(|record| record.sign_in.id.as_str()));
    assert_eq!(ids.collect::<Vec<_>>(), [Some("a"), None, Some("a")]);
    assert_eq!(records[1].1.len(), odd.len());
}

#[test]
fn what_was_read_before_is_recognised() {
    let mut scanner = Scanner::default();
    let mut read = |text: &str| {
        let mut record = Record::default();
        assert!(scanner.read(text.as_bytes(), &mut record).is_some());
        assert_lenient(&record, text.as_bytes()).expect("the same");
        let (stretches, policies, _) = scanner.memory.borrow().counts();
        (stretches, policies)
    };
    let first = read(RECORD);
    assert!(first.0 > 0 && first.1 > 0, "{first:?}");
    assert_eq!(read(RECORD), first, "nothing is learned twice");
    // A number that goes on where the known one ended, and a policy with another result.
    let longer = RECORD.replace("\"Level\":4", "\"Level\":45");
    let other = RECORD.replace("notApplied", "failure");
    assert_eq!(read(&longer).1, first.1);
    assert_eq!(read(&other).1, first.1 + 1);
}

#[test]
fn a_memory_is_bounded() {
    let mut scanner = Scanner::default();
    let long = "x".repeat(64 << 10);
    for number in 0..2000 {
        let text = format!(
            r#"{{"id":"a","createdDateTime":"a","key{number}":[{number}],"{number}":"{long}",
            "appliedConditionalAccessPolicies":[{{"id":"{number:016}","other":"{}"}}]}}"#,
            &long[..number]
        );
        let mut record = Record::default();
        assert!(scanner.read(text.as_bytes(), &mut record).is_some());
    }
    let (stretches, policies, bytes) = scanner.memory.borrow().counts();
    assert!(stretches <= 256 * 8, "{stretches}");
    assert!((128..=64 * 8).contains(&policies), "{policies}");
    assert!(bytes < 4 << 20, "{bytes}");
}

#[test]
fn an_escaped_key_behind_unwanted_ones_is_left_to_the_lenient_reader() {
    let text = r#"{"unknown":1,"\u0069d":"a","createdDateTime":"b"}"#;
    assert_eq!(quick_record(text), None);
    let odd = odd::read(text.as_bytes()).expect("readable");
    assert_eq!(odd.record().expect("a record").sign_in.id.as_str(), "a");
}

#[test]
fn equal_keys_limits_and_control_characters_are_left_to_the_lenient_reader() {
    let keys: String = (0..=KEYS_MAX)
        .map(|key| format!(r#""k{key}":1,"#))
        .collect();
    let policies = vec!["{}"; LIST_MAX + 1].join(",");
    let long = "x".repeat(TEXT_MAX + 1);
    for fields in [
        r#""properties":{"userId":"u"},"properties":{"id":"b"}"#.to_owned(),
        r#""id":"b""#.to_owned(),
        format!(r#"{keys}"more":1"#),
        format!(r#""other":{{{keys}"more":1}}"#),
        format!(r#""appliedConditionalAccessPolicies":[{policies}]"#),
        format!(r#""userAgent":"{long}""#),
        r#""userAgent":"a\u0000b""#.to_owned(),
        r#""userAgent":"\ud800""#.to_owned(),
    ] {
        let text = format!(r#"{{"id":"a","createdDateTime":"now",{fields}}}"#);
        assert_eq!(quick_record(&text), None, "{fields}");
        // Twice, since what was read before must not change it.
        let mut scanner = Scanner::default();
        for _ in 0..2 {
            assert!(
                scanner
                    .read(text.as_bytes(), &mut Record::default())
                    .is_none()
            );
        }
    }
}

#[test]
fn the_objects_below_reach_the_quick_reader() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let quick = (0..1000).filter(|_| {
        let tree = object().new_tree(&mut runner).expect("an object");
        let mut text = String::new();
        write(
            &proptest::strategy::ValueTree::current(&tree),
            "",
            &mut text,
        );
        quick_record(&text).is_some()
    });
    let quick = quick.count();
    assert!((50..950).contains(&quick), "{quick} of 1000");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_object_means_the_same(object in object(), space in proptest::sample::select(vec!["", " ", "\n\t"])) {
        let mut text = String::new();
        write(&object, space, &mut text);
        assert_same_meaning(&text)?;
        assert_same_meaning(&format!(r#"{{"records":[{text},{RECORD}]}}"#))?;
    }

    #[test]
    fn what_was_read_before_changes_nothing(
        objects in proptest::collection::vec(object(), 1..5),
        space in proptest::sample::select(vec!["", " "]),
    ) {
        let texts: Vec<String> = objects.iter().map(|object| {
            let mut text = String::new();
            write(object, space, &mut text);
            text
        }).collect();
        let before: Vec<&str> = texts.iter().map(String::as_str).chain([RECORD]).collect();
        assert_same_after(&before, &texts[0])?;
        assert_same_after(&before, &format!(r#"{{"records":[{},{RECORD}]}}"#, texts[0]))?;
    }

    /// Damage is either seen by both readers or harmless to both.
    #[test]
    fn a_damaged_record_means_the_same(
        at in 0..RECORD.len(), length in 0usize..4,
        with in proptest::sample::select(vec!["", "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\u{1}", "y", "_", "0", "\\u00", "é"]),
    ) {
        let end = (at + length).min(RECORD.len());
        if RECORD.is_char_boundary(at) && RECORD.is_char_boundary(end) {
            let text = format!("{}{with}{}", &RECORD[..at], &RECORD[end..]);
            assert_same_after(&[RECORD], &text)?;
            assert_same_meaning(&format!(r#"{{"records":[{RECORD},{text}]}}"#))?;
        }
    }
}
