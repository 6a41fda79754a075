//! M, D13, D14 and P4: too many, too often, and migration files; what is remembered stays small.
//!
//! Memory is measured in a process of its own: this test binary, told to run one test.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use signloop::domain::causes::texts::CauseTexts;
use signloop::domain::classify::Classifier;
use signloop::domain::decode::normalise::{Normalised, normalise};
use signloop::domain::decode::{Decoder, Piece};
use signloop::domain::detector::{Detector, DetectorSettings};
use signloop::domain::knowledge::Knowledge;
use signloop::domain::migration::{ImportOptions, read};
use signloop::domain::sign_in::{PasswordVerified, Protocol};
use signloop::domain::signal::{Attempt, Facts, Signal, SignalKind, UserId};

use super::case::edited;
use crate::prometheus_rules;
use crate::support::run;

/// 2026-03-13 16:00:00 UTC and spans, microseconds.
const START: i64 = 1_773_417_600_000_000;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 1440 * MINUTE;

/// A row that another test holds.
pub struct Elsewhere {
    pub row: &'static str,
    pub what: &'static str,
    pub becomes: &'static str,
    pub file: &'static str,
    pub test: &'static str,
}

const HERE: &str = "tests/it/catalogue/exhaustion.rs";

pub fn elsewhere() -> Vec<Elsewhere> {
    let row = |row, what, becomes, file, test| Elsewhere {
        row,
        what,
        becomes,
        file,
        test,
    };
    vec![
        row(
            "A15",
            "many gzip bombs",
            "memory stays flat",
            HERE,
            "memory_stays_flat",
        ),
        row(
            "A18",
            "a list of millions of numbers",
            "memory stays flat",
            HERE,
            "memory_stays_flat",
        ),
        row(
            "A20",
            "binary headers and keys of messages",
            "never read",
            HERE,
            "headers_and_keys_of_messages_are_not_read",
        ),
        row(
            "D13",
            "any order, every record twice",
            "the same loops and mailbox states",
            "tests/it/order.rs",
            "any_order_with_every_event_twice_gives_the_same_findings",
        ),
        row(
            "D14",
            "100,000 attempts of one user in one second",
            "one entry of the user's history; no loop, which needs minutes",
            HERE,
            "a_hundred_thousand_attempts_in_a_second_are_one_entry",
        ),
        row(
            "M1",
            "a flood of users that do not exist",
            "not remembered at all; a real user's loop is found",
            HERE,
            "fake_users_are_not_remembered_and_real_ones_are",
        ),
        row(
            "M1",
            "very many real users",
            "remembered as long as the retention says",
            HERE,
            "users_are_forgotten_when_their_time_is_over",
        ),
        row(
            "M2",
            "500,000 attempts of one user",
            "memory stays flat",
            HERE,
            "memory_stays_flat",
        ),
        row(
            "M3",
            "100,000 user agents, client apps and addresses",
            "memory stays flat; none of them is a metric label",
            HERE,
            "memory_stays_flat",
        ),
        row(
            "P4",
            "a migration file with broken rows",
            "each is refused with its line and reason, the others are taken; the file is held in memory as a whole and has no limit of size yet",
            HERE,
            "a_malformed_migration_file_is_refused_row_by_row",
        ),
        row(
            "P4",
            "a file that is no export at all",
            "refused as a whole",
            "tests/it/bad_input.rs",
            "an_export_that_is_none_is_refused_as_a_whole",
        ),
    ]
}

fn detector() -> Detector {
    let texts = prometheus_rules::read("schemas/causes.toml");
    Detector::new(DetectorSettings {
        texts: Arc::new(CauseTexts::parse(&texts).unwrap()),
        ..DetectorSettings::default()
    })
}

fn attempt(user: u128, at: i64) -> Signal {
    Signal {
        user: UserId { tenant: 1, user },
        user_principal_name: format!("user{user}@contoso.example"),
        display_name: String::new(),
        at,
        kind: SignalKind::Attempt(Attempt {
            client_group: Knowledge::builtin()
                .group_of_protocol(Protocol::Imap)
                .unwrap()
                .name,
            protocol: Protocol::Imap,
            client_family: "unknown",
            error_code: 50126,
            failure_class: "password",
            password_verified: PasswordVerified::No,
            ip: user as u64,
        }),
    }
}

