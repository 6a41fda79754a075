//! Records in, verdicts out, and the story of how they were reached.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::trace::{Part, Step, Steps};
use super::*;
use crate::domain::decode::normalise::{Normalised, normalise};
use crate::domain::decode::record::Record;
use crate::domain::knowledge::TABLES;
use crate::domain::sign_in::AuthClassReason;
use crate::domain::signal::{Facts, Signal, SignalKind};

const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
const SOMEBODY: &str = "00000000-1111-4222-8333-000000000001";

/// Judges the record with these fields of `properties`.
fn judged<T>(fields: &Value, judge: impl FnOnce(&SignIn) -> T) -> T {
    let mut properties = json!({"id": "a", "createdDateTime": "2026-03-13T16:00:00Z"});
    for (key, value) in fields.as_object().expect("fields") {
        properties[key] = value.clone();
    }
    let category = fields
        .get("category")
        .and_then(|name| name.as_str())
        .unwrap_or("SignInLogs");
    let text = json!({"category": category, "properties": properties}).to_string();
    let record: Record = serde_json::from_str(&text).expect("readable");
    match normalise(&record, None) {
        Normalised::SignIn(sign_in) => judge(&sign_in),
        other => panic!("{other:?}"),
    }
}

/// The verdict on a record with these fields of `properties`.
fn verdict(fields: &Value) -> Verdict {
    judged(fields, |sign_in| {
        Classifier::new(Knowledge::builtin()).classify(sign_in)
    })
}

/// The same with the signal, and every rule that was tried.
fn traced(fields: &Value) -> (Verdict, Option<Signal>, Steps) {
    judged(fields, |sign_in| {
        let mut steps = Steps::default();
        let mut classifier = Classifier::new(Knowledge::builtin());
        let verdict = classifier.classify_traced(sign_in, &mut steps);
        let facts = Facts::of(sign_in, &verdict);
        let signal = facts.signal_traced(Knowledge::builtin(), &mut steps);
        (verdict, signal, steps)
    })
}

fn blocked_by(client: &str, mask: u32, control: &str) -> Option<BlockReason> {
    verdict(
        &json!({"clientAppUsed": client, "status": {"errorCode": 53003},
        "appliedConditionalAccessPolicies": [
            {"result": "reportOnlyFailure", "enforcedGrantControls": ["Block"],
                "conditionsSatisfied": 19},
            {"result": "failure", "enforcedGrantControls": [control],
                "conditionsSatisfied": mask}]}),
    )
    .block_reason
}

#[test]
fn the_client_app_decides_before_the_user_agent() {
    let of = |app: &str, agent: &str, protocol: &str| {
        let found = verdict(&json!({"clientAppUsed": app, "userAgent": agent,
            "authenticationProtocol": protocol, "status": {"errorCode": 0}}));
        (found.auth_class, found.auth_class_reason, found.protocol)
    };
    assert_eq!(
        of("Exchange ActiveSync", "", ""),
        (AuthClass::Legacy, "client_app", Protocol::Activesync)
    );
    assert_eq!(
        of(" other clients; IMAP ", "", ""),
        (AuthClass::Legacy, "client_app", Protocol::Imap)
    );
    assert_eq!(
        of("Other clients", "", ""),
        (AuthClass::Legacy, "client_app", Protocol::OtherLegacy)
    );
    let modern = "Mobile Apps and Desktop clients";
    assert_eq!(
        of(modern, "BAV2ROPC", "ropc"),
        (AuthClass::Legacy, "user_agent", Protocol::Unknown)
    );
    assert_eq!(of("IMAP4", "BAV2ROPC", "ropc").2, Protocol::Imap);
    assert_eq!(
        of(modern, "", "ropc"),
        (
            AuthClass::Ropc,
            "authentication_protocol",
            Protocol::NativeApp
        )
    );
    assert_eq!(
        of(modern, "", "none"),
        (AuthClass::Modern, "client_app", Protocol::NativeApp)
    );
    assert_eq!(
        of("", "", ""),
        (AuthClass::Unknown, "no_client_app", Protocol::Unknown)
    );
    assert_eq!(of("Telnet", "", "").1, "unknown_client_app");
}

