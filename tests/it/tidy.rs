//! The rules of the code that a compiler does not know: which way dependencies point, what no source
//! file may hold, how long one may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::prometheus_rules::shipped;

/// Lines of a file beyond which it is named, and beyond which it is refused; tests do not count.
const LONG: usize = 400;
const TOO_LONG: usize = 600;

/// What the core never names.
const EDGES: [&str; 13] = [
    "tokio",
    "rdkafka",
    "arrow",
    "parquet",
    "datafusion",
    "deltalake",
    "prometheus",
    "tracing",
    "axum",
    "clap",
    "tempfile",
    "SystemTime",
    "Instant",
];

/// A source file: its path below the package, and its lines.
struct Source {
    path: String,
    lines: Vec<String>,
}

impl Source {
    fn is_tests(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Number and text of the lines that are code, without comments and without inline tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.lines.windows(2).position(|lines| {
            lines[0].trim() == "#[cfg(test)]"
                && lines[1].starts_with("mod ")
                && lines[1].ends_with('{')
        });
        let code = self.lines[..end.unwrap_or(self.lines.len())].iter();
        let numbered = code
            .enumerate()
            .map(|(place, line)| (place + 1, line.trim()));
        numbered.filter(|(_, line)| !line.starts_with("//"))
    }

    /// Lines of code that have something to object to.
    fn found(&self, objection: impl Fn(&str) -> bool) -> Vec<String> {
        let found = self.code().filter(|(_, line)| objection(line));
        found
            .map(|(number, line)| format!("{}:{number}: {line}", self.path))
            .collect()
    }
}

/// Every source file below a folder of the package.
fn sources(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&shipped(folder), &mut paths);
    paths.sort();
    let root = shipped("");
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        Source {
            path,
            lines: text.lines().map(str::to_owned).collect(),
        }
    };
    assert!(!paths.is_empty(), "{folder} has no sources");
    paths.into_iter().map(source).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The names in a line of code.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

#[track_caller]
fn none(found: Vec<String>, what: &str) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// Lines of a folder that have something to object to.
fn found_in(folder: &str, objection: impl Fn(&str) -> bool) -> Vec<String> {
    let sources = sources(folder);
    sources
        .iter()
        .flat_map(|source| source.found(&objection))
        .collect()
}

#[test]
fn the_core_does_no_input_or_output_and_knows_no_other_part() {
    let names_an_edge = |line: &str| words(line).any(|word| EDGES.contains(&word));
    none(
        found_in("src/domain", names_an_edge),
        "the core names an edge",
    );
    let does_io = |line: &str| {
        ["std::fs", "std::net", "std::process", "std::env"]
            .iter()
            .any(|it| line.contains(it))
    };
    none(
        found_in("src/domain", does_io),
        "the core does input or output",
    );
    let leaves = |line: &str| {
        let mut paths = line.split("crate::").skip(1);
        paths.any(|path| !path.starts_with("domain"))
    };
    none(found_in("src/domain", leaves), "the core uses another part");
}

#[test]
fn source_and_lake_know_nothing_of_each_other_but_receipts() {
    let names_kafka =
        |line: &str| line.contains("source::kafka") || words(line).any(|word| word == "rdkafka");
    none(
        found_in("src/lake", names_kafka),
        "the lake knows the broker",
    );
    let beyond_receipts = |line: &str| line.contains("lake::") && !line.contains("lake::Receipt");
    none(
        found_in("src/source", beyond_receipts),
        "the source knows more of the lake than receipts",
    );
    let upwards = |line: &str| line.contains("crate::pipeline") || line.contains("crate::cli");
    for folder in [
        "src/source",
        "src/lake",
        "src/serve",
        "src/metrics",
        "src/generate",
    ] {
        none(found_in(folder, upwards), "an arrow points up");
    }
    let uses_the_program = |line: &str| line.contains("crate::");
    none(
        found_in("src/generate", uses_the_program),
        "the generator must not know what it tests",
    );
}

#[test]
fn nothing_is_left_undone_and_outside_data_is_never_unwrapped() {
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_tests()) {
        found.extend(source.found(|line| line.contains(".unwrap()")));
        found.extend(source.found(|line| {
            [
                "todo!",
                "dbg!",
                "unimplemented!",
                "TODO",
                "FIXME",
                "unsafe ",
            ]
            .iter()
            .any(|it| line.contains(it))
        }));
    }
    none(found, "to be mended");
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let all = sources("src").into_iter().chain(sources("tests"));
    let silent = all.filter(|source| {
        !source
            .lines
            .first()
            .is_some_and(|line| line.starts_with("//! "))
    });
    none(silent.map(|source| source.path).collect(), "no header");
}

#[test]
fn no_source_file_is_too_long() {
    let mut too_long = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_tests()) {
        let lines = source.code().last().map_or(0, |(number, _)| number);
        if lines > TOO_LONG {
            too_long.push(format!("{}: {lines} lines", source.path));
        } else if lines > LONG {
            println!("{}: {lines} lines, which is much", source.path);
        }
    }
    none(too_long, "split these");
}

#[test]
fn tests_neither_sleep_nor_choose_ports() {
    let sleeps = |line: &str| {
        let call = "slee".to_owned() + "p(";
        line.contains(&call)
    };
    none(found_in("tests", sleeps), "a test sleeps");
    let port = format!(
        ":{}",
        signloop::config::DEFAULT_LISTEN.rsplit(':').next().unwrap()
    );
    let ports = found_in("tests", |line| line.contains(&port));
    none(ports, "a test listens where somebody else may");
}

#[test]
fn every_module_of_the_tests_is_compiled() {
    let main = fs::read_to_string(shipped("tests/it/main.rs")).unwrap();
    let declared: BTreeSet<String> = main
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    let mut present = BTreeSet::new();
    for entry in fs::read_dir(shipped("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "main" && (path.is_dir() || path.extension().is_some_and(|it| it == "rs")) {
            present.insert(name);
        }
    }
    assert_eq!(declared, present);
}
