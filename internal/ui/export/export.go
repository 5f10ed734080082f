// Package export is what asks others for just what a process has: options for
// docker, lines for compose, kubernetes, an OCI config.json and systemd, a command
// line for capset.
package export

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// Grant is what a process is to have, and nothing else, when Docker, Kubernetes and others
// start it.
type Grant struct {
	Keep     caps.Set
	UID, GID uint32
	// Groups are the supplementary groups, without GID; Among says that GID is one
	// of them.
	Groups []uint32
	Among  bool
	// AllowNewPrivs leaves no_new_privs off, which takes away no capability that the
	// process has, but what an execve of a setuid program or the like adds.
	AllowNewPrivs bool
	// Command is the program with its arguments, empty if it is not known.
	Command []string
	// Options are other options of a launch by capset, each in one word.
	Options []string
	// File is the program if its file capabilities give all of Keep; Raises says that
	// it has to make them effective itself.
	File   string
	Raises bool
}

// GrantOf is what a process has.
func GrantOf(p *cred.Process) Grant {
	g := Grant{Keep: p.Permitted}
	g.identify(p.UID.Effective, p.GID.Effective, p.Groups)
	return g
}

// identify sets the ids; groups may have gid among them.
func (g *Grant) identify(uid, gid uint32, groups []uint32) {
	g.UID, g.GID, g.Groups, g.Among = uid, gid, nil, false
	for _, group := range groups {
		if group == gid {
			g.Among = true
		} else {
			g.Groups = append(g.Groups, group)
		}
	}
}

// Found is this grant with what trials of a command found, and with their user, if
// that is known. A profile without a command has only the set.
func (g Grant) Found(d *schema.Discovery, keep caps.Set) Grant {
	g.Keep = keep
	if d.User.OK {
		g.identify(d.User.Value.UID, d.User.Value.GID, d.User.Value.Groups)
	}
	if g.Command = d.Command; len(g.Command) == 0 {
		return g
	}
	g.AllowNewPrivs, g.Options = !d.NoNewPrivs, d.Options
	if len(d.Environment.Files) == 0 {
		return g
	}
	f := &d.Environment.Files[0] // the program, if it could be read
	set, err := caps.ParseText(f.Capabilities.Value, caps.Named)
	if f.Capabilities.OK && err == nil && path.Base(f.Path) == path.Base(g.Command[0]) && set.Permitted.Contains(keep) {
		g.File, g.Raises = f.Path, set.Effective == 0
	}
	return g
}

// Formats are the names of the forms that [Grant.Format] knows.
func Formats() []string {
	return []string{"docker", "compose", "kubernetes", "oci", "systemd", "capset"}
}

// Format appends the grant in a form that can be pasted. The warnings say what
// differs from the grant, or is needed beside the form. The error says what the form
// cannot express.
func (g Grant) Format(b []byte, form string) (_ []byte, warnings []string, err error) {
	if unnamed := g.Keep &^ caps.First(caps.Named); unnamed != 0 && form != "capset" {
		return nil, nil, fmt.Errorf("--format=%s has no name for the capabilities %s", form, unnamed)
	}
	if form == "capset" {
		if len(g.Groups) > 0 && !g.Among {
			warnings = append(warnings, fmt.Sprintf("capset puts the group %d among the supplementary ones, where it is not now", g.GID))
		}
		return fmt.Appendf(b, "%s\n", shellWords(g.launch("capset"))), warnings, nil
	}
	own, warnings := g.settings()
	switch form {
	case "oci":
		return g.oci(b, &own), warnings, nil
	case "systemd":
		return own.systemd(g.systemd(append(b, each("# %s\n", warnings)...))), warnings, nil
	}
	c, why := g.container()
	if len(c.entrypoint) > 0 { // it has all options
		warnings = nil
	} else {
		c.settings = own
	}
	if why != "" {
		warnings = append(warnings, why)
	}
	if form == "kubernetes" && len(c.groups) > 0 {
		warnings = append(warnings, "left out the groups "+decimal(c.groups, ", ")+": they are the pod's, spec.securityContext.supplementalGroups")
	}
	if form == "docker" {
		return c.docker(b), warnings, nil
	}
	b = append(b, each("# %s\n", warnings)...)
	if form == "compose" {
		return c.compose(b), warnings, nil
	}
	return c.kubernetes(b), warnings, nil
}

