package flags

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"

	"golang.org/x/sys/unix"
)

// Kinds of what belongs to a process that is launched.

// Umask is an octal mode up to 0777.
var Umask = Kind[uint32]{
	Word: "MODE",
	Parse: func(text string) (uint32, error) {
		n, err := strconv.ParseUint(text, 8, 32)
		if err != nil || n > 0o777 || len(text) > 4 {
			return 0, fmt.Errorf("%q is not an octal number up to 0777", text)
		}
		return uint32(n), nil
	},
}

// limits are all that setrlimit(2) has, by Docker's and prlimit(1)'s words.
var limits = [...]struct {
	name     string
	resource int
}{
	{"as", unix.RLIMIT_AS}, {"core", unix.RLIMIT_CORE}, {"cpu", unix.RLIMIT_CPU},
	{"data", unix.RLIMIT_DATA}, {"fsize", unix.RLIMIT_FSIZE}, {"locks", unix.RLIMIT_LOCKS},
	{"memlock", unix.RLIMIT_MEMLOCK}, {"msgqueue", unix.RLIMIT_MSGQUEUE}, {"nice", unix.RLIMIT_NICE},
	{"nofile", unix.RLIMIT_NOFILE}, {"nproc", unix.RLIMIT_NPROC}, {"rss", unix.RLIMIT_RSS},
	{"rtprio", unix.RLIMIT_RTPRIO}, {"rttime", unix.RLIMIT_RTTIME}, {"sigpending", unix.RLIMIT_SIGPENDING},
	{"stack", unix.RLIMIT_STACK},
}

// Rlimit is NAME=SOFT[:HARD]; one number is both. The name is in any case, and with
// setrlimit(2)'s RLIMIT_ or without.
var Rlimit = Kind[plan.Rlimit]{
	Word:  "NAME=SOFT[:HARD]",
	Parse: parseRlimit,
	Complete: func(typed string) (list []string) {
		if strings.Contains(typed, "=") {
			return nil // a number
		}
		for _, limit := range limits {
			list = append(list, limit.name+"=")
		}
		return list
	},
}

func parseRlimit(text string) (r plan.Rlimit, err error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return r, fmt.Errorf("%q is not of the form NAME=SOFT[:HARD]", text)
	}
	short := strings.TrimPrefix(strings.ToLower(name), "rlimit_")
	for _, lim := range limits {
		if lim.name == short {
			r.Name, r.Resource = short, lim.resource
		}
	}
	soft, hard, two := strings.Cut(value, ":")
	if !two {
		hard = soft
	}
	var softErr, hardErr error
	r.Soft, softErr = limitValue(soft)
	r.Hard, hardErr = limitValue(hard)
	switch {
	case r.Name == "":
		return r, fmt.Errorf("no limit is called %q", name)
	case softErr != nil || hardErr != nil:
		return r, fmt.Errorf(`%q: a limit is a number or "unlimited"`, text)
	case r.Soft > r.Hard:
		return r, fmt.Errorf("%q: the soft limit is above the hard one", text)
	}
	return r, nil
}

