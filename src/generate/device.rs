//! The device of a sign-in, as far as the service learns of it.
//!
//! Owns: `deviceDetail`. A modern client on a managed computer tells everything, a private one
//! little, basic authentication nearly nothing; what is unknown is left out or empty.

use super::dice::{Dice, Salt};
use super::json::Json;
use super::program::Platform;
use super::record::View;

pub(super) fn push(view: &View<'_>, json: &mut Json) {
    let owner = view.person.map_or(0, |person| person.user_id.0 as u64);
    let (system, browser, trust) = looks(view, owner);
    let private = owner % 10 == 3;
    let known = !private && !trust.is_empty();
    json.open("deviceDetail");
    if known {
        json.guid("deviceId", Dice::new(owner, Salt::Person, 1, 0).guid());
        json.text("displayName", &format!("LT-{:05}", owner / 16 % 100_000));
        json.truth("isCompliant", owner % 10 != 5);
        json.truth("isManaged", true);
        json.text("trustType", trust);
    } else {
        // Unknown is not false: whether it is managed is left out.
        json.texts(&[("deviceId", ""), ("displayName", ""), ("trustType", "")]);
    }
    json.texts(&[("operatingSystem", system), ("browser", browser)]);
    json.close();
    json.raw("mfaDetail", "{}");
}

/// Operating system, browser and trust.
fn looks(view: &View<'_>, owner: u64) -> (&'static str, &'static str, &'static str) {
    const HYBRID: &str = "Hybrid Azure AD joined";
    const REGISTERED: &str = "Azure AD registered";
    let agent = view.moment.agent;
    match view.profile.platform {
        Platform::Basic => (basic_system(agent), "", ""),
        Platform::Phone if agent.contains("iPhone") => ("Ios 17.4", "", REGISTERED),
        Platform::Phone => ("Android 14", "", REGISTERED),
        Platform::Browser if agent.contains("Macintosh") => ("MacOs", "Safari 17.3.1", ""),
        Platform::Browser if agent.contains("Edg/") => (windows(owner), "Edge 122.0.2365", HYBRID),
        Platform::Browser => (windows(owner), "Chrome 122.0.0", HYBRID),
        Platform::Desktop => (windows(owner), "Rich Client 5.2.4.0", HYBRID),
    }
}

fn windows(owner: u64) -> &'static str {
    match owner % 7 {
        0..4 => "Windows 10",
        4 | 5 => "Windows11",
        _ => "Windows",
    }
}

fn basic_system(agent: &str) -> &'static str {
    match agent {
        agent if agent.starts_with("Microsoft Office") => "Windows 10",
        agent if agent.starts_with("Apple") => "Ios",
        agent if agent.starts_with("Android") => "Android",
        _ => "",
    }
}