// container is what the engine of a container is asked for.
type container struct {
	uid, gid   uint32
	groups     []uint32
	add        caps.Set
	noNewPrivs bool
	entrypoint []string // with its arguments, empty for the image's
	settings
}

// container is how a container gets the grant, and why that differs from it. Docker and
// Kubernetes give a non-root user capabilities in the bounding set only. From there
// they come with the program's own file, unless no_new_privs is set, or capset takes them
// along from root.
func (g *Grant) container() (c container, why string) {
	c = container{uid: g.UID, gid: g.GID, groups: g.Groups, add: g.Keep, noNewPrivs: !g.AllowNewPrivs}
	if g.UID == 0 || g.Keep == 0 {
		return c, ""
	}
	if g.File != "" {
		c.noNewPrivs = false
		return c, "no_new_privs stays off: a non-root user gets these capabilities from the file capabilities of " + term.Escape(g.File) +
			", which the image must have"
	}
	const copied = "/capset"
	c = container{add: g.Keep | caps.Of(caps.Setuid, caps.Setgid), noNewPrivs: c.noNewPrivs, entrypoint: g.launch(copied)}
	if g.AllowNewPrivs { // the bounding set must shrink
		c.add |= caps.Setpcap.Set()
	}
	why = fmt.Sprintf("Docker and Kubernetes give a non-root user capabilities in the bounding set only: so %s, which the image must have, starts as root and changes to user %d",
		copied, g.UID)
	if more := c.add &^ g.Keep; more != 0 && !c.add.Has(caps.Setpcap) {
		why += fmt.Sprintf("; without SETPCAP the bounding set still has %s, harmless under no_new_privs", term.List(addWords(more)))
	}
	return c, why
}

// addWords are the names that --cap-add takes.
func addWords(set caps.Set) (list []string) {
	for c := range set.All() {
		list = append(list, c.AddWord())
	}
	return list
}

// each is a text for each of a list.
func each[T any](format string, list []T) string {
	var b []byte
	for _, item := range list {
		b = fmt.Appendf(b, format, item)
	}
	return string(b)
}

// docker are options of docker run and podman run, with an entrypoint also what
// stands after them.
func (c *container) docker(b []byte) []byte {
	b = fmt.Appendf(b, "--cap-drop=ALL%s --user=%s%s", each(" --cap-add=%s", addWords(c.add)), c.user(), each(" --group-add=%d", c.groups))
	if c.noNewPrivs {
		b = append(b, " --security-opt=no-new-privileges"...)
	}
	b = c.settings.docker(b)
	if len(c.entrypoint) > 0 {
		b = fmt.Appendf(b, " --entrypoint=%s IMAGE %s", c.entrypoint[0], shellWords(c.entrypoint[1:]))
	}
	return append(b, '\n')
}

// user is "uid:gid".
func (c *container) user() string { return fmt.Sprintf("%d:%d", c.uid, c.gid) }

// decimal are ids with a separator between them.
func decimal(ids []uint32, separator string) string {
	return strings.TrimPrefix(each(separator+"%d", ids), separator)
}

// compose are lines of a service in a compose file.
func (c *container) compose(b []byte) []byte {
	b = append(b, "cap_drop:\n  - ALL\n"...)
	if c.add != 0 {
		b = fmt.Appendf(b, "cap_add:\n%s", each("  - %s\n", addWords(c.add)))
	}
	b = fmt.Appendf(b, "user: %q\n", c.user())
	if len(c.groups) > 0 {
		b = fmt.Appendf(b, "group_add:\n%s", each("  - \"%d\"\n", c.groups))
	}
	if c.noNewPrivs {
		b = append(b, "security_opt:\n  - no-new-privileges:true\n"...)
	}
	return append(c.settings.compose(b), yamlList("entrypoint", c.entrypoint)...)
}

// kubernetes are the securityContext of a container and its command, if that is not
// the image's. Supplementary groups belong to the pod.
func (c *container) kubernetes(b []byte) []byte {
	b = c.settings.kubernetes(append(b, yamlList("command", c.entrypoint)...))
	b = fmt.Appendf(b, "securityContext:\n  allowPrivilegeEscalation: %t\n  capabilities:\n    drop:\n      - ALL\n", !c.noNewPrivs)
	if c.add != 0 {
		b = fmt.Appendf(b, "    add:\n%s", each("      - %s\n", addWords(c.add)))
	}
	b = fmt.Appendf(b, "  runAsUser: %d\n  runAsGroup: %d\n", c.uid, c.gid)
	if c.uid != 0 {
		b = append(b, "  runAsNonRoot: true\n"...)
	}
	return append(b, "  seccompProfile:\n    type: RuntimeDefault\n"...)
}

