//! B: what is wrong with the JSON itself.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::case::{Case, edited, flagged, good, message, own, record, respelt};

/// The code of a good record, as it stands there.
const CODE: &str = r#""errorCode":50126"#;

pub fn cases() -> Vec<Case> {
    [bombs(), texts(), numbers(), syntax(), within()]
        .into_iter()
        .flatten()
        .collect()
}

fn bombs() -> Vec<Case> {
    let deep = |depth: usize| {
        let (open, close) = (r#"{"a":"#.repeat(depth), "}".repeat(depth));
        respelt(r#""userAgent":"Mail""#, &format!(r#""a":{open}1{close}"#))
    };
    let keys = |each: &dyn Fn(usize) -> String| {
        let mut text = good();
        text.pop();
        for number in 0..100_000 {
            write!(text, ",{}:1", json!(each(number))).unwrap();
        }
        text + "}"
    };
    // Equal under the usual weak hashes: every pair of "Aa" and "BB".
    let colliding = |number: usize| {
        let parts = (0..17).map(|bit| if number >> bit & 1 == 0 { "Aa" } else { "BB" });
        parts.collect::<String>()
    };
    vec![
        message("B1", "500,000 opening brackets", "[".repeat(500_000)).rejects("too_deep"),
        record("B2", "objects in each other, 100,000 deep", deep(100_000)).rejects("too_deep"),
        record("B2", "objects in each other, 50 deep", deep(50)).ok(),
        own("B3", "a text of 1 MB", |own| {
            own["userAgent"] = json!("x".repeat(1_000_000))
        })
        .flags(&["text_cut"])
        .reads("agent_bytes", "8192"),
        record(
            "B4",
            "100,000 keys in one object",
            keys(&|number| format!("key{number}")),
        )
        .rejects("too_many_keys"),
        record(
            "B17",
            "100,000 keys that collide under weak hashes",
            keys(&colliding),
        )
        .rejects("too_many_keys")
        .because("limited like any other keys before hashing could hurt"),
        record(
            "B17",
            "4,000 keys that collide under weak hashes",
            few(&colliding),
        )
        .ok(),
    ]
}

fn few(each: &dyn Fn(usize) -> String) -> String {
    edited(|whole| {
        for number in 0..4000 {
            whole[each(number)] = json!(1);
        }
    })
}

fn texts() -> Vec<Case> {
    let twice = r#""userId":"00000000-1111-4222-8333-000000000007","userId":"evil""#;
    let once = r#""userId":"00000000-1111-4222-8333-000000000007""#;
    let agent = |text: &str| respelt(r#""Mail""#, &format!("\"{text}\""));
    let mut bad_bytes = agent("Ma@l").into_bytes();
    let place = memchr::memmem::find(&bad_bytes, b"Ma@l").unwrap();
    bad_bytes[place + 2] = 0xff;
    let apostrophes = good().replace('"', "'");
    vec![
        record(
            "B5",
            "`userId` twice, with two values",
            respelt(once, twice),
        )
        .flags(&["dup_key"])
        .reads("user_id", "00000000-1111-4222-8333-000000000007"),
        record("B6", "a byte that is no UTF-8", bad_bytes)
            .flags(&["bad_utf8"])
            .reads("user_agent", "Ma\u{fffd}l"),
        record("B7", "half a surrogate pair", agent("a\\ud800b"))
            .flags(&["sanitized"])
            .reads("user_agent", "a\u{fffd}b"),
        record("B8", "an escaped NUL in a text", agent("a\\u0000b"))
            .flags(&["control_char"])
            .reads("user_agent", "ab"),
        record(
            "B9",
            "a line break, a tab and a control character in a text",
            agent("a\nb\tc\u{1}d"),
        )
        .flags(&["sanitized", "control_char"])
        .reads("user_agent", "a\nb\tc\u{1}d"),
        record("B10", "texts in single quotes", apostrophes)
            .flags(&["sanitized"])
            .reads("error_code", "50126"),
        record(
            "B16",
            "escaped slashes and letters",
            agent("a\\/b\\u0041\\u00e9\\n\\\\"),
        )
        .ok()
        .reads("user_agent", "a/bA\u{e9}\n\\"),
        record(
            "B16",
            "keys with escapes",
            respelt(r#""userAgent""#, r#""user\u0041gent""#),
        )
        .ok()
        .reads("user_agent", "Mail"),
    ]
}

fn numbers() -> Vec<Case> {
    let code = |row, what, number: &str| {
        record(row, what, respelt(CODE, &format!("\"errorCode\":{number}")))
    };
    let absent = &["sanitized", "number_range"][..];
    vec![
        code("B11", "NaN", "NaN")
            .flags(absent)
            .reads("error_code", "50126"),
        code("B11", "nan", "nan").flags(absent),
        code("B11", "Infinity", "Infinity").flags(absent),
        code("B11", "-Infinity", "-Infinity").flags(absent),
        code("B12", "1e400", "1e400").flags(absent),
        code("B12", "-1e400", "-1e400").flags(absent),
        code("B12", "a number of 309 digits and more", &"9".repeat(310)).flags(absent),
        code("B13", "a whole number of 200 digits", &"9".repeat(200))
            .flags(&["unreadable_code"])
            .reads("error_code", "50126")
            .because("read as absent, so `resultType` counts")
            .deviates(
                flagged(&["number_range"]),
                "a number that JSON allows is not flagged for its size, but as a code that is none",
            ),
        code("B14", "zeros in front", "0050126")
            .flags(&["sanitized"])
            .reads("error_code", "50126"),
        code("B14", "a plus in front", "+50126")
            .flags(&["sanitized"])
            .reads("error_code", "50126"),
        code("B14", "a point at the end", "50126.")
            .flags(&["sanitized"])
            .reads("error_code", "50126"),
        code("B14", "a hexadecimal number", "0xC3CE").rejects("invalid_json"),
    ]
}

fn syntax() -> Vec<Case> {
    let invalid = "invalid_json";
    let why = "`json_syntax` is called `invalid_json`";
    vec![
        record(
            "B15",
            "a comma at the end",
            respelt(CODE, &format!("{CODE},")),
        )
        .rejects(invalid)
        .because(why),
        record(
            "B15",
            "a comment",
            respelt(CODE, &format!("/* code */{CODE}")),
        )
        .rejects(invalid),
        record(
            "B15",
            "a key without quotes",
            respelt(CODE, "errorCode:50126"),
        )
        .rejects(invalid),
    ]
}

/// JSON in texts.
fn within() -> Vec<Case> {
    let text = |value: &Value| json!(value.to_string());
    let stringified = |levels: usize| {
        edited(|whole| {
            for _ in 0..levels {
                whole["properties"] = text(&whole["properties"]);
            }
        })
    };
    let bomb = |inner: String| edited(|whole| whole["properties"] = json!(inner));
    vec![
        record("B18", "`properties` is JSON in a text", stringified(1))
            .flags(&["stringified"])
            .reads("error_code", "50126"),
        record(
            "B18",
            "`properties` is JSON in a text in a text",
            stringified(2),
        )
        .flags(&["stringified"]),
        record(
            "B18",
            "`properties` is JSON in a text, three times",
            stringified(3),
        )
        .rejects("wrong_type"),
        record(
            "B19",
            "`properties` is a text of 100,000 brackets",
            bomb("[".repeat(100_000)),
        )
        .rejects("too_deep"),
        record(
            "B19",
            "`properties` is a text of an object with 100,000 others in each other",
            bomb(format!(
                "{}1{}",
                r#"{"a":"#.repeat(100_000),
                "}".repeat(100_000)
            )),
        )
        .rejects("too_deep"),
    ]
}