#[test]
fn a_protocol_that_is_modern_only_tells_the_class_where_no_client_app_does() {
    let of = |app: &str, protocol: &str| {
        let found = verdict(
            &json!({"clientAppUsed": app, "authenticationProtocol": protocol,
            "status": {"errorCode": 0}}),
        );
        (found.auth_class, found.auth_class_reason)
    };
    for app in ["", "Unknown"] {
        for protocol in ["deviceCode", "oAuth2", "OAUTH2"] {
            assert_eq!(of(app, protocol), (AuthClass::Modern, "modern_protocol"));
        }
        for protocol in ["", "none", "saml20", "wsFederation", "nativeAuth", "x"] {
            assert_eq!(of(app, protocol).0, AuthClass::Unknown, "{protocol}");
        }
    }
    // A client app that nobody knows may be a protocol of its own.
    assert_eq!(of("Telnet", "oAuth2").0, AuthClass::Unknown);
    assert_eq!(of("IMAP4", "oAuth2").0, AuthClass::Legacy);
}

#[test]
fn a_password_that_exchange_turned_into_a_token_is_a_loop_of_its_own_group() {
    let of = |app: &str, agent: &str| {
        let (verdict, signal, steps) = traced(&json!({"clientAppUsed": app, "userAgent": agent,
            "authenticationProtocol": "ropc", "userId": SOMEBODY,
            "status": {"errorCode": 50126}}));
        check_steps(&verdict, signal.as_ref(), &steps);
        match signal.map(|signal| signal.kind) {
            Some(SignalKind::Attempt(attempt)) => attempt.client_group,
            other => panic!("{other:?}"),
        }
    };
    for app in ["Mobile Apps and Desktop clients", "Browser", ""] {
        assert_eq!(of(app, "BAV2ROPC"), "proxied_basic", "{app}");
        assert_eq!(of(app, "CBAInPROD"), "proxied_basic", "{app}");
    }
    assert_eq!(of("IMAP4", "BAV2ROPC"), "imap_pop");
    assert_eq!(of("Mobile Apps and Desktop clients", ""), "ropc");
}

#[test]
fn every_rule_that_decides_the_class_is_in_the_list_of_reasons() {
    let (_, _, steps) = traced(&json!({"clientAppUsed": "Telnet"}));
    let tried = steps.decisions().next().expect("the class comes first");
    assert_eq!(
        tried.last().map(|step| step.rule),
        Some("unknown_client_app")
    );
    let reasons = tried.iter().map(|step| AuthClassReason::parse(step.rule));
    let reasons: HashSet<Option<AuthClassReason>> = reasons.collect();
    assert_eq!(
        reasons,
        AuthClassReason::ALL.iter().copied().map(Some).collect()
    );
}

#[test]
fn a_record_of_no_person_has_no_class() {
    let found = verdict(
        &json!({"category": "ServicePrincipalSignInLogs", "clientAppUsed": "Other clients"}),
    );
    assert_eq!(found.auth_class, AuthClass::NotApplicable);
    // Neither a status nor a result type: nothing says that it succeeded.
    assert_eq!(
        (found.outcome, found.unknown_error_code),
        (Outcome::Failed, false)
    );
}

#[test]
fn an_mfa_interrupt_is_a_step_for_modern_and_the_end_for_legacy_clients() {
    let of = |app: &str| {
        let found = verdict(&json!({"clientAppUsed": app, "status": {"errorCode": 50076}}));
        (found.outcome, found.block_reason)
    };
    assert_eq!(of("Browser"), (Outcome::Interrupted, None));
    assert_eq!(
        of("IMAP4"),
        (
            Outcome::Blocked,
            Some(BlockReason::LegacyCannotSatisfyControl)
        )
    );
}

#[test]
fn the_failing_policy_tells_why_it_was_blocked() {
    assert_eq!(
        blocked_by("Other clients", 19, "Block"),
        Some(BlockReason::LegacyAuthPolicy)
    );
    assert_eq!(
        blocked_by("Other clients", 27, "Block"),
        Some(BlockReason::LegacyPlusCondition)
    );
    assert_eq!(
        blocked_by("Other clients", 3, "Block"),
        Some(BlockReason::BlanketPolicy)
    );
    assert_eq!(
        blocked_by("Other clients", 11, "Block"),
        Some(BlockReason::Location)
    );
    assert_eq!(
        blocked_by("Browser", 19, "Block"),
        Some(BlockReason::ClientTypePolicy)
    );
    assert_eq!(blocked_by("Browser", 35, "Block"), Some(BlockReason::Risk));
    assert_eq!(blocked_by("Browser", 7, "Block"), Some(BlockReason::Device));
    assert_eq!(
        blocked_by("Other clients", 19, "Mfa"),
        Some(BlockReason::LegacyCannotSatisfyControl)
    );
}

