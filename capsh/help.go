package main

import (
	"slices"

	"capsh/internal/ui/classic"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/term"
)

// helpCommand is capsh help.
type helpCommand struct{}

func (helpCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh help [COMMAND]",
		About: `Shows how to use capsh or one of its commands, as capsh --help and
capsh COMMAND --help do.
`,
		Operand: func(string) []string { return slices.Collect(commandNames()) },
	}
}

func (helpCommand) run(operands, _ []string, out *term.Output) error {
	switch len(operands) {
	case 0:
		out.Printf("%s", classic.Usage("capsh"))
		return nil
	case 1:
	default:
		return usageError("takes one COMMAND, not %d", len(operands))
	}
	c := newCommand(operands[0])
	if c == nil {
		return usageError("unknown command %q%s", operands[0], hint(operands[0]))
	}
	_, text, err := c.table().Parse([]string{"--help"})
	out.Printf("%s", text)
	return err
}

// versionCommand is capsh version.
type versionCommand struct{}

func (versionCommand) table() *flags.Table {
	return &flags.Table{
		Usage:   "capsh version",
		About:   "Prints the version and the revision of capsh, as --version does.\n",
		Operand: func(string) []string { return []string{} },
	}
}

func (versionCommand) run(operands, _ []string, out *term.Output) error {
	if len(operands) > 0 {
		return usageError("takes no operands")
	}
	out.Printf("%s", classic.VersionText())
	return nil
}
