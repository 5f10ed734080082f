package differ

import (
	"slices"
	"strings"
	"sync/atomic"
)

// A difference is one way in which our capsh is meant not to do what libcap's
// does. The rule: where libcap does something other than what was asked,
// without a word, we refuse; everywhere else we match.
type difference struct {
	name string
	// why is the reason.
	why string
	// match is whether the argument is one that differs. It may hold for more
	// arguments than differ in fact, if what is expected is right for them.
	match func(*moment) bool
	// expect is what our program must do with the whole command line.
	expect func(m *moment, theirs result) expectation
	used   atomic.Bool
}

// refuse: exit 1 and a word on stderr; what stood before has happened.
func refuse(m *moment, _ result) expectation {
	return expectation{result: result{out: m.before.out, code: 1}, stderr: true}
}

// usage: as refuse, and our usage text on stdout.
func usage(m *moment, theirs result) expectation {
	e := refuse(m, theirs)
	e.ownWords = true
	return e
}

// help: our text on stdout, nothing on stderr, and the end.
func help(m *moment, _ result) expectation {
	return expectation{result: m.before, ownWords: true}
}

// speak: our words in the place of libcap's, all else as there.
func speak(m *moment, theirs result) expectation {
	so := m.w.theirsCached(m.st, m.argv[:m.at+1])
	return expectation{
		result:      result{out: m.before.out, code: theirs.code},
		ownWords:    theirs.errs == "",
		mayBeSilent: so.out == m.before.out,
		rest:        strings.TrimPrefix(theirs.out, so.out),
		stderr:      theirs.errs != "",
	}
}

// instead: what libcap's capsh does when it is asked in other words.
func instead(ask func(*moment) (*state, []string)) func(*moment, result) expectation {
	return func(m *moment, _ result) expectation {
		return m.w.expect(ask(m))
	}
}

// differences makes the table. An entry that no fixed vector needs fails the
// test.
func differences() []*difference {
	return []*difference{
		{
			name:   "help",
			why:    "--help is an answer, not an error, wherever it stands; libcap's exits 1 unless it is first",
			match:  func(m *moment) bool { return m.arg() == "--help" || m.arg() == "-h" },
			expect: help,
		}, {
			name:   "usage",
			why:    "libcap's prints its usage and does not say which argument it did not know",
			match:  func(m *moment) bool { return isUsageError(m.arg()) },
			expect: usage,
		}, {
			name:   "explain",
			why:    "the descriptions are our own words",
			match:  has("--explain=", whole),
			expect: speak,
		}, {
			name:   "suggest",
			why:    "the search runs over our own words",
			match:  has("--suggest=", func(string) bool { return true }),
			expect: speak,
		}, {
			name:   "license",
			why:    "another program, another licence",
			match:  func(m *moment) bool { return m.arg() == "--license" },
			expect: speak,
		}, {
			name:   "number-sign-or-blank",
			why:    `libcap's takes what strtoul takes: "+5", " 5", and " -5", which is a huge number`,
			match:  hasAny(numberOptions, func(v string) bool { return v != "" && (v[0] == '+' || isSpace(v[0])) }),
			expect: refuse,
		}, {
			name:   "number-too-big",
			why:    "libcap's keeps the low 32 bits: --uid=4294967296 is uid 0",
			match:  hasAny(numberOptions, func(v string) bool { n, rest, ok := number(v); return ok && rest == "" && n >= 1<<32 }),
			expect: refuse,
		}, {
			name:   "text-after-one-name",
			why:    "libcap's ignores what follows the name or number: --has-p=a,b asks for a only",
			match:  hasAny(nameOptions, func(v string) bool { _, rest, ok := name(v); return ok && rest != "" }),
			expect: refuse,
		}, {
			name:   "text-after-a-name-in-a-list",
			why:    `libcap's ignores what follows a name: --drop="cap_chown cap_kill" drops one`,
			match:  hasAny(listOptions, anyItem(func(v string) bool { _, rest, ok := name(v); return ok && rest != "" })),
			expect: refuse,
		}, {
			name: "group-number",
			why:  "libcap's ignores what follows the digits and keeps the low 32 bits: --groups=08 is group 0",
			match: has("--groups=", anyItem(func(v string) bool {
				n, rest, ok := number(v)
				return ok && v[0] >= '0' && v[0] <= '9' && (rest != "" || n >= 1<<32)
			})),
			expect: refuse,
		}, {
			name:   "inh-clauses",
			why:    "libcap's pastes the value into set text: --inh='cap_chown=p cap_kill' takes permitted ones away",
			match:  has("--inh=", func(v string) bool { return strings.ContainsAny(v, "=+- \t\n\v\f\r") }),
			expect: refuse,
		}, {
			name:   "noamb-more",
			why:    "libcap's compares the first seven characters only",
			match:  func(m *moment) bool { return strings.HasPrefix(m.arg(), "--noamb") && m.arg() != "--noamb" },
			expect: refuse,
		}, {
			name:   "decode-no-mask",
			why:    "libcap's decodes what is no hex number as 0 or in part, and what is too big as all ones",
			match:  has("--decode=", func(v string) bool { return !isMask(v) }),
			expect: refuse,
		}, {
			name:   "has-beyond-the-kernel",
			why:    "libcap's takes the kernel's EINVAL for a yes",
			match:  hasAnyOf([]string{"--has-a=", "--has-b=", "--dropped="}, beyondKernel),
			expect: refuse,
		}, {
			name:   "set-beyond-the-kernel",
			why:    "the kernel drops bits that it lacks, and libcap's says nothing: --caps=63+p sets nothing",
			match:  hasAnyOf([]string{"--caps=", "--inh=", "--iab="}, textBeyondKernel),
			expect: refuse,
		}, {
			name:   "home-and-user",
			why:    "libcap's hands on the environment that main was given: variables that --user adds are lost",
			match:  needsHome,
			expect: instead(withHome),
		}, {
			name:   "no-bash",
			why:    "without /bin/bash, /bin/sh will do",
			match:  noBash,
			expect: instead(withShell),
		}, {
			name:   "iab-without-setpcap",
			why:    "later libcap (2.70 on) raises SETPCAP for --iab only where it is needed",
			match:  iabNeedsNothing,
			expect: instead(iabInSteps),
		},
	}
}

