package container

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// chownPE is cap_chown as v2 of the xattr: permitted and effective.
var chownPE = []byte{1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// formFiles are those of an image with our programs, a file with capabilities and one
// that is setuid root.
func formFiles(t testing.TB) []file {
	byFile, setuid := busybox(t)[0], program(t, "capsh")
	byFile.name, byFile.caps = "www/busybox", chownPE
	setuid.name, setuid.mode = "www/capsh", 0o4000
	return slices.Concat([]file{program(t, "capset"), program(t, "capsh"), page, byFile, setuid}, busybox(t), accounts())
}

// formTest is a command with what it has in a container that is started with a form that
// was printed.
type formTest struct {
	name    string
	options []string // of capset --discover
	command []string // writes its status
	want    map[string]string
}

// exactly is what the command has with a form that expresses the grant exactly.
func (f *formTest) exactly(key string) string {
	switch {
	case key == "CapBnd" && f.want["CapPrm"] != "":
		return f.want["CapPrm"]
	case key == "NoNewPrivs" && !slices.Contains(f.options, "--allow-new-privs"):
		return "1"
	}
	return f.want[key]
}

var forms = []formTest{
	{"root", nil, chownAndShow, map[string]string{"CapBnd": chown, "CapPrm": chown, "CapEff": chown, "NoNewPrivs": "1", "Uid": "0\t0\t0\t0"}},
	{"a user", []string{"--user=1000:1001", "--groups=7"}, chownAndShow, map[string]string{
		"CapBnd": "00000000000000c1", "CapPrm": chown, "CapEff": chown, "CapAmb": chown, "NoNewPrivs": "1", "Uid": "1000\t1000\t1000\t1000", "Gid": "1001\t1001\t1001\t1001"}},
	{"a user with new privileges", []string{"--user=1000:1001", "--allow-new-privs"}, chownAndShow, map[string]string{
		"CapBnd": chown, "CapPrm": chown, "CapEff": chown, "CapAmb": chown, "NoNewPrivs": "0", "Uid": "1000\t1000\t1000\t1000"}},
	{"a user without", []string{"--user=1000:1001"}, []string{"/busybox", "cat", "/proc/self/status"}, map[string]string{
		"CapBnd": none, "CapPrm": none, "NoNewPrivs": "1", "Uid": "1000\t1000\t1000\t1000"}},
	{"a file with capabilities", []string{"--user=1000:1001"}, []string{"/www/busybox", "cat", "/proc/self/status"}, map[string]string{
		"CapBnd": chown, "CapPrm": chown, "CapEff": chown, "CapAmb": none, "NoNewPrivs": "0", "Uid": "1000\t1000\t1000\t1000"}},
	{"a setuid program", []string{"--user=1000:1001", "--allow-new-privs"},
		[]string{"/bin/sh", "-c", "/www/capsh --print | /busybox grep -q euid=0 && /busybox cat /proc/self/status"}, map[string]string{
			"CapBnd": none, "NoNewPrivs": "0", "Uid": "1000\t1000\t1000\t1000"}},
}

const chown, none = "0000000000000001", "0000000000000000"

// chownAndShow needs cap_chown; its script has a variable.
var chownAndShow = []string{"/bin/sh", "-c", `/busybox chown 1 "$0" && /busybox cat /proc/self/status`, "/www/index.html"}

// TestForms: what a search in a container prints, and what capsh makes of its result,
// starts a container in which the command works and has just that.
func TestForms(t *testing.T) {
	runc := testenv.Tool(t, "runc")
	eachEngine(t, func(t *testing.T, e *engine) {
		image := e.image(t, "forms", nil, formFiles(t)...)
		for _, test := range forms {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				printed := e.printed(t, image, test.options, test.command)
				results := map[string]testenv.Result{
					"docker":  e.pasteDocker(t, printed["docker"], image, test.command),
					"compose": e.pasteCompose(t, printed["compose"], image, test.command),
					"capset":  e.pasteCapset(t, printed["capset"], image),
				}
				if e == podman { // runc has no engine; once is enough
					results["kubernetes"] = pasteKubernetes(t, runc, printed["kubernetes"], test.command)
					results["oci"] = pasteOCI(t, runc, printed["oci"], test.command)
				}
				for form, r := range results {
					s := testenv.SplitStatus(r.Out)
					for key, want := range test.want {
						if form == "oci" || form == "capset" {
							want = test.exactly(key)
						}
						if s[key] != want {
							t.Errorf("%s: %s %q, want %q: exit status %d, %s\n%s", form, key, s[key], want, r.Code, r.Err, printed[form])
						}
					}
					if slices.Contains(test.options, "--groups=7") && !slices.Contains(s.Fields("Groups"), "7") {
						t.Errorf("%s: %v", form, s["Groups"])
					}
				}
			})
		}
	})
}

