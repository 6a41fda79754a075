//! `signloop explain`: why sign-ins were judged as they were.
//!
//! Takes records from a file, standard input or the lake, lets the rules that decide tell how they
//! decided, and lets the renderers write. One record at a time, however many there are.

mod input;
mod json;
mod stored;
mod story;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::report::words::shown;
use super::{Exit, Failure, LakeOption};
use story::{Explainer, Told};

#[derive(Debug, Args)]
#[command(override_usage = "signloop explain [OPTIONS] <FILE>
       signloop explain [OPTIONS] --id <ID>")]
#[command(after_help = "Examples:
  signloop explain PT1H.json
  jq -c .value[0] page.json | signloop explain -
  signloop explain --id 66ea54eb-6301-4ee5-be62-ff5a759b0100 --lake lake --format json")]
pub(crate) struct Options {
    /// File or folder of records, in any form that `ingest` reads; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "id")]
    file: Option<PathBuf>,
    /// A sign-in of the lake, by the column `id`
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    id: Option<String>,
    #[command(flatten)]
    lake: LakeOption,
    /// How it is written
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

/// Forms of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Told in full, for people; long values are cut
    Text,
    /// One document with `schema_version`; values are whole
    Json,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let mut page = Page {
        out: std::io::BufWriter::new(std::io::stdout().lock()),
        form: options.format,
        told: 0,
    };
    let mut explainer = Explainer::new();
    match (&options.file, &options.id) {
        (Some(file), _) => explain_file(file, &mut explainer, &mut page)?,
        (None, Some(id)) => {
            for told in stored::explained(&options.lake.lake, id, &mut explainer)? {
                page.write(&told)?;
            }
            page.end()?;
        }
        (None, None) => return Err(Failure::invalid("say a file, -, or --id")),
    }
    Ok(Exit::Ok)
}

fn explain_file<W: Write>(
    file: &Path,
    explainer: &mut Explainer,
    page: &mut Page<W>,
) -> Result<(), Failure> {
    let input = input::Input::open(file)?;
    let damaged = input.read(|message, form, place| {
        let mut result = Ok(());
        explainer.message(message, form, place, &mut |told| {
            if result.is_ok() {
                result = page.write(&told);
            }
        });
        result
    })?;
    let name = shown(&input.name);
    if damaged.is_empty() && page.told == 0 {
        return Err(Failure::invalid(format!("there is no record in {name}")));
    }
    page.end()?;
    if damaged.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(damaged.join("\n  ")))
}

/// Explanations on their way out, one after the other.
struct Page<W> {
    out: W,
    form: Form,
    told: u64,
}

impl<W: Write> Page<W> {
    fn write(&mut self, told: &Told) -> Result<(), Failure> {
        let before = match (self.form, self.told) {
            (Form::Json, 0) => json::head(),
            (Form::Json, _) => ",\n".to_owned(),
            (Form::Text, 0) => String::new(),
            (Form::Text, _) => "\n".to_owned(),
        };
        let told = match self.form {
            Form::Json => json::told(told),
            Form::Text => text::told(told),
        };
        self.told += 1;
        write!(self.out, "{before}{told}")?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        if self.form == Form::Json {
            if self.told == 0 {
                self.out.write_all(json::head().as_bytes())?;
            }
            self.out.write_all(json::TAIL.as_bytes())?;
        }
        self.out.flush()?;
        Ok(())
    }
}