// find is the entry for the argument; nil if there is none.
func find(m *moment) *difference {
	i := slices.IndexFunc(m.w.known, func(d *difference) bool { return d.match(m) })
	if i < 0 {
		return nil
	}
	return m.w.known[i]
}

func has(option string, bad func(value string) bool) func(*moment) bool {
	return hasAny([]string{option}, bad)
}

func hasAny(options []string, bad func(value string) bool) func(*moment) bool {
	return hasAnyOf(options, func(_ *state, v string) bool { return bad(v) })
}

func hasAnyOf(options []string, bad func(st *state, value string) bool) func(*moment) bool {
	return func(m *moment) bool {
		for _, o := range options {
			if value, ok := strings.CutPrefix(m.arg(), o); ok {
				return bad(m.st, value)
			}
		}
		return false
	}
}

func anyItem(bad func(string) bool) func(string) bool {
	return func(list string) bool {
		return list != "all" && slices.ContainsFunc(strings.Split(list, ","), bad)
	}
}

// whole is a name or number of a capability and nothing after it.
func whole(v string) bool { _, rest, ok := name(v); return ok && rest == "" }

func beyondKernel(st *state, v string) bool {
	c, rest, ok := name(v)
	return ok && rest == "" && !st.kernelHas(c)
}

// textBeyondKernel is whether set text names a capability that the kernel
// lacks.
func textBeyondKernel(st *state, text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("=+-!^%, \t\n\v\f\r", r) })
	return slices.ContainsFunc(words, func(word string) bool {
		c, rest, ok := name(word)
		return ok && rest == "" && c >= uint64(st.kernelBits())
	})
}

// needsHome is whether --user is about to add a variable. libcap's honours
// --noenv only where it comes first.
func needsHome(m *moment) bool {
	if !strings.HasPrefix(m.arg(), "--user=") || m.st.hasEnv("HOME") && m.st.hasEnv("USER") {
		return false
	}
	for i := m.at - 1; i >= 0 && m.argv[i] != "==" && m.argv[i] != "=+"; i-- {
		if m.argv[i] == "--noenv" {
			return false
		}
	}
	return true
}

func withHome(m *moment) (*state, []string) {
	st := m.st
	for _, name := range []string{"HOME", "USER"} {
		if !st.hasEnv(name) {
			st = st.withEnv(name + "=")
		}
	}
	return st, m.argv
}

func noBash(m *moment) bool {
	return (m.arg() == "--" || m.arg() == "-+") && slices.Contains(m.argv[:m.at], "--chroot=@ROOT@") &&
		!slices.ContainsFunc(m.argv[:m.at], func(a string) bool { return strings.HasPrefix(a, "--shell=") })
}

func withShell(m *moment) (*state, []string) {
	return m.st, slices.Insert(slices.Clone(m.argv), m.at, "--shell=/bin/sh")
}
