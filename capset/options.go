package main

import (
	"errors"
	"slices"
	"strings"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/export"
	"capsh/internal/ui/flags"
)

// options is a command line as it was typed. Its words are checked as far as that
// needs no file and no state of this process; [options.resolve] does the rest.
type options struct {
	keep     keepOptions
	user     userOptions
	sets     setOptions
	process  processOptions
	environ  environOptions
	confine  confineOptions
	discover discoverOptions
	mode     modeOptions
	argv     []string // the command and its arguments
}

// word is an option with its value, of which several act in order.
type word struct{ option, text string }

// modeOptions say what to do with the launch.
type modeOptions struct {
	dryRun, quiet, verbose, bestEffort, allowMismatch, listCaps, listLandlock, version bool

	format   cred.Known[string]
	complete cred.Known[string] // a command line, for a shell
}

// parse reads a command line. Help is the text that was asked for, "" for none.
func parse(args []string) (o *options, help string, err error) {
	o = &options{}
	o.argv, help, err = o.table().Parse(args)
	err = withPeers(err, args)
	if both := o.process.signals.Ignore & o.process.signals.Default; err == nil && both != 0 {
		err = errors.New("--ignore-signal and --default-signal both name " + strings.Join(plan.SignalNames(both), ", "))
	}
	if err == nil && o.sets.noNewPrivs && o.sets.allowNewPrivs {
		err = errors.New("--no-new-privs and --allow-new-privs contradict each other")
	}
	if err == nil {
		err = o.checkModes()
	}
	return o, help, err
}

func (m *modeOptions) json() bool { return m.format.Value == "json" }

// table has all options: a new one is one entry here.
func (o *options) table() *flags.Table {
	return &flags.Table{
		Usage: "capset [option ...] [--] command [argument ...]",
		About: `Starts a command that has no capabilities and can gain none, unless options say
otherwise. Does not start it if it would have something other than asked for.

`,
		Groups: []flags.Group{
			{Title: "capabilities", Options: o.keep.options()},
			{Title: "users", Options: o.user.options()},
			{Title: "sets", Options: o.sets.options()},
			{Title: "process", Options: o.process.options()},
			{Title: "environment", Options: o.environ.options()},
			{Title: "confinement", Options: o.confine.options()},
			{Title: "discovery", Options: o.discover.options()},
			{Title: "output", Options: o.mode.options()},
		},
		After: `
LIST is comma-separated names (net_raw, CAP_NET_RAW, 13), or all or none.
Exit status: the command's; 125 capset failed and started nothing, 126 the
command cannot be executed, 127 it was not found. With --discover: 0 if a set
was found, 1 if not.
`,
		Leading: true,
		Refused: peerOption,
	}
}

func (k *keepOptions) options() []flags.Option {
	return []flags.Option{
		{Name: "keep", Short: "k", Help: "keep these capabilities through the execve", Value: ordered(&k.words, "--keep", flags.UnreadCaps)},
		{Name: "from", Help: "start from this set; default: none", Value: flags.Once(&k.from, flags.Some(flags.Base))},
		{Name: "cap-add", Help: "also keep these, as with docker run", Value: ordered(&k.words, "--cap-add", flags.UnreadCaps)},
		{Name: "cap-drop", Help: "do not keep these, as with docker run", Value: ordered(&k.words, "--cap-drop", flags.UnreadCaps)},
	}
}

func (u *userOptions) options() []flags.Option {
	return []flags.Option{
		{Name: "user", Short: "u", Help: "run as this user, with its groups and HOME", Value: flags.Once(&u.spec, flags.UserSpec)},
		{Name: "groups", Help: "set the supplementary groups", Value: flags.Once(&u.groups, flags.Groups)},
		{Name: "if-root", Help: "change the user only if the effective uid is 0", Value: flags.Switch(&u.ifRoot)},
		{Name: "own-stdio", Help: "make the user the owner of stdin, stdout, stderr", Value: flags.Switch(&u.ownStdio)},
		{Name: "ruid", Help: "set the real user id", Value: ordered(&u.ids, "--ruid", flags.UserName).Once()},
		{Name: "euid", Help: "set the effective and saved user id", Value: ordered(&u.ids, "--euid", flags.UserName).Once()},
		{Name: "rgid", Help: "set the real group id", Value: ordered(&u.ids, "--rgid", flags.GroupName).Once()},
		{Name: "egid", Help: "set the effective and saved group id", Value: ordered(&u.ids, "--egid", flags.GroupName).Once()},
	}
}

func (s *setOptions) options() []flags.Option {
	return []flags.Option{
		{Name: "bounding", Help: "bounding set: LIST, +a,-b (relative), or keep", Value: flags.Once(&s.bounding, flags.Bounding)},
		{Name: "inheritable", Help: "inheritable set: LIST or +a,-b", Value: flags.Once(&s.inheritable, flags.UnreadCaps)},
		{Name: "permitted", Help: "permitted set: LIST or +a,-b", Value: flags.Once(&s.permitted, flags.UnreadCaps)},
		{Name: "ambient", Help: "ambient set: LIST or +a,-b", Value: flags.Once(&s.ambient, flags.UnreadCaps)},
		{Name: "securebits", Help: "securebits: names, a number, none, or +a,-b", Value: flags.Once(&s.securebits, flags.SecurebitChanges)},
		{Name: "lock", Help: "lock securebits: uid 0 confers no capabilities", Value: flags.Switch(&s.lock)},
		{Name: "no-new-privs", Help: "set no_new_privs (the default)", Value: flags.Switch(&s.noNewPrivs)},
		{Name: "allow-new-privs", Help: "leave no_new_privs as it is", Value: flags.Switch(&s.allowNewPrivs)},
	}
}

