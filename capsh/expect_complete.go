package main

import (
	"strings"

	"capsh/internal/rules/expect"
	"capsh/internal/ui/flags"
)

// completeExpression lists the beginnings of an expression, and its values.
func completeExpression(typed string) []string {
	if i := strings.IndexAny(typed, "=<>~"); i > 0 {
		subject := strings.TrimRight(typed[:i], "!")
		i++
		if strings.HasPrefix(typed[i:], "=") {
			i++
		}
		return flags.Prefixed(typed[:i], expectValues(subject, typed[i:]))
	}
	list := []string{"nnp", "!nnp"}
	for _, subject := range expect.Subjects() {
		if subject != "nnp" {
			list = append(list, subject+"=")
		}
	}
	return list
}

// expectValues are those of an expression's subject.
func expectValues(subject, typed string) []string {
	switch subject {
	case "uid", "euid", "suid", "fsuid":
		return flags.UserNames()
	case "gid", "egid", "sgid", "fsgid":
		return flags.GroupNames()
	case "groups":
		return flags.Listed(flags.GroupNames(), typed, "none")
	case "seccomp":
		return []string{"off", "strict", "filter"}
	case "userns":
		return []string{"initial"}
	case "securebits":
		return flags.Securebits.Complete(typed)
	case "mode":
		return flags.ModeNames()
	}
	return flags.Listed(append(flags.CapNames(typed), append(flags.DefaultNames(), "all")...), typed, "none")
}
