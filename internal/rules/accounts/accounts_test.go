package accounts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// passwd has every kind of line that makes a difference.
const passwd = `# a comment: x:5:5
root:x:0:0:root:/root:/bin/bash

daemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin
four:x:1001:1002
five:x:1001:1002:gecos
six:x:1001:1002:gecos:/home
long:x:1016:1002:gecos:/home:/bin/sh -c "a:b"
three:x:1001
two:x
one
noid:x::1002:g:/h:/s
nogid:x:1003::g:/h:/s
` + " \t" + `indented:x:1004:1002:g:/h:/s
blankid:x: 1005:1002:g:/h:/s
tailid:x:1005 :1002:g:/h:/s
plusid:x:+1006:1002:g:/h:/s
minusid:x:-1:1002:g:/h:/s
hexid:x:0x10:1:g:/h:/s
zeroid:x:0010:010:g:/h:/s
max:x:4294967294:4294967294:g:/h:/s
unchanged:x:4294967295:1:g:/h:/s
unchangedgid:x:1017:4294967295:g:/h:/s
wraps:x:4294967296:1:g:/h:/s
wraps2:x:18446744073709551616:1:g:/h:/s
#hash:x:1007:1:g:/h:/s
+plus:x:1008:1:g:/h:/s
-minus:x:1009:1:g:/h:/s
:x:1010:1:g:/h:/s
dup:x:bad:1:g:/zero:/s
dup:x:1012:1:g:/first:/s
dup:x:1013:1:g:/second:/s
crlf:x:1014:1:g:/h:/s` + "\r" + `
bad bytes` + "\xff\x1b" + `:x:1018:1:g:/h:/s
last:x:1015:1:g:/h:/s`

var users = []struct {
	name string
	want User
	ok   bool
	// stricter says that glibc takes the line.
	stricter bool
}{
	{name: "root", want: User{"root", 0, 0, "/root", "/bin/bash"}, ok: true},
	{name: "daemon", want: User{"daemon", 1, 1, "/usr/sbin", "/usr/sbin/nologin"}, ok: true},
	{name: "four", want: User{"four", 1001, 1002, "", ""}, ok: true},
	{name: "five", want: User{"five", 1001, 1002, "", ""}, ok: true},
	{name: "six", want: User{"six", 1001, 1002, "/home", ""}, ok: true},
	{name: "long", want: User{"long", 1016, 1002, "/home", `/bin/sh -c "a:b"`}, ok: true},
	{name: "three"}, {name: "two"}, {name: "one"}, {name: "noid"}, {name: "nogid"},
	{name: "indented", want: User{"indented", 1004, 1002, "/h", "/s"}, ok: true},
	{name: " \tindented"},
	{name: "blankid", stricter: true}, {name: "tailid"}, {name: "plusid", stricter: true},
	{name: "minusid"}, {name: "hexid"},
	{name: "zeroid", want: User{"zeroid", 10, 10, "/h", "/s"}, ok: true},
	{name: "max", want: User{"max", maxID, maxID, "/h", "/s"}, ok: true},
	{name: "unchanged", stricter: true}, {name: "unchangedgid", stricter: true},
	{name: "wraps"}, {name: "wraps2"},
	{name: "#hash"}, {name: "hash"}, {name: "+plus"}, {name: "plus"}, {name: "-minus"}, {name: "minus"},
	{name: "", stricter: true},
	{name: "dup", want: User{"dup", 1012, 1, "/first", "/s"}, ok: true},
	{name: "crlf", want: User{"crlf", 1014, 1, "/h", "/s\r"}, ok: true},
	{name: "bad bytes\xff\x1b", want: User{"bad bytes\xff\x1b", 1018, 1, "/h", "/s"}, ok: true},
	{name: "last", want: User{"last", 1015, 1, "/h", "/s"}, ok: true},
	{name: "nobody here"},
}

