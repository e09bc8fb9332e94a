# The only definition of how this workspace is checked; CI calls these targets.
CARGO ?= cargo

.PHONY: check test lint fmt overhead overhead-memory call-cost real memory-sums accuracy machine-code truth crash reliability scale gallery page-budgets judge viewers loom valgrind fuzz corpus corpus-small corpus-clippy marker-cost unannotated hottest from-nothing

check:
	$(CARGO) check --workspace --all-targets

# The real command line tool is tried on throw-away projects, so this builds a few small programs too.
test:
	$(CARGO) test --workspace

# Also that no files of a crate import each other in a circle, and that none knows a room that it must not know.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) run --quiet -p xtask -- circles
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p hprof-core --all-features -- -D warnings
	$(CARGO) clippy -p hprof-reports --features parquet --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

fmt:
	$(CARGO) fmt --all

# Where the jumps of a short loop lie can cost a fifth on processors with Intel's erratum SKX102, and any change of any code moves them.
# So benchmarks of ratios keep all jumps away from such places, in plain and in instrumented code.
EVEN_JUMPS := $(if $(filter x86_64,$(shell uname -m)),-C llvm-args=-x86-branches-within-32B-boundaries)

# Writes the tables of docs/overhead.md. Run it on a quiet machine.
overhead:
	RUSTFLAGS="$(EVEN_JUMPS)" $(CARGO) bench -p hprof-core --bench overhead --target-dir target/overhead

# Instructions that a call takes, by what calls it: prints a table (Debian: valgrind). Other work on the machine does not disturb it.
call-cost:
	RUSTFLAGS="$(EVEN_JUMPS)" $(CARGO) bench -p hprof-core --bench overhead --target-dir target/overhead -- calls

# Fifteen programs over published crates with the attribute on every function: what that costs with lines in all, with small functions thin, and
# fitted, and how far the shares of time are from what perf sees of the plain programs (Debian: linux-perf). Writes the tables of docs/overhead.md. Run
# it on a quiet machine: an hour. `make real PROGRAMS="jzon --rounds 1 --percent 10"` prints a quick look at some of them.
real:
	$(CARGO) build --release --quiet -p hprof-cli
	PROGRAM_FLAGS="$(EVEN_JUMPS)" HPROF_COMMAND="$${CARGO_TARGET_DIR:-$(CURDIR)/target}/release/hprof" $(CARGO) run --package hprof-macros --example real -- $(PROGRAMS)

# Writes the tables of docs/overhead-memory.md. Run it on a quiet machine.
overhead-memory:
	RUSTFLAGS="$(EVEN_JUMPS)" $(CARGO) bench -p hprof-core --bench memory --target-dir target/overhead

# Sixty runs of four threads that allocate and free at once: every page is charged to one line. Prints what it found.
memory-sums:
	$(CARGO) test -p hprof-core --test process_memory -- --ignored --nocapture --exact no_page_is_charged_twice_in_sixty_runs

# Line times against programs with known answers, in both ways a release can be built. Run it on a quiet machine.
accuracy:
	$(CARGO) bench -p hprof-core --bench accuracy
	$(CARGO) bench -p hprof-core --bench accuracy --config 'profile.bench.lto="fat"' --config profile.bench.codegen-units=1 --target-dir target/fat -- shares

# What the compiler makes of instrumented and of plain functions. Under fat LTO only the order of arithmetic: other functions are inlined there.
machine-code:
	$(CARGO) test --release -p sample-workloads --test machine_code
	HPROF=lines $(CARGO) test --release -p sample-workloads --test machine_code --target-dir target/lines
	HPROF=lines $(CARGO) test --release -p sample-workloads --test machine_code --target-dir target/fat --config 'profile.release.lto="fat"' --config profile.release.codegen-units=1 -- arithmetic

# Functions by chance, each with a spin at a place by chance, which has to stand on its right row: five seeds, three plants of each function.
# Minutes. Prints what was planted; `make truth HPROF_TRUTH_SEED=13` repeats a seed, and HPROF_TRUTH_SEEDS and HPROF_TRUTH_ROUNDS say how much.
export HPROF_TRUTH_SEED HPROF_TRUTH_SEEDS HPROF_TRUTH_ROUNDS
truth:
	$(CARGO) test -p hprof-cli --test it -- --ignored --nocapture --exact planted::planted_costs_of_any_seed_stand_on_their_rows

# Two thousand kills, four thousand forks while a recording starts, a hundred thousand threads, fifty million calls: minutes. Prints what it
# counted.
crash:
	$(CARGO) test --release -p hprof-core --test crash --test process_life --test process_starts -- --ignored --nocapture --test-threads=1

# Faults that must do no harm, one script for each in cli/tests/reliability: as root, with mounts of their own. A minute.
reliability:
	$(CARGO) test -p hprof-cli --test it -- --ignored --nocapture reliability

# Whether times of a revision and the working tree are judged right, with nothing to be found and with what was planted, twenty times each: minutes.
# Prints the counts; `make judge HPROF_JUDGE=nothing HPROF_JUDGE_ROUNDS=5` tries a part of it. Run it on a quiet machine.
export HPROF_JUDGE_ROUNDS
judge:
	$(CARGO) test -p hprof-cli --test it -- --ignored --nocapture --test-threads=1 judge::$(HPROF_JUDGE)

# What other programs make of our files: callgrind_annotate, speedscope in a browser, lcov and genhtml, Go's pprof (Debian: valgrind, npm, chromium, lcov,
# golang-1.19-go; npm fetches speedscope). A minute.
viewers:
	$(CARGO) test -p hprof-cli --test it -- --ignored --test-threads=1 viewers::

