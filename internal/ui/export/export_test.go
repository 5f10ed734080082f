package export

import (
	"encoding/json"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

func TestFormats(t *testing.T) {
	two := caps.Of(caps.NetBindService, caps.Chown)
	root := Grant{Keep: two}
	user := Grant{Keep: two, UID: 1000, GID: 1001, Groups: []uint32{7, 8}, Among: true}
	for _, c := range []struct {
		form string
		g    Grant
		want string
	}{
		{"docker", root, "--cap-drop=ALL --cap-add=CHOWN --cap-add=NET_BIND_SERVICE --user=0:0 --security-opt=no-new-privileges\n"},
		{"docker", Grant{UID: 5, GID: 6, Groups: []uint32{9}}, "--cap-drop=ALL --user=5:6 --group-add=9 --security-opt=no-new-privileges\n"},
		{"compose", user, "cap_drop:\n  - ALL\ncap_add:\n  - CHOWN\n  - NET_BIND_SERVICE\nuser: \"1000:1001\"\ngroup_add:\n  - \"7\"\n  - \"8\"\nsecurity_opt:\n  - no-new-privileges:true\n"},
		{"kubernetes", user, "securityContext:\n  allowPrivilegeEscalation: false\n  capabilities:\n    drop:\n      - ALL\n    add:\n      - CHOWN\n      - NET_BIND_SERVICE\n" +
			"  runAsUser: 1000\n  runAsGroup: 1001\n  runAsNonRoot: true\n  seccompProfile:\n    type: RuntimeDefault\n"},
		{"systemd", root, "User=0\nGroup=0\nCapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE\nAmbientCapabilities=\nNoNewPrivileges=yes\n"},
		{"systemd", user, "User=1000\nGroup=1001\nSupplementaryGroups=7 8\nCapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_CHOWN CAP_NET_BIND_SERVICE\nNoNewPrivileges=yes\n"},
		{"systemd", Grant{UID: 1}, "User=1\nGroup=0\nCapabilityBoundingSet=\nAmbientCapabilities=\nNoNewPrivileges=yes\n"},
		{"capset", user, "capset --user=1000:1001 --groups=7,8 --keep=chown,net_bind_service -- COMMAND\n"},
		{"capset", Grant{Among: true}, "capset --user=0:0 --keep=none -- COMMAND\n"},
		{"capset", Grant{}, "capset --user=0:0 --groups=none --keep=none -- COMMAND\n"},
	} {
		if got, _ := c.g.Format(nil, c.form); string(got) != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.form, got, c.want)
		}
	}
}

// TestFormatOCI: root's sets come from the bounding set, others' through ambient.
func TestFormatOCI(t *testing.T) {
	type process struct {
		User struct {
			UID, GID       uint32
			AdditionalGids []uint32
		}
		Capabilities    map[string][]string
		NoNewPrivileges bool
	}
	for uid, want := range map[uint32]int{0: 3, 1000: 5} {
		text, warnings := Grant{Keep: caps.Of(caps.Kill), UID: uid, Groups: []uint32{3}}.Format(nil, "oci")
		var p process
		if err := json.Unmarshal(text, &p); err != nil || len(warnings) > 0 {
			t.Fatal(err, warnings)
		}
		if len(p.Capabilities) != want || p.Capabilities["bounding"][0] != "CAP_KILL" || p.User.UID != uid || !p.NoNewPrivileges || p.User.AdditionalGids[0] != 3 {
			t.Errorf("%s", text)
		}
	}
}

// TestFormatWarnings: where a form cannot give what is asked, it says so.
func TestFormatWarnings(t *testing.T) {
	for _, form := range Formats() {
		ambientless := form == "docker" || form == "compose" || form == "kubernetes"
		for _, c := range []struct {
			g    Grant
			want bool
		}{
			{Grant{Keep: 1, UID: 1000}, ambientless},
			{Grant{Keep: 1}, false},
			{Grant{UID: 1000}, false},
		} {
			text, warnings := c.g.Format(nil, form)
			if (len(warnings) > 0) != c.want || len(text) == 0 {
				t.Errorf("%s, %+v: %q", form, c.g, warnings)
			}
			if c.want && !strings.Contains(warnings[0], "capset --user=1000:0 --groups=none --keep=chown -- COMMAND") {
				t.Errorf("%s: %q", form, warnings)
			}
		}
		if _, warnings := (Grant{Groups: []uint32{7, 8}}).Format(nil, form); (len(warnings) > 0) != (form == "kubernetes" || form == "capset") {
			t.Errorf("%s: %q", form, warnings)
		}
		text, warnings := Grant{Keep: 1 | 1<<63}.Format(nil, form)
		if len(warnings) != 1 || !strings.HasSuffix(warnings[0], " 63") || strings.Contains(string(text), "63") {
			t.Errorf("%s: %q, %q", form, text, warnings)
		}
	}
}

func TestGrantOf(t *testing.T) {
	p := cred.Process{State: cred.State{
		Sets: cred.Sets{Permitted: 5, Bounding: 7}, UID: cred.IDs{Real: 1, Effective: 2}, GID: cred.IDs{Real: 3, Effective: 4}, Groups: []uint32{4, 5},
	}}
	if g := GrantOf(&p); g.Keep != 5 || g.UID != 2 || g.GID != 4 || len(g.Groups) != 1 || g.Groups[0] != 5 || !g.Among {
		t.Errorf("%+v", g)
	}
}
