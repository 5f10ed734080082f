package main

import (
	"path"
	"slices"
	"strings"

	"capsh/internal/rules/expect"
	"capsh/internal/ui/classic"
)

// What a shell may offer for the last word of a command line.

// offerCommands stands for all commands of the machine; none at all stands for
// files. The shell knows both.
const offerCommands = "@commands"

// complete lists what the last word of a line can become; words[0] is capsh or
// capset.
func complete(words []string) []string {
	if len(words) < 2 {
		return nil
	}
	last := words[len(words)-1]
	before := words[1 : len(words)-1]
	switch path.Base(words[0]) {
	case "capsh":
		return starting(last, completeCapsh(before, last))
	case "capset":
		return starting(last, completeLeading(capsetOptions(), before, last))
	}
	return nil
}

// starting keeps the candidates that begin with a word, in order, each once.
func starting(word string, list []string) []string {
	if len(list) == 1 && list[0] == offerCommands {
		return list
	}
	var kept []string
	for _, c := range list {
		if strings.HasPrefix(c, word) && !slices.Contains(kept, c) {
			kept = append(kept, c)
		}
	}
	return kept
}

func completeCapsh(before []string, last string) []string {
	if len(before) > 0 && isWord(before[0]) {
		return completeCommand(before, last)
	}
	var list []string
	for text, value := range classic.Options {
		if value {
			text += "="
		}
		list = append(list, text)
	}
	// What the help says of an option may say which values it has.
	help := optionsIn(classic.Usage("capsh"))
	if values, ok := attachedValue(help, last); ok {
		return values
	}
	list = append(list, optionWords(help)...)
	if len(before) == 0 {
		for _, c := range commands() {
			list = append(list, c.name)
		}
	}
	return list
}

// completeCommand completes the line of a command.
func completeCommand(before []string, last string) []string {
	for _, c := range commands() {
		if c.name != before[0] {
			continue
		}
		known := optionsIn(c.usage)
		if c.name == "predict" {
			return completeLeading(known, before[1:], last)
		}
		if list, ok := completeOption(known, before[1:], last); ok {
			return list
		}
		return operandsOf(c.name, last)
	}
	return nil
}

// operandsOf are what a command speaks of.
func operandsOf(command, last string) []string {
	switch command {
	case "show", "ps", "tree", "assess":
		return processIDs()
	case "explain":
		return listOf(capNames(last), last)
	case "completion":
		return shells[:]
	case "expect":
		return expressions(last)
	}
	return nil
}

// expressions are the beginnings of one, and its values.
func expressions(last string) []string {
	if i := strings.IndexAny(last, "=<>"); i > 0 {
		subject := strings.TrimRight(last[:i], "!")
		i++
		if strings.HasPrefix(last[i:], "=") {
			i++
		}
		return prefixed(last[:i], expectValues(subject, last[i:]))
	}
	list := []string{"nnp", "!nnp"}
	for _, subject := range expect.Subjects() {
		if subject != "nnp" {
			list = append(list, subject+"=")
		}
	}
	return list
}

// completeLeading completes a line on which options come before a command and
// its arguments.
func completeLeading(known []optionWord, before []string, last string) []string {
	for i := 0; i < len(before); i++ {
		switch o, attached := findWord(known, before[i]); {
		case before[i] == "--" && i == len(before)-1:
			return []string{offerCommands}
		case o != nil && o.value != "" && attached == "" && i == len(before)-1:
			return valuesOf(o, last)
		case o != nil && o.value != "" && attached == "":
			i++
		case !strings.HasPrefix(before[i], "-") || before[i] == "--":
			return nil // in the arguments of the command
		}
	}
	if list, ok := completeOption(known, nil, last); ok {
		return list
	}
	return []string{offerCommands}
}

// completeOption completes an option or its value; false for an operand.
func completeOption(known []optionWord, before []string, last string) ([]string, bool) {
	if list, ok := attachedValue(known, last); ok {
		return list, true
	}
	if len(before) > 0 {
		if o, attached := findWord(known, before[len(before)-1]); o != nil && o.value != "" && attached == "" {
			return valuesOf(o, last), true
		}
	}
	if strings.HasPrefix(last, "-") {
		return optionWords(known), true
	}
	return nil, false
}

// attachedValue completes --name=value and -xvalue.
func attachedValue(known []optionWord, last string) ([]string, bool) {
	o, attached := findWord(known, last)
	if o == nil || attached == "" {
		return nil, false
	}
	return prefixed(attached, valuesOf(o, last[len(attached):])), true
}

func prefixed(prefix string, list []string) []string {
	var out []string
	for _, c := range list {
		out = append(out, prefix+c)
	}
	return out
}
