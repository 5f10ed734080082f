package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// origin is where a launch starts: the initial user namespace, or a new one with
// maps of its own, which a process enters with ids that may have no counterpart
// in there.
type origin struct {
	Initial bool
	// UIDMap and GIDMap are empty where none is written.
	UIDMap, GIDMap []cred.IDRange
	// Deny denies setgroups(2).
	Deny bool
	// UID, GID and Groups are the ids in the initial namespace. Kept are those that
	// the process does not change in the new one.
	UID, GID                     uint32
	Groups                       []uint32
	KeepUID, KeepGID, KeepGroups bool
}

var (
	outsideIDs = []uint32{0, 6, 1000, 1001, 65534, 100000, 101000, 165534}
	insideIDs  = []uint32{0, 1, 5, 1000, 1001, 65534}
)

func (r random) origin() *origin {
	if r.oneIn(3) {
		return &origin{Initial: true}
	}
	o := &origin{UIDMap: r.idMap(), GIDMap: r.idMap(), Deny: r.oneIn(4)}
	if r.oneIn(3) {
		o.GIDMap = o.UIDMap
	}
	if r.oneIn(16) {
		o.UIDMap, o.GIDMap = nil, nil
	}
	o.UID, o.GID = pick(r, outsideIDs), pick(r, outsideIDs)
	for range r.IntN(4) {
		o.Groups = append(o.Groups, pick(r, outsideIDs))
	}
	o.KeepUID = r.oneIn(3) || len(mappedIDs(o.UIDMap)) == 0
	o.KeepGID = r.oneIn(3) || len(mappedIDs(o.GIDMap)) == 0
	o.KeepGroups = o.Deny || r.oneIn(3) || len(mappedIDs(o.GIDMap)) == 0
	return o
}

// idMap is one of the maps of life, or a random one with holes.
func (r random) idMap() []cred.IDRange {
	switch r.IntN(7) {
	case 0:
		return []cred.IDRange{{Inside: 0, Outside: 0, Count: 1<<32 - 1}}
	case 1: // all ids too, two of them swapped
		return []cred.IDRange{{Inside: 0, Outside: 1000, Count: 1}, {Inside: 1, Outside: 1, Count: 999},
			{Inside: 1000, Outside: 0, Count: 1}, {Inside: 1001, Outside: 1001, Count: 1<<32 - 1002}}
	case 2:
		return []cred.IDRange{{Inside: 0, Outside: 100000, Count: 65536}}
	case 3: // without a nobody
		return []cred.IDRange{{Inside: 0, Outside: 100000, Count: 65534}}
	case 4:
		return []cred.IDRange{{Inside: 0, Outside: pick(r, outsideIDs), Count: 1}}
	}
	var list []cred.IDRange
	// The last is nobody's: no file of a case belongs to it. A file that is shown as
	// nobody's may belong to anyone.
	outside := slices.Clone(outsideIDs)
	r.Shuffle(len(outside)-1, func(i, j int) { outside[i], outside[j] = outside[j], outside[i] })
	outside[len(insideIDs)-1] = outside[len(outside)-1]
	for i, inside := range insideIDs {
		if r.oneIn(2) {
			list = append(list, cred.IDRange{Inside: inside, Outside: outside[i], Count: 1})
		}
	}
	return list
}

// mappedIDs are ids that a thread can take where m is the map.
func mappedIDs(m []cred.IDRange) (list []uint32) {
	for _, id := range insideIDs {
		if _, ok := cred.Outside(m, id); ok {
			list = append(list, id)
		}
	}
	return list
}

// idsIn are ids to take, where any can be taken.
func (r random) idsIn(o *origin) (uid, gid cred.IDs, groups []uint32) {
	uids, gids := mappedIDs(o.UIDMap), mappedIDs(o.GIDMap)
	if o.Initial {
		uids, gids = namespaces[0].IDs, namespaces[0].IDs
	}
	if len(uids) > 0 {
		uid = r.ids(uids)
	}
	if len(gids) > 0 {
		gid = r.ids(gids)
		for range r.IntN(3) {
			groups = append(groups, pick(r, gids))
		}
	}
	return uid, gid, groups
}

// roleOrigin has the start state in os.Args[1], starts the role launch from its
// origin, and watches that from the initial user namespace.
const roleOrigin = "origin"

func init() {
	if os.Getenv(roleVar) != roleOrigin {
		return
	}
	runtime.LockOSThread()
	var s start
	err := json.Unmarshal([]byte(os.Args[1]), &s)
	var seen sightings
	if err == nil {
		err = s.Origin.leave()
	}
	if err == nil {
		seen, err = watch(s.Origin)
	}
	if err == nil {
		err = json.NewEncoder(os.NewFile(3, "sightings")).Encode(seen)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "origin:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// leave takes the ids of the initial namespace and all capabilities along.
func (o *origin) leave() error {
	if o.Initial {
		return nil
	}
	if err := prctl(unix.PR_SET_SECUREBITS, uintptr(cred.NoSetuidFixup)); err != nil {
		return err
	}
	return (&start{UID: cred.Same(o.UID), GID: cred.Same(o.GID), Groups: o.Groups}).takeIDs()
}

func (o *origin) attributes() *syscall.SysProcAttr {
	if o.Initial {
		return &syscall.SysProcAttr{}
	}
	a := newUserNamespace()
	a.UidMappings, a.GidMappings = mappings(o.UIDMap), mappings(o.GIDMap)
	a.GidMappingsEnableSetgroups = !o.Deny
	return a
}

// hostIDs are the ids of a process as the initial user namespace sees them.
type hostIDs struct {
	UID, GID cred.IDs
	Groups   []uint32
}

// sightings are the stops of a launch, and its exit status.
type sightings struct {
	Before, After *hostIDs
	Status        int
}

// watch starts the role launch. It stops itself before capset, and the command does
// once it has reported.
func watch(o *origin) (seen sightings, err error) {
	pid, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{
		Env: []string{roleVar + "=" + roleLaunch}, Files: []uintptr{0, 1, 2}, Sys: o.attributes(),
	})
	if err != nil {
		return seen, err
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return seen, err
		case !status.Stopped():
			seen.Status = status.ExitStatus()
			return seen, nil
		}
		ids, err := hostIDsOf(pid)
		if err != nil {
			return seen, err
		}
		if seen.Before == nil {
			seen.Before = ids
		} else {
			seen.After = ids
		}
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			return seen, err
		}
	}
}

