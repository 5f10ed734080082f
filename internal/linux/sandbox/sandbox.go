// Package sandbox reads of a process what [container.Assess] judges.
package sandbox

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Read reads what [container.Assess] judges of a thread; it is this one where
// its ids are this process's. It only looks: nothing is opened but files of procfs,
// directories and the marks that runtimes leave. The securebits of another process are
// not looked for. The error is an [*Error]; what alone could not be read is unknown.
func Read(r procfs.Root, pid, tid int) (container.Facts, error) {
	return job{r, pid, tid, Own(r, pid), true}.read(procfs.Options{Threads: tid == pid, UserNS: true, Label: true}, false)
}

// Identity reads only the facts that show which runtime's container a process is in,
// none about what it can reach.
func Identity(r procfs.Root, pid int) (container.Facts, error) {
	return job{r, pid, pid, Own(r, pid), false}.read(procfs.Options{UserNS: true}, false)
}

// OwnIdentity is Identity of this process, for a program that does not serve [Apart]:
// what the files show is unknown where to look at them may take for ever.
func OwnIdentity() (f container.Facts, err error) {
	pid, err := procfs.Proc.Self()
	if err != nil {
		return f, err
	}
	_, err = job{Root: procfs.Proc, PID: pid, TID: pid}.shown(&f, procfs.Options{UserNS: true}, true)
	if err == nil && !f.MayHang() {
		place{files.Here}.marks(&f)
	}
	return f, err
}

// Own reports whether a process is this one, which alone can be probed.
func Own(r procfs.Root, pid int) bool {
	own, err := r.Self()
	return r == procfs.Proc && err == nil && pid == own
}

// read does the job; isApart says that this process may wait for files for ever.
func (j job) read(what procfs.Options, isApart bool) (f container.Facts, err error) {
	t, err := j.shown(&f, what, j.Own && j.TID == j.PID && !isApart)
	if err != nil {
		return f, err
	}
	if j.Reach {
		at := root{j.Root}
		at.effects(&f)
		at.settings(&f)
		f.DeviceRules = deviceRules(&f)
	}
	if !isApart && f.MayHang() && !f.Process.Zombie() {
		j.apart(&f)
		return f, nil
	}
	within, final := place{files.Here}, j.Own && f.Process.NoNewPrivs.Value && f.Process.Permitted == 0
	if !j.Own {
		fd, err := t.Open("root", unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			return f, t.UnlessUnknown("root", err)
		}
		defer unix.Close(fd)
		within = place{files.Lookup{Dir: fd, Chroot: true}}
	}
	within.marks(&f)
	if j.Reach {
		within.reach(&f, final)
	}
	return f, nil
}

// shown reads what procfs shows of the process, of its kernel and of its container; isSelf
// says that it is this process by its main thread.
func (j job) shown(f *container.Facts, what procfs.Options, isSelf bool) (t thread, err error) {
	t = thread{j.Root.Thread(j.PID, j.TID)}
	if isSelf {
		f.Process, err = self.Process(what)
	} else {
		f.Process, err = j.Root.Process(j.PID, j.TID, what)
	}
	if err != nil {
		return t, err
	}
	at := root{j.Root}
	at.kernel(f)
	at.host(f)
	err = t.container(f)
	f.FirstNet = at.firstNet(&f.Namespaces[container.NetNS])
	return t, err
}

// root is the procfs that a container is read in, thread one of its threads, place
// a root directory in which its files are looked up.
type (
	root   struct{ procfs.Root }
	thread struct{ *procfs.Thread }
	place  struct{ files.Lookup }
)

func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

// kernel reads what the procfs shows about its kernel.
func (r root) kernel(f *container.Facts) {
	if last := r.LastCap(); last.OK {
		f.Kernel = cred.Is(caps.First(int(last.Value) + 1))
	}
	f.Release = r.release()
	if f.ProcFiles.OK = procfs.IsProcfs(string(r.Root)); f.ProcFiles.OK {
		for _, name := range container.ProcFiles() {
			if exists(string(r.Root) + "/" + name) {
				f.ProcFiles.Value = append(f.ProcFiles.Value, name)
			}
		}
	}
}

