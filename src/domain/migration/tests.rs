//! What an import must read, refuse and join, as values: every file here is a string in the
//! form in which a shell of that culture writes it. One helper reads a file, one reads a date.

use super::*;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, civil::DateTime};
use proptest::prelude::*;

/// Windows PowerShell, English (Australia), with the type line, quotes and CR LF.
const AUSTRALIA: &str = "#TYPE Microsoft.Exchange.Management.RecipientTasks.MoveRequestStatistics\r\n\
    \"MailboxIdentity\",\"DisplayName\",\"Alias\",\"ExchangeGuid\",\"Status\",\"BatchName\",\"CompletionTimestamp\",\"Message\"\r\n\
    \"contoso.com/Users/Anna Berg\",\"Anna Berg\",\"aberg\",\"6F9619FF-8B86-D011-B42D-00CF4FC964FF\",\"Completed\",\"MigrationService:Wave 1\",\"16/10/2020 8:33:08 AM\",\"\"\r\n\
    \"contoso.com/Users/Ben Cole\",\"Ben Cole\",\"bcole\",\"7F9619FF-8B86-D011-B42D-00CF4FC964FF\",\"CompletedWithWarning\",\"MigrationService:Wave 1\",\"3/10/2020 12:05:00 PM\",\"two\r\nlines, with a \"\"quote\"\"\"\r\n\
    \"contoso.com/Users/Cora Dun\",\"Cora Dun\",\"cdun\",\"8F9619FF-8B86-D011-B42D-00CF4FC964FF\",\"AutoSuspended\",\"\",\"\",\"\"\r\n\
    \r\n";

/// Excel or `-UseCulture` in German: semicolons, dots, 24 hours.
const GERMANY: &str = "Alias;DisplayName;Status;BatchName;CompletionTimestamp;;\n\
    jmueller;Müller, Jörg;Completed;Welle 2;05.06.2020 18:33:08;;\n\
    kweiss;Weiß, Käthe;InProgress;Welle 2;;;\n\
    ;;;;;;\n";

fn options(tz: Option<&str>, order: Option<DateOrder>) -> ImportOptions {
    let tz = tz.map(|name| TimeZone::get(name).expect("a zone of the bundled database"));
    ImportOptions {
        tz,
        date_order: order,
        source: "moves.csv".to_owned(),
    }
}

fn import(text: &str, tz: &str) -> Import {
    read(text.as_bytes(), &options(Some(tz), None)).expect("a file that can be read")
}

fn refusal(text: &str, options: &ImportOptions) -> String {
    read(text.as_bytes(), options)
        .expect_err("a file that is refused")
        .to_string()
}

fn refused_rows(text: &str, tz: &str) -> Vec<(u64, String)> {
    import(text, tz)
        .refused_rows
        .into_iter()
        .map(|row| (row.line, row.reason))
        .collect()
}

fn instant(text: &str) -> i64 {
    text.parse::<Timestamp>()
        .expect("an instant")
        .as_microsecond()
}

fn utf16(text: &str, mark: [u8; 2], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.into_iter()
        .chain(text.encode_utf16().flat_map(unit))
        .collect()
}

/// Reads one date as the cutover of one user, in Berlin and in the given order.
fn cutover(text: &str, order: Option<DateOrder>) -> Result<Option<i64>, String> {
    let file = format!("user,cutover_at\nanna@contoso.com,\"{text}\"\n");
    let import = read(file.as_bytes(), &options(Some("Europe/Berlin"), order))
        .map_err(|error| error.to_string())?;
    match import.refused_rows.first() {
        Some(row) => Err(row.reason.clone()),
        None => Ok(import.mailboxes[0].cutover_at),
    }
}

fn mailbox(
    upn: Option<&str>,
    oid: Option<&str>,
    alias: Option<&str>,
    name: Option<&str>,
) -> Mailbox {
    let mut mailbox = Mailbox {
        user: UserKey::new(""),
        user_principal_name: upn.map(str::to_owned),
        object_id: oid.map(str::to_owned),
        alias: alias.map(str::to_owned),
        display_name: name.map(str::to_owned),
        exchange_guid: None,
        batch: UNBATCHED.to_owned(),
        cutover_at: Some(1_602_837_188_000_000),
        status: "Completed".to_owned(),
        line: 2,
    };
    mailbox.user = mailbox.strongest_key().expect("a key");
    mailbox
}

