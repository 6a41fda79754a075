//! What the synthetic tenant promises, read back from its bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use serde_json::Value;

use super::calendar::{DAY, HOUR, MINUTE, SECOND, rfc3339, us_date, utc};
use super::dice::{Dice, Guid, Salt};
use super::*;

/// A tenant like the demo's, a quarter of the size.
fn small() -> Plan {
    let mut plan = Plan::weekend();
    plan.users = 500;
    for batch in &mut plan.batches {
        batch.users = 50;
        batch.stuck_share = 0.1;
    }
    plan
}

struct SignIn {
    id: String,
    user: String,
    upn: String,
    created: i64,
    code: u64,
    client: String,
    app: String,
    resource: String,
    ip: String,
    agent: String,
    country: String,
    raw: Value,
}

/// Every sign-in of a user in the small tenant, once.
fn sign_ins() -> &'static (Tenant, Vec<SignIn>) {
    static SIGN_INS: OnceLock<(Tenant, Vec<SignIn>)> = OnceLock::new();
    SIGN_INS.get_or_init(|| {
        let tenant = tenant(&small());
        let mut seen = HashSet::new();
        let read = tenant.events().filter_map(|event| read(&event.json));
        let sign_ins = read
            .filter(|sign_in| seen.insert(sign_in.id.clone()))
            .collect();
        (tenant, sign_ins)
    })
}

fn read(json: &str) -> Option<SignIn> {
    let raw: Value = serde_json::from_str(json).expect("a record is JSON");
    if !matches!(
        raw["category"].as_str(),
        Some("SignInLogs" | "NonInteractiveUserSignInLogs")
    ) {
        return None;
    }
    let text = |key: &str| raw["properties"][key].as_str().expect(key).to_owned();
    let code = &raw["properties"]["status"]["errorCode"];
    Some(SignIn {
        id: text("id"),
        user: text("userId"),
        upn: text("userPrincipalName"),
        created: instant(&text("createdDateTime")),
        code: code
            .as_u64()
            .unwrap_or_else(|| code.as_str().expect("text").parse().expect("code")),
        client: text("clientAppUsed"),
        app: text("appId"),
        resource: text("resourceId"),
        ip: text("ipAddress"),
        agent: text("userAgent"),
        country: raw["location"].as_str().expect("country").to_owned(),
        raw,
    })
}

/// Reads `2026-03-13T18:04:05.1234567+00:00`, by hand so that the writer is not its own judge.
fn instant(text: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().expect("digits");
    let day = utc(number(0..4), number(5..7), number(8..10), number(11..13));
    let zone = if text.ends_with("-05:00") {
        5 * HOUR
    } else {
        0
    };
    day + number(14..16) * MINUTE + number(17..19) * SECOND + number(20..26) + zone
}

fn of<'a>(user: &'a str) -> impl Iterator<Item = &'static SignIn> + 'a {
    sign_ins()
        .1
        .iter()
        .filter(move |sign_in| sign_in.user == user)
}

fn is_modern(sign_in: &SignIn) -> bool {
    matches!(
        &*sign_in.client,
        "Browser" | "Mobile Apps and Desktop clients" | "" | "Unknown"
    )
}

const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

#[test]
fn same_plan_same_bytes_and_another_seed_other_bytes() {
    let plan = small();
    let first: Vec<Event> = tenant(&plan).events().take(5_000).collect();
    let again: Vec<Event> = tenant(&plan).events().take(5_000).collect();
    assert_eq!(first, again);
    let other = Plan {
        seed: plan.seed + 1,
        ..plan
    };
    let other: Vec<Event> = tenant(&other).events().take(5_000).collect();
    assert_ne!(first, other);
}

