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
		Options: func(to *flags.Options) {
			o.keep.options(to.Group("capabilities"))
			o.user.options(to.Group("users"))
			o.sets.options(to.Group("sets"))
			o.process.options(to.Group("process"))
			o.environ.options(to.Group("environment"))
			o.confine.options(to.Group("confinement"))
			o.discover.options(to.Group("discovery"))
			o.mode.options(to.Group("output"))
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

func (k *keepOptions) options(o *flags.Options) {
	ordered(o, "-k, --keep", "keep these capabilities through the execve", &k.words, flags.UnreadCaps)
	flags.Once(o, "--from", "start from this set; default: none", &k.from, flags.Some(flags.Base))
	ordered(o, "--cap-add", "also keep these, as with docker run", &k.words, flags.UnreadCaps)
	ordered(o, "--cap-drop", "do not keep these, as with docker run", &k.words, flags.UnreadCaps)
}

func (u *userOptions) options(o *flags.Options) {
	flags.Once(o, "-u, --user", "run as this user, with its groups and HOME", &u.spec, flags.UserSpec)
	flags.Once(o, "--groups", "set the supplementary groups", &u.groups, flags.Groups)
	flags.Switch(o, "--if-root", "change the user only if the effective uid is 0", &u.ifRoot)
	flags.Switch(o, "--own-stdio", "make the user the owner of stdin, stdout, stderr", &u.ownStdio)
	ordered(o, "--ruid", "set the real user id", &u.ids, flags.UserName).Once()
	ordered(o, "--euid", "set the effective and saved user id", &u.ids, flags.UserName).Once()
	ordered(o, "--rgid", "set the real group id", &u.ids, flags.GroupName).Once()
	ordered(o, "--egid", "set the effective and saved group id", &u.ids, flags.GroupName).Once()
}

func (s *setOptions) options(o *flags.Options) {
	flags.Once(o, "--bounding", "bounding set: LIST, +a,-b (relative), or keep", &s.bounding, flags.Bounding)
	flags.Once(o, "--inheritable", "inheritable set: LIST or +a,-b", &s.inheritable, flags.UnreadCaps)
	flags.Once(o, "--permitted", "permitted set: LIST or +a,-b", &s.permitted, flags.UnreadCaps)
	flags.Once(o, "--ambient", "ambient set: LIST or +a,-b", &s.ambient, flags.UnreadCaps)
	flags.Once(o, "--securebits", "securebits: names, a number, none, or +a,-b", &s.securebits, flags.SecurebitChanges)
	flags.Switch(o, "--lock", "lock securebits: uid 0 confers no capabilities", &s.lock)
	flags.Switch(o, "--no-new-privs", "set no_new_privs (the default)", &s.noNewPrivs)
	flags.Switch(o, "--allow-new-privs", "leave no_new_privs as it is", &s.allowNewPrivs)
}

func (p *processOptions) options(o *flags.Options) {
	dir := flags.Some(flags.Text("DIR"))
	flags.Once(o, "-C, --chdir", "change to this directory, as the new user", &p.chdir, dir)
	flags.Once(o, "--chroot", "change the root and the working directory", &p.chroot, dir)
	flags.Once(o, "--umask", "set the umask, in octal", &p.umask, flags.Umask)
	flags.Do(o, "--rlimit", "set a limit: nofile=1024:2048", flags.Rlimit, p.addRlimit)
	flags.Once(o, "-a, --argv0", "set the command's argv[0]", &p.argv0, flags.Text("NAME"))
	flags.Once(o, "--pdeathsig", "signal when its parent ends", &p.death, flags.Death)
	flags.Once(o, "--ptracer", "process that may trace it (Yama)", &p.ptracer, flags.Ptracer)
	signals(o, "--ignore-signal", "ignore these signals, or all", &p.signals.Ignore)
	signals(o, "--default-signal", "reset these signals, or all", &p.signals.Default)
	signals(o, "--block-signal", "block these signals, or all", &p.signals.Block)
}

func (e *environOptions) options(o *flags.Options) {
	ordered(o, "-e, --env", "set a variable, in order with --unset-env", &e.words, flags.Assignment)
	ordered(o, "--unset-env", "remove a variable", &e.words, flags.Variable)
	flags.Switch(o, "--reset-env", "start with only TERM, HOME, SHELL, USER, PATH", &e.reset)
	flags.Switch(o, "--keep-home", "leave HOME as it is", &e.keepHome)
	flags.Switch(o, "--login-env", "also set USER and LOGNAME", &e.login)
}

func (c *confineOptions) options(o *flags.Options) {
	flags.Once(o, "--apparmor-profile", "profile to apply at execve", &c.appArmor, flags.Some(flags.Text("NAME")))
	flags.Once(o, "--selinux-label", "label to apply at execve", &c.selinux, flags.Some(flags.Text("LABEL")))
	flags.Once(o, "--seccomp-filter", "load a compiled BPF filter", &c.seccomp, flags.Some(flags.Text("FILE")))
	ordered(o, "--landlock-access", "deny these rights, or all", &c.landlock, flags.LandlockAccess)
	ordered(o, "--landlock-rule", "allow them", &c.landlock, flags.LandlockRule)
}

func (m *modeOptions) options(o *flags.Options) {
	flags.Switch(o, "-n, --dry-run", "show the plan, change nothing", &m.dryRun)
	flags.Formatted(o, "output format of --dry-run or --discover", &m.format, export.Formats()...)
	flags.Switch(o, "--best-effort", "only warn about capabilities not permitted", &m.bestEffort)
	flags.Switch(o, "--allow-mismatch", "only warn if the result will differ", &m.allowMismatch)
	flags.Switch(o, "-v, --verbose", "also report harmless differences", &m.verbose)
	flags.Switch(o, "-q, --quiet", "print no warnings", &m.quiet)
	flags.Switch(o, "--list-landlock", "list the Landlock rights of the kernel", &m.listLandlock)
	flags.Switch(o, "--list-caps", "list the capabilities of the kernel", &m.listCaps)
	flags.Known(o, "--complete", "completions of the last word, for shells", &m.complete, flags.Text("LINE"))
	flags.Switch(o, "-V, --version", "print the version", &m.version)
}

// ordered adds an option that notes itself and its value, in order with others.
func ordered(o *flags.Options, names, help string, to *[]word, kind flags.Kind[string]) *flags.Option {
	option := names[strings.Index(names, "--"):]
	return flags.Do(o, names, help, kind, func(text string) error {
		*to = append(*to, word{option, text})
		return nil
	})
}

// signals adds an option that adds to a set the signals that it names, all if it
// names none.
func signals(o *flags.Options, names, help string, set *uint64) {
	flags.Optional(o, names, help, ^uint64(0), flags.Signals, func(more uint64) error {
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
