//! One thing that happens: who, with which client, from where, and how it ended.
//!
//! Owns: the moment, the closed list of endings with what the service writes about each, and the
//! delay between happening and being published. Small on purpose: an hour of
//! a large tenant waits as moments, not as text. Must not: render.

use super::calendar::{MINUTE, SECOND};
use super::dice::{Dice, Guid};
use super::place::Place;
use super::program::Client;

/// Whose sign-in it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Index into the people of the tenant.
    Person(u32),
    /// A name that an attacker made up.
    Nobody(u32),
    /// An application, managed identity or background process.
    Machine(u32),
}

/// How a sign-in ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    /// Conditional Access said no after the password was right.
    Blocked,
    WrongPassword,
    Locked,
    UnknownUser,
    MfaNeeded,
    MfaByPolicy,
    KeepSignedIn,
    SilentImpossible,
    FrequencyExpired,
    /// Client secret of an application is wrong.
    WrongSecret,
}

impl Ending {
    /// The error code and the text that comes with it; success has none.
    pub fn code(self) -> (u32, &'static str) {
        match self {
            Ending::Success => (0, ""),
            Ending::Blocked => (
                53003,
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            ),
            Ending::WrongPassword => (
                50126,
                "Error validating credentials due to invalid username or password.",
            ),
            Ending::Locked => (
                50053,
                "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
            ),
            Ending::UnknownUser => (
                50034,
                "The user account {EUII Hidden} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory.",
            ),
            Ending::MfaNeeded => (50074, "Strong Authentication is required."),
            Ending::MfaByPolicy => (
                50076,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access this resource.",
            ),
            Ending::KeepSignedIn => (
                50140,
                "This occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
            ),
            Ending::SilentImpossible => (
                50058,
                "Session information is not sufficient for single-sign-on.",
            ),
            Ending::FrequencyExpired => (
                70043,
                "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access.",
            ),
            Ending::WrongSecret => (7000215, "Invalid client secret is provided."),
        }
    }
}

pub(super) struct Moment {
    pub created: i64,
    /// What the record says it was published at.
    pub published: i64,
    /// When it reaches the stream: later than `published` for a batch that was sent again.
    pub arrives: i64,
    pub id: Guid,
    pub correlation: u64,
    pub who: Who,
    pub client: Client,
    pub ending: Ending,
    pub interactive: bool,
    pub place: Place,
    pub agent: &'static str,
}

/// What a moment is made from; the dice add identity and delay.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub who: Who,
    pub client: Client,
    pub place: Place,
    pub agent: &'static str,
}

impl Scene {
    pub fn moment(
        &self,
        created: i64,
        (ending, interactive): (Ending, bool),
        dice: &mut Dice,
    ) -> Moment {
        let published = created + publish_delay(dice);
        Moment {
            created,
            published,
            arrives: published,
            id: dice.guid().request(),
            correlation: dice.roll(),
            who: self.who,
            client: self.client,
            ending,
            interactive,
            place: self.place,
            agent: self.agent,
        }
    }
}

/// One to twelve minutes; one event in five hundred waits up to two hours.
fn publish_delay(dice: &mut Dice) -> i64 {
    if dice.chance(0.002) {
        return dice.between(12 * MINUTE, 120 * MINUTE);
    }
    // The smaller of two throws: most wait two to five minutes.
    let throws = [
        dice.between(MINUTE, 12 * MINUTE),
        dice.between(MINUTE, 12 * MINUTE),
    ];
    throws[0].min(throws[1]) + dice.between(0, SECOND)
}
