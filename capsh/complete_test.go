package main

import (
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"capsh/internal/testenv"
	"capsh/internal/ui/flags"
)

func TestOptionsIn(t *testing.T) {
	got := optionsIn("usage: x [-a|--at] [--] [--json] --from=none|FILE[:X] --rest,\n--signal[=NR,...] --at=2 a--b\n---\n-e, --end0=1 -q, x --rest -j, --json")
	want := []optionWord{{"--json", "", 'j'}, {"--from", "none|FILE[:X", 0}, {"--rest", "", 0}, {"--signal", "", 0}, {"--at", "2", 0}, {"--end0", "1", 'e'}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestCapsetOptions: what is offered for capset is what capset --help has.
func TestCapsetOptions(t *testing.T) {
	defer testenv.CleanBuilt()
	help, err := exec.Command(testenv.Build(t, "capset"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := capsetOptions(), optionsIn(string(help)); !slices.Equal(got, want) {
		t.Errorf("offered: %q\ncapset --help: %q", got, want)
	}
}

// TestOfferedValues: capset takes each limit, signal and right that is offered, and
// there are no limits but these.
func TestOfferedValues(t *testing.T) {
	defer testenv.CleanBuilt()
	capset := testenv.Build(t, "capset")
	const rlimNLimits = 16 // RLIM_NLIMITS, include/uapi/asm-generic/resource.h
	if len(limits) != rlimNLimits {
		t.Errorf("%d limits", len(limits))
	}
	for option, end := range map[string]string{"--rlimit=": "0", "--pdeathsig=": "", "--ignore-signal=": "", "--landlock-access=fs:": ""} {
		for _, word := range complete(flags.SplitLine("capset " + option)) {
			cmd := exec.Command(capset, "--dry-run", "--best-effort", word+end, "--", "/bin/true")
			if r := testenv.Run(t, cmd); strings.Contains(r.Err, " is called ") || strings.Contains(r.Err, "nothing can be set") {
				t.Errorf("%s: %s", word, r.Err)
			}
		}
	}
}

// TestComplete: the last word of a line becomes what it should.
func TestComplete(t *testing.T) {
	for _, test := range []struct {
		line string
		want string // with blanks between; a * at the end: these among others
	}{
		{"capsh expl", "explain"},
		{"capsh --expl", "--explain="},
		{"/usr/bin/capsh --pr", "--print --proc="},
		{"capsh --print expl", ""},
		{"capsh --drop=cap_chow", "--drop=cap_chown"},
		{"capsh --drop=cap_chown,cap_kil", "--drop=cap_chown,cap_kill"},
		{"capsh --drop=cap_kill,cap_kil", ""},
		{"capsh --format=", "--format=text --format=json"},
		{"capsh --mode=PURE", "--mode=PURE1E_INIT --mode=PURE1E"},
		{"capsh --uid=", ""},
		{"capsh --keep=", "--keep=0 --keep=1"},
		{"capsh explain cap_net_r", "cap_net_raw"},
		{"capsh explain net_r", "net_raw"},
		{"capsh explain chown,sys_adm", "chown,sys_admin"},
		{"capsh ps --cap=net_b", "--cap=net_bind_service --cap=net_broadcast"},
		{"capsh ps --cap=net_raw,cap_net_b", "--cap=net_raw,cap_net_bind_service --cap=net_raw,cap_net_broadcast"},
		{"capsh --drop=net_b", ""},
		{"capsh ps --sort=", "--sort=pid --sort=user --sort=name --sort=container --sort=caps"},
		{"capsh ps --container=cr", "--container=cri-o"},
		{"capsh ps --format=", "--format=text --format=json"},
		{"capsh ps --color=n", "--color=never"},
		{"capsh show --format=", "--format=text --format=json --format=docker*"},
		{"capsh assess --format=sy", "--format=systemd"},
		{"capsh assess --fail-on=de", "--fail-on=default"},
		{"capsh show --need=net_raw,ki", "--need=net_raw,kill"},
		{"capsh explain --js", "--json"},
		{"capsh file --one", "--one-file-system"},
		{"capsh file --color=a", "--color=auto --color=always"},
		{"capsh file --color n", "never"},
		{"capsh file /et", ""},
		{"capsh expect ep", ""},
		{"capsh expect e", "eff= effective= euid= egid="},
		{"capsh expect bnd<=dock", "bnd<=docker"},
		{"capsh expect bnd<=docker,cap_sys_adm", "bnd<=docker,cap_sys_admin"},
		{"capsh expect bnd<=docker,sys_adm", "bnd<=docker,sys_admin"},
		{"capsh expect seccomp!=", "seccomp!=off seccomp!=strict seccomp!=filter"},
		{"capsh expect uid=roo", "uid=root"},
		{"capsh predict --user=roo", "--user=root"},
		{"capsh predict --user roo", "root"},
		{"capsh predict --user root ", "@commands"},
		{"capsh predict --user root id --us", ""},
		{"capsh completion ", "bash zsh fish"},
		{"capsh nonsense --j", ""},
		{"capset --kee", "--keep="},
		{"capset --keep cap_kil", "cap_kill"},
		{"capset --keep=cap_kil", "--keep=cap_kill"},
		{"capset --keep=net_r", "--keep=net_raw"},
		{"capset --from=d", "--from=docker"},
		{"capset --lock --qu", "--quiet"},
		{"capset --lock ", "@commands"},
		{"capset -- ", "@commands"},
		{"capset -- id --kee", ""},
		{"capset --keep none id ", ""},
		{"capset --groups=", "--groups=init --groups=none --groups=keep*"},
		{"capset -k net_r", "net_raw"},
		{"capset -k chown,net_r", "chown,net_raw"},
		{"capset -knet_r", "-knet_raw"},
		{"capset -qk net_r", "net_raw"},
		{"capset -qnknet_r", "-qnknet_raw"},
		{"capset -u roo", "root"},
		{"capset -u root ", "@commands"},
		{"capset -nq ", "@commands"},
		{"capset -z roo", "@commands"},
		{"capset -u root -C /et", ""},
		{"capset --user=root:roo", "--user=root:root"},
		{"capset -u root:roo", "root:root"},
		{"capset --ruid=root:roo", ""},
		{"capset --rlimit=no", "--rlimit=nofile="},
		{"capset --rlimit=nofile=", ""},
		{"capset --argv", "--argv0="},
		{"capset --pdeathsig=", "--pdeathsig=keep --pdeathsig=clear --pdeathsig=KILL*"},
		{"capset --pdeathsig=TE", "--pdeathsig=TERM"},
		{"capset --ignore-signal=INT,WI", "--ignore-signal=INT,WINCH"},
		{"capset --ignore-signal=KI", ""},
		{"capset --ignore-signal ", "@commands"},
		{"capset --landlock-access=", "--landlock-access=fs"},
		{"capset --landlock-access=fs:exec", "--landlock-access=fs:execute"},
		{"capset --landlock-access=fs:execute,read-f", "--landlock-access=fs:execute,read-file"},
		{"capset --landlock-rule=", "--landlock-rule=path-beneath:"},
		{"capset --landlock-rule=path-beneath:exec", "--landlock-rule=path-beneath:execute"},
		{"capset --landlock-rule=path-beneath:execute:/", ""},
		{"capsh predict -u roo", "root"},
		{"capsh predict -u root:roo", "root:root"},
		{"capsh ps --user=root:roo", ""},
		{"capsh file -r /et", ""},
		{"capsh ps --container=libv", "--container=libvirt-lxc"},
		{"capsh", ""},
		{"ls --kee", ""},
		{"", ""},
	} {
		got := strings.Join(complete(flags.SplitLine(test.line)), " ")
		want, more := strings.CutSuffix(test.want, "*")
		if got != want && !(more && strings.HasPrefix(got, want)) {
			t.Errorf("%q: %q, want %q", test.line, got, test.want)
		}
	}
}
