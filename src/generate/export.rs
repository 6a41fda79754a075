//! What an administrator would export: who moved when, which mailboxes there are, who may open
//! whose, and what each mailbox may speak.
//!
//! Owns: the CSV of these exports, in the columns and date forms of the cmdlets. Times of
//! `Get-MoveRequestStatistics` are UTC in en-US form. Must not: write files.

use std::fmt::Write;

use super::calendar::{DAY, HOUR, MINUTE, rfc3339, us_date};
use super::person::{Mailbox, Person};
use super::tenant::Tenant;

/// A sensible part of what `Get-MoveRequestStatistics` prints, in its order.
const MOVE_COLUMNS: [&str; 19] = [
    "RunspaceId",
    "MailboxIdentity",
    "DisplayName",
    "Alias",
    "ExchangeGuid",
    "Status",
    "StatusDetail",
    "Flags",
    "RecipientTypeDetails",
    "BatchName",
    "TargetDeliveryDomain",
    "QueuedTimestamp",
    "InitialSeedingCompletedTimestamp",
    "FinalSyncTimestamp",
    "CompletionTimestamp",
    "TotalMailboxSize",
    "TotalMailboxItemCount",
    "PercentComplete",
    "Identity",
];

impl Tenant {
    /// The plain form: `user,cutover_at,batch`.
    pub fn migration_csv(&self) -> String {
        let mut out = String::from("user,cutover_at,batch\n");
        for (person, batch, cutover) in self.moves() {
            let _ = writeln!(out, "{},{},{}", person.upn, rfc3339(cutover), cell(batch));
        }
        out
    }

    /// `Get-MoveRequestStatistics | Export-Csv`.
    pub fn move_request_csv(&self) -> String {
        let mut out = quoted(&MOVE_COLUMNS);
        for (person, batch, cutover) in self.moves() {
            let guid = person.exchange_guid();
            let megabytes = 400 + (guid.0 >> 100) as u64 % 9_000;
            let size = format!("{megabytes} MB ({} bytes)", thousands(megabytes << 20));
            out.push_str(&quoted(&[
                "5f1b8f3e-3f0a-4d43-9f0d-1c7f6b0a2d11",
                &person.display,
                &person.display,
                person.alias(),
                &guid.text(),
                "Completed",
                "Completed",
                "CrossOrg, Pull",
                "MailUser",
                &format!("MigrationService:{batch}"),
                "contoso.mail.onmicrosoft.com",
                &us_date(cutover - 6 * DAY),
                &us_date(cutover - 5 * DAY + 3 * HOUR),
                &us_date(cutover - 9 * MINUTE),
                &us_date(cutover),
                &size,
                &(megabytes * 11).to_string(),
                "100",
                person.alias(),
            ]));
        }
        out
    }

    /// `Get-Mailbox | Select … | Export-Csv`: what joins a move request to a sign-in.
    pub fn mailbox_csv(&self) -> String {
        let mut out = quoted(&[
            "ExternalDirectoryObjectId",
            "UserPrincipalName",
            "PrimarySmtpAddress",
            "Alias",
            "DisplayName",
            "ExchangeGuid",
            "EmailAddresses",
        ]);
        for person in &self.people {
            out.push_str(&quoted(&[
                &person.user_id.text(),
                &person.upn,
                &person.upn,
                person.alias(),
                &person.display,
                &person.exchange_guid().text(),
                &format!(
                    "SMTP:{} smtp:{}@contoso.mail.onmicrosoft.com",
                    person.upn,
                    person.alias()
                ),
            ]));
        }
        out
    }

    /// `Get-MailboxPermission | Export-Csv`: delegates, and the rows that mean nothing.
    pub fn permissions_csv(&self) -> String {
        let header = [
            "Identity",
            "User",
            "AccessRights",
            "IsInherited",
            "Deny",
            "InheritanceType",
        ];
        let mut out = quoted(&header);
        let mut row = |mailbox: &Person, user: &str| {
            let cells = [&mailbox.upn, user, "{FullAccess}", "False", "False", "All"];
            out.push_str(&quoted(&cells));
        };
        for (person, _, _) in self.moves() {
            row(person, "NT AUTHORITY\\SELF");
        }
        for delegate in &self.people {
            if let Some(boss) = delegate.opens {
                row(&self.people[boss as usize], &delegate.upn);
            }
        }
        out
    }

    fn moves(&self) -> impl Iterator<Item = (&Person, &str, i64)> {
        self.people
            .iter()
            .filter_map(|person| match person.mailbox {
                Mailbox::Moves { batch, cutover } => Some((
                    person,
                    self.plan.batches[batch as usize].name.as_str(),
                    cutover,
                )),
                Mailbox::OnPremises | Mailbox::Cloud => None,
            })
    }
}

impl Person {
    fn alias(&self) -> &str {
        self.upn.split('@').next().unwrap_or_default()
    }
}

/// A line in which every cell is quoted, as Windows PowerShell writes it.
fn quoted(cells: &[&str]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")))
        .collect();
    cells.join(",") + "\r\n"
}

/// A cell, quoted if it must be.
fn cell(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
