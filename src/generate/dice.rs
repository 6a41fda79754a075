//! The only source of chance: a small generator whose numbers never change between versions,
//! so that a plan gives the same bytes for ever.
//!
//! Owns: dice, their streams, and GUIDs. A stream is named by seed, purpose, person and time, so
//! any hour of anybody can be thrown alone. Must not: read a clock or the system's entropy.

/// What a stream of numbers is for; two purposes never share numbers.
#[derive(Clone, Copy)]
pub(super) enum Salt {
    Person = 1,
    Day,
    Seats,
    Cutover,
    Modern,
    Legacy,
    Service,
    Spray,
    Render,
    Republish,
    Correlation,
    Exchange,
}

/// A stream of chance (SplitMix64).
#[derive(Clone)]
pub(super) struct Dice(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Dice {
    pub fn new(seed: u64, salt: Salt, who: u64, when: i64) -> Dice {
        let state = mix(seed.wrapping_add((salt as u64).wrapping_mul(STEP)));
        let state = mix(state ^ who.wrapping_mul(STEP));
        Dice(mix(state ^ (when as u64).wrapping_mul(STEP)))
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// In `0..limit`; zero if there is nothing to choose from.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(limit)) >> 64) as u64
    }

    /// In `from..to`; `from` if the range is empty.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from).max(0) as u64) as i64
    }

    /// In `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// A choice by weight.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut point = self.below(u64::from(total)) as u32;
        for (weight, choice) in choices {
            if point < *weight {
                return *choice;
            }
            point -= weight;
        }
        choices[choices.len() - 1].1
    }

    /// Normal by the sum of twelve: only additions, so equal on every machine.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        mean + deviation * (sum - 6.0)
    }

    /// Log-normal with its median, rounded to the whole unit.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> i64 {
        (median * self.normal(0.0, sigma).exp()).round() as i64
    }

    /// How many things happen when `mean` are expected.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let floor = (-mean).exp();
        let (mut count, mut product) = (0, self.unit());
        while product > floor {
            count += 1;
            product *= self.unit();
        }
        count
    }

    pub fn guid(&mut self) -> Guid {
        Guid::new((u128::from(self.roll()) << 64) | u128::from(self.roll()))
    }
}

/// A GUID that looks like version 4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Guid(pub u128);

impl Guid {
    pub fn new(bits: u128) -> Guid {
        let version = (bits & !(0xf << 76)) | (0x4 << 76);
        Guid((version & !(0x3 << 62)) | (0x2 << 62))
    }

    /// The form of request ids: the last byte is zero.
    pub fn request(self) -> Guid {
        Guid(self.0 & !0xff)
    }

    pub fn push(self, out: &mut String) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut nibble = 32;
        for (position, slot) in text.iter_mut().enumerate() {
            if !matches!(position, 8 | 13 | 18 | 23) {
                nibble -= 1;
                *slot = HEX[(self.0 >> (4 * nibble)) as usize & 0xf];
            }
        }
        out.push_str(std::str::from_utf8(&text).expect("hex digits are ASCII"));
    }

    /// The sixteen bytes as unpadded base64url: how tokens name their request.
    pub fn push_base64(self, out: &mut String) {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for chunk in 0..22 {
            let shift = 128 - 6 * (chunk + 1);
            let bits = if shift >= 0 {
                self.0 >> shift
            } else {
                self.0 << -shift
            };
            out.push(char::from(ALPHABET[bits as usize & 0x3f]));
        }
    }

    pub fn text(self) -> String {
        let mut out = String::with_capacity(36);
        self.push(&mut out);
        out
    }
}
