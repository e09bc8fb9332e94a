# As root: the disk of the target folder fills up while a program that does not know of hprof is built, or it cannot be written to. The build fails with a
# cause, the program's folder stays as it was, and with room the same command works.
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || exit 77
mount -t tmpfs none /dev/shm || exit 77

mkdir -p package/src
cat >package/Cargo.toml <<'END'
[package]
name = "package"
version = "0.1.0"
edition = "2021"
[workspace]
END
echo 'fn main() { let sum: u32 = (1..4).sum(); println!("{sum}"); }' >package/src/main.rs
cd package
cargo generate-lockfile --offline 2>/dev/null || fail "no list of versions"
before=$(cat Cargo.toml Cargo.lock src/main.rs | cksum)
unchanged() {
    [ "$before" = "$(cat Cargo.toml Cargo.lock src/main.rs | cksum)" ] || fail "a file changed"
    [ -z "$(find . -newer ../began -path ./target -prune -o -newer ../began -type f -print)" ] || fail "a file was written"
    ls /dev/shm | grep -q '^hprof-' && fail "a folder stayed in memory"
    return 0
}
sleep 0.1
touch ../began

# In one place after the other: unpacking, the recorder's crates, the program.
mkdir target
for room in 64k 600k 8m 40m; do
    mount -t tmpfs -o size=$room none target || exit 77
    code=0
    "$HPROF" run --all --offline --report none >../out 2>../said || code=$?
    [ "$code" != 0 ] || fail "it went well with $room: $(cat ../said)"
    grep -qi "no space left\|no storage space\|os error 28" ../said || fail "no cause with $room: $(cat ../said)"
    unchanged
    umount target
done

mount -t tmpfs -o ro none target || exit 77
code=0
"$HPROF" run --all --offline --report none >../out 2>../said || code=$?
[ "$code" = 2 ] || fail "code $code: $(cat ../said)"
cd ..
says "read-only filesystem"
says "hprof: hint: "
cd package
unchanged
umount target

must "$HPROF" run --all --offline --report none >../out
grep -q '^6$' ../out || fail "the output of the program"
