//! What the detector says, as values; that order does not matter is in `properties`.

mod properties;

use super::*;
use crate::domain::causes::texts::CauseTexts;
use crate::domain::loops::MINUTE;
use crate::domain::loops::words::{Ending, LoopState, Pattern, Phase};
use crate::domain::migration::{Mailbox, UserKey};
use crate::domain::sign_in::{Channel, PasswordVerified, Protocol};
use crate::domain::signal::{Attempt, SignalKind};

/// Some instant after 1970, at a full hour.
const START: i64 = 20_000 * DAY;

fn user(number: u128) -> UserId {
    UserId {
        tenant: 9,
        user: number,
    }
}

fn signal(number: u128, at: i64, kind: SignalKind) -> Signal {
    Signal {
        user: user(number),
        user_principal_name: format!("u{number}@x.org"),
        display_name: String::new(),
        at,
        kind,
    }
}

fn attempt_of(client_group: &'static str) -> Attempt {
    Attempt {
        client_group,
        protocol: Protocol::Ews,
        client_family: "unknown",
        error_code: 53003,
        failure_class: "ca_block",
        password_verified: PasswordVerified::Yes,
        ip: 77,
    }
}

fn attempt(at: i64) -> Signal {
    signal(1, at, SignalKind::Attempt(attempt_of("outlook_desktop")))
}

fn modern(at: i64) -> Signal {
    signal(
        1,
        at,
        SignalKind::ModernSuccess {
            channel: Channel::OutlookDesktop,
        },
    )
}

fn legacy(at: i64) -> Signal {
    signal(
        1,
        at,
        SignalKind::LegacySuccess {
            client_group: "outlook_desktop",
        },
    )
}

/// Six attempts, one a minute.
fn burst(from: i64) -> Vec<Signal> {
    (0..6)
        .map(|minute| attempt(from + minute * MINUTE))
        .collect()
}

fn mailbox(number: u128, cutover_at: Option<i64>) -> Mailbox {
    let name = format!("U{number}@x.org");
    Mailbox {
        user: UserKey::new(format!("upn:u{number}@x.org")),
        user_principal_name: Some(name),
        object_id: None,
        alias: None,
        display_name: None,
        exchange_guid: None,
        batch: "b1".to_owned(),
        cutover_at,
        status: String::new(),
        line: 2,
    }
}

fn index(mailboxes: impl IntoIterator<Item = Mailbox>) -> Arc<MigrationIndex> {
    Arc::new(MigrationIndex::new(mailboxes))
}

fn settings() -> DetectorSettings {
    let mut settings = DetectorSettings::default();
    let recovered_by = [
        ("outlook_desktop", vec![Channel::OutlookDesktop]),
        (
            "activesync",
            vec![Channel::OutlookMobile, Channel::NativeMail],
        ),
        ("smtp", vec![]),
    ];
    settings.loops.recovered_by = recovered_by.into_iter().collect();
    settings.texts = Arc::new(CauseTexts::parse(TEXTS).expect("a valid file"));
    settings
}

const TEXTS: &str = r#"
[[cause]]
name = "rpc_http_profile"
title = "Old profile"
why = "It speaks RPC."
tell_user = "Restart Outlook."
commands = ["Get-CASMailbox -Identity {upn}"]
source = "KB 3126599"
"#;

fn observe_all(detector: &mut Detector, signals: &[Signal]) {
    signals.iter().for_each(|signal| detector.observe(signal));
}

fn derived(signals: &[Signal], watermark: i64) -> Vec<LoopRow> {
    let mut detector = Detector::new(settings());
    observe_all(&mut detector, signals);
    detector.advance(watermark);
    detector.derive_changed().loops
}

