package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"

	"golang.org/x/sys/unix"
)

// TestIdmapped: on an idmapped mount an owner that is shown as 65534 may be that one, or
// none, and then setuid does not count. What is said of the file has to be what the
// kernel does, or that it is unknown.
func TestIdmapped(t *testing.T) {
	testenv.Root(t)
	capsh, capset := testenv.Build(t, "capsh"), testenv.Build(t, "capset")
	grep := testenv.Tool(t, "grep")
	plain, mapped := t.TempDir(), t.TempDir()
	for _, dir := range []string{filepath.Dir(plain), plain, mapped} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := func(argv ...string) testenv.Result { return testenv.Run(t, exec.Command(argv[0], argv[1:]...)) }
	helper.OnThread(func() { // its mount namespace ends with it
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			t.Error(err)
			return
		}
		if r := run("sh", "-ec", `mount --make-rprivate /; mount -t tmpfs none "$1"; chmod 755 "$1"; cp "$2" "$1/grep"; chmod 4755 "$1/grep"`, "sh", plain, grep); r.Code != 0 {
			t.Errorf("%+v", r)
			return
		}
		if err := mountIdmapped(plain, mapped, 1000, 5000); err != nil {
			t.Error("an idmapped mount:", err)
			return
		}
		for _, owner := range []int{0, 1000, 65534} {
			if err := errors.Join(os.Chown(plain+"/grep", owner, owner), unix.Chmod(plain+"/grep", 0o4755)); err != nil {
				t.Error(err)
			}
			for _, dir := range []string{plain, mapped} {
				file := dir + "/grep"
				as := []string{"setpriv", "--reuid=2000", "--regid=2000", "--clear-groups"}
				real := run(append(as, file, "^Uid", "/proc/self/status")...)
				fields := strings.Fields(real.Out)
				if len(fields) != 5 {
					t.Errorf("%+v", real)
					return
				}
				uid := fields[2]
				predicted := run(append(as, capsh, "predict", "--json", file)...)
				shown := run(capsh, "file", file)
				// Only where the owner is shown as 65534 nothing need be known.
				unsure := owner != 1000 && dir == mapped
				if says := predicted.Code == 0; says == unsure || says && !strings.Contains(predicted.Out, `"after":{"uid":{"real":2000,"effective":`+uid+",") {
					t.Errorf("%d on %s: the kernel gives %s, capsh predict says %+v", owner, dir, uid, predicted)
				}
				if strings.Contains(shown.Out, "UNKNOWN") != unsure || strings.Contains(shown.Out, "IGNORED") {
					t.Errorf("%d on %s: the kernel gives %s, capsh file says %q", owner, dir, uid, shown.Out)
				}
				if r := run(capset, "-q", "--user=2000:2000", "--allow-new-privs", "--bounding=keep", file, "^Uid", "/proc/self/status"); (r.Code == 125) != unsure {
					t.Errorf("%d on %s: the kernel gives %s, capset: %+v", owner, dir, uid, r)
				}
			}
		}
	})
}

// mountIdmapped mounts a file system once more, where one id of the file system is
// shown as another and no other one has an id.
func mountIdmapped(from, at string, inside, shown int) error {
	holder := exec.Command("sleep", "1000")
	one := []syscall.SysProcIDMap{{ContainerID: inside, HostID: shown, Size: 1}}
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: one, GidMappings: one}
	if err := holder.Start(); err != nil {
		return err
	}
	defer func() { holder.Process.Kill(); holder.Wait() }()
	ns, err := unix.Open(fmt.Sprintf("/proc/%d/ns/user", holder.Process.Pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(ns)
	tree, err := unix.OpenTree(unix.AT_FDCWD, from, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns)}); err != nil {
		return err
	}
	return unix.MoveMount(tree, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
