package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/suggest"
	"capsh/internal/ui/classic"
	"capsh/internal/ui/option"
	"capsh/internal/ui/term"
)

// Commands are words that libcap's capsh does not have: capsh WORD [option ...].

// command is one of them. run gets what follows the word; its error is for
// stderr, the status says what it means.
type command struct {
	name, usage string
	run         func(args []string, env []string, out *term.Output) (int, error)
}

// commands are in the order in which --help lists them.
func commands() []command {
	return []command{
		{"show", showUsage, runShow},
		{"ps", psUsage, runPs},
		{"tree", treeUsage, runTree},
		{"file", fileUsage, runFile},
		{"predict", predictUsage, runPredict},
		{"expect", expectUsage, runExpect},
		{"assess", assessUsage, runAssess},
		{"explain", explainUsage, runExplain},
		{"completion", completionUsage, runCompletion},
	}
}

// runCommand runs the command that args begins with.
func runCommand(args, env []string, out *term.Output) (int, error) {
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		status, err := c.run(args[1:], env, out)
		if err == errHelp {
			out.Buf = append(out.Buf, c.usage...)
			return exitYes, nil
		}
		if err != nil {
			err = errors.New(c.name + ": " + err.Error())
		}
		return status, err
	}
	return exitUsage, errors.New("unknown command " + quote(args[0]) + hint(args[0]))
}

// hint is what an unknown command may have been meant to be: an option without
// its dashes, or a command.
func hint(word string) string {
	for name := range classic.Options {
		if name == "--"+word {
			return ", did you mean --" + word + "?"
		}
	}
	names := func(yield func(string) bool) {
		for _, c := range commands() {
			if !yield(c.name) {
				return
			}
		}
	}
	if near := suggest.Nearest(word, names); near != "" {
		return ", did you mean " + near + "?"
	}
	return "; see capsh --help"
}

// errHelp is the error of a command that was asked for its usage.
var errHelp = errors.New("help")

// setter takes the value of an option, "" for one without.
type setter func(value string) error

// flag is an option without a value.
func flag(name string, on *bool) option.Option[setter] {
	return option.Option[setter]{Long: name, Do: func(string) error { *on = true; return nil }}
}

// value is an option with one.
func value(name string, set setter) option.Option[setter] {
	return option.Option[setter]{Long: name, Value: option.Required, Do: set}
}

// parseCommand reads the options of a command, which may stand before, between
// and behind its operands.
func parseCommand(args []string, table []option.Option[setter]) (operands []string, err error) {
	list, operands, err := option.ParseMixed(withHelp(table), args)
	if err != nil {
		return nil, err
	}
	return operands, setAll(list)
}

// parseLeading reads the options that stand before the operands: behind the
// first all are operands.
func parseLeading(args []string, table []option.Option[setter]) (operands []string, err error) {
	list, operands, err := option.Parse(withHelp(table), args)
	if err != nil {
		return nil, err
	}
	return operands, setAll(list)
}

func withHelp(table []option.Option[setter]) []option.Option[setter] {
	return append(table, option.Option[setter]{Long: "help", Short: 'h', Do: func(string) error { return errHelp }})
}

// setAll lets each option take its value.
func setAll(list []option.Given[setter]) error {
	for _, given := range list {
		if err := given.Do(given.Text); err != nil && err != errHelp {
			return errors.New(given.Name + ": " + err.Error())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// common are the options that every command has.
type common struct {
	json  bool
	form  string   // "" is text or JSON
	forms []string // what else --format takes
	proc  procfs.Root
	color string // "auto", "always" or "never"
}

// colorWords are what --color takes.
var colorWords = [...]string{"auto", "always", "never"}

// options adds those of the command itself.
func (c *common) options(own ...option.Option[setter]) []option.Option[setter] {
	c.proc, c.color = procfs.Proc, "auto"
	return append(own,
		flag("json", &c.json),
		value("format", func(v string) error {
			c.json, c.form = v == "json", ""
			if slices.Contains(c.forms, v) {
				c.form = v
				return nil
			}
			return oneOf(v, append([]string{"text", "json"}, c.forms...)...)
		}),
		value("proc", func(v string) error {
			c.proc = procfs.Root(v)
			if v == "" {
				return errors.New("needs a folder")
			}
			return nil
		}),
		value("color", func(v string) error {
			c.color = v
			return oneOf(v, colorWords[:]...)
		}),
	)
}

// oneOf refuses a word that is none of a few.
func oneOf(word string, allowed ...string) error {
	if slices.Contains(allowed, word) {
		return nil
	}
	return errors.New("must be one of " + strings.Join(allowed, ", ") + ", not " + quote(word))
}

// quote puts a text from the command line into an error message: what a
// terminal would act on is escaped.
func quote(s string) string { return strconv.Quote(s) }
