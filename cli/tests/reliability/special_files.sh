# Outputs go into pipes, links and open files; none of them becomes a regular file.
. "$(dirname "$0")/common.sh"

must "$HPROF" exec --report none -o first.pb.gz -- "$PROGRAM" 3 >/dev/null
mkfifo pipe
ln -s pipe link-to-pipe
mkdir below
ln -s below/file link

for name in pipe link-to-pipe; do
    for command in "flamegraph --metric hits" "export --format csv"; do
        cat pipe >got &
        # Words of a command are split on purpose.
        must "$HPROF" $command -o "$name" first.pb.gz
        wait
        [ -s got ] || fail "nothing came through $name from $command"
    done
    cat pipe >got &
    must "$HPROF" exec --report "$name" -o other.pb.gz -- "$PROGRAM" 3 >/dev/null
    wait
    grep -q Hits got || fail "no report through $name"
    cat pipe >got &
    must "$HPROF" exec --report none -o "$name" -- "$PROGRAM" 3 >/dev/null
    wait
    must "$HPROF" show got >/dev/null
    cat pipe >got &
    HPROF_OUT=$name must "$HPROF" exec --report none -- "$PROGRAM" 3 >/dev/null
    wait
    must "$HPROF" show got >/dev/null
done
[ -p pipe ] && [ -L link-to-pipe ] || fail "a pipe or its link is gone"

# What is behind a link need not be there yet.
for turn in 1 2; do
    must "$HPROF" export --format json -o link first.pb.gz
    must "$HPROF" exec --report link -o other.pb.gz -- "$PROGRAM" 3 >/dev/null
    grep -q Hits below/file || fail "no report behind the link"
done
rm below/file
for turn in 1 2; do
    must "$HPROF" exec --report none -o link -- "$PROGRAM" 3 >/dev/null
    must "$HPROF" show below/file >/dev/null
done
[ -L link ] || fail "the link is gone"

# What was redirected goes on where it is.
(
    echo before
    "$HPROF" export --format csv -o /dev/stdout first.pb.gz
    echo after
) >redirected 2>said || fail "export into /dev/stdout"
[ "$(head -n 1 redirected)" = before ] && [ "$(tail -n 1 redirected)" = after ] || fail "/dev/stdout was replaced"
[ "$(wc -l <redirected)" -gt 3 ] || fail "nothing was written into /dev/stdout"
"$HPROF" flamegraph --metric hits -o /dev/fd/7 first.pb.gz 7>seven 2>said || fail "/dev/fd/7"
grep -q '</svg>' seven || fail "nothing in /dev/fd/7"

# Nothing is left beside.
[ -z "$(find . -name '.hprof-*' -o -name '.saving-*')" ] || fail "temporary files stayed"
