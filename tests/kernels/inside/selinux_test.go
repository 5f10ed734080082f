//go:build guest

package inside

import (
	"testing"

	"capsh/internal/testenv"
)

// TestSELinux: SELinux is on and has no policy. Every process is "kernel", no label
// can be asked for, and AppArmor's option starts nothing.
func TestSELinux(t *testing.T) {
	security(t, "selinux")
	capset, capsh := testenv.Build(t, "capset"), testenv.Build(t, "capsh")
	want := label(t)
	if want != "kernel" {
		t.Fatalf("there is a policy: the label is %q", want)
	}
	for _, uid := range []uint32{0, 1000} {
		for _, of := range [][]string{nil, {"1"}} {
			got := as(t, uid, append([]string{capsh, "show", "--json"}, of...)...)
			if report := testenv.ParseReport(t, []byte(got.Out)); report.Label == nil || *report.Label != want {
				t.Errorf("uid %d, %v: shown as %v", uid, of, report.Label)
			}
		}
		if got := as(t, uid, capset, "-q", "cat", "/proc/self/attr/current"); got.Code != 0 {
			t.Errorf("uid %d: a launch without a label: status %d, %q", uid, got.Code, got.Err)
		}
		refused(t, as(t, uid, capset, "-q", "--selinux-label=system_u:system_r:init_t:s0", "cat", "/etc/hosts"), "(SELinux has no policy)")
		refused(t, as(t, uid, capset, "-q", "--apparmor-profile=capsh-test", "cat", "/etc/hosts"), "/attr/")
	}
}