// oci is the part of an OCI runtime's process object that is about privilege
// (runtime-spec config.md, "Linux Process").
func (g Grant) oci(b []byte, own *settings) []byte {
	var p struct {
		Dir  string   `json:"cwd,omitempty"`
		Env  []string `json:"env,omitempty"`
		User struct {
			UID            uint32   `json:"uid"`
			GID            uint32   `json:"gid"`
			AdditionalGids []uint32 `json:"additionalGids,omitempty"`
		} `json:"user"`
		Capabilities struct {
			Bounding    []string `json:"bounding"`
			Effective   []string `json:"effective"`
			Permitted   []string `json:"permitted"`
			Inheritable []string `json:"inheritable,omitzero"`
			Ambient     []string `json:"ambient,omitzero"`
		} `json:"capabilities"`
		NoNewPrivileges bool `json:"noNewPrivileges"`
	}
	p.Dir, p.Env = own.dir, own.env
	keep := g.Keep.OCINames()
	p.User.UID, p.User.GID, p.User.AdditionalGids = g.UID, g.GID, g.Groups
	p.Capabilities.Bounding, p.Capabilities.Effective, p.Capabilities.Permitted = keep, keep, keep
	if g.UID != 0 { // root has them from the bounding set
		p.Capabilities.Inheritable, p.Capabilities.Ambient = keep, keep
	}
	p.NoNewPrivileges = !g.AllowNewPrivs
	return schema.Append(b, p)
}

// systemd are lines of a unit's section [Service] (systemd.exec(5)).
func (g Grant) systemd(b []byte) []byte {
	list := strings.Join(g.Keep.OCINames(), " ")
	b = fmt.Appendf(b, "User=%d\nGroup=%d\n", g.UID, g.GID)
	if len(g.Groups) > 0 {
		b = fmt.Appendf(b, "SupplementaryGroups=%s\n", decimal(g.Groups, " "))
	}
	ambient := list
	if g.UID == 0 {
		ambient = "" // root has them from the bounding set
	}
	noNewPrivs := map[bool]string{true: "no", false: "yes"}[g.AllowNewPrivs]
	return fmt.Appendf(b, "CapabilityBoundingSet=%s\nAmbientCapabilities=%s\nNoNewPrivileges=%s\n", list, ambient, noNewPrivs)
}

// launch are the words of a command line of capset, which puts the primary group among
// others, and makes it the only one, unless --groups=none says that there are none.
func (g *Grant) launch(capset string) []string {
	words := []string{capset, fmt.Sprintf("--user=%d:%d", g.UID, g.GID)}
	switch {
	case len(g.Groups) > 0:
		words = append(words, "--groups="+decimal(g.Groups, ","))
	case !g.Among:
		words = append(words, "--groups=none")
	}
	keep := "none"
	if g.Keep != 0 {
		keep = strings.Join(g.Keep.ShortNames(), ",")
	}
	words = append(words, "--keep="+keep)
	if g.AllowNewPrivs {
		words = append(words, "--allow-new-privs")
	}
	if g.Raises { // it is started with less than --keep
		words = append(words, "--allow-mismatch")
	}
	words = append(append(words, g.Options...), "--")
	if len(g.Command) == 0 {
		return append(words, "COMMAND")
	}
	return append(words, g.Command...)
}

// shellWords are words for a shell, quoted where that is needed.
func shellWords(words []string) string {
	var quoted []string
	for _, word := range words {
		quoted = append(quoted, shellWord(word))
	}
	return strings.Join(quoted, " ")
}

// shellWord quotes a word if a shell needs that; what a terminal might obey is escaped.
func shellWord(word string) string {
	special := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_=,.:/@%+", r)
	}
	hidden := func(r rune) bool { return r != '\n' && term.Hidden(r) || r == utf8.RuneError }
	switch {
	case strings.ContainsFunc(word, hidden):
		b := []byte("$'")
		for _, c := range []byte(word) {
			if c < ' ' || c > '~' || c == '\'' || c == '\\' {
				b = fmt.Appendf(b, `\%03o`, c)
			} else {
				b = append(b, c)
			}
		}
		return string(b) + "'"
	case word == "" || strings.ContainsFunc(word, special):
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