/// Folds what comes of a message into the detector; how many sign-ins there were.
fn fold(message: &[u8], classifier: &mut Classifier, detector: &mut Detector) -> u64 {
    let mut sign_ins = 0;
    Decoder::default().decode(message, &mut |piece| {
        let Piece::Record { record, .. } = piece else {
            return;
        };
        let Normalised::SignIn(sign_in) = normalise(record, None) else {
            return;
        };
        sign_ins += 1;
        let verdict = classifier.classify(&sign_in);
        let signal = Facts::of(&sign_in, &verdict).signal(Knowledge::builtin());
        signal.iter().for_each(|signal| detector.observe(signal));
        detector.advance(sign_in.event_time);
    });
    sign_ins
}

/// Pages of 500 records, each made of a good one by what `spell` puts in the places of `@`.
fn pages(count: u64, template: &str, mut take: impl FnMut(&[u8])) {
    for page in 0..count / 500 {
        let numbers = page * 500..(page + 1) * 500;
        let records: Vec<String> = numbers
            .map(|number| template.replace('@', &number.to_string()))
            .collect();
        take(format!("{{\"records\":[{}]}}", records.join(",")).as_bytes());
    }
}

/// A record of a user who does not exist.
fn fake() -> String {
    edited(|whole| {
        let own = &mut whole["properties"];
        own["id"] = json!("fake-@");
        own["userId"] = json!("00000000-0000-0000-0000-000000000000");
        own["userPrincipalName"] = json!("typed-@");
    })
}

#[test]
fn fake_users_are_not_remembered_and_real_ones_are() {
    let (mut classifier, mut detector) = (Classifier::new(Knowledge::builtin()), detector());
    for number in 0..6 {
        detector.observe(&attempt(7, START + number * MINUTE));
    }
    let mut sign_ins = 0;
    pages(20_000, &fake(), |page| {
        sign_ins += fold(page, &mut classifier, &mut detector);
    });
    assert_eq!((sign_ins, detector.people()), (20_000, 1));
    let found = detector.derive_changed().loops;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].user_id().user, found[0].attempts), (7, 6));
}

#[test]
fn users_are_forgotten_when_their_time_is_over() {
    let mut detector = detector();
    for user in 1..=20_000 {
        detector.observe(&attempt(user, START));
    }
    detector.derive_changed();
    assert_eq!(detector.people(), 20_000);
    let retention = DetectorSettings::default().retention;
    // Each day of silence is looked at, as the stream of others would make it.
    for day in 1..=retention / DAY + 3 {
        detector.advance(START + day * DAY);
        detector.derive_changed();
    }
    assert_eq!(detector.people(), 0);
}

#[test]
fn a_hundred_thousand_attempts_in_a_second_are_one_entry() {
    let mut detector = detector();
    let signal = attempt(7, START);
    for number in 0..100_000 {
        detector.observe(&Signal {
            at: START + number % 1000,
            ..signal.clone()
        });
    }
    assert_eq!(detector.people(), 1);
    assert_eq!(detector.derive_changed().loops, []);
    // They are counted all the same.
    for minute in 1..6 {
        detector.observe(&Signal {
            at: START + minute * MINUTE,
            ..signal.clone()
        });
    }
    let found = detector.derive_changed().loops;
    assert_eq!((found.len(), found[0].attempts), (1, 100_005));
}

#[test]
fn headers_and_keys_of_messages_are_not_read() {
    let source =
        fs::read_to_string(prometheus_rules::shipped("src/source/kafka/reading.rs")).unwrap();
    let reads = |name: &str| source.contains(&format!(".{name}()"));
    assert!(reads("payload") && !reads("headers") && !reads("key"));
}

/// Tells the child what it is.
const CHILD: &str = "SIGNLOOP_TEST_CHILD";
/// What a process may grow by while millions of records pass: buffers, tables of bounded size.
const GROWTH_KIB: u64 = 48 << 10;

