//! A loop in words: what is stuck, since when, how it goes on, what the finding rests on, what to do.
//!
//! Pure. Texts from a log are made harmless here (`shown`), so what comes out may be written.

use serde_json::Value;

use super::words::{clock, length, number, shown};
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::{Ending, Kind, Verdict};
use crate::domain::loops::{HOUR, MINUTE};

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
            "the password was right {} and wrong {}",
            times(right),
            times(wrong)
        )),
    }
}

/// `53003:412` as `code 53003 (412 times)`.
fn code_count(pair: &str) -> Option<String> {
    let (code, counted) = pair.split_once(':')?;
    let counted: i64 = counted.parse().ok()?;
    Some(format!("code {} ({})", shown(code), times(counted)))
}

/// `once`, `412 times`.
fn times(count: i64) -> String {
    match count {
        1 => "once".to_owned(),
        _ => format!("{} times", number(count)),
    }
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
            in_safe_block = !line.starts_with(WEAKENS);
        }
        if in_safe_block {
            commands.push(shown(line));
        }
    }
    (tell, commands)
}

/// How the text of a fix announces, far from them, that some steps lower protection.
pub(crate) const SOME_WEAKEN: &str = "# Some of these steps weaken security";
/// How a block of steps that lower protection begins.
const WEAKENS: &str = "# Weakens security";

/// Whether a fix has steps that `fix_parts` leaves out because they lower protection.
#[must_use]
pub(crate) fn weakens(fix: &str) -> bool {
    fix.lines().any(|line| line.starts_with(WEAKENS))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{NOW, stuck};
    use super::*;

    #[test]
    fn a_loop_is_told_next_to_its_cutover_and_by_how_it_ended() {
        let mut row = stuck("anna@x.example");
        assert_eq!(
            since(&row),
            "Fri 13 Mar 16:24 UTC, 24 min after the cutover"
        );
        assert_eq!(going_on(&row, NOW), "still trying");
        assert_eq!(going_on(&row, NOW + HOUR), "last tried Mon 16 Mar 11:30");
        (row.ending, row.recovered_at) = (Some(Ending::Recovered), Some(NOW));
        assert_eq!(going_on(&row, NOW), "recovered Mon 16 Mar 12:00");
        row.kind = Kind::Unrelated;
        assert_eq!(since(&row), "Fri 13 Mar 16:24 UTC");
    }

    #[test]
    fn evidence_that_cannot_be_read_says_nothing_and_codes_cannot_write_on_the_terminal() {
        let mut row = stuck("anna@x.example");
        row.evidence = "{".to_owned();
        assert_eq!(evidence(&row), ["from 2 addresses"]);
        row.evidence = r#"{"codes":"5\u001b3:1 x:y","regular_cadence":"true"}"#.to_owned();
        let expected = [
            "from 2 addresses",
            "at the steady beat of a program",
            "answered with code 5\u{fffd}3 (once)",
        ];
        assert_eq!(evidence(&row), expected);
    }

    #[test]
    fn software_that_does_not_tell_its_name_is_named_by_what_it_does() {
        let mut row = stuck("anna@x.example");
        assert_eq!(software(&row), "Outlook 2016 or later");
        row.client_family = "unknown".to_owned();
        assert_eq!(software(&row), "Outlook, version not told");
        row.client_group = "activesync".to_owned();
        assert_eq!(software(&row), "a phone's mail app");
    }

    #[test]
    fn steps_that_weaken_security_are_left_out() {
        let fix = "Tell her.\n# Some of these steps weaken security.\n# On-premises\nGet-A\n\
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
            Some("the password was right 2 times and wrong once"),
        ];
        assert_eq!(
            told.iter().map(Option::as_deref).collect::<Vec<_>>(),
            expected
        );
    }
}