// printed is what capsh prints in each form of the result of a search, which prints the
// same for Docker.
func (e *engine) printed(t *testing.T, image string, options, command []string) map[string]string {
	t.Helper()
	script := `/capset -q --discover=prove --save=/profile "$@" 2>/dev/null &&
		for form in docker compose kubernetes oci capset; do echo "== $form"; /capsh show --need=@/profile --format=$form; done`
	words := slices.Concat([]string{"/bin/sh", "-c", script, "sh"}, options, []string{"--"}, command)
	r := e.run(t, nil, image, words...)
	parts := strings.Split(r.Out, "== ")
	if r.Code != 0 || len(parts) != 6 {
		t.Fatalf("%+v", r)
	}
	found := map[string]string{}
	for _, part := range parts[1:] {
		form, text, _ := strings.Cut(part, "\n")
		found[form] = text
	}
	if !strings.HasSuffix(parts[0], "\n\n"+found["docker"]) {
		t.Errorf("capset:\n%s\ncapsh:\n%s", parts[0], found["docker"])
	}
	return found
}

// pasteDocker runs a command with a line for docker run, which a shell splits. The
// line has the command as well, if it is not to be the image's.
func (e *engine) pasteDocker(t *testing.T, line, image string, command []string) testenv.Result {
	t.Helper()
	options := shellSplit(t, line)
	if at := slices.Index(options, "IMAGE"); at >= 0 {
		options, command = options[:at], options[at+1:]
	}
	return e.run(t, options, image, command...)
}

// shellSplit splits a line as a shell does.
func shellSplit(t *testing.T, line string) []string {
	t.Helper()
	r := testenv.Run(t, exec.Command("/bin/sh", "-c", `printf '%s\0' `+line))
	return strings.Split(strings.TrimSuffix(r.Out, "\x00"), "\x00")
}

// pasteCapset runs the command line of capset in a container of root.
func (e *engine) pasteCapset(t *testing.T, line, image string) testenv.Result {
	t.Helper()
	words := shellSplit(t, line)
	return e.run(t, nil, image, append([]string{"/" + words[0]}, words[1:]...)...)
}

// pasteOCI runs a command with these members of the process object.
func pasteOCI(t *testing.T, runc, text string, command []string) testenv.Result {
	t.Helper()
	process := map[string]any{"args": command}
	must(t, json.Unmarshal([]byte(text), &process))
	return runProcess(t, runc, formFiles(t), process)
}

// pasteCompose does what Compose does with the keys of a service.
func (e *engine) pasteCompose(t *testing.T, text, image string, command []string) testenv.Result {
	t.Helper()
	keys := readYAML(t, text)
	var options []string
	for key, option := range map[string]string{"cap_drop": "--cap-drop=", "cap_add": "--cap-add=", "user": "--user=", "group_add": "--group-add=", "security_opt": "--security-opt="} {
		for _, value := range keys[key] {
			options = append(options, option+value)
		}
	}
	if entry := keys["entrypoint"]; len(entry) > 0 {
		options, command = append(options, "--entrypoint="+entry[0]), entry[1:]
	}
	return e.run(t, options, image, command...)
}

// pasteKubernetes runs a container as Kubernetes does; a non-root user gets
// capabilities in the bounding set, as with CRI-O.
func pasteKubernetes(t *testing.T, runc, text string, command []string) testenv.Result {
	t.Helper()
	keys := readYAML(t, text)
	add := []string{}
	for _, name := range keys["add"] {
		add = append(add, "CAP_"+name)
	}
	number := func(key string) int {
		n, err := strconv.Atoi(keys[key][0])
		must(t, err)
		return n
	}
	sets := map[string]any{"bounding": add}
	uid := number("runAsUser")
	if uid == 0 {
		sets["permitted"], sets["effective"] = add, add
	}
	if words := keys["command"]; len(words) > 0 {
		command = words
	}
	return runProcess(t, runc, formFiles(t), map[string]any{
		"args": command, "user": map[string]any{"uid": uid, "gid": number("runAsGroup")},
		"noNewPrivileges": keys["allowPrivilegeEscalation"][0] == "false", "capabilities": sets,
	})
}

// readYAML reads keys with a value or a list, whatever they are in; $$ is $.
func readYAML(t *testing.T, text string) map[string][]string {
	t.Helper()
	keys, key := map[string][]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		value, item := strings.CutPrefix(line, "- ")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if !item {
			key, value, _ = strings.Cut(line, ":")
			value = strings.TrimSpace(value)
		}
		if strings.HasPrefix(value, `"`) {
			var err error
			value, err = strconv.Unquote(value)
			must(t, err)
		}
		if item || value != "" {
			keys[key] = append(keys[key], strings.ReplaceAll(value, "$$", "$"))
		}
	}
	return keys
}
