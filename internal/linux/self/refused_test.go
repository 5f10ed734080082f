package self

import (
	"fmt"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

// TestRefused: a call that is refused is an error that names it; nothing is taken for
// zero.
func TestRefused(t *testing.T) {
	h := helper.Start(t, "refused", nil)
	want := `getresgid: input/output error
getresuid: input/output error
capget: input/output error
`
	if got := h.First + "\n" + h.Rest(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func helperRefused() {
	for _, nr := range []uint32{sysGetresgid, sysGetresuid, unix.SYS_CAPGET} {
		helper.Must("seccomp", helper.RefuseCall(nr, unix.EIO))
		_, err := State()
		fmt.Println(err)
	}
}

// TestNoBounding: where nothing shows the bounding set, all else is right.
func TestNoBounding(t *testing.T) {
	testenv.Root(t)
	h := helper.Start(t, "no-bounding", &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS})
	if want := "the bounding set is unknown: prctl(PR_CAPBSET_READ) and /proc do not show it; same ids true, securebits known true, no_new_privs true"; h.First != want {
		t.Errorf("got %q, want %q", h.First, want)
	}
}

func helperNoBounding() {
	before, err := State()
	helper.Must("self", err)
	helper.Must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	helper.Must("mount", unix.Mount("tmpfs", "/proc", "tmpfs", 0, ""))
	helper.Must("seccomp", helper.RefusePrctl(unix.PR_CAPBSET_READ, 0))
	after, err := State()
	fmt.Printf("%v; same ids %v, securebits known %v, no_new_privs %v\n", err,
		after.UID == before.UID && after.GID == before.GID, after.Securebits == before.Securebits && after.Securebits.OK, after.NoNewPrivs.Value)
}

// TestUserNamespacesFiltered: under a seccomp filter, which may forbid them, it is
// unknown whether a process may make user namespaces.
func TestUserNamespacesFiltered(t *testing.T) {
	h := helper.Start(t, "userns-filtered", nil)
	settings := SettingsOfUserNS(procfs.ReadOwn)
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	want := fmt.Sprint(settings.OK && mode == 0 && err == nil, false)
	if h.First != want {
		t.Errorf("known before and under a filter: %s, want %s", h.First, want)
	}
}

func helperUserNamespacesFiltered() {
	before := UserNamespaces()
	helper.Must("seccomp", helper.RefuseCall(unix.SYS_SWAPOFF, unix.EPERM))
	fmt.Println(before.OK, UserNamespaces().OK)
}
