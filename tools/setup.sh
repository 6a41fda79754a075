#!/usr/bin/env bash
# Installs what Signloop needs beside Rust, and only what is missing: run it as often as you like.
#
#   tools/setup.sh         what the build needs: a C and C++ compiler, make, OpenSSL, zlib
#   tools/setup.sh test    and what the tests run against: a Kafka broker, Prometheus, DuckDB
#
# Build tools come from the Debian packages. Everything for the tests but Java and Python goes to a
# cache outside the tree, $SIGNLOOP_CACHE (default ~/.cache/signloop):
#
#   bin/java, bin/prometheus, bin/promtool   links to the programs to use
#   kafka/VERSION/*.jar                      Apache Kafka, by Maven
#   duckdb/VERSION/                          a Python environment with DuckDB and its Delta reader
#
# A folder appears there only when it is complete, and a lock keeps two runs apart.
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SIGNLOOP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/signloop}
# shellcheck source=tools/versions
. "$tools/versions"
jars=$cache/kafka/$KAFKA
python=$cache/duckdb/$DUCKDB/bin/python
java_min=17

main() {
    case "${1-}" in
        '') lacking=build_lacks ;;
        test) lacking=test_lacks ;;
        *) fail "usage: tools/setup.sh [test]" ;;
    esac
    find_cargo
    if ! "$lacking"; then return; fi

    mkdir -p "$cache/bin"
    exec 9>"$cache/lock"
    flock 9
    install_packages $(build_packages)
    if [ "$lacking" = test_lacks ]; then
        install_packages $(test_packages)
        link_java
        copy_kafka
        make_python
        link_prometheus
    fi
    say "done"
}

say() { echo "setup: $*" >&2; }

fail() {
    say "$*"
    exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

find_cargo() {
    have cargo || [ -x "$HOME/.cargo/bin/cargo" ] ||
        fail "cargo is missing; install Rust with rustup first"
}

# --- What is missing -------------------------------------------------------------------------

build_lacks() { [ -n "$(build_packages)" ]; }

test_lacks() { build_lacks || ! { have_java && have_kafka && have_duckdb && have_prometheus; }; }

# The checks follow links, so a program that went away counts as missing.
have_java() { [ -x "$cache/bin/java" ]; }
have_kafka() { [ -d "$jars" ]; }
have_duckdb() { [ -x "$python" ]; }
have_prometheus() { [ -x "$cache/bin/prometheus" ] && [ -x "$cache/bin/promtool" ]; }

build_packages() {
    have gcc || echo gcc
    have g++ || echo g++
    have make || echo make
    have pkg-config || echo pkg-config
    has_library openssl || echo libssl-dev
    has_library zlib || echo zlib1g-dev
}

has_library() { have pkg-config && pkg-config --exists "$1"; }

test_packages() {
    have_java || [ -n "$(find_java)" ] || echo default-jre-headless
    have_kafka || have mvn || echo maven
    have_duckdb || [ -n "$(find_python)" ] || echo python3-venv
}

# --- Debian packages -------------------------------------------------------------------------

install_packages() {
    if [ $# -eq 0 ]; then return; fi
    may_install "$@"
    say "installing $*"
    update_package_lists
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >&2
}

may_install() {
    if have apt-get && { [ "$(id -u)" -eq 0 ] || have sudo; }; then return; fi
    say "these packages are missing and this user cannot install them; as root, run"
    fail "  apt-get install --no-install-recommends $*"
}

# Old lists name versions that the mirror has dropped. A mirror that fails is judged by what follows.
update_package_lists() {
    if [ -n "${lists_updated-}" ]; then return; fi
    as_root apt-get update -qq -o DPkg::Lock::Timeout=300 >&2 ||
        say "the package lists could not be updated, going on with the old ones"
    lists_updated=1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# --- The cache -------------------------------------------------------------------------------

link_java() {
    if have_java; then return; fi
    local java
    java=$(find_java)
    [ -n "$java" ] || fail "the tests need Java $java_min or newer; none was found"
    ln -sfn "$java" "$cache/bin/java"
}

find_java() {
    local java
    for java in "${JAVA_HOME-}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        if [ -x "$java" ] && [ "$(java_version "$java")" -ge "$java_min" ]; then
            readlink -f "$java"
            return
        fi
    done
}

# The major version, 0 when it cannot be told. Java 8 calls itself 1.8, which reads as 1.
java_version() {
    local version
    version=$("$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    echo "${version:-0}"
}

copy_kafka() {
    if have_kafka; then return; fi
    say "fetching Apache Kafka $KAFKA"
    local work=$cache/kafka.new home
    home=$(dirname "$(dirname "$(readlink -f "$cache/bin/java")")")
    rm -rf "$work"
    mkdir -p "$work"
    # Even when it is quiet, Maven writes colours; they are worth reading only when it fails.
    JAVA_HOME=$home mvn --batch-mode --quiet --file "$tools/kafka-pom.xml" \
        -Dmaven.repo.local="$work/repository" -Dkafka.version="$KAFKA" -Dslf4j.version="$SLF4J" \
        "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN:copy-dependencies" \
        -DincludeScope=runtime -DoutputDirectory="$work/jars" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "Apache Kafka $KAFKA could not be fetched"
    }
    put "$work/jars" "$jars"
    rm -rf "$work"
}

make_python() {
    if have_duckdb; then return; fi
    say "fetching DuckDB $DUCKDB"
    local work=$cache/duckdb.new
    rm -rf "$work"
    "$(find_python)" -m venv "$work" >&2
    "$work/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --only-binary :all: "duckdb==$DUCKDB" "duckdb-extension-delta==$DUCKDB" >&2
    put "$work" "$cache/duckdb/$DUCKDB"
}

# Debian's own Python first: one from a version manager may go away.
find_python() {
    local python
    for python in /usr/bin/python3 "$(command -v python3 || true)"; do
        if [ -x "$python" ] && "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            echo "$python"
            return
        fi
    done
}

# The Debian package would also set up a service, so it is unpacked into the cache, not installed.
link_prometheus() {
    if have_prometheus; then return; fi
    if ! { have prometheus && have promtool; }; then unpack_prometheus; fi
    local program
    for program in prometheus promtool; do
        ln -sfn "$(PATH=$cache/prometheus/usr/bin:$PATH command -v "$program")" \
            "$cache/bin/$program"
    done
}

unpack_prometheus() {
    say "fetching Prometheus"
    have apt-get || fail "the tests need prometheus and promtool on the path"
    local work=$cache/prometheus.new
    rm -rf "$work"
    mkdir -p "$work/package"
    download_prometheus "$work/package" || {
        update_package_lists
        download_prometheus "$work/package"
    }
    dpkg-deb --extract "$work"/package/prometheus_*.deb "$work/root"
    put "$work/root" "$cache/prometheus"
    rm -rf "$work"
}

# Without the sandbox user, who may not be allowed into the cache.
download_prometheus() {
    (cd "$1" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" prometheus >&2)
}

# Puts a finished folder in its place in one step.
put() {
    mkdir -p "$(dirname "$2")"
    rm -rf "$2"
    mv -T "$1" "$2"
}

main "$@"
