package commands

import (
	"encoding/json"
	"strings"
	"testing"

	"capsh/internal/testenv"

	"golang.org/x/sys/unix"
)

// TestEffects: a setting of its network namespace is shown of a process in it, and
// is unknown of one in another; a form leaves nothing out and says so.
func TestEffects(t *testing.T) {
	testenv.Root(t)
	const ports = "not needed for IP ports: net.ipv4.ip_unprivileged_port_start is 0"
	const ping = "not needed for ping: net.ipv4.ping_group_range is 0 to 100"
	const set = "echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start && echo 0 100 >/proc/sys/net/ipv4/ping_group_range && "
	show := func(args string) testenv.Result { return script(t, "-n", set+`exec "$0" show `+args) }

	r := show("")
	flat := strings.Join(strings.Fields(r.Out), " ")
	for _, want := range []string{"bind to ports below 1024; " + ports, "use raw and packet sockets; " + ping} {
		if r.Code != 0 || !strings.Contains(flat, want) {
			t.Errorf("no %q: %+v", want, r)
		}
	}
	if r := script(t, "-n", set+`"$0" show $PPID`); r.Code != 0 || strings.Contains(r.Out, "not needed") {
		t.Errorf("of a process in another network namespace: %+v", r)
	}
	r = show("--format=docker --need=net_bind_service,net_raw,chown")
	if want := "--cap-drop=ALL --cap-add=CHOWN --cap-add=NET_BIND_SERVICE --cap-add=NET_RAW "; r.Code != 0 || !strings.HasPrefix(r.Out, want) ||
		r.Err != "capsh: show: note: cap_net_bind_service: "+ports+"\ncapsh: show: note: cap_net_raw: "+ping+"\n" {
		t.Errorf("%+v", r)
	}
	if got := effects(t, show("--json")); got["CAP_NET_BIND_SERVICE"] != "spare: "+ports || got["CAP_NET_RAW"] != "spare: "+ping {
		t.Errorf("%v", got)
	}
}

// TestEffectsOfUserNS: what has no effect in a child user namespace is marked there.
func TestEffectsOfUserNS(t *testing.T) {
	r := script(t, "-Ur", `exec "$0" show`)
	for _, want := range []string{"\n - sys_module ", "\n - bpf ", "\n ~ sys_boot ", "\n   chown ", "\n- no effect, ~ part of its effect in this user namespace: capsh explain CAP.\n"} {
		if r.Code != 0 || !strings.Contains(r.Out, want) {
			t.Errorf("no %q: %+v", want, r)
		}
	}
	r = script(t, "-Urpf", `exec "$0" assess --json`)
	for _, want := range []string{`{"name":"CAP_SYS_MODULE","severity":"low","reason":"no effect in this user namespace"`, `{"name":"CAP_SYS_ADMIN","severity":"low","reason":"in part in this user namespace"`} {
		if r.Code != 0 || !strings.Contains(r.Out, want) {
			t.Errorf("no %q: %+v", want, r)
		}
	}
	got := effects(t, script(t, "-Ur", `exec "$0" show --json`))
	if got["CAP_MKNOD"] != "none: no effect in this user namespace" || got["CAP_KILL"] != "part: in part in this user namespace" || got["CAP_CHOWN"] != "" {
		t.Errorf("%v", got)
	}
}

// TestEffectOfModules: the kernel's own answer is the judge, given to a process that
// has the capability.
func TestEffectOfModules(t *testing.T) {
	testenv.Root(t)
	err := unix.DeleteModule("nosuchmodule", unix.O_NONBLOCK)
	r := capsh(t, "show", "--json")
	if got := effects(t, r)["CAP_SYS_MODULE"]; (err == unix.ENOENT) != (got == "") || got != "" && got != "none: no effect: this kernel loads no modules" {
		t.Errorf("delete_module: %v; %q", err, got)
	}
}

// effects are those of a document of show, by capability.
func effects(t *testing.T, r testenv.Result) map[string]string {
	t.Helper()
	var d struct {
		Effects []struct{ Capability, Effect, Reason string }
	}
	if err := json.Unmarshal([]byte(r.Out), &d); err != nil || r.Code != 0 || d.Effects == nil {
		t.Fatalf("%v: %+v", err, r)
	}
	list := map[string]string{}
	for _, e := range d.Effects {
		list[e.Capability] = e.Effect + ": " + e.Reason
	}
	return list
}