// limitValue reads a number; "unlimited" and -1 are RLIM_INFINITY.
func limitValue(text string) (uint64, error) {
	if text == "unlimited" || text == "-1" {
		return unix.RLIM_INFINITY, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// Signals is a set of signals by names with commas between, bit n-1 for signal n.
var Signals = Kind[uint64]{
	Word: "SIGNAL,...",
	Parse: func(text string) (set uint64, err error) {
		for name := range strings.SplitSeq(text, ",") {
			sig, err := plan.ParseSignal(name)
			switch {
			case err != nil:
				return 0, err
			case sig == int(unix.SIGKILL) || sig == int(unix.SIGSTOP):
				return 0, fmt.Errorf("nothing can be set for %s", name)
			}
			set |= 1 << (sig - 1)
		}
		return set, nil
	},
	Complete: func(typed string) []string { return Listed(plan.SignalNames(ordinary), typed) },
}

// ordinary are the signals below the real-time ones.
const ordinary = 1<<31 - 1

// DeathSignal is what a process is to get when its parent ends.
type DeathSignal struct {
	Keep   bool // that which is set now
	Signal uint32
}

// Death is a signal, keep, or clear.
var Death = Kind[DeathSignal]{
	Word: "SIGNAL|keep|clear",
	Parse: func(text string) (DeathSignal, error) {
		switch text {
		case "clear":
			return DeathSignal{}, nil
		case "keep":
			return DeathSignal{Keep: true}, nil
		}
		sig, err := plan.ParseSignal(text)
		return DeathSignal{Signal: uint32(sig)}, err
	},
	Complete: func(string) []string {
		return append([]string{"keep", "clear", "KILL", "STOP"}, plan.SignalNames(ordinary)...)
	},
}

// Ptracer is a process id, any, or none, as prctl(PR_SET_PTRACER) has it.
var Ptracer = Kind[uint64]{
	Word: "PID|any|none",
	Parse: func(text string) (uint64, error) {
		switch text {
		case "any":
			return plan.AnyPtracer, nil
		case "none":
			return 0, nil
		}
		pid, err := strconv.ParseUint(text, 10, 31)
		if err != nil || pid == 0 {
			return 0, fmt.Errorf(`%q is not a process id, "any" or "none"`, text)
		}
		return pid, nil
	},
	Complete: func(string) []string { return append([]string{"any", "none"}, PIDs()...) },
}

// Base is what to keep to begin with: none, current, a runtime's default, or a file.
var Base = Kind[string]{Word: "none|current|RUNTIME|FILE", Parse: asTyped, Complete: func(string) []string {
	return append(DefaultNames(), "none", "current", Files)
}}

// DefaultNames are the runtimes of which a default set is known.
func DefaultNames() (list []string) {
	for _, d := range catalog.Defaults() {
		list = append(list, d.Name)
	}
	return list
}

// Groups is init, none, keep, or a list of groups; init and keep may have more
// behind them: init,+GROUP,+GROUP.
var Groups = Kind[string]{
	Word:  "init|none|keep|LIST",
	Parse: asTyped,
	Complete: func(typed string) []string {
		if base, more, ok := strings.Cut(typed, ",+"); ok && (base == "init" || base == "keep") {
			return Prefixed(base+",+", Listed(GroupNames(), more))
		}
		return Listed(GroupNames(), typed, "init", "none", "keep")
	},
}

// LandlockAccess is fs, net or scope, with or without :RIGHT,...; LandlockRule is
// path-beneath:[RIGHT,...]:PATH or net-port:[RIGHT,...]:PORT, as setpriv(1) has them.
var (
	LandlockAccess = Kind[string]{Word: "fs|net|scope[:RIGHT,...]", Parse: asTyped,
		Complete: func(typed string) []string { return completeRights(typed, "fs", "fs", "net", "net", "scope", "scope") }}
	LandlockRule = Kind[string]{Word: "path-beneath|net-port:[RIGHT,...]:PATH|PORT", Parse: asTyped,
		Complete: func(typed string) []string { return completeRights(typed, "path-beneath:", "fs", "net-port:", "net") }}
)

// completeRights completes the rights of words, each with the kind of its rights.
func completeRights(typed string, words ...string) (list []string) {
	name, rights, more := strings.Cut(typed, ":")
	for i := 0; i < len(words); i += 2 {
		switch {
		case !more:
			list = append(list, words[i])
		case words[i] == "path-beneath:" && name == "path-beneath" && strings.Contains(rights, ":"):
			return []string{Files}
		case strings.TrimSuffix(words[i], ":") == name && !strings.Contains(rights, ":"):
			return Prefixed(name+":", Listed(plan.LandlockRights(words[i+1], plan.NewestLandlock).Names(), rights))
		}
	}
	return list
}

// Assignment is NAME=VALUE, of an environment.
var Assignment = Kind[string]{Word: "NAME=VALUE", Parse: func(text string) (string, error) {
	name, _, ok := strings.Cut(text, "=")
	switch {
	case name == "":
		return "", notVariable(text)
	case !ok:
		return "", fmt.Errorf("%q is not of the form NAME=VALUE", text)
	}
	return text, nil
}}

// Variable is the name of a variable.
var Variable = Kind[string]{Word: "NAME", Parse: func(text string) (string, error) {
	if text == "" || strings.Contains(text, "=") {
		return "", notVariable(text)
	}
	return text, nil
}}

func notVariable(text string) error { return fmt.Errorf("%q is not the name of a variable", text) }

// SecurebitChanges is what [Securebits] is, or changes of the present value:
// +BIT,-BIT. It is read once that value is known. The execve clears keep_caps.
var SecurebitChanges = Kind[string]{
	Word: "BITS",
	Parse: func(text string) (string, error) {
		if text == "" {
			return "", errors.New(`the value is empty, write "none" for no bit`)
		}
		return text, nil
	},
	Complete: func(typed string) []string { return completeSecurebits(typed, cred.KeepCaps) },
}

// Bounding is a list of capabilities, changes of the present set, or keep. It is read
// later.
var Bounding = Kind[string]{
	Word:     "LIST",
	Parse:    asTyped,
	Complete: func(typed string) []string { return Listed(append(CapNames(typed), "all"), typed, "none", "keep") },
}
