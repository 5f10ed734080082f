package main

import (
	"strings"
	"testing"

	"capsh/internal/ui/flags"
)

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
		{"capsh --chroot=/et", "@files"},
		{"capsh --pid=99999999", ""},
		{"capsh ", "show ps tree file predict*"},
		{"capsh --has-p=al", ""},
		{"capsh --drop=al", "--drop=all"},
		{"capsh --drop=cap_kill,al", ""},
		{"capsh ps --proc=/p", "@files"},
		{"capsh ps --watch=", ""},
		{"capsh ps --cap=kill,no", ""},
		{"capsh ps --cap=no", "--cap=none"},
		{"capsh expect groups=root,none", ""},
		{"capsh predict -", "--*"},
		{"capsh --keep=", "--keep=0 --keep=1"},
		{"capsh explain cap_net_r", "cap_net_raw"},
		{"capsh explain net_r", "net_raw"},
		{"capsh explain chown,sys_adm", "chown,sys_admin"},
		{"capsh ps --cap=net_b", "--cap=net_bind_service --cap=net_broadcast"},
		{"capsh ps --cap=net_raw,cap_net_b", "--cap=net_raw,cap_net_bind_service --cap=net_raw,cap_net_broadcast"},
		{"capsh --drop=net_b", ""},
		{"capsh ps --sort=", "--sort=pid --sort=ppid --sort=user --sort=name --sort=container --sort=caps"},
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
		{"capsh file /et", "@files"},
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
		{"capsh predict --user root id --us", "@files"},
		{"capsh completion ", "bash zsh fish"},
		{"capsh nonsense --j", ""},
		{"capsh predict -u roo", "root"},
		{"capsh predict -u root:roo", "root:root"},
		{"capsh ps --user=root:roo", ""},
		{"capsh file -r /et", "@files"},
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
