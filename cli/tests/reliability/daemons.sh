# A program that leaves several daemons behind and ends: hprof says which, and what they record is saved once they have ended.
. "$(dirname "$0")/common.sh"

# Sessions of their own, as daemons have them, begun before and after the program enters a function.
must "$HPROF" exec -o first.pb.gz -- sh -c '
    for number in 1 2 3; do
        setsid "$0" wait >out$number &
        until grep -q ready out$number; do sleep 0.02; done
    done
    "$0" code 0 >/dev/null' "$PROGRAM"
says "the program has left processes "
says ", which go on and record into /"
says "once they have ended, save all of it with: hprof recover"
folder=$(sed -n 's/.*look at it with: hprof show //p' said)
daemons=$(sed -n 's/.*has left processes \(.*\), which.*/\1/p' said | tr ',' '\n' | sed 's/^ *\([0-9]*\) .*/\1/')
[ "$(echo "$daemons" | wc -l)" = 3 ] || fail "they were: $daemons"
must "$HPROF" show first.pb.gz >shown
[ "$(grep -c 'goes on: this is what it had recorded' shown)" = 3 ] || fail "the saved profile does not say that they go on"

# Two of them end.
for daemon in $(echo "$daemons" | head -2); do
    kill "$daemon"
done
last=$(echo "$daemons" | tail -1)
must_be_one() { "$HPROF" recover 2>&1 | grep -q "left alone: process $last (annotated) still records in $folder"; }
until_true must_be_one
[ "$(count "$runs" .pb.gz)" = 0 ] || fail "a part was saved"
kill "$last"
until_true sh -c '"$0" recover 2>&1 | grep -q "recovered "' "$HPROF"
[ "$(count "$runs" .pb.gz)" = 1 ] || fail "not saved once"
must "$HPROF" show --threads "$runs"/*.pb.gz >shown
for daemon in $daemons; do
    grep -q "^$daemon " shown || fail "daemon $daemon is missing"
done
grep -q "goes on" shown && fail "they have ended"
[ ! -e "$folder" ] || fail "the folder stayed"

# One that enters its first function later.
must "$HPROF" exec -- sh -c 'setsid sh -c "sleep 1; exec \"\$0\" 3" "$0" >/dev/null 2>&1 & sleep 0.2' "$PROGRAM"
says "nothing was recorded so far"
says "the program has left process"
grep -q "entered no function" said && fail "what is not known was said"
until_true sh -c '"$0" recover 2>&1 | grep -q "recovered "' "$HPROF"
