# As root: a program of 1,500 threads in a control group of 64 MiB ends as it does alone, and its file takes an eighth at most.
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || exit 77
threads="$(dirname "$PROGRAM")/examples/threads"

# A group of our own below the one we are in; of version 1, or of version 2 where that has the controller.
own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
place=$(sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - cgroup [^ ]* .*memory.*/\1/p' /proc/self/mountinfo | head -n 1)
limit=memory.limit_in_bytes
if [ -z "$place" ]; then
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    place=$(sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - cgroup2 .*/\1/p' /proc/self/mountinfo | head -n 1)
    limit=memory.max
fi
group=$place$own/hprof-$$
mkdir "$group" 2>/dev/null || { echo "no control group of our own" >&2; exit 77; }
trap 'sleep 0.2; rmdir "$group"' EXIT
[ -e "$group/$limit" ] && echo $((64 << 20)) >"$group/$limit" || { echo "no limit of memory" >&2; exit 77; }

limited() { sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"; }
limited "$threads" 1500 >plain || fail "it does not even run alone"
must "$HPROF" exec --report none -o profile.pb.gz -- sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$threads" 1500 >recorded
cmp -s plain recorded || fail "the results differ"
must "$HPROF" show profile.pb.gz >/dev/null

# The length of the file is what it may grow to.
limited sh -c 'mkdir raw && HPROF_DIR=$PWD/raw "$0" 3' "$threads" >/dev/null
[ "$(stat -c %s raw/*.hpraw)" -le $((8 << 20)) ] || fail "$(stat -c %s raw/*.hpraw) bytes of 64 MiB"
