package expect

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"capsh/internal/rules/accounts"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
)

// world is a machine with 41 capabilities, one user and one group.
var files = accounts.Files{Read: func(path string) ([]byte, error) {
	text := map[string]string{accounts.PasswdPath: "root:x:0:0:::\n", accounts.GroupPath: "adm:x:4:\n"}[path]
	return []byte(text), nil
}}

var world = World{Bits: 41, User: files.UID, Group: files.GID}

// typical is a process in a container: Docker's default set and a bit more.
func typical() cred.Process {
	p := cred.Process{PID: 7, TID: 7, Threads: 1, ThreadsRead: true, Seccomp: cred.Is(cred.SeccompFilter)}
	p.Bounding = catalog.DockerDefault | caps.SysAdmin.Set()
	p.Permitted = caps.Of(caps.Chown, caps.Setuid)
	p.Effective = caps.Chown.Set()
	p.AmbientSupported = true
	p.UID = cred.IDs{Real: 0, Effective: 1000, Saved: 5, FS: 6}
	p.GID = cred.Same(4)
	p.Groups = []uint32{4, 20}
	p.NoNewPrivs = cred.Is(true)
	p.Securebits = cred.Is(cred.NoRoot | cred.NoRootLocked)
	p.UserNS.Inode = cred.Is(uint64(4026532841))
	return p
}

// TestJudge: each expression holds, or says in what it differs.
func TestJudge(t *testing.T) {
	for _, test := range []struct{ text, message string }{
		{"eff=chown", ""},
		{"effective=CAP_CHOWN", ""},
		{"eff=0,chown", ""},
		{"eff=kill", "effective: has cap_chown beyond kill, and lacks cap_kill"},
		{"eff=none", "effective: has cap_chown"},
		{"eff!=chown", "effective: is chown"},
		{"eff!=none", ""},
		{"inh=none", ""},
		{"inh!=none", "inheritable: is empty"},
		{"amb!=none", "ambient: is empty"},
		{"prm>=chown", ""},
		{"eff=all", "effective: has only cap_chown, and lacks 40 capabilities"},
		{"bnd<=kill,docker", "bounding: has cap_sys_admin beyond kill,docker"},
		{"prm>=chown,kill", "permitted: lacks cap_kill"},
		{"prm>chown,setuid", "permitted: has nothing beyond chown,setuid"},
		{"prm>chown", ""},
		{"prm>none", ""},
		{"inh>none", "inheritable: has nothing"},
		{"prm<chown,setuid", "permitted: is all of chown,setuid"},
		{"prm<chown,setuid,kill", ""},
		{"prm<chown,kill", "permitted: has cap_setuid beyond chown,kill"},
		{"prm<=chown,setuid", ""},
		{"bnd<=docker", "bounding: has cap_sys_admin beyond docker"},
		{"prm!~kill,sys_admin", ""},
		{"prm!~kill,setuid,chown", "permitted: has cap_chown, cap_setuid"},
		{"eff!~setuid", ""},
		{"inh!~all", ""},
		{"groups!~adm,7", "groups: has 4"},
		{"groups!~7", ""},
		{"securebits!~keep_caps", ""},
		{"securebits!~noroot,keep_caps", "securebits: has noroot"},
		{"bnd<=docker,sys_admin", ""},
		{"bnd=docker,sys_admin", ""},
		{"bounding>docker", ""},
		{"bnd<all", ""},
		{"bnd<=podman,sys_admin", "bounding: has cap_net_raw, cap_mknod, cap_audit_write beyond podman,sys_admin"},
		{"nnp", ""},
		{"!nnp", "no_new_privs: is set"},
		{"seccomp=filter", ""},
		{"seccomp=off", "seccomp: is filter, not off"},
		{"seccomp!=filter", "seccomp: is filter"},
		{"uid=0", ""},
		{"uid=root", ""},
		{"euid=root", "euid: is 1000, not root (0)"},
		{"euid!=1000", "euid: is 1000"},
		{"suid=5", ""},
		{"fsuid=6", ""},
		{"gid=adm", ""},
		{"egid=4294967294", "egid: is 4, not 4294967294"},
		{"groups=4,20", ""},
		{"groups=20,adm", ""},
		{"groups>=adm", ""},
		{"groups<=adm", "groups: has 20 beyond adm"},
		{"groups=none", "groups: has 4, 20"},
		{"groups=adm,7,7", "groups: has 20 beyond adm,7,7, and lacks 7"},
		{"userns=initial", "user namespace: is 4026532841, not initial"},
		{"userns!=initial", ""},
		{"userns=4026532841", ""},
		{"securebits=noroot+locked", ""},
		{"securebits=noroot,noroot_locked", ""},
		{"securebits=3", ""},
		{"securebits=0x2f", "securebits: lacks no_setuid_fixup, no_setuid_fixup_locked, keep_caps_locked"},
		{"securebits=none", "securebits: has noroot, noroot_locked"},
		{"securebits>=noroot", ""},
		{"mode=uncertain", ""},
		{"mode=HYBRID", "mode: is UNCERTAIN, not HYBRID"},
	} {
		e, err := Parse(test.text, world)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		p := typical()
		v := e.Judge(&p)
		if v.Message != test.message || (v.Result == Pass) != (test.message == "") {
			t.Errorf("%s: %s %q, want %q", test.text, v.Result, v.Message, test.message)
		}
	}
}

