//! Rows of a CSV file as records: the header names the fields.
//!
//! A row that is not whole is none, and never takes the next one with it.

mod cells;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::RejectReason;
use super::odd;
use super::oddity::{Oddities, Oddity};
use cells::{Cell, Cells, line_end};

/// Names of unknown columns that are shown, and letters of each.
const SHOWN: (usize, usize) = (8, 40);
/// Cells of a header so wide that no line of a text looks like a row of it.
const WIDE: usize = 8;
/// The longest header that is kept with each row that is rejected, bytes.
const KEPT_MAX: usize = 64 << 10;
/// Known columns that no text but a header names.
const CLEAR: usize = 5;
/// The part of a row's cells, one in so many, that may be missing at its end.
const MISSING_PART: usize = 8;

/// The header of a table, and how its rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    names: Vec<String>,
    delimiter: u8,
    /// Its rows are sign-ins without a person, as the name of the file says.
    without_a_person: bool,
    /// Which columns are known.
    known: Vec<bool>,
    /// Where it begins.
    start: usize,
    /// The table up to its end, without the line break.
    text: Arc<str>,
    /// No row below it can be a sign-in.
    is_unknown: bool,
}

impl Header {
    /// Reads the header at the beginning of a table; where the first row begins.
    ///
    /// `name` is that of the file: the portal tells by it alone which of its logs it is.
    #[must_use]
    pub fn read(table: &[u8], name: &str) -> Option<(Header, usize)> {
        let (delimiters, start) = match separator_line(table) {
            Some((delimiter, end)) => (vec![delimiter], end),
            None => (vec![b',', b';', b'\t'], 0),
        };
        let rest = &table[start..];
        let read = |delimiter| Header::with(rest, delimiter, name);
        // Of equally good ones the usual one, which comes first.
        let (header, end) =
            delimiters
                .into_iter()
                .rev()
                .filter_map(read)
                .max_by_key(|(header, _)| {
                    (
                        header.known_count(),
                        header.names.len(),
                        header.delimiter == b',',
                    )
                })?;
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let own = &table[..start + end];
        let length = own
            .iter()
            .rposition(|byte| !is_break(byte))
            .map_or(0, |last| last + 1);
        let text = String::from_utf8_lossy(&own[..length]).into();
        Some((
            Header {
                start,
                text,
                ..header
            },
            start + end,
        ))
    }

