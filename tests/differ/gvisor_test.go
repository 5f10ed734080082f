package differ

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// TestWithoutCalls: where the kernel has neither setfsuid, setfsgid nor securebits
// and ambient, as gVisor, --print is libcap's, and changes work.
func TestWithoutCalls(t *testing.T) {
	testenv.Libcap(t)
	capset, ours := testenv.Build(t, "capset"), testenv.Build(t, "capsh")
	filter := filepath.Join(t.TempDir(), "filter")
	must(t, os.WriteFile(filter, withoutCalls(t), 0o600))
	run := func(argv ...string) testenv.Result {
		return testenv.Run(t, exec.Command(capset, append([]string{"-q", "--keep=all", "--best-effort", "--ambient=none", "--allow-new-privs", "--seccomp-filter=" + filter, "--"}, argv...)...))
	}
	for _, args := range [][]string{{"--print"}, {"--drop=cap_chown", "--print"}, {"--uid=1", "--print"}, {"--is-uid=0"}, {"--caps=cap_kill=p", "--current"}} {
		got, want := run(append([]string{ours}, args...)...), run(append([]string{"/usr/sbin/capsh"}, args...)...)
		if got.Out != want.Out || got.Code != want.Code || got.Code != 0 {
			t.Errorf("%q: exit status %d, want %d\n%s%swant\n%s", args, got.Code, want.Code, got.Out, got.Err, want.Out)
		}
	}
	for _, argv := range [][]string{{ours, "show"}, {ours, "expect", "uid=0", "fsuid=0"}, {ours, "ps", "1"}, {ours, "assess"}, {capset, "--", "true"}, {capset, "--user=1:1", "--", "true"}} {
		if r := run(argv...); r.Code != 0 {
			t.Errorf("%q: exit status %d, %s", argv, r.Code, r.Err)
		}
	}
}

// withoutCalls is a seccomp filter with these answers.
func withoutCalls(t *testing.T) []byte {
	const load, equal, answer, nr, arg0 = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K, 0, 16
	code := []unix.SockFilter{
		{Code: load, K: nr},
		{Code: equal, K: unix.SYS_SETFSUID, Jt: 5},
		{Code: equal, K: unix.SYS_SETFSGID, Jt: 4},
		{Code: equal, K: unix.SYS_PRCTL, Jf: 5},
		{Code: load, K: arg0},
		{Code: equal, K: unix.PR_GET_SECUREBITS, Jt: 2},
		{Code: equal, K: unix.PR_CAP_AMBIENT, Jt: 1, Jf: 2},
		{Code: answer, K: 0x50000 | uint32(unix.ENOSYS)}, // SECCOMP_RET_ERRNO
		{Code: answer, K: 0x50000 | uint32(unix.EINVAL)},
		{Code: answer, K: 0x7fff0000}, // SECCOMP_RET_ALLOW
	}
	var b bytes.Buffer
	must(t, binary.Write(&b, binary.NativeEndian, code))
	return b.Bytes()
}
