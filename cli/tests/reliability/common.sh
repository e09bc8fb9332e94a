# Read by all scripts here: HPROF is the program hprof, PROGRAM one that is annotated (cli/tests/fixtures/annotated), and the current
# folder is empty and the script's own. A script ends with code 0 if the fault does no harm, and with 77 if it cannot be tried here.
set -u
unset CARGO_TARGET_DIR HPROF_OUT HPROF_DIR
runs="$PWD/hprof-runs"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# must COMMAND..: which has to succeed; what it says on the standard error is in the file `said`.
must() {
    "$@" 2>said || {
        code=$?
        cat said >&2
        fail "code $code of: $*"
    }
}

# says TEXT: the last command had this in what it said.
says() {
    grep -qF -- "$1" said || {
        cat said >&2
        fail "nobody said: $1"
    }
}

# count FOLDER SUFFIX: how many files there have it.
count() {
    find "$1" -maxdepth 1 -name "*$2" 2>/dev/null | wc -l
}

# until_true COMMAND..: tries it for ten seconds.
until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || fail "never became true: $*"
        sleep 0.02
    done
}
