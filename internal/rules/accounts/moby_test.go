// moby/sys/user keeps ids in an int, which is too small for them on these.

//go:build !386 && !arm

package accounts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/sys/user"
)

// mobyDiffers are the names for which moby/sys/user, the reader of Docker and
// runc, gives another answer, and why ours is right.
var mobyDiffers = map[string]string{
	"three":        "a line without a gid is read as gid 0",
	"two":          "a line without a uid is read as uid 0",
	"one":          "a line without a uid is read as uid 0",
	"noid":         "an empty uid is read as 0",
	"nogid":        "an empty gid is read as 0",
	"tailid":       "a malformed uid is read as 0",
	"blankid":      "a malformed uid is read as 0",
	"plusid":       "+1006 is read as a number",
	"minusid":      "a uid of -1 is taken",
	"hexid":        "a malformed uid is read as 0",
	"unchanged":    "4294967295, which the kernel reads as \"leave unchanged\", is taken",
	"unchangedgid": "4294967295 is taken as a gid",
	"wraps":        "4294967296 is taken",
	"wraps2":       "a uid beyond all integers is read as the largest",
	"+plus":        "NIS lines are read as accounts",
	"-minus":       "NIS lines are read as accounts",
	"#hash":        "a comment is an account",
	"":             "an empty name is an account",
	"dup":          "the malformed line of that name is taken first, as uid 0",
	"long":         "the shell ends at its first colon",
	"crlf":         "the carriage return at the end of the line is dropped",
}

// TestAgainstMoby: moby/sys/user is the second judge; each difference is known,
// and each known one is there.
func TestAgainstMoby(t *testing.T) {
	theirs := map[string]User{}
	list, err := user.ParsePasswd(strings.NewReader(passwd))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list {
		if _, there := theirs[u.Name]; !there {
			theirs[u.Name] = User{u.Name, uint32(u.Uid), uint32(u.Gid), u.Home, u.Shell}
		}
	}
	for _, c := range users {
		t.Run(c.name, func(t *testing.T) {
			got, there := theirs[c.name]
			diff := cmp.Diff(c.want, got)
			if there != c.ok {
				diff += "they find it, or we do, alone"
			}
			switch why := mobyDiffers[c.name]; {
			case diff != "" && why == "":
				t.Errorf("differs from moby/sys/user (-ours +theirs):\n%s", diff)
			case diff == "" && why != "":
				t.Errorf("no difference any more: %s", why)
			}
		})
	}
}
