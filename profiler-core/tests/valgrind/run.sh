#!/bin/sh
# The recorder's tests under memcheck, with the processes they start: `make valgrind`. Clean means: no test failed, and nobody had anything to
# report; no report is suppressed. Prints how many tests ran.
#
# Only memcheck: helgrind and drd follow the locks of pthreads, but neither futexes nor atomics. They report races in the standard library's own
# test harness before a line of ours runs, and every word that our threads share is an atomic, which they take for a race too. What threads do
# to each other's words is what `make loom` tries.
set -eu

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

command -v valgrind > /dev/null || { echo "NOT TESTED: there is no valgrind"; exit 0; }

# Only errors go to the logs. Programs that are not ours run as they are.
runner="valgrind --quiet --vgdb=no --error-exitcode=99 --trace-children=yes --trace-children-skip=*/true
    --log-file=$logs/%p"
target=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')

# under NAME CARGO-OPTIONS -- TEST-OPTIONS. Scenarios are what the tests start, and nothing by themselves.
under() {
    name=$1
    shift
    env "CARGO_TARGET_${target}_RUNNER=$(echo $runner)" "${CARGO:-cargo}" test -p hprof-core "$@" --skip scenarios --test-threads=1 > "$logs/out" || {
        cat "$logs/out"
        exit 1
    }
    count=$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$logs/out")
    rm "$logs/out"
    echo "memcheck: $count tests of $name"
}

export PROPTEST_CASES="${PROPTEST_CASES:-30}"
# The model's own tests are not the recorder's, and take long; the resident set that process_memory looks at would be valgrind's.
under "the recorder" --lib -- recorder:: memory::
# Without those that say how little time something takes.
under "spans" --test spans -- --skip settled_later --skip leave_nothing_running --skip nest_in_both --skip apart_from_busy
# Valgrind takes more addresses and descriptors for itself than the limits of `space` leave; it cannot follow a process whose rights or user
# change; a fault is something to report; fifty processes and ten thousand threads take too long.
under "process life" --test process_life -- --skip space:: --skip changed_user --skip more_rights --skip a_fault --skip fifty_processes \
    --skip ten_thousand

if [ -n "$(find "$logs" -type f -size +0)" ]; then
    cat "$logs"/*
    exit 1
fi
echo "memcheck: nothing to report"
