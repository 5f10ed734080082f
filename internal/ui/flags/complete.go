package flags

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// What a shell is offered that it finds itself: the commands of the host, and files.
const (
	Commands = "@commands"
	Files    = "@files"
)

// Complete lists what the last word of a command line can become; before are the
// words between the command and it. Nothing is offered where nothing is known.
func (t *Table) Complete(before []string, last string) []string {
	set := t.flagSet(before)
	err := set.ParseAll(before, func(*pflag.Flag, string) error { return nil })
	var lacks *pflag.ValueRequiredError
	switch {
	case errors.As(err, &lacks):
		return Starting(last, lacks.GetFlag().Value.(*Option).completions(last))
	case t.Leading && set.NArg() > 0:
		return []string{Files} // in the arguments of the command
	case strings.HasPrefix(last, "-") && set.ArgsLenAtDash() < 0:
		return Starting(last, t.completeOption(last))
	case t.Leading:
		return []string{Commands}
	case t.Operand == nil:
		return []string{Files}
	}
	return Starting(last, t.Operand(last))
}

// completeOption completes --name, --name=value and -xvalue.
func (t *Table) completeOption(word string) (list []string) {
	var found *pflag.Flag
	var text string
	words := []string{word}
	err := t.flagSet(words).ParseAll(words, func(f *pflag.Flag, v string) error {
		found, text = f, v
		return nil
	})
	if err == nil && found != nil && text != switched {
		return Prefixed(strings.TrimSuffix(word, text), found.Value.(*Option).completions(text))
	}
	for _, o := range t.All() {
		name := "--" + o.Name
		if o.need == required {
			name += "="
		}
		list = append(list, name)
	}
	return list
}

// completions lists the values that may be meant by what is typed so far.
func (o *Option) completions(typed string) []string {
	switch {
	case o.complete != nil:
		return o.complete(typed)
	case o.Word == "FILE" || o.Word == "DIR":
		return []string{Files}
	}
	return nil
}

// WordsAlone is a list without files.
func WordsAlone(list []string) []string {
	return slices.DeleteFunc(list, func(c string) bool { return c == Files })
}

// Described puts what it does behind each option of a list, after a tab.
func (t *Table) Described(list []string) []string {
	help := map[string]string{}
	for _, o := range t.All() {
		help["--"+o.Name] = o.Help
	}
	return DescribedBy(list, help)
}

// DescribedBy puts behind each word of a list what help says of it, after a tab.
func DescribedBy(list []string, help map[string]string) []string {
	out := slices.Clone(list)
	for i, word := range list {
		if text := help[strings.TrimSuffix(word, "=")]; text != "" {
			out[i] += "\t" + text
		}
	}
	return out
}

// Starting keeps the candidates that begin with a word, in order, each once; files
// where they are among them and there is no other.
func Starting(word string, list []string) []string {
	var kept []string
	for _, c := range list {
		if strings.HasPrefix(c, word) && !slices.Contains(kept, c) {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 && slices.Contains(list, Files) {
		return []string{Files}
	}
	return WordsAlone(kept)
}

// Prefixed puts a prefix before each word; files stay.
func Prefixed(prefix string, list []string) []string {
	out := slices.Clone(list)
	for i, c := range list {
		if c != Files {
			out[i] = prefix + c
		}
	}
	return out
}

// Listed offers each word behind what is there of a list already, unless it is in
// there. Those of alone stand in no list with others.
func Listed(words []string, typed string, alone ...string) []string {
	i := strings.LastIndexByte(typed, ',') + 1
	if i == 0 {
		return slices.Concat(alone, words)
	}
	there := strings.Split(typed[:i], ",")
	if slices.Contains(alone, there[0]) {
		return nil
	}
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
