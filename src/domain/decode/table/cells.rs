//! Cells of a row: where each one ends and what it says.
//!
//! The grammar is that of RFC 4180, with any line break and, within a cell without quotes, quotes that
//! mean themselves. A quoted cell is bounded, so that a quote that never closes costs little.

use core::net::IpAddr;
use std::borrow::Cow;

/// Most line breaks in one quoted cell: names and addresses have one or two, an error text a dozen.
const CELL_BREAKS_MAX: usize = 100;

/// A cell as it is written.
pub(super) struct Cell<'t> {
    raw: &'t [u8],
    /// Length of its part in quotes, both quotes counted; 0 without quotes.
    quoted: usize,
    breaks: usize,
    /// Its quote does not close.
    pub(super) is_open: bool,
    delimiter: u8,
}

impl<'t> Cell<'t> {
    /// What it says.
    pub(super) fn text(&self) -> Cow<'t, [u8]> {
        if self.quoted == 0 {
            return Cow::Borrowed(self.raw);
        }
        let (inner, tail) = (self.inner(), &self.raw[self.quoted..]);
        if tail.is_empty() && memchr::memchr(b'"', inner).is_none() {
            return Cow::Borrowed(inner);
        }
        let mut text = Vec::with_capacity(self.raw.len());
        let mut is_doubled = false;
        for byte in inner {
            is_doubled = *byte == b'"' && !is_doubled;
            if !is_doubled {
                text.push(*byte);
            }
        }
        text.extend_from_slice(tail);
        Cow::Owned(text)
    }

    /// What stands between its quotes, as it is written; without quotes all of it.
    fn inner(&self) -> &'t [u8] {
        match self.quoted {
            0 => self.raw,
            quoted => &self.raw[1..quoted - 1],
        }
    }

    /// The quote that closes it is one that opens another cell, its own never closes.
    pub(super) fn is_torn(&self) -> bool {
        let is_clean = self.raw.len() == self.quoted;
        let before = self.raw[..self.quoted].iter().rev().nth(1);
        !is_clean && self.quoted > 0 && (self.breaks > 0 || before == Some(&self.delimiter))
    }

    /// A quote stands where RFC 4180 has none.
    pub(super) fn has_stray_quote(&self) -> bool {
        !self.is_open && memchr::memchr(b'"', &self.raw[self.quoted..]).is_some()
    }

    /// It begins with a blank, as what follows a comma in a text does.
    pub(super) fn is_indented(&self) -> bool {
        self.raw.first() == Some(&b' ') && !self.is_blank()
    }

    /// It holds an address of the internet.
    pub(super) fn is_address(&self) -> bool {
        let text = self.inner().trim_ascii();
        // Nearly every cell of that length is none; the parser need not say so.
        let is_like_one = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
        (7..=45).contains(&text.len())
            && text.iter().all(is_like_one)
            && std::str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
    }

    pub(super) fn is_blank(&self) -> bool {
        !self.is_open
            && self.inner().trim_ascii().is_empty()
            && self.raw[self.quoted..].trim_ascii().is_empty()
    }
}

/// The cells of the row at the beginning of a text, up to its line break.
pub(super) struct Cells<'t> {
    text: &'t [u8],
    at: usize,
    delimiter: u8,
    is_over: bool,
}

impl<'t> Cells<'t> {
    pub(super) fn new(text: &'t [u8], delimiter: u8) -> Cells<'t> {
        Cells {
            text,
            at: 0,
            delimiter,
            is_over: false,
        }
    }

    /// Where the last cell ended: at a separator, at the line break behind the row or at the end.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

impl<'t> Iterator for Cells<'t> {
    type Item = Cell<'t>;

    fn next(&mut self) -> Option<Cell<'t>> {
        if self.is_over {
            return None;
        }
        let start = self.at;
        let mut cell = Cell {
            raw: &[],
            quoted: 0,
            breaks: 0,
            is_open: false,
            delimiter: self.delimiter,
        };
        let mut end = start;
        if self.text.get(start) == Some(&b'"') {
            (end, cell.breaks, cell.is_open) = quoted_end(self.text, start);
            cell.quoted = if cell.is_open { 0 } else { end - start };
        }
        if !cell.is_open {
            end += memchr::memchr3(self.delimiter, b'\r', b'\n', &self.text[end..])
                .unwrap_or(self.text.len() - end);
        }
        self.is_over = cell.is_open || self.text.get(end) != Some(&self.delimiter);
        self.at = if self.is_over { end } else { end + 1 };
        cell.raw = &self.text[start..end];
        Some(cell)
    }
}

/// Where the quotes that open here close, the line breaks between, and whether they do not close.
fn quoted_end(text: &[u8], start: usize) -> (usize, usize, bool) {
    let (mut at, mut breaks) = (start + 1, 0);
    while let Some(place) = memchr::memchr3(b'"', b'\r', b'\n', &text[at..]) {
        at += place + 1;
        let next = text.get(at);
        match text[at - 1] {
            b'"' if next == Some(&b'"') => at += 1,
            b'"' => return (at, breaks, false),
            b'\r' if next == Some(&b'\n') => {}
            _ => breaks += 1,
        }
        if breaks > CELL_BREAKS_MAX {
            return (at, breaks, true);
        }
    }
    (text.len(), breaks, true)
}

/// Where the line that begins here ends, behind its line break.
pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    let Some(place) = memchr::memchr2(b'\r', b'\n', &text[at..]) else {
        return text.len();
    };
    let end = at + place + 1;
    let is_pair = text[end - 1] == b'\r' && text.get(end) == Some(&b'\n');
    end + usize::from(is_pair)
}
