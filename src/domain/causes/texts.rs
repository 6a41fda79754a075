//! What people are told about a cause, from the data file, with the identity filled in.
//!
//! Owns the shape of that file and how an identity is written into a command: a name comes from a log
//! and may hold anything, so it is always one quoted PowerShell literal.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Stands for the user's name in texts and commands.
const USER: &str = "{upn}";
/// Stands for the name of the mailbox that the loop is about.
const MAILBOX: &str = "{mailbox}";

/// Whom a fix is for.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The user who is stuck.
    pub user_principal_name: &'a str,
    /// The owner of the mailbox that the client wants: the user, or somebody whose delegate he is.
    pub mailbox: &'a str,
}

/// One entry of the data file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CauseText {
    /// The cause's name.
    pub name: String,
    /// A few words.
    pub title: String,
    /// What happens and why.
    pub why: String,
    /// What the help desk tells the user.
    pub tell_user: String,
    /// What the administrator runs, one command each.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Whether the commands make the tenant less safe while they are in force.
    #[serde(default)]
    pub weakens_security: bool,
    /// What takes the commands back.
    #[serde(default)]
    pub undo: Vec<String>,
    /// Where this knowledge comes from.
    pub source: String,
}

/// The texts of every cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CauseTexts {
    by_name: BTreeMap<String, CauseText>,
}

/// What a file of texts looks like.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cause: Vec<CauseText>,
}

impl CauseTexts {
    /// Reads the data file; of two entries with one name the later counts.
    pub fn parse(text: &str) -> Result<CauseTexts, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let by_name = file
            .cause
            .into_iter()
            .map(|cause| (cause.name.clone(), cause))
            .collect();
        Ok(CauseTexts { by_name })
    }

    /// The entry of a cause.
    #[must_use]
    pub fn get(&self, cause: &str) -> Option<&CauseText> {
        self.by_name.get(cause)
    }

    /// Every entry, by name.
    pub fn iter(&self) -> impl Iterator<Item = &CauseText> {
        self.by_name.values()
    }

    /// What to tell the user and what to run, with the identities filled in; empty without an entry.
    #[must_use]
    pub fn fix(&self, cause: &str, who: &Who<'_>) -> String {
        let Some(text) = self.get(cause) else {
            return String::new();
        };
        let user = printable(who.user_principal_name);
        let mut parts = vec![filled(&text.tell_user, &user, &printable(who.mailbox))];
        let (user, mailbox) = (quoted(who.user_principal_name), quoted(who.mailbox));
        if text.weakens_security {
            parts.push(
                "# Some of these steps weaken security: each says when to end it.".to_owned(),
            );
        }
        parts.extend(
            text.commands
                .iter()
                .map(|command| filled(command, &user, &mailbox)),
        );
        if !text.undo.is_empty() {
            parts.push("# Undo:".to_owned());
            parts.extend(
                text.undo
                    .iter()
                    .map(|command| filled(command, &user, &mailbox)),
            );
        }
        parts.join("\n")
    }
}

/// Fills a text so that a name that looks like a placeholder stays a name.
fn filled(text: &str, user: &str, mailbox: &str) -> String {
    let parts = text
        .trim()
        .split(USER)
        .map(|part| part.replace(MAILBOX, mailbox));
    parts.collect::<Vec<_>>().join(user)
}

/// A PowerShell literal: in single quotes, every quote doubled. PowerShell takes typographic single
/// quotes for quotes too.
fn quoted(text: &str) -> String {
    let mut literal = String::from("'");
    for letter in printable(text).chars() {
        if matches!(
            letter,
            '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}'
        ) {
            literal.push(letter);
        }
        literal.push(letter);
    }
    literal + "'"
}

/// Text without control characters: a name from a log must not begin a new line of a command.
fn printable(text: &str) -> String {
    let forbidden =
        |letter: &char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    text.chars().filter(|letter| !forbidden(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[cause]]
name = "rpc_http_profile"
title = "Outlook profile from before the move"
why = "It speaks RPC."
tell_user = "Tell {upn} to restart Outlook."
commands = ["Get-CASMailbox -Identity {upn}", "Set-CASMailbox -Identity {mailbox} -MapiHttpEnabled $true"]
source = "KB"

[[cause]]
name = "unknown"
title = "?"
why = "?"
tell_user = "Look."
commands = ["Exclude {upn}"]
weakens_security = true
undo = ["Include {upn}"]
source = "KB"
"#;

    fn fix(cause: &str, user_principal_name: &str, mailbox: &str) -> String {
        let texts = CauseTexts::parse(FILE).expect("a valid file");
        texts.fix(
            cause,
            &Who {
                user_principal_name,
                mailbox,
            },
        )
    }

    #[test]
    fn an_identity_is_one_literal_in_every_command() {
        let fix = fix("rpc_http_profile", "o'neil@x.org", "{upn}'s");
        let lines: Vec<&str> = fix.lines().collect();
        assert_eq!(lines[0], "Tell o'neil@x.org to restart Outlook.");
        assert_eq!(lines[1], "Get-CASMailbox -Identity 'o''neil@x.org'");
        assert_eq!(
            lines[2],
            "Set-CASMailbox -Identity '{upn}''s' -MapiHttpEnabled $true"
        );
    }

    #[test]
    fn a_hostile_name_cannot_leave_its_literal() {
        let fix = fix(
            "rpc_http_profile",
            "a\u{2019}; Remove-Mailbox b\n\r\u{2028}c",
            "m",
        );
        assert_eq!(fix.lines().count(), 3);
        let expected = "Get-CASMailbox -Identity 'a\u{2019}\u{2019}; Remove-Mailbox bc'";
        assert!(fix.contains(expected), "{fix}");
    }

    #[test]
    fn advice_that_weakens_security_says_so_and_how_to_undo_it() {
        let expected = "Look.\n# Some of these steps weaken security: each says when to end it.\n\
                        Exclude 'a'\n# Undo:\nInclude 'a'";
        assert_eq!(fix("unknown", "a", "a"), expected);
        assert_eq!(fix("no_such_cause", "a", "a"), "");
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(CauseTexts::parse(&FILE.replace("why", "wy")).is_err());
    }
}
