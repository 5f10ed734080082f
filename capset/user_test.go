package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// resolved is a command line with its users resolved, in a root with the two files.
// The process has uid 7, gid 8 and group 9.
func resolved(t *testing.T, args ...string) (*launch, error) {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"passwd": "root:x:0:0::/root:/bin/sh\nboth:x:99:500::/:/bin/sh\nuser:x:98:500::/:/bin/sh\nseven:x:7:70::/:/bin/sh\n",
		"group":  "root:x:0:\nboth:x:88:\nhers:x:89:both,seven\n",
	} {
		path := filepath.Join(root, "etc", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o, _, err := parse(append([]string{"--chroot=" + root}, args...))
	if err != nil {
		t.Fatal(err)
	}
	l := &launch{}
	if err := l.enter(&o.process); err != nil {
		t.Fatal(err)
	}
	from := cred.State{UID: cred.Same(7), GID: cred.Same(8), Groups: []uint32{9}}
	_, err = o.user.resolve(&l.request, l.accounts(), &from)
	return l, err
}

// TestResolveUser: which ids a command line asks for, and which it leaves as they
// are.
func TestResolveUser(t *testing.T) {
	const stay = cred.Unchanged
	none := cred.Known[cred.IDs]{}
	all := func(id uint32) cred.Known[cred.IDs] { return cred.Is(cred.Same(id)) }
	ids := func(real, effective uint32) cred.Known[cred.IDs] {
		return cred.Is(cred.IDs{Real: real, Effective: effective, Saved: effective, FS: stay})
	}
	groups := func(list ...uint32) cred.Known[[]uint32] { return cred.Is(list) }
	for _, c := range []struct {
		args     string
		uid, gid cred.Known[cred.IDs]
		groups   cred.Known[[]uint32]
	}{
		{"", none, none, cred.Known[[]uint32]{}},
		{"--user=both", all(99), all(500), groups(89, 500)},
		{"--user=99:both", all(99), all(88), groups(88)},
		{"--user=:both", none, all(88), groups(88)},
		{"--user=both --groups=keep", all(99), all(500), cred.Known[[]uint32]{}},
		{"--user=both --groups=none", all(99), all(500), groups()},
		{"--ruid=both --groups=none", ids(99, stay), none, groups()},
		{"--euid=both --groups=none", ids(stay, 99), none, groups()},
		{"--rgid=both --groups=none", none, ids(88, stay), groups()},
		{"--egid=both --groups=none", none, ids(stay, 88), groups()},
		{"--rgid=5 --egid=6 --groups=7", none, ids(5, 6), groups(6, 7)},
		{"--rgid=5 --groups=7", none, ids(5, stay), groups(7, 8)},
		{"--ruid=both --euid=1 --groups=init", ids(99, 1), none, groups(8, 89, 500)},
		{"--egid=6 --groups=init", none, ids(stay, 6), groups(6, 70, 89)},
		{"--user=both --egid=6 --groups=7", all(99), cred.Is(cred.IDs{Real: 500, Effective: 6, Saved: 6, FS: 500}), groups(6, 7)},
	} {
		l, err := resolved(t, strings.Fields(c.args)...)
		r := &l.request
		want := c.groups
		if want.OK && len(want.Value) == 0 {
			want.Value = nil
		}
		if err != nil || r.UID.OK != c.uid.OK || c.uid.OK && r.UID != c.uid || r.GID.OK != c.gid.OK || c.gid.OK && r.GID != c.gid ||
			!reflect.DeepEqual(r.Groups, want) {
			t.Errorf("%s: %v, uid %v, gid %v, groups %v", c.args, err, r.UID, r.GID, r.Groups)
		}
	}
	for args, want := range map[string]string{
		"--egid=user --groups=none": `--egid: no group "user" in /etc/group`,
		"--rgid=user --groups=none": `--rgid: no group "user" in /etc/group`,
		"--euid=hers --groups=none": `--euid: no user "hers" in /etc/passwd`,
		"--ruid=hers --groups=none": `--ruid: no user "hers" in /etc/passwd`,
		"--egid=5":                  "--egid requires --groups=init, none, keep or a list, for the supplementary groups",
	} {
		if _, err := resolved(t, strings.Fields(args)...); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// TestKept: which capabilities a command line keeps.
func TestKept(t *testing.T) {
	from := cred.State{Sets: cred.Sets{
		Permitted:   caps.Of(caps.Chown, caps.Kill, caps.NetRaw),
		Inheritable: caps.Of(caps.Chown, caps.SysAdmin),
		Bounding:    caps.Of(caps.Kill, caps.SysBoot),
	}}
	for args, want := range map[string]caps.Set{
		"":                                0,
		"--keep=2,kill":                   caps.Of(caps.DACReadSearch, caps.Kill),
		"--keep=0,1":                      caps.Of(caps.Chown, caps.DACOverride),
		"--cap-add=1":                     caps.Of(caps.DACOverride),
		"--from=current":                  caps.Of(caps.Chown, caps.Kill),
		"--from=current --keep=sys_boot":  caps.Of(caps.Chown, caps.Kill, caps.SysBoot),
		"--from=current --cap-drop=chown": caps.Of(caps.Kill),
	} {
		o, _, err := parse(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		if keep, err := o.keep.resolve(&from); err != nil || keep != want {
			t.Errorf("%s: %v, %v, want %v", args, err, keep, want)
		}
	}
	for _, text := range []string{"0", "1", "0x0", "0x1"} {
		for _, option := range []string{"--keep=", "-k", "--keep=kill --keep="} {
			o, _, err := parse(strings.Fields(option + text))
			if err == nil {
				_, err = o.keep.resolve(&from)
			}
			if err == nil || !strings.Contains(err.Error(), "write --keep=cap_") {
				t.Errorf("%s%s: %v", option, text, err)
			}
		}
	}
}
