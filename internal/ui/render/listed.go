package render

import (
	"strconv"

	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Listed is a process as ps and tree list it.
type Listed struct {
	cred.Process
	// User is the name of the effective uid; "" for none.
	User string
	// Container is where it runs; the zero one is none.
	Container cred.Known[container.Container]
	// Foreign says that its user namespace is not that of the reader: its
	// capabilities count only in there.
	Foreign cred.Known[bool]
}

// shownUser is the user's name, or the number where it has none.
func (p *Listed) shownUser() string {
	if p.User == "" {
		return strconv.FormatUint(uint64(p.UID.Effective), 10)
	}
	return Escape(p.User)
}

// shownName is the name as it may be shown.
func (p *Listed) shownName() string {
	name := Escape(p.Name)
	switch n := running(&p.Process); {
	case !p.Zombie():
		return name
	case n == 1:
		return name + " (zombie, 1 thread runs)"
	case n > 1:
		return name + " (zombie, " + strconv.Itoa(n) + " threads run)"
	}
	return name + " (zombie)"
}

// running is how many threads of a process still run whose first one has ended;
// the kernel counts that one until all have (fs/proc/array.c, task_sig).
func running(p *cred.Process) int {
	if !p.Zombie() || p.TID != p.PID {
		return 0
	}
	return max(p.Threads-1, 0)
}

// ContainerName is how a container is called in one word: "docker:0123456789ab",
// "-" for none, "?" for what is not known.
func ContainerName(c cred.Known[container.Container]) string {
	switch {
	case !c.OK:
		return "?"
	case c.Value == container.Container{}:
		return "-"
	case c.Value.ID == "" && c.Value.PodUID == "":
		return Escape(c.Value.Runtime)
	case c.Value.ID == "":
		return Escape(c.Value.Runtime + ":pod-" + c.Value.PodUID[:min(8, len(c.Value.PodUID))])
	}
	return Escape(c.Value.Runtime + ":" + c.Value.Short())
}

// Listed writes a process as an object on one line: what capsh(1), "JSON",
// documents of ps. extra writes members of its own.
func (j *JSON) Listed(p *Listed, extra func()) {
	j.BeginObject()
	j.Version()
	j.identity(&p.Process)
	j.Key("user")
	j.KnownString(cred.Known[string]{Value: p.User, OK: p.User != ""})
	j.state(&p.State)
	j.seccomp(&p.Process)
	j.Key("user_namespace")
	j.BeginObject()
	j.Key("inode")
	j.KnownUint(p.UserNS.Inode)
	j.Key("initial")
	j.KnownBool(p.UserNS.Initial())
	j.EndObject()
	j.Key("contained")
	j.KnownBool(cred.Known[bool]{Value: p.Container.Value != container.Container{}, OK: p.Container.OK})
	j.Key("container")
	j.container(p.Container.Value)
	j.Key("differing_threads")
	j.differing(&p.Process)
	if extra != nil {
		extra()
	}
	j.EndObject()
	j.buf = append(j.buf, '\n')
	j.more = false
}

// Reset empties j, whose memory it uses again.
func (j *JSON) Reset() { j.buf, j.more = j.buf[:0], false }
