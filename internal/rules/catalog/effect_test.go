package catalog

import (
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// TestEffect: what takes effect away, and that what is unknown takes none.
func TestEffect(t *testing.T) {
	groups := cred.State{GID: cred.Same(100), Groups: []uint32{5, 7}}
	ports := func(n uint32) Settings { return Settings{PortStart: cred.Is(n)} }
	ping := func(low, high uint32) Settings { return Settings{PingGroups: cred.Is([2]uint32{low, high})} }
	for _, test := range []struct {
		settings Settings
		c        caps.Cap
		want     EffectKind
		why      string
	}{
		{Settings{}, caps.NetBindService, EffectFull, ""},
		{ports(1024), caps.NetBindService, EffectFull, ""},
		{ports(1), caps.NetBindService, EffectFull, ""},
		{ports(0), caps.NetBindService, EffectSpare, "not needed for IP ports: net.ipv4.ip_unprivileged_port_start is 0"},
		{ports(0), caps.NetRaw, EffectFull, ""},
		{Settings{}, caps.NetRaw, EffectFull, ""},
		{ping(1, 0), caps.NetRaw, EffectFull, ""}, // the kernel's default: none
		{ping(0, 6), caps.NetRaw, EffectSpare, "not needed for ping: net.ipv4.ping_group_range is 0 to 6"},
		{ping(8, 99), caps.NetRaw, EffectFull, ""},
		{ping(100, 100), caps.NetRaw, EffectSpare, "not needed for ping: net.ipv4.ping_group_range is 100 to 100"},
		{ping(0, 1<<31-1), caps.NetAdmin, EffectFull, ""},
		{Settings{Modules: cred.Is(false)}, caps.SysModule, EffectNone, "no effect: this kernel loads no modules"},
		{Settings{Modules: cred.Is(true)}, caps.SysModule, EffectFull, ""},
		{Settings{Modules: cred.Is(false)}, caps.SysAdmin, EffectFull, ""},
		{Settings{ChildUserNS: true, Modules: cred.Is(false)}, caps.SysModule, EffectNone, "no effect in this user namespace"},
		{Settings{ChildUserNS: true}, caps.BPF, EffectNone, "no effect in this user namespace, with one exception"},
		{Settings{ChildUserNS: true}, caps.SysBoot, EffectPart, "in part in this user namespace"},
		{Settings{ChildUserNS: true}, caps.SysAdmin, EffectPart, "in part in this user namespace"},
		{Settings{ChildUserNS: true}, caps.Chown, EffectFull, ""},
		{Settings{ChildUserNS: true, PortStart: cred.Is[uint32](0)}, caps.NetBindService, EffectSpare, "not needed for IP ports: net.ipv4.ip_unprivileged_port_start is 0"},
		{Settings{ChildUserNS: true}, 50, EffectFull, ""},
	} {
		if got := test.settings.Effect(test.c, &groups); got.Kind != test.want || got.Why != test.why {
			t.Errorf("%+v %v: %v %q, want %v %q", test.settings, test.c, got.Kind, got.Why, test.want, test.why)
		}
	}
	unknown := cred.State{GID: cred.Same(cred.UnknownID)}
	all := ping(0, cred.UnknownID)
	if got := all.Effect(caps.NetRaw, &unknown); got != (Effect{}) {
		t.Errorf("an unknown group: %+v", got)
	}
}
