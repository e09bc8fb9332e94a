# The launcher alone is killed, below `hprof exec` itself: what is printed says that the program goes on, and all of it is saved later.
. "$(dirname "$0")/common.sh"

# A program that is left behind, as one is whose launcher was killed.
must "$HPROF" exec -o first.pb.gz -- sh -c '"$0" wait >out & until grep -q ready out; do sleep 0.02; done' "$PROGRAM"
says "process"
says "goes on: this is what it had recorded when it was read"
says "the program has left process"
says "goes on and records into /"
says "hprof recover"
folder=$(sed -n 's/.*look at it with: hprof show //p' said)
program=$(sed -n 's/.*has left process \([0-9]*\) .*/\1/p' said)
grep -q "left its exit handlers\|left without\|killed by" said && fail "it was said to have ended"
must "$HPROF" show first.pb.gz >shown
grep -q "process $program goes on" shown || fail "the saved profile does not say so"
must "$HPROF" show "$folder" >shown
grep -q "process $program goes on" shown || fail "the folder does not say so"
must "$HPROF" recover
says "left alone: process $program (annotated) still records in $folder"
kill "$program"
ended() { ! kill -0 "$program" 2>/dev/null; }
until_true ended
must "$HPROF" recover
says "recovered $runs/"
must "$HPROF" show "$runs"/*.pb.gz >shown
grep -q "goes on" shown && fail "it has ended"
[ ! -e "$folder" ] || fail "the folder stayed"

# One that has entered no function yet.
must "$HPROF" exec -- sh -c '(sleep 2; exec "$0" 3 >/dev/null) & ' "$PROGRAM"
says "nothing was recorded so far"
says "the program has left process"
grep -q "entered a function\|entered no function" said && fail "what is not known was said"
until_true sh -c '"$0" recover 2>&1 | grep -q "recovered "' "$HPROF"
