package main

import (
	"time"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/watch"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// tracer writes the checks that capsh trace watches.
type tracer struct {
	*traceCommand
	out   *term.Output
	width int // of the terminal; 0 for none
	text  report.Trace
	start time.Time
	help  map[denial]string
}

// denial is what denied checks have in common that have one help.
type denial struct {
	cap       caps.Cap
	namespace checks.Namespace
	syscall   string
}

func newTracer(c *traceCommand, out *term.Output, env []string) *tracer {
	return &tracer{
		traceCommand: c, out: out, text: report.Trace{Color: out.Color(c.color, env)}, width: out.Width(),
		start: time.Now(), help: make(map[denial]string),
	}
}

// each shows a check. It is called from one goroutine.
func (t *tracer) each(c checks.Check, v checks.Verdict) {
	if !t.shows(c.Granted, v.Kind) {
		return
	}
	shown := report.Traced{Check: c, Verdict: v, At: t.start.Add(time.Duration(c.Time)), Help: t.helpFor(&c, &v)}
	switch {
	case t.onlySum:
		return
	case t.json():
		t.out.Buf = schema.Append(t.out.Buf, schema.NewCheck(&c, &v, shown.At, shown.Help))
	default:
		if !t.denied {
			shown.Help = ""
		}
		t.out.Buf = t.text.Line(t.out.Buf, &shown)
	}
	_ = t.out.Flush() // a failure comes again with the summary
}

// shows says which checks are shown.
func (t *tracer) shows(granted bool, kind checks.Kind) bool {
	return (t.incidental || kind != checks.Incidental) && (!t.denied || !granted)
}

// helpFor is what would have granted a check, by what its process is now.
func (t *tracer) helpFor(c *checks.Check, v *checks.Verdict) string {
	if c.Granted || v.Kind == checks.Incidental {
		return ""
	}
	state, ended := stateOf(c)
	help := checks.Help(c, v, &state, ended)
	if d := (denial{c.Cap, c.Namespace, c.Syscall}); t.help[d] == "" {
		t.help[d] = help
	}
	return help
}

// stateOf is what the process of a check is or, where that has ended, its parent.
func stateOf(c *checks.Check) (state cred.Known[cred.State], ended bool) {
	p, err := procfs.Proc.Process(c.PID, c.TID, procfs.Options{UserNS: true})
	if ended = err != nil; ended && c.Parent != 0 {
		p, err = procfs.Proc.Process(c.Parent, 0, procfs.Options{UserNS: true})
	}
	return cred.Known[cred.State]{Value: p.State, OK: err == nil}, ended
}

// end stops the watching and writes the summary.
func (t *tracer) end(w *watch.Watch) error {
	found, err := w.Stop()
	if err != nil {
		return err
	}
	list := make([]schema.Counted, 0, len(found.Seen))
	for _, s := range found.Seen {
		if t.shows(s.Granted, s.Verdict.Kind) {
			help := ""
			if !s.Granted {
				help = t.help[denial{s.Cap, s.Namespace, s.Syscall}]
			}
			list = append(list, schema.Counted{Seen: s, Help: help})
		}
	}
	if t.json() {
		t.out.Buf = schema.Append(t.out.Buf, schema.NewTraceSummary(found, time.Since(t.start), list))
	} else {
		t.out.Buf = t.text.Summary(t.out.Buf, found, list, t.width)
	}
	return t.out.Flush()
}
