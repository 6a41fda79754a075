//! Bytes to rows of cells: the encodings and the CSV dialects that shells and spreadsheets write.
//!
//! Owns byte order marks, delimiters, quotes, blank lines and line numbers. A broken row is
//! refused alone: after a quote that is never closed, reading goes on at the next line, which is
//! why rows are cut here and not by a general CSV reader, for which the rest of the file would
//! be one cell. Rows are lazy and borrow from the text, so that a wide export is not copied.
//!
//! Must not know what a column means.

use super::error::ImportError;
use super::read::RefusedRow;
use std::borrow::Cow;

/// The largest cell that is read. Real cells are short; a larger one is a broken export.
const CELL_BYTES_MAX: usize = 64 * 1024;

/// The text of a file: UTF-8, or UTF-16 with its byte order mark.
pub(super) fn decode<'a>(bytes: &'a [u8], file: &str) -> Result<Cow<'a, str>, ImportError> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => decode_utf8(rest, file),
        [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, file, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, file, u16::from_be_bytes),
        rest => decode_utf8(rest, file),
    }
}

fn decode_utf8<'a>(bytes: &'a [u8], file: &str) -> Result<Cow<'a, str>, ImportError> {
    let refused = |line| ImportError::Encoding {
        file: file.to_owned(),
        line,
        encoding: "UTF-8",
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        refused(1 + breaks(good))
    })?;
    // A NUL in the first line means UTF-16 that lost its mark.
    let first_line = text.lines().next().unwrap_or_default();
    if first_line.contains('\0') {
        Err(refused(1))
    } else {
        Ok(Cow::Borrowed(text))
    }
}

fn decode_utf16(
    bytes: &[u8],
    file: &str,
    unit: fn([u8; 2]) -> u16,
) -> Result<Cow<'static, str>, ImportError> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len() / 2);
    let units = pairs.iter().map(|pair| unit(*pair));
    let complete = char::decode_utf16(units).try_for_each(|c| c.map(|c| text.push(c)));
    // A NUL at the start is what UTF-32 looks like when it is read as UTF-16.
    if complete.is_err() || !odd.is_empty() || text.starts_with('\0') {
        let line = 1 + breaks(text.as_bytes());
        return Err(ImportError::Encoding {
            file: file.to_owned(),
            line,
            encoding: "UTF-16",
        });
    }
    Ok(Cow::Owned(text))
}

/// One row, with the line on which it begins.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub line: u64,
    pub cells: Vec<Cow<'a, str>>,
}

impl Row<'_> {
    /// The trimmed text of a cell; empty when the row is shorter than that.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.trim())
    }

    fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }

    fn fault(&self) -> Option<String> {
        if self.cells.iter().any(|cell| cell.len() > CELL_BYTES_MAX) {
            return Some(format!(
                "a cell is larger than {} KiB",
                CELL_BYTES_MAX / 1024
            ));
        }
        let nul = self.cells.iter().any(|cell| cell.contains('\0'));
        nul.then(|| "a cell contains a NUL byte".to_owned())
    }
}

/// The rows of a text that are not blank, in order, each one good or refused.
#[derive(Debug, Clone)]
pub(super) struct Rows<'a> {
    text: &'a str,
    delimiter: u8,
    at: usize,
    line: u64,
}

impl<'a> Rows<'a> {
    /// All rows of a text but the `#TYPE` line that old shells put first.
    pub fn new(text: &'a str, delimiter: u8) -> Rows<'a> {
        let mut rows = Rows {
            text,
            delimiter,
            at: 0,
            line: 1,
        };
        if text.starts_with("#TYPE") {
            rows.advance_to(rows.next_line());
        }
        rows
    }

    fn advance_to(&mut self, end: usize) {
        self.line += breaks(&self.text.as_bytes()[self.at..end]);
        self.at = end;
    }

    /// Where the line after the present one begins.
    fn next_line(&self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(end) => after_break(self.text.as_bytes(), self.at + end),
            None => self.text.len(),
        }
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, RefusedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.text.len() {
            let line = self.line;
            let (cells, end) = match split(self.text, self.at, self.delimiter) {
                Ok(row) => row,
                Err(reason) => {
                    self.advance_to(self.next_line());
                    return Some(Err(RefusedRow {
                        line,
                        reason: reason.to_owned(),
                    }));
                }
            };
            self.advance_to(end);
            let row = Row { line, cells };
            if let Some(reason) = row.fault() {
                return Some(Err(RefusedRow { line, reason }));
            }
            if !row.is_blank() {
                return Some(Ok(row));
            }
        }
        None
    }
}

/// The cells of the row that begins at `from`, and where the next row begins.
fn split(
    text: &str,
    from: usize,
    delimiter: u8,
) -> Result<(Vec<Cow<'_, str>>, usize), &'static str> {
    let bytes = text.as_bytes();
    let mut cells = Vec::new();
    let mut at = from;
    loop {
        let (cell, end) = cut_cell(text, at, delimiter)?;
        cells.push(cell);
        match bytes.get(end) {
            Some(byte) if *byte == delimiter => at = end + 1,
            Some(_) => return Ok((cells, after_break(bytes, end))),
            None => return Ok((cells, end)),
        }
    }
}

/// One cell and the position of the delimiter, line break or end behind it.
fn cut_cell(text: &str, from: usize, delimiter: u8) -> Result<(Cow<'_, str>, usize), &'static str> {
    let bytes = text.as_bytes();
    let open = skip_spaces(bytes, from);
    if bytes.get(open) == Some(&b'"') {
        return cut_quoted(text, open + 1, delimiter);
    }
    let ends = |byte: &u8| *byte == delimiter || matches!(byte, b'\n' | b'\r');
    let end = bytes[from..]
        .iter()
        .position(ends)
        .map_or(bytes.len(), |length| from + length);
    Ok((Cow::Borrowed(&text[from..end]), end))
}

/// A cell whose opening quote is just before `from`. A closing quote must end the cell: that is
/// how a quote that was never closed shows at the next quoted cell.
fn cut_quoted(
    text: &str,
    from: usize,
    delimiter: u8,
) -> Result<(Cow<'_, str>, usize), &'static str> {
    let bytes = text.as_bytes();
    let mut cell = Cow::Borrowed("");
    let mut start = from;
    loop {
        let Some(length) = text[start..].find('"') else {
            return Err("a quote is opened and never closed");
        };
        let quote = start + length;
        let doubled = bytes.get(quote + 1) == Some(&b'"');
        cell += &text[start..quote + usize::from(doubled)];
        if doubled {
            start = quote + 2;
            continue;
        }
        let end = skip_spaces(bytes, quote + 1);
        return match bytes.get(end) {
            None | Some(b'\n' | b'\r') => Ok((cell, end)),
            Some(byte) if *byte == delimiter => Ok((cell, end)),
            Some(_) => Err("a quote is not closed where the cell ends"),
        };
    }
}

fn skip_spaces(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..]
        .iter()
        .take_while(|byte| **byte == b' ')
        .count()
}

/// The position behind the line break at `at`; CR LF is one break.
fn after_break(bytes: &[u8], at: usize) -> usize {
    if bytes[at..].starts_with(b"\r\n") {
        at + 2
    } else {
        at + 1
    }
}

/// Line breaks in a piece of text that does not end within one.
fn breaks(bytes: &[u8]) -> u64 {
    let count = |wanted: u8| bytes.iter().filter(|byte| **byte == wanted).count();
    let pairs = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    (count(b'\n') + count(b'\r') - pairs) as u64
}
