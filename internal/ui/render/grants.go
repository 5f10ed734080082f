package render

import (
	"strconv"
	"strings"

	"capsh/internal/rules/filecap"
)

// Grants adds a row for a file: its path, what it carries, and why that means
// nothing or not all. kernelBits is how many capabilities the kernel has.
func (t *Table) Grants(g *filecap.Grants, kernelBits int, names Names, color Color) {
	var parts []string
	if g.Setuid() {
		parts = append(parts, "setuid "+idName(g.UID, names.User))
	}
	if g.Setgid() {
		parts = append(parts, "setgid "+idName(g.GID, names.Group))
	}
	if g.HasCaps {
		parts = append(parts, capsText(g, kernelBits))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing")
	}
	cells := []string{Escape(g.Path), strings.Join(parts, "; ")}
	if flaws := g.Flaws.Texts(); g.Any() && len(flaws) > 0 {
		word, hue := "note: ", plain
		if !g.Honoured() {
			word, hue = "IGNORED: ", yellow
		}
		cells = append(cells, color.paint(hue, word+strings.Join(flaws, "; ")))
	}
	t.Row(cells...)
}

// capsText is the file's capabilities as setcap(8) takes them, and the root id
// that setcap -n takes, as getcap -n shows it.
func capsText(g *filecap.Grants, kernelBits int) string {
	switch {
	case g.Flaws&filecap.InvalidCaps != 0:
		return "capabilities of no valid form"
	case !g.CapsShown():
		return "capabilities that the kernel does not show here"
	}
	text := g.Caps.EPI().Text(kernelBits)
	if g.Caps.RootID != 0 {
		text += " [rootid=" + strconv.FormatUint(uint64(g.Caps.RootID), 10) + "]"
	}
	return text
}

// idName is the name of an id, or its number.
func idName(id uint32, name func(uint32) string) string {
	if n := name(id); n != "" {
		return Escape(n)
	}
	return strconv.FormatUint(uint64(id), 10)
}

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
