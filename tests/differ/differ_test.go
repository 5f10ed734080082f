// Package differ judges our capsh by libcap's: the same arguments, in the same
// start state, must print the same bytes, exit with the same status, be silent
// on stderr or not alike, and leave the same state to a command that follows.
// What is meant to differ is in the table of known differences, and only that.
//
// DIFFER_N=100000 lengthens the random test, DIFFER_SEED repeats one,
// DIFFER_REPLAY='STATE "ARG"…' runs one command line; DIFFER_OURS and
// DIFFER_PEER put other programs in the place of ours and of /usr/sbin/capsh;
// DIFFER_TERMINAL=1 gives ours a terminal, as theirs has.
package differ

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// workers is how many comparisons run at once.
const workers = 2

// each calls do for every element, n at once.
func each[T any](n int, list []T, do func(T)) {
	var wg sync.WaitGroup
	next := make(chan T)
	for range n {
		wg.Go(func() {
			for v := range next {
				do(v)
			}
		})
	}
	for _, v := range list {
		next <- v
	}
	close(next)
	wg.Wait()
}

// look is what every command line ends with, unless it starts a command of its
// own: the classic report, and then the state as a command finds it.
var look = []string{"--print", "--shell=@STAGE@", "--", "dump"}

func withLook(argv []string) []string {
	if slices.Contains(argv, "--") || slices.Contains(argv, "-+") {
		return argv
	}
	return append(slices.Clone(argv), look...)
}

func TestFixedVectors(t *testing.T) {
	w := theWorld(t)
	if n := len(vectors); n < 300 {
		t.Errorf("%d vectors, want 300 at least", n)
	}
	for _, st := range states {
		t.Run(st.name, func(t *testing.T) {
			r := reporter{t: t}
			defer r.close()
			each(workers, vectors, func(v vector) {
				if v.sleeps || v.words && st.bits == 0 && st.name != "root" && st.name != "user" {
					return
				}
				r.report(w.judge(st, withLook(v.argv)))
				if st.name == "root" {
					r.report(w.judge(st, v.argv))
				}
			})
		})
	}
	t.Run("sleeping", func(t *testing.T) {
		r := reporter{t: t}
		each(16, vectors, func(v vector) {
			if v.sleeps {
				r.report(w.judge(stateNamed(t, "root"), withLook(v.argv)))
			}
		})
	})
	if w.libcap != "2.66" {
		t.Logf("libcap %s is installed: unused known differences are not looked for", w.libcap)
		return
	}
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // only some states ran
	}
	for _, d := range w.known {
		if !d.used.Load() {
			t.Errorf("known difference %q is not one: nothing differs", d.name)
		}
	}
}

func TestReplay(t *testing.T) {
	line := os.Getenv("DIFFER_REPLAY")
	if line == "" {
		return // nothing to run again
	}
	w := theWorld(t)
	name, rest, _ := strings.Cut(line, " ")
	st := stateNamed(t, name)
	var argv []string
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		quoted, err := strconv.QuotedPrefix(rest)
		must(t, err)
		arg, err := strconv.Unquote(quoted)
		must(t, err)
		argv, rest = append(argv, arg), rest[len(quoted):]
	}
	for _, s := range []*side{w.theirs, w.ours} {
		r := w.run(s, st, argv)
		t.Logf("%s: exit %d\nstderr: %s\nstdout: %s", s.dir, r.code, r.errs, r.out)
	}
	if problem := w.judge(st, argv); problem != "" {
		t.Error(problem)
	}
}

// TestPrint is the least that must hold on any kernel: --print in all states.
func TestPrint(t *testing.T) {
	w := theWorld(t)
	for _, st := range states {
		if problem := w.judge(st, []string{"--print"}); problem != "" {
			t.Errorf("%s: %s", st.name, problem)
		}
	}
}
