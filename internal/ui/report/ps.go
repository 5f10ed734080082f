package report

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/term"
)

// gap stands between two columns.
const gap = "  "

// Row is a process or thread in the table of ps: its cells as they are shown,
// and what the rows may be sorted by.
type Row struct {
	PID, TID, PPID        int
	User, Name, Container string
	Command               string
	Marks                 [4]byte
	Sets                  cred.Sets
}

// NewRow makes the row of p.
func NewRow(p *Listed) Row {
	return Row{PID: p.PID, TID: p.TID, PPID: p.PPID, User: p.shownUser(), Name: p.shownName(),
		Container: p.containerName(), Command: p.shownCommand(), Marks: marks(p), Sets: p.Sets}
}

// Column is a column of ps, by its word.
type Column string

// The columns. Command is the command line.
const (
	PID       Column = "pid"
	PPID      Column = "ppid"
	User      Column = "user"
	Name      Column = "name"
	Container Column = "container"
	Mark      Column = "mark"
	Has       Column = "has"
	Command   Column = "command"
)

// AllColumns are all of them, DefaultColumns those that ps shows unless it is asked
// for others.
var (
	AllColumns     = []Column{PID, PPID, User, Name, Container, Mark, Has, Command}
	DefaultColumns = []Column{PID, User, Name, Container, Mark, Has}
)

// looks is what a column looks like: its title, and the widest and narrowest that it
// is on a terminal, 0 for as wide as it needs.
var looks = map[Column]struct {
	title       string
	right       bool
	most, least int
}{
	PID:       {title: "PID", right: true},
	PPID:      {title: "PPID", right: true},
	User:      {"USER", false, maxUser, 6},
	Name:      {"NAME", false, 20, minName},
	Container: {"CONTAINER", false, 24, len("CONTAINER")},
	Mark:      {title: "MARK"},
	Has:       {"HAS", false, 60, minSets},
	Command:   {"COMMAND", false, 60, 16},
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
}

// Append appends the table.
func (l *List) Append(b []byte, rows []Row) []byte {
	columns := l.Columns
	if len(columns) == 0 {
		columns = DefaultColumns
	}
	l.texts = map[listed]string{}
	widths := l.widths(columns, rows)
	if !l.NoHeader {
		var head []byte
		for i, c := range columns {
			head = l.cell(head, i, widths, looks[c].title, looks[c].right)
		}
		b = append(append(b, l.Color.Paint(term.Bold, string(head))...), '\n')
	}
	for i := range rows {
		for at, c := range columns {
			b = l.cell(b, at, widths, l.painted(&rows[i], c, widths[at]), looks[c].right)
		}
		b = append(term.TrimBlanks(b), '\n')
	}
	return b
}

// cell appends a cell of a line; nothing stands behind the last one.
func (l *List) cell(b []byte, at int, widths []int, text string, right bool) []byte {
	if at > 0 {
		b = append(b, gap...)
	}
	if at == len(widths)-1 && !right {
		return append(b, text...)
	}
	return term.AppendPadded(b, text, widths[at], right)
}

// widths is how wide each column is. On a terminal the widest give way to the
// others, and the last one has what is left, 0 being no limit.
func (l *List) widths(columns []Column, rows []Row) []int {
	widths := make([]int, len(columns))
	last := len(columns) - 1
	fixed := len(gap) * last
	var flexible []cell
	for at, c := range columns {
		look := looks[c]
		widths[at] = l.natural(c, rows, at == last)
		if l.Width > 0 && look.most > 0 {
			widths[at] = max(len(look.title), min(widths[at], look.most))
			flexible = append(flexible, cell{&widths[at], look.least})
		} else {
			widths[at] = max(len(look.title), widths[at])
			fixed += widths[at]
		}
	}
	if l.Width <= 0 {
		return widths
	}
	narrow(l.Width-fixed, flexible)
	if look := looks[columns[last]]; look.most > 0 {
		widths[last] = l.Width - len(gap)*last
		for _, w := range widths[:last] {
			widths[last] -= w
		}
		widths[last] = max(widths[last], look.least)
	}
	return widths
}

// natural is how wide the cells of a column want to be. The last column asks for no
// more than it may be cut to.
func (l *List) natural(c Column, rows []Row, last bool) (widest int) {
	if last && l.Width <= 0 {
		return 0 // it is not padded
	}
	enough := 1 << 30
	if last && looks[c].least > 0 {
		enough = looks[c].least
	}
	seen := map[cred.Sets]bool{}
	for i := 0; i < len(rows) && widest < enough; i++ {
		r := &rows[i]
		if c == Has {
			if seen[r.Sets] {
				continue
			}
			seen[r.Sets] = true
		}
		widest = max(widest, utf8.RuneCountInString(l.text(r, c)))
	}
	return min(widest, enough)
}

// text is a cell without colour, uncut.
func (l *List) text(r *Row, c Column) string {
	switch c {
	case PID:
		return cred.ThreadID{PID: r.PID, TID: r.TID}.String()
	case PPID:
		return strconv.Itoa(r.PPID)
	case User:
		return r.User
	case Name:
		return r.Name
	case Container:
		return r.Container
	case Mark:
		return string(r.Marks[:])
	case Has:
		return ShortSets(&r.Sets, l.All, l.First, 0)
	}
	return r.Command
}

// painted is a cell as it is shown, cut to a width.
func (l *List) painted(r *Row, c Column, width int) string {
	if l.Width <= 0 {
		width = 0
	}
	switch c {
	case Mark:
		return l.marks(r.Marks)
	case Has:
		return l.sets(listed{r.Sets, r.Marks[2] == 'u'}, width)
	}
	text := cutText(l.text(r, c), width)
	if c == Container && r.Container != "-" && r.Container != "?" {
		return l.Color.Paint(styleContainer, text)
	}
	return text
}

// cell is the width of a column, and the least that it may become.
type cell struct {
	width *int
	least int
}

// narrow takes from the widest cell that has something to give until all fit.
func narrow(room int, cells []cell) {
	for {
		widest, sum := cell{width: new(int)}, 0
		for _, c := range cells {
			sum += *c.width
			if *c.width > c.least && *c.width > *widest.width {
				widest = c
			}
		}
		if sum <= room || *widest.width == 0 {
			return
		}
		*widest.width--
	}
}

// cutText is text with a ~ for what is too much of it. A width of 0 is no limit.
func cutText(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return firstRunes(text, width-1) + "~"
}

// firstRunes is what text begins with.
func firstRunes(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
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

// sets is the short form of sets, cut to a width.
func (l *List) sets(s listed, width int) string {
	text, ok := l.texts[s]
	if !ok {
		text = cutText(ShortSets(&s.Sets, l.All, l.First, width), width)
		text = l.Color.Paint(setsStyle(&s.Sets, l.All, s.foreign), text)
		l.texts[s] = text
	}
	return text
}

// ColumnNames are the words of all columns.
func ColumnNames() (list []string) {
	for _, c := range AllColumns {
		list = append(list, string(c))
	}
	return list
}

// ParseColumn is the column that a word means.
func ParseColumn(word string) (Column, bool) {
	return Column(word), slices.Contains(AllColumns, Column(word))
}