    fn with(table: &[u8], delimiter: u8, name: &str) -> Option<(Header, usize)> {
        let mut reader = reader(table, delimiter);
        let mut row = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut row).is_ok_and(|more| more) {
            return None;
        }
        let names: Vec<String> = row
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        let end = usize::try_from(reader.position().byte()).ok()?;
        let (known, is_usable) = odd::known_columns(&names);
        let most = 2 * known.iter().filter(|known| **known).count() > known.len();
        let header = Header {
            names,
            delimiter,
            without_a_person: name.to_lowercase().contains("noninteractive"),
            known,
            start: 0,
            text: Arc::default(),
            is_unknown: !is_usable && !most,
        };
        Some((header, end))
    }

    fn known_count(&self) -> usize {
        self.known.iter().filter(|known| **known).count()
    }

    /// Whether what begins so is a table: of several columns, at least one of them known; or several
    /// where lines that begin like JSON may stand within its cells, or be what the text consists of.
    #[must_use]
    pub fn begins(start: &[u8], has_braces: bool) -> bool {
        let least = if has_braces { CLEAR } else { 1 };
        Header::read(start, "")
            .is_some_and(|(header, _)| header.names.len() > 1 && header.known_count() >= least)
    }

    /// Whether the header itself must be told of: no row below it can be a sign-in.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// The table up to the end of the header, without which its rows say nothing; nothing if it is
    /// too long to be kept with each of them.
    #[must_use]
    pub fn kept(&self) -> &str {
        if self.text.len() > KEPT_MAX {
            return "";
        }
        &self.text
    }

    /// Whether these are the bytes of the header itself.
    pub(super) fn is_own(&self, raw: &[u8]) -> bool {
        let own = self.text.as_bytes();
        own.get(self.start..)
            .is_some_and(|own| own.trim_ascii() == raw.trim_ascii())
    }

    /// Where the header begins: a line before it may name the delimiter.
    #[must_use]
    pub fn starts_at(&self) -> usize {
        self.start
    }

    /// What is wrong with the header, if these are its bytes.
    pub(super) fn complaint(&self, raw: &[u8]) -> Option<String> {
        let raw = String::from_utf8_lossy(raw);
        if !self.is_unknown || !self.is_own(raw.as_bytes()) {
            return None;
        }
        let unknown = self.names.iter().zip(&self.known);
        let unknown: Vec<&String> = unknown
            .filter_map(|(name, known)| (!known).then_some(name))
            .collect();
        let (most, letters) = SHOWN;
        let shown = unknown.iter().take(most).map(|name| {
            let name: String = name
                .trim_start_matches('\u{feff}')
                .chars()
                .take(letters)
                .collect();
            format!("{name:?}")
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = match unknown.len().saturating_sub(most) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "the columns {shown}{more} are not recognised; exports must be in English"
        ))
    }

    /// Where each row begins, `from` the first one on.
    ///
    /// A quote that does not close breaks the line that it stands in and no other.
    #[must_use]
    pub fn rows(&self, table: &[u8], from: usize) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut at = from;
        loop {
            let is_break = |byte: &&u8| matches!(byte, b'\r' | b'\n');
            at += table[at..].iter().take_while(is_break).count();
            if at == table.len() {
                return starts;
            }
            starts.push(at);
            at = self.row_end(table, at);
        }
    }

    /// Where the row that begins here ends, behind its line break.
    fn row_end(&self, table: &[u8], at: usize) -> usize {
        let line = line_end(table, at);
        let mut row = Measure::default();
        let end = line_end(table, at + self.measure(&table[at..], &mut row, |_, _| ()));
        if let Some(cell) = row.unclosed {
            return line_end(table, at + cell);
        }
        let is_suspect = self.objection(&row, true).is_some() || self.names.len() >= WIDE;
        if end > line && is_suspect && self.holds_a_row(&table[line..end]) {
            return line;
        }
        end
    }

    /// Whether one of the lines that a quoted cell runs over is a row of its own.
    fn holds_a_row(&self, lines: &[u8]) -> bool {
        let mut at = 0;
        while at < lines.len() {
            let end = line_end(lines, at);
            let mut row = Measure::default();
            self.measure(&lines[at..end], &mut row, |_, _| ());
            if row.cells == self.names.len() && !row.has_stray_quote {
                return true;
            }
            at = end;
        }
        false
    }

    /// Looks at the cells of the row at the beginning of a text; where it ends, without its line break.
    fn measure<'t>(
        &self,
        text: &'t [u8],
        row: &mut Measure,
        mut each: impl FnMut(&str, &Cell<'t>),
    ) -> usize {
        let mut cells = Cells::new(text, self.delimiter);
        let mut start = 0;
        while let Some(cell) = cells.next() {
            let name = self.names.get(row.cells).map_or("", String::as_str);
            row.take(name, &cell, start);
            start = cells.at();
            each(name, &cell);
        }
        cells.at()
    }

    /// A row without the white space around it; separators are none, also where they are tabs.
    #[must_use]
    pub fn trimmed<'t>(&self, raw: &'t [u8]) -> &'t [u8] {
        let is_ink = |byte: &u8| *byte == self.delimiter || !byte.is_ascii_whitespace();
        let start = raw.iter().position(is_ink).unwrap_or(raw.len());
        let end = raw
            .iter()
            .rposition(is_ink)
            .map_or(start, |place| place + 1);
        &raw[start..end]
    }

    /// The cells of a row by their names, and what was odd about them; of two columns of one name the
    /// first filled one counts.
    ///
    /// # Errors
    /// If it is no whole row: the reason, and what exactly.
    pub fn row(&self, raw: &[u8]) -> Result<(Map<String, Value>, Oddities), NoRow> {
        let has_break = raw.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n'));
        let raw = self.trimmed(raw);
        let (mut row, mut map) = (Measure::default(), Map::new());
        self.measure(raw, &mut row, |name, cell| {
            let text = cell.text();
            if !text.is_empty() && !map.contains_key(name) {
                let text = Value::from(String::from_utf8_lossy(&text));
                map.insert(name.to_owned(), text);
            }
        });
        if let Some(detail) = self.objection(&row, has_break) {
            return Err((RejectReason::BrokenRow, detail));
        }
        if self.without_a_person {
            map.entry("IsInteractive").or_insert(Value::Bool(false));
        }
        let mut oddities = Oddities::default();
        oddities.note_if(std::str::from_utf8(raw).is_err(), Oddity::BadUtf8);
        Ok((map, oddities))
    }

    /// Why a row is none of this table.
    ///
    /// Spreadsheets leave out separators behind the last filled cells, or write some more of them. The
    /// first cannot be told from a row that was cut, so little may be missing and the line must have
    /// its end; the second not from an unquoted separator but by where its cells have gone.
    fn objection(&self, row: &Measure, has_break: bool) -> Option<String> {
        if row.unclosed.is_some() {
            return Some("a quote is opened and never closed".to_owned());
        }
        let columns = self.names.len();
        let named = self.names.iter().rposition(|name| !name.trim().is_empty());
        let named = named.map_or(0, |place| place + 1);
        let least = if has_break {
            columns - columns / MISSING_PART
        } else {
            columns
        };
        let fits = row.cells == columns
            || row.cells > columns && row.filled <= columns && !row.is_shifted
            || row.cells < columns && row.cells >= least.min(named) && !row.is_shifted;
        (!fits).then(|| format!("{} cells, the header has {columns}", row.cells))
    }
}

