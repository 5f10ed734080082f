package commands

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"capsh/internal/testenv"
)

// TestBinaries: what the kernel does not start, capset does not, and its dry run
// and capsh predict say so too, with the kernel's errno and the file that is wrong.
func TestBinaries(t *testing.T) {
	testenv.Root(t)
	dir := openDir(t)
	execve := filepath.Join(dir, "exec")
	testenv.CompileC(t, "testdata/exec.c", execve)
	cat, err := os.ReadFile("/bin/cat")
	must(t, err)
	at := bytes.Index(cat, []byte("/ld"))
	testenv.Need(t, "a dynamic /bin/cat", at > 0, "static")
	from := bytes.LastIndexByte(cat[:at], 0) + 1 // the path of the loader
	path := string(cat[from : from+bytes.IndexByte(cat[from:], 0)])
	patched := func(name string, at int, text string) string {
		t.Helper()
		b := bytes.Clone(cat)
		copy(b[at:], text)
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, b, 0o755))
		return file
	}
	gone := "/gone" + path[5:]
	const enoent, enoexec = "no such file or directory", "exec format error"
	for file, want := range map[string]string{
		patched("cat", 0, "\x7f"):                      "",
		patched("loader", from, gone):                  "open " + gone + " (the dynamic loader of " + dir + "/loader): " + enoent,
		patched("directory", from, "/etc\x00"):         "execve /etc (the dynamic loader of " + dir + "/directory): permission denied (not a regular file)",
		patched("text", from, "/etc/passwd\x00"):       "execve /etc/passwd (the dynamic loader of " + dir + "/text): permission denied (no execute permission for anyone)",
		patched("other", 18, "\xf7\x00"):               enoexec, // EM_BPF
		patched("object", 16, "\x01\x00"):              enoexec, // ET_REL
		patched("nothing", 0, "neither"):               enoexec,
		patched("many", 56, "\xff\xff"):                enoexec, // e_phnum
		patched("script", 0, "#!"+dir+"/loader\n# "):   "open " + gone + " (the dynamic loader of " + dir + "/loader): " + enoent,
		patched("script2", 0, "#!"+dir+"/nothing\n# "): enoexec,
	} {
		kernel := testenv.Run(t, exec.Command(execve, file, "/dev/null"))
		if (kernel.Code == 0) != (want == "") || !strings.Contains(want, strings.ToLower(lastPart(kernel.Err))) {
			t.Errorf("%s: the kernel: %d, %q", file, kernel.Code, kernel.Err)
		}
		for _, c := range []struct {
			args []string
			code int
		}{
			{[]string{testenv.Build(t, "capset"), "-q", "-k", "kill", file, "/dev/null"}, 126},
			{[]string{testenv.Build(t, "capset"), "-q", "-k", "kill", "--dry-run", file}, 126},
			{[]string{testenv.Build(t, "capset"), "-q", file, "/dev/null"}, 126},
			{[]string{program(t), "predict", file}, 1},
		} {
			got := testenv.Run(t, exec.Command(c.args[0], c.args[1:]...))
			said := strings.Contains(got.Err, want) || want == enoexec && strings.Contains(got.Err, "binfmt_misc")
			if want == "" {
				c.code = 0
			}
			if got.Code != c.code || !said || c.code == 0 && got.Err != "" {
				t.Errorf("%q: %d, %q, want %q", c.args[1:], got.Code, got.Err, want)
			}
		}
	}
}

// lastPart is what stands behind the last colon of a message.
func lastPart(message string) string {
	return strings.TrimSpace(message[strings.LastIndexByte(message, ':')+1:])
}
