# Twenty orphans of all kinds, and two `hprof recover` at once: each is saved once, what runs is left alone, and nothing that cannot be read is deleted.
. "$(dirname "$0")/common.sh"

folders() { grep -lF "\"runs\":\"$runs\"" /dev/shm/hprof-"$(id -u)"-*/order.json 2>/dev/null | xargs -r -n 1 dirname; }
clean_up() {
    kill -9 $(cat pids) 2>/dev/null
    folders | xargs -r rm -r
}
trap clean_up EXIT
: >pids

# start NUMBER: a program that waits, whose hprof is killed. It tells its number in its command, and its process in `pid-NUMBER`.
start() {
    "$HPROF" exec --report none -- "$PROGRAM" wait "$1" >"out-$1" 2>/dev/null &
    hprof=$!
    until_true grep -q ready "out-$1"
    program=$(pgrep -P "$hprof" -f "wait $1")
    kill -9 "$hprof"
    wait "$hprof" 2>/dev/null
    echo "$program" >"pid-$1"
    echo "$program" >>pids
}
# folder_of NUMBER: the folder it records in.
folder_of() { tr '\0' '\n' <"/proc/$(cat "pid-$1")/environ" | sed -n 's/^HPROF_DIR=//p'; }

number=0
while [ "$number" -lt 14 ]; do
    number=$((number + 1))
    start "$number"
    folder_of "$number" >"folder-$number"
done
# Two go on; one of them is stopped, which is no end.
kill -STOP "$(cat pid-2)"
for number in 3 4 5 6 7 8 9 10 11 12 13 14; do
    kill -9 "$(cat "pid-$number")"
done
# Six more: copies of the last, damaged in their ways.
model=$(cat folder-14)
for kind in empty zeros none note partly foreign; do
    copy=$(dirname "$model")/hprof-$(id -u)-copy-$$-$kind
    cp -r "$model" "$copy"
    chmod 700 "$copy"
    echo "$copy" >"folder-$kind"
    raw=$(echo "$copy"/*.hpraw)
    sed -i "s/\"14\"/\"$kind\"/" "$copy"/launch-*.json
    case $kind in
    empty) : >"$raw" ;;
    zeros) head -c 65536 /dev/zero >"$raw" ;;
    none) rm "$raw" ;;
    note) rm "$raw" && ln -s 28 "${raw%.hpraw}.hplost" ;;
    partly) : >"${raw%.hpraw}0.hpraw" ;;
    foreign) echo "not ours, and nobody knows what it is" >"${raw%.hpraw}0.hpraw" ;;
    esac
done
[ "$(folders | wc -l)" = 20 ] || fail "$(folders | wc -l) orphans"

"$HPROF" recover >first 2>&1 &
first=$!
"$HPROF" recover >second 2>&1 &
second=$!
wait "$first"
codes=$?
wait "$second"
codes="$codes $?"
cat first second >both
# Whoever met what cannot be read says so: one of them, or one after the other, for it stays there.
case $codes in
"2 0" | "0 2" | "2 2") ;;
*) fail "codes $codes: $(cat both)" ;;
esac

for profile in "$runs"/*.pb.gz; do
    "$HPROF" show "$profile" 2>/dev/null | sed -n 's/^Program .*annotated wait //p'
done | sort >saved
{
    seq 3 14
    echo partly
    echo foreign
} | sort >wanted
cmp -s saved wanted || fail "saved: $(tr '\n' ' ' <saved): $(cat both)"
[ "$(grep -c 'recovered ' both)" = 14 ] || fail "recovered: $(cat both)"
[ "$(grep -c 'killed before its recording began' both)" = 3 ] || fail "not begun: $(cat both)"
grep -q 'could not make its file: No space left' both || fail "the note: $(cat both)"
for number in 1 2; do
    grep -q "left alone: process $(cat "pid-$number") (annotated) still records" both || fail "running: $(cat both)"
    [ -d "$(cat "folder-$number")" ] || fail "the folder of a running program is gone"
done
[ "$(folders | wc -l)" = 3 ] || fail "left: $(folders)"
grep -q '\.recording-' both && fail "a folder that no machine used is told of: $(cat both)"
[ "$(count "$(cat folder-foreign)" .hpraw)" = 1 ] || fail "what could not be read is gone"

# Now those end, too, and are whole.
rm -r "$(cat folder-foreign)"
kill -9 "$(cat pid-1)" "$(cat pid-2)"
must "$HPROF" recover
[ "$(grep -c 'recovered ' said)" = 2 ] || fail "$(cat said)"
[ "$(count "$runs" .pb.gz)" = 16 ] || fail "$(count "$runs" .pb.gz) profiles in the end"
must "$HPROF" recover
says "nothing to recover"

# One name for all of them: nobody's profile is replaced.
for number in 21 22 23; do
    start "$number"
    kill -9 "$(cat "pid-$number")"
done
HPROF_OUT=named.pb.gz must "$HPROF" recover
[ "$(count . .pb.gz)" = 3 ] || fail "$(count . .pb.gz) profiles under the name of HPROF_OUT"
