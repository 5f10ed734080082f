package main

import (
	"strings"

	"capsh/internal/ui/flags"
)

// completeLeading completes a line on which options come before a command and
// its arguments.
func completeLeading(known []optionWord, before []string, last string) []string {
	for i := 0; i < len(before); i++ {
		switch o, attached := findWord(known, before[i]); {
		case before[i] == "--" && i == len(before)-1:
			return []string{flags.Commands}
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
	return []string{flags.Commands}
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
	return flags.Prefixed(attached, valuesOf(o, last[len(attached):])), true
}
