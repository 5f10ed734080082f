package procfs

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"capsh/internal/rules/cred"
)

// IDMaps reads what distinguishes an id of this thread from one that its user
// namespace does not map: the namespace, and the overflow ids. Each is unknown where
// [OpenOwn] does not find it.
func IDMaps() (ns cred.UserNS, err error) {
	if ns, err = OwnThread().UserNS(); err != nil {
		return ns, err
	}
	if ns.OverflowUID, err = overflowID("sys/kernel/overflowuid"); err != nil {
		return ns, err
	}
	ns.OverflowGID, err = overflowID("sys/kernel/overflowgid")
	return ns, err
}

func overflowID(name string) (id cred.Known[uint32], err error) {
	text, err := readKernel(name)
	switch {
	case errors.Is(err, unix.ENOENT) || errors.Is(err, ErrNotOwn):
		return id, nil
	case err != nil:
		return id, err
	}
	if id.Value, id.OK = parseID(bytes.TrimSuffix(text, []byte{'\n'})); !id.OK {
		return id, errors.New("read /proc/" + name + ": not of the kernel's form")
	}
	return id, nil
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
