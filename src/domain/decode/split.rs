//! Finds where JSON values begin and end without reading them.
//!
//! Used where a whole message could not be read in one go: a value that is broken inside still has
//! an end, so its neighbours are read. Counts brackets outside strings; judges nothing else.

use memchr::memchr2;

/// Nesting that no sign-in comes near.
const DEEP: usize = 64;

/// The end (exclusive) of the value that begins at `start`; `None` if it never ends.
#[must_use]
pub fn value_end(text: &[u8], start: usize) -> Option<usize> {
    match text.get(start)? {
        b'{' | b'[' => container_end(text, start),
        b'"' => string_end(text, start),
        _ => {
            let length = text[start..]
                .iter()
                .take_while(|byte| !is_delimiter(**byte))
                .count();
            (length > 0).then_some(start + length)
        }
    }
}

/// The first byte at or after `at` that is not white space.
#[must_use]
pub fn skip_space(text: &[u8], at: usize) -> usize {
    at + text[at.min(text.len())..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'{' | b'}' | b'[' | b']' | b'"')
}

fn container_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let found = at + memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[found] == b'"' {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// Whether brackets are nested deeper than any record's.
#[must_use]
pub fn is_deep(text: &[u8]) -> bool {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match string_end(text, at) {
                Some(end) => {
                    at = end;
                    continue;
                }
                None => return false,
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEP {
            return true;
        }
        at += 1;
    }
    false
}

/// The items of a list: the first of them, and what there is beyond.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// Their byte ranges.
    pub ranges: Vec<(usize, usize)>,
    /// Where the first one that is not among them begins.
    pub more_from: Option<usize>,
    /// How many there are.
    pub count: usize,
    /// Where the list ended; `None` if it never does.
    pub end: Option<usize>,
}

impl Items {
    fn push(&mut self, range: (usize, usize), most: usize) {
        self.count += 1;
        if self.ranges.len() < most {
            self.ranges.push(range);
        } else {
            self.more_from.get_or_insert(range.0);
        }
    }
}

/// The items of the list that begins at `start`, at most so many: a message may hold more of them than
/// there is memory for.
///
/// An item without an end reaches to the end of the text, and then the list has none.
#[must_use]
pub fn list_items(text: &[u8], start: usize, most: usize) -> Items {
    let mut items = Items::default();
    let mut at = start + 1;
    loop {
        at = skip_space(text, at);
        match text.get(at) {
            None => return items,
            Some(b']') => {
                items.end = Some(at + 1);
                return items;
            }
            Some(b',') => at += 1,
            Some(_) => {
                let end = value_end(text, at);
                items.push((at, end.unwrap_or(text.len())), most);
                match end {
                    Some(end) => at = end,
                    None => return items,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = br#"{"a":"}]\"{","b":[1,{"c":2}]} tail"#;
        assert_eq!(value_end(text, 0), Some(text.len() - 5));
    }

    #[test]
    fn a_broken_item_has_an_end_and_neighbours() {
        let text = br#"[{"a":1},{oops},{"b":2}]"#;
        let items = list_items(text, 0, 9);
        let found: Vec<_> = items
            .ranges
            .iter()
            .map(|(from, to)| &text[*from..*to])
            .collect();
        assert_eq!(found, [&b"{\"a\":1}"[..], b"{oops}", b"{\"b\":2}"]);
        assert_eq!(
            (items.end, items.count, items.more_from),
            (Some(text.len()), 3, None)
        );
    }

    #[test]
    fn of_a_long_list_the_rest_is_counted_and_not_kept() {
        let found = list_items(b"[1, 2,3 ,4]", 0, 2);
        let expected = Items {
            ranges: vec![(1, 2), (4, 5)],
            more_from: Some(6),
            count: 4,
            end: Some(11),
        };
        assert_eq!(found, expected);
        assert_eq!(list_items(b"[1,2,{", 0, 2).more_from, Some(5));
    }

    #[test]
    fn a_value_cut_off_has_no_end() {
        assert_eq!(value_end(br#"{"a":"b"#, 0), None);
        assert_eq!(value_end(br#""\"#, 0), None);
    }

    proptest! {
        #[test]
        fn any_bytes_end_or_do_not_but_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = value_end(&bytes, 0);
            for (from, to) in list_items(&bytes, 0, 50).ranges {
                prop_assert!(from < to && to <= bytes.len());
            }
        }
    }
}