func (p *processOptions) options() []flags.Option {
	dir := flags.Some(flags.Text("DIR"))
	return []flags.Option{
		{Name: "chdir", Short: "C", Help: "change to this directory, as the new user", Value: flags.Once(&p.chdir, dir)},
		{Name: "chroot", Help: "change the root and the working directory", Value: flags.Once(&p.chroot, dir)},
		{Name: "umask", Help: "set the umask, in octal", Value: flags.Once(&p.umask, flags.Umask)},
		{Name: "rlimit", Help: "set a limit: nofile=1024:2048", Value: flags.Do(flags.Rlimit, p.addRlimit)},
		{Name: "argv0", Short: "a", Help: "set the command's argv[0]", Value: flags.Once(&p.argv0, flags.Text("NAME"))},
		{Name: "pdeathsig", Help: "signal when its parent ends", Value: flags.Once(&p.death, flags.Death)},
		{Name: "ptracer", Help: "process that may trace it (Yama)", Value: flags.Once(&p.ptracer, flags.Ptracer)},
		{Name: "ignore-signal", Help: "ignore these signals, or all", Value: signals(&p.signals.Ignore)},
		{Name: "default-signal", Help: "reset these signals, or all", Value: signals(&p.signals.Default)},
		{Name: "block-signal", Help: "block these signals, or all", Value: signals(&p.signals.Block)},
	}
}

func (e *environOptions) options() []flags.Option {
	return []flags.Option{
		{Name: "env", Short: "e", Help: "set a variable, in order with --unset-env", Value: ordered(&e.words, "--env", flags.Assignment)},
		{Name: "unset-env", Help: "remove a variable", Value: ordered(&e.words, "--unset-env", flags.Variable)},
		{Name: "reset-env", Help: "start with only TERM, HOME, SHELL, USER, PATH", Value: flags.Switch(&e.reset)},
		{Name: "keep-home", Help: "leave HOME as it is", Value: flags.Switch(&e.keepHome)},
		{Name: "login-env", Help: "also set USER and LOGNAME", Value: flags.Switch(&e.login)},
	}
}

func (c *confineOptions) options() []flags.Option {
	return []flags.Option{
		{Name: "apparmor-profile", Help: "profile to apply at execve", Value: flags.Once(&c.appArmor, flags.Some(flags.Text("NAME")))},
		{Name: "selinux-label", Help: "label to apply at execve", Value: flags.Once(&c.selinux, flags.Some(flags.Text("LABEL")))},
		{Name: "seccomp-filter", Help: "load a compiled BPF filter", Value: flags.Once(&c.seccomp, flags.Some(flags.Text("FILE")))},
		{Name: "landlock-access", Help: "deny these rights, or all", Value: ordered(&c.landlock, "--landlock-access", flags.LandlockAccess)},
		{Name: "landlock-rule", Help: "allow them", Value: ordered(&c.landlock, "--landlock-rule", flags.LandlockRule)},
	}
}

func (m *modeOptions) options() []flags.Option {
	format, json := flags.Formatted(&m.format, flags.Format(export.Formats()...))
	return []flags.Option{
		{Name: "dry-run", Short: "n", Help: "show the plan, change nothing", Value: flags.Switch(&m.dryRun)},
		{Name: "format", Help: "output format of --dry-run or --discover", Value: format},
		{Name: "json", Help: "the same as --format=json", Value: json},
		{Name: "best-effort", Help: "only warn about capabilities not permitted", Value: flags.Switch(&m.bestEffort)},
		{Name: "allow-mismatch", Help: "only warn if the result will differ", Value: flags.Switch(&m.allowMismatch)},
		{Name: "verbose", Short: "v", Help: "also report harmless differences", Value: flags.Switch(&m.verbose)},
		{Name: "quiet", Short: "q", Help: "print no warnings", Value: flags.Switch(&m.quiet)},
		{Name: "list-landlock", Help: "list the Landlock rights of the kernel", Value: flags.Switch(&m.listLandlock)},
		{Name: "list-caps", Help: "list the capabilities of the kernel", Value: flags.Switch(&m.listCaps)},
		{Name: "complete", Help: "completions of the last word, for shells", Value: flags.Known(&m.complete, flags.Text("LINE"))},
		{Name: "version", Short: "V", Help: "print the version", Value: flags.Switch(&m.version)},
	}
}

// ordered notes a value and its option, in order with others.
func ordered(to *[]word, option string, kind flags.Kind[string]) flags.Value {
	return flags.Do(kind, func(text string) error {
		*to = append(*to, word{option, text})
		return nil
	})
}

// signals adds to a set the signals that an option names, all if it names none.
func signals(set *uint64) flags.Value {
	return flags.Optional(^uint64(0), flags.Signals, func(more uint64) error {
		*set |= more
		return nil
	})
}

func (p *processOptions) addRlimit(r plan.Rlimit) error {
	if slices.ContainsFunc(p.rlimits, func(other plan.Rlimit) bool { return other.Name == r.Name }) {
		return errors.New(r.Name + " is given twice")
	}
	p.rlimits = append(p.rlimits, r)
	return nil
}
