# The only definition of how this workspace is checked; CI calls these targets.
CARGO ?= cargo

.PHONY: check test lint fmt corpus corpus-small

check:
	$(CARGO) check --workspace --all-targets

# The real command line tool is tried on throw-away projects, so this builds a few small programs too.
test:
	$(CARGO) test --workspace

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

fmt:
	$(CARGO) fmt --all

# `#[profile]` on every function of 23 published crates (some 20,000), which are downloaded and tested with and without it: an hour on a
# small machine. `make corpus CRATES="csv bitvec"` takes only those.
corpus:
	$(CARGO) run --package hprof-macros --example corpus -- $(CRATES)

# The crates of it that take a minute.
corpus-small:
	$(CARGO) run --package hprof-macros --example corpus -- --small
