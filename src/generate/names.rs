//! Names of people: what is shown, and the plain letters that make an address.
//!
//! Owns: the lists and the rule that no two people share an address. A few shown names are hard
//! to write down (quotes, angle brackets, HTML escapes), because real directories have them.

const FIRST: [(&str, &str); 48] = [
    ("Anna", "anna"),
    ("Björn", "bjoern"),
    ("Carla", "carla"),
    ("David", "david"),
    ("Elena", "elena"),
    ("Fatma", "fatma"),
    ("Georg", "georg"),
    ("Hanna", "hanna"),
    ("Igor", "igor"),
    ("Jürgen", "juergen"),
    ("Katrin", "katrin"),
    ("Luca", "luca"),
    ("Marie", "marie"),
    ("Noah", "noah"),
    ("Olga", "olga"),
    ("Paul", "paul"),
    ("Quentin", "quentin"),
    ("René", "rene"),
    ("Sofia", "sofia"),
    ("Thomas", "thomas"),
    ("Ute", "ute"),
    ("Viktor", "viktor"),
    ("Walter", "walter"),
    ("Xenia", "xenia"),
    ("Yusuf", "yusuf"),
    ("Zoë", "zoe"),
    ("Aylin", "aylin"),
    ("Bruno", "bruno"),
    ("Claire", "claire"),
    ("Dmitri", "dmitri"),
    ("Emil", "emil"),
    ("Frieda", "frieda"),
    ("Gül", "guel"),
    ("Henrik", "henrik"),
    ("Ines", "ines"),
    ("Jonas", "jonas"),
    ("Karin", "karin"),
    ("Leon", "leon"),
    ("Mehmet", "mehmet"),
    ("Nora", "nora"),
    ("Oskar", "oskar"),
    ("Petra", "petra"),
    ("Ralf", "ralf"),
    ("Sarah", "sarah"),
    ("Tim", "tim"),
    ("Ursula", "ursula"),
    ("Vera", "vera"),
    ("Wendelin", "wendelin"),
];

const LAST: [(&str, &str); 56] = [
    ("Albrecht", "albrecht"),
    ("Bauer", "bauer"),
    ("Conti", "conti"),
    ("Demir", "demir"),
    ("Eder", "eder"),
    ("Fischer", "fischer"),
    ("Graf", "graf"),
    ("Huber", "huber"),
    ("Ivanova", "ivanova"),
    ("Jäger", "jaeger"),
    ("Keller", "keller"),
    ("Lehmann", "lehmann"),
    ("Müller", "mueller"),
    ("Novak", "novak"),
    ("Öztürk", "oeztuerk"),
    ("Peters", "peters"),
    ("Quandt", "quandt"),
    ("Richter", "richter"),
    ("Schäfer", "schaefer"),
    ("Taylor", "taylor"),
    ("Ulrich", "ulrich"),
    ("van Dijk", "vandijk"),
    ("Weiß", "weiss"),
    ("Yilmaz", "yilmaz"),
    ("Zimmermann", "zimmermann"),
    ("Andersen", "andersen"),
    ("Brandt", "brandt"),
    ("Costa", "costa"),
    ("Dietrich", "dietrich"),
    ("Engel", "engel"),
    ("Fuchs", "fuchs"),
    ("Günther", "guenther"),
    ("Hartmann", "hartmann"),
    ("Iversen", "iversen"),
    ("Jansen", "jansen"),
    ("Krüger", "krueger"),
    ("Lang", "lang"),
    ("Meyer", "meyer"),
    ("Neumann", "neumann"),
    ("O'Brien", "obrien"),
    ("Popescu", "popescu"),
    ("Rossi", "rossi"),
    ("Schmidt", "schmidt"),
    ("Tóth", "toth"),
    ("Urban", "urban"),
    ("Vogel", "vogel"),
    ("Wolf", "wolf"),
    ("Ziegler", "ziegler"),
    ("Becker", "becker"),
    ("Dubois", "dubois"),
    ("Eriksson", "eriksson"),
    ("Ferrari", "ferrari"),
    ("Haas", "haas"),
    ("Kowalski", "kowalski"),
    ("Lorenz", "lorenz"),
    ("Moser", "moser"),
];

/// What is shown, and the local part of the address. Injective in `number`.
pub(super) fn person(number: u32) -> (String, String) {
    let pairs = (FIRST.len() * LAST.len()) as u32;
    let (round, pair) = (number / pairs, number % pairs);
    // A stride without a common divisor walks all pairs without looking like a list.
    let pair = (u64::from(pair) * 1_039 % u64::from(pairs)) as usize;
    let (first, first_plain) = FIRST[pair / LAST.len()];
    let (last, last_plain) = LAST[pair % LAST.len()];
    let local = match round {
        0 => format!("{first_plain}.{last_plain}"),
        _ => format!("{first_plain}.{last_plain}{}", round + 1),
    };
    (shown(number, first, last), local)
}

fn shown(number: u32, first: &str, last: &str) -> String {
    match number % 211 {
        17 => format!("{first} \"{}\" {last}", &first[..1]),
        53 => format!("{last}, {first} <extern>"),
        101 => format!("{first} {last} R&amp;D \\u0026 IT"),
        149 => format!("{last}, {first} (R&D)\t"),
        _ => format!("{first} {last}"),
    }
}

/// An address that an attacker hopes for and nobody has.
pub(super) fn nobody(number: u32) -> String {
    const GUESSES: [&str; 10] = [
        "admin",
        "info",
        "test",
        "backup",
        "sales",
        "office",
        "reception",
        "hr",
        "it",
        "support",
    ];
    let guess = GUESSES[number as usize % GUESSES.len()];
    match number as usize / GUESSES.len() {
        0 => format!("{guess}@contoso.example"),
        round => format!("{guess}{round}@contoso.example"),
    }
}
