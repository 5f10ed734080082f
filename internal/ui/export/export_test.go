package export

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/testenv"
	"capsh/internal/ui/schema"
)

func TestFormats(t *testing.T) {
	two := caps.Of(caps.NetBindService, caps.Chown)
	root := Grant{Keep: two}
	user := Grant{Keep: two, UID: 1000, GID: 1001, Groups: []uint32{7, 8}, Among: true}
	byFile := Grant{Keep: two, UID: 5, GID: 6, Command: []string{"/bin/p", "-x"}, File: "/bin/p", Raises: true}
	setuid := Grant{Keep: caps.Of(caps.Kill), UID: 5, Among: true, AllowNewPrivs: true, Command: []string{"sh", "-c", "a 'b' $c", ""}}
	for _, c := range []struct {
		form string
		g    Grant
		want string
	}{
		{"docker", root, "--cap-drop=ALL --cap-add=CHOWN --cap-add=NET_BIND_SERVICE --user=0:0 --security-opt=no-new-privileges\n"},
		{"docker", Grant{UID: 5, GID: 6, Groups: []uint32{9}}, "--cap-drop=ALL --user=5:6 --group-add=9 --security-opt=no-new-privileges\n"},
		{"docker", Grant{UID: 5, AllowNewPrivs: true}, "--cap-drop=ALL --user=5:0\n"},
		{"docker", byFile, "--cap-drop=ALL --cap-add=CHOWN --cap-add=NET_BIND_SERVICE --user=5:6\n"},
		{"docker", user, "--cap-drop=ALL --cap-add=CHOWN --cap-add=SETGID --cap-add=SETUID --cap-add=NET_BIND_SERVICE --user=0:0 --security-opt=no-new-privileges" +
			" --entrypoint=/capset IMAGE --user=1000:1001 --groups=7,8 --keep=chown,net_bind_service -- COMMAND\n"},
		{"docker", setuid, "--cap-drop=ALL --cap-add=KILL --cap-add=SETGID --cap-add=SETUID --cap-add=SETPCAP --user=0:0" +
			` --entrypoint=/capset IMAGE --user=5:0 --keep=kill --allow-new-privs -- sh -c 'a '\''b'\'' $c' ''` + "\n"},
		{"compose", Grant{UID: 5, Groups: []uint32{9}}, "cap_drop:\n  - ALL\nuser: \"5:0\"\ngroup_add:\n  - \"9\"\nsecurity_opt:\n  - no-new-privileges:true\n"},
		{"compose", setuid, "cap_drop:\n  - ALL\ncap_add:\n  - KILL\n  - SETGID\n  - SETUID\n  - SETPCAP\nuser: \"0:0\"\nentrypoint:\n" +
			"  - \"/capset\"\n  - \"--user=5:0\"\n  - \"--keep=kill\"\n  - \"--allow-new-privs\"\n  - \"--\"\n  - \"sh\"\n  - \"-c\"\n  - \"a 'b' $$c\"\n  - \"\"\n"},
		{"kubernetes", root, "securityContext:\n  allowPrivilegeEscalation: false\n  capabilities:\n    drop:\n      - ALL\n    add:\n      - CHOWN\n      - NET_BIND_SERVICE\n" +
			"  runAsUser: 0\n  runAsGroup: 0\n  seccompProfile:\n    type: RuntimeDefault\n"},
		{"kubernetes", byFile, "securityContext:\n  allowPrivilegeEscalation: true\n  capabilities:\n    drop:\n      - ALL\n    add:\n      - CHOWN\n      - NET_BIND_SERVICE\n" +
			"  runAsUser: 5\n  runAsGroup: 6\n  runAsNonRoot: true\n  seccompProfile:\n    type: RuntimeDefault\n"},
		{"kubernetes", user, "command:\n  - \"/capset\"\n  - \"--user=1000:1001\"\n  - \"--groups=7,8\"\n  - \"--keep=chown,net_bind_service\"\n  - \"--\"\n  - \"COMMAND\"\n" +
			"securityContext:\n  allowPrivilegeEscalation: false\n  capabilities:\n    drop:\n      - ALL\n    add:\n      - CHOWN\n      - SETGID\n      - SETUID\n      - NET_BIND_SERVICE\n" +
			"  runAsUser: 0\n  runAsGroup: 0\n  seccompProfile:\n    type: RuntimeDefault\n"},
		{"systemd", Grant{AllowNewPrivs: true}, "User=0\nGroup=0\nCapabilityBoundingSet=\nAmbientCapabilities=\nNoNewPrivileges=no\n"},
		{"capset", byFile, "capset --user=5:6 --groups=none --keep=chown,net_bind_service --allow-mismatch -- /bin/p -x\n"},
		{"capset", Grant{Keep: 1 << 63}, "capset --user=0:0 --groups=none --keep=63 -- COMMAND\n"},
		{"systemd", root, "User=0\nGroup=0\nCapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE\nAmbientCapabilities=\nNoNewPrivileges=yes\n"},
		{"systemd", user, "User=1000\nGroup=1001\nSupplementaryGroups=7 8\nCapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_CHOWN CAP_NET_BIND_SERVICE\nNoNewPrivileges=yes\n"},
		{"systemd", Grant{UID: 1}, "User=1\nGroup=0\nCapabilityBoundingSet=\nAmbientCapabilities=\nNoNewPrivileges=yes\n"},
		{"capset", user, "capset --user=1000:1001 --groups=7,8 --keep=chown,net_bind_service -- COMMAND\n"},
		{"capset", Grant{Among: true}, "capset --user=0:0 --keep=none -- COMMAND\n"},
		{"capset", Grant{}, "capset --user=0:0 --groups=none --keep=none -- COMMAND\n"},
	} {
		got, warnings, err := c.g.Format(nil, c.form)
		if c.form == "compose" || c.form == "kubernetes" { // they say why
			c.want = each("# %s\n", warnings) + c.want
		}
		if string(got) != c.want || err != nil {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.form, err, got, c.want)
		}
	}
}

