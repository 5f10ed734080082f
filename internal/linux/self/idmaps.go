package self

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"
)

// IDMaps reads by what an id of this thread can be told from one that its user
// namespace does not map: the maps, the overflow ids, and whether setgroups(2) is
// allowed. Each is unknown where [procfs.OpenOwn] does not find it.
func IDMaps() (ns cred.UserNS, err error) {
	for _, f := range [...]struct {
		name  string
		parse func(text []byte) (ok bool)
	}{
		{"thread-self/uid_map", idMapInto(&ns.UIDMap)},
		{"thread-self/gid_map", idMapInto(&ns.GIDMap)},
		{"thread-self/setgroups", func(text []byte) bool { ns.Setgroups = procfs.ParseSetgroups(text); return ns.Setgroups.OK }},
		{"sys/kernel/overflowuid", idInto(&ns.OverflowUID)},
		{"sys/kernel/overflowgid", idInto(&ns.OverflowGID)},
	} {
		text, err := procfs.ReadOwn(f.name)
		switch {
		case errors.Is(err, unix.ENOENT) || errors.Is(err, procfs.ErrNotOwn):
		case err != nil:
			return ns, err
		case !f.parse(text):
			return ns, errors.New("read /proc/" + f.name + ": not of the kernel's form")
		}
	}
	return ns, nil
}

func idMapInto(to *cred.Known[[]cred.IDRange]) func([]byte) bool {
	return func(text []byte) bool {
		to.Value, to.OK = procfs.ParseIDMap(text)
		return to.OK
	}
}

func idInto(to *cred.Known[uint32]) func([]byte) bool {
	return func(text []byte) bool {
		n, err := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 32)
		*to = cred.Known[uint32]{Value: uint32(n), OK: err == nil}
		return to.OK
	}
}
