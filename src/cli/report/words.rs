//! Words for people: names, instants, lengths of time, numbers, paragraphs.
//!
//! Pure. Every text that comes from a log goes through `shown` (terminal) or `markdown` and `code`
//! (Markdown) before it is written: whoever signs in chooses his user agent, and often his name.

use std::path::Path;

use crate::cli::output::visible;

/// Columns of a terminal that paragraphs are broken for.
const WIDTH: usize = 100;

/// Text on one line that cannot write on the terminal or turn its direction.
#[must_use]
pub(crate) fn shown(text: &str) -> String {
    visible(text).replace('\n', "\u{fffd}")
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

/// `2026-03-13T16:24:00.123456Z`, the fraction only if there is one.
#[must_use]
pub(crate) fn exact(instant: i64) -> String {
    let timestamp = jiff::Timestamp::from_microsecond(instant).unwrap_or_default();
    timestamp.to_string()
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
}