/// The reason of a block by these policies, of which each failed, and the rules that told.
fn told(client: &str, code: i32, policies: &[Value]) -> (Option<BlockReason>, Vec<&'static str>) {
    let failed = |policy: &Value| {
        let mut policy = policy.clone();
        policy["result"] = json!("failure");
        policy
    };
    let policies: Vec<Value> = policies.iter().map(failed).collect();
    let (verdict, _, steps) = traced(&json!({"clientAppUsed": client,
        "status": {"errorCode": code}, "appliedConditionalAccessPolicies": policies}));
    let last = steps.decisions().filter_map(<[Step]>::last);
    let of_policies = last.filter(|step| step.part == Part::Policy);
    (
        verdict.block_reason,
        of_policies.map(|step| step.rule).collect(),
    )
}

#[test]
fn a_policy_whose_conditions_are_not_told_explains_nothing() {
    let untold = json!({"enforcedGrantControls": ["Block"]});
    let none = |conditions: Value| {
        let block = json!(["Block"]);
        json!({"enforcedGrantControls": block, "conditionsSatisfied": conditions})
    };
    for client in ["Other clients", "Browser"] {
        for policy in [&untold, &none(json!(null)), &none(json!([]))] {
            let expected = (Some(BlockReason::Unexplained), vec!["conditions_not_told"]);
            assert_eq!(
                told(client, 53003, std::slice::from_ref(policy)),
                expected,
                "{policy}"
            );
        }
        for policy in [none(json!(0)), none(json!("none")), none(json!(""))] {
            let expected = (Some(BlockReason::BlanketPolicy), vec!["everything"]);
            assert_eq!(
                told(client, 53003, std::slice::from_ref(&policy)),
                expected,
                "{policy}"
            );
        }
    }
    let (reason, rules) = told("Other clients", 53003, &[untold, none(json!(11))]);
    assert_eq!(reason, Some(BlockReason::Location));
    assert_eq!(rules, ["conditions_not_told", "location"]);
}

#[test]
fn what_a_policy_demands_tells_what_a_modern_client_lacked() {
    let of = |code: i32, controls: Value| {
        let policy = json!({"enforcedGrantControls": controls, "conditionsSatisfied": 19});
        let (modern, _) = told("Browser", code, std::slice::from_ref(&policy));
        let (legacy, _) = told("Other clients", code, &[policy]);
        (modern.expect("blocked"), legacy.expect("blocked"))
    };
    for (controls, expected) in [
        (json!(["RequireCompliantDevice"]), BlockReason::Device),
        (
            json!(["requiredomainjoineddevice", "compliantDevice"]),
            BlockReason::Device,
        ),
        (json!(["Mfa"]), BlockReason::MfaRequired),
        (
            json!(["RequireApprovedApp", "RequireCompliantApp"]),
            BlockReason::AppProtection,
        ),
        (json!(["Guest terms of use"]), BlockReason::TermsOfUse),
        (json!(["PasswordChange"]), BlockReason::PasswordChange),
        (json!(["Duo"]), BlockReason::ControlNotMet),
        (
            json!(["RequireCompliantDevice", "Mfa"]),
            BlockReason::ControlNotMet,
        ),
    ] {
        let reasons = (expected, BlockReason::LegacyCannotSatisfyControl);
        assert_eq!(of(53003, controls.clone()), reasons, "{controls}");
    }
    // The code says which of the two it was.
    assert_eq!(
        of(53000, json!(["Mfa", "RequireCompliantDevice"])).0,
        BlockReason::Device
    );
    let nothing = (BlockReason::Unexplained, BlockReason::Unexplained);
    assert_eq!(of(53003, json!([])), nothing);
    assert_eq!(of(53003, json!([""])), nothing);
}

