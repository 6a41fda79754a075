//! `signloop sql`: one query over the lake.

use std::io::Read as _;

use clap::Args;

use super::{Exit, Failure, Format, LakeOption, output, service};
use crate::lake::sql::Session;

/// Enough for some ten thousand chained operators.
const STACK_BYTES: usize = 512 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop sql \"SELECT * FROM batch_health ORDER BY batch\"
  signloop sql --format csv \"SELECT protocol, count(*) FROM sign_ins WHERE outcome = 'blocked' GROUP BY protocol\"
  signloop sql \"SHOW TABLES\"")]
pub struct Options {
    /// The query; `-` reads it from standard input
    query: String,
    #[command(flatten)]
    lake: LakeOption,
    /// How rows are shown
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

pub fn run(options: &Options) -> Result<Exit, Failure> {
    let query = if options.query == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        options.query.clone()
    };
    let lake = options.lake.lake.clone();
    // The planner recurses into every operator of the query, without a limit of its own.
    let asked = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || {
            service::runtime()?.block_on(async {
                let session = Session::open(&lake).await?;
                Ok::<_, Failure>(session.query(&query).await?)
            })
        });
    let lost = || Failure::new("the query ended unexpectedly; please report this");
    let (schema, batches) = asked.map_err(|_| lost())?.join().map_err(|_| lost())??;
    output::write(
        &mut std::io::stdout().lock(),
        options.format,
        &schema,
        &batches,
    )?;
    Ok(Exit::Ok)
}
