package main

import "strings"

// optionWord is an option as a help text has it: "--color=auto|always|never".
type optionWord struct{ name, value string }

// optionsIn finds the options in a help text, each once.
func optionsIn(text string) []optionWord {
	var list []optionWord
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \n[", r) }) {
		if name := optionName(word); name != "" {
			value, _ := strings.CutPrefix(word[len(name):], "=")
			if len(name)+len(value) == len(word) {
				value = "" // no value, but what stands behind
			}
			list = addOption(list, optionWord{name, strings.TrimRight(value, "],")})
		}
	}
	return list
}

// optionName is the option that a word begins with, "" for none.
func optionName(word string) string {
	n := 0
	for n < len(word) && (word[n] == '-' || 'a' <= word[n] && word[n] <= 'z') {
		n++
	}
	if n < len("--x") || word[:2] != "--" || word[2] == '-' {
		return ""
	}
	return word[:n]
}

// addOption adds an option, or the value to one that came without.
func addOption(list []optionWord, o optionWord) []optionWord {
	for i := range list {
		if list[i].name == o.name {
			if list[i].value == "" {
				list[i].value = o.value
			}
			return list
		}
	}
	return append(list, o)
}

// findWord finds the option that a word is; attached says that its value, or the
// beginning of one, is in the word too.
func findWord(known []optionWord, word string) (o *optionWord, attached bool) {
	name, _, attached := strings.Cut(word, "=")
	for i := range known {
		if known[i].name == name {
			return &known[i], attached
		}
	}
	return nil, false
}

// optionWords are the options to offer.
func optionWords(known []optionWord) []string {
	var list []string
	for _, o := range known {
		if o.value != "" {
			o.name += "="
		}
		list = append(list, o.name)
	}
	return list
}

// capsetOptions are those of capset --help, word by word: a test holds them
// equal.
func capsetOptions() []optionWord { return optionsIn(capsetHelp) }

const capsetHelp = `
--keep=LIST --from=none|current|docker|podman|containerd|FILE --cap-add=LIST
--cap-drop=LIST --user=USER[:GROUP --groups=init|none|keep|LIST --ruid=USER
--euid=USER --rgid=GROUP --egid=GROUP --login-env --bounding=LIST
--inheritable=LIST --permitted=LIST --ambient=LIST --securebits=LIST|NUMBER
--lock --allow-new-privs --chdir=DIR --chroot=DIR --umask=MODE
--rlimit=NAME=SOFT[:HARD --env=NAME=VALUE --unset-env=NAME --reset-env --argv
--pdeathsig=SIGNAL|keep|clear --ptracer=PID|any|none --ignore-signal
--default-signal --block-signal --apparmor-profile=NAME --selinux-label=LABEL
--seccomp-filter=FILE --landlock-access=fs[:RIGHT,...
--landlock-rule=path-beneath:[RIGHT,...]:PATH --dry-run --json --best-effort
--allow-mismatch --quiet --list-caps --help --version
`