#[test]
fn a_result_fails_in_any_spelling_and_a_report_never_does() {
    let of = |result: Value| {
        let fields = json!({"clientAppUsed": "Other clients", "status": {"errorCode": 53003},
            "appliedConditionalAccessPolicies": [{"result": result,
                "enforcedGrantControls": ["Block"], "conditionsSatisfied": 19}]});
        verdict(&fields).block_reason
    };
    for result in [json!("failure"), json!("FAILURE"), json!("1"), json!(1)] {
        assert_eq!(
            of(result.clone()),
            Some(BlockReason::LegacyAuthPolicy),
            "{result}"
        );
    }
    for result in [
        json!("reportOnlyFailure"),
        json!(7),
        json!("2"),
        json!(null),
    ] {
        assert_eq!(
            of(result.clone()),
            Some(BlockReason::Unexplained),
            "{result}"
        );
    }
}

#[test]
fn a_block_without_a_failing_policy_is_not_explained_away() {
    let found = verdict(&json!({"clientAppUsed": "Other clients", "status": {"errorCode": 53003}}));
    assert_eq!(found.block_reason, Some(BlockReason::Unexplained));
    let found =
        verdict(&json!({"clientAppUsed": "Other clients", "status": {"errorCode": 530035}}));
    assert_eq!(found.block_reason, Some(BlockReason::SecurityDefaults));
}

#[test]
fn the_password_was_right_if_its_step_passed_or_a_policy_was_reached() {
    let of = |code: i32, app: &str, step: Option<bool>| {
        let steps: Vec<_> = step
            .map(|passed| json!({"authenticationMethod": "Password", "succeeded": passed}))
            .into_iter()
            .collect();
        verdict(&json!({"clientAppUsed": app, "status": {"errorCode": code},
            "authenticationDetails": steps}))
        .password_verified
    };
    assert_eq!(
        of(53003, "Other clients", Some(true)),
        PasswordVerified::Yes
    );
    assert_eq!(of(53003, "Other clients", None), PasswordVerified::Yes);
    assert_eq!(of(53003, "Browser", None), PasswordVerified::Unknown);
    assert_eq!(of(50126, "Other clients", None), PasswordVerified::No);
    assert_eq!(of(50053, "Other clients", None), PasswordVerified::Unknown);
    assert_eq!(of(0, "IMAP4", None), PasswordVerified::Yes);
}

#[test]
fn an_unknown_code_is_a_failure_and_counted() {
    let found = verdict(&json!({"clientAppUsed": "Browser", "status": {"errorCode": 99_999_999}}));
    assert_eq!(
        (found.outcome, found.failure_class),
        (Outcome::Failed, Some(FailureClass::Other.name()))
    );
    assert!(found.unknown_error_code);
}

#[test]
fn a_modern_success_at_exchange_has_a_channel() {
    let of = |app: &str, resource: &str| {
        verdict(
            &json!({"clientAppUsed": "Mobile Apps and Desktop clients", "appId": app,
            "resourceId": resource, "status": {"errorCode": 0}}),
        )
        .channel
    };
    assert_eq!(
        of("d3590ed6-52b3-4102-aeff-aad2292ab01c", EXCHANGE),
        Some(Channel::OutlookDesktop)
    );
    assert_eq!(
        of("27922004-5251-4030-b22d-91ecd9a37ea4", EXCHANGE),
        Some(Channel::OutlookMobile)
    );
    assert_eq!(
        of("1fec8e78-bce4-4aaf-ab1b-5451cc387264", EXCHANGE),
        Some(Channel::OtherMail)
    );
    assert_eq!(
        of(
            "d3590ed6-52b3-4102-aeff-aad2292ab01c",
            "00000003-0000-0000-c000-000000000000"
        ),
        None
    );
}

/// One of these.
fn of(values: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(values)
}

