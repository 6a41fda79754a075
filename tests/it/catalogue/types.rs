//! C: fields of another type or with odd values.

use serde_json::{Value, json};

use super::case::{Case, edited, outer, own, record};

pub fn cases() -> Vec<Case> {
    [missing(), codes(), drift(), clients(), shapes()]
        .into_iter()
        .flatten()
        .collect()
}

fn nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.values_mut().for_each(|value| *value = Value::Null);
    }
}

fn empty_texts(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(empty_texts),
        other => *other = json!(""),
    }
}

fn missing() -> Vec<Case> {
    let flat = edited(|whole| {
        let own = whole["properties"].take();
        let whole = whole.as_object_mut().unwrap();
        whole.remove("properties");
        whole.extend(own.as_object().unwrap().clone());
    });
    vec![
        outer("C1", "everything is null", nulls).rejects("not_a_sign_in").because(
            "`no_identity_no_time`: without category, id, time and `properties` it is no sign-in",
        ),
        record("C2", "no `properties`, its fields stand at the top", flat)
            .flags(&["no_properties"])
            .reads("error_code", "50126"),
        outer("C3", "`properties` is a list", |whole| whole["properties"] = json!([1, 2]))
            .rejects("wrong_type"),
        outer("C3", "`properties` is a number", |whole| whole["properties"] = json!(5))
            .rejects("wrong_type"),
    ]
}

fn codes() -> Vec<Case> {
    let code = |what, value: Value| {
        outer("C5", what, move |whole| {
            whole.as_object_mut().unwrap().remove("resultType");
            whole["properties"]["status"]["errorCode"] = value;
        })
    };
    let unreadable = &["unreadable_code", "no_error_code"][..];
    vec![
        own("C4", "the code is a text", |own| {
            own["status"]["errorCode"] = json!("50126")
        })
        .ok()
        .reads("error_code", "50126"),
        code("the code is negative", json!(-1))
            .flags(unreadable)
            .reads("error_code", ""),
        code("the code is 2^31", json!(2_147_483_648_i64)).flags(unreadable),
        code("the code is 2^63", json!(9_223_372_036_854_775_808_u64)).flags(unreadable),
        code("the code is 1e3", json!(1e3))
            .flags(&["unknown_error_code"])
            .reads("error_code", "1000"),
        code("the code is 50126.0", json!(50126.0))
            .ok()
            .reads("error_code", "50126"),
        code("the code is the text 0x10", json!("0x10")).flags(unreadable),
        code("the code has the prefix AADSTS", json!("AADSTS53003"))
            .ok()
            .reads("error_code", "53003"),
        code("the code is the word Success", json!("Success"))
            .ok()
            .reads("error_code", "0"),
        code("the code is the word Failure", json!("Failure")).flags(&["no_error_code"]),
        own("C5", "the code is negative, `resultType` is not", |own| {
            own["status"]["errorCode"] = json!(-1);
        })
        .flags(&["code_conflict", "unreadable_code"])
        .reads("error_code", "50126"),
        code("the code is an empty text", json!("")).flags(&["no_error_code"]),
        outer(
            "C6",
            "`resultType` and `status.errorCode` differ",
            |whole| {
                whole["resultType"] = json!("53003");
            },
        )
        .flags(&["code_conflict"])
        .reads("error_code", "50126"),
        own("C15", "a code that the table does not know", |own| {
            own["status"]["errorCode"] = json!(999_999);
        })
        .flags(&["code_conflict", "unknown_error_code"])
        .reads("error_code", "999999"),
    ]
}

