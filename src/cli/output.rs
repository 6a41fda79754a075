//! Rows of a query as text.

use std::fmt::Write as _;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::pretty::pretty_format_batches_with_schema;

use super::{Failure, Format};

/// Writes the batches in the wished format.
pub fn write(
    out: &mut dyn Write,
    format: Format,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<(), Failure> {
    match format {
        Format::Table => {
            let table =
                pretty_format_batches_with_schema(schema.clone(), batches).map_err(Failure::new)?;
            writeln!(out, "{}", visible(&table.to_string()))?;
        }
        Format::Csv => write_csv(out, schema, batches)?,
        Format::Json => {
            let mut text = Vec::new();
            let mut json = arrow::json::WriterBuilder::new()
                .with_explicit_nulls(true)
                .build::<_, arrow::json::writer::JsonArray>(&mut text);
            json.write_batches(&batches.iter().collect::<Vec<_>>())
                .map_err(Failure::new)?;
            json.finish().map_err(Failure::new)?;
            drop(json);
            writeln!(out, "{}", visible_json(&String::from_utf8_lossy(&text)))?;
        }
    }
    Ok(())
}

/// Lists and structs have no place in CSV: they are written as their text.
fn write_csv(
    out: &mut dyn Write,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<(), Failure> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(schema.fields().iter().map(|field| field.name().as_str()))
        .map_err(csv_error)?;
    let options = arrow::util::display::FormatOptions::default();
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|column| arrow::util::display::ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Failure::new)?;
        for row in 0..batch.num_rows() {
            let cells = columns
                .iter()
                .map(|column| harmless(visible(&column.value(row).to_string())));
            csv.write_record(cells).map_err(csv_error)?;
        }
    }
    csv.flush()?;
    Ok(())
}

fn csv_error(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Failure::new(format!("cannot write CSV: {other:?}")),
    }
}

/// A cell that a spreadsheet would run as a formula is quoted: every field may be an attacker's.
fn harmless(cell: String) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        format!("'{cell}")
    } else {
        cell
    }
}

/// What would let a user agent write on the terminal, turn the direction of the line, or look like
/// another text: control characters, and those that have no shape of their own. Joiners are left, being
/// part of how some languages are written.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(
            letter,
            '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Text that shows all it holds: what is hidden is replaced, but for line breaks.
#[must_use]
pub fn visible(text: &str) -> String {
    let show = |letter| match letter {
        '\n' => letter,
        _ if is_hidden(letter) => '\u{fffd}',
        _ => letter,
    };
    text.chars().map(show).collect()
}

/// The same document of JSON, with escapes for what is hidden in its texts.
#[must_use]
pub fn visible_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter != '\n' && is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing into a text cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_quoted_and_numbers_are_not() {
        assert_eq!(
            harmless("=cmd|' /C calc'!A0".to_owned()),
            "'=cmd|' /C calc'!A0"
        );
        assert_eq!(harmless("-5".to_owned()), "-5");
        assert_eq!(harmless("@SUM(A1)".to_owned()), "'@SUM(A1)");
    }

    #[test]
    fn an_escape_sequence_does_not_reach_the_terminal() {
        assert_eq!(visible("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\nc");
        assert_eq!(
            visible("\u{9b}2J\u{202e}\u{200b}"),
            "\u{fffd}2J\u{fffd}\u{fffd}"
        );
        assert_eq!(visible("می\u{200c}خواهم"), "می\u{200c}خواهم");
    }

    #[test]
    fn json_means_the_same_and_hides_nothing() {
        let text = "a\u{9b}\u{7f}\u{202e}\u{e0041}é\n";
        let json = serde_json::to_string(text).expect("a text is JSON");
        let shown = visible_json(&json);
        assert_eq!(shown, r#""a\u009b\u007f\u202e\udb40\udc41é\n""#);
        let read: String = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(read, text);
    }
}
