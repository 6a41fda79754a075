# Signloop: what there is to run. `make` alone lists it.

SHELL := bash
.DEFAULT_GOAL := help

# A Rust installed a moment ago is not yet on the path of this shell.
export PATH := $(PATH):$(HOME)/.cargo/bin

# A continuous-integration run starts from a fresh clone; its builds stay in the cache so that the
# dependencies are compiled once.
CACHE := $(or $(SIGNLOOP_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/signloop)
ifneq ($(CI),)
export CARGO_TARGET_DIR ?= $(CACHE)/target
endif

# More arguments for `make demo` and `make bench`, for example ARGS=--exit.
ARGS ?=

# Seconds for each target of `make fuzz`.
TIME ?= 60

.PHONY: help setup setup-test demo check test bench fuzz clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install what the build needs (Debian packages)
	tools/setup.sh

setup-test: ## install what the tests need as well: Kafka, Prometheus, DuckDB
	tools/setup.sh test

demo: setup ## run a synthetic tenant through a migration weekend
	cargo run --profile demo --bin signloop -- demo $(ARGS)

check: setup ## format, lints and documentation
	cargo fmt --check
	cargo clippy --profile demo --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --profile demo --no-deps --lib

test: setup-test check ## the whole gate: check, then every test against real servers
	cargo test --profile demo

bench: setup-test ## measure the pipeline and print the ratios
	cargo build --release --bin signloop
	cargo bench --bench decode
	cargo bench --profile demo --bench pipeline -- --program $(or $(CARGO_TARGET_DIR),target)/release/signloop $(ARGS)

fuzz: setup ## look for input that breaks the core, TIME=60 seconds for each target
	TIME=$(TIME) fuzz/run

clean: ## remove what was built
	cargo clean
