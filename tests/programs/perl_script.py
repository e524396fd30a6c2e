"""A Perl program with random numbers, a hash's order, a child and an alarm replays as it was."""

from support import programs

SCRIPT = r"""
use strict; use warnings; use Time::HiRes qw(time ualarm);
$| = 1;
my %hash = map { $_ => rand } 'a' .. 'j';
print join(' ', keys %hash), "\n", time, " $$\n";
print `echo from a child: \$\$`;
my $rings = 0;
local $SIG{ALRM} = sub { $rings++ };
ualarm 20_000;
select undef, undef, undef, 5;
print "alarms: $rings, $!\n";
open my $pipe, '-|', 'sort', '-r', $0 =~ /-e/ ? '/proc/self/status' : $0 or die;
my @lines = <$pipe>;
print scalar(@lines) > 5 ? $lines[0] : "nothing\n";
exit 4;
"""


def test(space):
    perl = programs.rectest.require_program("perl")
    recorded = programs.round_trip(space, [perl, "-e", SCRIPT], status=4)
    programs.rectest.check(b"alarms: 1" in recorded.stdout, "the alarm did not come", recorded)


programs.main(test)
