# As root: a program that becomes another user before it enters an annotated function. What is said names the right that was missing.
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || exit 77

cp "$PROGRAM" program
chmod 755 . program
cp program /tmp/hprof-reliability-$$
trap 'rm -f /tmp/hprof-reliability-$$' EXIT
must "$HPROF" exec -- setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/hprof-reliability-$$ 20
says "the program went on as user 65534, who has no right to write to /"
says "a folder of user 0"
grep -q "entered a function\|entered no function" said && fail "what is not known was said"
# Root that stays root, and a user that records for itself.
must "$HPROF" exec -- "$PROGRAM" 20
says "saved to"
