//! Rows of a query as text.

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
            let mut json = arrow::json::WriterBuilder::new()
                .with_explicit_nulls(true)
                .build::<_, arrow::json::writer::JsonArray>(&mut *out);
            json.write_batches(&batches.iter().collect::<Vec<_>>())
                .map_err(Failure::new)?;
            json.finish().map_err(Failure::new)?;
            drop(json);
            writeln!(out)?;
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

/// Control characters would let a user agent write on the terminal.
#[must_use]
pub fn visible(text: &str) -> String {
    let hidden = |character: char| character.is_control() && character != '\n';
    text.chars()
        .map(|character| {
            if hidden(character) {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
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
    }
}