fn client() -> impl Strategy<Value = Value> {
    let apps = [
        "Browser",
        "Mobile Apps and Desktop clients",
        "Other clients; IMAP",
        "Other clients",
        "Exchange ActiveSync",
        "Autodiscover",
        "Unknown",
        "Telnet",
        "",
    ];
    let agents = [
        "BAV2ROPC",
        "Mozilla/5.0 (Windows NT 10.0)",
        "Apple-iPhone12C1/1",
        "python-requests/2",
        "Microsoft Office/16.0",
        "Thunderbird",
        "none of these",
        "",
    ];
    let ids = [
        "d3590ed6-52b3-4102-aeff-aad2292ab01c",
        "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
        "497effe9-df71-4043-a8bb-14cf78c4b63b",
        "29d9ed98-a469-4536-ade2-f981bc1d605e",
        "",
    ];
    let (apps, agents, ids) = (apps.to_vec(), agents.to_vec(), ids.to_vec());
    let select = prop::sample::select::<&str>;
    let protocol = of(&["ropc", "ROPC", "oAuth2", "deviceCode", "none", ""]);
    let fields = (select(apps), select(agents), select(ids), protocol);
    fields.prop_map(|(app, agent, id, protocol)| {
        json!({"clientAppUsed": app, "userAgent": agent, "appId": id,
            "authenticationProtocol": protocol})
    })
}

fn policy() -> impl Strategy<Value = Value> {
    let results = of(&["failure", "1", "success", "notApplied", "reportOnlyFailure"]);
    let controls = of(&["Block", "Mfa", "RequireCompliantDevice", "Duo", ""]);
    let masks = prop::option::weighted(0.8, 0..512_u32);
    (results, controls, masks).prop_map(|(result, control, mask)| {
        json!({"displayName": "p", "result": result, "enforcedGrantControls": [control],
            "conditionsSatisfied": mask})
    })
}

fn step() -> impl Strategy<Value = Value> {
    let methods = of(&["Password", "Previously satisfied"]);
    (methods, prop::option::of(any::<bool>())).prop_map(
        |(method, succeeded)| json!({"authenticationMethod": method, "succeeded": succeeded}),
    )
}

/// Fields that decide something, known and unknown values of each.
fn fields() -> impl Strategy<Value = Value> {
    let codes = vec![
        0, 50_053, 50_076, 50_126, 50_140, 53_000, 53_003, 53_011, 530_032, 530_035, 99_999_999,
    ];
    let rest = (
        of(&["SignInLogs", "ADFSSignInLogs", "ManagedIdentitySignInLogs"]),
        of(&[SOMEBODY, "00000000-0000-0000-0000-000000000000", ""]),
        of(&[EXCHANGE, "00000003-0000-0000-c000-000000000000", ""]),
        prop::option::weighted(0.9, prop::sample::select(codes)),
        prop::collection::vec(policy(), 0..4),
        prop::collection::vec(step(), 0..3),
    );
    (client(), rest).prop_map(
        |(mut fields, (category, user, resource, code, policies, steps))| {
            fields["category"] = json!(category);
            fields["userId"] = json!(user);
            fields["resourceId"] = json!(resource);
            fields["status"] = json!({"errorCode": code});
            fields["appliedConditionalAccessPolicies"] = json!(policies);
            fields["authenticationDetails"] = json!(steps);
            fields
        },
    )
}

/// What was decided about a part and by which rule; only policies are decided on more than once.
fn decided(steps: &Steps, part: Part) -> Option<(&'static str, &'static str)> {
    let last = steps.decisions().filter_map(<[Step]>::last);
    let of_part: Vec<&Step> = last.filter(|step| step.part == part).collect();
    assert!(of_part.len() <= 1, "{part:?} was decided twice");
    let step = of_part.first()?;
    Some((
        step.decided.expect("the last step of a decision decides"),
        step.rule,
    ))
}

