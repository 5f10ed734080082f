package report

import (
	"slices"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// Row is a process or thread in the table of ps: its cells as they are shown,
// and what the rows may be sorted by.
type Row struct {
	PID, TID, PPID        int
	User, Name, Container string
	Command               string
	Marks                 [4]byte
	Sets                  cred.Sets
	Object                []byte // the JSON document, where that is asked for
}

// NewRow makes the row of p.
func NewRow(p *Listed) Row {
	return Row{PID: p.PID, TID: p.TID, PPID: p.PPID, User: p.shownUser(), Name: p.shownName(),
		Container: containerName(p.Container), Command: p.shownCommand(), Marks: marks(p), Sets: p.Sets}
}

// Column is a column of ps.
type Column uint8

// The columns. Command is the command line.
const (
	PID Column = iota
	PPID
	User
	Name
	Container
	Mark
	Has
	Command
)

// looks is what each column looks like.
var looks = [...]look{
	PID:       {title: "PID", right: true},
	PPID:      {title: "PPID", right: true},
	User:      {"USER", false, maxUser, 6},
	Name:      {"NAME", false, 20, minName},
	Container: {"CONTAINER", false, 24, len("CONTAINER")},
	Mark:      {title: "MARK"},
	Has:       {"HAS", false, 60, minSets},
	Command:   {"COMMAND", false, 60, 16},
}

// Columns are the words of all columns, with commas between.
const Columns = "pid,ppid,user,name,container,mark,has,command"

// defaultColumns are those that ps shows unless it is asked for others.
var defaultColumns = []Column{PID, User, Name, Container, Mark, Has}

// ParseColumn is the column that a word means.
func ParseColumn(word string) (Column, bool) {
	i := slices.Index(strings.Split(Columns, ","), word)
	return Column(max(i, 0)), i >= 0
}

// maxUser is the widest that a user's name is on a terminal. The other cells give
// way to the sets until these have minSets.
const (
	maxUser = 12
	minName = 8
	minSets = 24
)

// List is how ps prints its rows.
type List struct {
	// All is what the kernel has, First what is named before others.
	All, First caps.Set
	Columns    []Column // none stands for DefaultColumns
	NoHeader   bool
	// Width is that of the terminal: lines are cut to fit. 0 is no limit.
	Width int
	Color term.Color
	// texts remembers the short form of sets: few differ.
	texts map[listed]string
}

// listed is what the look of a thread's sets depends on.
type listed struct {
	cred.Sets
	foreign bool
	width   int // that they are cut to
}

// Append appends the table.
func (l *List) Append(b []byte, rows []Row) []byte {
	shown := l.Columns
	if len(shown) == 0 {
		shown = defaultColumns
	}
	l.texts = map[listed]string{}
	g := grid{rows: len(rows), noHeader: l.NoHeader, width: l.Width, color: l.Color}
	for _, c := range shown {
		g.looks = append(g.looks, looks[c])
	}
	g.cell = func(row, column, width int) string { return l.cell(&rows[row], shown[column], width) }
	return g.append(b)
}

// cell is a cell as it is shown, cut to a width.
func (l *List) cell(r *Row, c Column, width int) string {
	switch {
	case c == Name:
		return cutText(r.Name, width)
	case c == Command:
		return cutText(r.Command, width)
	case r.PID == 0: // no process, but others that are not shown
		return ""
	}
	switch c {
	case PID:
		return cred.ThreadID{PID: r.PID, TID: r.TID}.String()
	case PPID:
		return strconv.Itoa(r.PPID)
	case User:
		return cutText(r.User, width)
	case Mark:
		return l.marks(r.Marks)
	case Has:
		return l.sets(listed{r.Sets, r.Marks[2] == 'u', width})
	}
	text := cutText(r.Container, width)
	if text == "-" || text == "?" {
		return text
	}
	return l.Color.Paint(styleContainer, text)
}

func (l *List) marks(marks [4]byte) (text string) {
	for _, m := range marks {
		style := styleMark
		switch m {
		case '-', 'b', 'n':
			style = term.Plain
		case 'u', '?':
			style = styleForeign
		}
		text += l.Color.Paint(style, string(m))
	}
	return text
}

// sets is the short form of sets.
func (l *List) sets(s listed) string {
	text, ok := l.texts[s]
	if !ok {
		text = cutText(ShortSets(&s.Sets, l.All, l.First, s.width), s.width)
		text = l.Color.Paint(setsStyle(&s.Sets, l.All, s.foreign), text)
		l.texts[s] = text
	}
	return text
}
