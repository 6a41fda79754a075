//! `signloop rejects show`: everything of one reject.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;

use super::origin::{Named, origin};
use crate::cli::report::words::{number, rfc3339, shell_word, shown};
use crate::cli::{Exit, Failure, LakeOption, service};
use crate::lake::history::{RejectReader, Resolved, StoredReject, Wanted};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop rejects show --lake lake insights-logs-signinlogs:3:120482:0
  signloop rejects show --lake lake --raw /exports/PT1H.json:0:8192:0 > reject.bin

In the bytes as they are shown, \\n, \\t, \\\\, \\u{…} and \\x.. stand for what would not show.")]
pub struct Options {
    /// STREAM:PARTITION:OFFSET:INDEX as `list` writes it
    #[arg(value_name = "ORIGIN")]
    origin: Named,
    #[command(flatten)]
    lake: LakeOption,
    /// Only the bytes, exactly as they came; a terminal may obey them
    #[arg(long)]
    raw: bool,
    /// Of several rejects from the same place: the one whose MD5 begins like this
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "MD5"
    )]
    content: String,
}

pub fn run(options: &Options) -> Result<Exit, Failure> {
    let found = service::runtime()?.block_on(read(options))?;
    if found.is_empty() {
        return Err(Failure::invalid(format!(
            "the lake {} has no such reject{}; `signloop rejects list --each` tells the origins there are",
            shell_word(&options.lake.lake),
            if options.content.is_empty() {
                ""
            } else {
                " with this content"
            }
        )));
    }
    let mut out = std::io::stdout().lock();
    if options.raw {
        out.write_all(&only(&found)?.raw)?;
        return Ok(Exit::Ok);
    }
    for (place, (reject, resolved)) in found.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        out.write_all(told(reject, resolved.as_ref()).as_bytes())?;
    }
    Ok(Exit::Ok)
}

/// What came from there, each content once, the oldest first.
async fn read(options: &Options) -> Result<Vec<(StoredReject, Option<Resolved>)>, Failure> {
    let named = &options.origin;
    let wanted = Wanted::Place(named.partition, named.offset, named.index);
    let mut reader = RejectReader::open(&options.lake.lake, wanted).await?;
    let content = options.content.to_lowercase();
    let mut found: Vec<(StoredReject, Option<Resolved>)> = Vec::new();
    while let Some(rejects) = reader.next().await? {
        for reject in rejects {
            let is_wanted = named.is(&reject.key) && reject.key.content_md5.starts_with(&content);
            if is_wanted && found.iter().all(|(known, _)| known.key != reject.key) {
                let resolved = reader.resolved(&reject.key).cloned();
                found.push((reject, resolved));
            }
        }
    }
    found.sort_by_key(|(reject, _)| reject.ingested_at);
    Ok(found)
}

fn only(found: &[(StoredReject, Option<Resolved>)]) -> Result<&StoredReject, Failure> {
    match found {
        [(reject, _)] => Ok(reject),
        _ => {
            let contents = found
                .iter()
                .map(|(reject, _)| reject.key.content_md5.as_str());
            Err(Failure::invalid(format!(
                "{} rejects came from there, one after the other; say which with --content: {}",
                found.len(),
                contents.collect::<Vec<_>>().join(", ")
            )))
        }
    }
}

fn told(reject: &StoredReject, resolved: Option<&Resolved>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{name:<12}{value}");
    };
    line("origin", &origin(&reject.key));
    line("reason", &shown(&reject.reason));
    line("detail", &shown(&reject.detail));
    if !reject.pointer.is_empty() {
        line("pointer", &shown(&reject.pointer));
    }
    if !reject.header.is_empty() {
        line("header", &shown(&reject.header));
    }
    line("ingested_at", &rfc3339(reject.ingested_at));
    line("content_md5", &reject.key.content_md5);
    match resolved {
        None => line("state", "open"),
        Some(resolved) => {
            let (outcome, version) = (resolved.outcome.name(), shown(&resolved.program_version));
            let at = rfc3339(resolved.at);
            line(
                "state",
                &format!("{outcome} since {at}, by version {version}"),
            );
        }
    }
    line("bytes", &number(reject.raw.len() as u64));
    text + "\n" + &escaped(&reject.raw) + "\n"
}

/// Bytes as text that cannot write on the terminal, from which they could be told again.
fn escaped(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '"' | '\'' => out.push(letter),
                '\n' => out.push_str("\\n\n"),
                _ => out.extend(letter.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            // Writing into a text cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_shown_without_being_obeyed() {
        for (raw, expected) in [
            (&b"{\"a\":'b'}"[..], "{\"a\":'b'}"),
            (b"a\\n\tb\r\n", "a\\\\n\\tb\\r\\n\n"),
            (b"\x1b[2J\x07", "\\u{1b}[2J\\u{7}"),
            (b"\xff\xc3(\x00", "\\xff\\xc3(\\0"),
            (
                "Grüße \u{202e}\u{200b}\u{9b}".as_bytes(),
                "Grüße \\u{202e}\\u{200b}\\u{9b}",
            ),
        ] {
            assert_eq!(escaped(raw), expected);
        }
    }

    proptest! {
        #[test]
        fn different_bytes_look_different(
            left in proptest::collection::vec(any::<u8>(), 0..40),
            right in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            prop_assert_eq!(left == right, escaped(&left) == escaped(&right));
            let text = escaped(&left);
            prop_assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()));
        }
    }
}
