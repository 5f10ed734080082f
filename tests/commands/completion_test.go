package commands

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"capsh/internal/testenv"
)

// completionEnv is an environment in which capsh is the program under test.
func completionEnv(t *testing.T) []string {
	t.Helper()
	path := filepath.Dir(program(t)) + ":" + filepath.Dir(testenv.Build(t, "capset")) + ":" + os.Getenv("PATH")
	return append(os.Environ(), "PATH="+path, "HOME="+t.TempDir(), "TERM=dumb")
}

// terminal is a shell on a terminal that script(1) makes.
type terminal struct {
	t     *testing.T
	shell string
	stdin io.WriteCloser
	out   chan string
	seen  string // what was shown and not waited for yet
}

func startTerminal(t *testing.T, shell string) *terminal {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, "script"), "-qc", shell, "/dev/null")
	cmd.Env = completionEnv(t)
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	tty := &terminal{t: t, shell: shell, stdin: stdin, out: make(chan string, 1000)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := stdout.Read(buf)
			tty.out <- string(buf[:n])
			if err != nil {
				close(tty.out)
				return
			}
		}
	}()
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return tty
}

// types types a text and waits until an answer is shown.
func (tty *terminal) types(text, answer string) {
	tty.t.Helper()
	if _, err := io.WriteString(tty.stdin, text); err != nil {
		tty.t.Fatal(err)
	}
	end := time.After(5 * time.Minute)
	for {
		if _, rest, ok := strings.Cut(tty.seen, answer); ok {
			tty.seen = rest
			return
		}
		select {
		case more, open := <-tty.out:
			if tty.seen += more; open {
				continue
			}
		case <-end:
		}
		tty.t.Fatalf("%s, typed %q: no %q, but %q", tty.shell, text, answer, tty.seen)
	}
}

// TestCompletionTyped: in a real shell on a terminal the Tab key makes words
// whole; the command lines then run and answer what only the whole words give.
func TestCompletionTyped(t *testing.T) {
	for shell, setup := range map[string]string{
		"bash --norc --noprofile -i": "source <(capsh completion bash)",
		"zsh -f -i":                  "autoload -Uz compinit; compinit -u -D; source <(capsh completion zsh)",
	} {
		testenv.Tool(t, strings.Fields(shell)[0])
		tty := startTerminal(t, shell)
		tty.types("", " ") // the end of a prompt
		tty.types(setup+"; echo load''ed\n", "loaded")
		tty.types("capsh expla\tcap_net_bi\t\n", "cap_net_bind_service (10)")
		tty.types("capsh --supports=cap_chow\t; echo status''-$?\n", "status-0")
		tty.types("capsh --decode=4\t; echo status''-$?\n", "0x0000000000000004=cap_dac_read_search")
		tty.types("capsh expect --ta\tuid=4242\n", "not ok 1 - uid=4242")
		tty.types("capset --keep cap_net_bi\t--list-c\t\n", "cap_net_bind_service")
		tty.types("capset -k chown,cap_net_bi\t--list-c\t\n", "cap_net_bind_service")
		tty.types("capset -q --rlimit=nofi\t64 -- sh -c 'echo limit $(ulimit -n)'\n", "limit 64")
		tty.types("capset -q --ignore-signal=INT,WIN\t-- sh -c 'echo ignor''ed'\n", "ignored")
		tty.types("capset -q --user=root:roo\t-- sh -c 'echo group-$(id -gn)'\n", "group-root")
		tty.types("capset -q --landlock-access=fs:make-bl\t-- sh -c 'echo confi''ned'\n", "confined")
		tty.types("echo; capsh file /usr/bi\tsu\n", "/usr/bin/su  setuid")
		// A number is nobody's file name.
		tty.types("touch 5seconds; capsh ps --watch=5s\t; echo; rm 5seconds; capset -q -C /usr/shar\t -- pwd\n", "/usr/share\r\n")
		tty.types("exit\n", "")
	}
}

