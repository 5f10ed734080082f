package procfs

import (
	"os/exec"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestCovered: a file that is mounted over one of a process in /proc is not believed.
func TestCovered(t *testing.T) {
	testenv.Root(t)
	capsh := testenv.Build(t, "capsh")
	const script = `sleep 100 & p=$!; trap "kill $p" EXIT
sed "s/^\(Cap...:.\).*/\10000000000000000/" /proc/$p/status >"$1" && mount --bind "$1" /proc/$p/status && `
	for _, command := range []string{
		"expect --pid=$p permitted=none bounding=none", "show --pid=$p", "ps --pid=$p", "--pid=$p --print", "tree $p", "assess --pid=$p",
	} {
		r := testenv.Run(t, exec.Command("unshare", "--mount", "sh", "-c", script+capsh+" "+command, "sh", t.TempDir()+"/status"))
		if r.Code != 1 || r.Out != "" || !strings.HasSuffix(r.Err, ": reading status: another file is mounted over it\n") {
			t.Errorf("%s: %+v", command, r)
		}
	}
}
