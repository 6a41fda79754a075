//! E: who it was, and what else attackers write.

use serde_json::{Value, json};

use super::case::{Case, outer, own};
use crate::support::object_id;

pub fn cases() -> Vec<Case> {
    [ids(), names(), addresses(), long()]
        .into_iter()
        .flatten()
        .collect()
}

fn with(row: &'static str, what: &'static str, key: &'static str, value: impl Into<Value>) -> Case {
    let value = value.into();
    own(row, what, move |own| own[key] = value)
}

/// The person of these ids as a number.
const SAME: &str = "111142228333000000000abc";

fn ids() -> Vec<Case> {
    let user = |row, what, id: String| with(row, what, "userId", id);
    let same = |what, id: String| user("E1", what, id).ok().reads("person", SAME);
    let unknown = &["no_user_id"][..];
    let guid = || object_id(0xabc);
    vec![
        same("an object id in capitals", guid().to_uppercase()),
        same("an object id in braces", format!("{{{}}}", guid())),
        same("an object id without dashes", guid().replace('-', "")),
        user(
            "E2",
            "an object id of zeros",
            "00000000-0000-0000-0000-000000000000".to_owned(),
        )
        .flags(unknown)
        .because("nobody is followed: the detector remembers nothing of it"),
        with("E2", "no object id", "userId", Value::Null).flags(unknown),
        user("E3", "an object id that is no GUID", "ann".to_owned()).flags(unknown),
        outer("E10", "the same user in another tenant", |whole| {
            whole["tenantId"] = json!("11111111-2222-4333-8444-555555555555");
        })
        .ok()
        .reads("tenant_id", "11111111-2222-4333-8444-555555555555"),
    ]
}

fn names() -> Vec<Case> {
    let name = |row, what, name: &str| {
        let read = name.to_owned();
        with(row, what, "userPrincipalName", name)
            .ok()
            .reads("user_principal_name", read)
    };
    let bomb = format!("a{}@contoso.example", "\u{301}".repeat(500));
    vec![
        name(
            "E4",
            "a name in capitals with a blank and a dot behind",
            "USER7@Tidewater.Example. ",
        )
        .reads("person", "111142228333000000000007")
        .because("the object id counts"),
        name(
            "E5",
            "a Cyrillic letter in a name",
            "us\u{435}r7@tidewater.example",
        )
        .because("another name; terminals show it escaped"),
        name(
            "E5",
            "zero-width and right-to-left marks",
            "us\u{200b}er\u{202e}7@x.example",
        ),
        name("E7", "a guest", "ann_fabrikam.example#EXT#@contoso.example"),
        name("E8", "a path of Unix", "../../etc/passwd"),
        name("E8", "a path of Windows", "C:\\Windows\\win.ini"),
        name("E8", "an encoded path", "%2e%2e%2fx"),
        with("E8", "a NUL in a name", "userPrincipalName", "a\u{0}b")
            .flags(&["control_char"])
            .reads("user_principal_name", "ab"),
        name("E8", "a line break in a name", "a\nb"),
        name("E9", "quotes and commas", "\"a, b\"@c.example"),
        name("E9", "an emoji", "\u{1f600}@c.example"),
        name("E9", "500 accents on one letter", &bomb),
        name(
            "E11",
            "the user has another name by now",
            "married@tidewater.example",
        )
        .reads("person", "111142228333000000000007")
        .because("the object id counts, and the latest name is shown"),
        with(
            "E12",
            "a password where the name should be",
            "userPrincipalName",
            "Summer2026!",
        )
        .ok()
        .leaves_in_clear("user_principal_name", "Summer2026!"),
    ]
}

fn addresses() -> Vec<Case> {
    let address =
        |what, text: &'static str| with("E13", what, "ipAddress", text).reads("ip_address", text);
    vec![
        address("IPv6", "2001:db8::7").ok(),
        address("IPv4 within IPv6", "::ffff:203.0.113.7").ok(),
        address("an address with a port", "203.0.113.7:443").ok(),
        address("an IPv6 address with a port", "[2001:db8::7]:443").ok(),
        address("the loopback", "::1").ok(),
        address("text for an address", "unknown").flags(&["odd_address"]),
    ]
}

fn long() -> Vec<Case> {
    let cut = &["text_cut"][..];
    let name = |what, bytes: usize| {
        with("E6", what, "userPrincipalName", "x".repeat(bytes))
            .flags(cut)
            .reads("upn_bytes", "8192")
    };
    vec![
        name("a name of 64 KiB", 64 << 10),
        name("a name of 1 MiB", 1 << 20),
        with(
            "E14",
            "a user agent of 50,000 letters",
            "userAgent",
            "x".repeat(50_000),
        )
        .flags(cut)
        .reads("agent_bytes", "8192"),
        with(
            "E15",
            "an application id of 100,000 letters",
            "appId",
            "openid ".repeat(15_000),
        )
        .flags(cut)
        .reads("app_bytes", "8192"),
        with(
            "E15",
            "a scope repeated 10,000 times",
            "scope",
            "openid ".repeat(10_000),
        )
        .ok()
        .because("`scope` is in no column"),
    ]
}
