package container

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"capsh/internal/testenv"
)

// A Kubernetes container with runAsUser, runAsNonRoot, allowPrivilegeEscalation:
// false and capabilities of drop: [ALL], add: [NET_BIND_SERVICE], as containerd
// asks runc for it: the capability is permitted, not ambient. A plain program
// loses it at the execve; a capset that carries it hands it on.
func TestKubernetes(t *testing.T) {
	testenv.Root(t)
	runc := testenv.Tool(t, "runc")
	script := "/busybox httpd -p 80 -h /www && /busybox wget -q -O- http://127.0.0.1/ && /busybox cat /proc/self/status"
	shell := []string{"/bin/sh", "-c", script}
	launch := slices.Concat([]string{"/capset", "--keep=net_bind_service", "--"}, shell)

	plain := runOnce(t, runc, false, shell)
	if plain.Code == 0 || !strings.Contains(plain.Err, "ermission denied") {
		t.Errorf("a plain program: %+v", plain)
	}
	plain = runOnce(t, runc, false, launch)
	if plain.Code != 125 || plain.Out != "" || !strings.Contains(plain.Err, "net_bind_service") {
		t.Errorf("a capset without capabilities: %+v", plain)
	}
	r := runOnce(t, runc, true, launch)
	text, ok := strings.CutPrefix(r.Out, "served\n")
	s := testenv.SplitStatus(text)
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		ok = ok && s[set] == only
	}
	if !ok || r.Code != 0 || s["NoNewPrivs"] != "1" || s["Uid"] != "1000\t1000\t1000\t1000" {
		t.Errorf("%+v", r)
	}
}

// runOnce runs a command in a container of runc alone; carries says that capset
// has its capability as a file.
func runOnce(t *testing.T, runc string, carries bool, command []string) testenv.Result {
	t.Helper()
	capset := program(t, "capset")
	if carries {
		capset.caps = bindService
	}
	one := []string{"CAP_NET_BIND_SERVICE"}
	return runProcess(t, runc, slices.Concat([]file{capset, app(t), page}, busybox(t), accounts()), map[string]any{
		"args": command, "user": map[string]any{"uid": 1000, "gid": 1001}, "noNewPrivileges": true,
		"capabilities": map[string]any{"bounding": one, "effective": one, "permitted": one},
	})
}

// runProcess runs a container of runc alone; process has members of the process object
// of its configuration.
func runProcess(t *testing.T, runc string, files []file, process map[string]any) testenv.Result {
	t.Helper()
	bundle, err := os.MkdirTemp(os.Getenv(dirVar), "bundle-")
	must(t, err)
	unpack(t, filepath.Join(bundle, "rootfs"), files)
	must(t, exec.Command(runc, "spec", "--bundle", bundle).Run())
	path := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(path)
	must(t, err)
	var config map[string]any
	must(t, json.Unmarshal(text, &config))
	all := config["process"].(map[string]any)
	all["terminal"] = false
	maps.Copy(all, process)
	config["root"].(map[string]any)["readonly"] = false
	text, err = json.Marshal(config)
	must(t, err)
	must(t, os.WriteFile(path, text, 0o644))
	return testenv.Run(t, exec.Command(runc, "--root="+bundle+"/state", "run", "--bundle="+bundle, filepath.Base(bundle)))
}

// unpack writes the files of an image to a directory.
func unpack(t testing.TB, dir string, files []file) {
	t.Helper()
	for _, sub := range []string{"proc", "dev", "sys"} { // to mount on
		must(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if f.link != "" {
			must(t, os.Link(filepath.Join(dir, f.link), path))
			continue
		}
		must(t, os.WriteFile(path, f.data, 0o755))
		must(t, unix.Chmod(path, uint32(0o755|f.mode)))
		if f.caps != nil {
			must(t, unix.Setxattr(path, "security.capability", f.caps, 0))
		}
	}
}