/// Why something is no row: the reason, and what exactly.
pub type NoRow = (RejectReason, String);

/// What tells whether a row is whole.
#[derive(Debug, Default)]
struct Measure {
    cells: usize,
    /// Cells up to the last one that says something.
    filled: usize,
    /// Where the first cell begins whose quote does not close.
    unclosed: Option<usize>,
    has_stray_quote: bool,
    /// A cell looks as if it belonged to another column.
    is_shifted: bool,
}

impl Measure {
    fn take(&mut self, name: &str, cell: &Cell, start: usize) {
        self.cells += 1;
        if self.unclosed.is_none() && (cell.is_open || cell.is_torn()) {
            self.unclosed = Some(start);
        }
        self.has_stray_quote |= cell.has_stray_quote();
        if cell.is_blank() {
            return;
        }
        self.filled = self.cells;
        self.is_shifted |= self.cells > 1 && cell.is_indented();
        self.is_shifted |= cell.is_address() && !name.to_ascii_lowercase().contains("ip");
    }
}

/// A first line `sep=;`, which tells spreadsheets the delimiter; where it ends.
fn separator_line(table: &[u8]) -> Option<(u8, usize)> {
    let start = if table.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let end = memchr::memchr(b'\n', table)? + 1;
    let line = table.get(start..end)?.trim_ascii_start();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    match line.strip_suffix(b"\"").unwrap_or(line) {
        [
            b's' | b'S',
            b'e' | b'E',
            b'p' | b'P',
            b'=',
            delimiter @ (b',' | b';' | b'\t'),
        ] => Some((*delimiter, end)),
        _ => None,
    }
}

