package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/checks"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// Traced is a capability check as trace shows it.
type Traced struct {
	checks.Check
	Verdict checks.Verdict
	At      time.Time
	Help    string // what would have granted it; empty for nothing to say
}

// Trace is the text of capsh trace.
type Trace struct{ Color term.Color }

// Line appends a check on a line, and on a second one what would help.
func (r Trace) Line(b []byte, t *Traced) []byte {
	b = fmt.Appendf(b, "%s  ", t.At.Format("15:04:05.000000"))
	b = term.AppendPadded(b, term.Escape(t.Comm), 15, false)
	b = fmt.Appendf(b, "  %7d  ", t.PID)
	b = term.AppendPadded(b, t.Cap.String(), 22, false)
	b = append(b, "  "...)
	b = term.AppendPadded(b, r.answer(t.Granted), 7, false)
	b = append(b, "  "...)
	b = term.AppendPadded(b, namespace(t.Namespace), 7, false)
	b = append(b, "  "+asked(t.Syscall, t.Verdict.Asker)+"\n"...)
	if t.Help != "" {
		b = append(b, "    "+t.Help+"\n"...)
	}
	return b
}

func (r Trace) answer(granted bool) string {
	if granted {
		return "granted"
	}
	return r.Color.Paint(term.Red, "denied")
}

// namespace is a user namespace in one word.
func namespace(n checks.Namespace) string {
	switch {
	case n.Kind == checks.Initial:
		return "initial"
	case n.Kind == checks.Own:
		return "own"
	case n.Inode != 0:
		return fmt.Sprintf("user:[%d]", n.Inode)
	}
	return "other"
}

// asked is which system call and which function of the kernel asked.
func asked(syscall, function string) string {
	switch {
	case syscall == "" && function == "":
		return "unknown"
	case syscall == "":
		return function
	case function == "" || checks.Syscall([]string{function}) == syscall:
		return syscall
	}
	return syscall + " (" + function + ")"
}

// Summary appends what was found; counted are the checks that it lists.
func (r Trace) Summary(b []byte, f *checks.Found, counted []schema.Counted, width int) []byte {
	all, own := 0, 0
	for i := range f.Seen {
		all += f.Seen[i].Count
		if f.Seen[i].Verdict.Kind == checks.Incidental {
			own += f.Seen[i].Count
		}
	}
	b = r.section(b, "needed", checks.Needed, counted, width)
	b = r.section(b, "optional", checks.Optional, counted, width)
	b = r.section(b, "incidental", checks.Incidental, counted, width)
	b = fmt.Appendf(b, "%d checks, %d of them incidental\n", all, own)
	for _, why := range f.Incomplete {
		b = append(b, r.Color.Paint(term.Red, "incomplete")+": "+term.Escape(why)+"\n"...)
	}
	if missed := f.Missed(); missed != 0 {
		b = append(b, "checked, but not among the records: "+strings.ReplaceAll(missed.String(), ",", ", ")+"\n"...)
	}
	if f.Blind != "" {
		b = append(b, term.Escape(f.Blind)+"\n"...)
	}
	return b
}

// section lists the checks of a kind.
func (r Trace) section(b []byte, title string, kind checks.Kind, counted []schema.Counted, width int) []byte {
	table := term.Table{Right: 1 << 2}
	rows := 0
	for i := range counted {
		c := &counted[i]
		if c.Verdict.Kind != kind {
			continue
		}
		rows++
		table.Row("  "+withAlternatives(c.Cap, c.Verdict.Alternatives), r.answer(c.Granted), strconv.Itoa(c.Count),
			namespace(c.Namespace), term.Escape(c.Comm), asked(c.Syscall, c.Verdict.Asker)+remark(c))
	}
	if rows == 0 {
		return b
	}
	return table.Append(append(b, title+"\n"...), width)
}

// remark is what else there is to say of a check.
func remark(c *schema.Counted) string {
	switch {
	case c.Help != "":
		return ": " + c.Help
	case c.Verdict.Reason != "":
		return ": " + c.Verdict.Reason
	}
	return ""
}

// withAlternatives is a capability and what would do instead.
func withAlternatives(c caps.Cap, alternatives caps.Set) string {
	text := c.String()
	for a := range alternatives.All() {
		text += " or " + a.String()
	}
	return text
}
