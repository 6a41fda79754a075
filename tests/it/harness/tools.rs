//! Where `tools/setup.sh test` has put the programs that the tests start.
//!
//! The only file here that knows the layout of the cache. The versions are read from
//! `tools/versions`, the same file that the script reads.

use std::env;
use std::path::PathBuf;

const VERSIONS: &str = include_str!("../../../tools/versions");

pub fn java() -> PathBuf {
    existing("bin/java")
}

/// The class path of a broker: every jar in the folder.
pub fn kafka_class_path() -> String {
    format!(
        "{}/*",
        existing(&format!("kafka/{}", version("KAFKA"))).display()
    )
}

/// A Python that has DuckDB and its Delta reader.
pub fn python() -> PathBuf {
    existing(&format!("duckdb/{}/bin/python", version("DUCKDB")))
}

pub fn prometheus() -> PathBuf {
    existing("bin/prometheus")
}

pub fn promtool() -> PathBuf {
    existing("bin/promtool")
}

fn existing(relative: &str) -> PathBuf {
    let path = cache().join(relative);
    assert!(
        path.exists(),
        "{} is missing: run tools/setup.sh test",
        path.display()
    );
    path
}

/// `${SIGNLOOP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/signloop}`, as in the script.
fn cache() -> PathBuf {
    let folder = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    folder("SIGNLOOP_CACHE").unwrap_or_else(|| {
        let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
        caches.expect("HOME is set").join("signloop")
    })
}

fn version(name: &str) -> &'static str {
    let values = VERSIONS.lines().filter_map(|line| line.split_once('='));
    let value = values
        .into_iter()
        .find_map(|(key, value)| (key == name).then_some(value));
    value.unwrap_or_else(|| panic!("tools/versions has no line {name}="))
}
