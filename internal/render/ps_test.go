package render

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/caps"
	"capsh/internal/container"
	"capsh/internal/cred"
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
	evil.User, evil.UID.Effective = "", 4294967295
	evil.RunState, evil.Foreign.OK, evil.NoNewPrivs = 'Z', false, cred.Is(true)
	evil.Container = cred.Known[container.Container]{}
	boxed := listedProcess(333, "nginx", caps.DockerDefault)
	boxed.Container.Value = container.Container{Runtime: container.Docker, ID: strings.Repeat("0123456789abcdef", 4)}
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
		"      PID  USER                     NAME                             CONTAINER            MARK  HOLDS",
		"        1  root                     init                             -                    ----  full",
		`       22  4294967295               a\x1b[31m\n\xff) (zombie)        ?                    -b?n  none`,
		"      333  root                     nginx                            docker:0123456789ab  -bu-  docker-default",
		"4444/4445  a-user-with-a-long-name  a-name-that-is-longer-than-most  -                    a---  net_bind_service=epia",
		"",
	}, "\n")
	if got := string(list.Append(nil, rows)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	list.Width = 80
	want = strings.Join([]string{
		"      PID  USER          NAME                  CONTAINER            MARK  HOLDS",
		"        1  root          init                  -                    ----  full",
		`       22  4294967295    a\x1b[31m\n\xff) (z~  ?                    -b?n  none`,
		"      333  root          nginx                 docker:0123456789ab  -bu-  docker-default",
		"4444/4445  a-user-with~  a-name-that-is-long~  -                    a---  net_bind_service=epia",
		"",
	}, "\n")
	if got := string(list.Append(nil, rows)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
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

func TestListedJSON(t *testing.T) {
	var j JSON
	for _, p := range processes() {
		j.Reset()
		j.Listed(&p, nil)
		text := j.Bytes()
		if !utf8.Valid(text) || text[len(text)-1] != '\n' || strings.Count(string(text), "\n") != 1 {
			t.Errorf("not a line of UTF-8: %q", text)
		}
		var got struct {
			PID          int
			User         *string
			Contained    *bool
			Container    *struct{ Runtime, ID *string }
			Capabilities struct{ Permitted, Ambient []string }
			Differing    []any `json:"differing_threads"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if got.PID != p.PID || len(got.Capabilities.Permitted) != p.Permitted.Len() ||
			(got.User == nil) != (p.User == "") || (got.Contained == nil) != !p.Container.OK ||
			(got.Container != nil) != (p.Container.Value.Runtime != "") {
			t.Errorf("%+v is not %s", got, text)
		}
	}
}

func TestContainerName(t *testing.T) {
	for _, test := range []struct {
		c    container.Container
		want string
	}{
		{container.Container{}, "-"},
		{container.Container{Runtime: container.LXC, ID: "a\x1bb"}, `lxc:a\x1bb`},
		{container.Container{Runtime: container.Podman}, "podman"},
		{container.Container{Runtime: container.Kubernetes, PodUID: "01234567-89ab"}, "kubernetes:pod-01234567"},
	} {
		if got := ContainerName(cred.Is(test.c)); got != test.want {
			t.Errorf("%+v: %q, not %q", test.c, got, test.want)
		}
	}
}
