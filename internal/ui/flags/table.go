// Package flags reads the options of a command by one table, on
// github.com/spf13/pflag. Parsing, --help, --help=all, shell completion and the
// tests of the manual pages all come from that table: a new option is one entry.
package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/rules/suggest"

	"github.com/spf13/pflag"
)

// Table is all that a command takes.
type Table struct {
	Usage  string // how it is called: "capsh ps [option ...] [PID|NAME ...]"
	About  string // what it does, in lines of at most 80 columns
	Groups []Group
	After  string // what --help says behind the options, may be empty
	// Leading says that options stand before the first operand, which begins
	// another command line. Otherwise they may stand between operands.
	Leading bool
	// Refused says why an option that others have, given without dashes, is not
	// here, or what to write instead; "" for one that nobody has. It may be nil.
	Refused func(name string) string
	// Operand completes an operand, as [Kind.Complete] does; nil for files.
	Operand func(typed string) []string
}

// Group is options that have a heading in common.
type Group struct {
	Title   string
	Options []Option
}

// Option is one entry of a table.
type Option struct {
	Name  string // the long name, without dashes
	Short string // one letter, or none
	Help  string // what it does, for one line of --help
	Value
}

// switched is the value that pflag gives to an option without one. Nobody can
// type it: an argument has no NUL byte (execve(2)).
const switched = "\x00"

// value is an option as pflag has it. Its methods are those of [pflag.Value].
type value struct{ *Option }

func (value) String() string          { return "" }
func (v value) Type() string          { return v.Word }
func (v value) Set(text string) error { return v.Value.set(text) }

// groups are those of the table, the last one with --help.
func (t *Table) groups() []Group {
	help := Option{Name: "help", Short: "h", Help: "print this; --help=all: one line per option", Value: helpValue}
	if len(t.Groups) == 0 {
		return []Group{{Options: []Option{help}}}
	}
	groups := slices.Clone(t.Groups)
	last := &groups[len(groups)-1]
	last.Options = append(slices.Clip(last.Options), help)
	return groups
}

// options yields all options.
func (t *Table) options(yield func(*Option) bool) {
	for _, g := range t.groups() {
		for i := range g.Options {
			if !yield(&g.Options[i]) {
				return
			}
		}
	}
}

// flagSet has the options that the words may give.
func (t *Table) flagSet(args []string) *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SetInterspersed(!t.Leading)
	for o := range t.options {
		if !o.mayBeIn(args) {
			continue
		}
		f := set.VarPF(value{o}, o.Name, o.Short, "")
		if o.need != required {
			f.NoOptDefVal = switched
		}
	}
	set.Usage = func() {} // help is ours
	return set
}

// mayBeIn reports whether one of the words may give the option. Of many options a
// line has few, and to look for one is quicker than to add it to pflag's set.
func (o *Option) mayBeIn(args []string) bool {
	return slices.ContainsFunc(args, func(word string) bool {
		return strings.HasPrefix(word, "--"+o.Name) || isOption(word) && o.Short != "" && strings.Contains(word, o.Short)
	})
}

// Parse reads the options of args in order and lets each take its value. Help is
// the text that was asked for, "" for none. The error names the option and what
// is wrong with it.
func (t *Table) Parse(args []string) (operands []string, help string, err error) {
	set := t.flagSet(args)
	if err := t.check(set, args); err != nil {
		return nil, "", err
	}
	err = set.ParseAll(args, func(f *pflag.Flag, text string) error {
		if f.Name == "help" {
			if help, err = t.help(text); err == nil {
				err = pflag.ErrHelp
			}
			return err
		}
		return take(f, text)
	})
	switch {
	case help != "":
		return nil, help, nil
	case err != nil:
		return nil, "", t.explain(err)
	}
	return set.Args(), "", nil
}

// take gives an option its value.
func take(f *pflag.Flag, text string) error {
	v := f.Value.(value)
	name := "--" + f.Name
	switch {
	case v.need == none && text != switched:
		return errors.New(name + " takes no value")
	case v.once && f.Changed:
		return errors.New(name + " is given twice")
	}
	f.Changed = true
	if err := v.Set(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// check refuses what pflag takes without a word: it drops a word that begins with
// "-test.", also behind the letters of switches, and "-k=" has the value "=".
func (t *Table) check(set *pflag.FlagSet, args []string) error {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--" || !isOption(word) && t.Leading:
			return nil
		case !isOption(word):
			continue
		}
		takesNext, err := checkOption(set, word)
		if err != nil {
			return err
		}
		if takesNext && len(args) > 0 {
			args = args[1:]
		}
	}
	return nil
}

// checkOption is check for one word; takesNext says that the next is its value.
func checkOption(set *pflag.FlagSet, word string) (takesNext bool, err error) {
	if name, long := strings.CutPrefix(word, "--"); long {
		f := set.Lookup(name)
		return f != nil && f.NoOptDefVal == "", nil
	}
	for letters := word[1:]; letters != ""; letters = letters[1:] {
		f := set.ShorthandLookup(letters[:1])
		switch {
		case strings.HasPrefix(letters, "test."):
			return false, notOption("-t", "")
		case f == nil:
			return false, nil // pflag says so
		case f.NoOptDefVal != "":
			continue
		case letters[1:] == "=":
			return false, errors.New("-" + letters[:1] + " needs a value")
		}
		return len(letters) == 1, nil
	}
	return false, nil
}

func isOption(word string) bool { return len(word) > 1 && word[0] == '-' }

// explain says in our words what pflag found.
func (t *Table) explain(err error) error {
	var nonesuch *pflag.NotExistError
	var lacks *pflag.ValueRequiredError
	var bad *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &nonesuch) && nonesuch.GetSpecifiedShortnames() != "":
		return t.unknown("-", nonesuch.GetSpecifiedShortnames()[:1])
	case errors.As(err, &nonesuch):
		return t.unknown("--", nonesuch.GetSpecifiedName())
	case errors.As(err, &bad):
		return notOption(bad.GetSpecifiedFlag(), "")
	case errors.As(err, &lacks) && lacks.GetSpecifiedShortnames() != "":
		return errors.New("-" + lacks.GetSpecifiedName() + " needs a value")
	case errors.As(err, &lacks):
		return errors.New("--" + lacks.GetSpecifiedName() + " needs a value")
	}
	return err
}

// unknown is the error for a name that no option of the table has.
func (t *Table) unknown(dashes, name string) error {
	why := ""
	if t.Refused != nil {
		why = t.Refused(name)
	}
	switch {
	case why != "":
		return errors.New(dashes + name + ": " + why)
	case dashes == "-":
		return notOption(dashes+name, "")
	}
	return notOption(dashes+name, t.near(name))
}

// near is the option that a mistyped or cut name means, "" for none.
func (t *Table) near(name string) string {
	names := func(yield func(string) bool) {
		for o := range t.options {
			if !yield(o.Name) {
				return
			}
		}
	}
	if near := suggest.Nearest(name, names); near != "" {
		return near
	}
	begins := slices.Collect(func(yield func(string) bool) {
		for full := range names {
			if strings.HasPrefix(full, name) && !yield(full) {
				return
			}
		}
	})
	if len(begins) == 1 && len(name) > 1 {
		return begins[0]
	}
	return ""
}

// notOption is the error for a word that is not an option; near is one that it may
// have meant, "" for none.
func notOption(word, near string) error {
	if near != "" {
		return fmt.Errorf("unknown option %q, did you mean --%s?", word, near)
	}
	return fmt.Errorf("unknown option %q", word)
}
