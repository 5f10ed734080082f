package schema

import (
	"strconv"

	"capsh/internal/rules/filecap"
)

// Grants writes what a file grants as an object.
func (j *JSON) Grants(g *filecap.Grants, kernelBits int) {
	j.BeginObject()
	j.Version()
	j.Key("path").String(g.Path)
	j.Key("mode").String("0" + strconv.FormatUint(uint64(g.Mode&0o7777), 8))
	j.Key("uid").Uint(uint64(g.UID))
	j.Key("gid").Uint(uint64(g.GID))
	j.Key("setuid").Bool(g.Setuid())
	j.Key("setgid").Bool(g.Setgid())
	j.Key("has_capabilities").Bool(g.HasCaps)
	j.Key("file_capabilities").fileCaps(g, kernelBits)
	j.Key("honoured").Bool(g.Honoured())
	j.Key("ignored_because").strings(g.Flaws.Texts())
	j.EndObject()
}

// fileCaps writes null where there are none, or none that are shown.
func (j *JSON) fileCaps(g *filecap.Grants, kernelBits int) {
	if !g.CapsShown() {
		j.Null()
		return
	}
	c := &g.Caps
	j.BeginObject()
	j.Key("xattr_version").Int(int64(c.Version))
	j.Key("root_id").Uint(uint64(c.RootID))
	j.Key("permitted").Set(c.Permitted)
	j.Key("inheritable").Set(c.Inheritable)
	j.Key("effective").Bool(c.Effective)
	j.Key("setcap").String(c.EPI().Text(kernelBits))
	j.EndObject()
}
