package scripts

import (
	"os/exec"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// capshMistakes are what people type who know another program, or who slip, each with the
// exit status and the part of the message that leads to the right command.
var capshMistakes = []struct {
	args   []string
	status int
	want   string
}{
	// libcap's options.
	{[]string{"--has-p=net_raw"}, 1, "did you mean cap_net_raw?"},
	{[]string{"--drop", "cap_chown", "--print"}, 1, "--drop=cap_chown"},
	{[]string{"--print", "--pid", "1"}, 2, "--pid=1"},
	{[]string{"-p", "1"}, 1, "--pid=PID"},
	{[]string{"--ambient=cap_chown"}, 1, "--addamb=LIST"},
	{[]string{"--privileged"}, 1, "capsh assess"},
	{[]string{"expect", "eff=0"}, 2, `the empty set is "none"`},
	{[]string{"--verson"}, 1, "did you mean --version?"},
	{[]string{"--verson", "--format=xx"}, 1, "did you mean --version?"},
	{[]string{"--user", "bob", "--pid=1"}, 1, "--user=bob"},
	{[]string{"--pid=1", "--user", "bob"}, 1, "--user=bob"},
	{[]string{"--caps=chown,"}, 1, "did you mean cap_chown?"},
	{[]string{"--caps=cap_chown,"}, 1, "a capability is missing here"},
	{[]string{"--json=yes"}, 2, "--json takes no value"},
	{[]string{"--caps=net_raw+ep"}, 1, "did you mean cap_net_raw?"},
	{[]string{"--iab=^net_raw"}, 1, "did you mean cap_net_raw?"},
	{[]string{"--keep=net_raw", "--", "-c", "id"}, 1, "capset --keep=net_raw -- COMMAND"},
	{[]string{"--print", "id"}, 1, "capset -- COMMAND"},
	{[]string{"--cap-drop=ALL", "--", "-c", "id"}, 1, "capset --user=USER --keep=LIST -- COMMAND"},
	{[]string{"--dump"}, 1, "--print"},
	{[]string{"--inh=cap_chown,"}, 1, `capability list "cap_chown,", byte 10: a capability is missing here`},
	{[]string{"--inh=cap_chown cap_kill"}, 1, "a comma must stand here"},
	{[]string{"--caps=", "--addamb=cap_chown"}, 1, "must be permitted and inheritable"},
	{[]string{"--caps=", "--caps=cap_chown=p"}, 1, "cap_chown: permitted can only shrink"},
	{[]string{"--pid=self", "--print"}, 2, "without a PID it is capsh itself"},
	{[]string{"--pid=all", "--print"}, 2, "capsh ps --all"},
	// Commands.
	{[]string{"print"}, 2, "did you mean --print?"},
	{[]string{"decode=a80425fb"}, 2, "did you mean --decode=a80425fb?"},
	{[]string{"1"}, 2, "did you mean capsh show 1?"},
	{[]string{"nginx"}, 2, "capsh ps nginx"},
	{[]string{"asess"}, 2, "did you mean assess?"},
	{[]string{"getpcaps", "1"}, 2, "did you mean show?"},
	{[]string{"getcap", "/bin/ping"}, 2, "did you mean file?"},
	{[]string{"exec", "id"}, 2, "capset"},
	{[]string{"diff", "1", "2"}, 2, "show PID PID"},
	{[]string{"containers"}, 2, "did you mean assess --all-containers?"},
	// Their operands and options.
	{[]string{"show", "nginx"}, 2, "capsh ps NAME"},
	{[]string{"show", "self"}, 2, "without a PID it is capsh itself"},
	{[]string{"show", "$$"}, 2, "not in single quotes"},
	{[]string{"show", "--all"}, 2, "capsh ps --all"},
	{[]string{"show", "--container=web"}, 2, "capsh ps --all --container="},
	{[]string{"assess", "web"}, 2, "capsh ps --all --container=NAME"},
	{[]string{"assess", "--format=k8s"}, 2, "must be one of text, json, docker, compose, kubernetes"},
	{[]string{"assess", "--need=net_raw"}, 2, "--format=docker"},
	{[]string{"assess", "--all-container"}, 2, "did you mean --all-containers?"},
	{[]string{"ps", "-ef"}, 2, "--all"},
	{[]string{"ps", "aux"}, 1, "capsh ps --all"},
	{[]string{"ps", "-o", "pid,args"}, 2, "did you mean command?"},
	{[]string{"ps", "--container=no-such"}, 1, "--columns=pid,container"},
	{[]string{"file", "--set=net_raw+ep", "/nowhere"}, 2, "did you mean cap_net_raw?"},
	{[]string{"file", "/usr"}, 1, "-r looks in it"},
	{[]string{"file", "-R", "/usr"}, 2, "-r"},
	{[]string{"expect", "--pid=all", "nnp"}, 2, "those with a capability: capsh ps --cap=LIST"},
	{[]string{"expect", "--pid=12 13", "nnp"}, 2, "commas"},
	{[]string{"expect", "--pid=nginx", "nnp"}, 2, `by name: "$(pgrep -d, -x NAME)"`},
	{[]string{"expect", "--all", "nnp"}, 2, "capsh ps --all"},
	{[]string{"expect", "eff == none"}, 2, "did you mean 'eff=none'?"},
	{[]string{"expect", "eff = net_raw"}, 2, "did you mean 'eff=net_raw'?"},
	{[]string{"expect", "uid==0"}, 2, "did you mean 'uid=0'?"},
	{[]string{"expect", "bnd=<docker"}, 2, "did you mean 'bnd<=docker'?"},
	{[]string{"expect", "!eff=none"}, 2, `unknown subject "", did you mean 'eff!=none'?`},
	{[]string{"expect", "eff: none"}, 2, `did you mean 'eff=none'?`},
	{[]string{"expect", "bnd=full"}, 2, "did you mean 'bnd=all'?"},
	{[]string{"expect", "bnd<=docker-default"}, 2, "did you mean 'bnd<=docker'?"},
	{[]string{"expect", "amb=empty"}, 2, "did you mean 'amb=none'?"},
	{[]string{"predict", "--keep=net_raw", "id"}, 2, "capset --dry-run"},
	{[]string{"tree", "-ef"}, 2, "--all"},
	{[]string{"tree", "--threads"}, 2, "always"},
	{[]string{"ps", "-U", "root"}, 2, "-u USER"},
	{[]string{"expect", "CapEff=none"}, 2, "did you mean eff?"},
	{[]string{"expect", "cap_net_raw"}, 2, "did you mean 'eff>=cap_net_raw'?"},
	{[]string{"expect", "no_new_privs"}, 2, "did you mean nnp?"},
	{[]string{"expect", "eff=cap_net_raw+ep"}, 2, "names alone: cap_net_raw"},
	{[]string{"explain", "sys_adm"}, 2, "did you mean cap_sys_admin?"},
	{[]string{"explain", "ptrac"}, 2, "cap_sys_ptrace"},
	{[]string{"explain", "0x3fff"}, 2, "capsh --decode=0x3fff"},
	{[]string{"explain", "00000000a80425fb"}, 2, "capsh --decode=00000000a80425fb"},
	{[]string{"explain", "zzz"}, 2, "capsh explain lists all"},
	{[]string{"explain", "mount"}, 2, "capsh --suggest=mount"},
	{[]string{"completion", "tcsh"}, 2, "must be one of bash, zsh, fish"},
}

// TestCapshMistakes: each is answered with what to type, on at most three lines.
func TestCapshMistakes(t *testing.T) {
	capsh := testenv.Build(t, "capsh")
	for _, c := range capshMistakes {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			got := testenv.Run(t, exec.Command(capsh, c.args...))
			if got.Code != c.status || !strings.HasPrefix(got.Err, "capsh: ") || !strings.Contains(got.Err, c.want) || strings.Count(got.Err, "\n") > 3 {
				t.Errorf("status %d, %q, want %d, %q", got.Code, got.Err, c.status, c.want)
			}
		})
	}
}
