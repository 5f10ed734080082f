package procfs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
)

// IDMaps reads what distinguishes an id of this thread from one that its user
// namespace does not map: the maps, the overflow ids, and whether setgroups(2) is
// allowed. Each is unknown where [OpenOwn] does not find it.
func IDMaps() (ns cred.UserNS, err error) {
	for _, f := range [...]struct {
		name  string
		read  func(name string) ([]byte, error)
		parse func(text []byte) (ok bool)
	}{
		{"thread-self/uid_map", ReadOwn, idMapInto(&ns.UIDMap)},
		{"thread-self/gid_map", ReadOwn, idMapInto(&ns.GIDMap)},
		{"thread-self/setgroups", ReadOwn, func(text []byte) bool { ns.Setgroups = ParseSetgroups(text); return ns.Setgroups.OK }},
		{"sys/kernel/overflowuid", readKernel, idInto(&ns.OverflowUID)},
		{"sys/kernel/overflowgid", readKernel, idInto(&ns.OverflowGID)},
	} {
		text, err := f.read(f.name)
		switch {
		case errors.Is(err, unix.ENOENT) || errors.Is(err, ErrNotOwn):
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
		to.Value, to.OK = ParseIDMap(text)
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

// readKernel reads a file of /proc/sys that says the same on every procfs: the
// runtimes of containers mount /proc/sys over itself, to make it read-only.
func readKernel(name string) ([]byte, error) {
	fd, err := unix.Open(string(Proc)+"/"+name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /proc/%s: %w", name, err)
	}
	defer unix.Close(fd)
	if err := onProcfs(fd); err != nil {
		return nil, fmt.Errorf("open /proc/%s: %w", name, err)
	}
	text, err := ReadAll(fd, nil, false)
	if err != nil {
		return nil, fmt.Errorf("read /proc/%s: %w", name, err)
	}
	return text, nil
}

// ShownIDs is [IDMaps] for ids that are only displayed: overflow ids that are unknown
// are the kernel's default ones (DEFAULT_OVERFLOWUID, include/linux/highuid.h).
// Decisions use IDMaps.
func ShownIDs() cred.UserNS {
	const usual = 65534
	ns, _ := IDMaps() // what could not be read is unknown
	for _, id := range [...]*cred.Known[uint32]{&ns.OverflowUID, &ns.OverflowGID} {
		if !id.OK {
			*id = cred.Is[uint32](usual)
		}
	}
	return ns
}

// shownIDs is ShownIDs for what is read of r; nil for a copy, which is believed.
func (r Root) shownIDs() *cred.UserNS {
	if !IsProcfs(string(r)) {
		return nil
	}
	ns := ShownIDs()
	return &ns
}