// TestManyGroups: what a comparison allocates grows as the number of groups does, not as
// its square.
func TestManyGroups(t *testing.T) {
	e, err := Parse("groups=none", world)
	if err != nil {
		t.Fatal(err)
	}
	p := typical()
	allocated := func(groups int) uint64 {
		p.Groups = p.Groups[:0]
		for i := range groups {
			p.Groups = append(p.Groups, uint32(100000+i))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if v := e.Judge(&p); v.Result != Fail || !strings.HasSuffix(v.Message, fmt.Sprint(", ", 100000+groups-1)) {
			t.Errorf("%v", v)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if few, many := allocated(1<<9), allocated(1<<13); many > 40*few {
		t.Errorf("512 groups: %d bytes, 8192: %d", few, many)
	}
}

// TestParseErrors: what is none of the language says so.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "it is empty",
		"eff":                             "needs an operator and a value: eff=...",
		"ef":                              "did you mean eff?",
		"efff=chown":                      "did you mean eff?",
		"=chown":                          `unknown subject ""`,
		"eff=":                            "needs a value",
		"eff==chown":                      "operator must be",
		"eff<>chown":                      "operator must be",
		"eff!chown":                       "operator must be",
		"eff~chown":                       "operator must be",
		"eff!~none":                       "eff=none",
		"uid!~0":                          "must be = or !=",
		"27589":                           "--pid=27589",
		"7/9":                             "--pid=7/9",
		"eff=!chown":                      "operator must be",
		"eff =chown":                      `unknown subject "eff "`,
		"eff= chown":                      "unknown",
		"eff=chown,":                      "empty",
		"eff=none,chown":                  "stand alone",
		"eff=docker,none":                 "stand alone",
		"eff=64":                          "out of range",
		"eff=dokcer":                      "unknown",
		"nnp=1":                           "nnp has no value: it is nnp or !nnp",
		"nnp!=1":                          "nnp has no value",
		"NNP":                             "did you mean nnp?",
		"!seccomp=off":                    "unknown subject",
		"seccomp=on":                      "must be one of off",
		"seccomp<=filter":                 "not a set",
		"uid>=0":                          "not a set",
		"uid=01":                          "begins with 0",
		"uid=-1":                          "neither a name nor a number",
		"uid=4294967295":                  "out of range",
		"uid=1x":                          "no user",
		"xuid=1":                          "unknown subject",
		"groups=":                         "needs a value",
		"groups=4,":                       "a name is empty",
		"groups=4,none":                   "no group",
		"userns=init":                     "must be initial",
		"userns=+1":                       "must be initial",
		"userns<1":                        "not a set",
		"securebits=root":                 "unknown securebit",
		"securebits=+locked":              "unknown securebit",
		"securebits=1x":                   "after its digits",
		"securebits=noroot_locked+locked": "a lock itself",
		"mode=fast":                       "must be one of",
		"mode<HYBRID":                     "not a set",
	} {
		_, err := Parse(text, world)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

// TestFull: of a set with nearly all capabilities these are not listed.
func TestFull(t *testing.T) {
	p, most := typical(), typical()
	p.Effective = caps.First(world.Bits)
	most.Effective = p.Effective &^ caps.Kill.Set()
	for _, c := range []struct {
		text   string
		p      *cred.Process
		wanted string
	}{
		{"eff=net_bind_service", &p, "effective: has all capabilities, 40 beyond net_bind_service"},
		{"eff=none", &p, "effective: has all capabilities"},
		{"eff<=kill,chown", &most, "effective: has all capabilities but cap_kill, 39 beyond kill,chown"},
		{"eff=kill", &most, "effective: has all capabilities but cap_kill, 40 beyond kill, and lacks cap_kill"},
	} {
		e, err := Parse(c.text, world)
		if err != nil {
			t.Fatal(err)
		}
		if v := e.Judge(c.p); v.Result != Fail || v.Message != c.wanted {
			t.Errorf("%s: %s %q", c.text, v.Result, v.Message)
		}
	}
}

// TestUnknown: what is not known passes in no form.
func TestUnknown(t *testing.T) {
	p := typical()
	p.NoNewPrivs.OK, p.Seccomp.OK, p.Securebits.OK, p.UserNS.Inode.OK = false, false, false, false
	for _, text := range []string{
		"nnp", "!nnp", "seccomp=off", "seccomp!=off", "userns=initial", "userns!=initial",
		"securebits=none", "securebits!=none", "securebits>=none", "mode=HYBRID", "mode!=HYBRID",
	} {
		e, err := Parse(text, world)
		if err != nil {
			t.Fatal(err)
		}
		if v := e.Judge(&p); v.Result != Unknown || !strings.Contains(v.Message, ": unknown") {
			t.Errorf("%s: %s %q", text, v.Result, v.Message)
		}
	}
}

// TestUserNSByMap: a user namespace whose inode is unknown is still known not to be
// the machine's where its map lacks an id, and nothing more.
func TestUserNSByMap(t *testing.T) {
	p := typical()
	p.UserNS = cred.UserNS{UIDMap: cred.Is([]cred.IDRange{{Inside: 0, Outside: 100000, Count: 65536}})}
	for text, want := range map[string]Verdict{
		"userns!=initial":    {},
		"userns!=4026531837": {},
		"userns=initial":     {Fail, "user namespace: is another, not initial"},
		"userns=4026532841":  {Unknown, "user namespace: unknown; reading it needs permission to trace the process"},
		"userns!=4026532841": {Unknown, "user namespace: unknown; reading it needs permission to trace the process"},
	} {
		e, err := Parse(text, world)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Judge(&p); got != want {
			t.Errorf("%s: %s %q", text, got.Result, got.Message)
		}
	}
}

// TestThreads: all threads must be as expected, and must have been read.
func TestThreads(t *testing.T) {
	e, err := Parse("eff=chown", world)
	if err != nil {
		t.Fatal(err)
	}
	p := typical()
	other := typical()
	other.TID, other.Effective = 9, caps.Kill.Set()
	p.Threads, p.Differing = 2, []cred.Process{other}
	if v := e.Judge(&p); v.Result != Fail || v.Message != "thread 9: effective: has cap_kill beyond chown, and lacks cap_chown" {
		t.Errorf("a thread that differs: %s %q", v.Result, v.Message)
	}
	p.Differing, p.ThreadsRead = nil, false
	if v := e.Judge(&p); v.Result != Unknown {
		t.Errorf("threads that were not read: %s %q", v.Result, v.Message)
	}
	p.TID = 8 // a thread that was named is all that is asked about
	if v := e.Judge(&p); v.Result != Pass {
		t.Errorf("a thread by itself: %s %q", v.Result, v.Message)
	}
	initial, err := Parse("userns!=initial", world)
	if err != nil {
		t.Fatal(err)
	}
	p = typical()
	other.UserNS = cred.UserNS{}
	p.Differing = []cred.Process{other}
	if v := initial.Judge(&p); v.Result != Pass {
		t.Errorf("the user namespace of a thread: %s %q", v.Result, v.Message)
	}
}

// FuzzParse: no text breaks the parser, and each verdict is in one line and
// agrees with that on the contrary.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"nnp", "!nnp", "eff=chown", "bnd<=docker,sys_admin", "prm>none", "uid!=root", "groups>=4,adm", "seccomp=filter",
		"userns=initial", "prm!~kill,chown", "securebits=noroot+locked", "securebits<0x2f", "mode=PURE1E", "=", "eff<=>", "amb=63",
	} {
		f.Add(seed)
	}
	p := typical()
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text, world)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q: error %q", text, err)
			}
			return
		}
		v := e.Judge(&p)
		if (v.Message == "") != (v.Result == Pass) || v.Result == Unknown {
			t.Errorf("%q: %s %q", text, v.Result, v.Message)
		}
		contrary := strings.Replace(text, "=", "!=", 1)
		if strings.ContainsAny(text, "<>!") || text == "nnp" {
			return
		}
		c, err := Parse(contrary, world)
		if err != nil {
			t.Errorf("%q parses, %q: %v", text, contrary, err)
		} else if c.Judge(&p).Result == v.Result {
			t.Errorf("%q and %q: both %s", text, contrary, v.Result)
		}
	})
}
