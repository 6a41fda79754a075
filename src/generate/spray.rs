//! A password spray: two nights, many addresses abroad, a few guesses each at many people.
//!
//! Owns: the attacker, his targets and his timetable. Must not: touch people who have a role,
//! so that their truth stays what their own clients did.

use super::Plan;
use super::calendar::{DAY, HOUR, MINUTE};
use super::dice::{Dice, Salt};
use super::legacy::BASIC_TO_TOKEN;
use super::moment::{Ending, Moment, Scene, Who};
use super::person::{Mailbox, Person, Role};
use super::place::{ATTACKERS, Place};
use super::program::Client;
use super::tenant::Tenant;

const TARGETS: usize = 300;
/// Of them, those that he wants in particular.
const FAVOURITES: usize = 5;
const MADE_UP: u32 = 24;
const NIGHT: i64 = 7 * HOUR;

pub(super) struct Spray {
    /// Everybody he tries; the first are the favourites, the next has a password he knows.
    targets: Vec<u32>,
    /// Where the two nights begin.
    nights: [i64; 2],
}

/// Draws the targets among the people with nothing else the matter.
pub(super) fn prepare(plan: &Plan, people: &mut [Person]) -> Spray {
    let mut dice = Dice::new(plan.seed, Salt::Spray, 0, 0);
    let mut targets: Vec<u32> = (0..plan.users)
        .filter(|who| people[*who as usize].role == Role::Healthy)
        .collect();
    dice.shuffle(&mut targets);
    targets.truncate(TARGETS);
    for (rank, who) in targets.iter().enumerate().take(FAVOURITES + 1) {
        let person = &mut people[*who as usize];
        person.role = if rank < FAVOURITES {
            Role::SprayTarget
        } else {
            Role::SprayHit
        };
        if person.mailbox == Mailbox::OnPremises {
            person.mailbox = Mailbox::Cloud;
            (person.desktop_from, person.phone_from) = (0, 0);
        }
    }
    let first = (plan.start + DAY - 1).div_euclid(DAY) * DAY + 22 * HOUR;
    Spray {
        targets,
        nights: [first, first + DAY],
    }
}

/// What the attacker does within an hour.
pub(super) fn hour(tenant: &Tenant, hour: i64, out: &mut Vec<Moment>) {
    let Some(spray) = &tenant.spray else { return };
    for night in spray.nights {
        if hour + HOUR <= night || hour >= night + NIGHT + HOUR {
            continue;
        }
        let mut raid = Raid {
            seed: tenant.plan.seed,
            night,
            hour,
            out,
        };
        for (rank, who) in spray.targets.iter().enumerate() {
            match rank {
                rank if rank < FAVOURITES => raid.insist(*who),
                FAVOURITES => raid.enter(*who, night == spray.nights[1]),
                _ => raid.try_few(Who::Person(*who), u64::from(*who)),
            }
        }
        for number in 0..MADE_UP {
            raid.try_few(Who::Nobody(number), u64::MAX - u64::from(number));
        }
    }
}

struct Raid<'a> {
    seed: u64,
    night: i64,
    hour: i64,
    out: &'a mut Vec<Moment>,
}

impl Raid<'_> {
    /// One to four guesses in a night, far apart; some are spared a night.
    fn try_few(&mut self, who: Who, stream: u64) {
        let mut dice = Dice::new(self.seed, Salt::Spray, stream, self.night);
        if dice.chance(0.25) {
            return;
        }
        for _ in 0..dice.weighted(&[(4, 1), (3, 2), (1, 3), (1, 4)]) {
            let at = self.night + dice.between(0, NIGHT);
            let ending = match who {
                Who::Nobody(_) => Ending::UnknownUser,
                _ if dice.chance(0.18) => Ending::Locked,
                _ => Ending::WrongPassword,
            };
            self.guess(who, at, ending, &mut dice);
        }
    }

    /// Guess after guess from address after address, soon against a locked account.
    fn insist(&mut self, who: u32) {
        let mut dice = Dice::new(self.seed, Salt::Spray, u64::from(who), self.night);
        for attempt in 0..dice.between(26, 34) {
            let at = self.night + dice.between(0, NIGHT);
            let locked = attempt >= 8 && dice.chance(0.6);
            let ending = if locked {
                Ending::Locked
            } else {
                Ending::WrongPassword
            };
            self.guess(Who::Person(who), at, ending, &mut dice);
        }
    }

    /// The first night he finds the password; the second he comes back to be blocked again.
    fn enter(&mut self, who: u32, again: bool) {
        let mut dice = Dice::new(self.seed, Salt::Spray, u64::from(who), self.night);
        let at = self.night + dice.between(HOUR, NIGHT - HOUR);
        if !again {
            self.guess(
                Who::Person(who),
                at - 20 * MINUTE,
                Ending::WrongPassword,
                &mut dice,
            );
        }
        self.guess(Who::Person(who), at, Ending::Blocked, &mut dice);
        self.guess(
            Who::Person(who),
            at + 40 * MINUTE,
            Ending::Blocked,
            &mut dice,
        );
    }

    /// All throws of a night are made in every hour; only those of this hour count.
    fn guess(&mut self, who: Who, at: i64, ending: Ending, dice: &mut Dice) {
        let clients = &[
            (45, Client::Imap),
            (35, Client::Smtp),
            (20, Client::OtherClients),
        ];
        let client = dice.weighted(clients);
        let place = Place::attacker(dice.below(ATTACKERS));
        let agent = if dice.chance(0.7) { BASIC_TO_TOKEN } else { "" };
        let moment = Scene {
            who,
            client,
            place,
            agent,
        }
        .moment(at, (ending, false), dice);
        if (self.hour..self.hour + HOUR).contains(&at) {
            self.out.push(moment);
        }
    }
}