// TestFormatOptions: a form has the directory and the variables of the trials, and names
// the options that it leaves out; an entrypoint of capset has them all.
func TestFormatOptions(t *testing.T) {
	options := []string{"--chdir=/a b", `--env=A=$x "%"`, "--umask=027"}
	user := Grant{Keep: caps.Of(caps.Kill), UID: 5, Options: options}
	for _, c := range []struct {
		form string
		g    Grant
		want string // a part of it
		left bool
	}{
		{"docker", Grant{Options: options}, ` --workdir='/a b' --env='A=$x "%"'` + "\n", true},
		{"docker", user, ` --keep=kill '--chdir=/a b' '--env=A=$x "%"' --umask=027 -- COMMAND`, false},
		{"compose", Grant{Options: options}, "working_dir: \"/a b\"\nenvironment:\n  - \"A=$$x \\\"%\\\"\"\n", true},
		{"compose", user, "  - \"--env=A=$$x \\\"%\\\"\"\n  - \"--umask=027\"\n", false},
		{"kubernetes", Grant{Options: options}, "workingDir: \"/a b\"\nenv:\n  - name: \"A\"\n    value: \"$$x \\\"%\\\"\"\n", true},
		{"oci", Grant{Options: options}, `"cwd":"/a b","env":["A=$x \"%\""]`, true},
		{"systemd", Grant{Options: options}, "WorkingDirectory=/a b\nEnvironment=\"A=$x \\\"%%\\\"\"\n", true},
		{"capset", Grant{Options: options}, `'--chdir=/a b' '--env=A=$x "%"' --umask=027 -- COMMAND`, false},
	} {
		got, warnings, err := c.g.Format(nil, c.form)
		left := strings.Contains(strings.Join(warnings, "\n"), "had --umask=027, which")
		if !strings.Contains(string(got), c.want) || left != c.left || err != nil {
			t.Errorf("%s: %v, %q\n%s\nwant\n%s", c.form, err, warnings, got, c.want)
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
		text, warnings, err := Grant{Keep: caps.Of(caps.Kill), UID: uid, Groups: []uint32{3}, AllowNewPrivs: uid == 0}.Format(nil, "oci")
		var p process
		if err != nil || json.Unmarshal(text, &p) != nil || len(warnings) > 0 {
			t.Fatalf("%v, %q, %s", err, warnings, text)
		}
		if len(p.Capabilities) != want || p.Capabilities["bounding"][0] != "CAP_KILL" || p.User.UID != uid || p.NoNewPrivileges != (uid != 0) || p.User.AdditionalGids[0] != 3 {
			t.Errorf("%s", text)
		}
	}
}

// TestFormatWarnings: where a form differs from what is asked, it says so; what it cannot
// express is an error.
func TestFormatWarnings(t *testing.T) {
	for _, form := range Formats() {
		engine := form == "docker" || form == "compose" || form == "kubernetes"
		for _, c := range []struct {
			g    Grant
			want string // "" for no warning
		}{
			{Grant{Keep: 1, UID: 1000}, "so /capset, which the image must have, starts as root and changes to user 1000; without SETPCAP the bounding set still has SETGID and SETUID"},
			{Grant{Keep: 1, UID: 1000, AllowNewPrivs: true}, "changes to user 1000"},
			{Grant{Keep: caps.Of(caps.Setuid, caps.Setgid), UID: 1000}, "changes to user 1000"},
			{Grant{Keep: 1, UID: 1000, File: "/a\n"}, `the file capabilities of /a\n, which`},
			{Grant{Keep: 1}, ""},
			{Grant{UID: 1000}, ""},
		} {
			text, warnings, err := c.g.Format(nil, form)
			if want := c.want != "" && engine; err != nil || len(text) == 0 || (len(warnings) > 0) != want || want && !strings.Contains(warnings[0], c.want) {
				t.Errorf("%s, %+v: %v, %q", form, c.g, err, warnings)
			}
		}
		if _, warnings, _ := (Grant{Groups: []uint32{7, 8}}).Format(nil, form); (len(warnings) > 0) != (form == "kubernetes" || form == "capset") {
			t.Errorf("%s: %q", form, warnings)
		}
		text, _, err := Grant{Keep: 1 | 1<<63}.Format(nil, form)
		if form != "capset" && (err == nil || !strings.HasSuffix(err.Error(), " 63") || len(text) > 0) {
			t.Errorf("%s: %q, %v", form, text, err)
		}
	}
}

// TestShellWords: bash reads the words as they were, and a terminal shows no control
// character.
func TestShellWords(t *testing.T) {
	words := []string{"", "a", "a b", "it's", `\`, "$x", "`x`", "two\nlines", "\x1b[31m'\\7", "\u009b", "\xff", "é", "*", "~", "#", "a=b", "\t"}
	text := shellWords(words)
	out, err := exec.Command(testenv.Tool(t, "bash"), "-c", `printf '%s\0' `+text).Output()
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); err != nil || !reflect.DeepEqual(got, words) {
		t.Errorf("%v: %s\n%q", err, text, got)
	}
	if strings.ContainsAny(text, "\x1b\u009b\t") {
		t.Errorf("%q", text)
	}
}

// TestFound: what a profile says of the user, of no_new_privs and of the program's file.
func TestFound(t *testing.T) {
	caller := Grant{Keep: 7, UID: 9, GID: 9, Groups: []uint32{9}}
	set := caps.Of(caps.NetRaw)
	program := func(path, text string) schema.Environment {
		return schema.Environment{Files: []schema.DiscoveredFile{{Path: path, Capabilities: cred.Is(text)}}}
	}
	ping := []string{"ping", "-c1"}
	for _, c := range []struct {
		d    schema.Discovery
		want Grant
	}{
		{schema.Discovery{}, Grant{Keep: set, UID: 9, GID: 9, Groups: []uint32{9}}},
		{schema.Discovery{User: cred.Is(schema.User{UID: 1, GID: 2, Groups: []uint32{2, 3}}), Command: ping, NoNewPrivs: true},
			Grant{Keep: set, UID: 1, GID: 2, Groups: []uint32{3}, Among: true, Command: ping}},
		{schema.Discovery{User: cred.Is(schema.User{UID: 1}), Command: ping}, Grant{Keep: set, UID: 1, Command: ping, AllowNewPrivs: true}},
		{schema.Discovery{User: cred.Is(schema.User{UID: 1}), Command: ping, NoNewPrivs: true, Environment: program("/bin/ping", "cap_net_raw=ep")},
			Grant{Keep: set, UID: 1, Command: ping, File: "/bin/ping"}},
		{schema.Discovery{User: cred.Is(schema.User{UID: 1}), Command: ping, NoNewPrivs: true, Environment: program("/bin/ping", "cap_net_raw=p")},
			Grant{Keep: set, UID: 1, Command: ping, File: "/bin/ping", Raises: true}},
		{schema.Discovery{User: cred.Is(schema.User{UID: 1}), Command: ping, NoNewPrivs: true, Environment: program("/bin/ping", "cap_net_raw=ei")},
			Grant{Keep: set, UID: 1, Command: ping}},
		{schema.Discovery{User: cred.Is(schema.User{UID: 1}), Command: ping, NoNewPrivs: true, Environment: program("/its/argument", "cap_net_raw=ep")},
			Grant{Keep: set, UID: 1, Command: ping}},
	} {
		if got := caller.Found(&c.d, set); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v:\n%+v\nwant\n%+v", c.d, got, c.want)
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
