package flags

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	helpLines = 40 // of --help at most
	helpWidth = 79 // columns of a line at most
)

// help is the text for --help, whose value may be all.
func (t *Table) help(which string) (string, error) {
	if which == switched {
		return t.Help(), nil
	}
	_, err := OneOf("all").Parse(which)
	if err != nil {
		return "", fmt.Errorf("--help: %w", err)
	}
	return t.HelpAll(), nil
}

// Help is at most 40 lines: one for each option, or where these are too many,
// only the names by groups.
func (t *Table) Help() string {
	all := t.HelpAll()
	if strings.Count(all, "\n") <= helpLines {
		return all
	}
	var b strings.Builder
	t.head(&b)
	width, options := 0, t.All()
	for _, o := range options {
		width = max(width, len(o.Group))
	}
	var names []string
	for i, o := range options {
		names = append(names, o.synopsis())
		if i+1 == len(options) || options[i+1].Group != o.Group {
			b.WriteString(Hang(pad(o.Group, width+2), names))
			names = nil
		}
	}
	name, _, _ := strings.Cut(t.Usage, " [")
	b.WriteString("What each does: " + name + " --help=all\n")
	b.WriteString(t.After)
	return b.String()
}

// HelpAll has one line for each option.
func (t *Table) HelpAll() string {
	const widest = 24
	width, options := 0, t.All()
	for _, o := range options {
		if n := len(o.column()); n <= widest {
			width = max(width, n)
		}
	}
	var b strings.Builder
	t.head(&b)
	group := ""
	for _, o := range options {
		if o.Group != group {
			group = o.Group
			b.WriteString(group + ":\n")
		}
		b.WriteString("  " + pad(o.column(), width) + "  " + o.Help + "\n")
	}
	b.WriteString(t.After)
	return b.String()
}

func (t *Table) head(b *strings.Builder) {
	b.WriteString("usage: " + t.Usage + "\n" + t.About)
}

// Names are all options as they are typed: "-k", "--keep=" with a value,
// "--help[=" with an optional one.
func (t *Table) Names() (list []string) {
	for _, o := range t.All() {
		if o.Short != "" {
			list = append(list, "-"+o.Short)
		}
		list = append(list, "--"+o.Name+map[need]string{required: "=", optional: "[="}[o.need])
	}
	return list
}

// synopsis is "-k, --keep=LIST".
func (o *Option) synopsis() string {
	text := "--" + o.Name
	if o.Short != "" {
		text = "-" + o.Short + ", " + text
	}
	switch {
	case o.need == required:
		text += "=" + o.Word
	case o.need == optional:
		text += "[=" + o.Word + "]"
	}
	return text
}

// column is the synopsis with room for a letter where there is none.
func (o *Option) column() string {
	if o.Short == "" {
		return "    " + o.synopsis()
	}
	return o.synopsis()
}

// Hang is words behind a first one, on as many lines as it takes.
func Hang(first string, words []string) string {
	var b strings.Builder
	line := first
	for i, w := range words {
		if i > 0 && len(line)+2+len(w) > helpWidth {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", len(first))
		} else if i > 0 {
			line += "  "
		}
		line += w
	}
	return b.String() + line + "\n"
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
