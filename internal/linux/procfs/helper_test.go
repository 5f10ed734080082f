package procfs

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv/helper"
)

func init() {
	helper.Run(map[string]func(){
		"wait": helper.Wait, "thread": helper.Threads, "idle-leader": helper.IdleLeader,
		"groups": helperGroups, "read": helperRead, "open-again": helperOpenAgain,
		"own": helperOwn, "sees-all": helperSeesAll,
	})
}

func helperGroups() {
	list := make([]uint32, 65536)
	for i := range list {
		list[i] = uint32(i) + 4294900000
	}
	helper.Must("setgroups", helper.SetGroups(list))
	fmt.Println("ready")
}

func helperOpenAgain() {
	helper.Must("seccomp", helper.RefuseCall(unix.SYS_OPENAT2, unix.EAGAIN))
	_, err := Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{})
	fmt.Println(err)
}

// reading is what helperRead is to do, in JSON in the environment, and its
// answer.
type reading struct {
	// Mount is put on Root first, in a mount namespace of the helper's own.
	Mount, Options string
	Root           Root
	PID            int
	Clone          uintptr // the namespaces that the helper is made in
	UID            int     // to become before reading

	Error  string
	Reason Reason
	UserNS [2]bool // inode known, maps known
}

func helperRead() {
	var r reading
	helper.Must("json", json.Unmarshal([]byte(os.Getenv("PROBE_READING")), &r))
	if r.Mount != "" {
		helper.Must("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		helper.Must("mount", unix.Mount(r.Mount, string(r.Root), r.Mount, 0, r.Options))
	}
	if r.UID != 0 {
		helper.Must("setgroups", helper.SetGroups(nil))
		helper.Must("setresgid", helper.SetIDs(unix.SYS_SETRESGID, r.UID, r.UID, r.UID))
		helper.Must("setresuid", helper.SetIDs(unix.SYS_SETRESUID, r.UID, r.UID, r.UID))
	}
	p, err := r.Root.Process(r.PID, 0, Options{UserNS: true, Threads: true, Label: true})
	if err != nil {
		r.Error, r.Reason = err.Error(), err.(*Error).Reason
	}
	r.UserNS = [2]bool{p.UserNS.Inode.OK, p.UserNS.UIDMap.OK && p.UserNS.GIDMap.OK}
	out, _ := json.Marshal(r)
	fmt.Println(string(out))
}

// inHelper does a reading in a process of its own.
func inHelper(t *testing.T, r reading) reading {
	t.Helper()
	request, _ := json.Marshal(r)
	attr := &syscall.SysProcAttr{Cloneflags: r.Clone}
	if r.Mount != "" {
		attr.Unshareflags = unix.CLONE_NEWNS
	}
	h := helper.Start(t, "read", attr, "PROBE_READING="+string(request))
	if err := json.Unmarshal([]byte(h.First), &r); err != nil {
		t.Fatalf("helper says %q: %v", h.First, err)
	}
	h.Stop()
	return r
}
