//! Where a reject came from, in one word: `STREAM:PARTITION:OFFSET:INDEX`.
//!
//! `list` writes it and `show` reads it. A stream may hold colons itself, so it is read from the end.

use std::str::FromStr;

use crate::cli::report::words::shown;
use crate::lake::history::RejectKey;

/// What a person has named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Topic or file, as it was shown.
    stream: String,
    pub partition: i32,
    pub offset: i64,
    pub index: i32,
}

impl Named {
    /// Whether this is where the reject came from; what cannot be shown cannot be named otherwise, and
    /// of a file the end of its path is enough.
    pub fn is(&self, key: &RejectKey) -> bool {
        let place = (key.partition, key.offset, key.index);
        let shown = shown(&key.stream);
        let ends_so = || {
            let folder = shown.strip_suffix(self.stream.as_str());
            folder.is_some_and(|folder| folder.ends_with('/'))
        };
        let stream = key.stream == self.stream || shown == self.stream || ends_so();
        stream && place == (self.partition, self.offset, self.index)
    }
}

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Named, &'static str> {
        parse(text).ok_or(
            "an origin is STREAM:PARTITION:OFFSET:INDEX as `signloop rejects list` writes it",
        )
    }
}

fn parse(text: &str) -> Option<Named> {
    let mut parts = text.rsplitn(4, ':');
    let index = parts.next()?.parse().ok()?;
    let offset = parts.next()?.parse().ok()?;
    let partition = parts.next()?.parse().ok()?;
    let stream = parts.next().filter(|stream| !stream.is_empty())?.to_owned();
    Some(Named {
        stream,
        partition,
        offset,
        index,
    })
}

/// The origin of a reject on one line.
pub fn origin(key: &RejectKey) -> String {
    let RejectKey {
        stream,
        partition,
        offset,
        index,
        ..
    } = key;
    format!("{}:{partition}:{offset}:{index}", shown(stream))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(stream: &str, partition: i32, offset: i64, index: i32) -> RejectKey {
        RejectKey {
            stream: stream.to_owned(),
            partition,
            offset,
            index,
            content_md5: String::new(),
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "a",
            "a:1:2",
            "a:1:2:x",
            ":0:0:0",
            "a:1:2:3:",
            "a:99999999999:0:0",
        ] {
            assert!(text.parse::<Named>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_stream_that_cannot_be_shown_is_found_as_it_is_shown() {
        let key = key("logs/\u{1b}[2J:1\u{202e}\n.json", 0, 7, 1);
        let shown = origin(&key);
        assert_eq!(shown, "logs/\u{fffd}[2J:1\u{fffd}\u{fffd}.json:0:7:1");
        assert!(shown.parse::<Named>().expect("an origin").is(&key));
    }

    #[test]
    fn the_end_of_a_path_is_enough() {
        let key = key("/exports/march/PT1H.json", 0, 7, 1);
        let is = |stream: &str| {
            let named = format!("{stream}:0:7:1").parse::<Named>();
            named.expect("an origin").is(&key)
        };
        assert!(is("PT1H.json") && is("march/PT1H.json") && is("/exports/march/PT1H.json"));
        assert!(!is("1H.json") && !is("april/PT1H.json") && !is("march"));
    }

    proptest! {
        #[test]
        fn what_list_writes_show_reads(
            stream in "[^\\x00]{1,20}", partition: i32, offset: i64, index: i32
        ) {
            let written = key(&stream, partition, offset, index);
            let named: Named = origin(&written).parse().expect("an origin");
            prop_assert!(named.is(&written));
            prop_assert!(!named.is(&key(&stream, partition, offset, index.wrapping_add(1))));
        }
    }
}
