package flags

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Commands stands for all commands of the host in what a shell is offered;
// nothing at all stands for files. The shell knows both.
const Commands = "@commands"

// Complete lists what the last word of a command line can become; before are the
// words between the command and it.
func (t *Table) Complete(before []string, last string) []string {
	set := t.flagSet()
	err := set.ParseAll(before, func(*pflag.Flag, string) error { return nil })
	var lacks *pflag.ValueRequiredError
	switch {
	case errors.As(err, &lacks):
		return Starting(last, lacks.GetFlag().Value.(value).complete(last))
	case t.Leading && set.NArg() > 0:
		return nil // in the arguments of the command
	case isOption(last) && set.ArgsLenAtDash() < 0:
		return Starting(last, t.completeOption(last))
	case t.Leading:
		return []string{Commands}
	case t.Operand == nil:
		return nil
	}
	return Starting(last, t.Operand(last))
}

// completeOption completes --name, --name=value and -xvalue.
func (t *Table) completeOption(word string) (list []string) {
	var found *pflag.Flag
	var text string
	err := t.flagSet().ParseAll([]string{word}, func(f *pflag.Flag, v string) error {
		found, text = f, v
		return nil
	})
	if err == nil && found != nil && text != switched {
		return Prefixed(strings.TrimSuffix(word, text), found.Value.(value).complete(text))
	}
	for o := range t.options {
		name := "--" + o.Name
		if o.need == required {
			name += "="
		}
		list = append(list, name)
	}
	return list
}

func (v value) complete(typed string) []string {
	if v.Complete == nil {
		return nil
	}
	return v.Complete(typed)
}

// Starting keeps the candidates that begin with a word, in order, each once.
func Starting(word string, list []string) []string {
	var kept []string
	for _, c := range list {
		if strings.HasPrefix(c, word) && !slices.Contains(kept, c) {
			kept = append(kept, c)
		}
	}
	return kept
}

// Prefixed puts a prefix before each word.
func Prefixed(prefix string, list []string) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = prefix + c
	}
	return out
}

// Listed offers each word behind what is there of a list already, unless it is in
// there.
func Listed(words []string, typed string) []string {
	i := strings.LastIndexByte(typed, ',') + 1
	there := strings.Split(typed[:i], ",")
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(there, w) })
	return Prefixed(typed[:i], words)
}

// SplitLine splits a line at blanks, as a shell completes it; behind one at its
// end is an empty word.
func SplitLine(line string) []string {
	words := strings.Fields(line)
	if strings.TrimRight(line, " \t") != line {
		words = append(words, "")
	}
	return words
}