#[test]
fn records_come_in_order_of_publishing_and_ids_repeat_only_in_exact_copies() {
    let tenant = tenant(&small());
    let mut by_id: HashMap<String, String> = HashMap::new();
    let (mut count, mut copies, mut last) = (0u32, 0u32, i64::MIN);
    for event in tenant.events() {
        assert!(event.published >= last, "published out of order");
        last = event.published;
        count += 1;
        let record: Value = serde_json::from_str(&event.json).expect("a record is JSON");
        let id = record["properties"]["id"].as_str().expect("id").to_owned();
        let published = instant(record["time"].as_str().expect("time"));
        assert!(published <= event.published);
        match by_id.insert(id, event.json.clone()) {
            Some(before) => {
                assert_eq!(before, event.json, "a repeated id must be an exact copy");
                copies += 1;
            }
            None => assert_eq!(published, event.published),
        }
    }
    let share = f64::from(copies) / f64::from(count);
    assert!(
        (0.002..0.009).contains(&share),
        "{copies} copies of {count}"
    );
}

#[test]
fn records_wait_one_to_twelve_minutes_and_few_up_to_two_hours() {
    let (mut late, mut count) = (0, 0);
    let mut backwards = 0;
    let mut newest = i64::MIN;
    for sign_in in &sign_ins().1 {
        let delay = instant(sign_in.raw["time"].as_str().expect("time")) - sign_in.created;
        assert!((MINUTE..=2 * HOUR + SECOND).contains(&delay), "{delay}");
        count += 1;
        late += u32::from(delay > 12 * MINUTE + SECOND);
        backwards += u32::from(sign_in.created < newest);
        newest = newest.max(sign_in.created);
    }
    let share = f64::from(late) / f64::from(count);
    assert!((0.0005..0.004).contains(&share), "{share}");
    assert!(
        backwards > count / 2,
        "order of publishing must not be the order of events"
    );
}

#[test]
fn the_weekend_has_the_size_and_the_cast_of_the_demo() {
    let plan = Plan::weekend();
    let tenant = tenant(&plan);
    let events = tenant.events().count();
    assert!((100_000..120_000).contains(&events), "{events}");
    let mut roles: BTreeMap<Role, usize> = BTreeMap::new();
    for truth in tenant.truth() {
        *roles.entry(truth.role).or_default() += 1;
    }
    let expected = [
        (Role::StuckOutlook, 31),
        (Role::Silent, 12),
        (Role::Delegate, 6),
        (Role::IPhone, 10),
        (Role::StalePhone, 4),
        (Role::BlockedDevice, 3),
        (Role::Device, 9),
        (Role::SprayTarget, 5),
        (Role::SprayHit, 1),
    ];
    assert_eq!(roles, BTreeMap::from(expected));
    let stuck = || {
        tenant
            .truth()
            .iter()
            .filter(|truth| truth.role == Role::StuckOutlook)
    };
    let rescued = stuck().filter(|truth| truth.recovered_at.is_some()).count();
    assert!((7..=14).contains(&rescued), "{rescued}");
    for truth in stuck() {
        let (first, cutover) = (
            truth.first_attempt.expect("tries"),
            truth.cutover.expect("moved"),
        );
        assert!(first > cutover && truth.attempts >= 20, "{truth:?}");
    }
    assert_eq!(tenant.mailboxes().count(), 780);
    let well = tenant
        .mailboxes()
        .filter(|mailbox| mailbox.desktop_at.is_some())
        .count();
    assert!((680..760).contains(&well), "{well}");
}

#[test]
fn the_truth_is_what_the_events_show() {
    for truth in sign_ins().0.truth() {
        let attempts: Vec<&SignIn> = of(&truth.user_id)
            .filter(|sign_in| sign_in.code != 0)
            .filter(|sign_in| !is_modern(sign_in) || truth.role == Role::Device)
            .collect();
        assert_eq!(attempts.len(), truth.attempts as usize, "{truth:?}");
        let created = || attempts.iter().map(|sign_in| sign_in.created);
        assert_eq!(created().min(), truth.first_attempt, "{truth:?}");
        assert_eq!(created().max(), truth.last_attempt, "{truth:?}");
        if matches!(
            truth.role,
            Role::StuckOutlook | Role::Delegate | Role::IPhone
        ) {
            let cutover = truth.cutover.expect("a cutover lies behind it");
            let blocked = attempts.iter().filter(|sign_in| sign_in.code == 53003);
            assert!(
                blocked.filter(|sign_in| sign_in.created > cutover).count() >= 5,
                "{truth:?}"
            );
        }
    }
}

