package flags_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"capsh/internal/rules/cred"
	"capsh/internal/ui/flags"
)

// given is what the options of a line handed over, in order; switches come first.
type given struct {
	values   []string
	switches []*bool
	names    []string
}

func (g *given) word(o *flags.Options, names, help string) {
	flags.Do(o, names, help, flags.Text("WORD"), g.add(names[strings.Index(names, "--")+2:]))
}

func (g *given) add(name string) func(string) error {
	return func(v string) error { g.values = append(g.values, name+"="+v); return nil }
}

func (g *given) on(o *flags.Options, names, help string) {
	on := new(bool)
	g.switches, g.names = append(g.switches, on), append(g.names, names[strings.Index(names, "--")+2:])
	flags.Switch(o, names, help, on)
}

func (g *given) String() string {
	var list []string
	for i, on := range g.switches {
		if *on {
			list = append(list, g.names[i])
		}
	}
	return strings.Join(append(list, g.values...), " ")
}

// testTable is a table with each kind of option.
func testTable(g *given, leading bool) *flags.Table {
	return &flags.Table{
		Usage: "test [option ...]", Leading: leading,
		Refused: func(name string) string { return map[string]string{"reuid": "write --user", "c": "write sh -c"}[name] },
		Options: func(o *flags.Options) {
			o.Group("all")
			g.word(o, "-u, --user", "a user")
			g.word(o, "-k, --keep", "a list")
			g.on(o, "-q, --quiet", "say nothing")
			g.on(o, "-l, --lock", "lock")
			g.on(o, "--no-short", "another")
			flags.Optional(o, "--block", "signals", "ALL", flags.Text("SIGNAL"), g.add("block"))
		},
	}
}

func parse(line string, leading bool) (string, error) {
	var g given
	operands, help, err := testTable(&g, leading).Parse(strings.Fields(line))
	if help != "" {
		return "help", err
	}
	return g.String() + " | " + strings.Join(operands, " "), err
}

