//! `signloop report`: how the migration went, per batch.
//!
//! Reads a picture of the lake, chooses the batches, and lets the renderers write.

pub(crate) mod describe;
pub(crate) mod groups;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod picture;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod text;
pub(crate) mod words;

use std::io::Write as _;

use clap::{Args, ValueEnum};

use super::{Exit, Failure, LakeOption};
use picture::{Health, Picture};
use words::{shell_word, shown};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop report --lake lake
  signloop report --lake lake \"Wave 1 - Finance\" --format markdown > wave-1.md

The objective of a batch: 98 % of its mailboxes reconfigured within 4 hours of their cutover.")]
pub(crate) struct Options {
    /// Only this batch
    #[arg(value_name = "BATCH")]
    batch: Option<String>,
    #[command(flatten)]
    lake: LakeOption,
    /// How it is written
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

/// Forms of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a terminal
    Text,
    /// For a ticket or a wiki
    Markdown,
    /// For other programs
    Json,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let picture = Picture::read(&options.lake.lake)?;
    let lake = shell_word(&options.lake.lake);
    let missing = text::nothing_yet(&picture, &lake);
    let batches = chosen(
        &picture.batches,
        options.batch.as_deref(),
        missing.as_deref(),
    )?;
    let written = match (options.format, missing) {
        (Form::Json, _) => format!("{:#}\n", json::report(&picture, &batches)),
        (Form::Text | Form::Markdown, Some(sentence)) => format!("{sentence}\n"),
        (Form::Text, None) => text::report(&picture, &batches, &lake),
        (Form::Markdown, None) => markdown::report(&picture, &batches),
    };
    std::io::stdout().lock().write_all(written.as_bytes())?;
    Ok(Exit::Ok)
}

/// The batch of that name without regard to case, or all. `missing` says why there is none at all.
fn chosen<'a>(
    batches: &'a [Health],
    name: Option<&str>,
    missing: Option<&str>,
) -> Result<Vec<&'a Health>, Failure> {
    let Some(name) = name else {
        return Ok(batches.iter().collect());
    };
    let found: Vec<&Health> = batches
        .iter()
        .filter(|health| health.batch.to_lowercase() == name.to_lowercase())
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names: Vec<String> = batches
        .iter()
        .map(|health| format!("\"{}\"", shown(&health.batch)))
        .collect();
    let there_are = match names.is_empty() {
        true => missing.unwrap_or("The lake has no batch").to_owned(),
        false => format!("There are {}", names.join(", ")),
    };
    Err(Failure::invalid(format!(
        "no batch is called \"{}\". {there_are}",
        shown(name)
    )))
}

#[cfg(test)]
mod tests {
    use super::samples::health;
    use super::*;

    #[test]
    fn a_batch_is_found_without_regard_to_case_and_a_wrong_name_gets_the_names_there_are() {
        let batches = [health("Wave 1"), health("Wave 2")];
        let found = chosen(&batches, Some("wave 2"), None).expect("it is there");
        assert_eq!(found, [&batches[1]]);
        assert_eq!(chosen(&batches, None, None).expect("all").len(), 2);
        let failure = chosen(&batches, Some("Wave 3\u{1b}"), None).expect_err("it is not there");
        assert_eq!(failure.exit(), Exit::Invalid);
        assert_eq!(
            failure.to_string(),
            "no batch is called \"Wave 3\u{fffd}\". There are \"Wave 1\", \"Wave 2\""
        );
        let failure =
            chosen(&[], Some("x"), Some("The lake a.lake is empty.")).expect_err("there is none");
        assert_eq!(
            failure.to_string(),
            "no batch is called \"x\". The lake a.lake is empty."
        );
    }
}
