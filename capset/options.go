package main

import (
	"errors"
	"strings"

	"capsh/internal/option"
	"capsh/internal/plan"
	"capsh/internal/probe"
)

// launch is a command line: first as it was typed, then resolved.
type launch struct {
	argv []string // the command and its arguments
	// command is the command as it was typed; argv[0] may be another.
	command string

	help, version, listCaps bool
	dryRun, json, quiet     bool

	caps    []word // --keep, --cap-add, --cap-drop in order
	from    string
	sets    []word // --bounding, --inheritable, --permitted, --ambient
	bits    cmdValue
	user    cmdValue
	groups  cmdValue
	ids     []word // --ruid, --euid, --rgid, --egid
	environ []word // --env, --unset-env in order
	argv0   cmdValue

	resetEnv, loginEnv bool
	landlock           []word

	request plan.Request
	env     []string
	paths   []string
	found   int // which of paths is the command
	lookup  probe.Lookup
	account account
}

// cmdValue is a value that may not have been given.
type cmdValue struct {
	text  string
	given bool
}

// word is an option with its value, to be resolved in order.
type word struct{ option, text string }

type (
	setter = func(l *launch, g given) error
	given  = option.Word
)

// options are all there are, in the order of --help.
func options() []option.Option[setter] {
	opt := func(long string, short byte, value option.Value, do setter) option.Option[setter] {
		return option.Option[setter]{Long: long, Short: short, Value: value, Do: do}
	}
	return []option.Option[setter]{
		opt("keep", 'k', option.Required, func(l *launch, g given) error { return add(&l.caps, g) }),
		opt("cap-add", 0, option.Required, func(l *launch, g given) error { return add(&l.caps, g) }),
		opt("cap-drop", 0, option.Required, func(l *launch, g given) error { return add(&l.caps, g) }),
		opt("from", 0, option.Required, func(l *launch, g given) error { l.from = g.Text; return notEmpty(g) }),

		opt("user", 'u', option.Required, func(l *launch, g given) error { return set(&l.user, g) }),
		opt("groups", 0, option.Required, func(l *launch, g given) error { return set(&l.groups, g) }),
		opt("ruid", 0, option.Required, func(l *launch, g given) error { return add(&l.ids, g) }),
		opt("euid", 0, option.Required, func(l *launch, g given) error { return add(&l.ids, g) }),
		opt("rgid", 0, option.Required, func(l *launch, g given) error { return add(&l.ids, g) }),
		opt("egid", 0, option.Required, func(l *launch, g given) error { return add(&l.ids, g) }),
		opt("login-env", 0, option.None, func(l *launch, g given) error { l.loginEnv = true; return nil }),

		opt("bounding", 0, option.Required, func(l *launch, g given) error { return add(&l.sets, g) }),
		opt("inheritable", 0, option.Required, func(l *launch, g given) error { return add(&l.sets, g) }),
		opt("permitted", 0, option.Required, func(l *launch, g given) error { return add(&l.sets, g) }),
		opt("ambient", 0, option.Required, func(l *launch, g given) error { return add(&l.sets, g) }),
		opt("securebits", 0, option.Required, func(l *launch, g given) error { return set(&l.bits, g) }),
		opt("lock", 0, option.None, func(l *launch, g given) error { l.request.Lock = true; return nil }),
		opt("allow-new-privs", 0, option.None, func(l *launch, g given) error { l.request.AllowNewPrivs = true; return nil }),

		opt("chdir", 'C', option.Required, func(l *launch, g given) error { l.request.Chdir = g.Text; return notEmpty(g) }),
		opt("chroot", 0, option.Required, func(l *launch, g given) error { l.request.Chroot = g.Text; return notEmpty(g) }),
		opt("umask", 0, option.Required, (*launch).umask),
		opt("rlimit", 0, option.Required, (*launch).rlimit),
		opt("env", 'e', option.Required, func(l *launch, g given) error { return add(&l.environ, g) }),
		opt("unset-env", 0, option.Required, func(l *launch, g given) error { return add(&l.environ, g) }),
		opt("reset-env", 0, option.None, func(l *launch, g given) error { l.resetEnv = true; return nil }),
		opt("argv0", 'a', option.Required, func(l *launch, g given) error { return set(&l.argv0, g) }),
		opt("pdeathsig", 0, option.Required, (*launch).deathSignal),
		opt("ptracer", 0, option.Required, (*launch).ptracer),
		opt("ignore-signal", 0, option.Optional, func(l *launch, g given) error { return signals(&l.request.Signals.Ignore, g) }),
		opt("default-signal", 0, option.Optional, func(l *launch, g given) error { return signals(&l.request.Signals.Default, g) }),
		opt("block-signal", 0, option.Optional, func(l *launch, g given) error { return signals(&l.request.Signals.Block, g) }),

		opt("apparmor-profile", 0, option.Required, func(l *launch, g given) error { l.request.AppArmor = g.Text; return notEmpty(g) }),
		opt("selinux-label", 0, option.Required, func(l *launch, g given) error { l.request.SELinux = g.Text; return notEmpty(g) }),
		opt("seccomp-filter", 0, option.Required, func(l *launch, g given) error { l.request.SeccompFile = g.Text; return notEmpty(g) }),
		opt("landlock-access", 0, option.Required, func(l *launch, g given) error { return add(&l.landlock, g) }),
		opt("landlock-rule", 0, option.Required, func(l *launch, g given) error { return add(&l.landlock, g) }),

		opt("dry-run", 'n', option.None, func(l *launch, g given) error { l.dryRun = true; return nil }),
		opt("json", 0, option.None, func(l *launch, g given) error { l.json = true; return nil }),
		opt("best-effort", 0, option.None, func(l *launch, g given) error { l.request.BestEffort = true; return nil }),
		opt("allow-mismatch", 0, option.None, func(l *launch, g given) error { l.request.AllowMismatch = true; return nil }),
		opt("quiet", 'q', option.None, func(l *launch, g given) error { l.quiet = true; return nil }),
		opt("list-caps", 0, option.None, func(l *launch, g given) error { l.listCaps = true; return nil }),
		opt("help", 'h', option.None, func(l *launch, g given) error { l.help = true; return nil }),
		opt("version", 'V', option.None, func(l *launch, g given) error { l.version = true; return nil }),
	}
}

// parse reads the options and what follows them. Words are checked here as far
// as that needs neither files nor the state of this process.
func parse(args []string) (*launch, error) {
	l := &launch{lookup: probe.Here}
	list, rest, err := option.Parse(options(), args)
	if err != nil {
		return nil, err
	}
	for _, g := range list {
		if strings.IndexByte(g.Text, 0) >= 0 {
			return nil, errors.New(g.Name + ": the value has a NUL byte")
		}
		if err := g.Do(l, g.Word); err != nil {
			return nil, err
		}
	}
	if len(rest) > 0 {
		l.command, l.argv = rest[0], rest
		if l.argv0.given {
			l.argv = append([]string{l.argv0.text}, rest[1:]...)
		}
	}
	if l.json && !l.dryRun {
		return nil, errors.New("--json goes with --dry-run")
	}
	return l, nil
}

// set notes a value that can be given once.
func set(v *cmdValue, g given) error {
	if v.given {
		return errors.New(g.Name + " is given twice")
	}
	*v = cmdValue{g.Text, true}
	return nil
}

// add notes a value of which there may be several, in order.
func add(list *[]word, g given) error {
	*list = append(*list, word{"--" + g.Long, g.Text})
	return nil
}

func notEmpty(g given) error {
	if g.Text == "" {
		return errors.New(g.Name + ": the value is empty")
	}
	return nil
}
