package report

import (
	"strconv"
	"strings"
	"testing"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// branches is a small tree.
func branches() []Branch {
	all := caps.First(caps.Named)
	root := listedProcess(1, "init", all)
	service := listedProcess(20, "service", caps.Of(caps.Chown, caps.Kill))
	service.Bounding &^= 0xff00
	thread := service
	thread.TID, thread.Name = 21, "worker"
	thread.Sets = cred.Sets{Bounding: service.Bounding}
	user := listedProcess(300, "sh", 0)
	user.User = "a-user-with-a-long-name"
	gain := listedProcess(4000, "ping", caps.NetRaw.Set())
	gain.User = user.User
	boxed := listedProcess(50000, "nginx", catalog.DockerDefault)
	boxed.Container.Value = container.Container{Runtime: catalog.Docker, ID: strings.Repeat("0123456789abcdef", 4)}
	boxed.UserNS.Inode, boxed.Foreign, boxed.NoNewPrivs = cred.Is(uint64(77)), cred.Is(true), cred.Is(true)
	lost := listedProcess(9, "orphan", 0)
	lost.PPID = 8
	return []Branch{
		{Listed: &root, Alike: 1},
		{Listed: &service, Parent: &root, Depth: 1, Alike: 1},
		{Listed: &thread, Parent: &service, Depth: 2, Alike: 1, Last: true},
		{Listed: &user, Parent: &root, Depth: 1, Alike: 1},
		{Listed: &gain, Parent: &user, Depth: 2, Alike: 3, Last: true},
		{Listed: &boxed, Parent: &root, Depth: 1, Alike: 1},
		{Quiet: 12, Depth: 1, Last: true},
		{Listed: &lost, Alike: 1, Lost: true, Last: true},
	}
}

func TestTree(t *testing.T) {
	want := strings.Join([]string{
		"      1 root         init  full",
		"     20 root         ├─ service  chown,kill  (-39, bnd -8)",
		"     21 root         │  └─ {worker}  none  (-chown,kill)",
		"    300 a-user-with~ ├─ sh  none  (-41)",
		"   4000 a-user-with~ │  └─ ping x3  net_raw  (+net_raw)",
		"  50000 root         ├─ nginx [docker:0123456789ab]  docker-default  (-27, nnp, userns 77)",
		"                     └─ 12 more, with no capability",
		"      9 root         orphan (parent 8 not seen)  none",
		"",
	}, "\n")
	for _, color := range []term.Color{false, true} {
		tree := Tree{All: caps.First(caps.Named), Unicode: true, Color: color}
		var b []byte
		for _, n := range branches() {
			b = tree.Append(b, &n)
		}
		if got := stripColor(string(b)); got != want || color == (got == string(b)) {
			t.Errorf("color %v: got\n%s\nwant\n%s", color, b, want)
		}
	}
}

func TestTreePlain(t *testing.T) {
	tree := Tree{All: caps.First(caps.Named)}
	var b []byte
	for _, n := range branches() {
		b = tree.Append(b, &n)
	}
	for _, c := range b {
		if c >= 0x80 {
			t.Fatalf("not ASCII: %s", b)
		}
	}
}

// TestTreeUserNS: another user namespace is marked where only the map says so, and
// those that are not known to be the same have lines of their own.
func TestTreeUserNS(t *testing.T) {
	boxed := func(outside uint32) *Listed {
		p := listedProcess(2, "b", 0)
		p.UserNS = cred.UserNS{UIDMap: cred.Is([]cred.IDRange{{Outside: outside, Count: 65536}})}
		return &p
	}
	from, tree := listedProcess(1, "a", 0), Tree{All: caps.First(caps.Named)}
	if line := string(tree.Append(nil, &Branch{Listed: boxed(100000), Parent: &from, Alike: 1})); !strings.HasSuffix(line, "b  none  (userns)\n") {
		t.Errorf("%q", line)
	}
	unknown := boxed(0)
	unknown.UserNS.UIDMap.OK, unknown.UserNS.UIDMap.Value = false, nil
	if line := string(tree.Append(nil, &Branch{Listed: unknown, Parent: &from, Alike: 1})); !strings.HasSuffix(line, "b  none\n") {
		t.Errorf("%q", line)
	}
	if !Alike(boxed(100000), boxed(100000)) || Alike(boxed(100000), boxed(200000)) {
		t.Error("Alike goes by the inode alone")
	}
}

// TestTreeDeep: lines do not grow with the depth.
func TestTreeDeep(t *testing.T) {
	tree := Tree{All: caps.First(caps.Named), Width: 80}
	p := listedProcess(1, "sh", 0)
	for depth := range 1000 {
		line := string(tree.Append(nil, &Branch{Listed: &p, Parent: &p, Depth: depth, Alike: 1, Last: true}))
		if len(line) > 90 {
			t.Fatalf("depth %d: %q", depth, line)
		}
		if depth > maxLevels && !strings.Contains(line, "("+strconv.Itoa(depth)+") sh") {
			t.Fatalf("depth %d is not said: %q", depth, line)
		}
	}
}

// TestTreeWidth: what is held and what changes make room for each other.
func TestTreeWidth(t *testing.T) {
	from, to := listedProcess(1, "a", 0), listedProcess(2, "a-process", 0xff00ff)
	to.Inheritable, to.Ambient = 0xf, 0xf
	tree := Tree{All: caps.First(caps.Named), Width: 80}
	line := string(tree.Append(nil, &Branch{Listed: &to, Parent: &from, Depth: 3, Alike: 1}))
	if len(line) > 81 || !strings.Contains(line, "(+16, inh +4, amb +4)") {
		t.Errorf("%d: %q", len(line), line)
	}
}

// TestTreeFits: the number of a user namespace and then the name give way where a
// container's makes the line too long.
func TestTreeFits(t *testing.T) {
	from, to := listedProcess(1, "a", caps.First(caps.Named)), listedProcess(4194304, "a-process-name", catalog.DockerDefault)
	to.Bounding = catalog.DockerDefault
	to.Container.Value = container.Container{Runtime: catalog.Podman, ID: strings.Repeat("0123456789abcdef", 4)}
	for _, color := range []term.Color{false, true} {
		tree := Tree{All: caps.First(caps.Named), Width: 80, Color: color}
		line := stripColor(string(tree.Append(nil, &Branch{Listed: &to, Parent: &from, Depth: 3, Alike: 1})))
		if len(line) > 81 || !strings.Contains(line, "a-pro") || !strings.Contains(line, "~ [podman:") || !strings.HasSuffix(line, "  docker-default  (-27, bnd -27)\n") {
			t.Errorf("%d: %q", len(line), line)
		}
	}
	to.UserNS.Inode, to.Name = cred.Is(uint64(4026532398)), "sleep"
	for depth, want := range map[int]string{
		1: " sleep [podman:0123~]  docker-default  (-27, bnd -27, userns)\n",
		2: " sleep [podman:0~]  docker-default  (-27, bnd -27, userns)\n",
		3: " sleep [podma~]  docker-default  (-27, bnd -27, userns)\n",
		4: " sleep [po~]  docker-default  (-27, bnd -27, userns)\n",
	} {
		tree := Tree{All: caps.First(caps.Named), Width: 80}
		line := string(tree.Append(nil, &Branch{Listed: &to, Parent: &from, Depth: depth, Alike: 1}))
		if len(line) != 81 || !strings.HasSuffix(line, want) {
			t.Errorf("%d: %q", len(line), line)
		}
	}
}
