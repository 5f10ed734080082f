package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/linux/sandbox"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/exit"
)

// advise adds to the error of a plan that lacks capabilities how to get them.
func (l *launch) advise(err error, from *cred.State) error {
	var lacking *plan.Lacking
	if !errors.As(err, &lacking) || lacking.Needs() == 0 {
		return err
	}
	return exit.Hint(err, ways(lacking, from, &l.request, surroundings())...)
}

// surroundings is whose container this process is in, as far as that can be seen.
func surroundings() container.Identity {
	facts, err := sandbox.OwnIdentity()
	if err != nil {
		return container.Identity{}
	}
	return container.Identify(&facts)
}

// ways are the lines that say how to get what is lacking: from a container's
// runtime, from a file, or by doing without.
func ways(lacking *plan.Lacking, from *cred.State, r *plan.Request, where container.Identity) (lines []string) {
	needs, root := lacking.Needs(), from.UID.Effective == 0
	switch known, contained := where.Contained.OK, where.Contained.Value; {
	case known && contained && where.Runtime == "": // a namespace that somebody made
		return nil
	case known && !contained && root:
		return nil
	case known && !contained && from.NoNewPrivs.Value:
		return []string{"start it as root, from a process without no_new_privs, which makes sudo and capset's file capabilities ineffective"}
	case known && !contained:
		return []string{"start it as root, for example with sudo"}
	}
	// A non-root user gets what the runtime adds only through a file; podman makes it
	// ambient.
	throughFile := !root && where.Runtime != catalog.Podman
	more := needs
	if throughFile {
		more &^= from.Bounding
	}
	if more != 0 {
		lines = append(lines, adding(more, where.Runtime)...)
	}
	if throughFile {
		lines = append(lines, byFile(needs, from, where.Runtime)...)
	}
	if ids := lacking.Steps; r.Keep == 0 && ids != 0 && ids&^caps.Of(caps.Setuid, caps.Setgid) == 0 {
		lines = append(lines, asUser(r, from, where.Runtime)...)
	}
	return lines
}

// client is the command line of a runtime's containers, Docker's for most.
func client(runtime string) string {
	if runtime == catalog.Podman {
		return "podman run"
	}
	return "docker run"
}

// adding are the options of runtimes that give a container capabilities.
func adding(set caps.Set, runtime string) []string {
	var names []string
	for c := range set.All() {
		names = append(names, c.AddWord())
	}
	return []string{
		client(runtime) + capAdd(set),
		"Kubernetes: securityContext: {capabilities: {add: [" + strings.Join(names, ", ") + "]}}",
	}
}

// capAdd are options of docker run, each after a space.
func capAdd(set caps.Set) (options string) {
	for c := range set.All() {
		options += " --cap-add=" + c.AddWord()
	}
	return options
}

// byFile says how a user that is not root gets what the runtime gave the container.
func byFile(set caps.Set, from *cred.State, runtime string) []string {
	text := fmt.Sprintf("for a non-root user, --cap-add takes effect only through file capabilities: setcap %s=p capset", set)
	if from.NoNewPrivs.Value {
		return []string{text + "; but no_new_privs is set here, and with it they have no effect: start the container without no-new-privileges"}
	}
	return []string{text, "or start the container as root, and let capset switch users: " + client(runtime) + " --user=0" +
		capAdd(caps.Of(caps.Setuid, caps.Setgid)&^from.Bounding)}
}

// asUser says how the container starts as the user that was asked for.
func asUser(r *plan.Request, from *cred.State, runtime string) []string {
	uid, gid := from.UID.Real, from.GID.Real
	if r.UID.OK {
		uid = r.UID.Value.Over(from.UID).Effective
	}
	if r.GID.OK {
		gid = r.GID.Value.Over(from.GID).Effective
	}
	command := fmt.Sprintf("%s --user=%d:%d", client(runtime), uid, gid)
	pod := fmt.Sprintf("runAsUser: %d, runAsGroup: %d", uid, gid)
	if more := slices.DeleteFunc(slices.Clone(r.Groups.Value), func(g uint32) bool { return g == gid }); len(more) > 0 {
		for _, g := range more {
			command += fmt.Sprintf(" --group-add=%d", g)
		}
		pod += ", supplementalGroups: [" + plan.IDList(more) + "]"
	}
	return []string{"or start the container as that user, and capset without --user:", command, "Kubernetes: securityContext: {" + pod + "}"}
}