# Profiles of 10,000 ranks, and of 100 ranks with 100,000 lines each, merged, shown and asked: minutes. Prints how long it took and in how much
# memory, and fails above the goals. And 64 ranks of mpirun, a Slurm of its own (as root) and a job of Spark. What is missing is named
# (Debian: openmpi-bin libopenmpi-dev libclang-dev slurm-wlm munge openjdk-17-jre-headless; pip install duckdb pyspark).
scale:
	$(CARGO) test --release -p hprof-cli --features parquet --test it -- --ignored --nocapture --test-threads=1 scale

# Pages, pictures and tables of the workloads, into docs/gallery, with screenshots (Debian: chromium). Minutes.
gallery:
	$(CARGO) build --release --quiet -p hprof-cli
	$(CARGO) run --quiet -p xtask -- gallery "$${CARGO_TARGET_DIR:-$(CURDIR)/target}/release/hprof"

# Pages of 100,000 lines and of 64 ranks in a browser (Debian: chromium, nodejs): prints their size, how fast they are, and what is allowed.
page-budgets:
	$(CARGO) test -p hprof-cli --test it -- --ignored --nocapture --exact html::large_pages_stay_within_their_budgets

# What the recorder's threads do to each other's words, under a model checker: all orders of their steps in which a thread that could go on has
# to wait no more than 4 times (LOOM_MAX_PREEMPTIONS: more of them take minutes). Prints how many.
loom:
	RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=$${LOOM_MAX_PREEMPTIONS:-4} $(CARGO) test --release -p hprof-core --no-default-features --test loom --target-dir target/loom -- --nocapture --test-threads=1

# The recorder's tests, and the processes they start, under memcheck: minutes. Prints how many.
valgrind:
	CARGO="$(CARGO)" sh profiler-core/tests/valgrind/run.sh

# Almost sound files, a minute on all cores for each reader, for the merge, and for all reports; saved profiles with flipped bits; source texts; and
# hostile files through every command. Sums that do not fit panic. Prints how many.
fuzz: export CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS = true
fuzz: export HPROF_FUZZ_TALLY = $(CURDIR)/target/fuzz-tally
fuzz:
	mkdir -p target && rm -f $$HPROF_FUZZ_TALLY
	HPROF_FUZZ_SECONDS=$${HPROF_FUZZ_SECONDS:-60} $(CARGO) test --release -p hprof-core --test fuzz -- --nocapture --test-threads=1
	$(CARGO) test --release -p hprof-core --test pprof_file -- --ignored --nocapture
	HPROF_FUZZ_SECONDS=$${HPROF_FUZZ_SECONDS:-60} $(CARGO) test --release -p hprof-reports --test fuzz -- --nocapture --test-threads=1
	HPROF_FUZZ_SECONDS=$${HPROF_FUZZ_SECONDS:-60} $(CARGO) test --release -p hprof-cli --bin hprof sources
	$(CARGO) test --release -p hprof-cli --test it hostile -- --ignored --nocapture
	awk '{ runs += $$1 } END { print runs " runs in all" }' $$HPROF_FUZZ_TALLY

# `#[profile]` on every function of 22 published crates (19,478), which are downloaded and tested with and without it: an hour on a
# small machine. `make corpus CRATES="csv bitvec"` takes only those.
corpus:
	$(CARGO) run --package hprof-macros --example corpus -- $(CRATES)

# `hprof run --all` on six published programs that do not know of hprof, against the plain program: its output, its files, build and run times, and
# the own tests of ripgrep. Half an hour on a small machine. `make unannotated PROGRAMS="--no-tests hexyl"` takes only that.
unannotated:
	$(CARGO) build --release --quiet -p hprof-cli
	$(CARGO) run --quiet -p xtask -- unannotated "$${CARGO_TARGET_DIR:-$(CURDIR)/target}/release/hprof" $(PROGRAMS)

# What a newcomer waits for: the command is installed, and a program that was never built gets its first table, against its plain release build. Minutes.
from-nothing:
	$(CARGO) install --quiet --path cli --root "$${CARGO_TARGET_DIR:-$(CURDIR)/target}/from-nothing"
	$(CARGO) run --quiet -p xtask -- unannotated "$${CARGO_TARGET_DIR:-$(CURDIR)/target}/from-nothing/bin/hprof" --no-tests $(or $(PROGRAMS),ripgrep)

# The hottest lines of three of these programs, unedited, against what perf sees of the plain program (Debian: linux-perf, binutils). Run it on a quiet
# machine. `make hottest PROGRAMS=hexyl` takes only that.
hottest:
	$(CARGO) build --release --quiet -p hprof-cli
	$(CARGO) run --quiet -p xtask -- hottest "$${CARGO_TARGET_DIR:-$(CURDIR)/target}/release/hprof" $(PROGRAMS)

# Bytes and compile time that markers add: the tables of docs/overhead-macro.md.
marker-cost:
	$(CARGO) run --package hprof-macros --example marker_cost

# What clippy says of such crates, pedantic lints included: of the instrumented ones nothing more. Minutes.
corpus-clippy:
	$(CARGO) run --package hprof-macros --example corpus -- --clippy $(or $(CRATES),--small)

# The crates of it that take a minute.
corpus-small:
	$(CARGO) run --package hprof-macros --example corpus -- --small
	$(CARGO) run --package hprof-macros --example corpus -- --small --bulk