#[test]
fn a_stuck_outlook_shows_no_modern_success_until_the_help_desk_came() {
    let stuck = |truth: &&Truth| truth.role == Role::StuckOutlook;
    let mut rescued = 0;
    for truth in sign_ins().0.truth().iter().filter(stuck) {
        let outlook = of(&truth.user_id)
            .filter(|sign_in| sign_in.app == "d3590ed6-52b3-4102-aeff-aad2292ab01c")
            .filter(|sign_in| sign_in.resource == EXCHANGE && sign_in.code == 0);
        let first = outlook.map(|sign_in| sign_in.created).min();
        assert_eq!(first, truth.recovered_at, "{truth:?}");
        rescued += u32::from(first.is_some());
        let clients: BTreeSet<&str> = of(&truth.user_id)
            .filter(|sign_in| sign_in.code == 53003)
            .map(|sign_in| &*sign_in.client)
            .collect();
        assert!(
            clients.len() >= 3,
            "one Outlook speaks several protocols: {clients:?}"
        );
        let agents: BTreeSet<&str> = of(&truth.user_id)
            .filter(|sign_in| sign_in.code == 53003)
            .map(|sign_in| &*sign_in.agent)
            .collect();
        assert_eq!(agents.len(), 1);
    }
    assert!(rescued >= 2, "{rescued}");
}

#[test]
fn a_block_follows_a_right_password_and_names_the_policy() {
    let mut blocks = 0;
    for sign_in in sign_ins().1.iter().filter(|sign_in| sign_in.code == 53003) {
        let properties = &sign_in.raw["properties"];
        assert_eq!(properties["authenticationDetails"][0]["succeeded"], true);
        assert_eq!(properties["conditionalAccessStatus"], "failure");
        let policies = properties["appliedConditionalAccessPolicies"]
            .as_array()
            .expect("list");
        assert!((2..=5).contains(&policies.len()));
        let failing: Vec<&Value> = policies
            .iter()
            .filter(|policy| policy["result"] == "failure")
            .collect();
        assert_eq!(failing.len(), 1);
        assert_eq!(failing[0]["displayName"], "Block legacy authentication");
        assert_eq!(failing[0]["enforcedGrantControls"][0], "Block");
        assert_eq!(failing[0]["conditionsSatisfied"], 19);
        assert_eq!(failing[0]["conditionsNotSatisfied"], 0);
        blocks += 1;
    }
    assert!(blocks > 1_000, "{blocks}");
}

