//! Finds where JSON values begin and end without reading them.
//!
//! Used where a whole message could not be read in one go: a value that is broken inside still has
//! an end, so its neighbours are read. Counts brackets outside strings; judges nothing else.

use memchr::{memchr_iter, memchr2};

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

/// How often a text may be searched for ends that are none, before each value is taken to end where
/// the next record begins; and how often before nothing is searched any more. Else a text of nothing
/// but beginnings would take the square of its length.
const SEARCHES: (usize, usize) = (32, 64);

/// Finds where values end in a text whose quotes and brackets may be wrong.
#[derive(Debug)]
pub struct Bounds<'t> {
    text: &'t [u8],
    /// Whether a record begins at a place.
    begins: fn(&[u8], usize) -> bool,
    /// Bytes searched in vain.
    wasted: usize,
    /// The record that was found last, and the line.
    next: usize,
    next_line: usize,
}

impl<'t> Bounds<'t> {
    /// Nothing is known yet of where records begin.
    #[must_use]
    pub fn new(text: &'t [u8], begins: fn(&[u8], usize) -> bool) -> Bounds<'t> {
        Bounds {
            text,
            begins,
            wasted: 0,
            next: 0,
            next_line: 0,
        }
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &'t [u8] {
        self.text
    }

    /// The end (exclusive) of the value that begins at `start`; `None` if it has none.
    pub fn end(&mut self, start: usize) -> Option<usize> {
        let (all, some) = SEARCHES;
        let searches = self.wasted / self.text.len().max(1);
        let reach = match searches {
            _ if searches < all => self.text.len(),
            _ if searches < some => self.next_beginning(start + 1),
            _ => return None,
        };
        let end = value_end(&self.text[..reach], start);
        if end.is_none() {
            self.waste(start, reach);
        }
        end
    }

    /// Bytes searched in vain: quotes or brackets are wrong somewhere.
    #[must_use]
    pub fn wasted(&self) -> usize {
        self.wasted
    }

    /// What was searched has to be searched again.
    pub fn waste(&mut self, from: usize, to: usize) {
        self.wasted += to.saturating_sub(from);
    }

    /// Where the next record or line begins, or the text ends.
    pub fn next_beginning(&mut self, from: usize) -> usize {
        if self.next_line < from {
            let line = memchr::memmem::find(&self.text[from - 1..], b"\n{");
            self.next_line = line.map_or(self.text.len(), |place| from + place);
        }
        let record = self.next_record(from).unwrap_or(self.text.len());
        record.min(self.next_line)
    }

    /// Where a record begins inside of what looked like one value, and could not be read as one.
    pub fn record_within(&mut self, start: usize, end: usize) -> Option<usize> {
        let next = self.next_record(start + 1).filter(|next| *next < end);
        self.waste(next.unwrap_or(end), end);
        next
    }

    /// The first record that begins at `from` or later. Never asked for one before the last.
    pub fn next_record(&mut self, from: usize) -> Option<usize> {
        if self.next < from {
            let text = self.text;
            let mut braces = memchr_iter(b'{', &text[from..]).map(|place| from + place);
            let record = braces.find(|place| (self.begins)(text, *place));
            self.next = record.unwrap_or(text.len());
        }
        (self.next < self.text.len()).then_some(self.next)
    }
}

/// The items of a list, one after the other. A broken one ends where the next record begins, or with
/// the text.
#[derive(Debug)]
pub struct Items<'b, 't> {
    /// Where values and records end and begin in the text that the list is in.
    pub bounds: &'b mut Bounds<'t>,
    at: usize,
    end: Option<usize>,
    is_empty: bool,
}

impl<'b, 't> Items<'b, 't> {
    /// The items from `at` on, which is behind the list's bracket.
    #[must_use]
    pub fn new(bounds: &'b mut Bounds<'t>, at: usize) -> Items<'b, 't> {
        Items {
            bounds,
            at,
            end: None,
            is_empty: true,
        }
    }

    /// Where the list ended; `None` as long as it did not.
    #[must_use]
    pub fn end(&self) -> Option<usize> {
        self.end
    }

    /// Whether no item came yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Where a record begins inside of an item that could not be read: the item ends there, and the
    /// items go on from there.
    pub fn end_at_record(&mut self, (from, to): (usize, usize)) -> Option<(usize, usize)> {
        let next = self.bounds.record_within(from, to)?;
        self.at = next;
        Some((from, before(self.bounds.text, from, next)))
    }

