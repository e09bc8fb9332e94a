# As root: outputs go into devices, which stay devices. The nodes are our own, in a file system of our own, in a mount namespace of our own.
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || exit 77

must "$HPROF" exec --report none -o first.pb.gz -- "$PROGRAM" 3 >/dev/null
mkdir private
mount -t tmpfs none private || exit 77
mknod private/null c 1 3 && mknod private/full c 1 7 && mknod private/loop b 7 0 || exit 77
ln -s private/null link

for device in private/null link; do
    must "$HPROF" flamegraph --metric hits -o "$device" first.pb.gz
    must "$HPROF" export --format csv -o "$device" first.pb.gz
    must "$HPROF" exec --report "$device" -o "$device" -- "$PROGRAM" 3 >/dev/null
    says "saved into"
    HPROF_OUT=$device must "$HPROF" exec --report none -- "$PROGRAM" 3 >/dev/null
done
# What a full device refuses is an error, and what was recorded stays.
for arguments in "flamegraph --metric hits first.pb.gz" "export --format csv first.pb.gz"; do
    "$HPROF" $arguments -o private/full 2>said && fail "a full device was no error"
    says "No space left"
done
"$HPROF" exec --report none -o private/full -- "$PROGRAM" 3 >/dev/null 2>said && fail "a full device was no error"
says "what was recorded is still there"
rm -r "$(sed -n 's/.*hprof show //p' said)"
# The first bytes of a disk are nobody's place for a report.
"$HPROF" export --format csv -o private/loop first.pb.gz 2>said && fail "a disk was written to"
says "a disk is there"

[ -c private/null ] && [ -c private/full ] && [ -b private/loop ] && [ -L link ] || fail "a node was replaced"
[ "$(find private | wc -l)" = 4 ] || fail "files were left beside the nodes"