#[test]
fn endings() {
    let last = START + 5 * MINUTE;
    let quiet = 72 * HOUR;
    let next = last + quiet + HOUR;
    let shown = |extra: &[Signal], watermark| {
        let signals = [burst(START), extra.to_vec()].concat();
        let rows = derived(&signals, watermark);
        (
            rows[0].ending.map_or("open", Ending::name),
            rows[0].recovered_at,
        )
    };
    let table = [
        ("nothing yet", vec![], last, ("open", None)),
        ("exactly the silence", vec![], last + quiet, ("open", None)),
        (
            "longer than the silence",
            vec![],
            last + quiet + 1,
            ("went_silent", None),
        ),
        (
            "before the last attempt",
            vec![modern(last - 1)],
            last,
            ("open", None),
        ),
        (
            "with the last attempt",
            vec![modern(last)],
            last,
            ("open", None),
        ),
        (
            "a moment after",
            vec![modern(last + 1)],
            last,
            ("recovered", Some(last + 1)),
        ),
        (
            "a legacy success",
            vec![legacy(last + 1)],
            last,
            ("legacy_accepted", None),
        ),
        (
            "legacy first",
            vec![modern(last + 2), legacy(last + 1)],
            last,
            ("legacy_accepted", None),
        ),
        (
            "modern first",
            vec![modern(last + 1), legacy(last + 2)],
            last,
            ("recovered", Some(last + 1)),
        ),
        (
            "both at once",
            vec![modern(last + 1), legacy(last + 1)],
            last,
            ("recovered", Some(last + 1)),
        ),
        (
            "after the silence",
            vec![modern(last + quiet + 9)],
            last,
            ("recovered", Some(last + quiet + 9)),
        ),
        (
            "after the next episode began",
            vec![attempt(next), modern(next + 1)],
            last,
            ("went_silent", None),
        ),
        (
            "another client's success",
            vec![signal(
                1,
                last + 1,
                SignalKind::ModernSuccess {
                    channel: Channel::OutlookMobile,
                },
            )],
            last,
            ("open", None),
        ),
        (
            "another group's success",
            vec![signal(
                1,
                last + 1,
                SignalKind::LegacySuccess {
                    client_group: "smtp",
                },
            )],
            last,
            ("open", None),
        ),
        (
            "another user's success",
            vec![signal(2, last + 1, modern(0).kind)],
            last,
            ("open", None),
        ),
    ];
    for (case, extra, watermark, expected) in table {
        assert_eq!(shown(&extra, watermark), expected, "{case}");
    }
}

#[test]
fn a_loop_shows_its_columns() {
    let mut detector = Detector::new(settings());
    let cutover = START - 2 * HOUR;
    detector.set_migrations(index([mailbox(1, Some(cutover))]));
    observe_all(&mut detector, &burst(START));
    let mut rows = detector.derive_changed().loops;
    let row = rows.remove(0);
    assert!(rows.is_empty());
    let expected = LoopRow {
        loop_id: crate::domain::loops::id::loop_id(user(1), "outlook_desktop", START),
        revision: 1,
        tenant: 9,
        user: 1,
        user_principal_name: "u1@x.org".to_owned(),
        client_group: "outlook_desktop".to_owned(),
        protocol: Protocol::Ews,
        protocols: vec![Protocol::Ews],
        client_family: "unknown".to_owned(),
        pattern: Pattern::Burst,
        kind: Kind::Direct,
        verdict: Verdict::StuckClient,
        first_attempt: START,
        opened_at: START + 4 * MINUTE,
        last_attempt: START + 5 * MINUTE,
        recovered_at: None,
        attempts: 6,
        distinct_ips: 1,
        batch: Some("b1".to_owned()),
        cutover_at: Some(cutover),
        minutes_since_cutover: Some(120),
        phase: Some(Phase::Settling),
        cause: "rpc_http_profile".to_owned(),
        cause_confidence: 0.8,
        evidence: EVIDENCE.to_owned(),
        fix: "Restart Outlook.\nGet-CASMailbox -Identity 'u1@x.org'".to_owned(),
        state: LoopState::Open,
        ending: None,
        replaces: vec![],
    };
    assert_eq!(row, expected);
}

const EVIDENCE: &str = r#"{"began_at_cutover":"true","client_families":"unknown:6","codes":"53003:6","distinct_ips":"1","failure_classes":"ca_block:6","password_right":"6","password_unknown":"0","password_wrong":"0","regular_cadence":"true"}"#;

#[test]
fn a_loop_before_the_cutover_is_another_than_after_it() {
    let mut detector = Detector::new(settings());
    let cutover = START + HOUR;
    observe_all(&mut detector, &[burst(START), burst(cutover)].concat());
    assert_eq!(
        detector.derive_changed().loops.len(),
        1,
        "one long episode without a cutover"
    );
    detector.set_migrations(index([mailbox(1, Some(cutover))]));
    let rows = detector.derive_changed().loops;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.kind, row.phase, row.ending))
        .collect();
    let before = (
        Kind::Unrelated,
        Some(Phase::Before),
        Some(Ending::WentSilent),
    );
    assert_eq!(shown, [before, (Kind::Direct, Some(Phase::Settling), None)]);
    assert_eq!(
        rows.iter().map(|row| row.revision).collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(rows[0].minutes_since_cutover, Some(-60));
}

