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

// shown are facts of a process in no container, and the assessment of them.
func shown(change func(f *container.Facts)) (*container.Facts, *container.Assessment) {
	f := container.Facts{
		Process: cred.Process{PID: 12, TID: 12, Name: "na\x1b[31mme\n", NSPID: []int{12}, Threads: 1,
			State: cred.State{UserNS: cred.UserNS{Inode: cred.Is(uint64(cred.InitialUserNS))}, AmbientSupported: true, NoNewPrivs: cred.Is(false)}},
		Kernel:   cred.Is(caps.First(41)),
		HostProc: true,
	}
	for k := range container.NamespaceKinds {
		f.Namespaces[k].Inode = cred.Is(container.InitialInode(k))
	}
	change(&f)
	a := container.Assess(&f)
	return &f, &a
}

type noNames struct{}

func (noNames) User(uint32) string  { return "" }
func (noNames) Group(uint32) string { return "we\x07ird" }

func TestSentence(t *testing.T) {
	hold := func(f *container.Facts, s caps.Set) {
		f.Process.Permitted, f.Process.Effective, f.Process.Bounding = s, s, s
	}
	in := func(f *container.Facts) {
		f.Process.NSPID = []int{12, 1}
		f.Namespaces[container.PIDNS].Inode = cred.Is(uint64(1))
		f.Cgroup = cred.Is("0::/system.slice/docker-" + strings.Repeat("ab", 32) + ".scope")
	}
	for _, c := range []struct {
		change func(f *container.Facts)
		want   string
	}{
		{func(f *container.Facts) { hold(f, caps.First(41)) }, "Root on the host: a full set."},
		{func(f *container.Facts) { hold(f, caps.First(41)&^caps.Of(caps.SysTime)) }, "Root on the host: all but sys_time."},
		{func(f *container.Facts) { f.Host = cred.Is(caps.First(40)); hold(f, caps.First(40)) }, "Root on the host: all but checkpoint_restore, which is all that the host gives."},
		{func(f *container.Facts) { f.Host = cred.Is(caps.First(30)); hold(f, caps.First(30)) }, "Root on the host: all but 11, which is all that the host gives."},
		{func(f *container.Facts) { in(f); hold(f, catalog.DockerDefault) }, "Root in a container of docker: docker's default set."},
		{func(f *container.Facts) { in(f); hold(f, catalog.DockerDefault|caps.Of(caps.SysAdmin)) }, "Root in a container of docker: docker's default set and sys_admin."},
		{func(f *container.Facts) { in(f); hold(f, catalog.DockerDefault&^caps.Of(caps.Chown)) }, "Root in a container of docker: 13 of docker's default 14."},
		{func(f *container.Facts) { in(f); hold(f, caps.Of(caps.Chown, caps.Kill)) }, "Root in a container of docker: chown and kill."},
		{func(f *container.Facts) {
			f.Process.UID = cred.Same(1000)
			f.Process.Bounding = caps.First(41)
		}, "Uid 1000 on the host: no capability; executing a setuid or file-capability binary can add up to 41."},
		{func(f *container.Facts) {
			f.Process.UID = cred.Same(1000)
			f.Process.Bounding, f.Process.NoNewPrivs = caps.First(41), cred.Is(true)
		}, "Uid 1000 on the host: no capability; no_new_privs keeps it from gaining any."},
		{func(f *container.Facts) {
			hold(f, 0)
			f.Process.Threads, f.Process.ThreadsRead = 3, true
			f.Process.Differing = []cred.Process{{TID: 13, State: cred.State{Sets: cred.Sets{Permitted: caps.Of(caps.Chown, caps.Kill)}}}}
		}, "Root on the host: no capability; thread 13 has chown and kill as well."},
		{func(f *container.Facts) { hold(f, 0); f.Process.Threads = 3 }, "Root on the host: no capability; what its other threads have is unknown."},
		{func(f *container.Facts) {
			f.Process.Inheritable, f.Process.Bounding = caps.SysAdmin.Set(), caps.Chown.Set()
		}, "Root on the host: no capability; executing a setuid or file-capability binary can add up to 2."},
		{func(f *container.Facts) { hold(f, caps.First(41)); f.Process.Effective = 0 }, "Root on the host: a full set; none is effective until raised."},
		{func(f *container.Facts) { hold(f, caps.First(41)); f.Process.Effective &^= 3 }, "Root on the host: a full set; 2 not effective until raised."},
		{func(f *container.Facts) {
			hold(f, caps.First(41))
			f.Process.UserNS.Inode, f.Namespaces[container.UserNS].Inode = cred.Is(uint64(4026532841)), cred.Is(uint64(4026532841))
			f.Owner = cred.Is(uint32(1000))
		}, "Root in namespaces of its own: a full set, but only inside user namespace 4026532841 owned by uid 1000."},
		{func(f *container.Facts) {
			hold(f, caps.First(41))
			f.Process.UserNS.Inode, f.Namespaces[container.UserNS].Inode = cred.Known[uint64]{}, cred.Known[uint64]{}
		}, "Root on the host: a full set, in an unknown user namespace."},
	} {
		f, a := shown(c.change)
		if got := Sentence(f, a, noNames{}); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// TestMarksExplained: what !! and ! mean is said where there is one.
func TestMarksExplained(t *testing.T) {
	for held, want := range map[caps.Set]bool{caps.SysAdmin.Set(): true, caps.Chown.Set(): true, caps.Kill.Set(): false} {
		f, a := shown(func(f *container.Facts) { f.Process.Bounding = held })
		if text := string(Show(nil, f, a, noNames{}, 80, false)); strings.Contains(text, "allows escape to the host") != want {
			t.Errorf("%v:\n%s", held, text)
		}
	}
}

// TestEffectsMarked: in a child user namespace a row is marked with how much of the
// capability counts there, elsewhere what takes its effect away stands in the row.
func TestEffectsMarked(t *testing.T) {
	const legend = "- no effect, ~ part of its effect in this user namespace"
	child := func(f *container.Facts) {
		f.Process.UserNS.Inode, f.Namespaces[container.UserNS].Inode = cred.Is(uint64(5)), cred.Is(uint64(5))
	}
	for _, test := range []struct {
		change func(*container.Facts)
		held   caps.Cap
		row    string
		legend bool
	}{
		{child, caps.Mknod, "\n - mknod ", true},
		{child, caps.Kill, "\n ~ kill ", true},
		{child, caps.Chown, "\n   chown ", false},
		{func(*container.Facts) {}, caps.Kill, "\n   kill ", false},
		{func(*container.Facts) {}, caps.SysModule, "\n!! sys_module ", false},
		{func(f *container.Facts) { f.Modules = cred.Is(false) }, caps.SysModule, "\n   sys_module          * . . . .  load and unload kernel modules; no effect: this kernel", false},
		{func(f *container.Facts) { f.Settings.PortStart = cred.Is[uint32](0) }, caps.NetBindService, "  bind to ports below 1024; not needed for IP", false},
	} {
		f, a := shown(func(f *container.Facts) { f.Process.Bounding = test.held.Set(); test.change(f) })
		text := string(Show(nil, f, a, noNames{}, 90, false))
		if !strings.Contains(text, test.row) || strings.Contains(text, legend) != test.legend {
			t.Errorf("%v: no %q, or the legend %v:\n%s", test.held, test.row, test.legend, text)
		}
	}
}

// TestUnknownUserNS: who may not see which user namespace it is goes by its uid_map,
// and all that is said of it agrees.
func TestUnknownUserNS(t *testing.T) {
	for _, c := range []struct {
		m                           []cred.IDRange
		userns, sentence, container string
		marked                      bool
	}{
		{[]cred.IDRange{{Outside: 1000, Count: 1}}, "not the host's, by its uid_map", ", but only inside a user namespace that is not the host's.", "only new namespaces (user)", false},
		{[]cred.IDRange{{Count: 1<<32 - 1}}, "unknown; its uid_map is that of the initial one", ", if its user namespace is the host's.", "none", true},
		{nil, "unknown", ", in an unknown user namespace.", "none", true},
	} {
		f, a := shown(func(f *container.Facts) {
			f.Process.Permitted, f.Process.Bounding = caps.First(41), caps.First(41)
			f.Process.Effective = f.Process.Permitted
			f.Process.UserNS = cred.UserNS{UIDMap: cred.Known[[]cred.IDRange]{Value: c.m, OK: c.m != nil}}
			f.Namespaces[container.UserNS].Inode = cred.Known[uint64]{}
		})
		text := string(Show(nil, f, a, noNames{}, 200, false))
		for _, want := range []string{"userns       " + c.userns, "a full set" + c.sentence + "\n", c.container} {
			if !strings.Contains(text, want) {
				t.Errorf("%v: no %q in\n%s", c.m, want, text)
			}
		}
		if marked := strings.Contains(text, "!!"); marked != c.marked {
			t.Errorf("%v: marks %v:\n%s", c.m, marked, text)
		}
	}
}

// TestThreads: how many there are follows from their ids, and a process that has
// ended from one of which only the first thread has.
func TestThreads(t *testing.T) {
	differing := []cred.Process{{TID: 59}, {TID: 60}}
	for _, c := range []struct {
		p    cred.Process
		want string
	}{
		{cred.Process{Threads: 1}, ""},
		{cred.Process{Threads: 13, ThreadsRead: true}, ""},
		{cred.Process{Threads: 13}, ", 13 threads, whether they differ is unknown"},
		{cred.Process{Threads: 13, ThreadsRead: true, Differing: differing[:1]}, ", 13 threads, 1 differs (TID 59)"},
		{cred.Process{Threads: 13, ThreadsRead: true, Differing: differing}, ", 13 threads, 2 differ (TIDs 59, 60)"},
	} {
		if got := differingText(&c.p); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	for threads, want := range map[int][2]string{
		0: {"7 (a), a zombie", "a (zombie)"},
		1: {"7 (a), a zombie", "a (zombie)"},
		2: {"7 (a), a zombie of which 1 thread still runs", "a (zombie, 1 thread runs)"},
		4: {"7 (a), a zombie of which 3 threads still run", "a (zombie, 3 threads run)"},
	} {
		p := Listed{Process: cred.Process{PID: 7, TID: 7, Name: "a", RunState: 'Z', Threads: threads}}
		if got := [2]string{processText(&p.Process), p.shownName()}; got != want {
			t.Errorf("%d threads: %q, want %q", threads, got, want)
		}
	}
	if got := processText(&cred.Process{PID: 7, TID: 8, RunState: 'Z', Threads: 4}); got != "7/8, a zombie" {
		t.Error(got)
	}
}

// TestShowWidth: no line is wider than asked, nothing acts on the terminal, and
// colour changes nothing but colour.
func TestShowWidth(t *testing.T) {
	f, a := shown(func(f *container.Facts) {
		f.Process.Permitted, f.Process.Bounding = caps.First(50), caps.First(50)
		f.Label = cred.Is("evil\x1b]0;x\x07")
		f.Process.Groups = []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
		f.Process.Threads, f.Process.ThreadsRead = 9, true
		f.Process.Differing = make([]cred.Process, 7)
	})
	for _, width := range []int{80, 104, 120} {
		plain := string(Show(nil, f, a, noNames{}, width, false))
		for line := range strings.Lines(plain) {
			if utf8.RuneCountInString(line)-1 > width {
				t.Errorf("wider than %d: %q", width, line)
			}
		}
		if strings.ContainsAny(plain, "\x1b\x07") {
			t.Errorf("unescaped: %q", plain)
		}
		if colored := stripColor(string(Show(nil, f, a, noNames{}, width, true))); colored != plain {
			t.Errorf("colour changes more: %q\n%q", colored, plain)
		}
		for _, want := range []string{"9 threads, 7 differ (TIDs 0, 0, 0, 0, 0 and 2 more)", "and 2 more", "49", "no_new_privs off, seccomp unknown"} {
			if !strings.Contains(strings.Join(strings.Fields(plain), " "), want) {
				t.Errorf("no %q in\n%s", want, plain)
			}
		}
	}
}

func TestShowNothing(t *testing.T) {
	f, a := shown(func(*container.Facts) {})
	if text := string(Show(nil, f, a, noNames{}, 80, false)); !strings.Contains(text, "\nNo capability in any set.\n") {
		t.Error(text)
	}
}

// boxedFacts are those of a container that gives much away.
func boxedFacts(f *container.Facts) {
	f.Process.NSPID = []int{12, 1}
	f.Namespaces[container.PIDNS].Inode = cred.Is(uint64(1))
	f.Cgroup = cred.Is("0::/lxc.payload.a\x1bb")
	f.Process.Permitted, f.Process.Bounding = caps.First(50), caps.First(50)
	f.Sockets = cred.Is([]container.Socket{{Path: "/run/docker.sock"}})
	f.Devices = cred.Is([]container.Device{{Path: "/dev/s\x1bda", Block: true, Major: 8}})
}

func TestAssessmentText(t *testing.T) {
	f, a := shown(boxedFacts)
	for _, width := range []int{80, 120} {
		plain := string(Assessment(nil, &f.Process, a, noNames{}, false, width, false))
		for line := range strings.Lines(plain) {
			if utf8.RuneCountInString(line)-1 > width {
				t.Errorf("wider than %d: %q", width, line)
			}
		}
		if strings.Contains(plain, "\x1b") {
			t.Errorf("unescaped: %q", plain)
		}
		if colored := stripColor(string(Assessment(nil, &f.Process, a, noNames{}, false, width, true))); colored != plain {
			t.Errorf("colour changes more: %q\n%q", colored, plain)
		}
		for _, want := range []string{"verdict    privileged: ", `lxc a\x1bb`, `/dev/s\x1bda`, "critical  runtime-socket  /run/docker.sock\n", "\nunknown   "} {
			if !strings.Contains(plain, want) {
				t.Errorf("no %q in\n%s", want, plain)
			}
		}
	}
}

// TestNoContainerText: what seems to say that it is a container is not passed over.
func TestNoContainerText(t *testing.T) {
	const none = "none: it is in the host's PID namespace and shows no sign of a runtime"
	for want, dockerEnv := range map[string]bool{none: false, none + " (/.dockerenv exists, which is not sufficient evidence)": true} {
		_, a := shown(func(f *container.Facts) { f.DockerEnv = cred.Is(dockerEnv) })
		if got := containerText(a); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
