package scripts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"os/exec"
)

// bad are words that must not pass, each with a part of the message that says
// why. None of them may start anything.
var bad = []struct{ args, want string }{
	{"--user=", `--user: the value is empty`},
	{"--user=:", `no group after ":"`},
	{"--user=0:", `no group after ":"`},
	{"--user=root:", `no group after ":"`},
	{"--user=-1", `neither a name nor a number`},
	{"--user=-1:0", `neither a name nor a number`},
	{"--user=+1", `neither a name nor a number`},
	{"--user=+0:0", `neither a name nor a number`},
	{"--user=00", `begins with 0`},
	{"--user=01:1", `begins with 0`},
	{"--user=007", `begins with 0`},
	{"--user= 1", `neither a name nor a number`},
	{"--user=1 ", `neither a name nor a number`},
	{"--user=1\t:1", `neither a name nor a number`},
	{"--user=1\n", `neither a name nor a number`},
	{"--user= ", `neither a name nor a number`},
	{"--user=0x0:0", `no user "0x0"`},
	{"--user=1e3:0", `no user "1e3"`},
	{"--user=0.0:0", `no user "0.0"`},
	{"--user=4294967295:0", `out of range: 0 to 4294967294`},
	{"--user=4294967296:0", `out of range`},
	{"--user=9223372036854775807:0", `out of range`},
	{"--user=18446744073709551616:0", `out of range`},
	{"--user=99999999999999999999999999999999:0", `out of range`},
	{"--user=0:4294967295", `out of range`},
	{"--user=0:4294967296", `out of range`},
	{"--user=0:-1", `neither a name nor a number`},
	{"--user=0:00", `begins with 0`},
	{"--user=0: 0", `neither a name nor a number`},
	{"--user=0:0:0", `neither a name nor a number`},
	{"--user=:0:0", `neither a name nor a number`},
	{"--user=nonesuch", `no user "nonesuch"`},
	{"--user=nonesuch:0", `no user "nonesuch"`},
	{"--user=0:nonesuch", `no group "nonesuch"`},
	{"--user=:nonesuch", `no group "nonesuch"`},
	{"--user=12345678", `its group is unknown`},
	{"--user=0:0 --user=1:1", `--user is given twice`},
	{"-u ", `the value is empty`},
	{"--groups=", `a name is empty`},
	{"--groups=1,", `a name is empty`},
	{"--groups=,1", `a name is empty`},
	{"--groups=1,,2", `a name is empty`},
	{"--groups=1 2", `no group "1 2"`},
	{"--groups=-1", `neither a name nor a number`},
	{"--groups=4294967295", `out of range`},
	{"--groups=01", `begins with 0`},
	{"--groups=init,1", `"1" must be +GROUP after init: init,+1`},
	{"--groups=init,", `"" must be +GROUP after init`},
	{"--groups=init,+", `a name is empty`},
	{"--groups=keep,+1,2", `"2" must be +GROUP after keep`},
	{"--groups=none,+1", `no group "none"`},
	{"--groups=+1", `init,+1 adds it to the user's groups`},
	{"--groups=init,+4294967295", `out of range`},
	{"--ruid=", `a name is empty`},
	{"--euid=-1", `neither a name nor a number`},
	{"--euid=4294967295", `out of range`},
	{"--rgid=4294967295", `out of range`},
	{"--egid=1:1", `neither a name nor a number`},
	{"--ruid=1", `--ruid requires --groups=init, none, keep or a list`},
	{"--euid=1", `--euid requires --groups=init, none, keep or a list`},
	{"--rgid=1", `--rgid requires --groups=init, none, keep or a list`},
	{"--egid=1 --ruid=1", `--egid requires --groups=init, none, keep or a list`},
	{"--keep=", `capability list is empty`},
	{"--keep=,", `item 1 is empty`},
	{"--keep=chown,", `item 2 is empty`},
	{"--keep=chown,,kill", `item 2 is empty`},
	{"--keep=chown kill", `must have commas between names`},
	{"--keep= chown", `is unknown`},
	{"--keep=nonesuch", `is unknown`},
	{"--keep=net_raww", `did you mean cap_net_raw?`},
	{"--keep=64", `out of range`},
	{"--keep=-1", `is unknown`},
	{"--keep=+chown", `is unknown`},
	{"--keep=063", `begins with 0`},
	{"--keep=18446744073709551616", `out of range`},
	{"--keep=none,chown", `"none" must stand alone`},
	{"--keep=chown=ep", `a list has names alone: chown`},
	{"--keep=63", `cannot keep 63: it is not in capset's permitted set`},
	{"--cap-add=", `capability list is empty`},
	{"--cap-drop=nonesuch", `is unknown`},
	{"--bounding=", `capability list is empty`},
	{"--bounding=+", `must be +NAME or -NAME`},
	{"--bounding=+chown,kill", `must be +NAME or -NAME`},
	{"--bounding=chown,+kill", `is unknown`},
	{"--bounding=-all,", `must be +NAME or -NAME`},
	{"--bounding=+nonesuch", `is unknown`},
	{"--bounding=none --bounding=none", `--bounding is given twice`},
	{"--ambient=chown --inheritable=none", `cannot make cap_chown ambient: it is not both permitted and inheritable`},
	{"--from=", `the value is empty`},
	{"--from=nonesuch", `no such file`},
	{"--securebits=", `the value is empty`},
	{"--securebits=noroot,", `unknown securebit`},
	{"--securebits=nonesuch", `unknown securebit`},
	{"--securebits=+noroot,keep_caps", `"keep_caps" in "+noroot,keep_caps" must be +NAME or -NAME, as the first is`},
	{"--securebits=4294967296", `does not fit 32 bits`},
	{"--securebits=1x", `after its digits`},
	{"--umask=", `not an octal number`},
	{"--umask=8", `not an octal number`},
	{"--umask=-1", `not an octal number`},
	{"--umask=1777", `not an octal number`},
	{"--rlimit=nofile", `not of the form`},
	{"--rlimit=nofile=", `a limit is a number`},
	{"--rlimit=nofile=1:", `a limit is a number`},
	{"--rlimit=nofile=1 --rlimit=RLIMIT_NOFILE=1", `nofile is given twice`},
	{"--rlimit=nofile=2:1", `the soft limit is above the hard one`},
	{"--rlimit=nonesuch=1", `no limit is called "nonesuch"`},
	{"--rlimit=nofile=18446744073709551616", `a limit is a number`},
	{"--env=A", `not of the form NAME=VALUE`},
	{"--env==b", `not the name of a variable`},
	{"--unset-env=", `not the name of a variable`},
	{"--unset-env=A=b", `not the name of a variable`},
	{"--chdir=", `the value is empty`},
	{"--chroot=", `the value is empty`},
	{"--pdeathsig=", `no signal is called ""`},
	{"--pdeathsig=0", `no signal is called "0"`},
	{"--pdeathsig=65", `no signal is called "65"`},
	{"--pdeathsig=nonesuch", `no signal is called "nonesuch"`},
	{"--ptracer=0", `not a process id`},
	{"--ptracer=-1", `not a process id`},
	{"--ignore-signal=", `no signal is called ""`},
	{"--ignore-signal=KILL", `nothing can be set for KILL`},
	{"--block-signal=TERM,", `no signal is called ""`},
	{"--block-signal=RTMIN+31", `no signal is called`},
	{"--default-signal=RTMAX+1", `no signal is called`},
	{"--dry-run --json --format=text", `--format: contradicts --format=json`},
	{"--dry-run --format=text --json", `--json: contradicts --format=text`},
	{"--version", `--version does not start a command`},
	{"--list-caps", `--list-caps does not start a command`},
	{"--ignore-signal=INT --default-signal=INT", `--ignore-signal and --default-signal both name INT`},
	{"--default-signal=HUP,2,TERM --ignore-signal=SIGINT --ignore-signal=HUP", `both name HUP, INT`},
	{"--default-signal --ignore-signal=RTMIN+1", `both name RTMIN+1`},
	{"--landlock-access=ip", `not of the form fs`},
	{"--landlock-access=", `not of the form fs`},
	{"--landlock-access=net:execute", `execute is a right of fs, not of net: fs:execute`},
	{"--landlock-access=fs:exceute", `did you mean execute?`},
	{"--landlock-access=net:bind-tcp --landlock-rule=net-port:bind-tcp:65536", `"65536" is not a port from 0 to 65535`},
	{"--landlock-access=net:bind-tcp --landlock-rule=net-port:connect-tcp:1", `--landlock-rule for port 1: no --landlock-access denies connect-tcp`},
	{"--landlock-access=fs --landlock-rule=net-port::1", `it needs a --landlock-access=net`},
	{"--landlock-access=scope --landlock-rule=path-beneath::/", `it needs a --landlock-access=fs`},
	{"--list-landlock", `--list-landlock does not start a command`},
	{"--landlock-access=scope --landlock-rule=signal:1", `not of the form path-beneath`},
	{"--landlock-access=fs --landlock-rule=path-beneath:execute", `not of the form path-beneath`},
	{"--landlock-access=fs --landlock-rule=path-beneath:execute:", `not of the form path-beneath`},
	{"--seccomp-filter=", `the value is empty`},
	{"--apparmor-profile=", `the value is empty`},
	{"--nonesuch", `unknown option "--nonesuch"`},
	{"--kep=chown", `did you mean --keep?`},
	{"--from=docker --from=docker", `--from is given twice`},
	{"--chdir=/ --chdir=/", `--chdir is given twice`},
	{"--chroot=/ --chroot=/", `--chroot is given twice`},
	{"--umask=022 --umask=022", `--umask is given twice`},
	{"--pdeathsig=TERM --pdeathsig=clear", `--pdeathsig is given twice`},
	{"--ptracer=none --ptracer=any", `--ptracer is given twice`},
	{"--apparmor-profile=a --apparmor-profile=a", `--apparmor-profile is given twice`},
	{"--selinux-label=a --selinux-label=a", `--selinux-label is given twice`},
	{"--seccomp-filter=a --seccomp-filter=a", `--seccomp-filter is given twice`},
	{"--groups=none --groups=none", `--groups is given twice`},
	{"--securebits=none --securebits=none", `--securebits is given twice`},
	{"--argv0=a --argv0=a", `--argv0 is given twice`},
	{"--ruid=1 --egid=1 --ruid=1 --groups=none", `--ruid is given twice`},
	{"--rlimit=core=0 --rlimit=nofile=9 --rlimit=core=1", `core is given twice`},
	{"--lock=yes", `--lock takes no value`},
	{"--lock=no", `--lock takes no value`},
	{"--lock=", `--lock takes no value`},
	{"-q=no", `--quiet takes no value`},
	{"-k=", `-k needs a value`},
	{"-test.v", `unknown option "-t"`},
	{"-qtest.run=x", `unknown option "-t"`},
	{"--help=some", `must be one of all`},
	{"--format=yaml", `must be one of text, json`},
	{"--rlimit", `not of the form`}, // takes the --
	{"-z", `unknown option "-z"`},
	{"--json", `--json requires --dry-run`},
	{"--format=json", `--json requires --dry-run`},
	{"--format=text", `--format requires --dry-run`},
}

