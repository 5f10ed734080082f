package differ

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// An expectation is what our program must do. Where libcap's words are not
// ours, only what stands around them is fixed.
type expectation struct {
	result
	// ownWords: out is what comes before our own words, rest what comes after;
	// the words themselves are there.
	ownWords bool
	rest     string
	// mayBeSilent: even no words at all will do.
	mayBeSilent bool
	// stderr is whether something must be there; nil leaves it open.
	stderr bool
	// why names the known difference.
	why string
}

// check is empty where got is what was expected.
func (e *expectation) check(got result) string {
	switch {
	case got.code == stageFailed || e.code == stageFailed:
		return "the start state could not be made"
	case got.code != e.code:
		return fmt.Sprintf("exit %d, want %d", got.code, e.code)
	case (got.errs != "") != e.stderr:
		return fmt.Sprintf("something on stderr: %t, want %t", got.errs != "", e.stderr)
	case !e.ownWords && got.out != e.out:
		return "stdout differs:\n" + firstDifference(got.out, e.out)
	case e.ownWords && !strings.HasPrefix(got.out, e.out):
		return "stdout before our words differs:\n" + firstDifference(got.out, e.out)
	case e.ownWords && !strings.HasSuffix(got.out, e.rest):
		return fmt.Sprintf("stdout after our words must be\n%s", e.rest)
	case e.ownWords && !e.mayBeSilent && len(got.out) <= len(e.out)+len(e.rest):
		return "our own words are missing"
	}
	return ""
}

// firstDifference shows the first lines that differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := 0; i < len(g) || i < len(w); i++ {
		a, b := "(nothing)", "(nothing)"
		if i < len(g) {
			a = strconv.Quote(g[i])
		}
		if i < len(w) {
			b = strconv.Quote(w[i])
		}
		if a != b {
			return fmt.Sprintf("  line %d\n   got %s\n  want %s", i+1, a, b)
		}
	}
	return "  (same)"
}

// A moment is one argument of a command line, with what libcap's capsh has
// made of those before it.
type moment struct {
	w      *world
	st     *state
	argv   []string
	at     int
	before result // of the arguments before
}

func (m *moment) arg() string { return m.argv[m.at] }

// then is what libcap's does when the command line goes on differently from
// here.
func (m *moment) then(args ...string) result {
	return m.w.theirsCached(m.st, append(slices.Clone(m.argv[:m.at]), args...))
}

// says is whether the answer to a question that is asked here is yes.
func (m *moment) says(question string) bool { return m.then(question).code == 0 }

// look is a line of what a command started here would find; an exec has
// happened by then.
func (m *moment) look(label string) string {
	for line := range strings.SplitSeq(m.then("--shell=@STAGE@", "--", "dump").out, "\n") {
		if value, ok := strings.CutPrefix(line, label); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// bounded is whether a command started here would have c in its bounding set,
// whatever prctl says of it.
func (m *moment) bounded(c uint64) bool {
	set, _ := strconv.ParseUint(m.look("CapBnd:"), 16, 64)
	return set>>c&1 != 0
}

// expect is what our program must do: what libcap's does, unless the table of
// known differences says otherwise of one of the arguments.
func (w *world) expect(st *state, argv []string) expectation {
	theirs := w.theirsCached(st, argv)
	same := expectation{result: theirs, stderr: theirs.errs != ""}
	for i, arg := range argv {
		d := find(&moment{w: w, st: st, argv: argv, at: i})
		if d != nil {
			m := &moment{w: w, st: st, argv: argv, at: i}
			m.before = m.then("--noenv") // a warning comes with the first argument
			if m.before.code != 0 {
				return same // it never gets here
			}
			e := d.expect(m, theirs)
			if e.ownWords || e.check(theirs) != "" {
				d.used.Store(true)
				e.why = d.name
			}
			return e
		}
		if arg == "--" || arg == "-+" {
			break
		}
	}
	return same
}

// judge runs both and reports a difference.
func (w *world) judge(st *state, argv []string) string {
	want := w.expect(st, argv)
	got := w.run(w.ours, st, argv)
	problem := want.check(got)
	if problem == "" {
		return ""
	}
	if want.why != "" {
		problem += "\n  known difference: " + want.why
	}
	return fmt.Sprintf("%s\n  ours on stderr: %q\n  libcap's: %q\n%s", problem, got.errs, want.errs, reproduction(st, argv))
}

// reproduction is one line for a shell.
func reproduction(st *state, argv []string) string {
	words := []string{st.name}
	for _, a := range argv {
		words = append(words, strconv.Quote(a))
	}
	return fmt.Sprintf("DIFFER_REPLAY='%s' go test -count=1 -run TestReplay -v ./tests/differ",
		strings.ReplaceAll(strings.Join(words, " "), "'", `'\''`))
}

// reporter fails a test for each difference, and stops telling after many.
type reporter struct {
	t *testing.T
	n atomic.Int32
}

func (r *reporter) report(problem string) {
	if problem == "" {
		return
	}
	r.t.Helper()
	if n := r.n.Add(1); n <= 25 {
		r.t.Error(problem)
	} else {
		r.t.Fail()
	}
}

func (r *reporter) close() {
	if n := r.n.Load(); n > 25 {
		r.t.Errorf("%d differences, 25 shown", n)
	}
}
