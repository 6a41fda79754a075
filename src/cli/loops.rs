//! `signloop loops`: who is stuck, why, and what to do.
//!
//! Chooses the loops of a picture and lets the renderers write.

mod table;
pub(crate) mod text;

use std::cmp::Reverse;
use std::io::Write as _;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::report::groups::loop_json;
use super::report::json::SCHEMA_VERSION;
use super::report::picture::{Picture, has_sign_ins_of, is_stuck};
use super::report::words;
use super::{Exit, Failure, Format, LakeOption, output};
use crate::domain::loops::HOUR;
use crate::domain::loops::row::LoopRow;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop loops --lake lake
  signloop loops anna.bauer --lake lake
  signloop loops --lake lake --format csv > stuck.csv
  signloop loops --lake lake --fail-on-any || echo somebody is stuck")]
pub(crate) struct Options {
    /// Only people with this in their sign-in name
    #[arg(value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    lake: LakeOption,
    /// Also loops that have ended, and loops that look like an attack
    #[arg(long)]
    all: bool,
    /// How they are written
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
    /// End with exit code 5 if there is any
    #[arg(long)]
    fail_on_any: bool,
}

/// Forms of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Told in full, for people
    Text,
    /// One document with `schema_version`
    Json,
    /// Comma-separated with a header
    Csv,
    /// Drawn, one line a loop
    Table,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let picture = Picture::read(&options.lake.lake)?;
    let loops = chosen(&picture.loops, options.user.as_deref(), options.all);
    let mut out = std::io::stdout().lock();
    match options.format {
        Form::Text => out.write_all(told(options, &picture, &loops)?.as_bytes())?,
        Form::Json => {
            let document = json!({
                "schema_version": SCHEMA_VERSION,
                "as_of": picture.now.map(words::rfc3339),
                "loops": loops.iter().map(|row| loop_json(row)).collect::<Vec<_>>(),
            });
            writeln!(out, "{document:#}")?;
        }
        Form::Csv => {
            let rows = table::full(&loops)?;
            output::write(&mut out, Format::Csv, &rows.schema(), &[rows])?;
        }
        Form::Table => {
            let rows = table::short(&loops)?;
            output::write(&mut out, Format::Table, &rows.schema(), &[rows])?;
        }
    }
    Ok(if options.fail_on_any && !loops.is_empty() {
        Exit::Findings
    } else {
        Exit::Ok
    })
}

/// The loops in words, or why there are none.
fn told(options: &Options, picture: &Picture, loops: &[&LoopRow]) -> Result<String, Failure> {
    let lake = words::shell_word(&options.lake.lake);
    match options.user.as_deref() {
        Some(name) if loops.is_empty() => {
            let hidden = chosen(&picture.loops, Some(name), true).len();
            let has_sign_ins = has_sign_ins_of(&options.lake.lake, name)?;
            Ok(text::nobody_called(
                picture,
                &lake,
                name,
                hidden,
                has_sign_ins,
            ))
        }
        _ => Ok(text::list(picture, loops, &lake)),
    }
}

/// The loops to show: those tried latest first, and of those within the same hour the busiest first.
fn chosen<'a>(loops: &'a [LoopRow], user: Option<&str>, all: bool) -> Vec<&'a LoopRow> {
    let wanted = user.unwrap_or("").to_lowercase();
    let is_wanted = |row: &&LoopRow| {
        (all || is_stuck(row)) && row.user_principal_name.to_lowercase().contains(&wanted)
    };
    let mut chosen: Vec<&LoopRow> = loops.iter().filter(is_wanted).collect();
    chosen.sort_by_key(|row| {
        (
            Reverse(row.last_attempt.div_euclid(HOUR)),
            Reverse(row.attempts),
            row.user_principal_name.as_str(),
        )
    });
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::samples::{attack, stuck};
    use crate::domain::loops::words::{Ending, LoopState};

    fn check(user: Option<&str>, all: bool, expected: &[&str]) {
        let mut later = stuck("ben@x.example");
        later.last_attempt += HOUR;
        let mut ended = stuck("eva@x.example");
        (ended.state, ended.ending) = (LoopState::Closed, Some(Ending::Recovered));
        let mut busy = stuck("zoe@x.example");
        busy.attempts += 1;
        let loops = [
            stuck("Anna@x.example"),
            later,
            ended,
            attack("mia@x.example"),
            busy,
        ];
        let shown: Vec<&str> = chosen(&loops, user, all)
            .iter()
            .map(|row| row.user_principal_name.as_str())
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn open_loops_are_shown_the_latest_and_busiest_first() {
        check(
            None,
            false,
            &["ben@x.example", "zoe@x.example", "Anna@x.example"],
        );
    }

    #[test]
    fn a_user_is_found_by_part_of_the_name_without_regard_to_case() {
        check(Some("ANNA"), false, &["Anna@x.example"]);
        check(Some("nobody"), true, &[]);
    }

    #[test]
    fn attacks_and_ended_loops_are_shown_only_when_asked_for() {
        check(Some("mia"), false, &[]);
        check(Some("mia"), true, &["mia@x.example"]);
        check(Some("eva"), true, &["eva@x.example"]);
    }
}
