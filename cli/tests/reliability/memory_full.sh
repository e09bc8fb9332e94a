# As root: the memory that is recorded into fills up before the launcher writes its note, or before the program begins. The exit code is the program's, and
# what there is is saved.
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || exit 77
mount -t tmpfs -o size=160m none /dev/shm || exit 77

fill='dd if=/dev/zero of=/dev/shm/full bs=64k 2>/dev/null; dd if=/dev/zero of=/dev/shm/full2 bs=512 2>/dev/null'
# full COMMAND..: fills the memory as soon as there is a folder to record in, while nobody has written more.
watch_and_fill() {
    until set -- /dev/shm/hprof-*/order.json && [ -s "$1" ]; do :; done
    sh -c "$fill"
}

# The program is over, all is recorded, and then there is no room for the note of its end.
code=0
"$HPROF" exec --report none -- sh -c '"$0" 20 && '"$fill"'; exit 7' "$PROGRAM" >out 2>said || code=$?
[ "$code" = 7 ] || fail "code $code: $(cat said)"
grep -q '^19$' out || fail "the output of the program"
says "saved to "
must "$HPROF" show >shown
grep -q "sum = step" shown || fail "nothing was saved"
rm -r /dev/shm/*

# There is no room for anything when the launcher of `hprof run` starts: cargo takes its time, and the runner of the user fills the memory.
mkdir -p package/src
cat >package/Cargo.toml <<'END'
[package]
name = "package"
version = "0.1.0"
edition = "2021"
[workspace]
END
echo 'fn main() { std::thread::sleep(std::time::Duration::from_millis(300)); std::process::exit(7) }' >package/src/main.rs
cd package
code=0
watch_and_fill &
"$HPROF" run >out 2>../said || code=$?
wait
cd ..
[ "$code" = 7 ] || fail "code $code: $(cat said)"
grep -q "started no program" said && fail "it was started: $(cat said)"
rm -r /dev/shm/*
[ -z "$(ls /dev/shm)" ] || fail "something stayed"
