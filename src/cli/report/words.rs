//! Words of findings for people: names, instants, lengths of time, software, evidence.
//!
//! Pure. Every text that comes from a log goes through `shown` (terminal) or `markdown` and `code`
//! (Markdown) before it is written: whoever signs in chooses his user agent, and often his name.

use std::path::Path;

use serde_json::Value;

use crate::cli::output::visible;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::{Ending, Kind, Verdict};
use crate::domain::loops::{HOUR, MINUTE};

/// Columns of a terminal that paragraphs are broken for.
const WIDTH: usize = 100;

/// Text on one line that cannot write on the terminal or turn its direction.
#[must_use]
pub(crate) fn shown(text: &str) -> String {
    let breaks = |letter: char| {
        matches!(
            letter,
            '\n' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}'
        ) || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    visible(text)
        .chars()
        .map(|letter| if breaks(letter) { '\u{fffd}' } else { letter })
        .collect()
}

/// Text on one line that is nothing but text in Markdown.
#[must_use]
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::new();
    for letter in shown(text).chars() {
        if matches!(
            letter,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' | '!'
        ) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Text as a code span of Markdown, also within a table.
#[must_use]
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", shown(text).replace(['`', '|'], "\u{fffd}"))
}

/// A path as one word of a shell.
#[must_use]
pub(crate) fn shell_word(path: &Path) -> String {
    let text = shown(&path.to_string_lossy());
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+@:,=".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// `Fri 13 Mar 16:24`, in UTC.
#[must_use]
pub(crate) fn clock(instant: i64) -> String {
    written(instant, "%a %-d %b %H:%M")
}

/// `Fri 13 Mar 16:00 to 17:29`, `Fri 13 Mar 22:00 to Sun 15 Mar 04:34`.
#[must_use]
pub(crate) fn stretch(from: i64, to: i64) -> String {
    let (start, end) = (clock(from), clock(to));
    match end.rsplit_once(' ') {
        _ if start == end => start,
        Some((day, time)) if start.starts_with(day) => format!("{start} to {time}"),
        _ => format!("{start} to {end}"),
    }
}

/// `Fri 13 Mar 2026 16:24 UTC`.
#[must_use]
pub(crate) fn date_and_time(instant: i64) -> String {
    written(instant, "%a %-d %b %Y %H:%M UTC")
}

/// `2026-03-13T16:24:00Z`.
#[must_use]
pub(crate) fn rfc3339(instant: i64) -> String {
    written(instant, "%Y-%m-%dT%H:%M:%SZ")
}

fn written(instant: i64, format: &str) -> String {
    let timestamp = jiff::Timestamp::from_microsecond(instant).unwrap_or_default();
    timestamp.strftime(format).to_string()
}

/// `24 min`, `5 h 12 min`, `40 h`, `3 days`.
#[must_use]
pub(crate) fn length(minutes: i64) -> String {
    match minutes {
        ..60 => format!("{minutes} min"),
        60..600 if minutes % 60 != 0 => format!("{} h {} min", minutes / 60, minutes % 60),
        600..4320 if minutes % 60 >= 30 => format!("{} h", minutes / 60 + 1),
        60..4320 => format!("{} h", minutes / 60),
        _ => format!("{} days", (minutes + 720) / 1440),
    }
}

/// `109,482`.
#[must_use]
pub(crate) fn number(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().unwrap_or(0).to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 person`, `31 people`.
#[must_use]
pub(crate) fn count(count: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        number(count as u64),
        if count == 1 { one } else { many }
    )
}

/// `88 %`; whole only when all are: 99.7 % of a batch is not done.
#[must_use]
pub(crate) fn percent(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let percent = (part as f64 * 100.0 / whole as f64).round() as i64;
    let percent = if part < whole {
        percent.min(99)
    } else {
        percent
    };
    format!("{} %", if part > 0 { percent.max(1) } else { percent })
}

/// Paragraphs broken at blanks, each line after `indent` blanks; ends with a line break.
#[must_use]
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut column = 0;
        for word in paragraph.split_whitespace() {
            let letters = word.chars().count();
            if column > 0 && indent + column + 1 + letters > WIDTH {
                out.push('\n');
                column = 0;
            }
            if column == 0 {
                out.push_str(&" ".repeat(indent));
            } else {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += letters;
        }
        out.push('\n');
    }
    out
}

/// What is stuck: the software if it is known, else what it speaks.
#[must_use]
pub(crate) fn software(row: &LoopRow) -> String {
    let known = match row.client_family.as_str() {
        "outlook_2010" => "Outlook 2010",
        "outlook_2013" => "Outlook 2013",
        "outlook_2016_plus" => "Outlook 2016 or later",
        "outlook_mac" => "Outlook for Mac",
        "outlook_mobile" => "Outlook for mobile",
        "apple_mail" => "Apple Mail",
        "android_mail" => "an Android mail app",
        "windows_mail" => "Windows Mail",
        "thunderbird" => "Thunderbird",
        "scanner" => "a scanner or copier",
        "script" => "a script",
        "office" => "Office",
        "teams" => "Teams",
        "browser" => "a browser",
        "powershell" => "PowerShell",
        "exchange_service" => "an Exchange service",
        _ => by_group(&row.client_group),
    };
    known.to_owned()
}

/// What a piece of software is that does not tell its name.
fn by_group(client_group: &str) -> &'static str {
    match client_group {
        "outlook_desktop" => "Outlook, version not told",
        "activesync" => "a phone's mail app",
        "imap_pop" => "a program that fetches mail",
        "smtp" => "a program that sends mail",
        "ropc" => "a script",
        _ => "a program",
    }
}

/// What it spoke: `MAPI/HTTP, Autodiscover and EWS`.
#[must_use]
pub(crate) fn protocols(row: &LoopRow) -> String {
    let names: Vec<&str> = row
        .protocols
        .iter()
        .map(|protocol| protocol_name(protocol.name()))
        .collect();
    match names.split_last() {
        None => "an unknown protocol".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

fn protocol_name(name: &'static str) -> &'static str {
    match name {
        "activesync" => "ActiveSync",
        "smtp" => "SMTP",
        "imap" => "IMAP",
        "pop" => "POP",
        "mapi_http" => "MAPI/HTTP",
        "rpc_http" => "RPC/HTTP",
        "autodiscover" => "Autodiscover",
        "ews" => "EWS",
        "oab" => "OAB",
        "outlook_service" => "Outlook service",
        "powershell" => "PowerShell",
        "reporting" => "reporting",
        "other_legacy" => "others",
        "browser" => "a browser",
        "native_app" => "a password grant",
        other => other,
    }
}

/// How the loop relates to a migration.
#[must_use]
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Direct => "this person's own mailbox moved",
        Kind::Delegate => "a mailbox moved that this person opens",
        Kind::Unrelated => "no migration in reach",
    }
}

/// How it goes on, or how it ended. `now` is event time.
#[must_use]
pub(crate) fn going_on(row: &LoopRow, now: i64) -> String {
    let last = clock(row.last_attempt);
    match row.ending {
        None if now - row.last_attempt <= HOUR => "still trying".to_owned(),
        None => format!("last tried {last}"),
        Some(Ending::Recovered) => format!(
            "recovered {}",
            clock(row.recovered_at.unwrap_or(row.last_attempt))
        ),
        Some(Ending::LegacyAccepted) => format!("legacy sign-in accepted after {last}"),
        Some(Ending::WentSilent) => format!("silent since {last}"),
    }
}

/// When it began, next to the cutover.
#[must_use]
pub(crate) fn since(row: &LoopRow) -> String {
    let first = clock(row.first_attempt);
    match row
        .cutover_at
        .map(|cutover| (row.first_attempt - cutover).div_euclid(MINUTE))
    {
        Some(minutes @ 0..) if row.kind == Kind::Direct => {
            format!("{first} UTC, {} after the cutover", length(minutes))
        }
        _ => format!("{first} UTC"),
    }
}

/// What the verdict and the cause rest on, as sentences.
#[must_use]
pub(crate) fn evidence(row: &LoopRow) -> Vec<String> {
    let evidence: Value = serde_json::from_str(&row.evidence).unwrap_or_default();
    let text = |field: &str| evidence.get(field).and_then(Value::as_str).unwrap_or("");
    let counted = |field: &str| text(field).parse::<i64>().unwrap_or(0);
    let mut sentences = Vec::new();
    sentences.extend(passwords(
        counted("password_right"),
        counted("password_wrong"),
        counted("password_unknown"),
    ));
    sentences.push(match row.distinct_ips {
        1 => "all from one address".to_owned(),
        addresses => format!("from {addresses} addresses"),
    });
    if text("regular_cadence") == "true" {
        sentences.push("at the steady beat of a program".to_owned());
    }
    let codes: Vec<String> = text("codes")
        .split_whitespace()
        .filter_map(code_count)
        .collect();
    if !codes.is_empty() {
        sentences.push(format!("answered with {}", codes.join(", ")));
    }
    if row.verdict == Verdict::Undecided {
        sentences.push("whether it is a stuck client or an attack is not certain".to_owned());
    }
    sentences
}

fn passwords(right: i64, wrong: i64, unknown: i64) -> Option<String> {
    match (right, wrong, unknown) {
        (0, 0, _) => None,
        (_, 0, 0) => Some("the password was right every time".to_owned()),
        (0, _, _) => Some("the password was never right".to_owned()),
        (_, 0, _) => Some("the password was right whenever it was checked".to_owned()),
        _ => Some(format!(
            "the password was right {} times and wrong {} times",
            number(right),
            number(wrong)
        )),
    }
}

/// `53003:412` as `code 53003 (412 times)`.
fn code_count(pair: &str) -> Option<String> {
    let (code, times) = pair.split_once(':')?;
    let times: u64 = times.parse().ok()?;
    Some(format!(
        "code {} ({})",
        shown(code),
        if times == 1 {
            "once".to_owned()
        } else {
            format!("{} times", number(times))
        }
    ))
}

/// What to tell the user, and what to run: without what weakens security and what takes it back.
#[must_use]
pub(crate) fn fix_parts(fix: &str) -> (String, Vec<String>) {
    let mut lines = fix.lines();
    let tell = shown(lines.next().unwrap_or(""));
    let mut commands = Vec::new();
    let mut in_safe_block = true;
    for line in lines {
        if line.starts_with("# Undo") {
            break;
        }
        if line.starts_with(SOME_WEAKEN) {
            continue;
        }
        if line.starts_with('#') {
            in_safe_block = !line.starts_with("# Weakens security");
        }
        if in_safe_block {
            commands.push(shown(line));
        }
    }
    (tell, commands)
}

/// How the text of a fix announces steps that lower protection.
const SOME_WEAKEN: &str = "# Some of these steps weaken security";

/// Whether a fix has steps that `fix_parts` leaves out because they lower protection.
#[must_use]
pub(crate) fn weakens(fix: &str) -> bool {
    fix.lines().any(|line| line.starts_with(SOME_WEAKEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_write_on_the_terminal_or_begin_a_line() {
        assert_eq!(
            shown("a\u{1b}[2Jb\nc\u{202e}d"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d"
        );
    }

    #[test]
    fn a_name_is_only_text_in_markdown() {
        assert_eq!(
            markdown("[x](y) <b> a|b\n# c"),
            "\\[x\\](y) \\<b\\> a\\|b\u{fffd}\\# c"
        );
        assert_eq!(code("a`b|c\u{7}"), "`a\u{fffd}b\u{fffd}c\u{fffd}`");
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(shell_word(Path::new("/tmp/a-1.lake")), "/tmp/a-1.lake");
        assert_eq!(shell_word(Path::new("my lake's")), "'my lake'\\''s'");
    }

    #[test]
    fn times_and_numbers_are_short() {
        let instant = 1_773_419_040_000_000;
        assert_eq!(clock(instant), "Fri 13 Mar 16:24");
        assert_eq!(date_and_time(instant), "Fri 13 Mar 2026 16:24 UTC");
        assert_eq!(rfc3339(instant), "2026-03-13T16:24:00Z");
        let lengths = [0, 59, 60, 312, 599, 2_400, 3_777, 4_320].map(length);
        assert_eq!(
            lengths,
            [
                "0 min",
                "59 min",
                "1 h",
                "5 h 12 min",
                "9 h 59 min",
                "40 h",
                "63 h",
                "3 days"
            ]
        );
        assert_eq!(
            [number(0u64), number(999u64), number(109_482u64)],
            ["0", "999", "109,482"]
        );
        assert_eq!(count(1, "person", "people"), "1 person");
    }

    #[test]
    fn a_stretch_names_a_day_once() {
        let (noon, hour) = (1_773_403_200_000_000, 3_600_000_000);
        assert_eq!(stretch(noon, noon), "Fri 13 Mar 12:00");
        assert_eq!(stretch(noon, noon + hour), "Fri 13 Mar 12:00 to 13:00");
        assert_eq!(
            stretch(noon, noon + 24 * hour),
            "Fri 13 Mar 12:00 to Sat 14 Mar 12:00"
        );
    }

    #[test]
    fn a_hundred_percent_means_everybody() {
        assert_eq!(
            [
                percent(0, 0),
                percent(1, 1_000),
                percent(997, 1_000),
                percent(3, 3)
            ],
            ["0 %", "1 %", "99 %", "100 %"]
        );
    }

    #[test]
    fn paragraphs_are_broken_at_blanks() {
        let text = format!("{} end\nnext", "1234567890 ".repeat(9));
        let expected = format!("  {}\n  end\n  next\n", ["1234567890"; 9].join(" "));
        assert_eq!(
            wrapped(&text.replace("end", "longer word end"), 2),
            expected.replace("  end", "  longer word end")
        );
    }

    #[test]
    fn steps_that_weaken_security_are_left_out() {
        let fix = "Tell her.\n# Some of these steps weaken security: undo them within a day.\n# On-premises\nGet-A\n\
                   # Weakens security, last resort: x\nDo-B\n# Then\nGet-C\n# Undo:\nUndo-B";
        let commands = vec![
            "# On-premises".to_owned(),
            "Get-A".to_owned(),
            "# Then".to_owned(),
            "Get-C".to_owned(),
        ];
        assert_eq!(fix_parts(fix), ("Tell her.".to_owned(), commands));
        assert!(weakens(fix));
    }

    #[test]
    fn passwords_are_told_in_words() {
        let told = [(0, 0, 9), (3, 0, 0), (0, 2, 1), (2, 0, 1), (2, 1, 0)]
            .map(|(right, wrong, unknown)| passwords(right, wrong, unknown));
        let expected = [
            None,
            Some("the password was right every time"),
            Some("the password was never right"),
            Some("the password was right whenever it was checked"),
            Some("the password was right 2 times and wrong 1 times"),
        ];
        assert_eq!(
            told.iter().map(Option::as_deref).collect::<Vec<_>>(),
            expected
        );
    }
}
