package main

import (
	"cmp"
	"fmt"
	"iter"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/suggest"
	"capsh/internal/ui/classic"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/term"
)

// command is a word that libcap's capsh does not have: capsh WORD [option ...].
type command interface {
	// table is what the command takes. Parsing it sets the command's fields.
	table() *flags.Table
	// run does it, once the options are set.
	run(operands, env []string, out *term.Output) error
}

// commands are in the order in which --help lists them.
var commands = [...]struct {
	name string
	help string // what it does, for a shell that completes its name
	make func() command
}{
	{"show", "what processes have", func() command { return &showCommand{} }},
	{"ps", "which processes have capabilities", func() command { return &psCommand{sort: "pid"} }},
	{"tree", "processes with capabilities, as a tree", func() command { return &treeCommand{forest{listing: listing{threads: true, everything: true}}} }},
	{"file", "what files grant", func() command { return &fileCommand{} }},
	{"predict", "what a command would have after an execve", func() command { return &predictCommand{} }},
	{"expect", "compare processes with expectations, for tests", func() command { return &expectCommand{} }},
	{"assess", "is this a container, and how well is it isolated?", func() command { return &assessCommand{} }},
	{"trace", "what the kernel checks while a command runs", func() command { return &traceCommand{} }},
	{"explain", "what capabilities are", func() command { return &explainCommand{} }},
	{"completion", "write a completion script for a shell", func() command { return completionCommand{} }},
	{"help", "how to use capsh or a command", func() command { return helpCommand{} }},
	{"version", "which version this is", func() command { return versionCommand{} }},
}

// newCommand is the command of a name, nil for none.
func newCommand(name string) command {
	for _, c := range commands {
		if c.name == name {
			return c.make()
		}
	}
	return nil
}

func commandNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range commands {
			if !yield(c.name) {
				return
			}
		}
	}
}

// runCommand runs the command that args begins with.
func runCommand(args, env []string, out *term.Output) error {
	name := args[0]
	c := newCommand(name)
	if c == nil {
		return usageError("unknown command %q%s", name, hint(name))
	}
	operands, help, err := c.table().Parse(args[1:])
	switch {
	case err != nil:
		err = exit.With(exit.Usage, err)
	case help != "":
		out.Printf("%s", help)
	default:
		err = c.run(operands, env, out)
	}
	if exit.Message(err) != "" {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// usageError says what is wrong with a command line.
func usageError(format string, args ...any) error {
	return exit.With(exit.Usage, fmt.Errorf(format, args...))
}

// hint is what an unknown command may have been meant to be: an option without
// its dashes, a command, or one of another program.
func hint(word string) string {
	for name := range classic.Options {
		if option, _, _ := strings.Cut(word, "="); name == "--"+option {
			return ", did you mean --" + word + "?"
		}
	}
	if _, err := flags.ParseThreads(word); err == nil {
		return ", did you mean capsh show " + word + "?"
	}
	if near := cmp.Or(suggest.Nearest(word, commandNames()), instead(word)); near != "" {
		return ", did you mean " + near + "?"
	}
	return "; see capsh --help; to look up a process by name: capsh ps " + word
}

// instead is the command that does what another program or another word does.
func instead(word string) string {
	switch word {
	case "getpcaps", "status", "inspect", "whoami":
		return "show"
	case "diff", "compare":
		return "show PID PID, or tree for the differences from the parents"
	case "pscap", "captree", "list", "ls", "top", "processes":
		return "ps or tree"
	case "getcap", "filecap", "files":
		return "file"
	case "setcap":
		return "file --set=TEXT"
	case "test", "check", "assert", "verify":
		return "expect"
	case "container", "scan", "audit", "amicontained":
		return "assess"
	case "containers":
		return "assess --all-containers"
	case "strace", "watch", "cap-audit":
		return "trace"
	case "what", "describe", "info", "man":
		return "explain"
	case "run", "exec", "setpriv", "launch", "discover":
		return "capset, the launcher"
	}
	return ""
}

// view is how and from where a command shows what it reads.
type view struct {
	format cred.Known[string]
	proc   procfs.Root
	color  string // auto, always or never
}

// outputs adds the options of a view; formats are what --format takes beside text
// and json.
func (v *view) outputs(o *flags.Options, formats ...string) {
	v.proc = procfs.Proc
	v.output(o.Group("output"), formats...)
	flags.To(o, "--proc", "another procfs: the host's, a saved copy", &v.proc, flags.Proc)
}

// output adds those without --proc.
func (v *view) output(o *flags.Options, formats ...string) {
	v.color = "auto"
	flags.Formatted(o, "output format", &v.format, formats...)
	flags.To(o, "--color", "colour: auto, always or never", &v.color, flags.Among("WHEN", "auto", "always", "never"))
}

func (v *view) json() bool { return v.format.Value == "json" }

// form is a format that can be pasted, "" for text and JSON.
func (v *view) form() string {
	if v.format.Value == "text" || v.json() {
		return ""
	}
	return v.format.Value
}
