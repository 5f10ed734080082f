package commands

import (
	"encoding/binary"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
	"capsh/internal/testenv/helper"
)

func init() { helper.Run(map[string]func(){"dead-fuse": helperDeadFuse}) }

// helperDeadFuse mounts a FUSE file system on /run that takes every request and
// answers the first alone.
func helperDeadFuse() {
	helper.Must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR, 0)
	helper.Must("open", err)
	helper.Must("mount", unix.Mount("dead", "/run", "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd)))
	buf := make([]byte, 1<<20)
	_, err = unix.Read(fd, buf)
	helper.Must("read", err)
	// struct fuse_out_header and struct fuse_init_out (include/uapi/linux/fuse.h).
	answer := make([]byte, 16+64)
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
	copy(answer[8:16], buf[8:16]) // unique
	binary.NativeEndian.PutUint32(answer[16:], 7)
	binary.NativeEndian.PutUint32(answer[20:], 31)
	binary.NativeEndian.PutUint32(answer[36:], 4096) // max_write
	_, err = unix.Write(fd, answer)
	helper.Must("write", err)
	go func() {
		for {
			unix.Read(fd, buf)
		}
	}()
	fmt.Println("ready")
}

// TestDeadFileSystem: what a file system of the target does not answer for is
// unknown, and keeps no command waiting for ever.
func TestDeadFileSystem(t *testing.T) {
	testenv.Root(t)
	testenv.Need(t, "FUSE", unix.Access("/dev/fuse", unix.R_OK) == nil, "no /dev/fuse")
	h := helper.Start(t, "dead-fuse", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS})
	pid := strconv.Itoa(h.PID)
	masked := []string{"unshare", "-m", "sh", "-ec", `mount --bind /dev/null /proc/` + pid + `/mountinfo; exec "$@"`, "sh"}
	for _, test := range []struct {
		args   string
		code   int
		want   string
		within []string
	}{
		{"show PID", 0, "users uid 0 (root)", nil},
		{"show --json PID", 0, `"uid":{"real":0,`, nil},
		{"assess PID", 0, "runtime-socket", nil},
		{"assess --json PID", 0, `"id":"runtime-socket","severity":"unknown"`, nil},
		{"ps PID", 0, pid, nil},
		{"tree PID", 0, pid, nil},
		{"--pid=PID --print", 0, "uid=0(root)", nil},
		{"assess PID", 0, "runtime-socket", masked}, // its mounts are unknown
		{"ps PID", 0, pid, masked},
	} {
		args := append(slices.Clip(test.within), program(t))
		args = append(args, strings.Fields(strings.Replace(test.args, "PID", pid, 1))...)
		t.Run(test.args, func(t *testing.T) {
			t.Parallel() // each waits for as long as capsh gives the file system
			cmd := exec.Command(args[0], args[1:]...)
			ended := make(chan testenv.Result, 1)
			go func() { ended <- testenv.Run(t, cmd) }()
			select {
			case r := <-ended:
				if out := strings.Join(strings.Fields(r.Out), " "); r.Code != test.code || !strings.Contains(out, test.want) {
					t.Errorf("exit status %d, %s%s, want %q", r.Code, r.Out, r.Err, test.want)
				}
			case <-time.After(5 * time.Minute):
				t.Fatal("it does not end") // the helper's end lets it
			}
		})
	}
}
