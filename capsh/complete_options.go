package main

import "strings"

// optionWord is an option as a help text has it: "--color=auto|always|never", with
// its letter before it, "-u, --user=USER[:GROUP]", if it has one.
type optionWord struct {
	name, value string
	letter      byte // 0 for none
}

// optionsIn finds the options in a help text, each once.
func optionsIn(text string) []optionWord {
	var list []optionWord
	letter := byte(0)
	for word := range strings.FieldsSeq(text) {
		word = strings.TrimLeft(word, "[")
		name := optionName(word)
		if name == "" {
			letter = 0
			if len(word) == len("-x,") && word[0] == '-' && word[2] == ',' {
				letter = word[1]
			}
			continue
		}
		value, _ := strings.CutPrefix(word[len(name):], "=")
		if len(name)+len(value) == len(word) {
			value = "" // no value, but what stands behind
		}
		list = addOption(list, optionWord{name, strings.TrimRight(value, "],"), letter})
		letter = 0
	}
	return list
}

// optionName is the option that a word begins with, "" for none.
func optionName(word string) string {
	n := 0
	for n < len(word) && (word[n] == '-' || 'a' <= word[n] && word[n] <= 'z' || n > 0 && '0' <= word[n] && word[n] <= '9') {
		n++
	}
	if n < len("--x") || word[:2] != "--" || word[2] == '-' {
		return ""
	}
	return word[:n]
}

// addOption adds an option, or what it lacks to one that came without.
func addOption(list []optionWord, o optionWord) []optionWord {
	for i := range list {
		if list[i].name == o.name {
			if list[i].value == "" {
				list[i].value = o.value
			}
			if list[i].letter == 0 {
				list[i].letter = o.letter
			}
			return list
		}
	}
	return append(list, o)
}

// findWord finds the option that a word is, or the last of those whose letters it
// has. Where its value, or the beginning of one, is in the word too, attached is what
// stands before that, else "".
func findWord(known []optionWord, word string) (o *optionWord, attached string) {
	if len(word) > 1 && word[0] == '-' && word[1] != '-' {
		for i := 1; i < len(word); i++ {
			o = findOption(known, func(o *optionWord) bool { return o.letter == word[i] })
			switch {
			case o == nil:
				return nil, ""
			case o.value != "" && i+1 < len(word):
				return o, word[:i+1]
			case o.value != "":
				return o, ""
			}
		}
		return o, ""
	}
	name, _, is := strings.Cut(word, "=")
	if is {
		attached = name + "="
	}
	return findOption(known, func(o *optionWord) bool { return o.name == name }), attached
}

func findOption(known []optionWord, is func(*optionWord) bool) *optionWord {
	for i := range known {
		if is(&known[i]) {
			return &known[i]
		}
	}
	return nil
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
-k, --keep=LIST --from=none|current|RUNTIME|FILE --cap-add=LIST
--cap-drop=LIST -u, --user=USER[:GROUP] --groups=init|none|keep|LIST --ruid=USER
--euid=USER --rgid=GROUP --egid=GROUP --login-env --bounding=LIST
--inheritable=LIST --permitted=LIST --ambient=LIST --securebits=LIST|NUMBER
--lock --allow-new-privs -C, --chdir=DIR --chroot=DIR --umask=MODE
--rlimit=NAME=SOFT[:HARD] -e, --env=NAME=VALUE --unset-env=NAME --reset-env
-a, --argv0=NAME --pdeathsig=SIGNAL|keep|clear --ptracer=PID|any|none
--ignore-signal --default-signal --block-signal --apparmor-profile=NAME
--selinux-label=LABEL --seccomp-filter=FILE --landlock-access=fs[:RIGHT,...]
--landlock-rule=path-beneath:[RIGHT,...]:PATH -n, --dry-run --json --best-effort
--allow-mismatch -q, --quiet --list-caps -h, --help -V, --version
`
