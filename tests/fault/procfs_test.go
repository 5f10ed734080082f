package fault

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// inMounts runs a script in a mount namespace of its own, which it leaves by
// executing capset: "$capset". $dir is a directory of the test.
func inMounts(t *testing.T, dir, script string, unshare ...string) *exec.Cmd {
	capset := build(t, "capset")
	args := append(unshare, "--mount", "timeout", "20", "sh", "-ec", script)
	cmd := exec.Command(testenv.Tool(t, "unshare"), args...)
	cmd.Env = append(environ, "capset="+capset, "dir="+dir)
	return cmd
}

// TestNotProcfs: a security label is written to this process's own procfs, and
// to nothing else that lies there: not to a plain file, which would start the
// command unconfined, not through a link, and a FIFO is not waited for.
func TestNotProcfs(t *testing.T) {
	const fake = "mount -t tmpfs none /proc; mkdir -p /proc/thread-self/attr/apparmor; cd /proc/thread-self/attr; "
	const over = "exec=/proc/$$/task/$$/attr/exec; "
	const own = `exec "$capset" -q --selinux-label=label true`
	for name, c := range map[string]struct{ script, why string }{
		"plain file":     {fake + `ln "$dir/victim" exec 2>/dev/null || : >exec; ` + own, "/proc is not a procfs"},
		"link":           {fake + `ln -s "$dir/victim" exec; ` + own, "/proc is not a procfs"},
		"fifo":           {fake + "mkfifo exec; " + own, "/proc is not a procfs"},
		"apparmor":       {fake + `: >apparmor/exec; exec "$capset" -q --apparmor-profile=label true`, "/proc is not a procfs"},
		"apparmor fifo":  {fake + `mkfifo apparmor/exec; exec "$capset" -q --apparmor-profile=label true`, "/proc is not a procfs"},
		"plain file on":  {over + `mount --bind "$dir/victim" $exec; ` + own, "attr/exec: another mount covers it"},
		"fifo on":        {over + `mkfifo "$dir/fifo"; mount --bind "$dir/fifo" $exec; ` + own, "attr/exec: another mount covers it"},
		"tmpfs on":       {`mount -t tmpfs none /proc/$$/task/$$/attr; : >/proc/$$/task/$$/attr/exec; ` + own, "attr/exec: another mount covers it"},
		"procfs on":      {over + `mount --bind /proc/$$/task/$$/attr/fscreate $exec; ` + own, "attr/exec: another mount covers it"},
		"link to procfs": {`mkdir "$dir/real"; mount --bind /proc "$dir/real"; mount -t tmpfs none /proc; ln -s "$dir/real/thread-self" /proc; ` + own, "/proc is not a procfs"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			victim := write(t, filepath.Join(dir, "victim"), "as it was", 0o644)
			capsetFails(t, inMounts(t, dir, c.script), 125, "attr/", c.why)
			if text, err := os.ReadFile(victim); err != nil || string(text) != "as it was" {
				t.Errorf("the file has %q, %v", text, err)
			}
		})
	}
	t.Run("another PID namespace's", func(t *testing.T) {
		capsetFails(t, inMounts(t, t.TempDir(), own, "--pid", "--fork"), 125, "the procfs of another PID namespace")
	})
}

// TestMasked: a file that is put over one of /proc is no value of it.
func TestMasked(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/map", "         0      70000          1\n", 0o644)
	write(t, dir+"/deny", "deny\n", 0o644)
	const task = "cd /proc/$$/task/$$; "
	const dryRun = `; exec "$capset" --dry-run -u 1000:1000 --lock true`
	const open = "unprivileged user namespaces are enabled"
	run := func(script string) string {
		r := testenv.Run(t, inMounts(t, dir, script))
		if r.Code != 0 || !strings.Contains(r.Out, "setresuid 1000") {
			t.Errorf("%s: exit status %d, stdout %q, stderr %q", script, r.Code, r.Out, r.Err)
		}
		return r.Out
	}
	real := run(":" + dryRun)
	run(task + `mount --bind "$dir/map" uid_map; mount --bind "$dir/map" gid_map` + dryRun)
	run(task + `mount --bind "$dir/deny" setgroups` + dryRun)
	run(task + `mount --bind /dev/null uid_map; mount --bind /dev/null setgroups` + dryRun)
	run(`mount -t tmpfs none /proc; mkdir -p /proc/thread-self; cp "$dir/map" /proc/thread-self/uid_map` + dryRun)
	show := inMounts(t, dir, `cd /proc/$$; mount --bind /dev/null uid_map; mount --bind /dev/null setgroups; exec "$capsh" show --json $$`)
	show.Env = append(show.Env, "capsh="+build(t, "capsh"))
	if r := testenv.Run(t, show); r.Code != 0 || !strings.Contains(r.Out, `"uid_map":null,`) || !strings.Contains(r.Out, `"setgroups":null`) {
		t.Errorf("capsh show: exit status %d, stdout %q, stderr %q", r.Code, r.Out, r.Err)
	}
	if strings.Contains(run(`mount --bind /dev/null /proc/sys/user/max_user_namespaces`+dryRun), open) {
		t.Error("an empty limit of user namespaces is taken for one")
	}
	testenv.Need(t, "user namespaces", strings.Contains(real, open), "max_user_namespaces is 0")
}
