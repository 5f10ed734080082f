package main

import (
	"slices"
	"strings"

	"capsh/internal/ui/exit"
)

// peers are the options of other launchers that capset does not have, and what to use
// instead.
var peers = [...]struct {
	names string // without dashes, separated by spaces
	of    string // the programs that have them
	use   string
}{
	// User and groups.
	{"reuid", "setpriv", "--user=USER, or --ruid=USER --euid=USER --groups=keep for the uid alone"},
	{"regid", "setpriv", "--user=USER:GROUP, or --rgid=GROUP --egid=GROUP --groups=keep for the gid alone"},
	{"clear-groups", "setpriv", "--groups=none"},
	{"keep-groups", "setpriv", "--groups=keep"},
	{"init-groups", "setpriv", "--groups=init"},
	{"uid", "capsh, bwrap or systemd-run", "--user=USER[:GROUP]"},
	{"gid group g", "capsh, sudo or systemd-run", "--user=USER:GROUP, or --user=:GROUP for the gid alone"},
	{"cap-uid", "capsh", "--user=USER[:GROUP] --groups=keep --keep=LIST"},
	{"userspec", "chroot", "--user=USER:GROUP"},
	{"group-add G", "docker", "--groups=init,+GROUP"},
	{"setuid chuid", "start-stop-daemon", "--user=USER"},
	{"login l", "su or sudo", "--reset-env --login-env"},
	{"User DynamicUser", "systemd", "--user=USER[:GROUP]"},
	{"Group", "systemd", "--user=USER:GROUP"},
	{"SupplementaryGroups", "systemd", "--groups=init,+GROUP"},
	// Capabilities.
	{"ambient-caps", "setpriv", "--keep=LIST, for any program; --ambient=LIST for that set alone"},
	{"inh-caps", "setpriv", "--keep=LIST, for any program; --inheritable=LIST for that set alone"},
	{"bounding-set", "setpriv", "--bounding=LIST"},
	{"drop", "capsh", "no option: all capabilities except --keep=LIST are dropped; --from=current --cap-drop=LIST drops only these"},
	{"caps", "capsh", "--keep=LIST, or --permitted=LIST --inheritable=LIST"},
	{"iab", "capsh", "--keep=LIST, or --inheritable=LIST --ambient=LIST --bounding=LIST"},
	{"inh", "capsh", "--inheritable=LIST"},
	{"addamb amb", "capsh", "--keep=LIST, or --ambient=LIST"},
	{"delamb", "capsh", "--ambient=-CAP,-CAP"},
	{"noamb", "capsh", "--ambient=none"},
	{"secbits", "capsh", "--securebits=BITS"},
	{"mode inmode", "capsh", "--lock for PURE1E; without options a command has no capability"},
	{"cap cap-keep capabilities", "another program", "--keep=LIST"},
	{"privileged", "docker", "--from=current, which keeps all capabilities that capset has"},
	{"AmbientCapabilities", "systemd", "--keep=LIST"},
	{"CapabilityBoundingSet", "systemd", "--keep=LIST, or --bounding=LIST"},
	{"SecureBits", "systemd", "--securebits=BITS"},
	{"NoNewPrivileges nnp no-new-privileges", "systemd, setpriv or docker", "no option: it is the default"},
	{"security-opt", "docker", "--apparmor-profile=NAME, --selinux-label=LABEL or --seccomp-filter=FILE; no-new-privileges is the default"},
	// Execution environment.
	{"workdir w cwd working-directory WorkingDirectory D", "docker, systemd or env", "--chdir=DIR"},
	{"root r RootDirectory", "unshare or systemd", "--chroot=DIR"},
	{"ulimit", "docker", "--rlimit=NAME=SOFT[:HARD]"},
	{"nofile nproc core memlock stack", "prlimit", "--rlimit=NAME=SOFT[:HARD]"},
	{"LimitNOFILE LimitNPROC LimitCORE LimitMEMLOCK LimitSTACK", "systemd", "--rlimit=NAME=SOFT[:HARD]"},
	{"setenv E Environment", "bwrap or systemd-run", "--env=NAME=VALUE"},
	{"unsetenv unset", "bwrap or env", "--unset-env=NAME"},
	{"clearenv ignore-environment i", "bwrap or env", "--reset-env"},
	{"die-with-parent kill-child", "bwrap or unshare", "--pdeathsig=KILL"},
	{"exec-label SELinuxContext", "bwrap or systemd", "--selinux-label=LABEL"},
	{"AppArmorProfile", "systemd", "--apparmor-profile=NAME"},
	{"seccomp", "bwrap", "--seccomp-filter=FILE"},
	{"exec", "gosu or su-exec", "-- COMMAND ARGUMENT ..."},
	{"command c shell", "sh, su or capsh", "-- sh -c COMMAND"},
	{"entrypoint", "docker", "-- COMMAND ARGUMENT ..."},
	{"property p", "systemd-run", "an option for each property"},
	// Not a launch, or not by capset.
	{"print current modes dump d", "capsh and setpriv", "capsh --print"},
	{"pid decode explain suggest supports has-p has-i has-a has-b has-ambient is-uid is-gid", "capsh", "capsh itself"},
	{"bind ro-bind dev proc tmpfs unshare-all unshare-user unshare-pid unshare-net unshare-ipc volume mount read-only network", "bwrap, docker or unshare",
		"bwrap ... -- capset ... -- COMMAND: capset creates neither namespaces nor mounts"},
}

// peerOption explains what to use for an option of another program, "" if none has it.
func peerOption(name string) string {
	for i := range peers {
		p := &peers[i]
		if slices.Contains(strings.Fields(p.names), name) {
			return "an option of " + p.of + "; use " + p.use
		}
	}
	return ""
}

// withPeers adds to the error of the first option of another program the answers for
// the others on the command line: who pastes a line of setpriv(1) has many.
func withPeers(err error, args []string) error {
	if err == nil {
		return nil
	}
	if list := peerOptions(args); len(list) > 0 && list[0] == err.Error() {
		return exit.Hint(err, append(list[1:], "see FROM OTHER PROGRAMS in capset(1)")...)
	}
	return err
}

// peerOptions explains all options of other programs before the command. The word after
// an option is its value if another option follows; else it is the command.
func peerOptions(args []string) (list []string) {
	for i := 0; i < len(args) && len(args[i]) > 1 && args[i][0] == '-' && args[i] != "--"; i++ {
		option, _, attached := strings.Cut(args[i], "=")
		name, long := strings.CutPrefix(option, "--")
		if !long {
			option, name = option[:2], option[1:2]
		}
		if why := peerOption(name); why != "" {
			list = append(list, option+": "+why)
		}
		if !attached && i+2 < len(args) && strings.HasPrefix(args[i+2], "-") && !strings.HasPrefix(args[i+1], "-") {
			i++
		}
	}
	return list
}

// asGosu says of a command that was not found what is written for a user, where
// that is what the first word names, as for gosu(1) and su-exec, and for a command
// line in one word.
func (l *launch) asGosu(err error) error {
	user := l.command
	switch {
	case exit.Status(err, 0) != exit.NotFound || strings.Contains(user, "/"):
		return err
	case strings.Contains(user, " "):
		return exit.With(exit.NotFound, exit.Hint(err, "give the command and its arguments as separate words: capset -- "+user))
	case len(l.argv) < 2:
		return err
	}
	if _, specErr := l.accounts().Account(user, 0); specErr != nil {
		return err
	}
	return exit.With(exit.NotFound, exit.Hint(err, "to run "+l.argv[1]+" as "+user+": capset --user="+user+" -- "+strings.Join(l.argv[1:], " ")))
}
