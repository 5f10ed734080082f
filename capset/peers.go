package main

import (
	"slices"
	"strings"

	"capsh/internal/ui/exit"
)

// peers are the options of other launchers that capset does not have, and what is
// written here instead.
var peers = [...]struct {
	names string // without dashes, with blanks between
	of    string // whose they are
	here  string
}{
	// Who to be.
	{"reuid", "setpriv's", "--user=USER, or --ruid=USER --euid=USER for the uid alone"},
	{"regid", "setpriv's", "--user=USER:GROUP, or --rgid=GROUP --egid=GROUP for the gid alone"},
	{"clear-groups", "setpriv's", "--groups=none"},
	{"keep-groups", "setpriv's", "--groups=keep"},
	{"init-groups", "setpriv's", "--groups=init"},
	{"uid", "capsh's, bwrap's or systemd-run's", "--user=USER[:GROUP]"},
	{"gid group g", "capsh's, sudo's or systemd-run's", "--user=USER:GROUP, or --user=:GROUP for the gid alone"},
	{"cap-uid", "capsh's", "--user=USER[:GROUP] --groups=keep --keep=LIST"},
	{"userspec", "chroot's", "--user=USER:GROUP"},
	{"group-add G", "docker's", "--groups=init,+GROUP"},
	{"setuid chuid", "start-stop-daemon's", "--user=USER"},
	{"login l", "su's or sudo's", "--reset-env --login-env"},
	{"User DynamicUser", "systemd's", "--user=USER[:GROUP]"},
	{"Group", "systemd's", "--user=USER:GROUP"},
	{"SupplementaryGroups", "systemd's", "--groups=init,+GROUP"},
	// What to keep.
	{"ambient-caps", "setpriv's", "--keep=LIST, for any program; --ambient=LIST for that set alone"},
	{"inh-caps", "setpriv's", "--keep=LIST, for any program; --inheritable=LIST for that set alone"},
	{"bounding-set", "setpriv's", "--bounding=LIST"},
	{"drop", "capsh's", "nothing: all is dropped but for --keep=LIST; --from=current --cap-drop=LIST drops only these"},
	{"caps", "capsh's", "--keep=LIST, or --permitted=LIST --inheritable=LIST"},
	{"iab", "capsh's", "--keep=LIST, or --inheritable=LIST --ambient=LIST --bounding=LIST"},
	{"inh", "capsh's", "--inheritable=LIST"},
	{"addamb amb", "capsh's", "--keep=LIST, or --ambient=LIST"},
	{"delamb", "capsh's", "--ambient=-CAP,-CAP"},
	{"noamb", "capsh's", "--ambient=none"},
	{"secbits", "capsh's", "--securebits=BITS"},
	{"mode inmode", "capsh's", "--lock for PURE1E; without options a command has no capability"},
	{"cap cap-keep capabilities", "another program's", "--keep=LIST"},
	{"privileged", "docker's", "--from=current, which keeps all that capset has"},
	{"AmbientCapabilities", "systemd's", "--keep=LIST"},
	{"CapabilityBoundingSet", "systemd's", "--keep=LIST, or --bounding=LIST"},
	{"SecureBits", "systemd's", "--securebits=BITS"},
	{"NoNewPrivileges nnp", "systemd's or setpriv's", "nothing: it is the default"},
	{"security-opt", "docker's", "nothing for no-new-privileges, the default; --apparmor-profile=NAME, --selinux-label=LABEL, --seccomp-filter=FILE"},
	// Where and how.
	{"workdir w cwd working-directory WorkingDirectory D", "docker's, systemd's or env's", "--chdir=DIR"},
	{"root r RootDirectory", "unshare's or systemd's", "--chroot=DIR"},
	{"ulimit", "docker's", "--rlimit=NAME=SOFT[:HARD]"},
	{"nofile nproc core memlock stack", "prlimit's", "--rlimit=NAME=SOFT[:HARD]"},
	{"LimitNOFILE LimitNPROC LimitCORE LimitMEMLOCK LimitSTACK", "systemd's", "--rlimit=NAME=SOFT[:HARD]"},
	{"setenv E Environment", "bwrap's or systemd-run's", "--env=NAME=VALUE"},
	{"unsetenv unset", "bwrap's or env's", "--unset-env=NAME"},
	{"clearenv ignore-environment i", "bwrap's or env's", "--reset-env"},
	{"die-with-parent kill-child", "bwrap's or unshare's", "--pdeathsig=KILL"},
	{"exec-label SELinuxContext", "bwrap's or systemd's", "--selinux-label=LABEL"},
	{"AppArmorProfile", "systemd's", "--apparmor-profile=NAME"},
	{"seccomp", "bwrap's", "--seccomp-filter=FILE"},
	{"exec", "gosu's or su-exec's", "-- COMMAND ARGUMENT ..."},
	{"command c shell", "sh's, su's or capsh's", "-- sh -c COMMAND"},
	{"entrypoint", "docker's", "-- COMMAND ARGUMENT ..."},
	{"property p", "systemd-run's", "an option for each property, see capset(1), FROM OTHER PROGRAMS"},
	// What is not a launch, or not capset's.
	{"print current modes dump d", "capsh's and setpriv's", "capsh --print"},
	{"decode explain suggest supports has-p has-i has-a has-b has-ambient is-uid is-gid", "capsh's", "capsh itself"},
	{"bind ro-bind dev proc tmpfs unshare-all unshare-user unshare-pid unshare-net unshare-ipc volume v mount", "bwrap's, docker's or unshare's",
		"nothing: capset makes no namespaces and mounts; run it inside: bwrap ... -- capset ... -- COMMAND"},
}

// peerOption says what is written here for an option of theirs, "" for one that
// none of them has.
func peerOption(name string) string {
	for i := range peers {
		p := &peers[i]
		if slices.Contains(strings.Fields(p.names), name) {
			return "that is " + p.of + "; here: " + p.here
		}
	}
	return ""
}

// asGosu says of a command that was not found what is written for a user, where
// that is what the first word names, as for gosu(1) and su-exec.
func (l *launch) asGosu(err error) error {
	user := l.command
	if exit.Status(err, 0) != exit.NotFound || len(l.argv) < 2 || strings.Contains(user, "/") {
		return err
	}
	if _, specErr := l.accounts().Account(user, 0); specErr != nil {
		return err
	}
	return exit.With(exit.NotFound, exit.Hint(err, "to run "+l.argv[1]+" as "+user+": capset --user="+user+" -- "+strings.Join(l.argv[1:], " ")))
}
