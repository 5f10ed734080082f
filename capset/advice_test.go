package main

import (
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

func TestWays(t *testing.T) {
	host := container.Identity{Contained: cred.Is(false)}
	in := func(runtime string) container.Identity {
		return container.Identity{Contained: cred.Is(true), Container: container.Container{Runtime: runtime}}
	}
	ids := caps.Of(caps.Setuid, caps.Setgid)
	root := cred.State{Sets: cred.Sets{Bounding: caps.NetRaw.Set()}}
	user := root
	user.UID, user.GID = cred.Same(7), cred.Same(7)
	private := user
	private.NoNewPrivs = cred.Is(true)
	as := plan.Request{UID: cred.Is(cred.Same(1000)), GID: cred.Is(cred.Same(1001))}
	keeps := as
	keeps.Keep = caps.NetRaw.Set()
	for name, c := range map[string]struct {
		lacking plan.Lacking
		from    cred.State
		request plan.Request
		where   container.Identity
		want    string
	}{
		"root of the host": {plan.Lacking{Steps: ids}, root, as, host, ""},
		"user of the host": {plan.Lacking{Steps: ids}, user, as, host, "start it as root, for example with sudo"},
		"and no_new_privs there": {plan.Lacking{Steps: ids}, private, as, host,
			"start it as root, from a process without no_new_privs, which makes sudo and capset's file capabilities ineffective"},
		"a user namespace": {plan.Lacking{Steps: ids}, user, as, in(""), ""},
		"root in docker": {plan.Lacking{Steps: ids}, root, as, in(catalog.Docker),
			"docker run --cap-add=SETGID --cap-add=SETUID\nKubernetes: securityContext: {capabilities: {add: [SETGID, SETUID]}}\n" +
				"or start the container as that user, and capset without --user:\ndocker run --user=1000:1001\n" +
				"Kubernetes: securityContext: {runAsUser: 1000, runAsGroup: 1001}"},
		"it keeps something": {plan.Lacking{Steps: caps.Setuid.Set(), Keep: caps.Chown.Set()}, root, keeps, in(catalog.Podman),
			"podman run --cap-add=CHOWN --cap-add=SETUID\nKubernetes: securityContext: {capabilities: {add: [CHOWN, SETUID]}}"},
		"no /proc": {plan.Lacking{Steps: caps.SysChroot.Set()}, root, as, container.Identity{},
			"docker run --cap-add=SYS_CHROOT\nKubernetes: securityContext: {capabilities: {add: [SYS_CHROOT]}}"},
		"a user has it in the bounding set": {plan.Lacking{Keep: caps.NetRaw.Set()}, user, keeps, in(catalog.Docker),
			"for a non-root user, --cap-add takes effect only through file capabilities: setcap cap_net_raw=p capset\n" +
				"or start the container as root, and let capset switch users: docker run --user=0 --cap-add=SETGID --cap-add=SETUID"},
		"and no_new_privs": {plan.Lacking{Keep: caps.NetRaw.Set()}, private, keeps, in(catalog.Docker),
			"for a non-root user, --cap-add takes effect only through file capabilities: setcap cap_net_raw=p capset; " +
				"but no_new_privs is set here, and with it they have no effect: start the container without no-new-privileges"},
		"podman makes it ambient": {plan.Lacking{Keep: caps.Of(caps.Chown, caps.NetRaw)}, user, keeps, in(catalog.Podman),
			"podman run --cap-add=CHOWN --cap-add=NET_RAW\nKubernetes: securityContext: {capabilities: {add: [CHOWN, NET_RAW]}}"},
	} {
		if got := strings.Join(ways(&c.lacking, &c.from, &c.request, c.where), "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
