// Package export is what asks others for just what a process has: options for
// docker, lines for compose, kubernetes, an OCI config.json and systemd, a command
// line for capset.
package export

import (
	"fmt"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// Grant is what a process is to have, and nothing else, when Docker, Kubernetes and others
// start it. No_new_privs is always part of it: it takes away no capability that the
// process has.
type Grant struct {
	Keep     caps.Set
	UID, GID uint32
	// Groups are the supplementary groups, without GID; Among says that GID is one
	// of them.
	Groups []uint32
	Among  bool
}

// GrantOf is what a process has.
func GrantOf(p *cred.Process) Grant {
	g := Grant{Keep: p.Permitted, UID: p.UID.Effective, GID: p.GID.Effective}
	for _, gid := range p.Groups {
		if gid == g.GID {
			g.Among = true
		} else {
			g.Groups = append(g.Groups, gid)
		}
	}
	return g
}

// Formats are the names of the forms that [Grant.Format] knows.
func Formats() []string {
	return []string{"docker", "compose", "kubernetes", "oci", "systemd", "capset"}
}

// Format appends the grant in a form that can be pasted. The warnings say what
// the form cannot give, and what to do instead.
func (g Grant) Format(b []byte, form string) (_ []byte, warnings []string) {
	unnamed := g.Keep &^ caps.First(caps.Named)
	if g.Keep &^= unnamed; unnamed != 0 {
		warnings = append(warnings, "left out what has no name here: "+unnamed.String())
	}
	if warning := g.withoutAmbient(form); warning != "" {
		warnings = append(warnings, warning)
	}
	if form == "kubernetes" && len(g.Groups) > 0 {
		warnings = append(warnings, "left out the groups "+g.groups(", ")+": they are the pod's, spec.securityContext.supplementalGroups")
	}
	if form == "capset" && len(g.Groups) > 0 && !g.Among {
		warnings = append(warnings, fmt.Sprintf("capset puts the group %d among the supplementary ones, where it is not now", g.GID))
	}
	switch form {
	case "docker":
		b = g.docker(b)
	case "compose":
		b = g.compose(b)
	case "kubernetes":
		b = g.kubernetes(b)
	case "oci":
		b = g.oci(b)
	case "systemd":
		b = g.systemd(b)
	case "capset":
		b = append(append(b, g.capset()...), '\n')
	}
	return b, warnings
}

// withoutAmbient warns of the forms in which a user other than root gets
// capabilities into the bounding set alone.
func (g Grant) withoutAmbient(form string) string {
	var engine, user string
	switch form {
	case "docker":
		engine, user = "Docker", "--user"
	case "compose":
		engine, user = "Docker", "user"
	case "kubernetes":
		engine, user = "Kubernetes", "runAsUser, runAsGroup and runAsNonRoot"
	}
	if engine == "" || g.UID == 0 || g.Keep == 0 {
		return ""
	}
	needs := caps.Of(caps.Setuid, caps.Setgid, caps.Setpcap) &^ g.Keep
	text := engine + " gives a user other than root capabilities in the bounding set only: the command will have none; instead leave out " + user
	if needs != 0 {
		text += ", add " + term.List(addWords(needs))
	}
	return text + " and begin the command with: " + g.capset()
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

// docker are options of docker run and podman run.
func (g Grant) docker(b []byte) []byte {
	return fmt.Appendf(b, "--cap-drop=ALL%s --user=%s%s --security-opt=no-new-privileges\n",
		each(" --cap-add=%s", addWords(g.Keep)), g.user(), each(" --group-add=%d", g.Groups))
}

// user is "uid:gid".
func (g Grant) user() string { return fmt.Sprintf("%d:%d", g.UID, g.GID) }

// groups are the supplementary groups in decimal.
func (g Grant) groups(separator string) string {
	return strings.TrimPrefix(each(separator+"%d", g.Groups), separator)
}

// compose are lines of a service in a compose file.
func (g Grant) compose(b []byte) []byte {
	b = append(b, "cap_drop:\n  - ALL\n"...)
	if g.Keep != 0 {
		b = fmt.Appendf(b, "cap_add:\n%s", each("  - %s\n", addWords(g.Keep)))
	}
	b = fmt.Appendf(b, "user: %q\n", g.user())
	if len(g.Groups) > 0 {
		b = fmt.Appendf(b, "group_add:\n%s", each("  - \"%d\"\n", g.Groups))
	}
	return append(b, "security_opt:\n  - no-new-privileges:true\n"...)
}

// kubernetes is the securityContext of a container. Its groups belong to the
// pod, whose is supplementalGroups.
func (g Grant) kubernetes(b []byte) []byte {
	b = append(b, "securityContext:\n  allowPrivilegeEscalation: false\n  capabilities:\n    drop:\n      - ALL\n"...)
	if g.Keep != 0 {
		b = fmt.Appendf(b, "    add:\n%s", each("      - %s\n", addWords(g.Keep)))
	}
	b = fmt.Appendf(b, "  runAsUser: %d\n  runAsGroup: %d\n", g.UID, g.GID)
	if g.UID != 0 {
		b = append(b, "  runAsNonRoot: true\n"...)
	}
	return append(b, "  seccompProfile:\n    type: RuntimeDefault\n"...)
}

// oci is the part of an OCI runtime's process object that is about privilege
// (runtime-spec config.md, "Linux Process").
func (g Grant) oci(b []byte) []byte {
	var p struct {
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
	keep := g.Keep.OCINames()
	p.User.UID, p.User.GID, p.User.AdditionalGids = g.UID, g.GID, g.Groups
	p.Capabilities.Bounding, p.Capabilities.Effective, p.Capabilities.Permitted = keep, keep, keep
	if g.UID != 0 { // root has them from the bounding set
		p.Capabilities.Inheritable, p.Capabilities.Ambient = keep, keep
	}
	p.NoNewPrivileges = true
	return schema.Append(b, p)
}

// systemd are lines of a unit's section [Service] (systemd.exec(5)).
func (g Grant) systemd(b []byte) []byte {
	list := strings.Join(g.Keep.OCINames(), " ")
	b = fmt.Appendf(b, "User=%d\nGroup=%d\n", g.UID, g.GID)
	if len(g.Groups) > 0 {
		b = fmt.Appendf(b, "SupplementaryGroups=%s\n", g.groups(" "))
	}
	ambient := list
	if g.UID == 0 {
		ambient = "" // root has them from the bounding set
	}
	return fmt.Appendf(b, "CapabilityBoundingSet=%s\nAmbientCapabilities=%s\nNoNewPrivileges=yes\n", list, ambient)
}

// capset is a command line for our launcher, which puts the primary group among
// others, and makes it the only one, unless --groups=none says that there are none.
func (g Grant) capset() string {
	groups := ""
	switch {
	case len(g.Groups) > 0:
		groups = " --groups=" + g.groups(",")
	case !g.Among:
		groups = " --groups=none"
	}
	keep := "none"
	if g.Keep != 0 {
		var names []string
		for c := range g.Keep.All() {
			names = append(names, c.Short())
		}
		keep = strings.Join(names, ",")
	}
	return fmt.Sprintf("capset --user=%s%s --keep=%s -- COMMAND", g.user(), groups, keep)
}
