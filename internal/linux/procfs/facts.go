package procfs

import (
	"bytes"
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
)

// What a thread's directory shows beside status, to a reader with permission.

// UserNS reads the thread's user namespace (user_namespaces(7)).
func (t *Thread) UserNS() (ns cred.UserNS, err error) {
	if ns.Inode, err = t.Namespace("user"); err != nil {
		return ns, err
	}
	for _, m := range [...]struct {
		file string
		to   *cred.Known[[]cred.IDRange]
	}{{"uid_map", &ns.UIDMap}, {"gid_map", &ns.GIDMap}} {
		text, ok, err := t.Optional(m.file)
		if err != nil {
			return ns, err
		}
		if !ok {
			continue
		}
		if m.to.Value, m.to.OK = ParseIDMap(text); !m.to.OK {
			return ns, t.fail(Malformed, m.file, errForm)
		}
	}
	text, ok, err := t.Optional("setgroups") // before Linux 3.19 there is none
	if err != nil || !ok {
		return ns, err
	}
	if ns.Setgroups = parseSetgroups(text); !ns.Setgroups.OK {
		return ns, t.fail(Malformed, "setgroups", errForm)
	}
	return ns, nil
}

// parseSetgroups reads "allow" or "deny" (kernel/user_namespace.c,
// proc_setgroups_show).
func parseSetgroups(text []byte) cred.Known[bool] {
	text = bytes.TrimSuffix(text, []byte{'\n'})
	allow := string(text) == "allow"
	return cred.Known[bool]{Value: allow, OK: allow || string(text) == "deny"}
}

// errForm is a file whose content is not what the kernel writes.
var errForm = errors.New("not of the kernel's form")

// Namespace reads the inode of one of the thread's namespaces from the text of
// its link. In a copy it may be a file with that text.
func (t *Thread) Namespace(kind string) (cred.Known[uint64], error) {
	var unknown cred.Known[uint64]
	file := "ns/" + kind
	var buf [64]byte
	text, err := t.readlink(file, buf[:])
	if errors.Is(err, unix.EINVAL) {
		var ok bool
		if text, ok, err = t.Optional(file); err != nil || !ok {
			return unknown, err
		}
		text = bytes.TrimSuffix(text, []byte{'\n'})
	} else if err != nil {
		return unknown, t.UnlessUnknown(file, err)
	}
	if len(text) == 0 { // without the right to look, before Linux 5.11
		return unknown, nil
	}
	inode, ok := ParseNS(kind, text)
	if !ok {
		return unknown, t.fail(Malformed, file, errForm)
	}
	return cred.Is(inode), nil
}

// Label reads what the LSM says of the thread.
func (t *Thread) Label() (cred.Known[string], error) {
	text, ok, err := t.Optional("attr/current")
	text = bytes.TrimRight(text, "\x00\n")
	if err != nil || !ok || len(text) == 0 {
		return cred.Known[string]{}, err
	}
	return cred.Is(string(text)), nil
}

// Optional reads a file that need not be readable: then ok is false.
func (t *Thread) Optional(file string) (text []byte, ok bool, err error) {
	text, err = t.Read(file)
	if err != nil {
		return nil, false, t.UnlessUnknown(file, err)
	}
	return text, len(text) > 0 || !t.masked(file), nil
}

// masked reports that something else is mounted over a file, such as the
// /dev/null of a container runtime: that the file is empty says nothing then. A
// copy has no masks.
func (t *Thread) masked(file string) bool {
	if t.own || !IsProcfs(string(t.root)) {
		return false
	}
	fd, err := unix.Openat(t.dir, t.prefix+file, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	return onProcfs(fd) != nil
}

// UnlessUnknown is nil for an error that says that a fact is unavailable: no
// right to look, no such file on this kernel or in this copy, [ErrNotOwn], EINVAL
// of a zombie or of attr/current without an LSM. Nobody is denied a look at itself.
func (t *Thread) UnlessUnknown(file string, err error) error {
	whole := err
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	switch {
	case errors.Is(err, ErrNotOwn) || gone(err) || err == unix.EINVAL || err == unix.EOPNOTSUPP || Denies(err) && !t.own:
		return nil
	case t.own: // whose errors name the call and the file
		return whole
	}
	return t.fail(Failed, file, err)
}
