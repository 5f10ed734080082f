package differ

import (
	"os/user"
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
	// mend, in the place of both, puts right what libcap's prints.
	mend func(out string) string
	used atomic.Bool
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

// wrongCommand: nothing on stdout, exit 2 as of any command of our own.
func wrongCommand(*moment, result) expectation {
	return expectation{result: result{code: 2}, stderr: true}
}

// refuseMode: as refuse, but a mode that cannot be set is told on stdout.
func refuseMode(m *moment, _ result) expectation {
	return expectation{result: result{out: m.before.out, code: 1}, ownWords: true}
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

// asList: what libcap's does when it is asked in other words, and a message where
// flags are ignored.
func asList(words func(option string, names []string) []string) func(*moment, result) expectation {
	return func(m *moment, _ result) expectation {
		option, value, _ := strings.Cut(m.arg(), "=")
		names, flags, _ := nameList(value)
		argv := slices.Clone(m.argv[:m.at])
		argv = append(append(argv, words(option+"=", names)...), m.argv[m.at+1:]...)
		e := m.w.expect(m.st, argv)
		e.stderr = e.stderr || flags
		return e
	}
}

// differences makes the table. An entry that no fixed vector needs fails the
// test.
func differences() []*difference {
	return []*difference{
		{
			name:   "help",
			why:    "--help is an answer, not an error, wherever it stands; libcap's exits 1 unless it is first",
			match:  func(m *moment) bool { return m.arg() == "--help" || m.arg() == "--help=all" || m.arg() == "-h" },
			expect: help,
		}, {
			name:   "bare-word",
			why:    "a bare word in front is kept free for commands; the wrong use of one is exit 2",
			match:  func(m *moment) bool { return m.at == 0 && m.arg() != "" && !strings.ContainsAny(m.arg()[:1], "-=") },
			expect: wrongCommand,
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
			name:  "list-in-a-question",
			why:   "libcap's asks for the first name only: --has-p=a,b+ep does not look at b; the flags are ignored with a message",
			match: hasAny(questionOptions, func(v string) bool { _, flags, ok := nameList(v); return ok && (flags || strings.Contains(v, ",")) }),
			expect: asList(func(option string, names []string) (argv []string) {
				for _, n := range names {
					argv = append(argv, option+n)
				}
				return argv
			}),
		}, {
			name:   "flags-behind-a-list",
			why:    "libcap's ignores flags in --drop=a+ep, and takes --inh=a=eip for set text; a message says that they are ignored",
			match:  hasAny(append([]string{"--inh="}, listOptions...), func(v string) bool { _, flags, ok := nameList(v); return ok && flags }),
			expect: asList(func(option string, names []string) []string { return []string{option + strings.Join(names, ",")} }),
		}, {
			name:   "text-after-one-name",
			why:    "libcap's ignores what follows the name or number: --has-p='a b' asks for a only",
			match:  hasAny(nameOptions, func(v string) bool { _, rest, ok := name(v); return ok && rest != "" }),
			expect: refuse,
		}, {
			name:   "text-after-a-name-in-a-list",
			why:    `libcap's ignores what follows a name: --drop="cap_chown cap_kill" drops one`,
			match:  hasAny(listOptions, anyItem(func(v string) bool { _, rest, ok := name(v); return ok && rest != "" && !isFlags(rest) })),
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
			expect: usage,
		}, {
			name:  "decode-a-line",
			why:   "a mask with blanks around it, or a line of /proc/PID/status: libcap's decodes the hex digits of CapBnd",
			match: has("--decode=", func(v string) bool { return !isMask(v) && isMask(maskOf(v)) }),
			expect: instead(func(m *moment) (*state, []string) {
				argv := slices.Clone(m.argv)
				argv[m.at] = "--decode=" + maskOf(strings.TrimPrefix(m.arg(), "--decode="))
				return m.st, argv
			}),
		}, {
			name:   "decode-no-mask",
			why:    "libcap's decodes what is no hex number as 0 or in part, and what is too big as all ones",
			match:  has("--decode=", func(v string) bool { return !isMask(v) }),
			expect: refuse,
		}, {
			name:   "has-beyond-the-kernel",
			why:    "libcap's takes the kernel's EINVAL for a yes",
			match:  hasBeyondKernel,
			expect: refuse,
		}, {
			name:   "set-beyond-the-kernel",
			why:    "the kernel drops bits that it lacks, and libcap's says nothing: --caps=63+p sets nothing",
			match:  setBeyondKernel,
			expect: refuse,
		}, {
			name: "all-of-nothing",
			why:  "where the kernel does not tell its capabilities, libcap's takes all for none: --drop=all drops nothing",
			match: func(m *moment) bool {
				return m.st.bits < 0 && (m.arg() == "--drop=all" || m.arg() == "--addamb=all")
			},
			expect: refuse,
		}, {
			name:   "nopriv-and-no-bounding",
			why:    "as all-of-nothing: --mode=NOPRIV leaves the bounding set full there",
			match:  func(m *moment) bool { return m.st.bits < 0 && m.arg() == "--mode=NOPRIV" },
			expect: refuseMode,
		}, {
			name:   "capabilities-not-kept",
			why:    "with the keep-caps securebit locked, libcap's loses the capabilities that --cap-uid and --user keep",
			match:  losesAll,
			expect: refuse,
		}, {
			name: "nopriv-errno",
			why:  "libcap's gives the reason of a later call",
			mend: func(out string) string {
				return strings.Replace(out, "failed to set mode [NOPRIV]: Invalid argument\n",
					"failed to set mode [NOPRIV]: Operation not permitted\n", 1)
			},
		}, {
			name: "name-of-uid",
			why:  "libcap's prints the effective user's name for both: its second getpwuid overwrites the first",
			mend: mendNames,
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
	i := slices.IndexFunc(m.w.known, func(d *difference) bool { return d.match != nil && d.match(m) })
	if i < 0 {
		return nil
	}
	return m.w.known[i]
}

func has(option string, bad func(value string) bool) func(*moment) bool {
	return hasAny([]string{option}, bad)
}

func hasAny(options []string, bad func(value string) bool) func(*moment) bool {
	return func(m *moment) bool {
		_, value, ok := cutAny(m.arg(), options)
		return ok && bad(value)
	}
}

// cutAny splits an argument that is one of the options.
func cutAny(arg string, options []string) (option, value string, ok bool) {
	for _, o := range options {
		if value, ok := strings.CutPrefix(arg, o); ok {
			return o, value, true
		}
	}
	return "", "", false
}

func anyItem(bad func(string) bool) func(string) bool {
	return func(list string) bool {
		return list != "all" && slices.ContainsFunc(strings.Split(list, ","), bad)
	}
}

// whole is a name or number of a capability and nothing after it.
func whole(v string) bool { _, rest, ok := name(v); return ok && rest == "" }

// hasBeyondKernel is a question after a capability that the kernel lacks. One
// that does not tell still shows the bounding set in /proc.
func hasBeyondKernel(m *moment) bool {
	option, value, ok := cutAny(m.arg(), []string{"--has-a=", "--has-b=", "--dropped="})
	c, rest, isName := name(value)
	switch {
	case !ok || !isName || rest != "" || m.st.kernelHas(c):
		return false
	case c >= uint64(m.st.kernelBits()) || option == "--has-a=":
		return true
	}
	return m.bounded(c) == (option == "--dropped=")
}

// setBeyondKernel is whether set text asks for a capability that the kernel
// lacks. To take one away is no more than what is so anyway.
func setBeyondKernel(m *moment) bool {
	option, text, ok := cutAny(m.arg(), []string{"--caps=", "--inh=", "--iab="})
	if !ok {
		return false
	}
	if option != "--caps=" {
		return namesBeyond(m.st, text)
	}
	return slices.ContainsFunc(strings.FieldsFunc(text, blank), func(clause string) bool {
		ops := strings.IndexAny(clause, "=+-")
		return ops > 0 && raises(clause[ops:]) && namesBeyond(m.st, clause[:ops])
	})
}

// raises is whether operators and flags, "=p-e", set any flag.
func raises(ops string) bool {
	op := '-'
	for _, r := range ops {
		switch {
		case strings.ContainsRune("=+-", r):
			op = r
		case op != '-':
			return true
		}
	}
	return false
}

func blank(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) }

// namesBeyond is whether one of the names is of no capability of the kernel.
func namesBeyond(st *state, text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("!^%,", r) })
	return slices.ContainsFunc(words, func(word string) bool {
		c, rest, ok := name(word)
		return ok && rest == "" && c >= uint64(st.kernelBits())
	})
}

// losesAll is whether a change of user that is to keep the permitted set
// empties it.
func losesAll(m *moment) bool {
	if _, _, ok := cutAny(m.arg(), []string{"--user=", "--cap-uid="}); !ok {
		return false
	}
	after := m.then(m.arg(), "--current")
	return after.code == 0 && !permitsAny(after.out) && permitsAny(m.then("--current").out)
}

// permitsAny is whether the last "Current:" line has a permitted flag.
func permitsAny(out string) bool {
	text, _, _ := strings.Cut(out[strings.LastIndex(out, "Current: ")+1:], "\n")
	for clause := range strings.FieldsSeq(text) {
		if i := strings.LastIndexAny(clause, "=+"); i >= 0 && strings.Contains(clause[i:], "p") {
			return true
		}
	}
	return false
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

// mendNames puts the real user's name where libcap's prints the other one's.
func mendNames(out string) string {
	lines := strings.SplitAfter(out, "\n")
	for i, line := range lines {
		uid, rest, ok := strings.Cut(strings.TrimPrefix(line, "uid="), "(")
		if _, name, is := strings.Cut(rest, ")"); ok && is && strings.HasPrefix(line, "uid=") &&
			!strings.HasPrefix(name, " euid="+uid+"(") && !strings.HasPrefix(rest, "???") {
			if u, err := user.LookupId(uid); err == nil {
				lines[i] = "uid=" + uid + "(" + u.Username + ")" + name
			}
		}
	}
	return strings.Join(lines, "")
}
