package procfs

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
)

// What a thread's directory tells beside status, to those who may look.

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
	ns.Setgroups, err = t.Setgroups()
	return ns, err
}

// Setgroups reads whether the thread's user namespace allows setgroups(2);
// unknown before Linux 3.19.
func (t *Thread) Setgroups() (allowed cred.Known[bool], err error) {
	text, ok, err := t.Optional("setgroups")
	if err != nil || !ok {
		return allowed, err
	}
	if allowed = ParseSetgroups(text); !allowed.OK {
		return allowed, t.fail(Malformed, "setgroups", errForm)
	}
	return allowed, nil
}

// ParseSetgroups reads "allow" or "deny" (kernel/user_namespace.c,
// proc_setgroups_show).
func ParseSetgroups(text []byte) cred.Known[bool] {
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
	n, err := unix.Readlinkat(t.dir, t.prefix+file, buf[:])
	text := buf[:max(n, 0)]
	if err == unix.EINVAL {
		var ok bool
		if text, ok, err = t.Optional(file); err != nil || !ok {
			return unknown, err
		}
		text = bytes.TrimSuffix(text, []byte{'\n'})
	} else if err != nil {
		return unknown, t.UnlessUnknown(file, err)
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
	return text, true, nil
}

// UnlessUnknown is nil for an errno that says that a fact is not to be had: no
// right to look, no such file on this kernel or in this copy, EINVAL of a zombie
// or of attr/current without an LSM.
func (t *Thread) UnlessUnknown(file string, err error) error {
	if Denies(err) || gone(err) || err == unix.EINVAL || err == unix.EOPNOTSUPP {
		return nil
	}
	return t.fail(Failed, file, err)
}