#[test]
fn memory_stays_flat() {
    if std::env::var_os(CHILD).is_some() {
        return flood();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, "1");
    let name = "catalogue::exhaustion::memory_stays_flat";
    let ended = run(command.args([name, "--exact", "--nocapture"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    for name in [
        "bombs",
        "fake users",
        "distinct values",
        "one user",
        "endless lists",
    ] {
        let line = ended
            .out
            .lines()
            .find_map(|line| line.split_once(&format!("{name}: ")));
        let (_, kib) = line.unwrap_or_else(|| panic!("no {name} in {}", ended.out));
        let kib: u64 = kib.trim().parse().unwrap();
        assert!(kib < GROWTH_KIB, "{name} took {kib} KiB");
    }
}

/// The largest size of this process so far, KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn flood() {
    let (mut classifier, mut detector) = (Classifier::new(Knowledge::builtin()), detector());
    pages(10_000, &fake(), |page| {
        fold(page, &mut classifier, &mut detector);
    });
    let bomb = super::envelope::bomb();
    let mut before = peak();
    let mut tell = |name: &str| {
        println!("{name}: {}", peak() - before);
        before = peak();
    };
    pages(100_000, &fake(), |page| {
        fold(page, &mut classifier, &mut detector);
    });
    tell("fake users");
    let distinct = edited(|whole| {
        let own = &mut whole["properties"];
        for key in ["id", "userAgent", "clientAppUsed", "appId", "ipAddress"] {
            own[key] = json!("value-@");
        }
    });
    pages(100_000, &distinct, |page| {
        fold(page, &mut classifier, &mut detector);
    });
    tell("distinct values");
    let signal = attempt(8, START);
    for number in 0..500_000 {
        let at = START + number * SECOND / 4;
        detector.observe(&Signal {
            at,
            ..signal.clone()
        });
    }
    detector.derive_changed();
    tell("one user");
    for _ in 0..20 {
        fold(&bomb, &mut classifier, &mut detector);
    }
    tell("bombs");
    // Sixteen bytes for each item would be 64 MiB.
    for list in [
        format!("[1{}]", ",1".repeat(4 << 20)),
        "[".to_owned() + &"1,".repeat(4 << 20),
    ] {
        fold(list.as_bytes(), &mut classifier, &mut detector);
    }
    tell("endless lists");
}

#[test]
fn a_malformed_migration_file_is_refused_row_by_row() {
    let huge = "x".repeat(65 << 10);
    let when = "2026-03-13T16:00:00Z";
    let csv = format!(
        "\u{feff}user,cutover_at,batch\r\n\
         ann@contoso.example,{when},North\r\n\
         bob@contoso.example,2026-02-30T16:00:00Z,North\r\n\
         cleo@contoso.example,soon,North\r\n\
         dora@contoso.example,{when},{huge}\r\n\
         e\u{0}d@contoso.example,{when},North\r\n\
         fay@contoso.example\r\n\
         ann@contoso.example,2026-03-14T16:00:00Z,South\r\n\
         gus@contoso.example,{when},South\r\n\
         \"hal@contoso.example,{when},South\r\n\
         ida@contoso.example,{when},South\r\n"
    );
    let options = ImportOptions {
        source: "moves.csv".to_owned(),
        ..ImportOptions::default()
    };
    let import = read(csv.as_bytes(), &options).unwrap();
    let names: Vec<&str> = import.mailboxes.iter().map(|it| it.user.as_str()).collect();
    let taken = [
        "upn:ann@contoso.example",
        "upn:gus@contoso.example",
        "upn:ida@contoso.example",
    ];
    assert_eq!(names, taken, "{:?}", import.refused_rows);
    let refused: Vec<u64> = import.refused_rows.iter().map(|row| row.line).collect();
    assert_eq!(refused, [3, 4, 5, 6, 7, 10]);
    assert!(import.refused_rows.iter().all(|row| row.reason.len() < 200));
    assert!(
        import.notes.iter().any(|note| note.contains("ann@")),
        "{:?}",
        import.notes
    );
}
