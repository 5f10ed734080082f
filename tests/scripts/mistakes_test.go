package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// mistakes are what people type who know another program, or who slip, each with
// the part of the message that leads to the right command.
var mistakes = []struct {
	args []string
	want string
}{
	// setpriv
	{[]string{"--reuid=1000", "id"}, "--reuid: an option of setpriv; use --user=USER, or --ruid=USER --euid=USER --groups=keep for the uid alone\n  see FROM OTHER PROGRAMS in capset(1)\n"},
	{[]string{"--regid", "1000", "id"}, "--user=USER:GROUP"},
	{[]string{"--clear-groups", "id"}, "use --groups=none"},
	{[]string{"--init-groups", "id"}, "use --groups=init"},
	{[]string{"--inh-caps=-all", "id"}, "use --keep=LIST"},
	{[]string{"--ambient-caps=+net_raw", "id"}, "use --keep=LIST"},
	{[]string{"--bounding-set=-all", "id"}, "use --bounding=LIST"},
	{[]string{"--dump"}, "capsh --print"},
	{[]string{"--regid", "1", "--reuid=1", "-n", "--init-groups", "--", "id", "--drop=all"},
		"capset: --regid: an option of setpriv; use --user=USER:GROUP, or --rgid=GROUP --egid=GROUP --groups=keep for the gid alone\n" +
			"  --reuid: an option of setpriv; use --user=USER, or --ruid=USER --euid=USER --groups=keep for the uid alone\n" +
			"  --init-groups: an option of setpriv; use --groups=init\n  see FROM OTHER PROGRAMS in capset(1)\n"},
	// gosu, su-exec, su, sudo, chroot
	{[]string{"nobody", "id"}, "to run id as nobody: capset --user=nobody -- id"},
	{[]string{"nobody:nogroup", "sh", "-c", "id"}, "capset --user=nobody:nogroup -- sh -c id"},
	{[]string{"1000:1000", "id"}, "capset --user=1000:1000 -- id"},
	{[]string{"-c", "id"}, "use -- sh -c COMMAND"},
	{[]string{"--userspec=1:1", "id"}, "use --user=USER:GROUP"},
	// capsh
	{[]string{"--drop=all", "--", "-c", "id"}, "all capabilities except --keep=LIST are dropped"},
	{[]string{"--addamb=cap_net_raw", "id"}, "use --keep=LIST"},
	{[]string{"--uid=1000", "id"}, "use --user=USER[:GROUP]"},
	{[]string{"--print"}, "capsh --print"},
	{[]string{"--keep=1", "id"}, "capsh's --keep=1 is the securebit keep_caps"},
	{[]string{"--keep=cap_net_raw+ep", "id"}, "names alone: cap_net_raw"},
	// docker
	{[]string{"--privileged", "id"}, "use --from=current"},
	{[]string{"--no-new-privileges", "id"}, "it is the default"},
	{[]string{"--group-add=audio", "id"}, "use --groups=init,+GROUP"},
	{[]string{"-w", "/", "id"}, "use --chdir=DIR"},
	{[]string{"--ulimit=nofile=1:1", "id"}, "use --rlimit=NAME=SOFT[:HARD]"},
	{[]string{"--cap-add=NET_RAW", "--cap-drop=ALL", "id"}, "put --cap-drop first"},
	// systemd, bwrap
	{[]string{"--AmbientCapabilities=CAP_NET_RAW", "id"}, "use --keep=LIST"},
	{[]string{"--working-directory=/", "id"}, "use --chdir=DIR"},
	{[]string{"--setenv", "A", "b", "id"}, "use --env=NAME=VALUE"},
	{[]string{"--die-with-parent", "id"}, "use --pdeathsig=KILL"},
	{[]string{"--ro-bind", "/", "/", "id"}, "capset creates neither namespaces nor mounts"},
	// Slips, and what is nearly right.
	{[]string{"--usr=nobody", "id"}, "did you mean --user?"},
	{[]string{"--grups=none", "id"}, "did you mean --groups?"},
	{[]string{"--groups=+audio", "id"}, "init,+audio adds it to the user's groups"},
	{[]string{"--groups=init,audio", "id"}, "must be +GROUP after init: init,+audio"},
	{[]string{"--keep=net_rwa", "id"}, "did you mean cap_net_raw?"},
	{[]string{"--keep=net_raw chown", "id"}, "must have commas between names"},
	{[]string{"--user=1234567", "id"}, "write 1234567:GID"},
	{[]string{"--user=nobody"}, "no command to run; "},
	{[]string{"--user=nobody", "--cap-add", "id"}, `no command to run ("id" is the value of --cap-add)`},
	{[]string{"--user=nobody", "id -u"}, "as separate words: capset -- id -u"},
	{[]string{"--pid=1", "id"}, "use capsh itself"},
	{[]string{"--read-only", "id"}, "neither namespaces nor mounts"},
	{[]string{"--cap-add=", "id"}, "capability list is empty"},
	{[]string{"--json", "id"}, "--json requires --dry-run"},
	{[]string{"--no-new-privs", "--allow-new-privs", "id"}, "contradict each other"},
}

// TestMistakes: each starts nothing and is answered with what to type.
func TestMistakes(t *testing.T) {
	testenv.Root(t)
	capset := testenv.Build(t, "capset")
	witness := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(witness, []byte("#!/bin/sh\necho started\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range mistakes {
		cmd := exec.Command(capset, c.args...)
		cmd.Env = []string{"PATH=" + filepath.Dir(witness) + ":/usr/bin:/bin"}
		got := testenv.Run(t, cmd)
		if got.Code != 125 && got.Code != 127 || got.Out != "" || !strings.HasPrefix(got.Err, "capset: ") || !strings.Contains(got.Err, c.want) {
			t.Errorf("%q: status %d, %q, %q, want %q", c.args, got.Code, got.Out, got.Err, c.want)
		}
	}
}

// TestSlips: no option of another program is corrected to one that does something
// else. What each peer's option does, its own manual says.
func TestSlips(t *testing.T) {
	capset := testenv.Build(t, "capset")
	for _, option := range []string{"reuid", "regid", "uid", "gid", "guid", "fuid", "cap", "caps", "drop", "secbits", "root", "setuid", "unset", "mode", "group"} {
		if got := testenv.Run(t, exec.Command(capset, "--"+option+"=0", "true")); got.Code != 125 || strings.Contains(got.Err, "did you mean") {
			t.Errorf("--%s: status %d, %q", option, got.Code, got.Err)
		}
	}
}
