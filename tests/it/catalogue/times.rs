//! D: when it happened.

use serde_json::{Value, json};

use super::case::{Case, edited, flagged, message, outer, own, rejected};

/// When a good record happened, to the second, and how the table shows that.
const WHEN: &str = "2026-03-13T16:00:00Z";

pub fn cases() -> Vec<Case> {
    [written(), counted(), far(), several(), copies()]
        .into_iter()
        .flatten()
        .collect()
}

/// A sign-in that happened then.
fn at(row: &'static str, what: &'static str, time: &'static str) -> Case {
    own(row, what, move |own| own["createdDateTime"] = json!(time))
}

fn written() -> Vec<Case> {
    let when = |row, what, time| at(row, what, time).ok().reads("event_time", WHEN);
    vec![
        at("D1", "no zone", "2026-03-13T16:00:00")
            .flags(&["time_without_zone"])
            .reads("event_time", WHEN)
            .because("`no_zone` is called `time_without_zone`"),
        when(
            "D2",
            "seven digits of a second",
            "2026-03-13T16:00:00.0000009Z",
        ),
        when(
            "D2",
            "nine digits of a second",
            "2026-03-13T16:00:00.000000999Z",
        ),
        when("D2", "no digits of a second", "2026-03-13T16:00:00Z"),
        when("D3", "+14:00", "2026-03-14T06:00:00+14:00"),
        when("D3", "-12:00", "2026-03-13T04:00:00-12:00"),
        when("D3", "+00:00", "2026-03-13T16:00:00+00:00"),
        when("D3", "small letters", "2026-03-13t16:00:00z"),
        at("D4", "the US form", "3/13/2026 4:00:00 PM")
            .flags(&["us_time"])
            .reads("event_time", WHEN),
        at("D4", "the form of Defender", "Mar 13, 2026 4:00:00 PM")
            .flags(&["time_without_zone"])
            .reads("event_time", WHEN),
    ]
}

fn counted() -> Vec<Case> {
    let count = |what, value: Value| {
        own("D5", what, move |own| own["createdDateTime"] = value)
            .flags(&["epoch_time"])
            .reads("event_time", WHEN)
    };
    vec![
        count("seconds since 1970", json!(1_773_417_600)),
        count("milliseconds since 1970", json!(1_773_417_600_000_i64)),
        count("microseconds since 1970", json!(1_773_417_600_000_000_i64)),
        count(
            "nanoseconds since 1970, as text",
            json!("1773417600000000000"),
        ),
    ]
}

fn far() -> Vec<Case> {
    let unused = &["time_out_of_range", "time_from_publish"][..];
    let published = "2026-03-13T16:01:00Z";
    let no_use = |row, what, time| {
        at(row, what, time)
            .flags(unused)
            .reads("event_time", published)
    };
    let why = "not used: the time of publication counts";
    vec![
        no_use("D6", "the year 1", "0001-01-01T00:00:00Z").because(why),
        no_use("D6", "the year 1601", "1601-01-01T00:00:00Z"),
        no_use("D6", "the year 9999", "9999-12-31T23:59:59Z"),
        at("D6", "the year 10000", "10000-01-01T00:00:00Z")
            .flags(&["time_from_publish"])
            .reads("event_time", published)
            .because("a year of five digits is no form of time at all"),
        at("D7", "a leap second", "2026-03-13T15:59:60Z")
            .flags(&["leap_second"])
            .reads("event_time", "2026-03-13T15:59:59Z"),
        at("D7", "29 February of a common year", "2026-02-29T16:00:00Z")
            .flags(&["time_from_publish"])
            .reads("event_time", published),
        at(
            "D8",
            "half a second after its publication",
            "2026-03-13T16:01:00.5Z",
        )
        .ok()
        .because("rounding alone makes as much"),
        at(
            "D8",
            "an hour after its publication",
            "2026-03-13T17:01:00Z",
        )
        .flags(&["future_time"])
        .because("event time moves on by it up to an hour ahead and never further"),
        at(
            "D8",
            "25 hours after its publication",
            "2026-03-14T17:01:00Z",
        )
        .flags(&["future_time"]),
        at(
            "D8",
            "50 years after its publication",
            "2076-03-13T16:01:00Z",
        )
        .flags(&["future_time"]),
        at(
            "D9",
            "8 days before its publication",
            "2026-03-05T16:01:00Z",
        )
        .flags(&["published_late"])
        .because("`late` is called `published_late`"),
        at(
            "D9",
            "30 years before its publication",
            "1996-03-13T16:01:00Z",
        )
        .flags(unused),
    ]
}

fn several() -> Vec<Case> {
    let named = |what, name: &'static str| {
        outer("D12", what, move |whole| {
            let time = whole["time"].take();
            let whole = whole.as_object_mut().unwrap();
            whole.remove("time");
            whole.insert(name.to_owned(), time);
            whole["properties"]
                .as_object_mut()
                .unwrap()
                .remove("createdDateTime");
        })
        .flags(&["time_from_publish"])
        .reads("event_time", "2026-03-13T16:01:00Z")
    };
    vec![
        outer(
            "D10",
            "`time` and `createdDateTime` differ by hours",
            |whole| {
                whole["time"] = json!("2026-03-13T21:00:00Z");
            },
        )
        .flags(&["published_late"])
        .reads("event_time", "2026-03-13T16:00:00.123456Z"),
        outer("D11", "no time at all", |whole| {
            whole.as_object_mut().unwrap().remove("time");
            whole["properties"]
                .as_object_mut()
                .unwrap()
                .remove("createdDateTime");
        })
        .flags(&["time_from_arrival"])
        .reads("event_time", "2026-03-13T17:00:00Z")
        .in_file(
            vec![rejected("missing_time")],
            "a file has no time of arrival, and now would be a wrong one",
        ),
        named("the time is called `EventTimeString`", "EventTimeString"),
        named("the time is called `startTime`", "startTime"),
    ]
}

fn copies() -> Vec<Case> {
    let record = edited(|_| ());
    vec![
        message(
            "D13",
            "the same record twice",
            format!("{record}\n{record}"),
        )
        .ok()
        .ok()
        .in_file(
            vec![flagged(&[]), super::case::Outcome::Copy],
            "the lake knows the first by its id",
        ),
    ]
}
