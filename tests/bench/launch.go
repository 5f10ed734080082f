package main

import (
	"os"
	"os/exec"
	"path/filepath"

	"capsh/internal/linux/self"
	"capsh/internal/rules/caps"
)

// launchers is capset beside a Go program that only execs, and beside its peers.
// All start the same tiny program; those that can, as the same user with the
// same one capability. It needs root.
func launchers(bin, scratch string) (group, error) {
	floor, err := build(scratch, "exec")
	if err != nil {
		return group{}, err
	}
	naive, err := build(scratch, "naivelaunch")
	if err != nil {
		return group{}, err
	}
	target, err := tiny(scratch)
	if err != nil {
		return group{}, err
	}
	if err := os.Chmod(scratch, 0o755); err != nil { // for the user that the target runs as
		return group{}, err
	}
	kernel, err := self.ReadKernel()
	if err != nil {
		return group{}, err
	}
	others := (kernel.All() &^ caps.NetBindService.Set()).String()
	capset := filepath.Join(bin, "capset")
	to := func(line ...string) []string { return append(line, target) }
	return group{
		title:    "capset; the goal with a user is 1.25, 0.6 times the naive launcher, and below setpriv",
		baseline: row{name: "Go program that execs", argv: to(floor)},
		rows: []row{
			{name: "capset --user --keep", argv: to(capset, "-q", "--user=65534:65534", "--keep=net_bind_service", "--")},
			{name: "capset --user=nobody", argv: to(capset, "-q", "--user=nobody", "--keep=net_bind_service", "--")},
			{name: "capset", argv: to(capset, "-q", "--")},
			{name: "with pflag and cap, the same", argv: to(naive, "--uid=65534")},
			{name: "setpriv, the same", argv: to("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
				"--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service",
				"--bounding-set=-all,+net_bind_service", "--no-new-privs")},
			{name: "libcap capsh, the same", argv: []string{"/usr/sbin/capsh", "--drop=" + others, "--keep=1", "--groups=65534",
				"--gid=65534", "--uid=65534", "--inh=cap_net_bind_service", "--addamb=cap_net_bind_service",
				"--no-new-privs", "--shell=" + target, "--"}},
			{name: "gosu, user only", argv: to(installed("gosu"), "65534:65534")},
			{name: "su-exec, user only", argv: to(installed("su-exec"), "65534:65534")},
			{name: "chpst, user only", argv: to(installed("chpst"), "-u", ":65534:65534")},
		},
	}, nil
}

// tiny makes the program to start: in C without a C library, or the empty Go
// program where that cannot be had.
func tiny(scratch string) (string, error) {
	path := filepath.Join(scratch, "target")
	cmd := exec.Command("gcc", "-O1", "-static", "-nostdlib", "-o", path, "tests/bench/testdata/target.c")
	if cmd.Run() == nil {
		return path, nil
	}
	return build(scratch, "empty")
}

// installed is the path of a program, or its name where there is none.
func installed(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return name
	}
	return path
}
