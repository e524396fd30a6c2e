"""A shell's background jobs, traps, here-documents and command substitutions replay, with the status of its choice."""

from support import programs

SCRIPT = """
trap 'echo "USR1 came"' USR1
sleep 0.05 & first=$!
(exit 3) & second=$!
kill -USR1 $$
wait $first; echo "first: $?"
wait $second; echo "second: $?"
cat <<END
$(date +%s%N) $$ $PPID
END
while read -r word; do echo "read $word"; done < <(printf 'a\\nb\\n')
echo "to standard error" >&2
sleep 10 & kill -TERM $!
wait $!; exit $?
"""


def test(space):
    recorded = programs.round_trip(space, [programs.rectest.require_program("bash"), "-c", SCRIPT], status=143)
    for text in (b"USR1 came", b"first: 0", b"second: 3", b"read b"):
        programs.rectest.check(text in recorded.stdout, f"the shell did not print {text!r}", recorded)


programs.main(test)