func TestParseLeading(t *testing.T) {
	for line, want := range map[string]string{
		"":                        " | ",
		"cmd -q":                  " | cmd -q",
		"-- -q":                   " | -q",
		"-q -- --":                "quiet | --",
		"- -q":                    " | - -q",
		"--user=a b":              "user=a | b",
		"--user a b":              "user=a | b",
		"--user -- b":             "user=-- | b",
		"--user= b":               "user= | b",
		"--user=a=b":              "user=a=b | ",
		"-u a b":                  "user=a | b",
		"-ua b":                   "user=a | b",
		"-qlu a b":                "quiet lock user=a | b",
		"-qua cmd":                "quiet user=a | cmd",
		"--block cmd":             "block=ALL | cmd",
		"--block= cmd":            "block= | cmd",
		"--block=TERM cmd":        "block=TERM | cmd",
		"-q --lock cmd --user":    "quiet lock | cmd --user",
		"-u a -k b -u c -k d cmd": "user=a keep=b user=c keep=d | cmd", // the order stays
		"cmd -test.v":             " | cmd -test.v",
		"-- -test.v":              " | -test.v",
		"--user -test.v cmd":      "user=-test.v | cmd",
		"-utest.v cmd":            "user=test.v | cmd",
		"--user --help cmd":       "user=--help | cmd",
		"-k=x cmd":                "keep=x | cmd", // pflag's
		"-k =x cmd":               "keep==x | cmd",
		"-h":                      "help",
		"-qh --nonesuch":          "help",
		"--help=all":              "help",
		"cmd -h":                  " | cmd -h",
	} {
		t.Run(line, func(t *testing.T) {
			if got, err := parse(line, true); err != nil || got != want {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestParseBetween(t *testing.T) {
	for line, want := range map[string]string{
		"a -q b --user c d": "quiet user=c | a b d",
		"a -q -- -q b":      "quiet | a -q b",
		"a - -q":            "quiet | a -",
		"a -- -test.v":      " | a -test.v",
	} {
		t.Run(line, func(t *testing.T) {
			if got, err := parse(line, false); err != nil || got != want {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		})
	}
}

// TestRefused: what is wrong, also what pflag would take without a word.
func TestRefused(t *testing.T) {
	for line, want := range map[string]string{
		"--user":         "--user needs a value",
		"-qu":            "-u needs a value",
		"-k=":            "-k needs a value",
		"-qk= x":         "-k needs a value",
		"--quiet=yes":    "--quiet takes no value",
		"--quiet=no":     "--quiet takes no value",
		"--quiet=false":  "--quiet takes no value",
		"--quiet=true":   "--quiet takes no value",
		"--quiet=":       "--quiet takes no value",
		"-q=no":          "--quiet takes no value",
		"-q=":            `unknown option "-="`,
		"--quite":        `unknown option "--quite", did you mean --quiet?`,
		"--qui":          `unknown option "--qui", did you mean --quiet?`,
		"--helpp":        `unknown option "--helpp", did you mean --help?`,
		"--reuid=1":      "--reuid: write --user",
		"--reuid 1":      "--reuid: write --user",
		"-c":             "-c: write sh -c",
		"-qc":            "-c: write sh -c",
		"--something":    `unknown option "--something"`,
		"--something=b":  `unknown option "--something"`,
		"--=a":           `unknown option "--=a"`,
		"---a":           `unknown option "---a"`,
		"-qz":            `unknown option "-z"`,
		"-\xff":          `unknown option "-\xff"`,
		"-q\x00":         `unknown option "-\x00"`,
		"-test.v":        `unknown option "-t"`,
		"-test.run=x y":  `unknown option "-t"`,
		"-q -test.v":     `unknown option "-t"`,
		"-qtest.v":       `unknown option "-t"`,
		"-u a -test.v x": `unknown option "-t"`,
		"--help=some":    `--help: must be one of all, not "some"`,
		"--help=":        `--help: must be one of all, not ""`,
	} {
		t.Run(line, func(t *testing.T) {
			for _, leading := range []bool{true, false} {
				if got, err := parse(line, leading); err == nil || err.Error() != want {
					t.Errorf("%q, %v; want %s", got, err, want)
				}
			}
		})
	}
}

func TestValues(t *testing.T) {
	var on bool
	var last string
	var once cred.Known[string]
	var list []string
	table := func() *flags.Table {
		return &flags.Table{Options: func(o *flags.Options) {
			flags.Switch(o, "--on", "", &on)
			flags.To(o, "--last", "", &last, flags.OneOf("a", "b"))
			flags.Once(o, "--once", "", &once, flags.Some(flags.Text("TEXT")))
			flags.Append(o, "--list", "", &list, flags.Text("TEXT"))
		}}
	}
	_, _, err := table().Parse([]string{"--list=x", "--on", "--last=a", "--last=b", "--once=1", "--on", "--list=y"})
	if err != nil || !on || last != "b" || once != cred.Is("1") || !slices.Equal(list, []string{"x", "y"}) {
		t.Error(err, on, last, once, list)
	}
	for arg, want := range map[string]string{
		"--last=c":          `--last: must be one of a, b, not "c"`,
		"--once=":           "--once: the value is empty",
		"--once=1 --once=1": "--once is given twice",
	} {
		if _, _, err := table().Parse(strings.Fields(arg)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", arg, err, want)
		}
	}
	bad := errors.New("bad")
	failing := flags.Table{Options: func(o *flags.Options) {
		flags.Do(o, "--x", "", flags.Text(""), func(string) error { return bad })
	}}
	if _, _, err := failing.Parse([]string{"--x=1"}); !errors.Is(err, bad) {
		t.Errorf("%v does not wrap its reason", err)
	}
}

// TestHelp: short and grouped, or one line for each option.
func TestHelp(t *testing.T) {
	var g given
	small := testTable(&g, false)
	if small.Help() != small.HelpAll() {
		t.Error("a small table has two helps")
	}
	if want := "  -u, --user=WORD       a user\n"; !strings.Contains(small.Help(), want) {
		t.Errorf("no %q in\n%s", want, small.Help())
	}
	if want := "      --block[=SIGNAL]  signals\n"; !strings.Contains(small.Help(), want) {
		t.Errorf("no %q in\n%s", want, small.Help())
	}
	large := testTable(&g, false)
	few := large.Options
	large.Options = func(o *flags.Options) {
		few(o)
		for i := range 50 {
			g.on(o, "--option-"+string(rune('a'+i/10))+string(rune('0'+i%10)), "one of many")
		}
	}
	text, all := large.Help(), large.HelpAll()
	if n := strings.Count(text, "\n"); n > 40 {
		t.Errorf("%d lines", n)
	}
	for _, o := range large.All() {
		name := "--" + o.Name
		if o.Name == "help" { // which also stands at the end
			continue
		}
		if strings.Count(text, name) != 1 || strings.Count(all, "\n") < 55 || !strings.Contains(all, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for line := range strings.Lines(text + all) {
		if len(line) > 81 {
			t.Errorf("too wide: %s", line)
		}
	}
}

func TestComplete(t *testing.T) {
	words := flags.Text("WORD", "alpha", "beta")
	var s string
	table := func(leading bool) *flags.Table {
		return &flags.Table{
			Leading: leading,
			Operand: func(string) []string { return []string{"one", "two"} },
			Options: func(o *flags.Options) {
				flags.To(o, "-w, --word", "", &s, words)
				flags.To(o, "-f, --file", "", &s, flags.Text("FILE"))
				flags.Switch(o, "-q, --quiet", "", new(bool))
				flags.Optional(o, "--block", "", "", words, func(string) error { return nil })
			},
		}
	}
	for line, want := range map[string]string{
		"--":                "--word= --file= --quiet --block --help",
		"--w":               "--word=",
		"--word=":           "--word=alpha --word=beta",
		"--word=b":          "--word=beta",
		"--word b":          "beta",
		"--word --q":        "",
		"-w b":              "beta",
		"-wb":               "-wbeta",
		"-qwb":              "-qwbeta",
		"-qw a":             "alpha",
		"--file=/e":         "@files",
		"--file /e":         "@files",
		"--quiet=":          "",
		"--block=":          "--block=alpha --block=beta",
		"--help=":           "--help=all",
		"-":                 "--word= --file= --quiet --block --help",
		"-q ":               "one two / @commands",
		"--block a":         " / @commands",
		"t":                 "two / @commands",
		"-q one ":           "one two / @files",
		"-q one --w":        "--word= / @files",
		"-- ":               "one two / @commands",
		"-- --w":            " / @commands",
		"-- one ":           "one two / @files",
		"-z ":               "one two / @commands",
		"-test.v --w":       "--word=",
		"--word=a --word=b": "--word=beta",
	} {
		between, leading, both := strings.Cut(want, " / ")
		if !both {
			leading = between
		}
		list := flags.SplitLine("cmd " + line)[1:]
		for isLeading, want := range map[bool]string{false: strings.TrimPrefix(between, " "), true: leading} {
			if got := strings.Join(table(isLeading).Complete(list[:len(list)-1], list[len(list)-1]), " "); got != want {
				t.Errorf("%q, leading %v: %q, want %q", line, isLeading, got, want)
			}
		}
	}
	if s != "" {
		t.Errorf("to complete has set %q", s)
	}
}

// TestListed: what stands alone is in no list with others.
func TestListed(t *testing.T) {
	for typed, want := range map[string]string{
		"":      "none a b",
		"x":     "none a b",
		"a,":    "a,b",
		"a,b,":  "",
		"none,": "",
	} {
		if got := strings.Join(flags.Listed([]string{"a", "b"}, typed, "none"), " "); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

// TestDescribed: an option comes with its description, and files are offered where no
// word fits.
func TestDescribed(t *testing.T) {
	table := &flags.Table{Options: func(o *flags.Options) {
		flags.To(o, "--word", "a word", new(string), flags.Text("WORD", "one", flags.Files))
	}}
	got := table.Described(append(table.Complete(nil, "--w"), "--other", "word"))
	if want := []string{"--word=\ta word", "--other", "word"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for last, want := range map[string]string{"--word=o": "--word=one", "--word=x": flags.Files} {
		if got := strings.Join(table.Complete(nil, last), " "); got != want {
			t.Errorf("%s: %q, want %q", last, got, want)
		}
	}
}

func TestParseThreads(t *testing.T) {
	list, err := flags.ParseThreads(" 1,2/3 ,4/4")
	want := []flags.Thread{
		{ThreadID: cred.ThreadID{PID: 1, TID: 1}},
		{ThreadID: cred.ThreadID{PID: 2, TID: 3}, Alone: true},
		{ThreadID: cred.ThreadID{PID: 4, TID: 4}, Alone: true},
	}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("%v, %v", list, err)
	}
	if list[0].String() != "1" || list[1].String() != "2/3" {
		t.Error(list)
	}
	for _, text := range []string{"", "0", "-1", "01", "1,", ",1", "1/", "/1", "1/0", "1/2/3", "x", "2147483648", "+1", "1 2", " "} {
		if list, err := flags.ParseThreads(text); err == nil {
			t.Errorf("%q: %v", text, list)
		}
	}
}

// TestOnlyGiven: an option is made if a word of the line may give it, and for the help.
func TestOnlyGiven(t *testing.T) {
	var made []bool
	table := &flags.Table{Options: func(o *flags.Options) {
		for _, names := range []string{"-a, --all", "-b, --block", "--block-all", "--other"} {
			made = append(made, flags.Do(o, names, "", flags.Text("TEXT"), func(string) error { return nil }) != nil)
		}
	}}
	for line, want := range map[string][]bool{
		"":               {false, false, false, false},
		"all -- all":     {false, false, false, false},
		"-a x":           {true, false, false, false},
		"-xb=ab":         {true, true, false, false},
		"--block-all=-a": {false, true, true, false}, // pflag says that --block was not given
		"--bloc":         {false, false, false, false},
	} {
		made = nil
		table.Complete(strings.Fields(line), "")
		if !slices.Equal(made, want) {
			t.Errorf("%q: %v, want %v", line, made, want)
		}
	}
	made = nil
	if table.All(); slices.Contains(made, false) {
		t.Errorf("not all are listed: %v", made)
	}
}
