//! Where people and attackers sit: cities, networks and addresses.
//!
//! Owns: the table of cities and the rule that gives an address to an office, a home, a phone
//! and an attacker. Every address is from the ranges kept for documentation (203.0.113.0/24
//! offices, 198.51.100.0/24 phone networks, 192.0.2.0/24 and 2001:db8:bad::/48 attackers, other
//! 2001:db8::/32 homes). Must not: know who does what.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::calendar::HOUR;
use super::dice::Dice;

pub(super) struct City {
    pub name: &'static str,
    pub state: &'static str,
    pub country: &'static str,
    pub latitude: &'static str,
    pub longitude: &'static str,
    pub asn: u32,
}

const fn city(
    (name, state, country): (&'static str, &'static str, &'static str),
    (latitude, longitude): (&'static str, &'static str),
    asn: u32,
) -> City {
    City {
        name,
        state,
        country,
        latitude,
        longitude,
        asn,
    }
}

/// The first [`OFFICES`] are ours, all an hour ahead of UTC; the rest is where attacks come from.
pub(super) static CITIES: [City; 14] = [
    city(("Berlin", "Berlin", "DE"), ("52.5244", "13.4105"), 64496),
    city(("München", "Bayern", "DE"), ("48.13743", "11.57549"), 64496),
    city(("Wien", "Wien", "AT"), ("48.20849", "16.37208"), 64497),
    city(("Zürich", "Zürich", "CH"), ("47.36667", "8.55"), 64498),
    city(
        ("Amsterdam", "Noord-Holland", "NL"),
        ("52.37403", "4.88969"),
        64499,
    ),
    city(
        ("Milano", "Lombardia", "IT"),
        ("45.46427", "9.18951"),
        64500,
    ),
    city(
        ("São Paulo", "Sao Paulo", "BR"),
        ("-23.5475", "-46.63611"),
        65536,
    ),
    city(("Hanoi", "Ha Noi", "VN"), ("21.0245", "105.84117"), 65537),
    city(("Lagos", "Lagos", "NG"), ("6.45407", "3.39467"), 65538),
    city(
        ("Jakarta", "Jakarta", "ID"),
        ("-6.21462", "106.84513"),
        65539,
    ),
    city(("Karachi", "Sindh", "PK"), ("24.8608", "67.0104"), 65540),
    city(
        ("Bogotá", "Bogota D.C.", "CO"),
        ("4.60971", "-74.08175"),
        65541,
    ),
    city(
        ("Manila", "Metro Manila", "PH"),
        ("14.6042", "120.9822"),
        65542,
    ),
    city(("Dhaka", "Dhaka", "BD"), ("23.7104", "90.40744"), 65543),
];

pub(super) const OFFICES: u64 = 6;

/// How far our cities are ahead of UTC; standard time all year.
pub(super) const OFFSET: i64 = HOUR;

/// How many addresses the attacker has.
pub(super) const ATTACKERS: u64 = 64;

#[derive(Clone, Copy)]
pub(super) struct Place {
    pub ip: IpAddr,
    pub city: u8,
}

impl Place {
    pub fn city(&self) -> &'static City {
        &CITIES[usize::from(self.city)]
    }

    /// One of the four exits of an office.
    pub fn office(city: u8, exit: u64) -> Place {
        Place {
            ip: Ipv4Addr::new(203, 0, 113, 8 + city * 8 + (exit % 4) as u8).into(),
            city,
        }
    }

    pub fn is_office(&self) -> bool {
        matches!(self.ip, IpAddr::V4(ip) if ip.octets()[..3] == [203, 0, 113])
    }

    /// The shared exits of the phone networks.
    pub fn cellular(city: u8, exit: u64) -> Place {
        Place {
            ip: Ipv4Addr::new(198, 51, 100, 8 + city * 16 + (exit % 16) as u8).into(),
            city,
        }
    }

    /// A line of one's own, near the office.
    pub fn home(who: u32, city: u8, dice: &mut Dice) -> Place {
        let tail = dice.roll();
        let (high, low) = ((who >> 16) as u16, who as u16);
        let part = |shift: u32| (tail >> shift) as u16;
        let segments = [
            0x2001,
            0xdb8,
            0x1000 + high,
            low,
            part(0),
            part(16),
            part(32),
            part(48),
        ];
        Place {
            ip: Ipv6Addr::from(segments).into(),
            city,
        }
    }

    /// Two thirds of the attacker's addresses are rented IPv4, the others hop through IPv6.
    pub fn attacker(number: u64) -> Place {
        let number = number % ATTACKERS;
        let city = (OFFICES + number % (CITIES.len() as u64 - OFFICES)) as u8;
        let ip = if number % 3 == 2 {
            Ipv6Addr::new(0x2001, 0xdb8, 0xbad, number as u16, 0, 0, 0, 0x53).into()
        } else {
            Ipv4Addr::new(192, 0, 2, 16 + 3 * number as u8).into()
        };
        Place { ip, city }
    }
}
