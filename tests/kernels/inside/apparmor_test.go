//go:build guest

package inside

import (
	"os/exec"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// profile allows all but one file.
const profile = `
profile capsh-test flags=(attach_disconnected) {
  file,
  capability,
  signal,
  ptrace,
  deny /etc/hostname r,
}
`

func loadProfile(t *testing.T) {
	t.Helper()
	security(t, "apparmor")
	cmd := exec.Command(testenv.Tool(t, "apparmor_parser"), "--replace", "--skip-cache")
	cmd.Stdin = strings.NewReader(profile)
	if got := testenv.Run(t, cmd); got.Code != 0 {
		t.Fatalf("apparmor_parser: %s", got.Err)
	}
}

// TestAppArmor: the command has the profile, as root and as an ordinary user, with
// no_new_privs and without, and capsh shows it. A profile that is not there starts
// nothing.
func TestAppArmor(t *testing.T) {
	loadProfile(t)
	capset, capsh := testenv.Build(t, "capset"), testenv.Build(t, "capsh")
	const want = "capsh-test (enforce)"
	for name, c := range map[string]struct {
		uid     uint32
		options []string
	}{
		"root":                 {0, nil},
		"root, new privileges": {0, []string{"--allow-new-privs"}},
		"user":                 {1000, nil},
		"user, new privileges": {1000, []string{"--allow-new-privs", "--bounding=all"}}, // which can't shrink
		"root to user":         {0, []string{"--user=1000:1000"}},
		"with Landlock":        {0, []string{"--landlock-access=fs:make-sock"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.options != nil && strings.HasPrefix(c.options[0], "--landlock") {
				testenv.Landlock(t)
			}
			argv := append([]string{capset, "-q", "--apparmor-profile=capsh-test"}, c.options...)
			if got := as(t, c.uid, append(argv, "cat", "/proc/self/attr/current")...); got.Code != 0 || strings.TrimSpace(got.Out) != want {
				t.Errorf("status %d, %q, %q", got.Code, got.Out, got.Err)
			}
			if got := as(t, c.uid, append(argv, "cat", "/etc/hostname")...); got.Code != 1 || !strings.Contains(got.Err, "ermission denied") {
				t.Errorf("the profile denies the file: status %d, %q, %q", got.Code, got.Out, got.Err)
			}
			report := testenv.ParseReport(t, []byte(as(t, c.uid, append(argv, capsh, "show", "--json")...).Out))
			if report.Label == nil || *report.Label != want {
				t.Errorf("shown: %v", report.Label)
			}
			refused(t, as(t, c.uid, append(append([]string{capset, "-q", "--apparmor-profile=nonesuch"}, c.options...), "cat", "/etc/hosts")...),
				"attr/apparmor/exec", "no such file", "(AppArmor is not active, or has no such profile)")
		})
	}
}

// TestAppArmorOther: the profile of another process is shown, to an ordinary user
// too, and that of one that has none is "unconfined".
func TestAppArmorOther(t *testing.T) {
	loadProfile(t)
	capset, capsh := testenv.Build(t, "capset"), testenv.Build(t, "capsh")
	cmd := exec.Command(capset, "-q", "--apparmor-profile=capsh-test", "cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	in.Write([]byte("x"))
	out.Read(make([]byte, 1)) // cat has been started
	for _, uid := range []uint32{0, 1000} {
		for want, pid := range map[string]int{"capsh-test (enforce)": cmd.Process.Pid, "unconfined": 1} {
			report := testenv.ParseReport(t, []byte(as(t, uid, capsh, "show", "--json", itoa(pid)).Out))
			if report.Label == nil || *report.Label != want {
				t.Errorf("uid %d sees %v, want %s", uid, report.Label, want)
			}
		}
	}
}

// TestAppArmorConfined: who is confined already and may not change its profile is
// told so, and nothing is started.
func TestAppArmorConfined(t *testing.T) {
	loadProfile(t)
	capset := testenv.Build(t, "capset")
	inner := []string{capset, "-q", "--apparmor-profile=unconfined", "cat", "/etc/hosts"}
	refused(t, as(t, 0, append([]string{capset, "-q", "--keep=all", "--apparmor-profile=capsh-test"}, inner...)...), "attr/apparmor/exec")
}

// TestSELinuxAbsent: with AppArmor in its place, SELinux's option starts nothing.
func TestSELinuxAbsent(t *testing.T) {
	security(t, "apparmor")
	refused(t, as(t, 0, testenv.Build(t, "capset"), "-q", "--selinux-label=system_u:system_r:init_t:s0", "cat", "/etc/hosts"), "attr/exec")
}
