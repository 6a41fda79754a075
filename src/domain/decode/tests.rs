//! Whole messages in, pieces out: every shape, and what a broken one does to its neighbours.

use proptest::prelude::*;

use super::normalise::{Normalised, SignIn, normalise};
use super::oddity::Oddity;
use super::record::Record;
use super::{Decoder, Piece};

/// What a message comes apart into: ids of records, reasons of rejects, with their bytes.
fn pieces(message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    Decoder::default().decode(message, &mut |piece| {
        found.push(match piece {
            Piece::Record { record, raw, .. } => {
                (record.sign_in.id.as_str().to_owned(), raw.to_vec())
            }
            Piece::Reject(reject) => (reject.reason.name().to_owned(), reject.raw.to_vec()),
        });
    });
    found
}

fn names(message: &str) -> Vec<String> {
    pieces(message.as_bytes())
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

fn record(id: &str) -> String {
    format!(
        r#"{{"time":"2026-03-13T16:01:00Z","category":"SignInLogs","properties":{{"id":"{id}","createdDateTime":"2026-03-13T16:00:00.1234567Z"}}}}"#
    )
}

#[test]
fn every_shape_gives_its_records_in_order() {
    let (a, b) = (record("a"), record("b"));
    for message in [
        format!(r#"{{"records":[{a},{b}]}}"#),
        format!("{{ \"records\" : [ {a} , {b} ] }}\n"),
        format!(r#"[{a},{b}]"#),
        format!(r#"[{{"records":[{a}]}},{{"records":[{b}]}}]"#),
        format!("{a}\n{b}\n"),
        format!("{a}{b}"),
        format!("\u{feff}{a} {b}"),
        format!("\u{feff}{a}\u{feff}{b}"),
        format!("{{\"records\":[{a}]}}\n\u{feff}[\n{b}]"),
        format!("{a},{b}"),
        format!(r#"{{"@odata.context":"x","value":[{a},{b}]}}"#),
        format!(r#"{{"extra":1,"records":[{a},{b}]}}"#),
        format!(r#"{{"records":[{a},{b}],"extra":{{"records":[]}}}}"#),
    ] {
        assert_eq!(names(&message), ["a", "b"], "{message}");
    }
}

#[test]
fn the_bytes_of_each_record_are_its_own() {
    let (a, b) = (record("a"), record("b"));
    for message in [
        format!("{{\"records\":[ {a}\n,\t{b} ]}}"),
        format!("[{a},{b}]"),
        format!("{{\"value\":[{a},{b}],\"more\":true}}"),
    ] {
        let found = pieces(message.as_bytes());
        assert_eq!(found[0].1, a.as_bytes(), "{message}");
        assert_eq!(found[1].1, b.as_bytes(), "{message}");
    }
}

#[test]
fn a_broken_record_leaves_its_neighbours_alone() {
    let (a, b) = (record("a"), record("b"));
    for (broken, reason) in [
        (r#"{"id":oops}"#, "invalid_json"),
        (r#"{"id":"x",}"#, "invalid_json"),
        ("17", "not_an_object"),
        ("null", "not_an_object"),
        (r#""text""#, "not_an_object"),
        ("[]", "not_an_object"),
    ] {
        let message = format!(r#"{{"records":[{a},{broken},{b}]}}"#);
        let found = pieces(message.as_bytes());
        let kinds: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(kinds, ["a", reason, "b"], "{message}");
        assert_eq!(found[1].1, broken.as_bytes());
    }
}

#[test]
fn what_is_cut_off_is_rejected_with_its_bytes() {
    let a = record("a");
    let message = format!(r#"{{"records":[{a},{{"time":"2026"#);
    let found = pieces(message.as_bytes());
    assert_eq!(found[0].0, "a");
    assert_eq!(
        found[1],
        ("truncated".to_owned(), br#"{"time":"2026"#.to_vec())
    );
    assert_eq!(names("{"), ["truncated"]);
    assert_eq!(names(&format!("{{\"id\":\n{a}")), ["truncated", "a"]);
    assert_eq!(names("   \n"), ["empty"]);
    assert_eq!(names("<html>\n<body>"), ["not_json"]);
    assert_eq!(names("17"), ["not_an_object"]);
    assert_eq!(names(&format!("{a} and more")), ["a", "trailing_garbage"]);
    assert_eq!(
        names(&format!("{a}\nand more\n{a}")),
        ["a", "trailing_garbage", "a"]
    );
}

/// Searched to its end for each of its beginnings, this would take hours.
#[test]
fn a_message_of_nothing_but_beginnings_is_read_in_no_time() {
    for beginning in ["{[", "{\"a\":[", "{\"records\":"] {
        let count = (1 << 20) / (beginning.len() + 1);
        let message = format!("{beginning}\n").repeat(count) + &record("r");
        let found = pieces(message.as_bytes());
        let bytes: usize = found.iter().map(|(_, raw)| raw.len()).sum();
        assert!(bytes + found.len() > message.len() - 2, "{beginning}");
        let last = found.last().map(|(name, _)| name.as_str());
        assert_eq!(last, Some("r"), "{beginning}");
    }
}

/// The same for ends that are none, or lie far behind where reading goes on.
#[test]
fn brackets_that_fit_nowhere_are_read_in_no_time() {
    let times = |text: &str| text.repeat((1 << 20) / text.len());
    for message in [
        format!("[{}1{}]", times("[{\"time\":1},"), times("]x")),
        format!("{}{}", times("{\"records\":[1]"), times("}")),
        format!("{}{}", "{\"time\":1,\n".repeat(33), times("{}")),
        times("{\"records\":[{\"time\":\"]}\n"),
        times(",{\"properties\":["),
        format!("[{}]", times("{\"time\":1}]")),
    ] {
        let found = pieces(message.as_bytes());
        let bytes: usize = found.iter().map(|(_, raw)| raw.len()).sum();
        // Brackets and keys of the lists around pieces belong to none.
        assert!(bytes > message.len() / 4, "{} of {}", bytes, message.len());
        assert!(found.iter().all(|(_, raw)| !raw.is_empty()));
    }
}

#[test]
fn a_record_right_behind_one_that_was_cut_off_is_read() {
    let (a, b) = (record("a"), record("b"));
    for cut in [10, 40, 90] {
        let message = format!("{}{b}", &a[..cut]);
        assert_eq!(
            names(&message).last().map(String::as_str),
            Some("b"),
            "{message}"
        );
    }
}

#[test]
fn pages_behind_one_that_was_cut_off_are_read() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(record);
    let message = format!("{{\"records\":[{a},\n{{\"records\":[{b},{c}]}}\n{{\"value\":[{d}]}}\n");
    assert_eq!(names(&message), ["a", "b", "c", "d"]);
}

#[test]
fn the_end_of_a_broken_record_is_not_taken_for_that_of_its_page() {
    let broken = r#"{"a" 1,"l":[{"properties":1}],"userPrincipalName":"LOST"}"#;
    let message = format!("{{\"records\":[{broken},{}]}}", record("a"));
    let found = pieces(message.as_bytes());
    let kept = |text: &str| {
        let is_in = |raw: &[u8]| memchr::memmem::find(raw, text.as_bytes()).is_some();
        found.iter().any(|(_, raw)| is_in(raw))
    };
    assert!(kept("LOST") && kept("\"a\" 1"), "{found:?}");
    assert!(found.iter().any(|(name, _)| name == "a"));
}

#[test]
fn a_second_list_that_brackets_hid_is_read_on() {
    let (a, b) = (record("a"), record("b"));
    let message = format!(r#"{{"records":[{{"time":[1}},{a}],"records":[{b}]}}"#);
    assert_eq!(names(&message), ["invalid_json", "a", "b"]);
}

#[test]
fn of_a_list_without_its_brackets_nothing_is_lost() {
    let items: Vec<&[u8]> = super::list_items(br#"{"a":1},2 ]], {"b":3}] ]"#).collect();
    assert_eq!(items, [&br#"{"a":1}"#[..], b"2", br#"{"b":3}"#]);
}

#[test]
fn two_lists_in_one_page_are_not_half_read() {
    let message = format!(
        r#"{{"records":[{}],"records":[{}]}}"#,
        record("a"),
        record("b")
    );
    assert_eq!(
        pieces(message.as_bytes()),
        [("invalid_json".to_owned(), message.into_bytes())]
    );
}

#[test]
fn an_empty_page_holds_nothing_and_rejects_nothing() {
    assert!(names(r#"{"records":[]}"#).is_empty());
    assert!(names("[]").is_empty());
}

#[test]
fn a_list_beside_a_records_own_fields_makes_it_no_page() {
    let a = record("a");
    for list in ["[]", "[1]", r#"[{"id":"x"}]"#] {
        for key in ["records", "value"] {
            let behind = a.replacen('}', &format!("}},\"{key}\":{list}"), 1);
            let before = a.replacen('{', &format!("{{\"{key}\":{list},"), 1);
            // What the quick reader does not read.
            let odd = before.replacen('{', r#"{"\u0061":0,"#, 1);
            let folded = before.replacen("properties", "Properties", 1);
            for message in [behind, before, odd, folded] {
                let expected = [("a".to_owned(), message.clone().into_bytes())];
                assert_eq!(pieces(message.as_bytes()), expected, "{message}");
                let page = format!(r#"{{"records":[{message},{a}]}}"#);
                assert_eq!(names(&page), ["a", "a"], "{page}");
            }
        }
    }
}

#[test]
fn an_object_with_an_empty_list_does_not_vanish() {
    for message in [
        r#"{"records":[],"hello":"world"}"#,
        r#"{"time":"2026-03-13T16:01:00Z","value":[]}"#,
        r#"{"\u0070roperties":{},"records":[]}"#,
    ] {
        assert_eq!(pieces(message.as_bytes()).len(), 1, "{message}");
        assert_eq!(names(&format!("[{message}]")).len(), 1, "{message}");
    }
    for page in [
        r#"{"records":[]}"#,
        r#"{"@odata.context":"x","value":[],"@odata.nextLink":"y"}"#,
    ] {
        assert!(names(page).is_empty(), "{page}");
    }
    // A page of some collector: what it holds comes out.
    let page = format!(
        r#"{{"category":"SignInLogs","host":"h","records":[{}]}}"#,
        record("a")
    );
    assert_eq!(names(&page), ["a"]);
}

#[test]
fn a_record_on_a_line_of_its_own_is_not_concatenated() {
    let (a, b, c) = (record("a"), record("b"), record("c"));
    let flagged = |message: &str| {
        let mut found = Vec::new();
        Decoder::default().decode(message.as_bytes(), &mut |piece| {
            if let Piece::Record { record, .. } = piece {
                found.push(record.oddities.has(Oddity::Concatenated));
            }
        });
        found
    };
    assert_eq!(flagged(&format!("{a}{b}\n{c}")), [false, true, false]);
    assert_eq!(flagged(&format!("{a} {b}")), [false, true]);
    assert_eq!(flagged(&format!("garbage\n{a}")), [false]);
    assert_eq!(flagged(&format!("{{\"id\":\n{a}\r\n{b}")), [false, false]);
    assert_eq!(flagged(&format!("{a}\nmore\n{b}{c}")), [false, false, true]);
}

#[test]
fn a_list_of_conditions_means_its_names() {
    let read = |conditions: &str| {
        let text = record("a").replacen(
            "\"id\"",
            &format!(
                r#""appliedConditionalAccessPolicies":[{{"conditionsSatisfied":{conditions}}}],"id""#
            ),
            1,
        );
        meaning(text.as_bytes(), |sign_in| {
            let policy = &sign_in.policies()[0];
            let names = policy.conditions_satisfied.names();
            (policy.conditions_satisfied.bits(), names.map(String::from))
        })
    };
    let names = "application,users,clientType";
    for conditions in [
        r#"["application","users","clientType"]"#,
        r#"["application",null,"users","","clientType"]"#,
        r#""[\"application\",\"users\",\"clientType\"]""#,
    ] {
        assert_eq!(
            read(conditions),
            Ok((19, Some(names.to_owned()))),
            "{conditions}"
        );
    }
    assert_eq!(read("[]"), Ok((0, None)));
}

#[test]
fn codes_are_read_wherever_one_is() {
    let read = |outer: &str, own: &str| {
        let text = record("a")
            .replacen("\"id\"", &format!("\"status\":{own},\"id\""), 1)
            .replacen('{', &format!("{{{outer},"), 1);
        let found = meaning(text.as_bytes(), |sign_in| {
            let flags = sign_in.oddities.iter().map(Oddity::name);
            let flags = flags.filter(|flag| flag.ends_with("_code") || *flag == "code_conflict");
            (sign_in.error_code, flags.collect::<Vec<_>>().join(" "))
        });
        found.expect("a sign-in")
    };
    let none = |flags: &str| (None, flags.to_owned());
    let some = |code, flags: &str| (Some(code), flags.to_owned());
    let no_code = "\"x\":0";
    for (outer, own, expected) in [
        (no_code, r#"{"errorCode":"AADSTS53003"}"#, some(53003, "")),
        (r#""resultType":"aadsts50126""#, "null", some(50126, "")),
        (
            no_code,
            r#"{"errorCode":"AADSTS"}"#,
            none("unreadable_code no_error_code"),
        ),
        (
            no_code,
            r#"{"errorCode":9223372036854775808}"#,
            none("unreadable_code no_error_code"),
        ),
        (
            r#""resultType":"53003""#,
            r#"{"errorCode":-1}"#,
            some(53003, "code_conflict unreadable_code"),
        ),
        (
            r#""resultType":"53003""#,
            r#"{"errorCode":"x"}"#,
            some(53003, "unreadable_code"),
        ),
        (
            r#""resultType":"SUCCESS""#,
            r#"{"errorCode":"none"}"#,
            some(0, ""),
        ),
        (
            r#""resultType":"Success""#,
            r#"{"errorCode":50126}"#,
            some(50126, "code_conflict"),
        ),
        (r#""resultType":"Failure""#, "{}", none("no_error_code")),
        (no_code, r#""Success""#, some(0, "")),
        (no_code, r#""Interrupted""#, none("no_error_code")),
        (r#""resultSignature":"SUCCESS""#, "null", some(0, "")),
        (
            r#""resultSignature":"SUCCESS""#,
            r#""Failure""#,
            none("no_error_code"),
        ),
        (r#""resultSignature":"None""#, "null", none("no_error_code")),
        (no_code, "{}", none("no_error_code")),
    ] {
        assert_eq!(read(outer, own), expected, "{outer} {own}");
    }
}

#[test]
fn an_event_at_most_a_second_after_its_publication_is_rounded() {
    let read = |time: &str| {
        let text = record("a").replacen("2026-03-13T16:01:00Z", time, 1);
        meaning(text.as_bytes(), |sign_in| {
            sign_in.oddities.has(Oddity::FutureTime)
        })
    };
    assert_eq!(read("2026-03-13T16:00:00.123Z"), Ok(false));
    assert_eq!(read("2026-03-13T16:00:00Z"), Ok(false));
    assert_eq!(read("2026-03-13T15:59:58Z"), Ok(true));
}

#[test]
fn a_defender_event_means_what_its_numbers_stand_for() {
    let text = r#"{"Timestamp":"May 4, 2026 4:26:07 PM","AccountUpn":"a@b.example","LogonType":"[\"interactiveUser\"]",
        "RequestId":"r","ErrorCode":0,"IsGuestUser":true,"ConditionalAccessStatus":2,"EntraIdDeviceId":"d"}"#;
    let read = meaning(text.as_bytes(), |sign_in| {
        let own = &sign_in.record.sign_in;
        assert_eq!(sign_in.event_time, 1_777_911_967_000_000);
        let (user, device) = (own.user_type.as_str(), own.device.device_id.as_str());
        [user, sign_in.conditional_access_status, device].join(" ")
    });
    assert_eq!(read, Ok("Guest notApplied d".to_owned()));
}

#[test]
fn a_header_that_is_not_known_is_told_of_once() {
    let table = b"Datum;Benutzer\n1;2\n";
    let (header, from) = super::table::Header::read(table, "x.csv").expect("a header");
    let mut told = Vec::new();
    for raw in [&table[..from], &table[from..]] {
        Decoder::default().table_row(&header, raw, &mut |piece| {
            if let Piece::Reject(reject) = piece {
                told.push((reject.reason.name(), reject.raw.to_vec(), reject.detail));
            }
        });
    }
    let detail =
        r#"the columns "Datum", "Benutzer" are not recognised; exports must be in English"#;
    let expected = (
        "unknown_columns",
        b"Datum;Benutzer".to_vec(),
        detail.to_owned(),
    );
    assert_eq!(told, [expected]);
}

/// What the one record of a message is: `f` is shown the sign-in; else the category or the reason.
fn meaning<T>(message: &[u8], f: impl Fn(&SignIn) -> T) -> Result<T, String> {
    let mut found = Vec::new();
    Decoder::default().decode(message, &mut |piece| {
        found.push(match piece {
            Piece::Record { record, .. } => match normalise(record, Some(ARRIVAL)) {
                Normalised::SignIn(sign_in) => Ok(f(&sign_in)),
                Normalised::PassedOver(category) => Err(format!("passed over {category}")),
                Normalised::Reject(reason, _) => Err(reason.name().to_owned()),
            },
            Piece::Reject(reject) => Err(reject.reason.name().to_owned()),
        });
    });
    assert_eq!(found.len(), 1, "{}", String::from_utf8_lossy(message));
    found.remove(0)
}

/// 2026-03-13 17:00:00 UTC.
const ARRIVAL: i64 = 1_773_421_200_000_000;

#[test]
fn types_that_drift_are_read() {
    let text = r#"{"time":"12/12/2025 3:03:58 PM","resourceId":"/tenants/t-1/providers/Microsoft.aadiam",
        "category":"noninteractiveusersigninlogs","resultType":50126,"callerIpAddress":"192.0.2.1","location":"DE",
        "properties":{"id":"x","id":"y","status":{"errorCode":"53003"},"isInteractive":"false","userAgent":null,
        "autonomousSystemNumber":"64496","deviceDetail":"none","conditionalAccessStatus":1,"appliedConditionalAccessPolicies":
        [{"id":"p","result":"failure","enforcedGrantControls":["Block"],"conditionsSatisfied":19}],"mfaDetail":{}}}"#;
    let read = meaning(text.as_bytes(), |sign_in| {
        assert_eq!(
            (sign_in.id, sign_in.tenant_id, sign_in.country),
            ("x", "t-1", "DE")
        );
        assert_eq!(
            (sign_in.error_code, sign_in.is_interactive),
            (Some(53003), Some(false))
        );
        assert_eq!(sign_in.ip_address, "192.0.2.1");
        assert_eq!(sign_in.conditional_access_status, "failure");
        assert_eq!(sign_in.record.sign_in.asn.0, Some(64496));
        assert_eq!(sign_in.event_time, 1_765_551_838_000_000);
        assert_eq!(sign_in.policies()[0].conditions_satisfied.bits(), 19);
        sign_in
            .oddities
            .iter()
            .map(Oddity::name)
            .collect::<Vec<_>>()
    });
    let odd = [
        "dup_key",
        "code_conflict",
        "no_user_id",
        "us_time",
        "time_from_publish",
    ];
    assert_eq!(read, Ok(odd.to_vec()));
}

#[test]
fn what_is_no_sign_in_is_told_apart() {
    for (text, expected) in [
        (
            r#"{"category":"AuditLogs","time":"2026-01-01T00:00:00Z"}"#,
            Err("passed over AuditLogs"),
        ),
        (r#"{"hello":"world"}"#, Err("not_a_sign_in")),
        (r#"{"category":"SignInLogs"}"#, Err("missing_time")),
        (
            r#"{"category":"SignInLogs","properties":{"createdDateTime":"yesterday"}}"#,
            Err("invalid_time"),
        ),
        (
            r#"{"category":"SignInLogs","properties":{"createdDateTime":"yesterday","id":"a"}}"#,
            Ok(ARRIVAL),
        ),
        (
            r#"{"id":"a","createdDateTime":"2021-06-30T16:34:32Z"}"#,
            Ok(1_625_070_872_000_000),
        ),
    ] {
        let found = meaning(text.as_bytes(), |sign_in| sign_in.event_time);
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }
}

/// What stands beside a record that can be read does not depend on which reader reads it.
#[test]
fn a_text_beside_a_readable_record_changes_nothing() {
    let own = r#""createdDateTime":"2026-03-13T16:00:00Z","id":"a","userId":"u""#;
    for beside in [
        r#""_raw":"<13>Mar 13 a line""#,
        r#""_raw":"{\"id\":\"b\"}""#,
        r#""startTime":"2026-03-13T17:00:00Z""#,
    ] {
        for flag in ["true", "\"true\""] {
            let message = format!(r#"{{{own},{beside},"isInteractive":{flag}}}"#);
            let read = meaning(message.as_bytes(), |sign_in| {
                (sign_in.id.to_owned(), sign_in.publish_time)
            });
            assert_eq!(read, Ok(("a".to_owned(), None)), "{message}");
        }
    }
}

#[test]
fn nesting_harms_nobody() {
    let deep = |key: &str, depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"id":"d","createdDateTime":"2026-03-13T16:00:00Z","{key}":{open}1{close}}}"#)
    };
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(names(&nested), ["too_deep"]);
    assert_eq!(names(&"[".repeat(500_000)), ["too_deep"]);
    for key in ["x", "appliedConditionalAccessPolicies"] {
        assert_eq!(names(&deep(key, 1_000_000)), ["too_deep"]);
        assert_eq!(names(&deep(key, 60)), ["d"]);
    }
    let (a, b) = (record("a"), record("b"));
    let page = format!(r#"{{"records":[{a},{},{b}]}}"#, deep("x", 1_000_000));
    assert_eq!(names(&page), ["a", "too_deep", "b"]);
}

/// Ways in which two records stand around a broken one.
fn around(broken: &str) -> [String; 5] {
    let (a, b) = (record("first"), record("last"));
    [
        format!("{{\"records\":[{a},{broken},{b}]}}"),
        format!("{{\n  \"value\": [\n    {a},\n    {broken},\n    {b}\n  ]\n}}"),
        format!("[{a},{broken},{b}]"),
        format!("[{{\"records\":[{a},{broken},{b}]}}]"),
        format!("{a}\n{broken}\n{b}\n"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_record_out_of_balance_takes_no_neighbour_along(
        at in any::<prop::sample::Index>(),
        put in prop::sample::select(vec!["", "\"", "{", "}", "[", "]", ",", ":", "\\", "\n"]),
        length in 0..3usize,
    ) {
        let whole = record("broken").replace("\"id\"", "\"appliedConditionalAccessPolicies\":[{\"id\":\"p\"},{\"id\":\"q\"}],\"id\"");
        let at = at.index(whole.len() - length);
        let broken = [&whole[..at], put, &whole[at + length..]].concat();
        // A list of its own, to which the records behind it belong.
        prop_assume!(!broken.starts_with('['));
        for message in around(&broken) {
            let found = names(&message);
            for name in ["first", "last"] {
                let times = found.iter().filter(|found| *found == name).count();
                prop_assert_eq!(times, 1, "{}: {:?}", message, found);
            }
            let bytes: usize = pieces(message.as_bytes()).iter().map(|(_, raw)| raw.len()).sum();
            prop_assert!(bytes + 40 > message.len(), "{}", message);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_come_apart_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (_, raw) in pieces(&bytes) {
            prop_assert!(raw.len() <= bytes.len());
        }
    }

    #[test]
    fn a_record_cut_anywhere_is_a_record_or_a_reject(cut in 0usize..400) {
        let message = format!(r#"{{"records":[{},{}]}}"#, record("a"), record("b"));
        let cut = cut.min(message.len());
        prop_assert!(!pieces(&message.as_bytes()[..cut]).is_empty() || cut < 13);
    }

    /// The decoder gives a usual record, whatever text stands in it, the meaning that serde_json gives it.
    #[test]
    fn both_readers_agree(code in any::<i32>(), agent in "\\PC{0,30}", country in "[A-Z]{2}", mask in 0u32..5000,
                          compliant in proptest::option::of(any::<bool>()), name in "\\PC{0,20}") {
        let text = serde_json::json!({
            "time": "2026-03-13T16:01:00Z", "category": "SignInLogs", "location": country,
            "properties": {"id": "a", "createdDateTime": "2026-03-13T16:00:00Z", "userAgent": agent,
                "status": {"errorCode": code}, "deviceDetail": {"isCompliant": compliant, "browser": name},
                "appliedConditionalAccessPolicies": [{"displayName": name, "conditionsSatisfied": mask}],
                "unknown": {"deep": [1, {"er": name}]}}
        }).to_string();
        let oracle: Record = serde_json::from_str(&text).expect("readable");
        let mut decoded = 0;
        Decoder::default().decode(text.as_bytes(), &mut |piece| {
            let Piece::Record { record, .. } = piece else { panic!("{piece:?}") };
            assert_eq!(*record, oracle);
            decoded += 1;
        });
        prop_assert_eq!(decoded, 1);
    }
}
