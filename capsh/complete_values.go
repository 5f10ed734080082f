package main

import (
	"strings"

	"capsh/internal/rules/catalog"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/flags"
)

// valuesOf are the values that an option of capset can have: the words that its
// help names, and what the host has of the kind that its name says.
func valuesOf(o *optionWord, last string) []string {
	var list []string
	for word := range strings.SplitSeq(o.value, "|") {
		if word, _, _ = strings.Cut(word, "["); word != "" && strings.ToLower(word) == word {
			list = append(list, word)
		}
	}
	switch o.name {
	case "--keep", "--cap-add", "--cap-drop", "--bounding", "--inheritable", "--permitted", "--ambient":
		return flags.CompleteCaps(last)
	case "--user":
		return flags.UserSpec.Complete(last)
	case "--from":
		return append(list, catalog.Runtimes()...)
	case "--ruid", "--euid":
		return flags.UserNames()
	case "--groups", "--rgid", "--egid":
		return flags.Listed(append(list, flags.GroupNames()...), last)
	case "--ptracer":
		return append(list, flags.PIDs()...)
	case "--securebits":
		return flags.Securebits.Complete(last)
	default:
		return launchValues(o.name, list, last)
	}
}

// limits are the words for --rlimit: all that setrlimit(2) has.
var limits = [...]string{
	"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue",
	"nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
}

// launchValues are those of capset's own options; list are the words of its help.
func launchValues(name string, list []string, last string) []string {
	const ordinary = 1<<31 - 1 // signals below the real-time ones
	switch name {
	case "--rlimit":
		if strings.Contains(last, "=") {
			return nil // a number
		}
		for _, limit := range limits {
			list = append(list, limit+"=")
		}
	case "--pdeathsig":
		list = append(append(list, "KILL", "STOP"), plan.SignalNames(ordinary)...)
	case "--ignore-signal", "--default-signal", "--block-signal":
		return flags.Listed(plan.SignalNames(ordinary), last)
	case "--landlock-access", "--landlock-rule":
		kind, rights, _ := strings.Cut(last, ":")
		if len(kind) < len(last) && !strings.Contains(rights, ":") {
			return flags.Prefixed(kind+":", flags.Listed(plan.RightNames(1<<plan.NamedRights-1), rights))
		}
	}
	return list
}
