package schema

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/container"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
	"capsh/internal/rules/filecap"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/term"

	"github.com/google/go-cmp/cmp"
)

func TestAppendEscapes(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"quote and backslash", "a\"b\\c", `"a\"b\\c"`},
		{"controls", "\n\t\r\b\x00\x1b\x7f", `"\n\t\r\b\u0000\u001b\u007f"`},
		{"bidirectional", "\u2028\u2029\u202e", `"\u2028\u2029\u202e"`},
		{"beyond 16 bits", "\U000e0001", `"\udb40\udc01"`},
		{"visible", "é 漢 😀", `"é 漢 😀"`},
		{"markup", "<a&b>", `"<a&b>"`},
		{"not UTF-8", "\xff\xc3", `"\ufffd\ufffd"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want+"\n", string(Append(nil, test.in))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			// A known value is encoded on its own.
			if diff := cmp.Diff(test.want+"\n", string(Append(nil, cred.Is(test.in)))); diff != "" {
				t.Errorf("known: -want +got\n%s", diff)
			}
		})
	}
}

// FuzzAppend: nothing hidden stands bare, and what is read back is what was written.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "a\"\\\x00\x1f", "\u2028\u202e\ufeff", "\xff\xed\xa0\x80", "\U000e0001\U0010ffff", `\u202e`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := Append(nil, map[string]string{s: s})
		text := strings.TrimSuffix(string(line), "\n")
		if !utf8.ValidString(text) {
			t.Fatalf("not UTF-8: %q", text)
		}
		for _, r := range text {
			if term.Hidden(r) {
				t.Fatalf("%U stands bare in %q", r, text)
			}
		}
		var got map[string]string
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		valid := string([]rune(s)) // one U+FFFD for each byte that is not UTF-8
		if diff := cmp.Diff(map[string]string{valid: valid}, got); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}

// TestDocuments: the members that scripts rely on, in their order. What is not
// known is null, what is empty is not.
func TestDocuments(t *testing.T) {
	p := cred.Process{PID: 7, TID: 7, PPID: 1, Name: "a\x1bb", RunState: 'S', Threads: 1, NSPID: []int{7}, ThreadsRead: true}
	p.UID, p.AmbientSupported = cred.IDs{Real: 1, Effective: 2, Saved: 3, FS: 4}, true
	p.Bounding, p.Securebits = caps.Of(caps.Chown, 41), cred.Is(cred.NoRoot|cred.NoRootLocked)
	p.UserNS.UIDMap = cred.Is([]cred.IDRange{{Inside: 0, Outside: 1000, Count: 1}})
	const identity = `"pid":7,"tid":7,"ppid":1,"name":"a\u001bb","state":"S","threads":1,"nspid":[7]`
	const state = `"uid":{"real":1,"effective":2,"saved":3,"fs":4},"gid":{"real":0,"effective":0,"saved":0,"fs":0},"groups":[],` +
		`"capabilities":{"bounding":["CAP_CHOWN","41"],"effective":[],"permitted":[],"inheritable":[],"ambient":[]},` +
		`"masks":{"bounding":"0000020000000001","effective":"0000000000000000","permitted":"0000000000000000","inheritable":"0000000000000000","ambient":"0000000000000000"},` +
		`"securebits":{"value":3,"set":["noroot"],"locked":["noroot"]},"no_new_privs":null`
	docker := cred.Is(container.Container{Runtime: "docker", ID: "0123", Name: "web"})
	var nothing cred.Process
	for _, test := range []struct {
		name     string
		document any
		want     string
	}{
		{"process", NewProcess(&p, cred.Is(cred.ModeHybrid)), `{"version":1,` + identity + `,` + state + `,"seccomp":null,"label":null,` +
			`"user_namespace":{"inode":null,"initial":false,"uid_map":[{"inside":0,"outside":1000,"count":1}],"gid_map":null,"setgroups":null},` +
			`"mode":"HYBRID","differing_threads":[]}`},
		{"listed", NewListed(&p, "", docker), `{"version":1,` + identity + `,"user":null,` + state + `,"seccomp":null,` +
			`"user_namespace":{"inode":null,"initial":false},"contained":true,"container":{"runtime":"docker","id":"0123","pod_uid":null,"name":"web"},"differing_threads":[]}`},
		{"unknown", NewMode(&nothing, cred.Known[cred.Mode]{}), `{"version":1,"pid":0,"tid":0,"mode":null}`},
		{"unread container", NewAssessment(&p, &container.Assessment{Identity: container.Identity{Container: docker.Value, Contained: cred.Is(true)}}),
			`{"version":1,"pid":7,"tid":7,"name":"a\u001bb","verdict":"unknown","partial":false,"contained":true,` +
				`"container":{"runtime":"docker","id":"0123","pod_uid":null,"name":"web"},"evidence":[],"default":null,"reach":null,"findings":[]}`},
		{"modes", NewModes(cred.Modes()), `{"version":1,"modes":["NOPRIV","PURE1E_INIT","PURE1E","HYBRID"]}`},
		{"mask", NewDecoded(caps.Of(caps.NetRaw)), `{"version":1,"mask":"0000000000002000","capabilities":["CAP_NET_RAW"]}`},
		{"file", NewFile(&filecap.Grants{Path: "/a", Mode: 0o104755}, 41), `{"version":1,"path":"/a","mode":"04755","uid":0,"gid":0,` +
			`"setuid":true,"setgid":false,"has_capabilities":false,"file_capabilities":null,"honoured":true,"ignored_because":[],"unknown_because":[]}`},
		{"unnamed capability", NewCatalog([]caps.Cap{63}, 41), `{"version":1,"capabilities":[{"name":"63","number":63,"mask":"8000000000000000",` +
			`"supported":false,"docker_default":false,"cap_add":null,"since":null,"brief":null,"permits":null,"use":null,"danger":null,"root":null,"root_with":null,"host":null,"user_namespace":null,"inside":null,"sources":null}]}`},
		{"expectations", NewExpectations(&p, []expect.Expr{{Text: "nnp"}}, []expect.Verdict{{Result: expect.Unknown, Message: "why"}}),
			`{"version":1,"pid":7,"tid":7,"passed":false,"expressions":[{"expression":"nnp","result":"unknown","message":"why"}]}`},
		{"capset step", Step{plan.Capset{}}, `{"step":"capset","text":"capset effective none; permitted none; inheritable none",` +
			`"effective":[],"permitted":[],"inheritable":[]}`},
		{"ids step", Step{plan.Setresuid{IDs: cred.Same(5)}}, `{"step":"setresuid","text":"setresuid 5","real":5,"effective":5,"saved":5}`},
		{"id that stays", Step{plan.Setresgid{IDs: cred.IDs{Real: 5, Effective: cred.Unchanged, Saved: cred.Unchanged}}},
			`{"step":"setresgid","text":"setresgid real 5, effective unchanged, saved unchanged","real":5,"effective":null,"saved":null}`},
		{"limit step", Step{plan.SetRlimit{Rlimit: plan.Rlimit{Name: "nofile", Resource: 7, Soft: 1, Hard: 2, Raises: true}}},
			`{"step":"rlimit","text":"rlimit nofile 1:2","name":"nofile","soft":1,"hard":2}`},
		{"groups step", Step{plan.Setgroups{Groups: []uint32{}}}, `{"step":"setgroups","text":"setgroups none","groups":[]}`},
		{"signals step", Step{plan.SetSignals{Signals: plan.Signals{Ignore: 1}}},
			`{"step":"signals","text":"restore signals; ignore HUP","ignore":["HUP"],"default":[],"block":[]}`},
		{"landlock step", Step{plan.RestrictLandlock{Landlock: plan.Landlock{Access: 1, Rules: []plan.LandlockRule{{Access: 1, Path: "/", FD: 3}}}}},
			`{"step":"landlock","text":"landlock execute; allow execute beneath /","rights":["execute"],"rules":[{"path":"/","rights":["execute"]}]}`},
		{"filter step", Step{plan.FilterSeccomp{Path: "/f", Filter: make([]byte, 16)}}, `{"step":"seccomp","text":"seccomp filter /f","path":"/f","instructions":2}`},
		{"step without operands", Step{plan.NoNewPrivs{}}, `{"step":"no_new_privs","text":"no_new_privs"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want+"\n", string(Append(nil, test.document))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestRoot: a process without a parent has gained nothing that is known.
func TestRoot(t *testing.T) {
	line := string(Append(nil, NewBranch(Listed{}, 0, cred.Known[caps.Set]{})))
	if !strings.HasSuffix(line, `,"depth":0,"gained":null}`+"\n") {
		t.Error(line)
	}
}
