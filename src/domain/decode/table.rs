//! Rows of a CSV file as records: the header names the fields.

use serde_json::{Map, Value};

use super::odd;

/// Names of unknown columns that are shown, and letters of each.
const SHOWN: (usize, usize) = (8, 40);

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
    /// Its own bytes, if no row below it can be a sign-in.
    unknown: Option<Vec<u8>>,
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
        Some((Header { start, ..header }, start + end))
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
            unknown: (!is_usable && !most).then(|| table[..end].trim_ascii().to_vec()),
        };
        Some((header, end))
    }

    fn known_count(&self) -> usize {
        self.known.iter().filter(|known| **known).count()
    }

    /// Whether what begins so is a table: of several columns, at least one of them known.
    #[must_use]
    pub fn begins(start: &[u8]) -> bool {
        Header::read(start, "")
            .is_some_and(|(header, _)| header.names.len() > 1 && header.known_count() > 0)
    }

    /// Whether the header itself must be told of: no row below it can be a sign-in.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.unknown.is_some()
    }

    /// Where the header begins: a line before it may name the delimiter.
    #[must_use]
    pub fn starts_at(&self) -> usize {
        self.start
    }

    /// What is wrong with the header, if these are its bytes.
    pub(super) fn complaint(&self, raw: &[u8]) -> Option<String> {
        self.unknown.as_deref().filter(|own| *own == raw)?;
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
    #[must_use]
    pub fn rows(&self, table: &[u8], from: usize) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut reader = reader(&table[from..], self.delimiter);
        let mut row = csv::ByteRecord::new();
        // The reader takes any bytes; a quote that never closes makes one long row.
        while reader.read_byte_record(&mut row).is_ok_and(|more| more) {
            let start = row.position().map_or(0, csv::Position::byte);
            starts.push(from + usize::try_from(start).unwrap_or(0));
        }
        starts
    }

    /// The cells of a row by their names; of two columns of one name the first filled one counts.
    #[must_use]
    pub fn row(&self, raw: &[u8]) -> Map<String, Value> {
        let mut cells = csv::ByteRecord::new();
        let mut map = Map::new();
        if reader(raw, self.delimiter)
            .read_byte_record(&mut cells)
            .is_ok_and(|more| more)
        {
            for (name, cell) in self.names.iter().zip(&cells) {
                if !cell.is_empty() {
                    let cell = Value::from(String::from_utf8_lossy(cell));
                    map.entry(name.as_str()).or_insert(cell);
                }
            }
        }
        if self.without_a_person {
            map.entry("IsInteractive").or_insert(Value::Bool(false));
        }
        map
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
    use super::*;

    fn rows(table: &str, name: &str) -> Vec<Value> {
        let (header, from) = Header::read(table.as_bytes(), name).expect("a header");
        let mut starts = header.rows(table.as_bytes(), from);
        starts.push(table.len());
        let ranges = starts
            .windows(2)
            .map(|ends| &table.as_bytes()[ends[0]..ends[1]]);
        ranges.map(|raw| Value::Object(header.row(raw))).collect()
    }

    #[test]
    fn cells_find_their_names() {
        let table = "a,b,a\r\n1,\"x\r\n\"\"y\"\"\",2\r\n,,3\r\n4\r\n";
        let expected = serde_json::json!([
            {"a": "1", "b": "x\r\n\"y\""}, {"a": "3"}, {"a": "4"}
        ]);
        assert_eq!(Value::from(rows(table, "x.csv")), expected);
        let semicolons = rows("a;b\n1,5;2\n", "x.csv");
        assert_eq!(semicolons, [serde_json::json!({"a": "1,5", "b": "2"})]);
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
            assert!(Header::begins(table.as_bytes()), "{table}");
        }
        for table in [
            "hello, world\n1,2\n",
            "user\n",
            "",
            "\u{1},\u{2}\n",
            "sep=;\n",
        ] {
            assert!(!Header::begins(table.as_bytes()), "{table}");
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
        let found = rows("a\n1\n", "NonInteractiveSignIns_2026.csv");
        assert_eq!(
            found,
            [serde_json::json!({"a": "1", "IsInteractive": false})]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            if let Some((header, from)) = Header::read(&bytes, "x") {
                for start in header.rows(&bytes, from) {
                    let _ = header.row(&bytes[start..]);
                }
            }
        }
    }
}
