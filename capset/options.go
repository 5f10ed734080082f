package main

import (
	"errors"
	"slices"
	"strings"

	"capsh/internal/linux/files"
	"capsh/internal/rules/accounts"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/option"
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
	found   int // which of paths was judged; len(paths) for none
	first   int // the first of paths that is there at all
	lookup  files.Lookup
	// uid and gid are the ids that the command will have, account is whose the
	// real uid is, once it is looked up.
	uid, gid cred.IDs
	account  accounts.Account
	lookedUp bool
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

// options are all there are, in the order of --help. The linker lays them out;
// nothing of it runs at the start.
var options = [...]option.Option[setter]{
	{Long: "keep", Short: 'k', Value: option.Required, Do: (*launch).addCaps},
	{Long: "cap-add", Value: option.Required, Do: (*launch).addCaps},
	{Long: "cap-drop", Value: option.Required, Do: (*launch).addCaps},
	{Long: "from", Value: option.Required, Do: func(l *launch, g given) error { return once(&l.from, g) }},

	{Long: "user", Short: 'u', Value: option.Required, Do: func(l *launch, g given) error { return set(&l.user, g) }},
	{Long: "groups", Value: option.Required, Do: func(l *launch, g given) error { return set(&l.groups, g) }},
	{Long: "ruid", Value: option.Required, Do: (*launch).addIDs},
	{Long: "euid", Value: option.Required, Do: (*launch).addIDs},
	{Long: "rgid", Value: option.Required, Do: (*launch).addIDs},
	{Long: "egid", Value: option.Required, Do: (*launch).addIDs},
	{Long: "login-env", Do: func(l *launch, g given) error { l.loginEnv = true; return nil }},

	{Long: "bounding", Value: option.Required, Do: (*launch).addSets},
	{Long: "inheritable", Value: option.Required, Do: (*launch).addSets},
	{Long: "permitted", Value: option.Required, Do: (*launch).addSets},
	{Long: "ambient", Value: option.Required, Do: (*launch).addSets},
	{Long: "securebits", Value: option.Required, Do: func(l *launch, g given) error { return set(&l.bits, g) }},
	{Long: "lock", Do: func(l *launch, g given) error { l.request.Lock = true; return nil }},
	{Long: "allow-new-privs", Do: func(l *launch, g given) error { l.request.AllowNewPrivs = true; return nil }},

	{Long: "chdir", Short: 'C', Value: option.Required, Do: func(l *launch, g given) error { return once(&l.request.Chdir, g) }},
	{Long: "chroot", Value: option.Required, Do: func(l *launch, g given) error { return once(&l.request.Chroot, g) }},
	{Long: "umask", Value: option.Required, Do: (*launch).umask},
	{Long: "rlimit", Value: option.Required, Do: (*launch).rlimit},
	{Long: "env", Short: 'e', Value: option.Required, Do: (*launch).addEnviron},
	{Long: "unset-env", Value: option.Required, Do: (*launch).addEnviron},
	{Long: "reset-env", Do: func(l *launch, g given) error { l.resetEnv = true; return nil }},
	{Long: "argv0", Short: 'a', Value: option.Required, Do: func(l *launch, g given) error { return set(&l.argv0, g) }},
	{Long: "pdeathsig", Value: option.Required, Do: (*launch).deathSignal},
	{Long: "ptracer", Value: option.Required, Do: (*launch).ptracer},
	{Long: "ignore-signal", Value: option.Optional, Do: func(l *launch, g given) error { return signals(&l.request.Signals.Ignore, g) }},
	{Long: "default-signal", Value: option.Optional, Do: func(l *launch, g given) error { return signals(&l.request.Signals.Default, g) }},
	{Long: "block-signal", Value: option.Optional, Do: func(l *launch, g given) error { return signals(&l.request.Signals.Block, g) }},

	{Long: "apparmor-profile", Value: option.Required, Do: func(l *launch, g given) error { return once(&l.request.AppArmor, g) }},
	{Long: "selinux-label", Value: option.Required, Do: func(l *launch, g given) error { return once(&l.request.SELinux, g) }},
	{Long: "seccomp-filter", Value: option.Required, Do: func(l *launch, g given) error { return once(&l.request.SeccompFile, g) }},
	{Long: "landlock-access", Value: option.Required, Do: (*launch).addLandlock},
	{Long: "landlock-rule", Value: option.Required, Do: (*launch).addLandlock},

	{Long: "dry-run", Short: 'n', Do: func(l *launch, g given) error { l.dryRun = true; return nil }},
	{Long: "json", Do: func(l *launch, g given) error { l.json = true; return nil }},
	{Long: "best-effort", Do: func(l *launch, g given) error { l.request.BestEffort = true; return nil }},
	{Long: "allow-mismatch", Do: func(l *launch, g given) error { l.request.AllowMismatch = true; return nil }},
	{Long: "quiet", Short: 'q', Do: func(l *launch, g given) error { l.quiet = true; return nil }},
	{Long: "list-caps", Do: func(l *launch, g given) error { l.listCaps = true; return nil }},
	{Long: "help", Short: 'h', Do: func(l *launch, g given) error { l.help = true; return nil }},
	{Long: "version", Short: 'V', Do: func(l *launch, g given) error { l.version = true; return nil }},
}

// parse reads the options and what follows them. Words are checked here as far
// as that needs neither files nor the state of this process.
func parse(args []string) (*launch, error) {
	l := &launch{lookup: files.Here}
	list, rest, err := option.Parse(options[:], args)
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
		return twice(g)
	}
	*v = cmdValue{g.Text, true}
	return nil
}

// once notes a value that can be given once and has to say something.
func once(text *string, g given) error {
	switch {
	case *text != "":
		return twice(g)
	case g.Text == "":
		return errors.New(g.Name + ": the value is empty")
	}
	*text = g.Text
	return nil
}

func twice(g given) error { return errors.New(g.Name + " is given twice") }

// add notes a value of which there may be several, in order.
func add(list *[]word, g given) error {
	*list = append(*list, word{"--" + g.Long, g.Text})
	return nil
}

func (l *launch) addCaps(g given) error     { return add(&l.caps, g) }
func (l *launch) addSets(g given) error     { return add(&l.sets, g) }
func (l *launch) addEnviron(g given) error  { return add(&l.environ, g) }
func (l *launch) addLandlock(g given) error { return add(&l.landlock, g) }

func (l *launch) addIDs(g given) error {
	if slices.ContainsFunc(l.ids, func(w word) bool { return w.option == g.Name }) {
		return twice(g)
	}
	return add(&l.ids, g)
}
