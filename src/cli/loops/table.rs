//! Loops as rows, for the formats that every query has.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};

use crate::cli::Failure;
use crate::cli::report::words::{clock, rfc3339};
use crate::domain::loops::row::LoopRow;

/// What fits on a line.
pub(crate) fn short(loops: &[&LoopRow]) -> Result<RecordBatch, Failure> {
    rows(vec![
        (
            "user_principal_name",
            text(loops, |row| Some(row.user_principal_name.clone())),
        ),
        ("client", text(loops, |row| Some(row.client_family.clone()))),
        (
            "protocol",
            text(loops, |row| Some(row.protocol.name().to_owned())),
        ),
        ("kind", text(loops, |row| Some(row.kind.name().to_owned()))),
        ("since", text(loops, |row| Some(clock(row.first_attempt)))),
        ("last", text(loops, |row| Some(clock(row.last_attempt)))),
        (
            "attempts",
            Arc::new(Int64Array::from_iter_values(
                loops.iter().map(|row| row.attempts),
            )),
        ),
        ("batch", text(loops, |row| row.batch.clone())),
        ("cause", text(loops, |row| Some(row.cause.clone()))),
    ])
}

/// Every column, by the names of the table `loops`.
pub(crate) fn full(loops: &[&LoopRow]) -> Result<RecordBatch, Failure> {
    rows(vec![
        (
            "user_principal_name",
            text(loops, |row| Some(row.user_principal_name.clone())),
        ),
        (
            "client_group",
            text(loops, |row| Some(row.client_group.clone())),
        ),
        (
            "client_family",
            text(loops, |row| Some(row.client_family.clone())),
        ),
        (
            "protocols",
            text(loops, |row| {
                Some(
                    row.protocols
                        .iter()
                        .map(|protocol| protocol.name())
                        .collect::<Vec<_>>()
                        .join(" "),
                )
            }),
        ),
        ("kind", text(loops, |row| Some(row.kind.name().to_owned()))),
        (
            "verdict",
            text(loops, |row| Some(row.verdict.name().to_owned())),
        ),
        (
            "state",
            text(loops, |row| Some(row.state.name().to_owned())),
        ),
        (
            "ending",
            text(loops, |row| {
                row.ending.map(|ending| ending.name().to_owned())
            }),
        ),
        (
            "first_attempt",
            text(loops, |row| Some(rfc3339(row.first_attempt))),
        ),
        (
            "last_attempt",
            text(loops, |row| Some(rfc3339(row.last_attempt))),
        ),
        (
            "attempts",
            Arc::new(Int64Array::from_iter_values(
                loops.iter().map(|row| row.attempts),
            )),
        ),
        (
            "distinct_ips",
            Arc::new(Int32Array::from_iter_values(
                loops.iter().map(|row| row.distinct_ips),
            )),
        ),
        ("batch", text(loops, |row| row.batch.clone())),
        ("cutover_at", text(loops, |row| row.cutover_at.map(rfc3339))),
        (
            "minutes_since_cutover",
            Arc::new(
                loops
                    .iter()
                    .map(|row| row.minutes_since_cutover)
                    .collect::<Int64Array>(),
            ),
        ),
        ("cause", text(loops, |row| Some(row.cause.clone()))),
        (
            "cause_confidence",
            Arc::new(Float64Array::from_iter_values(
                loops.iter().map(|row| row.cause_confidence),
            )),
        ),
        ("fix", text(loops, |row| Some(row.fix.clone()))),
        ("loop_id", text(loops, |row| Some(row.loop_id.clone()))),
    ])
}

fn text(loops: &[&LoopRow], cell: impl Fn(&LoopRow) -> Option<String>) -> ArrayRef {
    Arc::new(loops.iter().map(|row| cell(row)).collect::<StringArray>())
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Failure> {
    RecordBatch::try_from_iter(columns).map_err(Failure::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::samples::stuck;
    use crate::cli::{Format, output};

    #[test]
    fn csv_has_the_names_of_the_table_and_no_formula() {
        let row = stuck("=cmd@x.example");
        let rows = full(&[&row]).expect("rows");
        let mut out = Vec::new();
        output::write(&mut out, Format::Csv, &rows.schema(), &[rows]).expect("csv");
        let csv = String::from_utf8(out).expect("text");
        assert!(
            csv.starts_with("user_principal_name,client_group,client_family,protocols,kind,"),
            "{csv}"
        );
        assert!(csv.contains("\n'=cmd@x.example,outlook_desktop,outlook_2016_plus,autodiscover ews,direct,stuck_client,open,,2026-03-13T16:24:00Z,"), "{csv}");
    }

    #[test]
    fn a_short_row_fits_a_line() {
        let row = stuck("anna@x.example");
        let rows = short(&[&row]).expect("rows");
        assert_eq!((rows.num_rows(), rows.num_columns()), (1, 9));
    }
}