// stop stops this process until its parent has looked at it. The signal goes to
// this thread, which might get to its end before another took it.
func stop() {
	runtime.LockOSThread()
	if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP); err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
		os.Exit(1)
	}
}

func hostIDsOf(pid int) (*hostIDs, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	lists := map[string][]uint32{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "Uid" && name != "Gid" && name != "Groups" {
			continue
		}
		for _, f := range strings.Fields(value) {
			n, err := strconv.ParseUint(f, 10, 32)
			if err != nil {
				return nil, err
			}
			lists[name] = append(lists[name], uint32(n))
		}
	}
	if len(lists["Uid"]) != 4 || len(lists["Gid"]) != 4 {
		return nil, fmt.Errorf("status of %d: %q", pid, text)
	}
	four := func(l []uint32) cred.IDs { return cred.IDs{Real: l[0], Effective: l[1], Saved: l[2], FS: l[3]} }
	return &hostIDs{four(lists["Uid"]), four(lists["Gid"]), lists["Groups"]}, nil
}

// judgeIDs says whether the ids that the command got are those that were asked for,
// worked out in the plainest way.
func (l *launch) judgeIDs(before, after *hostIDs) error {
	// One that does not exist is Unchanged, which no process has.
	outside := func(m []cred.IDRange, text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		id := uint32(n)
		ok := err == nil
		if o := l.Start.Origin; ok && !o.Initial {
			id, ok = cred.Outside(m, id)
		}
		if !ok {
			return cred.Unchanged
		}
		return id
	}
	o := l.Start.Origin
	uid := func(text string) uint32 { return outside(o.UIDMap, text) }
	gid := func(text string) uint32 { return outside(o.GIDMap, text) }
	// The execve of capset has the other ids follow the effective ones. It refuses
	// to run with other real ones; where it did, the execve had reset the effective.
	start := hostIDs{cred.Same(before.UID.Real), cred.Same(before.GID.Real), before.Groups}
	want := start
	groups := "keep"
	for _, option := range l.Options {
		name, value, _ := strings.Cut(option, "=")
		if name != "--user" {
			continue
		}
		if value == "nobody" {
			value = "65534:65534"
		}
		u, g, _ := strings.Cut(value, ":")
		if u != "" {
			want.UID = cred.Same(uid(u))
		}
		want.GID = cred.Same(gid(g))
		groups = ""
	}
	for _, option := range l.Options {
		switch name, value, _ := strings.Cut(option, "="); name {
		case "--ruid":
			want.UID.Real = uid(value)
		case "--euid":
			want.UID.Effective, want.UID.Saved, want.UID.FS = uid(value), uid(value), uid(value)
		case "--rgid":
			want.GID.Real = gid(value)
		case "--egid":
			want.GID.Effective, want.GID.Saved, want.GID.FS = gid(value), gid(value), gid(value)
		case "--groups":
			groups = value
		}
	}
	if groups != "keep" {
		want.Groups = nil
		if groups != "none" {
			want.Groups = []uint32{want.GID.Effective}
		}
		for item := range strings.SplitSeq(groups, ",") {
			if item != "" && item != "none" {
				want.Groups = append(want.Groups, gid(item))
			}
		}
	}
	return l.compareIDs(&want, &start, after, groups == "")
}

// compareIDs compares what is wanted and what is. A file may take effective ids
// where that is allowed, and the primary group may be missing among groups that
// only follow from the user that it is already.
func (l *launch) compareIDs(want, before, after *hostIDs, implied bool) error {
	got := *after
	if l.has("allow-new-privs", "allow-mismatch") {
		got.UID, got.GID = want.UID, want.GID
		got.UID.Real, got.GID.Real = after.UID.Real, after.GID.Real
	}
	set := func(list []uint32) []uint32 { return slices.Compact(slices.Sorted(slices.Values(list))) }
	wantGroups, gotGroups := set(want.Groups), set(got.Groups)
	same := slices.Equal(wantGroups, gotGroups)
	if implied && want.UID == before.UID && want.GID == before.GID {
		same = same || slices.Equal(slices.DeleteFunc(wantGroups, func(g uint32) bool { return g == want.GID.Effective }), gotGroups)
	}
	if got.UID != want.UID || got.GID != want.GID || !same {
		return fmt.Errorf("asked for uid %v, gid %v, groups %v", want.UID, want.GID, set(want.Groups))
	}
	return nil
}
