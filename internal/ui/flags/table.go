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
	Usage string // how it is called: "capsh ps [option ...] [PID|NAME ...]"
	About string // what it does, in lines of at most 80 columns
	// Options lists the options: it calls [Switch], [To] or another function of this
	// kind for each. It may be nil.
	Options func(*Options)
	After   string // what --help says behind the options, may be empty
	// Leading says that options stand before the first operand, which begins
	// another command line. Otherwise they may stand between operands.
	Leading bool
	// Refused says why an option that others have, given without dashes, is not
	// here, or what to write instead; "" for one that nobody has. It may be nil.
	Refused func(name string) string
	// Operand completes an operand, as [Kind.Complete] does; nil for files.
	Operand func(typed string) []string
}

// Options takes the options of a table, in the order of --help.
type Options struct {
	list  []*Option
	group string
	// words are those of a command line: what none of them can give is left out,
	// unless all are wanted. Of many options a line has few, and the others would
	// take most of the time that a start of the program takes.
	words []string
	all   bool
}

// Group puts the options that follow under a heading.
func (o *Options) Group(title string) *Options {
	o.group = title
	return o
}

// add adds an option, "-k, --keep" or "--keep". It is nil if it is left out.
func (o *Options) add(names, help string) *Option {
	short, long := "", names
	if names[1] != '-' {
		short, long = names[1:2], names[len("-k, "):]
	}
	if !o.all && !slices.ContainsFunc(o.words, func(word string) bool {
		return strings.HasPrefix(word, long) || short != "" && isOption(word) && word[1] != '-' && strings.Contains(word, short)
	}) {
		return nil
	}
	added := &Option{Group: o.group, Name: long[2:], Short: short, Help: help}
	o.list = append(o.list, added)
	return added
}

// switched is the value that pflag gives to an option without one. Nobody can
// type it: an argument has no NUL byte (execve(2)).
const switched = "\x00"

// collect collects the options and adds --help to the last group.
func (t *Table) collect(o *Options) []*Option {
	if t.Options != nil {
		t.Options(o)
	}
	if help := o.add("-h, --help", "print this; --help=all: one line per option"); help != nil {
		help.Word, help.need = "all", optional // [Table.Parse] acts on it
		help.complete = func(string) []string { return []string{"all"} }
	}
	return o.list
}

// All are the options of the table, and --help.
func (t *Table) All() []*Option { return t.collect(&Options{all: true}) }

// flagSet has the options that the words may give.
func (t *Table) flagSet(words []string) *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SetInterspersed(!t.Leading)
	for _, o := range t.collect(&Options{words: words}) {
		f := set.VarPF(o, o.Name, o.Short, "")
		if o.need != required {
			f.NoOptDefVal = switched
		}
	}
	set.Usage = func() {} // help is ours
	return set
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

// Given are the options of args, which Parse has taken, in full words such as
// "--name=value"; those of which without is true are left out.
func (t *Table) Given(args []string, without func(*Option) bool) (words []string) {
	_ = t.flagSet(args).ParseAll(args, func(f *pflag.Flag, text string) error {
		o := f.Value.(*Option)
		switch {
		case without(o):
		case text == switched:
			words = append(words, "--"+o.Name)
		default:
			words = append(words, "--"+o.Name+"="+text)
		}
		return nil
	})
	return words
}

// take gives an option its value.
func take(f *pflag.Flag, text string) error {
	o := f.Value.(*Option)
	name := "--" + o.Name
	switch {
	case o.need == none && text != switched:
		return errors.New(name + " takes no value")
	case o.once && f.Changed:
		return errors.New(name + " is given twice")
	}
	f.Changed = true
	if err := o.Set(text); err != nil {
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
		for _, o := range t.All() {
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
