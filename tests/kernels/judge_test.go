package main

import (
	"strings"
	"testing"

	"capsh/tests/kernels/job"
)

// console has all that is expected of a kernel: each job ends well, and what the table
// has is skipped.
func console(k *kernel) string {
	var b strings.Builder
	b.WriteString("KASLR disabled\n\n" + job.Booted + " 5.10.0\n")
	for _, name := range k.jobs() {
		b.WriteString(job.Begin + " " + name + "\n=== RUN   TestOther\n--- PASS: TestOther (0.00s)\n")
		for _, s := range skipTable {
			if !s.on(k) || s.Job != name {
				continue
			}
			b.WriteString("=== RUN   " + s.Test + "\n")
			if s.Lacks != "" {
				b.WriteString("    x_test.go:1: this host lacks " + s.Lacks + ": it is old\n")
			}
			b.WriteString("    --- SKIP: " + s.Test + " (0.00s)\n")
		}
		b.WriteString("PASS\n\n" + job.End + " " + name + " ok 1s\n")
	}
	return b.String() + job.Done + "\n"
}

// TestJudge: what is expected passes; a failure, a skip that the table does not have or
// has for another reason, one that was none, and a job that did not run or end do not.
func TestJudge(t *testing.T) {
	for _, k := range kernels {
		s := readConsole(strings.NewReader(console(k)))
		if wrong := judge(k, s); wrong != nil || !s.done || s.release != "5.10.0" {
			t.Errorf("%s: %v, %t, %q", k.Name, wrong, s.done, s.release)
		}
	}
	k := kernels[0]
	end := job.End + " self ok 1s\n"
	for name, c := range map[string]struct{ old, new, want string }{
		"failure":         {end, "=== RUN   TestBad\n    why\n--- FAIL: TestBad (0.00s)\n" + job.End + " self exit-status-1 1s\n", "why"},
		"skip":            {end, "--- SKIP: TestNew (0.00s)\n" + end, "TestNew was skipped"},
		"another reason":  {"lacks landlock:", "lacks time:", `lacks "time"`},
		"no skip":         {"--- SKIP: TestFilterAnswers", "--- PASS: TestFilterAnswers", "TestFilterAnswers, but it was not skipped"},
		"it did not run":  {job.Begin + " self\n=== RUN   TestOther\n--- PASS: TestOther (0.00s)\nPASS\n\n" + end, "", "self: did not run"},
		"it did not end":  {job.End + " inside ok 1s\n" + job.Done + "\n", "", "inside: not ended"},
		"nothing at all":  {console(k), "", "predict: did not run"},
		"the time is out": {end, job.End + " self signal:-killed 1s\n", "self: signal:-killed"},
	} {
		text := strings.Replace(console(k), c.old, c.new, 1)
		wrong := judge(k, readConsole(strings.NewReader(text)))
		if !strings.Contains(strings.Join(wrong, "\n"), c.want) {
			t.Errorf("%s: %q, want %q", name, wrong, c.want)
		}
	}
}
