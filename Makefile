# The only definition of how this workspace is checked; CI calls these targets.
CARGO ?= cargo

.PHONY: check test lint fmt crash

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

# A thousand kills, a hundred thousand threads, fifty million calls: minutes. Prints what it counted.
crash:
	$(CARGO) test --release -p hprof-core --test crash --test process_life -- --ignored --nocapture --test-threads=1