#[test]
fn a_migration_long_ago_is_out_of_reach() {
    let kind_at = |since| {
        let mut detector = Detector::new(settings());
        detector.set_migrations(index([mailbox(1, Some(START - since))]));
        observe_all(&mut detector, &burst(START));
        detector.derive_changed().loops[0].kind
    };
    assert_eq!(kind_at(90 * DAY), Kind::Direct);
    assert_eq!(kind_at(90 * DAY + 1), Kind::Unrelated);
}

#[test]
fn only_what_changed_is_emitted_and_time_alone_can_change_it() {
    let mut detector = Detector::new(settings());
    observe_all(&mut detector, &burst(START));
    assert_eq!(detector.derive_changed().loops.len(), 1);
    assert_eq!(detector.derive_changed(), Changes::default());
    assert_eq!(detector.active_loops().count(), 1);
    let last = START + 5 * MINUTE;
    detector.advance(last + HOUR + 1);
    assert_eq!(
        (
            detector.active_loops().count(),
            detector.open_loops().count()
        ),
        (0, 1)
    );
    detector.advance(last + 72 * HOUR);
    assert_eq!(
        detector.derive_changed(),
        Changes::default(),
        "the silence is not yet longer"
    );
    detector.advance(last + 72 * HOUR + 1);
    let rows = detector.derive_changed().loops;
    assert_eq!(
        (rows[0].revision, rows[0].ending),
        (2, Some(Ending::WentSilent))
    );
    assert_eq!(detector.open_loops().count(), 0);
}

#[test]
fn a_recovered_loop_is_reopened_by_attempts_that_go_on() {
    let mut detector = Detector::new(settings());
    observe_all(&mut detector, &burst(START));
    detector.observe(&modern(START + HOUR));
    let closed = detector.derive_changed().loops.remove(0);
    assert_eq!(
        (closed.state, closed.recovered_at),
        (LoopState::Closed, Some(START + HOUR))
    );
    detector.observe(&attempt(START + 2 * HOUR));
    let reopened = detector.derive_changed().loops.remove(0);
    assert_eq!(reopened.loop_id, closed.loop_id);
    assert_eq!(
        (reopened.revision, reopened.state, reopened.recovered_at),
        (2, LoopState::Open, None)
    );
}

#[test]
fn a_late_first_attempt_moves_the_loop_to_another_id() {
    let mut detector = Detector::new(settings());
    observe_all(&mut detector, &burst(START));
    let old = detector.derive_changed().loops.remove(0);
    detector.observe(&attempt(START - 1));
    let rows = detector.derive_changed().loops;
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0].loop_id, rows[0].attempts, rows[0].revision),
        (&old.loop_id, 0, 2)
    );
    assert_eq!((rows[0].state, rows[0].ending), (LoopState::Closed, None));
    assert_eq!((rows[1].attempts, rows[1].revision), (7, 1));
    assert_eq!(rows[1].replaces, [old.loop_id]);
    assert_eq!(detector.open_loops().count(), 1);
    assert_eq!(detector.derive_changed(), Changes::default());
}

#[test]
fn a_late_attempt_joins_two_loops_and_the_earlier_survives() {
    let mut detector = Detector::new(settings());
    let second = START + 100 * HOUR;
    observe_all(&mut detector, &[burst(START), burst(second)].concat());
    let apart = detector.derive_changed().loops;
    assert_eq!(apart.len(), 2);
    detector.observe(&attempt(START + 50 * HOUR));
    let rows = detector.derive_changed().loops;
    assert_eq!((&rows[0].loop_id, rows[0].attempts), (&apart[1].loop_id, 0));
    assert_eq!(
        (&rows[1].loop_id, rows[1].attempts, rows[1].revision),
        (&apart[0].loop_id, 13, 2)
    );
    assert_eq!(rows[1].replaces, [apart[1].loop_id.clone()]);
    detector.observe(&attempt(second + HOUR));
    let later = detector.derive_changed().loops;
    assert_eq!(
        later[0].replaces,
        [apart[1].loop_id.clone()],
        "what was replaced stays replaced"
    );
}

