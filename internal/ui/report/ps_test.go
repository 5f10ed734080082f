package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
)

// listedProcess is a process of root that holds some.
func listedProcess(pid int, name string, held caps.Set) Listed {
	var p Listed
	p.PID, p.TID, p.PPID, p.Name, p.User = pid, pid, 1, name, "root"
	p.Effective, p.Permitted, p.Bounding = held, held, caps.First(caps.Named)
	p.NoNewPrivs, p.Foreign = cred.Is(false), cred.Is(false)
	p.UserNS.Inode = cred.Is(uint64(cred.InitialUserNS))
	p.Container, p.AmbientSupported = cred.Known[container.Container]{OK: true}, true
	return p
}

func processes() []Listed {
	plain := listedProcess(1, "init", caps.First(caps.Named))
	evil := listedProcess(22, "a\x1b[31m\n\xff)", 0)
	evil.User, evil.UID.Effective = "", cred.UnknownID
	evil.RunState, evil.Foreign.OK, evil.NoNewPrivs = 'Z', false, cred.Is(true)
	evil.Container = cred.Known[container.Container]{}
	boxed := listedProcess(333, "nginx", catalog.DockerDefault)
	boxed.Container.Value = container.Container{Runtime: catalog.Docker, ID: strings.Repeat("0123456789abcdef", 4)}
	boxed.Foreign = cred.Is(true)
	ambient := listedProcess(4444, "a-name-that-is-longer-than-most", 0)
	ambient.User = "a-user-with-a-long-name"
	ambient.Sets = cred.Sets{Effective: 1 << 10, Permitted: 1 << 10, Inheritable: 1 << 10, Ambient: 1 << 10, Bounding: 1 << 10}
	return []Listed{plain, evil, boxed, ambient}
}

func TestList(t *testing.T) {
	var rows []Row
	for _, p := range processes() {
		rows = append(rows, NewRow(&p))
	}
	rows[3].TID = 4445
	list := List{All: caps.First(caps.Named)}
	want := strings.Join([]string{
		"      PID  USER                     NAME                             CONTAINER            MARK  HAS",
		"        1  root                     init                             -                    ----  full",
		`       22  ?                        a\x1b[31m\n\xff) (zombie)        ?                    --?n  none`,
		"      333  root                     nginx                            docker:0123456789ab  -bu-  docker-default",
		"4444/4445  a-user-with-a-long-name  a-name-that-is-longer-than-most  -                    a---  net_bind_service=epia",
		"",
	}, "\n")
	if got := string(list.Append(nil, rows)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	list.Width = 80
	want = strings.Join([]string{
		"      PID  USER          NAME          CONTAINER     MARK  HAS",
		"        1  root          init          -             ----  full",
		`       22  ?             a\x1b[31m\n~  ?             --?n  none`,
		"      333  root          nginx         docker:0123~  -bu-  docker-default",
		"4444/4445  a-user-with~  a-name-that~  -             a---  net_bind_service=epia",
		"",
	}, "\n")
	if got := string(list.Append(nil, rows)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestListFits: a line has room on the terminal, also where a container has a long
// name and what is held can't be said in less.
func TestListFits(t *testing.T) {
	all := caps.First(caps.Named)
	for _, sets := range []cred.Sets{
		{Effective: all &^ caps.SysResource.Set(), Permitted: all &^ caps.SysResource.Set()},
		{Permitted: all &^ caps.CheckpointRestore.Set(), Inheritable: all &^ caps.CheckpointRestore.Set()},
		{Effective: 0xff0ff, Permitted: 0xfffff, Inheritable: 0x0f0f0f, Ambient: 0x0f000f},
	} {
		p := listedProcess(4194304, "a-name-that-is-longer", 0)
		p.User, p.Sets = "a-user-with-a-long-name", sets
		p.Container.Value = container.Container{Runtime: catalog.Containerd, ID: strings.Repeat("0123456789abcdef", 4)}
		for _, width := range []int{80, 100, 120} {
			list := List{All: all, Width: width}
			for line := range strings.Lines(string(list.Append(nil, []Row{NewRow(&p)}))) {
				if n := utf8.RuneCountInString(line) - 1; n > width {
					t.Errorf("%d of %d columns: %s", n, width, line)
				}
			}
		}
	}
}

// TestListColor: with the colours taken off it is the same table.
func TestListColor(t *testing.T) {
	var rows []Row
	for _, p := range processes() {
		rows = append(rows, NewRow(&p))
	}
	plain := List{All: caps.First(caps.Named)}
	colored := List{All: caps.First(caps.Named), Color: true}
	with, without := colored.Append(nil, rows), plain.Append(nil, rows)
	if got := stripColor(string(with)); got != string(without) {
		t.Errorf("got\n%s\nwant\n%s", got, without)
	}
	if len(with) == len(without) {
		t.Error("no colours")
	}
}

func stripColor(s string) string {
	for {
		before, after, ok := strings.Cut(s, "\x1b[")
		if !ok {
			return s
		}
		_, after, _ = strings.Cut(after, "m")
		s = before + after
	}
}

func TestContainerName(t *testing.T) {
	for _, test := range []struct {
		c    container.Container
		want string
	}{
		{container.Container{}, "-"},
		{container.Container{Runtime: catalog.LXC, ID: "a\x1bb"}, `lxc:a\x1bb`},
		{container.Container{Runtime: catalog.Podman}, "podman"},
		{container.Container{Runtime: catalog.Podman, ID: "0123", Name: "web"}, "podman:web"},
		{container.Container{Runtime: catalog.Kubernetes, PodUID: "01234567-89ab"}, "kubernetes:pod-01234567"},
	} {
		if got := containerName(cred.Is(test.c)); got != test.want {
			t.Errorf("%+v: %q, not %q", test.c, got, test.want)
		}
	}
}

// TestMarkMore: what only the inheritable set has an execve can give, too, but nothing
// under no_new_privs; without anything to give no_new_privs is of no matter.
func TestMarkMore(t *testing.T) {
	p := listedProcess(1, "a", 0)
	off, on, unknown := cred.Is(false), cred.Is(true), cred.Known[bool]{}
	for _, test := range []struct {
		bounding, inheritable, permitted caps.Set
		nnp                              cred.Known[bool]
		want                             string
	}{
		{0, 0, 0, off, "----"}, {2, 0, 0, off, "-b--"}, {0, 2, 0, off, "-b--"}, {2, 2, 2, off, "----"}, {2, 4, 2, off, "-b--"},
		{2, 0, 0, on, "---n"}, {2, 4, 2, on, "---n"}, {2, 4, 2, unknown, "-?-?"}, {2, 2, 2, unknown, "---?"},
	} {
		p.Bounding, p.Inheritable, p.Permitted, p.NoNewPrivs = test.bounding, test.inheritable, test.permitted, test.nnp
		if got := marks(&p); string(got[:]) != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
