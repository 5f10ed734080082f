package procfs

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// What is wrong with a command line. Status 2 is wrong usage of what libcap's
// capsh does not have, 1 is all else (DESIGN, "Output"); where libcap prints its
// usage on stdout, so does ours.
var hostile = []struct {
	code  int
	usage bool
	args  []string
}{
	// --pid
	{2, false, []string{"--pid"}},
	{2, false, []string{"--pid="}},
	{2, false, []string{"--pid=0", "--print"}},
	{2, false, []string{"--pid=00", "--print"}},
	{2, false, []string{"--pid=-1", "--print"}},
	{2, false, []string{"--pid=+1", "--print"}},
	{2, false, []string{"--pid=01", "--print"}},
	{2, false, []string{"--pid=0x1", "--print"}},
	{2, false, []string{"--pid=1,", "--print"}},
	{2, false, []string{"--pid=,1", "--print"}},
	{2, false, []string{"--pid=,", "--print"}},
	{2, false, []string{"--pid=1,,1", "--print"}},
	{2, false, []string{"--pid=1/", "--print"}},
	{2, false, []string{"--pid=/1", "--print"}},
	{2, false, []string{"--pid=/", "--print"}},
	{2, false, []string{"--pid=1/2/3", "--print"}},
	{2, false, []string{"--pid=1/0", "--print"}},
	{2, false, []string{"--pid=1/-1", "--print"}},
	{2, false, []string{"--pid=1/../1", "--print"}},
	{2, false, []string{"--pid=1 1", "--print"}},
	{2, false, []string{"--pid=1;2", "--print"}},
	{2, false, []string{"--pid=2147483648", "--print"}},
	{2, false, []string{"--pid=4294967297", "--print"}},
	{2, false, []string{"--pid=99999999999", "--print"}},
	{2, false, []string{"--pid=" + strings.Repeat("9", 4000), "--print"}},
	{2, false, []string{"--pid=1e3", "--print"}},
	{2, false, []string{"--pid=1_0", "--print"}},
	{2, false, []string{"--pid=١", "--print"}},
	{2, false, []string{"--pid=self", "--print"}},
	{2, false, []string{"--pid=\xff\xfe", "--print"}},
	{2, false, []string{"--pid=\x1b[31m", "--print"}},
	{2, false, []string{"--print", "--pid=x"}},
	{2, false, []string{"--print", "--pid=1", "--pid=x"}},
	{1, false, []string{"--pid=1/2147483647", "--print"}},
	{1, false, []string{"--pid=2147483647", "--print"}},
	// a change beside --pid or --proc, wherever they stand
	{2, false, []string{"--pid=1", "--drop=all"}},
	{2, false, []string{"--drop=all", "--print", "--pid=1"}},
	{2, false, []string{"--print", "--drop=all", "--pid=1"}},
	{2, false, []string{"--pid=1", "--print", "--uid=1"}},
	{2, false, []string{"--pid=1", "--print", "--"}},
	{2, false, []string{"--pid=1", "--print", "--", "-c", "id"}},
	{2, false, []string{"--pid=1", "--print", "=="}},
	{2, false, []string{"--pid=1", "--print", "-+"}},
	{2, false, []string{"--pid=1", "--print", "=+"}},
	{2, false, []string{"--pid=1", "--caps=", "--print"}},
	{2, false, []string{"--pid=1", "--mode=NOPRIV"}},
	{2, false, []string{"--pid=1", "--forkfor=1", "--killit=9"}},
	{2, false, []string{"--pid=1", "--strict", "--print"}},
	{2, false, []string{"--pid=1", "--noamb"}},
	{2, false, []string{"--proc=/proc", "--drop=all"}},
	{2, false, []string{"--no-new-privs", "--print", "--proc=/proc"}},
	// --proc, --format
	{2, false, []string{"--proc"}},
	{2, false, []string{"--proc="}},
	{2, false, []string{"--proc=", "--print"}},
	{1, false, []string{"--proc=\xff\x1b[0m", "--print", "--pid=1"}},
	{1, false, []string{"--proc=\n\n", "--print", "--pid=1"}},
	{1, false, []string{"--proc=/dev/null", "--print"}},
	{2, false, []string{"--format"}},
	{2, false, []string{"--format="}},
	{2, false, []string{"--format=xml", "--print"}},
	{2, false, []string{"--format=JSON", "--print"}},
	{2, false, []string{"--format=json,text", "--print"}},
	{2, false, []string{"--print", "--format=\xff"}},
	// words
	{2, false, []string{"no-such-command"}},
	{2, false, []string{"expalin"}},
	{2, false, []string{"print"}},
	{2, false, []string{"\x1b[31mred"}},
	{2, false, []string{"\xff\xfe"}},
	{2, false, []string{" "}},
	{2, false, []string{"\n"}},
	{2, false, []string{strings.Repeat("a", 100000)}},
	{2, false, []string{"explain", "no_such_cap"}},
	{2, false, []string{"explain", ""}},
	{2, false, []string{"explain", "64"}},
	{2, false, []string{"explain", "--no-such"}},
	{2, false, []string{"explain", "chown", "--format=xml"}},
	// libcap's options, wrong
	{1, true, []string{""}},
	{2, false, []string{"--json=1"}},
	{2, false, []string{"--json=", "--print"}},
	{1, true, []string{"--no-such"}},
	{1, true, []string{"-"}},
	{1, true, []string{"="}},
	{1, true, []string{"---print"}},
	{1, true, []string{"--PRINT"}},
	{1, true, []string{"--prin"}},
	{1, true, []string{"--print "}},
	{1, true, []string{"--print="}},
	{1, true, []string{"--print=1"}},
	{1, true, []string{"--decode"}},
	{1, true, []string{"--drop"}},
	{1, true, []string{"--uid"}},
	{1, true, []string{"--\xff\xfe"}},
	{1, true, []string{"--\x1b[31m"}},
	{1, true, []string{"--\n--print"}},
	{1, true, []string{"--" + strings.Repeat("x", 100000)}},
	{1, true, []string{"--forkfor=0"}},
	{1, false, []string{"--decode="}},
	{1, false, []string{"--decode=xyz"}},
	{1, false, []string{"--decode=-1"}},
	{1, false, []string{"--decode= 1 2"}},
	{1, false, []string{"--decode=10000000000000000"}},
	{1, false, []string{"--decode=" + strings.Repeat("f", 100000)}},
	{1, false, []string{"--decode=\xff\x1b"}},
	{1, false, []string{"--has-p="}},
	{1, false, []string{"--has-p=cap_chown,,cap_kill"}},
	{1, false, []string{"--has-i=64"}},
	{1, false, []string{"--has-a=-1"}},
	{1, false, []string{"--has-b=cap_\n"}},
	{1, false, []string{"--supports=0x"}},
	{1, false, []string{"--supports=18446744073709551616"}},
	{1, false, []string{"--drop=cap_nothing"}},
	{1, false, []string{"--caps=cap_chown"}},
	{1, false, []string{"--caps=\x01\x02"}},
	{1, false, []string{"--caps=" + strings.Repeat("=", 10000)}},
	{1, false, []string{"--inh=x"}},
	{1, false, []string{"--iab=,"}},
	{1, false, []string{"--iab=\xff"}},
	{1, false, []string{"--uid="}},
	{1, false, []string{"--uid=-1"}},
	{1, false, []string{"--uid=4294967296"}},
	{1, false, []string{"--uid=99999999999999999999999"}},
	{1, false, []string{"--uid=1 "}},
	{1, false, []string{"--uid=root"}},
	{1, false, []string{"--gid=0x"}},
	{1, false, []string{"--cap-uid=08"}},
	{1, false, []string{"--groups=nosuchgroup"}},
	{1, false, []string{"--groups=1foo"}},
	{1, false, []string{"--groups=4294967296"}},
	{1, false, []string{"--user="}},
	{1, false, []string{"--user=no:such\nuser"}},
	{1, false, []string{"--secbits=x"}},
	{1, false, []string{"--secbits=4294967296"}},
	{1, false, []string{"--keep=2"}},
	{1, false, []string{"--chroot="}},
	{1, false, []string{"--chroot=/dev/null"}},
	{1, false, []string{"--chroot=/\x1b[0m\n"}},
	{1, false, []string{"--killit=9"}},
	{1, false, []string{"--forkfor=x"}},
	{1, false, []string{"--is-uid=x"}},
	{1, false, []string{"--is-gid=4294967296"}},
	{1, false, []string{"--explain=nothing"}},
	{1, false, []string{"--shell=", "--"}},
	{1, false, []string{"--shell=/\xff\x1b", "--"}},
	{1, false, []string{"--shell=/etc/passwd", "--"}},
	{1, false, []string{"--shell=/no/such\nshell", "-+"}},
}

func TestHostileCommandLines(t *testing.T) {
	testenv.Root(t)
	usage := testenv.Run(t, exec.Command(capsh(t), "--help")).Out
	for _, test := range hostile {
		t.Run(fmt.Sprintf("%.60q", test.args), func(t *testing.T) {
			r := testenv.Run(t, exec.Command(capsh(t), test.args...))
			if test.usage && r.Out == usage {
				r.Out = ""
			} else if test.usage {
				t.Errorf("stdout is not the usage")
			}
			refused(t, r, test.code)
		})
	}
}
