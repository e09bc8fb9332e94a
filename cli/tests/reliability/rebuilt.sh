# A run whose hprof was killed, and whose program's file was replaced and then deleted: it goes on, and nothing of it is lost.
. "$(dirname "$0")/common.sh"

cp "$PROGRAM" program
"$HPROF" exec --report none -- ./program wait >out 2>/dev/null &
hprof=$!
until_true grep -q ready out
program=$(pgrep -P "$hprof")
kill -9 "$hprof"
cp "$PROGRAM" new
mv new program
readlink "/proc/$program/exe" | grep -q '(deleted)' || fail "the program is still there"
must "$HPROF" recover
says "left alone: process $program (program) still records in /"
rm program
must "$HPROF" recover
says "left alone: process $program (program) still records in /"
kill "$program"
ended() { ! kill -0 "$program" 2>/dev/null; }
until_true ended
must "$HPROF" recover
says "recovered $runs/"
must "$HPROF" show
[ "$(count "$runs" .pb.gz)" = 1 ] || fail "not one profile"