#[test]
fn a_mailbox_on_premises_leaves_no_exchange_event_before_its_cutover() {
    let tenant = &sign_ins().0;
    let mut checked = 0;
    for mailbox in tenant.mailboxes() {
        let ours = |sign_in: &&SignIn| sign_in.resource == EXCHANGE && is_modern(sign_in);
        let first = of(&mailbox.user_id)
            .filter(ours)
            .filter(|sign_in| sign_in.code == 0)
            .map(|sign_in| sign_in.created)
            .min();
        assert!(
            first.is_none_or(|first| first > mailbox.cutover),
            "{mailbox:?}"
        );
        let own = [mailbox.desktop_at, mailbox.phone_at].into_iter().flatten();
        for expected in own {
            assert!(of(&mailbox.user_id).any(|sign_in| sign_in.created == expected));
            checked += 1;
        }
        if mailbox.role == Role::Silent {
            assert_eq!(first, None);
            assert!(
                of(&mailbox.user_id).any(|sign_in| sign_in.code == 0),
                "active elsewhere"
            );
        }
        if mailbox.role == Role::Away {
            let own = of(&mailbox.user_id).filter(|sign_in| sign_in.country != "BR");
            assert_eq!(own.filter(|sign_in| sign_in.code == 0).count(), 0);
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn the_attacker_comes_from_many_places_and_the_stuck_client_from_few() {
    let ips = |user: &str| {
        let failed = of(user).filter(|sign_in| sign_in.code != 0 && !is_modern(sign_in));
        failed
            .map(|sign_in| sign_in.ip.clone())
            .collect::<BTreeSet<_>>()
    };
    let home = ["DE", "AT", "CH", "NL", "IT"];
    for truth in sign_ins().0.truth() {
        match truth.role {
            Role::SprayTarget => {
                assert!(
                    ips(&truth.user_id).len() >= 20 && truth.attempts >= 40,
                    "{truth:?}"
                );
            }
            Role::StuckOutlook | Role::Delegate => assert!(ips(&truth.user_id).len() <= 3),
            Role::StalePhone => assert_eq!(ips(&truth.user_id).len(), 1),
            Role::SprayHit => {
                let mut blocked = of(&truth.user_id).filter(|sign_in| sign_in.code == 53003);
                assert!(blocked.all(|sign_in| !home.contains(&&*sign_in.country)));
                assert!(truth.attempts >= 2);
            }
            _ => {}
        }
    }
    let nobody: Vec<&SignIn> = sign_ins()
        .1
        .iter()
        .filter(|sign_in| sign_in.code == 50034)
        .collect();
    assert!(nobody.len() >= 10);
    for sign_in in nobody {
        assert!(sign_in.user.is_empty() || sign_in.user.starts_with("00000000-"));
        assert!(sign_in.upn.ends_with("@contoso.example"));
    }
}

#[test]
fn codes_levels_and_categories_drift_as_in_real_streams() {
    let mut codes = BTreeSet::new();
    let (mut shapes, mut categories) = (BTreeSet::new(), BTreeSet::new());
    for event in tenant(&small()).events() {
        let record: Value = serde_json::from_str(&event.json).expect("a record is JSON");
        categories.insert(record["category"].as_str().expect("category").to_owned());
        let level = record
            .get("Level")
            .or_else(|| record.get("level"))
            .expect("level");
        shapes.insert(format!("level {level}"));
        if let Some(code) = record.get("resultType") {
            shapes.insert(format!("resultType is text: {}", code.is_string()));
            let text = code
                .as_str()
                .map(str::to_owned)
                .unwrap_or_else(|| code.to_string());
            codes.insert(text.parse::<u64>().expect("code"));
        }
    }
    let expected = [
        0, 50034, 50053, 50058, 50074, 50076, 50126, 50140, 53003, 70043, 7000215,
    ];
    assert_eq!(codes, BTreeSet::from(expected));
    let expected = [
        "AuditLogs",
        "ManagedIdentitySignInLogs",
        "NonInteractiveUserSignInLogs",
        "ServicePrincipalSignInLogs",
        "SignInLogs",
    ];
    assert_eq!(categories, expected.map(str::to_owned).into());
    let expected = [
        "level \"4\"",
        "level \"Informational\"",
        "level 4",
        "resultType is text: false",
        "resultType is text: true",
    ];
    assert_eq!(shapes, expected.map(str::to_owned).into());
}

#[test]
fn bulk_has_enough_records_of_the_right_weight() {
    for records in [1_000, 20_000] {
        let events = tenant(&Plan::bulk(records)).events().count() as u64;
        assert!(
            (records..records * 2 + 3_000).contains(&events),
            "{events} for {records}"
        );
    }
    let tenant = tenant(&Plan::bulk(400_000));
    let (mut bytes, mut policies) = (0, BTreeSet::new());
    for event in tenant.events().take(10_000) {
        bytes += event.json.len();
        let record: Value = serde_json::from_str(&event.json).expect("a record is JSON");
        if let Some(list) = record["properties"]["appliedConditionalAccessPolicies"].as_array() {
            policies.insert(list.len());
        }
    }
    let mean = bytes / 10_000;
    assert!((6_000..7_000).contains(&mean), "{mean}");
    assert_eq!(policies, BTreeSet::from([0, 3, 4, 5, 6, 7, 8]));
}

#[test]
fn an_envelope_holds_the_records_as_they_are() {
    let events: Vec<Event> = tenant(&small()).events().take(3).collect();
    let message: Value = serde_json::from_slice(&envelope(&events)).expect("a message is JSON");
    let records = message["records"].as_array().expect("records");
    assert_eq!(records.len(), 3);
    assert_eq!(
        records[2],
        serde_json::from_str::<Value>(&events[2].json).expect("JSON")
    );
    assert_eq!(envelope(&[]), br#"{"records":[]}"#);
}

#[test]
fn exports_join_to_the_sign_ins() {
    let tenant = &sign_ins().0;
    let plain = tenant.migration_csv();
    let mailbox = tenant.mailboxes().next().expect("somebody moves");
    let row = format!(
        "{},{},{}\n",
        mailbox.upn,
        rfc3339(mailbox.cutover),
        mailbox.batch
    );
    assert!(plain.starts_with("user,cutover_at,batch\n") && plain.contains(&row));
    assert_eq!(plain.lines().count(), 151);

    let alias = mailbox.upn.split('@').next().expect("local part");
    let moves = tenant.move_request_csv();
    let line = moves
        .lines()
        .find(|line| line.contains(&format!("\"{alias}\"")))
        .expect("moved");
    assert!(line.contains(&format!("\"MigrationService:{}\"", mailbox.batch)));
    assert!(line.contains(&format!("\"{}\"", us_date(mailbox.cutover))));
    assert_eq!(moves.lines().count(), 151);

    let mailboxes = tenant.mailbox_csv();
    assert!(mailboxes.contains(&format!("\"{}\",\"{}\"", mailbox.user_id, mailbox.upn)));
    let permissions = tenant.permissions_csv();
    for truth in tenant
        .truth()
        .iter()
        .filter(|truth| truth.role == Role::Delegate)
    {
        let boss = truth.opens.as_deref().expect("a delegate opens a mailbox");
        assert!(permissions.contains(&format!("\"{boss}\",\"{}\",\"{{FullAccess}}\"", truth.upn)));
    }
}

#[test]
fn nobody_shares_an_address_and_hard_names_survive() {
    let tenant = tenant(&Plan::bulk(1));
    let addresses: HashSet<&str> = tenant.people.iter().map(|person| &*person.upn).collect();
    assert_eq!(addresses.len(), tenant.people.len());
    for person in &tenant.people {
        assert_eq!(person.upn, person.upn.to_lowercase());
        assert!(person.upn.is_ascii());
        let decoded: String = serde_json::from_str(&person.display_json).expect("JSON");
        assert_eq!(decoded, person.display);
    }
    for needle in ["\"", "<extern>", "&amp;", "\\u0026", "ü", "\t"] {
        assert!(
            tenant
                .people
                .iter()
                .any(|person| person.display.contains(needle)),
            "{needle}"
        );
    }
}

#[test]
fn the_calendar_knows_leap_days_and_both_halves_of_a_day() {
    assert_eq!(utc(1970, 1, 1, 0), 0);
    assert_eq!(utc(2026, 3, 12, 12), 1_773_316_800 * SECOND);
    assert_eq!(rfc3339(utc(2024, 2, 29, 23) + DAY), "2024-03-01T23:00:00Z");
    assert_eq!(us_date(utc(2026, 3, 13, 0)), "3/13/2026 12:00:00 AM");
    assert_eq!(
        us_date(utc(2026, 12, 1, 13) + 5 * SECOND),
        "12/1/2026 1:00:05 PM"
    );
    assert!(calendar::is_weekend(utc(2026, 3, 14, 0) / DAY));
    assert!(!calendar::is_weekend(utc(2026, 3, 16, 0) / DAY));
}

#[test]
fn dice_are_the_same_for_ever() {
    let mut dice = Dice::new(1, Salt::Person, 2, 3);
    assert_eq!(dice.guid().text(), "b2af5652-f1ee-42fa-8830-ff8e849c1554");
    let guid = Guid::new(0);
    assert_eq!(guid.text(), "00000000-0000-4000-8000-000000000000");
    let mut token = String::new();
    Guid(0x6465_6667_6869_6a6b_6c6d_6e6f_7071_7273).push_base64(&mut token);
    assert_eq!(token, "ZGVmZ2hpamtsbW5vcHFycw");
}