fn drift() -> Vec<Case> {
    let yes = |what, value: Value, read: &str| {
        own("C7", what, move |own| {
            own["deviceDetail"] = json!({"isCompliant": value})
        })
        .ok()
        .reads("is_compliant", read)
    };
    let requirement = |what, value: Value| {
        own("C8", what, move |own| {
            own["authenticationRequirementPolicies"] = value
        })
        .ok()
    };
    let identity =
        |what, value: Value| outer("C9", what, move |whole| whole["identity"] = value).ok();
    let duration = |what, value: Value| {
        outer("C10", what, move |whole| whole["durationMs"] = value)
            .ok()
            .because("`durationMs` is in no column")
    };
    let place = |what, value: Value| own("C11", what, move |own| own["location"] = value).ok();
    let policy = json!({"id": "p", "displayName": "P", "result": "notApplied"});
    let policies = Value::Array(vec![policy; 10_000]);
    vec![
        yes("the text true for yes", json!("true"), "true"),
        yes("the text False for no", json!("False"), "false"),
        yes("0 for no", json!(0), "false"),
        yes("1 for yes", json!(1), "true"),
        requirement(
            "a list of objects",
            json!([{"requirementProvider": "user"}]),
        ),
        requirement("a text", json!("[]")),
        identity("`identity` is an object", json!({"displayName": "Ann"})),
        identity("`identity` is a text", json!("Ann")),
        duration("`durationMs` is a text", json!("12")),
        duration("`durationMs` is negative", json!(-5)),
        place("`location` is null", Value::Null),
        place(
            "91 degrees north",
            json!({"city": "Ulm", "geoCoordinates": {"latitude": 91}}),
        )
        .reads("city", "Ulm")
        .because("coordinates are in no column, so nothing of them can be odd"),
        own("C12", "10,000 policies", |own| {
            own["appliedConditionalAccessPolicies"] = policies
        })
        .flags(&["list_cut"])
        .reads("policies", "1000"),
    ]
}

fn clients() -> Vec<Case> {
    let client = |row, what, value: &'static str| {
        own(row, what, move |own| own["clientAppUsed"] = json!(value))
    };
    vec![
        client(
            "C13",
            "a client app that the table does not know",
            "Holo Mail 3",
        )
        .flags(&["unknown_client_app"])
        .reads("auth_class", "unknown"),
        client("C13", "a client app in another language", "Andere Clients")
            .flags(&["unknown_client_app"])
            .reads("auth_class", "unknown"),
        client("C13", "Exchange ActiveSync", "Exchange ActiveSync")
            .ok()
            .reads("auth_class", "legacy"),
        client(
            "C14",
            "a client app in other case, with blanks around",
            "  iMAP4 ",
        )
        .ok()
        .reads("protocol", "imap")
        .because("case and blanks are no difference, so there is nothing to flag"),
        client("C14", "a client app with a NUL at its end", "IMAP4\u{0}")
            .flags(&["control_char"])
            .reads("protocol", "imap"),
    ]
}

fn shapes() -> Vec<Case> {
    let listed = format!("[{}]", edited(|_| ()));
    vec![
        own("C16", "fields that nobody knows", |own| {
            own["signInQuantumState"] = json!({"spin": [1, 2, {"up": null}]});
        })
        .ok(),
        own("C17", "`userId` goes by another name", |own| {
            let own = own.as_object_mut().unwrap();
            let id = own.remove("userId").unwrap();
            own.insert("objectIdentifier".to_owned(), id);
        })
        .flags(&["no_user_id"])
        .because("an alert counts `no_user_id`"),
        outer("C18", "every text is empty", empty_texts)
            .rejects("missing_time")
            .because("like C1: it says neither who nor when"),
        own("C18", "every text of the sign-in is empty", empty_texts).flags(&[
            "id_from_content",
            "no_user_id",
            "time_from_publish",
        ]),
        super::case::message("C19", "a list of one instead of an object", listed)
            .ok()
            .because("a list of records is a shape that is read; nothing is odd about it"),
        outer("C19", "`properties` is a list of one object", |whole| {
            whole["properties"] = json!([whole["properties"].take()]);
        })
        .flags(&["unwrapped"]),
    ]
}
