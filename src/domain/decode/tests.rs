//! Whole messages in, pieces out: every shape, and what a broken one does to its neighbours.

use proptest::prelude::*;

use super::normalise::{Normalised, normalise};
use super::record::Record;
use super::{Decoder, Piece, RejectReason};

/// What a message comes apart into: ids of records, reasons of rejects, with their bytes.
fn pieces(message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    Decoder::default().decode(message, &mut |piece| {
        found.push(match piece {
            Piece::Record { record, raw } => (record.sign_in.id.as_str().to_owned(), raw.to_vec()),
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
        ("invalid_json".to_owned(), br#"{"time":"2026"#.to_vec())
    );
    assert_eq!(names("{"), ["invalid_json"]);
    assert_eq!(names("   \n"), ["empty"]);
    let rest = pieces(b"hello, world");
    assert_eq!(rest[0], ("not_an_object".to_owned(), b"hello".to_vec()));
    assert_eq!(rest[1], ("not_an_object".to_owned(), b", world".to_vec()));
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
fn invalid_utf8_is_named() {
    let mut message = record("a").into_bytes();
    let place = message.len() - 5;
    message[place] = 0xff;
    assert_eq!(pieces(&message)[0].0, "invalid_utf8");
}

#[test]
fn an_empty_page_holds_nothing_and_rejects_nothing() {
    assert!(names(r#"{"records":[]}"#).is_empty());
    assert!(names("[]").is_empty());
}

#[test]
fn types_that_drift_are_read() {
    let text = r#"{"time":"12/12/2025 3:03:58 PM","resourceId":"/tenants/t-1/providers/Microsoft.aadiam",
        "category":"noninteractiveusersigninlogs","resultType":50126,"callerIpAddress":"192.0.2.1","location":"DE",
        "properties":{"id":"x","id":"y","status":{"errorCode":"53003"},"isInteractive":"false","userAgent":null,
        "autonomousSystemNumber":"64496","deviceDetail":"none","appliedConditionalAccessPolicies":
        [{"id":"p","result":"failure","enforcedGrantControls":["Block"],"conditionsSatisfied":19}],"mfaDetail":{}}}"#;
    let record: Record = serde_json::from_str(text).expect("readable");
    let Normalised::SignIn(sign_in) = normalise(&record) else {
        panic!("a sign-in")
    };
    assert_eq!(
        (sign_in.id, sign_in.tenant_id, sign_in.country),
        ("y", "t-1", "DE")
    );
    assert_eq!(
        (sign_in.error_code, sign_in.is_interactive),
        (Some(53003), Some(false))
    );
    assert_eq!(sign_in.ip_address, "192.0.2.1");
    assert_eq!(record.sign_in.asn.0, Some(64496));
    assert!(sign_in.time_from_publish);
    assert_eq!(sign_in.event_time, 1_765_551_838_000_000);
    assert_eq!(sign_in.policies()[0].conditions_satisfied.bits(), 19);
}

#[test]
fn what_is_no_sign_in_is_told_apart() {
    let normalised = |text: &str| {
        let record: Record = serde_json::from_str(text).expect("readable");
        match normalise(&record) {
            Normalised::SignIn(_) => "sign-in".to_owned(),
            Normalised::PassedOver(category) => format!("passed over {category}"),
            Normalised::Reject(reason, _) => reason.name().to_owned(),
        }
    };
    assert_eq!(
        normalised(r#"{"category":"AuditLogs","time":"2026-01-01T00:00:00Z"}"#),
        "passed over AuditLogs"
    );
    assert_eq!(
        normalised(r#"{"hello":"world"}"#),
        RejectReason::NotASignIn.name()
    );
    assert_eq!(
        normalised(r#"{"category":"SignInLogs"}"#),
        RejectReason::MissingTime.name()
    );
    assert_eq!(
        normalised(r#"{"category":"SignInLogs","properties":{"createdDateTime":"yesterday"}}"#),
        RejectReason::InvalidTime.name()
    );
    assert_eq!(
        normalised(r#"{"id":"a","createdDateTime":"2021-06-30T16:34:32Z"}"#),
        "sign-in"
    );
}

#[test]
fn deep_nesting_harms_nobody() {
    let deep = |key: &str, depth: usize| {
        format!(
            r#"{{"id":"d","{key}":{}1{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(names(&nested), ["not_an_object"]);
    // Deep in a field that is not read it is harmless, in one that is it is no record.
    assert_eq!(names(&deep("x", 1_000_000)), ["d"]);
    assert_eq!(
        names(&deep("appliedConditionalAccessPolicies", 1_000_000)),
        ["d"]
    );
    let page = format!(
        r#"{{"records":[{},{},{}]}}"#,
        record("a"),
        deep("x", 1_000_000),
        record("b")
    );
    assert_eq!(names(&page), ["a", "d", "b"]);
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