#[test]
fn a_move_request_export_from_australia_is_read() {
    let import = import(AUSTRALIA, "Australia/Sydney");
    assert_eq!(import.kind, ExportKind::MoveRequestStatistics);
    assert_eq!(import.refused_rows, []);
    let anna = Mailbox {
        user: UserKey::new("guid:6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        user_principal_name: None,
        object_id: None,
        alias: Some("aberg".to_owned()),
        display_name: Some("Anna Berg".to_owned()),
        exchange_guid: Some("6f9619ff-8b86-d011-b42d-00cf4fc964ff".to_owned()),
        batch: "Wave 1".to_owned(),
        cutover_at: Some(instant("2020-10-15T21:33:08Z")),
        status: "Completed".to_owned(),
        line: 3,
    };
    assert_eq!(import.mailboxes[0], anna);
    // 3 October is the last day of the winter time of Sydney, and the 16th settles the order.
    assert_eq!(
        import.mailboxes[1].cutover_at,
        Some(instant("2020-10-03T02:05:00Z"))
    );
    let cora = &import.mailboxes[2];
    assert_eq!(
        (cora.line, cora.cutover_at, cora.batch.as_str()),
        (6, None, "unbatched")
    );
    assert_eq!(
        import.notes,
        [
            "3 of 3 mailboxes have neither user principal name nor object id and can only be joined \
          by alias or display name, which is weak"
        ]
    );
}

#[test]
fn a_german_export_with_semicolons_is_read_in_every_encoding() {
    let files = [
        GERMANY.as_bytes().to_vec(),
        [b"\xEF\xBB\xBF", GERMANY.as_bytes()].concat(),
        utf16(GERMANY, [0xFF, 0xFE], u16::to_le_bytes),
        utf16(GERMANY, [0xFE, 0xFF], u16::to_be_bytes),
    ];
    for file in files {
        let import = read(&file, &options(Some("Europe/Berlin"), None)).expect("a readable file");
        let rows: Vec<_> = import
            .mailboxes
            .iter()
            .map(|m| {
                (
                    m.display_name.as_deref(),
                    m.batch.as_str(),
                    m.cutover_at,
                    m.line,
                )
            })
            .collect();
        let june = Some(instant("2020-06-05T16:33:08Z"));
        assert_eq!(
            rows,
            [
                (Some("Müller, Jörg"), "Welle 2", june, 2),
                (Some("Weiß, Käthe"), "Welle 2", None, 3)
            ]
        );
        assert_eq!(import.refused_rows, []);
    }
}

#[test]
fn a_plain_list_is_read_whatever_its_columns_are_called() {
    let headers = [
        "user,cutover_at,batch",
        "UserPrincipalName;Cutover;BatchName",
        " UPN \tcompleted_at\tBatch",
        "\"EmailAddress\",\"CompletionTimestamp\",\"batch\"",
        "email,date,batch",
        "mail,CUTOVER_AT,batch",
    ];
    for header in headers {
        let delimiter = [',', ';', '\t']
            .into_iter()
            .find(|d| header.contains(*d))
            .expect("one");
        let row = [
            "Anna@Contoso.com",
            "2020-10-16T08:33:08+02:00",
            "MigrationService:Wave 1",
        ];
        let file = format!("{header}\n{}\n", row.join(&delimiter.to_string()));
        let import = read(file.as_bytes(), &options(None, None)).expect("a readable file");
        let anna = &import.mailboxes[0];
        assert_eq!(import.kind, ExportKind::Plain, "{header}");
        assert_eq!(anna.user.as_str(), "upn:anna@contoso.com");
        assert_eq!(
            anna.user_principal_name.as_deref(),
            Some("Anna@Contoso.com")
        );
        assert_eq!(anna.batch, "Wave 1");
        assert_eq!(anna.cutover_at, Some(instant("2020-10-16T06:33:08Z")));
        assert_eq!((import.notes, import.refused_rows), (vec![], vec![]));
    }
}

#[test]
fn a_user_column_may_hold_an_id_an_address_an_alias_or_a_name() {
    let file = "user,cutover_at\n\
        {0B8E5A2C-1111-4222-8333-444455556666},\n\
        anna@contoso.com,\n\
        aberg,\n\
        Anna Berg,\n\
        =cmd|'/c calc'!A1,\n\
        CONTOSO\\anna,\n\
        ,2020-10-16T08:33:08Z\n";
    let keys: Vec<_> = import(file, "UTC")
        .mailboxes
        .into_iter()
        .map(|m| m.user.to_string())
        .collect();
    assert_eq!(
        keys,
        [
            "oid:0b8e5a2c-1111-4222-8333-444455556666",
            "upn:anna@contoso.com",
            "alias:aberg",
            "name:anna berg",
            "name:=cmd|'/c calc'!a1",
        ]
    );
    assert_eq!(
        refused_rows(file, "UTC"),
        [
            (
                7,
                "`CONTOSO\\anna` is a Windows account, which no sign-in carries".to_owned()
            ),
            (8, "the user is empty".to_owned()),
        ]
    );
}

#[test]
fn an_address_as_identity_is_the_user_principal_name() {
    let file = "Identity,Status,CompletionTimestamp\n\
        anna@contoso.com,Completed,2020-10-16T08:33:08Z\n\
        contoso.com/Users/Ben,Completed,2020-10-16T08:33:08Z\n";
    let import = import(file, "UTC");
    assert_eq!(import.mailboxes[0].user.as_str(), "upn:anna@contoso.com");
    assert_eq!(
        import.refused_rows[0].reason,
        "no cell of the row names a user"
    );
}

#[test]
fn only_a_completed_move_has_a_cutover() {
    let cases = [
        ("Completed", true),
        ("completedwithwarning", true),
        ("CompletedWithWarnings", true),
        ("CompletionInProgress", false),
        ("InProgress", false),
        ("Failed", false),
        ("", false),
    ];
    for (status, moved) in cases {
        let file =
            format!("Alias,Status,CompletionTimestamp\naberg,{status},2020-10-16T08:33:08Z\n");
        let found = import(&file, "UTC").mailboxes[0].cutover_at;
        assert_eq!(
            found,
            moved.then(|| instant("2020-10-16T08:33:08Z")),
            "{status}"
        );
    }
    let file = "Alias,Status,CompletionTimestamp\naberg,Completed,\n";
    assert_eq!(
        import(file, "UTC").notes[0],
        "1 of 1 mailboxes are completed but have no CompletionTimestamp, so their cutover is not \
         known"
    );
}

#[test]
fn every_form_of_a_date_is_read() {
    let day_first = Some(DateOrder::DayFirst);
    let month_first = Some(DateOrder::MonthFirst);
    let cases = [
        ("2020-10-16T08:33:08Z", None, "2020-10-16T08:33:08Z"),
        (
            "2020-10-16T08:33:08.1234567+02:00",
            None,
            "2020-10-16T06:33:08.123456Z",
        ),
        ("2020-10-16 08:33:08 -0430", None, "2020-10-16T13:03:08Z"),
        ("2020-10-16t08:33:08z", None, "2020-10-16T08:33:08Z"),
        ("2020-10-16 08:33:08 UTC", None, "2020-10-16T08:33:08Z"),
        ("2020-10-16T08:33:08", None, "2020-10-16T06:33:08Z"),
        ("2020-10-16 08:33:08", None, "2020-10-16T06:33:08Z"),
        ("2020/10/16 8:33", None, "2020-10-16T06:33:00Z"),
        ("16/10/2020 8:33:08 AM", None, "2020-10-16T06:33:08Z"),
        ("16/10/2020 8:33:08 a.m.", None, "2020-10-16T06:33:08Z"),
        (
            "16/10/2020 8:33:08\u{a0}p.\u{a0}m.",
            None,
            "2020-10-16T18:33:08Z",
        ),
        ("10/16/2020 8:33:08 PM", None, "2020-10-16T18:33:08Z"),
        ("10/16/2020 8:33\u{202f}PM", None, "2020-10-16T18:33:00Z"),
        (
            "\u{200e}10/16/2020, 12:00:00 AM",
            None,
            "2020-10-15T22:00:00Z",
        ),
        ("10/16/2020 12:00:00 PM", None, "2020-10-16T10:00:00Z"),
        ("10/16/2020 8:33:08 AM +00:00", None, "2020-10-16T08:33:08Z"),
        ("16-10-2020 08:33:08", None, "2020-10-16T06:33:08Z"),
        ("16.10.2020 08:33:08", None, "2020-10-16T06:33:08Z"),
        ("5.6.2020 18:33", None, "2020-06-05T16:33:00Z"),
        ("5/6/2020 18:33", day_first, "2020-06-05T16:33:00Z"),
        ("5/6/2020 18:33", month_first, "2020-05-06T16:33:00Z"),
        ("6/6/2020 18:33", None, "2020-06-06T16:33:00Z"),
        ("2020-05-06 18:33", day_first, "2020-05-06T16:33:00Z"),
    ];
    for (text, order, expected) in cases {
        assert_eq!(cutover(text, order), Ok(Some(instant(expected))), "{text}");
    }
}

#[test]
fn an_empty_date_is_a_move_that_is_not_completed() {
    for text in [
        "",
        "  ",
        "01/01/0001 00:00:00",
        "1/1/0001 12:00:00 AM",
        "0001-01-01T00:00:00",
    ] {
        assert_eq!(cutover(text, None), Ok(None), "{text}");
        let file = format!("user,cutover_at\nanna@contoso.com,{text}\n");
        assert!(
            read(file.as_bytes(), &options(None, None)).is_ok(),
            "{text} needs no zone"
        );
    }
}

#[test]
fn an_unreadable_date_refuses_its_row_with_a_reason() {
    let cases = [
        ("soon", "`soon` is not a date and time"),
        ("44120.356", "`44120.356` is not a date and time"),
        ("2020-10-16", "`2020-10-16` has no time of day"),
        ("16/10/20 8:33", "`16/10/20 8:33` is not a date and time"),
        (
            "16/10-2020 8:33",
            "`16/10-2020 8:33` is not a date and time",
        ),
        (
            "16/10/2020 13:33 PM",
            "`16/10/2020 13:33 PM` is not a date and time",
        ),
        (
            "16/10/2020 24:00",
            "`16/10/2020 24:00` is not a date and time",
        ),
        (
            "16/10/2020 8:33 CEST",
            "`16/10/2020 8:33 CEST` is not a date and time",
        ),
        (
            "16/10/2020 8:33 +25:00",
            "`16/10/2020 8:33 +25:00` is not a date and time",
        ),
        (
            "31/02/2020 8:33",
            "`31/02/2020 8:33` is no day of the calendar",
        ),
        (
            "10.16.2020 8:33",
            "`10.16.2020 8:33` is no day of the calendar",
        ),
        (
            "01/01/1601 00:00",
            "`01/01/1601 00:00` is not between the years 2000 and 2099",
        ),
        (
            "2021-03-28 02:30:00",
            "`2021-03-28 02:30:00` does not exist in Europe/Berlin: the clocks were put forward \
             over it",
        ),
        (
            "2020-10-25 02:30:00",
            "`2020-10-25 02:30:00` happened twice in Europe/Berlin: the clocks were put back over \
             it; write it with its offset, for example `2020-10-25T02:30:00+02:00`",
        ),
    ];
    for (text, reason) in cases {
        assert_eq!(cutover(text, None), Err(reason.to_owned()), "{text}");
    }
}

#[test]
fn a_day_after_the_12th_settles_the_order_of_the_column() {
    let file = "user,cutover_at\na@x.com,05/06/2020 08:00\nb@x.com,05/13/2020 08:00\n";
    let read = import(file, "UTC");
    assert_eq!(
        read.mailboxes[0].cutover_at,
        Some(instant("2020-05-06T08:00:00Z"))
    );
    // A date that is on no calendar proves nothing: the 45th is not a day.
    let file = "user,cutover_at\na@x.com,05/06/2020 08:00\nb@x.com,45/06/2020 08:00\n";
    let text = refusal(file, &options(Some("UTC"), None));
    assert!(text.contains("Line 2 says `05/06/2020 08:00`"), "{text}");
}

#[test]
fn a_file_that_leaves_something_open_is_refused_in_three_sentences() {
    let open = "user,cutover_at\na@x.com,\nb@x.com,05/06/2020 8:33:08 AM\n";
    let closed = "user,cutover_at\na@x.com,2020-06-05 08:33:08\n";
    let mixed = "user,cutover_at\na@x.com,16/10/2020 08:00\nb@x.com,10/17/2020 08:00\n";
    let dotted = "user,cutover_at\na@x.com,05.06.2020 08:00\n";
    let month_13 = "user,cutover_at\na@x.com,05/06/2020 08:00\nb@x.com,10/13/2020 08:00\n";
    let utc = Some("UTC");
    let cases = [
        (
            open,
            options(None, None),
            "moves.csv: the dates have neither a time zone nor a clear order of day and month. \
             Line 3 says `05/06/2020 8:33:08 AM`, which can be 5 June or 6 May and is a different \
             instant in every zone. Import again with both, for example `--tz Europe/Berlin \
             --date-order dmy`.",
        ),
        (
            open,
            options(utc, None),
            "moves.csv: the order of day and month is open. Line 3 says `05/06/2020 8:33:08 AM`, \
             which can be 5 June or 6 May, and no date of the column has a day after the 12th. \
             Import again with the order, for example `--date-order dmy`.",
        ),
        (
            closed,
            options(None, None),
            "moves.csv: the dates have no time zone. Line 2 says `2020-06-05 08:33:08`, which is \
             a different instant in every zone. Import again with the zone of the shell that \
             wrote the file, for example `--tz Europe/Berlin`.",
        ),
        (
            mixed,
            options(utc, None),
            "moves.csv: the dates contradict each other. Line 2 says `16/10/2020 08:00`, which \
             has the day first, and line 3 says `10/17/2020 08:00`, which has the month first. \
             Export the rows again in one session, or split them into one file for each order.",
        ),
        (
            month_13,
            options(utc, Some(DateOrder::DayFirst)),
            "moves.csv: the dates are not in the given order. Line 3 says `10/13/2020 08:00`, \
             which cannot be `--date-order dmy`. Leave out `--date-order` or give the order of \
             the file, `--date-order mdy`.",
        ),
        (
            dotted,
            options(utc, Some(DateOrder::MonthFirst)),
            "moves.csv: the dates are not in the given order. Line 2 says `05.06.2020 08:00`, \
             which cannot be `--date-order mdy`. Leave out `--date-order` or give the order of \
             the file, `--date-order dmy`.",
        ),
        (
            open,
            options(utc, Some(DateOrder::YearFirst)),
            "moves.csv: the dates are not in the given order. Line 3 says `05/06/2020 8:33:08 \
             AM`, which cannot be `--date-order ymd`. Leave out `--date-order` or give the order \
             of the file.",
        ),
    ];
    for (file, options, expected) in cases {
        assert_eq!(refusal(file, &options), expected);
    }
}

#[test]
fn a_file_that_is_no_export_is_refused_in_three_sentences() {
    let save = "Save the file as UTF-8 (`Export-Csv -Encoding utf8`, in Excel \"CSV UTF-8\") and \
                import it again.";
    let empty = "moves.csv: there is nothing to import. The file has no header line. Export it \
                 again and check that the command printed mailboxes.";
    let cases: [(&[u8], String); 7] = [
        (b"#TYPE System.String\r\n", empty.to_owned()),
        (b" \r\n", empty.to_owned()),
        (
            b"DisplayName;MapiHttpEnabled\x1b[31m\nAnna;True\n",
            "moves.csv: the header is not known. It has the columns `DisplayName`, \
             `MapiHttpEnabled\u{fffd}[31m`. Give either `user,cutover_at,batch` (batch is \
             optional) or an export of Get-MoveRequestStatistics with CompletionTimestamp, Status \
             and one of Alias, DisplayName, ExchangeGuid, Identity."
                .to_owned(),
        ),
        (
            b"user,cutover_at\nM\xfcller,\n",
            format!("moves.csv: the text cannot be read. Line 2 is not valid UTF-8. {save}"),
        ),
        (
            b"u\0s\0e\0r\0,\0c\0",
            format!("moves.csv: the text cannot be read. Line 1 is not valid UTF-8. {save}"),
        ),
        (
            b"\xFF\xFEu\0\n\0s",
            format!("moves.csv: the text cannot be read. Line 2 is not valid UTF-16. {save}"),
        ),
        (
            b"\xFF\xFE\0\0u\0\0\0",
            format!("moves.csv: the text cannot be read. Line 1 is not valid UTF-16. {save}"),
        ),
    ];
    for (file, expected) in cases {
        let error = read(file, &options(None, None)).expect_err("a file that is refused");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_header_alone_is_an_empty_import() {
    for file in [
        "user,cutover_at",
        "Alias,Status,CompletionTimestamp\r\n\r\n,,\r\n",
    ] {
        let import = import(file, "UTC");
        assert_eq!((import.mailboxes.len(), import.refused_rows.len()), (0, 0));
        assert_eq!(
            import.notes,
            ["no rows: the file has a header and nothing else"]
        );
    }
}

#[test]
fn a_bad_row_never_takes_its_neighbours_with_it() {
    let huge = "x".repeat(64 * 1024 + 1);
    let good = |user: &str| format!("{user}@x.com,2020-10-16T08:33:08Z,\"Wave, 1\"\r\n");
    let bad = [
        "\"never@x.com,2020-10-16T08:33:08Z,Wave\r\n".to_owned(),
        "b@x.com,2020-10-16T08:33:08Z,Wave, 1\r\n".to_owned(),
        "c@x.com\r\n".to_owned(),
        format!("d@x.com,2020-10-16T08:33:08Z,{huge}\r\n"),
        "e\0@x.com,2020-10-16T08:33:08Z,Wave\r\n".to_owned(),
        "f@x.com,2020-10-16T08:33:08Z,\"Wave\" 1\r\n".to_owned(),
        "f2@x.com,2020-10-16T08:33:08Z,\"two\r\nlines\"\r\n".to_owned(),
        "g@x.com,2020-13-16T08:33:08Z,Wave\r\n".to_owned(),
        "h@x.com,2020-10-16T08:33:08Z,\"last".to_owned(),
    ];
    let mut file = "user,cutover_at,batch\n".to_owned();
    for (number, row) in bad.iter().enumerate() {
        file += &good(&format!("good{number}"));
        file += row;
    }
    let import = import(&file, "UTC");
    let users: Vec<_> = import.mailboxes.iter().map(|m| m.user.as_str()).collect();
    let mut expected: Vec<String> = (0..bad.len())
        .map(|n| format!("upn:good{n}@x.com"))
        .collect();
    expected.insert(7, "upn:f2@x.com".to_owned());
    assert_eq!(users, expected);
    assert_eq!(
        refused_rows(&file, "UTC"),
        [
            (3, "a quote is not closed where the cell ends".to_owned()),
            (5, "the row has 4 cells, the header has 3".to_owned()),
            (7, "the row has 1 cells, the header has 3".to_owned()),
            (9, "a cell is larger than 64 KiB".to_owned()),
            (11, "a cell contains a NUL byte".to_owned()),
            (13, "a quote is not closed where the cell ends".to_owned()),
            (
                18,
                "`2020-13-16T08:33:08Z` is no day of the calendar".to_owned()
            ),
            (20, "a quote is opened and never closed".to_owned()),
        ]
    );
}

#[test]
fn a_file_of_refused_rows_is_still_an_import() {
    let import = import("upn,cutover_at\nanna,2020-10-16T08:33:08Z\n", "UTC");
    assert_eq!(import.mailboxes, []);
    assert_eq!(
        import.refused_rows[0].reason,
        "`anna` is neither an address nor an object id"
    );
    assert_eq!(import.notes, Vec::<String>::new());
}

#[test]
fn of_several_rows_of_a_user_the_latest_cutover_is_kept() {
    let file = "user,cutover_at,batch\n\
        anna@x.com,2020-10-17T08:00:00Z,second\n\
        ANNA@x.com,2020-10-16T08:00:00Z,first\n\
        anna@x.com,,third\n\
        Ben@x.com,,first\n\
        ben@x.com,2020-10-16T08:00:00Z,second\n";
    let import = import(file, "UTC");
    let rows: Vec<_> = import
        .mailboxes
        .iter()
        .map(|m| (m.user.as_str(), m.line))
        .collect();
    assert_eq!(rows, [("upn:anna@x.com", 2), ("upn:ben@x.com", 6)]);
    let tail = "is in the file more than once: line";
    assert_eq!(
        import.notes,
        [
            format!("`upn:anna@x.com` {tail} 2 has the latest cutover and replaces line 3"),
            format!("`upn:anna@x.com` {tail} 2 has the latest cutover and replaces line 4"),
            format!("`upn:ben@x.com` {tail} 6 has the latest cutover and replaces line 5"),
        ]
    );
}

#[test]
fn many_double_rows_are_counted_and_not_all_named() {
    let row = "anna@x.com,2020-10-17T08:00:00Z\n";
    let import = import(&format!("user,cutover_at\n{}", row.repeat(24)), "UTC");
    assert_eq!(import.mailboxes[0].line, 25);
    assert_eq!(import.notes.len(), 21);
    assert_eq!(
        import.notes[20],
        "3 more rows speak of a user that another row speaks of"
    );
}

#[test]
fn people_who_share_a_name_stay_apart_and_join_nobody() {
    let file = "DisplayName,Alias,Status,CompletionTimestamp\n\
        Jan Novak,,Completed,2020-10-16T08:00:00Z\n\
        Jan Novak,,Completed,2020-10-17T08:00:00Z\n\
        Eva Dvorak,edvorak,Completed,2020-10-16T08:00:00Z\n\
        Emil Dvorak,EDvorak,Completed,2020-10-17T08:00:00Z\n";
    let once = import(file, "UTC").mailboxes;
    let keys: Vec<_> = once.iter().map(|m| m.user.as_str()).collect();
    assert_eq!(
        keys,
        [
            "name:jan novak",
            "name2:jan novak",
            "alias:edvorak",
            "alias2:edvorak"
        ]
    );
    // Importing the same file again changes nothing.
    let index = MigrationIndex::new(once.iter().chain(&once).cloned());
    assert_eq!(index.mailboxes(), once);
    let jan = Identity {
        display_name: "Jan Novak",
        ..Identity::default()
    };
    assert_eq!(index.find(&jan), None);
    let shared: Vec<_> = index
        .ambiguous()
        .into_iter()
        .map(|a| (a.key, a.value, a.mailboxes.len()))
        .collect();
    assert_eq!(
        shared,
        [
            (Join::Alias, "edvorak", 2),
            (Join::DisplayName, "jan novak", 2)
        ]
    );
    let lines: Vec<_> = index.unresolved().into_iter().map(|m| m.line).collect();
    assert_eq!(lines, [2, 3]);
}

#[test]
fn a_user_is_joined_by_the_strongest_key() {
    let id = "0b8e5a2c-1111-4222-8333-444455556666";
    let index = MigrationIndex::new([
        mailbox(None, Some(id), None, None),
        mailbox(Some("anna@contoso.com"), None, None, None),
        mailbox(None, None, Some("ABerg"), None),
        mailbox(None, None, None, Some("Änne Berg")),
        mailbox(Some("carl@contoso.com"), None, Some("carl"), Some("Carl")),
    ]);
    let upper = id.to_uppercase();
    let zero = "00000000-0000-0000-0000-000000000000";
    let cases = [
        (
            (upper.as_str(), "anna@contoso.com", "Änne Berg"),
            Some((0, Join::ObjectId)),
        ),
        (
            (zero, "Anna@Contoso.com", ""),
            Some((1, Join::UserPrincipalName)),
        ),
        (
            ("", "aberg@contoso.com", "Änne Berg"),
            Some((2, Join::Alias)),
        ),
        (
            ("", "anne.berg@contoso.com", " änne BERG "),
            Some((3, Join::DisplayName)),
        ),
        (("", "aberg", ""), None),
        (("", "", ""), None),
        ((zero, "nobody@contoso.com", "Nobody"), None),
        // Another Carl: his address is known to be a different one.
        (("", "carl@fabrikam.com", "Carl"), None),
        (("", "", "Carl"), Some((4, Join::DisplayName))),
    ];
    for ((user_id, user_principal_name, display_name), expected) in cases {
        let user = Identity {
            user_id,
            user_principal_name,
            display_name,
        };
        let found = index
            .find(&user)
            .map(|found| (found.mailbox, found.joined_by));
        let expected = expected.map(|(place, join)| (&index.mailboxes()[place], join));
        assert_eq!(found, expected, "{user:?}");
    }
    assert_eq!((index.len(), index.is_empty()), (5, false));
    assert!(Join::Alias.is_weak() && Join::DisplayName.is_weak());
    assert!(!Join::ObjectId.is_weak() && !Join::UserPrincipalName.is_weak());
}

#[test]
fn a_later_import_replaces_the_mailbox() {
    let first = mailbox(Some("anna@contoso.com"), None, None, None);
    let later = Mailbox {
        cutover_at: None,
        ..mailbox(Some("ANNA@contoso.com"), None, None, None)
    };
    let index = MigrationIndex::new([first, later.clone()]);
    assert_eq!(index.mailboxes(), [later]);
}

#[test]
fn a_date_order_is_named_by_its_letters() {
    let orders = [
        DateOrder::DayFirst,
        DateOrder::MonthFirst,
        DateOrder::YearFirst,
    ];
    for order in orders {
        assert_eq!(order.to_string().parse(), Ok(order));
    }
    assert_eq!("DMY".parse(), Ok(DateOrder::DayFirst));
    assert_eq!("dym".parse::<DateOrder>(), Err(UnknownDateOrder));
}

/// Local forms with the order that a file of ambiguous dates must be given.
const FORMS: [(&str, Option<DateOrder>); 9] = [
    ("%Y-%m-%dT%H:%M:%S", None),
    ("%Y-%m-%d %H:%M:%S", None),
    ("%d.%m.%Y %H:%M:%S", None),
    ("%-d.%-m.%Y %-H:%M:%S", None),
    ("%d/%m/%Y %-I:%M:%S %p", Some(DateOrder::DayFirst)),
    ("%-m/%-d/%Y %-I:%M:%S %p", Some(DateOrder::MonthFirst)),
    (
        "%-m/%-d/%Y %-I:%M:%S\u{202f}%p",
        Some(DateOrder::MonthFirst),
    ),
    ("%d-%m-%Y %H:%M:%S", Some(DateOrder::DayFirst)),
    ("%Y-%m-%dT%H:%M:%S%:z", None),
];
const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Apia",
];

proptest! {
    #[test]
    fn a_date_that_was_written_is_read_back(
        second in 946_800_000_i64..4_102_300_000,
        form in 0..FORMS.len(),
        zone in 0..ZONES.len(),
    ) {
        let (form, order) = FORMS[form];
        let written = Timestamp::from_second(second).expect("in range");
        let written = written.in_tz(ZONES[zone]).expect("a zone");
        let text = written.strftime(form).to_string();
        let file = format!("user;cutover_at\nanna@contoso.com;{text}\n");
        let import = read(file.as_bytes(), &options(Some(ZONES[zone]), order)).expect("readable");
        let local: DateTime = written.datetime();
        let offset = written.time_zone().to_ambiguous_timestamp(local).offset();
        if matches!(offset, AmbiguousOffset::Fold { .. }) && !form.ends_with("%:z") {
            prop_assert!(import.refused_rows[0].reason.contains("happened twice"));
        } else {
            prop_assert_eq!(import.mailboxes[0].cutover_at, Some(second * 1_000_000), "{}", text);
        }
    }

    #[test]
    fn no_bytes_can_break_the_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        header in 0..3_usize,
    ) {
        let headers = ["", "user,cutover_at\n", "Alias;Status;CompletionTimestamp\n"];
        let file = [headers[header].as_bytes(), &bytes].concat();
        let _ = read(&file, &options(Some("UTC"), Some(DateOrder::DayFirst)));
        let _ = read(&file, &options(None, None));
    }

    #[test]
    fn every_row_is_a_mailbox_a_refusal_or_a_double(
        text in r#"([ab@;,"\n\r 0-9/:.]|a@b,|12/10/2020 8:00|"","|\r\n){0,60}"#,
    ) {
        let file = format!("user,cutover_at\n{text}");
        if let Ok(import) = read(file.as_bytes(), &options(Some("UTC"), None)) {
            let lines: Vec<u64> = import.mailboxes.iter().map(|m| m.line)
                .chain(import.refused_rows.iter().map(|row| row.line)).collect();
            let unique: std::collections::BTreeSet<_> = lines.iter().collect();
            prop_assert_eq!(unique.len(), lines.len());
            prop_assert!(lines.iter().all(|line| *line >= 2));
            prop_assert!(import.mailboxes.iter().all(|m| !m.batch.is_empty()));
        }
    }
}