fn reader(table: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(table)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as _, prop};

    use super::*;

    /// What becomes of every row: its cells, or what was wrong and its bytes.
    fn rows(table: &str, name: &str) -> Vec<Result<Value, (String, String)>> {
        let (header, from) = Header::read(table.as_bytes(), name).expect("a header");
        let mut starts = header.rows(table.as_bytes(), from);
        starts.push(table.len());
        let rows = starts.windows(2).map(|ends| {
            let raw = &table[ends[0]..ends[1]];
            let row = header.row(raw.as_bytes());
            row.map(|(row, _)| Value::Object(row))
                .map_err(|(_, detail)| (detail, raw.trim().to_owned()))
        });
        rows.collect()
    }

    fn good(table: &str, name: &str) -> Vec<Value> {
        let rows = rows(table, name).into_iter();
        rows.map(|row| row.expect("a whole row")).collect()
    }

    /// Ten columns, rows of them, and what becomes of each: its number or the reject's bytes.
    fn fates(rows_of_ten: &str) -> Vec<Result<String, String>> {
        let table = format!("n,b,c,d,e,f,g,h,ip,j\n{rows_of_ten}");
        let rows = rows(&table, "x.csv").into_iter();
        rows.map(|row| {
            row.map(|row| row["n"].as_str().expect("a text").to_owned())
                .map_err(|(_, raw)| raw)
        })
        .collect()
    }

    fn taken(number: &str) -> Result<String, String> {
        Ok(number.to_owned())
    }

    fn refused(raw: &str) -> Result<String, String> {
        Err(raw.to_owned())
    }

    #[test]
    fn cells_find_their_names() {
        let table = "a,b,a\r\n1,\"x\r\n\"\"y\"\"\",2\r\n\r\n,,3\r\n4,,\r\n";
        let expected = serde_json::json!([
            {"a": "1", "b": "x\r\n\"y\""}, {"a": "3"}, {"a": "4"}
        ]);
        assert_eq!(Value::from(good(table, "x.csv")), expected);
        let semicolons = good("a;b\n1,5;2\n", "x.csv");
        assert_eq!(semicolons, [serde_json::json!({"a": "1,5", "b": "2"})]);
        let tabs = good("a\tb\tc\n\t2\t\n", "x.csv");
        assert_eq!(tabs, [serde_json::json!({"b": "2"})]);
    }

    #[test]
    fn a_quote_that_never_closes_breaks_its_line_alone() {
        let whole = |number: u32| format!("{number},b,c,d,e,f,g,h,i,j\n");
        for broken in [
            "2,b,c,\"d,e,f,g,h,i,j",
            "2,b,c,d,e,f,g,h,i,\"",
            "\"2,b,c,d,e,f,g,h,i,j",
            "2,b,c,\"d,e,\"f, g, h\",h,i,j",
            "2,\"b\nb\",c,\"d,e,f,g,h,i,j",
        ] {
            for end in ["", "\n3,b,c,d,e,f,g,h,i,j\n4,b,c,d,e,f,g,h,i,j"] {
                let found = fates(&format!("{}{broken}{end}", whole(1)));
                let mut expected = vec![taken("1"), refused(broken)];
                expected.extend(
                    (!end.is_empty())
                        .then_some([taken("3"), taken("4")])
                        .into_iter()
                        .flatten(),
                );
                assert_eq!(found, expected, "{broken}{end}");
            }
            // Quoted cells behind it, which might be taken for its end.
            for later in [
                "3,b,c,\"d\",e,f,g,h,i,j",
                "\"3\",\"b\",c,d,e,f,g,h,i,j",
                "3,b,\"c\nc\",d,e,f,g,h,i,\"j\"",
                "\"3\",b,c,d,e,f,g,h,i,\"j\nj\nj\"",
            ] {
                let found = fates(&format!("{}{broken}\n{later}\n{}", whole(1), whole(4)));
                let expected = [taken("1"), refused(broken), taken("3"), taken("4")];
                assert_eq!(found, expected, "{broken} {later}");
            }
        }
        let both = "2,b,c,d,e,f,g,h,i,\"\n3,b,c,d,e,f,g,h,i,\"\n4,b,c,d,e,f,g,h,i,j";
        let ending = ",b,c,d,e,f,g,h,i,\"";
        let expected = [
            refused(&format!("2{ending}")),
            refused(&format!("3{ending}")),
            taken("4"),
        ];
        assert_eq!(fates(both), expected);
    }

    #[test]
    fn a_quoted_cell_runs_over_lines_as_long_as_it_closes_soon() {
        for lines in [2, 90] {
            let text = "a line, \"\"quoted\"\"\r\n".repeat(lines);
            for row in [
                format!("\"{text}\",b,c,d,e,f,g,h,i,j"),
                format!("1,b,\"{text}\",d,e,f,g,h,i,j"),
                format!("1,b,c,d,e,f,g,h,i,\"{text}\""),
            ] {
                let found = fates(&format!("{row}\n2,b,c,d,e,f,g,h,i,j\n"));
                assert_eq!((found.len(), found[1].as_deref()), (2, Ok("2")), "{row}");
                assert!(found[0].is_ok(), "{row}");
            }
        }
        let lines = "x\n".repeat(150);
        let found = fates(&format!(
            "1,b,\"{lines}\",d,e,f,g,h,i,j\n2,b,c,d,e,f,g,h,i,j\n"
        ));
        assert_eq!(found.len(), 152);
        assert_eq!((&found[0], &found[151]), (&refused("1,b,\"x"), &taken("2")));
    }

    #[test]
    fn a_row_without_as_many_cells_as_the_header_is_none() {
        let detail = |row: &str| {
            let table = format!("n,b,c,d,e,f,g,h,ip,j\n{row}");
            rows(&table, "x.csv")
                .remove(0)
                .err()
                .map(|(detail, _)| detail)
        };
        let none = |cells: u32| Some(format!("{cells} cells, the header has 10"));
        assert_eq!(detail("1,b,Doe, John,d,e,f,g,h,i,j\n"), none(11));
        assert_eq!(detail("1,b,Doe, John,d,e,f,g,h,192.0.2.1,\n"), none(11));
        assert_eq!(detail("1,b,Doe,John,d,e,f,g,h,192.0.2.1,\n"), none(11));
        assert_eq!(detail("1,b,c"), none(3));
        assert_eq!(detail("1,b,c\n"), none(3));
        assert_eq!(detail("1,b,c,d,e,f,g,h,i"), none(9));
        // What spreadsheets leave out or add behind the last filled cell.
        assert_eq!(detail("1,b,c,d,e,f,g,h,192.0.2.1\n"), None);
        assert_eq!(detail("1,b,c,d,e,f,g,h,192.0.2.1,,,,\n"), None);
        assert_eq!(detail("1,b,c,d,e,f,g,h,i,j, ,\"\"\n"), None);
    }

    #[test]
    fn a_row_in_another_encoding_is_flagged() {
        let (header, _) = Header::read(b"a,b\n", "x.csv").expect("a header");
        let (row, oddities) = header.row(b"M\xfcller,2\n").expect("a row");
        assert_eq!(row["a"], "M\u{fffd}ller");
        assert!(oddities.has(Oddity::BadUtf8));
        let (_, oddities) = header.row("Müller,2\n".as_bytes()).expect("a row");
        assert!(oddities.is_empty());
    }

    #[test]
    fn a_table_is_what_has_a_known_column() {
        for table in [
            "Date (UTC),Nonsense\n1,2\n",
            "Datum;Status\n1;2\n",
            "Date (UTC)\tRequest ID\n1\t2\n",
            "sep=;\nUser;x,y\n",
            "\u{feff}\"sep=,\"\r\nUser,x\r\n",
        ] {
            assert!(Header::begins(table.as_bytes(), false), "{table}");
        }
        for table in [
            "hello, world\n1,2\n",
            "user\n",
            "",
            "\u{1},\u{2}\n",
            "sep=;\n",
        ] {
            assert!(!Header::begins(table.as_bytes(), false), "{table}");
        }
    }

    #[test]
    fn a_header_in_another_language_is_told_of_and_its_rows_are_read() {
        let line = "Datum (UTC);Anforderungs-ID;Status;A;B;C;D;E;F;G\u{1b}";
        let table = format!("sep=;\r\n{line}\r\n1;2\r\n");
        let (header, from) = Header::read(table.as_bytes(), "x.csv").expect("a header");
        assert!(header.is_unknown());
        assert_eq!(table[from..].trim(), "1;2");
        let told = header.complaint(line.as_bytes()).expect("a complaint");
        assert!(told.starts_with("the columns \"Datum (UTC)\", \"Anforderungs-ID\", \"A\""));
        assert!(told.ends_with(" and 1 more are not recognised; exports must be in English"));
        assert_eq!(header.complaint(b"1;2"), None);
        let (known, _) = Header::read(b"Date (UTC),User,Application\n", "x").expect("a header");
        assert!(!known.is_unknown());
    }

    #[test]
    fn the_name_of_the_file_tells_the_log() {
        let found = good("a\n1\n", "NonInteractiveSignIns_2026.csv");
        assert_eq!(
            found,
            [serde_json::json!({"a": "1", "IsInteractive": false})]
        );
    }

    /// A cell as a careful program or a careless one writes it.
    fn written() -> impl proptest::prelude::Strategy<Value = String> {
        let quoted = "[a,\"\r\n; \t]{0,6}".prop_map(|text| {
            let text = text.replace('"', "\"\"");
            format!("\"{text}\"")
        });
        proptest::prop_oneof![
            quoted,
            "[ab ;\t]([ab\"; \t]{0,6})",
            "",
            "\"a\"([ab][ab\"]{0,3})?"
        ]
    }

    fn reader(table: &[u8]) -> csv::Reader<&[u8]> {
        super::reader(table, b',')
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_none_vanish(
            bytes in prop::collection::vec(prop::sample::select(&b"\"\"\n\r,,a\xff"[..]), 0..200),
        ) {
            if let Some((header, from)) = Header::read(&bytes, "x") {
                let starts = header.rows(&bytes, from);
                let first = starts.first().copied().unwrap_or(bytes.len());
                assert!(bytes[from..first].iter().all(u8::is_ascii_whitespace));
                for (place, start) in starts.iter().enumerate() {
                    let end = starts.get(place + 1).copied().unwrap_or(bytes.len());
                    let raw = &bytes[*start..end];
                    assert_eq!(header.rows(raw, 0), [0], "{:?}", raw.escape_ascii());
                    let _ = header.row(raw);
                }
            }
        }

        #[test]
        fn cells_are_those_that_another_reader_finds(
            rows in prop::collection::vec((prop::collection::vec(written(), 1..6), "\r\n|\n|\r|\n\n"), 1..8),
        ) {
            let table: String = rows.iter().map(|(cells, end)| cells.join(",") + end).collect();
            let mut at = 0;
            for row in reader(table.as_bytes()).byte_records() {
                while matches!(table.as_bytes().get(at), Some(b'\r' | b'\n')) {
                    at += 1;
                }
                let mut cells = Cells::new(&table.as_bytes()[at..], b',');
                let found: Vec<_> = cells.by_ref().map(|cell| cell.text().into_owned()).collect();
                let row = row.expect("a row");
                assert_eq!(found, row.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), "{table:?}");
                at += cells.at();
            }
            assert!(table[at..].trim().is_empty(), "{table:?}");
        }
    }
}
