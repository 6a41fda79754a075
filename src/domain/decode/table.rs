//! Rows of a CSV file as records: the header names the fields.

use serde_json::{Map, Value};

/// The header of a table, and how its rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    names: Vec<String>,
    delimiter: u8,
    /// Its rows are sign-ins without a person, as the name of the file says.
    without_a_person: bool,
}

impl Header {
    /// Reads the header at the beginning of a table; where the first row begins.
    ///
    /// `name` is that of the file: the portal tells by it alone which of its logs it is.
    #[must_use]
    pub fn read(table: &[u8], name: &str) -> Option<(Header, usize)> {
        let line = table.split(|byte| *byte == b'\n').next().unwrap_or(table);
        let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
        let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|delimiter| {
            // Of equally frequent ones the usual one.
            (count(delimiter), *delimiter == b',')
        })?;
        let mut reader = reader(table, delimiter);
        let mut row = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut row).is_ok_and(|more| more) {
            return None;
        }
        let names = row
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        let without_a_person = name.to_lowercase().contains("noninteractive");
        let place = usize::try_from(reader.position().byte()).ok()?;
        Some((
            Header {
                names,
                delimiter,
                without_a_person,
            },
            place,
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