    /// The items go on from there.
    pub fn go_on_at(&mut self, at: usize) {
        self.end = None;
        self.at = at;
    }

    /// Whether the bracket at `at` ends the list: what follows is no record.
    fn ends(&self, at: usize) -> bool {
        let text = self.bounds.text;
        let comma = skip_space(text, at + 1);
        let next = skip_space(text, comma + 1);
        !(text.get(comma) == Some(&b',') && (self.bounds.begins)(text, next))
    }

    /// Where the item ends, or what comes next begins.
    fn item_end(&mut self, from: usize) -> usize {
        if let Some(end) = self.bounds.end(from) {
            if self.bounds.text[from] == b'{' || self.may_follow(end) {
                return end;
            }
            self.bounds.waste(from, end);
        }
        let next = self.bounds.next_record(from + 1);
        next.unwrap_or(self.bounds.text.len())
    }

    /// Whether what stands at `end` may follow an item.
    fn may_follow(&self, end: usize) -> bool {
        let next = self.bounds.text.get(skip_space(self.bounds.text, end));
        matches!(next, None | Some(b',' | b']' | b'{'))
    }
}

impl Iterator for Items<'_, '_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        while let Some(first) = self.bounds.text.get(self.at) {
            let from = self.at;
            match first {
                b',' | b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b']' if self.ends(from) => {
                    self.end = Some(from + 1);
                    return None;
                }
                _ => {
                    let to = self.item_end(from);
                    self.at = to;
                    self.is_empty = false;
                    return Some((from, before(self.bounds.text, from, to)));
                }
            }
        }
        None
    }
}

/// Where what begins at `from` ends before `next`: without the comma and the white space between.
fn before(text: &[u8], from: usize, next: usize) -> usize {
    let piece = text[from..next].trim_ascii_end();
    let piece = match piece {
        [piece @ .., b','] if next < text.len() && !piece.is_empty() => piece.trim_ascii_end(),
        piece => piece,
    };
    from + piece.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = br#"{"a":"}]\"{","b":[1,{"c":2}]} tail"#;
        assert_eq!(value_end(text, 0), Some(text.len() - 5));
    }

    /// In these texts `{"r` begins a record.
    fn items(text: &str) -> (Vec<&str>, Option<usize>) {
        let begins = |text: &[u8], at: usize| text[at..].starts_with(b"{\"r");
        let mut bounds = Bounds::new(text.as_bytes(), begins);
        let mut items = Items::new(&mut bounds, 1);
        let mut found = Vec::new();
        while let Some(range) = items.next() {
            let is_broken = serde_json::from_str::<IgnoredAny>(&text[range.0..range.1]).is_err();
            let cut = is_broken.then(|| items.end_at_record(range)).flatten();
            let (from, to) = cut.unwrap_or(range);
            found.push(&text[from..to]);
        }
        (found, items.end())
    }

    #[test]
    fn items_end_at_their_brackets() {
        let text = r#"[{"a":1}, {oops} ,"x", 2,[3] {"b":2}] tail"#;
        let expected = [r#"{"a":1}"#, "{oops}", "\"x\"", "2", "[3]", r#"{"b":2}"#];
        assert_eq!(items(text), (expected.to_vec(), Some(text.len() - 5)));
    }

    #[test]
    fn an_item_without_an_end_ends_where_the_next_record_begins() {
        for (broken, count) in [
            (r#"{"r":"x}"#, 1),
            (r#"{"r":[1}"#, 1),
            (r#"{"r":{"x":1}"#, 1),
            (r#"{"r":1}}"#, 2),
            (r#"{"r":1},"x":2}"#, 2),
        ] {
            let text = format!(r#"[{{"r":0}}, {broken} , {{"r":2}}]"#);
            let (found, _) = items(&text);
            assert_eq!(
                (found[0], found[found.len() - 1]),
                (r#"{"r":0}"#, r#"{"r":2}"#),
                "{text}"
            );
            assert_eq!(found.len(), count + 2, "{found:?}");
        }
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
            for (from, to) in Items::new(&mut Bounds::new(&bytes, |_, _| true), 0) {
                prop_assert!(from < to && to <= bytes.len());
            }
        }
    }
}
