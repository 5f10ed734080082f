package probe

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Container reads what [container.Assess] judges of a thread; it is this one where
// its ids are this process's. It only looks: nothing is opened but files of procfs,
// folders and the marks that runtimes leave. The securebits of another process are
// not looked for. The error is an [*Error]; what alone could not be read is unknown.
func (r Root) Container(pid, tid int) (container.Facts, error) {
	return r.container(pid, tid, Options{Threads: tid == pid, UserNS: true, Label: true}, true)
}

// Identity reads of a process what tells whose container it is in, and nothing of
// what is in its reach.
func (r Root) Identity(pid int) (container.Facts, error) {
	return r.container(pid, pid, Options{UserNS: true}, false)
}

func (r Root) container(pid, tid int, what Options, reach bool) (f container.Facts, err error) {
	self, err := r.Self()
	own := r == Proc && pid == self && err == nil
	if own && tid == pid {
		f.Process, err = SelfProcess(what)
	} else {
		f.Process, err = r.Process(pid, tid, what)
	}
	if err != nil {
		return f, err
	}
	r.kernel(&f)
	r.machine(&f)
	t := task{root: r, pid: pid, tid: tid, dir: unix.AT_FDCWD, prefix: r.path(pid, tid) + "/"}
	if err := t.container(&f); err != nil {
		return f, err
	}
	f.FirstNet = r.firstNet(&f.Namespaces[container.NetNS])
	at, final := Here, own && f.Process.NoNewPrivs.Value && f.Process.Permitted == 0
	if !own {
		fd, err := unix.Open(t.prefix+"root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return f, t.unlessUnknown("root", err)
		}
		defer unix.Close(fd)
		at = Lookup{Dir: fd, Chroot: true}
	}
	at.marks(&f)
	if reach {
		at.reach(&f, final)
	}
	return f, nil
}

// kernel reads what the procfs tells of its kernel.
func (r Root) kernel(f *container.Facts) {
	if last := r.LastCap(); last.OK {
		f.Kernel = cred.Is(caps.First(int(last.Value) + 1))
	}
	f.Release = r.text("sys/kernel/osrelease")
	if f.ProcFiles.OK = isProcfs(string(r)); f.ProcFiles.OK {
		for _, name := range container.ProcFiles() {
			if exists(string(r) + "/" + name) {
				f.ProcFiles.Value = append(f.ProcFiles.Value, name)
			}
		}
	}
}

// text reads a line of a file of the procfs itself.
func (r Root) text(name string) cred.Known[string] {
	text, err := Here.ReadFile(string(r) + "/" + name)
	return cred.Known[string]{Value: strings.TrimSuffix(string(text), "\n"), OK: err == nil}
}

// machine reads what is known of the machine's own init: it is process 1 of a
// procfs of the initial PID namespace.
func (r Root) machine(f *container.Facts) {
	init := task{root: r, pid: 1, tid: 1, dir: unix.AT_FDCWD, prefix: r.path(1, 1) + "/"}
	if f.MachineProc = r.initial(&init); !f.MachineProc {
		return
	}
	if p, err := r.Process(1, 1, Options{}); err == nil {
		f.Machine = cred.Is(p.Bounding)
	}
	if text, ok, _ := init.optional("mountinfo"); ok {
		f.MachineMounts.Value, f.MachineMounts.OK = container.ParseMounts(string(text))
	}
	for k := range container.NamespaceKinds {
		f.Namespaces[k].Machine, _ = init.namespace(k.String())
	}
}

// initial reports whether r is known to show the initial PID namespace: that of
// its process 1, or that of this process if r is its procfs.
func (r Root) initial(init *task) bool {
	if ns, _ := init.namespace("pid"); ns.OK {
		return ns.Value == container.InitialInode(container.PIDNS)
	}
	self := task{root: r, dir: unix.AT_FDCWD, prefix: string(r) + "/self/"}
	ns, _ := self.namespace("pid")
	pid, err := r.Self()
	return err == nil && pid == os.Getpid() && ns.OK && ns.Value == container.InitialInode(container.PIDNS)
}

// firstNet asks whether a network namespace that is this process's own is the
// machine's first, whose settings of devices no other shows (sysctl_core_init,
// net/core/sysctl_net_core.c).
func (r Root) firstNet(ns *container.Namespace) cred.Known[bool] {
	self := task{root: r, dir: unix.AT_FDCWD, prefix: string(r) + "/thread-self/"}
	own, err := self.namespace("net")
	core := string(r) + "/sys/net/core/"
	if err != nil || !own.OK || own != ns.Inode || !exists(core+"somaxconn") {
		return cred.Known[bool]{}
	}
	return cred.Is(exists(core + "netdev_budget"))
}

// container reads the files of a process that tell of its container.
func (t *task) container(f *container.Facts) error {
	for k := range container.NamespaceKinds {
		ns, err := t.namespace(k.String())
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
		text, ok, err := t.optional(file.name)
		if err != nil {
			return err
		}
		if ok {
			file.take(string(text))
		}
	}
	f.Owner = t.owner(&f.Process.UserNS)
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
func (t *task) labelOrNone() (cred.Known[string], error) {
	label, err := t.label()
	if err != nil || label.OK {
		return label, err
	}
	_, err = readFile(t.dir, t.prefix+"attr/current", nil)
	none := err == nil || err == unix.EINVAL || err == unix.ENOENT && isProcfs(string(t.root)) && exists(t.prefix+"status")
	return cred.Known[string]{OK: none}, nil
}

// owner asks who owns the user namespace (ioctl_nsfs(2), Linux 4.11). The kernel
// answers by the reader's namespace; if that is this very one, the map tells who
// it is outside.
func (t *task) owner(ns *cred.UserNS) (uid cred.Known[uint32]) {
	fd, err := unix.Openat(t.dir, t.prefix+"ns/user", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return uid
	}
	defer unix.Close(fd)
	uid.Value, err = unix.IoctlGetUint32(fd, unix.NS_GET_OWNER_UID)
	uid.OK = err == nil
	if own, err := SelfUserNS(); err == nil && own.Inode == ns.Inode && !ns.Initial().Value {
		if outside, ok := cred.Outside(ns.UIDMap.Value, uid.Value); ok {
			uid.Value = outside
		}
	}
	return uid
}
