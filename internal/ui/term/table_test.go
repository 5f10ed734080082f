package term

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	table := Table{Right: 1}
	table.Row("#", "NAME", "TEXT")
	table.Row("1", "é", "one two three four")
	table.Row("10", "longer", "")
	table.Row("100")
	table.Row("7", "a-last-cell-does-not-widen-its-column")
	want := strings.Join([]string{
		"  #  NAME    TEXT",
		"  1  é       one two",
		"             three",
		"             four",
		" 10  longer",
		"100",
		"  7  a-last-cell-does-not-widen-its-column",
		"",
	}, "\n")
	if got := string(table.Append(nil, 20)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTableWithoutWidth(t *testing.T) {
	var table Table
	table.Row("a", "two  blanks stay")
	if got, want := string(table.Append([]byte("x\n"), 0)), "x\na  two  blanks stay\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (&Table{}).Append(nil, 80); len(got) != 0 {
		t.Errorf("an empty table is %q", got)
	}
}

// TestTableLongFirst: a first cell that leaves no room for the others has a line of
// its own, and does not widen the column.
func TestTableLongFirst(t *testing.T) {
	var table Table
	table.Row("/a", "one", "two three")
	table.Row("/a/path/that/is/long", "one two", "three")
	table.Row("/a/path/that/has/nothing/behind")
	table.Row("/b", "one two three four")
	want := strings.Join([]string{
		"/a  one      two three",
		"/a/path/that/is/long",
		"    one two  three",
		"/a/path/that/has/nothing/behind",
		"/b  one two three four",
		"",
	}, "\n")
	if got := string(table.Append(nil, 25)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string(table.Append(nil, 0)); strings.Count(got, "\n") != 4 {
		t.Errorf("without a width:\n%s", got)
	}
}

func TestTableRightAlignedLastColumn(t *testing.T) {
	table := Table{Right: 2}
	table.Row("a", "5")
	table.Row("b", "500")
	if got, want := string(table.Append(nil, 0)), "a    5\nb  500\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text          string
		column, width int
		want          string
	}{
		{"aa bb cc", 0, 5, "aa bb\ncc"},
		{"aa bb cc", 2, 7, "aa bb\n  cc"},
		{"aa longerthanwidth cc", 0, 5, "aa\nlongerthanwidth\ncc"},
		{"longerthanwidth", 4, 5, "longerthanwidth"},
		{"éé éé", 0, 5, "éé éé"},
		{"", 0, 5, ""},
	} {
		if got := string(AppendWrapped(nil, test.text, test.column, test.width)); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
