//! A: what stands around records. A record may be one of many in a message.

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::case::{Case, flagged, good, message, outer, record, rejected};

/// Most records that are taken from one message.
const RECORDS_MAX: usize = 50_000;

pub fn cases() -> Vec<Case> {
    [empty(), shapes(), broken(), clothes(), sizes(), mixed()]
        .into_iter()
        .flatten()
        .collect()
}

fn empty() -> Vec<Case> {
    let no_line = "a file's lines without anything in them are no messages";
    vec![
        message("A1", "an empty message, or a tombstone", "")
            .rejects("empty")
            .in_file(vec![], no_line),
        message("A2", "nothing but blanks and line breaks", " \r\n\t\n")
            .rejects("empty")
            .in_file(vec![], no_line),
        message("A3", "an envelope with no records", r#"{"records":[]}"#),
        record(
            "A3",
            "a record with an empty list `records`",
            with_list(r#""records":[]"#),
        )
        .ok(),
        record(
            "A3",
            "a record with a list `value`",
            with_list(r#""value":[{"id":"x"}]"#),
        )
        .ok(),
        message(
            "A3",
            "an envelope with no records and something else",
            r#"{"records":[],"hello":"world"}"#,
        )
        .rejects("not_a_sign_in"),
        message("A4", "`records` is an object", r#"{"records":{"a":1}}"#).rejects(NOT_ARRAY),
        message("A4", "`records` is a text", r#"{"records":"a"}"#).rejects(NOT_ARRAY),
        message("A4", "`records` is a number", r#"{"records":1}"#).rejects(NOT_ARRAY),
        message("A4", "`records` is null", r#"{"records":null}"#).rejects(NOT_ARRAY),
    ]
}

/// A good record with a list at its top.
fn with_list(list: &str) -> String {
    good().replacen('{', &format!("{{{list},"), 1)
}

const NOT_ARRAY: &str = "records_not_array";

fn shapes() -> Vec<Case> {
    let two = || format!("{},{}", good(), good());
    let outer_array = format!(
        r#"[{{"records":[{}],"EventProcessedUtcTime":"2026-03-13T16:02:00Z"}},{{"records":[{}]}}]"#,
        two(),
        good()
    );
    vec![
        message("A5", "one record without an envelope", good()).ok(),
        message("A6", "a list of records", format!("[{}]", two()))
            .ok()
            .ok(),
        message("A7", "a list of envelopes", outer_array)
            .ok()
            .ok()
            .ok(),
        message(
            "A8",
            "records, one a line",
            format!("{}\n{}\n", good(), good()),
        )
        .ok()
        .ok(),
        message("A9", "records without anything between", good() + &good())
            .ok()
            .flags(&["concatenated"]),
        message(
            "A9",
            "the same, then a line of its own",
            format!("{}{}\n{}", good(), good(), good()),
        )
        .ok()
        .flags(&["concatenated"])
        .ok(),
    ]
}

fn broken() -> Vec<Case> {
    let cut = format!(r#"{{"records":[{},{},{{"time":"2026-03"#, good(), good());
    vec![
        message("A10", "a record, then something else", good() + " </html>")
            .ok()
            .rejects("trailing_garbage"),
        message("A11", "an envelope cut in its third record", cut)
            .ok()
            .ok()
            .rejects("truncated"),
        message(
            "A16",
            "a binary format (Avro)",
            b"Obj\x01\x04\x16avro.schema\x00\xff\x80".to_vec(),
        )
        .rejects("not_json"),
        message(
            "A17",
            "a page of HTML",
            "<!DOCTYPE html>\n<html><body>503</body></html>",
        )
        .rejects("not_json")
        .in_file(
            vec![rejected("not_json"), rejected("not_json")],
            "each line of a file is a message",
        ),
        message("A17", "plain text", "upstream connect error").rejects("not_json"),
        message("A17", "plain text with a comma", "hello, world").rejects("not_json"),
    ]
}

fn clothes() -> Vec<Case> {
    let utf16 = |text: String| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let utf32 = |text: String| {
        let letters = text.chars().flat_map(|it| u32::from(it).to_le_bytes());
        [vec![0xff, 0xfe, 0, 0], letters.collect()].concat()
    };
    vec![
        message(
            "A12",
            "a byte-order mark before UTF-8",
            format!("\u{feff}{}", good()),
        )
        .ok(),
        message(
            "A13",
            "UTF-16 with its mark",
            [vec![0xff, 0xfe], utf16(good())].concat(),
        )
        .ok(),
        message("A13", "UTF-32 with its mark", utf32(good())).ok(),
        message("A13", "UTF-16 without a mark", utf16("{}".to_owned())).rejects("encoding"),
        message("A14", "gzip", gzip(good().as_bytes())).ok(),
        message("A14", "zlib", vec![0x78, 0x9c, 0x03, 0x00]).rejects("compressed"),
        message("A14", "zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 0x00]).rejects("compressed"),
        message("A14", "zip", b"PK\x03\x04\x14\0\n{\n,\n".to_vec()).rejects("compressed"),
        message("A14", "bzip2", b"BZh91AY&SY\n\n".to_vec()).rejects("compressed"),
        message(
            "A14",
            "gzip that is cut off",
            gzip(good().as_bytes())[..30].to_vec(),
        )
        .rejects("compressed")
        .damaged("what could be unpacked is read, and the damage told"),
        message("A15", "a gzip bomb: 64 MiB of blanks", bomb())
            .rejects("decompression_limit")
            .in_file(
                vec![],
                "files are unpacked as a stream, and this one holds blanks",
            ),
    ]
}

/// 64 MiB of blanks, packed.
pub fn bomb() -> Vec<u8> {
    static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let blanks = [b' '; 1 << 16];
        (0..1024).for_each(|_| packed.write_all(&blanks).unwrap());
        packed.finish().unwrap()
    });
    BOMB.clone()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn sizes() -> Vec<Case> {
    let tiny = |_| "{\"category\":\"X\"}".to_owned();
    let many: Vec<String> = (0..=RECORDS_MAX).map(tiny).collect();
    let mut too_many = message(
        "A18",
        "50,001 records in one message",
        format!(r#"{{"records":[{}]}}"#, many.join(",")),
    );
    for _ in 0..RECORDS_MAX {
        too_many = too_many.passes_over();
    }
    let padded = |bytes: usize| {
        let filled = format!("{{\"padding\":\"{}\",", "x".repeat(bytes));
        good().replacen('{', &filled, 1)
    };
    vec![
        too_many.rejects("too_many_records"),
        message("A19", "a record of 1 MiB and more", padded(1 << 20)).ok(),
        message("A19", "a record of 20 MiB and more", padded(20 << 20)).rejects("too_large"),
    ]
}

fn mixed() -> Vec<Case> {
    let list = format!(
        r#"{{"records":[{},1,"a",null,[[]],true,{}]}}"#,
        good(),
        good()
    );
    let object = "not_an_object";
    let category = |name: &'static str| {
        move |whole: &mut serde_json::Value| {
            whole["category"] = json!(name);
        }
    };
    vec![
        message("A21", "records among numbers, texts, null and lists", list)
            .ok()
            .rejects(object)
            .rejects(object)
            .rejects(object)
            .rejects(object)
            .rejects(object)
            .ok()
            .because("`record_not_object` is called `not_an_object`"),
        record("A21", "a number in the place of a record", "17").rejects(object),
        record("A21", "null in the place of a record", "null").rejects(object),
        outer("A22", "a record of AuditLogs", category("AuditLogs")).passes_over(),
        outer("A22", "a record of RiskyUsers", category("RiskyUsers")).passes_over(),
        outer(
            "A22",
            "a record of ADFSSignInLogs",
            category("ADFSSignInLogs"),
        )
        .ok()
        .reads("category", "ADFSSignInLogs"),
        outer(
            "A22",
            "an unknown log of sign-ins",
            category("QuantumSignInLogs"),
        )
        .flags(&["unknown_category"]),
        outer(
            "A22",
            "an unknown log of something else",
            category("NewLogs"),
        )
        .passes_over()
        .deviates(
            flagged(&["unknown_category"]),
            "a log whose name does not end in SignInLogs is counted and passed over: \
                 it holds no sign-ins, and its records may be many",
        ),
    ]
}
