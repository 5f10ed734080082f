package option_test

import (
	"strings"
	"testing"

	"capsh/internal/ui/option"
)

var table = []option.Option[int]{
	{Long: "user", Short: 'u', Value: option.Required, Do: 1},
	{Long: "quiet", Short: 'q', Do: 2},
	{Long: "lock", Short: 'l', Do: 3},
	{Long: "block-signal", Value: option.Optional, Do: 4},
	{Short: 'x', Do: 5},
	{Long: "no-short", Do: 6},
}

func show(list []option.Given[int], rest []string) string {
	var b strings.Builder
	for _, g := range list {
		b.WriteString(g.Name)
		if g.HasText {
			b.WriteString("=" + g.Text)
		}
		b.WriteString(" ")
	}
	return b.String() + "| " + strings.Join(rest, " ")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "| "},
		{"cmd -q", "| cmd -q"},
		{"-- -q", "| -q"},
		{"-q -- --", "-q | --"},
		{"- -q", "| - -q"},
		{"--user=a b", "--user=a | b"},
		{"--user a b", "--user=a | b"},
		{"--user -- b", "--user=-- | b"},
		{"--user= b", "--user= | b"},
		{"--user=a=b", "--user=a=b | "},
		{"-u a b", "-u=a | b"},
		{"-ua b", "-u=a | b"},
		{"-u=a b", "-u==a | b"},
		{"-qlx cmd", "-q -l -x | cmd"},
		{"-qua cmd", "-q -u=a | cmd"},
		{"-qu a cmd", "-q -u=a | cmd"},
		{"--block-signal cmd", "--block-signal | cmd"},
		{"--block-signal= cmd", "--block-signal= | cmd"},
		{"--block-signal=TERM cmd", "--block-signal=TERM | cmd"},
		{"-q --lock --quiet cmd --user", "-q --lock --quiet | cmd --user"},
	} {
		list, rest, err := option.Parse(table, strings.Fields(c.line))
		if got := show(list, rest); err != nil || got != c.want {
			t.Errorf("%q: %q, %v; want %q", c.line, got, err, c.want)
		}
	}
}

func TestParseDo(t *testing.T) {
	list, _, err := option.Parse(table, []string{"--no-short", "-x", "-uq"})
	if err != nil || len(list) != 3 || list[0].Do != 6 || list[1].Do != 5 || list[2].Do != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestParseError(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"--user", "--user needs a value"},
		{"-qu", "-u needs a value"},
		{"--quiet=yes", "--quiet takes no value"},
		{"--quite", `unknown option "--quite", did you mean --quiet?`},
		{"--qui", `unknown option "--qui", did you mean --quiet?`},
		{"--something", `unknown option "--something"`},
		{"--=a", `unknown option "--"`},
		{"-qz", `unknown option "-z"`},
		{"-\xff", `unknown option "-\xff"`},
		{"-q\x00", `unknown option "-\x00"`},
	} {
		_, _, err := option.Parse(table, strings.Fields(c.line))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.line, err, c.want)
		}
	}
}