// TestBad: every one is an error of one line with exit status 125, in a dry run
// too, and the command has not run.
func TestBad(t *testing.T) {
	testenv.Root(t)
	capset := testenv.Build(t, "capset")
	witness := filepath.Join(t.TempDir(), "started")
	for _, c := range bad {
		for _, dry := range []string{"", "--dry-run"} {
			args := splitOptions(c.args)
			if dry != "" {
				args = append([]string{dry}, args...)
			}
			if dry != "" && strings.Contains(c.want, " requires --dry-run") {
				continue
			}
			got := testenv.Run(t, exec.Command(capset, append(args, "--", "/bin/touch", witness)...))
			_, err := os.Stat(witness)
			if got.Code != 125 || got.Out != "" || err == nil || strings.Count(got.Err, "\n") != 1 ||
				!strings.HasPrefix(got.Err, "capset: ") || !strings.Contains(got.Err, c.want) {
				t.Errorf("%q: status %d, started: %v, %q, want %q", args, got.Code, err == nil, got.Err, c.want)
			}
			os.Remove(witness)
		}
	}
}

// splitOptions cuts before each " --" and after "-u ": values have blanks.
func splitOptions(text string) []string {
	if value, ok := strings.CutPrefix(text, "-u "); ok {
		return []string{"-u", value}
	}
	first, rest, more := strings.Cut(text, " --")
	list := []string{first}
	if more {
		list = append(list, splitOptions("--"+rest)...)
	}
	return list
}
