# Three hundred runs that end at once, in one folder: three hundred profiles, each of its own program.
. "$(dirname "$0")/common.sh"
runs_wanted=${RUNS_WANTED:-300}

mkfifo gate
number=0
while [ "$number" -lt "$runs_wanted" ]; do
    number=$((number + 1))
    "$HPROF" exec --report none -- sh -c 'read line <gate; "$0" "$1" >/dev/null' "$PROGRAM" "$number" 2>"said-$number" &
done
# A pipe opens when it has both ends, and whoever waits for a line sees the end of it.
waiting() { ps -e -o args= | grep -c '^sh -c read line <gate'; }
ready() { [ "$(waiting)" -ge "$runs_wanted" ]; }
until_true ready
sleep 0.3
: >gate
wait
[ "$(count "$runs" .pb.gz)" = "$runs_wanted" ] || fail "$(count "$runs" .pb.gz) profiles of $runs_wanted runs"
[ "$(cat said-* | grep -c 'saved to')" = "$runs_wanted" ] || fail "not all said that they saved"
for profile in "$runs"/*.pb.gz; do
    "$HPROF" show "$profile" 2>/dev/null | sed -n 's/^Program .* \([0-9]*\): .*/\1/p'
done >numbers
[ "$(sort -u numbers | wc -l)" = "$runs_wanted" ] || fail "two profiles are of one run"