// release is the kernel's. GVisor has it in /proc/version alone, "Linux version
// 4.4.0 #1".
func (r root) release() cred.Known[string] {
	release := r.text("sys/kernel/osrelease")
	if words := strings.Fields(r.text("version").Value); !release.OK && len(words) > 2 {
		return cred.Is(words[2])
	}
	return release
}

// text reads a line of a file of the procfs itself.
func (r root) text(name string) cred.Known[string] {
	text, err := files.Here.ReadFile(string(r.Root) + "/" + name)
	return cred.Known[string]{Value: strings.TrimSuffix(string(text), "\n"), OK: err == nil}
}

// host reads what is known of the host's own init: it is process 1 of a
// procfs of the initial PID namespace.
func (r root) host(f *container.Facts) {
	init := r.Thread(1, 1)
	if f.HostProc = r.initial(init); !f.HostProc {
		return
	}
	if p, err := r.Process(1, 1, procfs.Options{}); err == nil {
		f.Host = cred.Is(p.Bounding)
	}
	if text, ok, _ := init.Optional("mountinfo"); ok {
		f.HostMounts.Value, f.HostMounts.OK = container.ParseMounts(string(text))
	}
	for k := range container.NamespaceKinds {
		f.Namespaces[k].Host, _ = init.Namespace(k.String())
	}
}

// initial reports whether r is known to show the initial PID namespace: that of
// its process 1, or that of this process if r is its procfs.
func (r root) initial(init *procfs.Thread) bool {
	if ns, _ := init.Namespace("pid"); ns.OK {
		return ns.Value == container.InitialInode(container.PIDNS)
	}
	ns, _ := r.Own("self").Namespace("pid")
	pid, err := r.Self()
	return err == nil && pid == os.Getpid() && ns.OK && ns.Value == container.InitialInode(container.PIDNS)
}

// firstNet asks whether a network namespace that is this process's own is the
// host's first, whose settings of devices no other shows (sysctl_core_init,
// net/core/sysctl_net_core.c).
func (r root) firstNet(ns *container.Namespace) cred.Known[bool] {
	own, err := r.Own("thread-self").Namespace("net")
	core := string(r.Root) + "/sys/net/core/"
	if err != nil || !own.OK || own != ns.Inode || !exists(core+"somaxconn") {
		return cred.Known[bool]{}
	}
	return cred.Is(exists(core + "netdev_budget"))
}

// container reads the files of a process that are about its container.
func (t thread) container(f *container.Facts) error {
	for k := range container.NamespaceKinds {
		ns, err := t.Namespace(k.String())
		if err != nil {
			return err
		}
		f.Namespaces[k].Inode = ns
	}
	for _, file := range [...]struct {
		name string
		take func(string)
	}{
		{"cgroup", func(s string) { f.Cgroup = cred.Is(s) }},
		{"mountinfo", func(s string) { f.Mounts.Value, f.Mounts.OK = container.ParseMounts(s) }},
		{"environ", func(s string) { f.Env = cred.Is(variable(s, "container")) }},
	} {
		text, ok, err := t.Optional(file.name)
		if err != nil {
			return err
		}
		if ok {
			file.take(string(text))
		}
	}
	f.Owner = t.owner()
	var err error
	f.Label, err = t.labelOrNone()
	return err
}

// variable is the value of a variable in the text of an environ file.
func variable(environ, name string) string {
	for v := range strings.SplitSeq(environ, "\x00") {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// labelOrNone is like label, but empty where the kernel has no security module
// that gives labels: attr/current is EINVAL then, or not there.
func (t thread) labelOrNone() (cred.Known[string], error) {
	label, err := t.Label()
	if err != nil || label.OK {
		return label, err
	}
	_, err = t.Read("attr/current")
	none := err == nil || err == unix.EINVAL || err == unix.ENOENT && t.Live()
	return cred.Known[string]{OK: none}, nil
}

// owner asks who owns the user namespace (ioctl_nsfs(2), Linux 4.11). The kernel
// answers by the reader's namespace.
func (t thread) owner() (uid cred.Known[uint32]) {
	fd, err := t.Open("ns/user", unix.O_RDONLY)
	if err != nil {
		return uid
	}
	defer unix.Close(fd)
	uid.Value, err = unix.IoctlGetUint32(fd, unix.NS_GET_OWNER_UID)
	ids := procfs.ShownIDs()
	uid.OK = err == nil && ids.TrueUID(uid.Value)
	return uid
}