func TestUserByName(t *testing.T) {
	for _, c := range users {
		got, ok := UserByName([]byte(passwd), c.name)
		if got != c.want || ok != c.ok {
			t.Errorf("UserByName(%q) = %+v, %v; want %+v, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestUserByUID(t *testing.T) {
	for uid, want := range map[uint32]string{0: "root", 1001: "four", 1012: "dup", 1013: "dup", maxID: "max"} {
		got, ok := UserByUID([]byte(passwd), uid)
		if got.Name != want || got.UID != uid || !ok {
			t.Errorf("UserByUID(%d) = %+v, %v; want %s", uid, got, ok, want)
		}
	}
	for _, uid := range []uint32{1003, 1005, 1006, 1007, 1010, 1017, 16, maxID + 1} {
		if got, ok := UserByUID([]byte(passwd), uid); ok || got != (User{}) {
			t.Errorf("UserByUID(%d) = %+v, %v; want none", uid, got, ok)
		}
	}
}

const group = `root:x:0:
#c:x:1:alice
two:x:5:alice,bob
blanks:x:6: alice , bob,	alice
none:x:7
extra:x:8:alice:extra
holes:x:9:,,alice,,
again:x:5:alice
bad:x:a:alice
spaced:x:11:carol alice
-nis:x:12:alice
tail:x:4294967294:bob,alice`

func TestGroups(t *testing.T) {
	for name, want := range map[string]uint32{"root": 0, "two": 5, "none": 7, "again": 5, "tail": maxID} {
		if g, ok := GroupByName([]byte(group), name); g != (Group{name, want}) || !ok {
			t.Errorf("GroupByName(%q) = %+v, %v", name, g, ok)
		}
	}
	for _, name := range []string{"bad", "#c", "c", "-nis", "", "x"} {
		if g, ok := GroupByName([]byte(group), name); ok {
			t.Errorf("GroupByName(%q) = %+v, %v; want none", name, g, ok)
		}
	}
	if g, ok := GroupByGID([]byte(group), 5); g.Name != "two" || !ok {
		t.Errorf("GroupByGID(5) = %+v, %v", g, ok)
	}
	for user, want := range map[string][]uint32{
		"alice": {5, 6, 9, maxID}, "bob": {5, 6, maxID}, "carol": nil, "carol alice": {11},
		"alice:extra": {8}, "alice ": {6}, "": nil,
	} {
		if got := GroupsOf([]byte(group), user); !slices.Equal(got, want) {
			t.Errorf("GroupsOf(%q) = %v; want %v", user, got, want)
		}
	}
}

// TestGetent asks glibc about the same files, bound over the real ones in a
// mount namespace of its own.
func TestGetent(t *testing.T) {
	testenv.Root(t)
	unshare, getent := testenv.Tool(t, "unshare"), testenv.Tool(t, "getent")
	dir := t.TempDir()
	for name, text := range map[string]string{"passwd": passwd, "group": group} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(args ...string) string {
		script := `mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group || exit 99; exec "$@"`
		argv := append([]string{"-m", "sh", "-c", script, dir, getent, "-s", "files"}, args...)
		out, err := exec.Command(unshare, argv...).Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() != 2 && len(out) == 0 {
			t.Fatalf("getent %v: %v: %s", args, err, exit.Stderr)
		}
		return strings.TrimSuffix(string(out), "\n")
	}
	for _, c := range users {
		// getent takes a name of digits for a uid and "-x" for an option,
		// and refuses to print a field with a colon in it.
		if c.stricter || strings.HasPrefix(c.name, "-") || c.name == "long" {
			continue
		}
		f := strings.SplitN(ask("passwd", c.name), ":", 7)
		if found := len(f) == 7; found != c.ok {
			t.Errorf("%q: getent finds it: %v, want %v", c.name, found, c.ok)
		} else if found {
			theirs := User{f[0], number(t, f[2]), number(t, f[3]), f[5], f[6]}
			if theirs != c.want {
				t.Errorf("%q: getent says %+v, want %+v", c.name, theirs, c.want)
			}
		}
	}
	for _, user := range []string{"alice", "bob", "carol", "carol alice", "alice "} {
		var theirs []uint32
		for _, f := range strings.Fields(strings.TrimPrefix(ask("initgroups", user), user)) {
			// 1 and 12: glibc's initgroups reads comments and NIS lines too.
			if gid := number(t, f); gid != 1 && gid != 12 && !slices.Contains(theirs, gid) {
				theirs = append(theirs, gid)
			}
		}
		if ours := GroupsOf([]byte(group), user); !slices.Equal(ours, theirs) {
			t.Errorf("%q: getent says %v, we %v", user, theirs, ours)
		}
	}
}

func number(t *testing.T, s string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func TestLongLines(t *testing.T) {
	members := strings.Repeat("someone,", 300_000) + "alice"
	text := "big:x:10:" + members + "\nnext:x:11:alice\n" + strings.Repeat("y", 100_000) + ":x:12:alice"
	if got := GroupsOf([]byte(text), "alice"); !slices.Equal(got, []uint32{10, 11, 12}) {
		t.Errorf("GroupsOf = %v", got)
	}
}

// TestSkippingAllocatesNothing: lines that do not match cost no memory.
func TestSkippingAllocatesNothing(t *testing.T) {
	long := []byte(strings.Repeat(passwd+"\n", 100))
	if n := testing.AllocsPerRun(20, func() {
		if _, ok := UserByName(long, "no such user"); ok {
			t.Fatal("found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzAccounts compares with a plain reading.
func FuzzAccounts(f *testing.F) {
	for _, c := range users {
		f.Add(passwd, c.name, c.want.UID)
	}
	f.Add(group, "alice", uint32(5))
	f.Fuzz(func(t *testing.T, text, name string, id uint32) {
		u, ok := UserByName([]byte(text), name)
		if naive, found := naiveUser(text, func(n string, _ uint32) bool { return n == name }); naive != u || found != ok {
			t.Errorf("UserByName = %+v %v, naive %+v %v", u, ok, naive, found)
		}
		v, ok := UserByUID([]byte(text), id)
		if naive, found := naiveUser(text, func(_ string, n uint32) bool { return n == id }); naive != v || found != ok {
			t.Errorf("UserByUID = %+v %v, naive %+v %v", v, ok, naive, found)
		}
		got := GroupsOf([]byte(text), name)
		if naive := naiveGroups(text, name); !slices.Equal(got, naive) {
			t.Errorf("GroupsOf = %v, naive %v", got, naive)
		}
	})
}

func naiveUser(text string, match func(string, uint32) bool) (User, bool) {
	for _, line := range strings.Split(text, "\n") {
		f := naiveFields(line)
		if f == nil {
			continue
		}
		for len(f) < 7 {
			f = append(f, "")
		}
		uid, bad := naiveID(f[2])
		gid, bad2 := naiveID(f[3])
		if !bad && !bad2 && match(f[0], uid) {
			return User{f[0], uid, gid, f[5], strings.Join(f[6:], ":")}, true
		}
	}
	return User{}, false
}

func naiveGroups(text, user string) []uint32 {
	var list []uint32
	for _, line := range strings.Split(text, "\n") {
		f := naiveFields(line)
		if len(f) < 4 {
			continue
		}
		gid, bad := naiveID(f[2])
		for _, m := range strings.Split(strings.Join(f[3:], ":"), ",") {
			m = strings.TrimLeft(m, " \t\v\f\r")
			if !bad && m != "" && m == user && !slices.Contains(list, gid) {
				list = append(list, gid)
			}
		}
	}
	return list
}

func naiveFields(line string) []string {
	f := strings.Split(strings.TrimLeft(line, " \t\v\f\r"), ":")
	if len(f) < 3 || f[0] == "" || strings.ContainsAny(f[0][:1], "#+-") {
		return nil
	}
	return f
}

func naiveID(s string) (id uint32, bad bool) {
	n, err := strconv.ParseUint(strings.TrimLeft(s, "0"), 10, 64)
	if s != "" && strings.Trim(s, "0") == "" {
		return 0, false
	}
	return uint32(n), err != nil || n > maxID || s[0] == '+'
}