#[test]
fn a_mailbox_goes_from_pending_over_looping_to_reconfigured() {
    let mut detector = Detector::new(settings());
    let cutover = START - HOUR;
    detector.set_migrations(index([mailbox(1, Some(cutover)), mailbox(2, None)]));
    let mut step = |signals: &[Signal], watermark| {
        observe_all(&mut detector, signals);
        detector.advance(watermark);
        let rows = detector.derive_changed().mailbox_states;
        assert!(
            rows.len() <= 1,
            "a mailbox that is not cut over has no state"
        );
        let row = rows.into_iter().next()?;
        let taken = row.minutes_to_reconfigure;
        Some((
            row.user_principal_name,
            row.user,
            row.state,
            row.since,
            taken,
        ))
    };
    let seen = |state, since, taken| Some(("u1@x.org".to_owned(), Some(1), state, since, taken));
    assert_eq!(
        step(&[modern(cutover - 9)], cutover - 1),
        None,
        "the cutover lies ahead"
    );
    assert_eq!(
        step(&[], cutover),
        seen(MailboxState::Pending, cutover, None)
    );
    let looping = seen(MailboxState::Looping, START + 4 * MINUTE, None);
    assert_eq!(step(&burst(START), START), looping);
    let at = START + HOUR + 59 * MINUTE;
    let reconfigured = seen(MailboxState::Reconfigured, at, Some(179));
    assert_eq!(step(&[modern(at)], START), reconfigured);
    assert_eq!(
        step(&[modern(at + 5)], START),
        None,
        "later successes change nothing"
    );
    assert_eq!(
        detector.mailbox_counts(),
        BTreeMap::from([(("b1", MailboxState::Reconfigured), 1)])
    );
    detector.set_migrations(index([]));
    assert_eq!(detector.derive_changed().mailbox_states, []);
    assert_eq!(detector.mailbox_counts(), BTreeMap::new());
}

#[test]
fn an_unseen_mailbox_is_pending_and_keeps_its_key_when_its_owner_appears() {
    let mut detector = Detector::new(settings());
    detector.set_migrations(index([mailbox(1, Some(START))]));
    assert_eq!(
        detector.derive_changed().mailbox_states,
        [],
        "no time is known yet"
    );
    detector.advance(START);
    let unseen = detector.derive_changed().mailbox_states.remove(0);
    assert_eq!(
        (unseen.user, unseen.user_principal_name.as_str()),
        (None, "U1@x.org")
    );
    detector.observe(&modern(START));
    let seen = detector.derive_changed().mailbox_states.remove(0);
    assert_eq!((&seen.mailbox, seen.user), (&unseen.mailbox, Some(1)));
    assert_eq!(
        (seen.state, seen.minutes_to_reconfigure),
        (MailboxState::Reconfigured, Some(0))
    );
}

#[test]
fn an_attack_does_not_make_a_mailbox_loop() {
    let mut detector = Detector::new(settings());
    detector.set_migrations(index([mailbox(1, Some(START))]));
    for ip in 1..=10_u64 {
        let kind = SignalKind::Attempt(Attempt {
            ip,
            ..attempt_of("outlook_desktop")
        });
        detector.observe(&signal(
            1,
            START + i64::try_from(ip).expect("small") * MINUTE,
            kind,
        ));
    }
    let changes = detector.derive_changed();
    assert_eq!(changes.loops[0].verdict, Verdict::AttackSuspected);
    assert_eq!(changes.loops[0].cause, "password_spray");
    assert_eq!(changes.mailbox_states[0].state, MailboxState::Pending);
}

#[test]
fn a_phone_that_changes_its_address_is_no_attack() {
    let mut detector = Detector::new(settings());
    detector.set_migrations(index([mailbox(1, Some(START))]));
    for minute in 1..=48_i64 {
        let ip = 1 + u64::try_from(minute / 4).expect("small");
        let kind = SignalKind::Attempt(Attempt {
            ip,
            ..attempt_of("activesync")
        });
        detector.observe(&signal(1, START + minute * MINUTE, kind));
    }
    let changes = detector.derive_changed();
    assert_eq!(changes.loops[0].distinct_ips, 13);
    assert_eq!(changes.loops[0].verdict, Verdict::StuckClient);
    assert_eq!(changes.mailbox_states[0].state, MailboxState::Looping);
}

