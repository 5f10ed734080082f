package schema

import (
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// Listed writes a process as an object on one line: what capsh(1), "JSON",
// documents of ps. extra writes members of its own.
func (j *JSON) Listed(p *cred.Process, user string, c cred.Known[container.Container], extra func()) {
	j.BeginObject()
	j.Version()
	j.identity(p)
	j.Key("user")
	j.KnownString(cred.Known[string]{Value: user, OK: user != ""})
	j.state(&p.State)
	j.seccomp(p)
	j.Key("user_namespace")
	j.BeginObject()
	j.Key("inode")
	j.KnownUint(p.UserNS.Inode)
	j.Key("initial")
	j.KnownBool(p.UserNS.Initial())
	j.EndObject()
	j.Key("contained")
	j.KnownBool(cred.Known[bool]{Value: c.Value != container.Container{}, OK: c.OK})
	j.Key("container")
	j.container(c.Value)
	j.Key("differing_threads")
	j.differing(p)
	if extra != nil {
		extra()
	}
	j.EndObject()
	j.buf = append(j.buf, '\n')
	j.more = false
}

// Reset empties j, whose memory it uses again.
func (j *JSON) Reset() { j.buf, j.more = j.buf[:0], false }