/// Every answer that the steps give is the one in the verdict and the signal.
fn check_steps(verdict: &Verdict, signal: Option<&Signal>, steps: &Steps) {
    for steps in steps.decisions() {
        let (last, before) = steps.split_last().expect("a decision has steps");
        assert!(
            last.decided.is_some(),
            "{last:?} ends a decision and decides nothing"
        );
        assert!(
            before
                .iter()
                .all(|step| step.part == last.part && step.decided.is_none())
        );
        assert!(steps.iter().all(|step| !step.evidence.is_empty()));
    }
    let none = "none";
    let expected = [
        (Part::AuthClass, verdict.auth_class.name()),
        (Part::Protocol, verdict.protocol.name()),
        (Part::ClientFamily, verdict.client_family),
        (Part::FailureClass, verdict.failure_class.unwrap_or(none)),
        (Part::Outcome, verdict.outcome.name()),
        (
            Part::BlockReason,
            verdict.block_reason.map_or(none, BlockReason::name),
        ),
        (Part::PasswordVerified, verdict.password_verified.name()),
        (Part::Channel, verdict.channel.map_or(none, Channel::name)),
    ];
    for (part, value) in expected {
        assert_eq!(
            decided(steps, part).map(|(value, _)| value),
            Some(value),
            "{part:?}"
        );
    }
    let rule = decided(steps, Part::AuthClass).map(|(_, rule)| rule);
    assert_eq!(rule, Some(verdict.auth_class_reason));
    let (meaning, group) = match signal.map(|signal| &signal.kind) {
        None => (none, None),
        Some(SignalKind::ModernSuccess { .. }) => ("modern_success", None),
        Some(SignalKind::LegacySuccess { client_group }) => ("legacy_success", Some(*client_group)),
        Some(SignalKind::Attempt(attempt)) => ("attempt", Some(attempt.client_group)),
    };
    assert_eq!(
        decided(steps, Part::Signal).map(|(value, _)| value),
        Some(meaning)
    );
    assert_eq!(
        decided(steps, Part::ClientGroup).map(|(value, _)| value),
        group
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn who_asks_for_the_rules_gets_the_verdict_of_who_does_not(fields in fields()) {
        let plain = judged(&fields, |sign_in| {
            let verdict = Classifier::new(Knowledge::builtin()).classify(sign_in);
            let signal = Facts::of(sign_in, &verdict).signal(Knowledge::builtin());
            (verdict, signal)
        });
        let (verdict, signal, steps) = traced(&fields);
        check_steps(&verdict, signal.as_ref(), &steps);
        prop_assert_eq!(plain, (verdict, signal));
    }
}

#[test]
fn a_policy_that_blocks_tells_its_own_rule() {
    let (verdict, _, steps) = traced(&json!({"clientAppUsed": "Other clients",
        "status": {"errorCode": 53003}, "appliedConditionalAccessPolicies": [
            {"result": "failure", "enforcedGrantControls": ["Mfa"], "conditionsSatisfied": 19},
            {"result": "reportOnlyFailure", "enforcedGrantControls": ["Block"],
                "conditionsSatisfied": 3},
            {"result": "failure", "enforcedGrantControls": ["Block"],
                "conditionsSatisfied": 19}]}));
    let last = steps.decisions().filter_map(<[Step]>::last);
    let rules: Vec<&str> = last
        .filter(|step| step.part == Part::Policy)
        .map(|step| step.rule)
        .collect();
    assert_eq!(rules, ["legacy_cannot_satisfy_control", "legacy_clients"]);
    assert_eq!(verdict.block_reason, Some(BlockReason::LegacyAuthPolicy));
}

#[test]
fn a_step_names_the_field_its_value_and_the_row_with_its_source() {
    let (_, _, steps) = traced(&json!({"clientAppUsed": " IMAP4 ", "status": {"errorCode": 0}}));
    let first = steps
        .decisions()
        .next()
        .and_then(<[Step]>::last)
        .expect("a decision");
    let evidence = &first.evidence[0];
    assert_eq!(
        (evidence.field, evidence.value.as_str()),
        ("clientAppUsed", " IMAP4 ")
    );
    let row = evidence.row.expect("IMAP4 is in the table");
    assert_eq!((row.table, row.key), ("client_apps.csv", "imap4"));
    assert!(
        row.source.contains("workbook-legacy-authentication"),
        "{}",
        row.source
    );
}

/// Hash of the tables that this version of the taxonomy was raised for.
const TABLES_OF_THE_VERSION: (i32, u64) = (2, 202_833_983_464_213_094);

#[test]
fn the_version_was_raised_for_these_tables() {
    let bytes = TABLES.iter().flat_map(|table| {
        let name = table.name.bytes().chain([0]);
        name.chain(table.text.bytes()).chain([0])
    });
    // FNV-1a, 64 bits.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(
        (TAXONOMY_VERSION, hash),
        TABLES_OF_THE_VERSION,
        "tables changed: raise TAXONOMY_VERSION and renew the hash"
    );
}