#[test]
fn what_is_old_is_forgotten_without_a_retraction() {
    let mut detector = Detector::new(settings());
    detector.set_migrations(index([mailbox(2, Some(START))]));
    observe_all(&mut detector, &burst(START));
    detector.observe(&signal(2, START + HOUR, modern(0).kind));
    assert_eq!(detector.derive_changed().loops.len(), 1);
    for day in 1..40 {
        detector.advance(START + day * DAY);
        let changes = detector.derive_changed();
        assert!(
            changes
                .loops
                .iter()
                .all(|row| row.ending == Some(Ending::WentSilent))
        );
        assert_eq!(changes.mailbox_states, [], "day {day}");
    }
    assert_eq!(
        detector.people(),
        1,
        "the owner of a migrated mailbox stays"
    );
    detector.set_migrations(index([mailbox(2, Some(START))]));
    assert_eq!(detector.derive_changed(), Changes::default());
}

#[test]
fn a_loop_that_never_ends_stays_one_loop_in_bounded_memory() {
    let mut detector = Detector::new(settings());
    let mut ids = BTreeSet::new();
    let mut attempts = 0;
    for n in 0..60 * 24 * 3 {
        detector.observe(&attempt(START + n * 20 * MINUTE));
        if n % 72 == 71 {
            let rows = detector.derive_changed().loops;
            ids.extend(rows.iter().map(|row| row.loop_id.clone()));
            attempts = rows[0].attempts;
            assert_eq!(rows[0].opened_at, START + 80 * MINUTE);
        }
    }
    assert_eq!((ids.len(), attempts), (1, 60 * 24 * 3));
    let person = detector.people.get_mut(&user(1)).expect("remembered");
    let (entries, _) = person.entries();
    assert!(entries < 5 * 72 + 57 * 24 + 100, "{entries}");
}

#[test]
fn a_healthy_person_is_remembered_by_the_day() {
    let mut detector = Detector::new(settings());
    for hour in 0..20 * 24 {
        detector.observe(&modern(START + hour * HOUR));
        detector.derive_changed();
    }
    let person = detector.people.get_mut(&user(1)).expect("remembered");
    let (_, entries) = person.entries();
    assert!((20..5 * 24 + 20).contains(&entries), "{entries}");
}

#[test]
fn a_replay_reaches_back_to_the_start_of_every_living_loop() {
    let mut detector = Detector::new(settings());
    observe_all(&mut detector, &burst(START));
    let rows = detector.derive_changed().loops;
    let mut restarted = Detector::new(settings());
    assert_eq!(restarted.replay_from(START), START - 30 * DAY);
    restarted.seed_emitted(rows, vec![]);
    assert_eq!(restarted.replay_from(START + 40 * DAY), START + 10 * DAY);
    assert_eq!(restarted.replay_from(START + 30 * DAY), START);
}

#[test]
fn a_finding_that_the_replay_does_not_show_again_is_retracted() {
    let mut detector = Detector::new(settings());
    observe_all(&mut detector, &burst(START));
    let rows = detector.derive_changed().loops;
    let mut restarted = Detector::new(settings());
    restarted.seed_emitted(rows.clone(), vec![]);
    restarted.advance(START + HOUR);
    let retracted = restarted.derive_changed().loops;
    assert_eq!(retracted.len(), 1);
    assert_eq!(
        (&retracted[0].loop_id, retracted[0].attempts),
        (&rows[0].loop_id, 0)
    );
    assert_eq!(retracted[0].revision, 2);
    assert_eq!(restarted.derive_changed(), Changes::default());
}

#[test]
fn the_latest_name_is_shown_whatever_came_last() {
    let named = |at, name: &str| Signal {
        user_principal_name: name.to_owned(),
        ..attempt(at)
    };
    let mut signals = burst(START);
    signals.insert(0, named(START + 7 * MINUTE, "new@x.org"));
    assert_eq!(derived(&signals, START)[0].user_principal_name, "new@x.org");
}

#[test]
fn signals_outside_the_calendar_are_not_observed() {
    let mut detector = Detector::new(settings());
    observe_all(
        &mut detector,
        &[attempt(-1), attempt(i64::MAX), attempt(i64::MIN)],
    );
    assert_eq!((detector.people(), detector.watermark()), (0, i64::MIN));
}

#[test]
fn an_import_that_comes_two_days_late_is_exact() {
    let mut detector = Detector::new(settings());
    for hour in 0..48 {
        detector.observe(&modern(START + hour * HOUR));
        detector.derive_changed();
    }
    detector.set_migrations(index([mailbox(1, Some(START + 10 * HOUR + MINUTE))]));
    let row = detector.derive_changed().mailbox_states.remove(0);
    assert_eq!(row.since, START + 11 * HOUR);
    assert_eq!(row.minutes_to_reconfigure, Some(59));
}
