package filecap

import (
	"strings"
	"testing"
)

// TestJudge: what a file carries counts, or there is a reason.
func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name     string
		mode     uint32
		caps     bool
		flaws    Flaws
		honoured bool
		texts    string
	}{
		{"setuid", 0o4755, false, 0, true, ""},
		{"setgid", 0o2755, false, 0, true, ""},
		{"capabilities", 0o755, true, 0, true, ""},
		{"nothing", 0o755, false, 0, false, ""},
		{"not runnable", 0o4644, true, 0, false, "no one may execute it"},
		{"only others may run it", 0o4701, true, 0, true, ""},
		{"setgid for no group", 0o2745, false, 0, false, "setgid without execute permission for the group"},
		{"setgid for no group, setuid", 0o6745, false, 0, true, "setgid without execute permission for the group"},
		{"nosuid", 0o6755, true, NoSuid, false, "the mount is nosuid"},
		{"nosuid, so that no one looks", 0o755, true, NoSuid | InvalidCaps, false, "the mount is nosuid"},
		{"invalid", 0o4755, true, InvalidCaps, false, "the file capabilities are invalid and make execve fail"},
		{"foreign", 0o755, true, ForeignCaps, false, "the file capabilities are those of another user namespace"},
		{"foreign, setuid", 0o4755, true, ForeignCaps, true, "the file capabilities are those of another user namespace"},
		{"unmapped", 0o4755, false, Unmapped, false, "the owner or the group has no id in this user namespace"},
		{"unmapped, capabilities", 0o4755, true, Unmapped, true, "the owner or the group has no id in this user namespace"},
		{"unmapped, no bits", 0o755, true, Unmapped, true, ""},
		{"script", 0o4755, true, Script | NoExec, false, "the mount is noexec; a script, whose interpreter decides"},
	} {
		g := Grants{Mode: test.mode, HasCaps: test.caps, Flaws: test.flaws}
		g.Judge()
		if texts := strings.Join(g.Flaws.Texts(), "; "); g.Honoured() != test.honoured || texts != test.texts {
			t.Errorf("%s: honoured %t, %q; want %t, %q", test.name, g.Honoured(), texts, test.honoured, test.texts)
		}
	}
}
