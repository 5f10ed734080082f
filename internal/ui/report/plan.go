package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// planWidth is how many columns a plan takes at most.
const planWidth = 80

// Plan appends a plan as text: a table of what changes, the steps, the rules that
// decided what the command will have, then notes and warnings.
func Plan(b []byte, p *plan.Plan, c *schema.Command, color term.Color) []byte {
	v := planView{b, color}
	v.changes(p, c)
	v.b = append(v.b, "\nsteps\n"...)
	steps := p.Changes()
	for i, s := range steps {
		v.hang(fmt.Sprintf(" %2d ", i+1), term.Plain, term.Escape(s.String()))
	}
	v.hang(fmt.Sprintf(" %2d ", len(steps)+1), term.Plain, "execve "+term.Escape(c.Path))
	switch {
	case p.After.OK:
		for r := range p.Rules.All() {
			v.hang("because: ", term.Dim, r.String())
		}
	case p.Unforeseen != "":
		v.hang("unknown: ", term.Yellow, term.Escape(p.Unforeseen))
	default:
		v.hang("refused: ", term.Red, "the kernel would not execute it")
	}
	for _, n := range p.Notes {
		v.hang("note: ", term.Dim, term.Escape(n))
	}
	for _, w := range p.Warnings {
		v.hang("warning: ", term.Yellow, term.Escape(w))
	}
	return v.b
}

// planView is the text of a plan so far.
type planView struct {
	b     []byte
	color term.Color
}

// changes appends what is another afterwards. Where it is not known what the command
// will have, that is the state right before the execve.
func (v *planView) changes(p *plan.Plan, c *schema.Command) {
	after, title := &p.After.Value, "after"
	if !p.After.OK {
		after, title = &p.Want, "before the execve"
	}
	var rows [][3]string
	was, is := stateRows(&p.Before), stateRows(after)
	for i := range was {
		if was[i] != is[i] {
			rows = append(rows, [3]string{was[i].name, was.short(i), is.short(i)})
		}
	}
	for _, e := range c.Environment {
		rows = append(rows, [3]string{"$" + term.Escape(e.Name), variable(e.Before), variable(e.After)})
	}
	if len(rows) == 0 {
		v.b = append(v.b, "no change in capabilities, ids or environment\n"...)
		return
	}
	first := 0
	for _, row := range rows {
		first = min(max(first, utf8.RuneCountInString(row[0])), planWidth/4)
	}
	widths := [3]int{first, (planWidth - first - 4) / 2, (planWidth - first - 4) / 2}
	v.row(widths, [3]string{"", "before", title}, [3]term.Style{})
	for _, row := range rows {
		v.row(widths, row, [3]term.Style{2: term.Bold})
	}
}

func variable(value cred.Known[string]) string {
	if !value.OK {
		return "unset"
	}
	return term.Escape(value.Value)
}

// row appends a row of the table, on as many lines as its longest cell takes.
func (v *planView) row(widths [3]int, cells [3]string, styles [3]term.Style) {
	var lines [3][]string
	most := 0
	for i, cell := range cells {
		lines[i] = broken(cell, widths[i])
		most = max(most, len(lines[i]))
	}
	for n := range most {
		for i := range cells {
			text := ""
			if n < len(lines[i]) {
				text = lines[i][n]
			}
			if i > 0 {
				v.b = append(v.b, "  "...)
			}
			v.b = term.AppendPadded(v.b, v.color.Paint(styles[i], text), widths[i], false)
		}
		v.b = append(term.TrimBlanks(v.b), '\n')
	}
}

// hang appends a text behind a word, further lines below the text's beginning.
func (v *planView) hang(word string, style term.Style, text string) {
	for i, line := range broken(text, planWidth-len(word)) {
		if i > 0 {
			word = strings.Repeat(" ", len(word))
			v.b = append(v.b, word...)
		} else {
			v.b = append(v.b, v.color.Paint(style, word)...)
		}
		v.b = append(append(v.b, line...), '\n')
	}
}

// broken is a text in lines of at most width columns, broken behind a blank or a
// comma, or where there is none, anywhere.
func broken(text string, width int) (lines []string) {
	runes := []rune(text)
	for len(runes) > width {
		end := width
		for i := width; i > 0; i-- {
			if c := runes[i-1]; c == ',' || c == ' ' || runes[i] == ' ' {
				end = i
				break
			}
		}
		lines = append(lines, strings.TrimRight(string(runes[:end]), " "))
		for runes = runes[end:]; len(runes) > 0 && runes[0] == ' '; {
			runes = runes[1:]
		}
	}
	return append(lines, string(runes))
}

// stateRow is one thing of a state, a stateTable all of them.
type (
	stateRow   struct{ name, text string }
	stateTable []stateRow
)

// short is the text of a row; a long one that stands above already is not repeated.
func (t stateTable) short(row int) string {
	for _, above := range t[:row] {
		if text := t[row].text; text == above.text && strings.Contains(text, ",") {
			return "as " + above.name
		}
	}
	return t[row].text
}

// stateRows are all of them, the same for every state.
func stateRows(s *cred.State) stateTable {
	ambient := "unsupported"
	if s.AmbientSupported {
		ambient = plan.Names(s.Ambient)
	}
	return stateTable{
		{"user", plan.IDText(s.UID)},
		{"group", plan.IDText(s.GID)},
		{"groups", plan.IDList(s.Groups)},
		{"effective", plan.Names(s.Effective)},
		{"permitted", plan.Names(s.Permitted)},
		{"inheritable", plan.Names(s.Inheritable)},
		{"bounding", plan.Names(s.Bounding)},
		{"ambient", ambient},
		{"securebits", securebitsRow(s.Securebits)},
		{"no_new_privs", cred.OnOff(s.NoNewPrivs)},
	}
}

func securebitsRow(bits cred.Known[cred.Securebits]) string {
	if !bits.OK {
		return "unknown"
	}
	return bits.Value.String()
}