// TestCompletionOddNames: a program or a file may have a name that is shell code;
// the line that the Tab key makes of it names the file and runs nothing.
func TestCompletionOddNames(t *testing.T) {
	for shell, setup := range map[string]string{
		"bash --norc --noprofile -i": "source <(capsh completion bash)",
		"zsh -f -i":                  "autoload -Uz compinit; compinit -u -D; source <(capsh completion zsh)",
	} {
		testenv.Tool(t, strings.Fields(shell)[0])
		dir := t.TempDir()
		for _, name := range []string{"zzq$(touch PWNED)", "zzr`touch PWNED`", "zzs;touch PWNED", "zzt\t$(touch PWNED)"} {
			must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho ran-it\n"), 0o755))
		}
		tty := startTerminal(t, shell)
		tty.types("", " ")
		tty.types("cd "+dir+"; PATH=$PATH:"+dir+"; "+setup+"; echo load''ed\n", "loaded")
		for i, line := range []string{
			"capset -n -- zzq\t", "capset -n -- zzr\t", "capset -n -- zzs\t", "capset -n -- zzt\t",
			"capsh predict zzq\t", "capsh file zzq\t", "capsh file zzr\t", "capsh file zzs\t",
		} {
			end := "line" + strconv.Itoa(i)
			tty.types(line+"; echo "+end[:2]+"''"+end[2:]+"\n", "\n"+end)
			if _, err := os.Lstat(filepath.Join(dir, "PWNED")); err == nil {
				t.Fatalf("%s: %q runs the name", shell, line)
			}
		}
		tty.types("capset -- zzq\t\n", "ran-it")
		tty.types("exit\n", "")
	}
}

// TestCompletionFish: fish says what it would offer.
func TestCompletionFish(t *testing.T) {
	fish := testenv.Tool(t, "fish")
	for line, want := range map[string]string{
		"capsh expl":                         "explain\twhat capabilities are\n",
		"capsh --drop=cap_chow":              "--drop=cap_chown\n",
		"capsh explain cap_chown,cap_k":      "cap_chown,cap_kill\n",
		"capset --keep cap_net_bi":           "cap_net_bind_service\n",
		"capset --user=roo":                  "--user=root\n",
		"capset -u roo":                      "root\n",
		"capset -k cap_net_bi":               "cap_net_bind_service\n",
		"capset --rlimit=nof":                "--rlimit=nofile=\n",
		"capset --landlock-access=fs:make-b": "--landlock-access=fs:make-block\n",
		"capsh file /etc/passw":              "/etc/passwd\n",
		"capsh --proc=/pro":                  "--proc=/proc/\n",
		"capset --kee":                       "--keep=\tkeep these capabilities through the execve\n",
		"capsh ps --no-head":                 "--no-headers\twithout the titles of the columns\n",
		"capsh --supp":                       "--supports=\t",
	} {
		cmd := exec.Command(fish, "-N", "-c", "capsh completion fish | source; complete -C $argv[1]", line)
		cmd.Env = completionEnv(t)
		if r := testenv.Run(t, cmd); !strings.Contains("\n"+r.Out, "\n"+want) {
			t.Errorf("%q: %q, want %q; %s", line, r.Out, want, r.Err)
		}
	}
}

// TestCompletionScripts: each is what its shell takes.
func TestCompletionScripts(t *testing.T) {
	for shell, check := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"-n"}} {
		path := filepath.Join(t.TempDir(), "script")
		r := capsh(t, "completion", shell)
		must(t, os.WriteFile(path, []byte(r.Out), 0o644))
		cmd := exec.Command(testenv.Tool(t, shell), append(check, path)...)
		if r := testenv.Run(t, cmd); r.Code != 0 || r.Err != "" {
			t.Errorf("%s: %s", shell, r.Err)
		}
	}
	for _, args := range [][]string{nil, {"tcsh"}, {"bash", "zsh"}, {"--json", "bash"}} {
		r := capsh(t, append([]string{"completion"}, args...)...)
		if r.Code != 2 || r.Out != "" || strings.Count(r.Err, "\n") != 1 {
			t.Errorf("%q: exit status %d, %q, %q", args, r.Code, r.Out, r.Err)
		}
	}
}
