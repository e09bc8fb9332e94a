# The only definition of how this workspace is checked; CI calls these targets.
CARGO ?= cargo

.PHONY: check test lint fmt

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
