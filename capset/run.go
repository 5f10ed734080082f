package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"capsh/internal/linux/inherit"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/linux/trial"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/term"
	"capsh/internal/ui/version"

	"golang.org/x/sys/unix"
)

// run is the program: args[0] is its name, the result its exit status. It
// returns only where no command was started.
func run(args, env []string, _ io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 { // as execve(2) permits before Linux 5.18
		args = []string{"capset"}
	}
	out := term.NewOutput("capset", stdout, stderr)
	from, err := state() // before the caller's words, its name among them, mean anything
	if err == nil {
		switch args[0] {
		case trial.KeeperName:
			return trial.Keep(args[1:], env)
		case trial.LaunchName:
			return launchTrial(from, args[1:], env)
		}
		err = dispatch(from, args, env, out)
	}
	if err == nil {
		err = out.Flush()
	}
	if message := exit.Message(err); message != "" {
		out.Message(message, exit.Hints(err)...)
	}
	return exit.Status(err, exit.Failed)
}

// noCommand is the error of a line without a command, of which the last word may be
// taken for one.
func noCommand(args []string) error {
	taken := ""
	if n := len(args); n > 1 && !strings.HasPrefix(args[n-1], "-") && strings.HasPrefix(args[n-2], "-") {
		taken = fmt.Sprintf(" (%q is the value of %s)", args[n-1], args[n-2])
	}
	return errors.New("no command to run" + taken + "; capset --help lists the options")
}

// dispatch parses, resolves, plans, and shows or launches.
func dispatch(from *cred.State, args, env []string, out *term.Output) error {
	o, help, err := parse(args[1:])
	if err != nil {
		return err
	}
	text, err := o.information(help)
	switch {
	case text != "" || err != nil || o.mode.complete.OK:
		out.Printf("%s", text)
		return err
	case len(o.discover.merge) > 0:
		return o.mergeProfiles()
	case len(o.argv) == 0:
		return noCommand(args[1:])
	case o.discover.how.OK:
		return o.discoverLeast(from, args[1:], env, out)
	}
	p, err := o.plan(from, env)
	switch {
	case err != nil:
		return err
	case o.mode.dryRun:
		out.Printf("%s", p.show(&o.mode, out.Color("auto", env)))
		return nil
	}
	warn := func(warnings []string) {
		for _, w := range warnings {
			if !o.mode.quiet {
				out.Message("warning: " + w)
			}
		}
	}
	if o.mode.verbose {
		for _, n := range p.Notes {
			out.Message("note: " + n)
		}
	}
	warn(p.Warnings)
	return p.start(warn)
}

// information is the text that an option asks for instead of a launch, "" for none.
func (o *options) information(help string) (string, error) {
	switch m := &o.mode; {
	case help != "":
		return help, nil
	case len(m.asked()) > 0 && len(o.argv) > 0:
		return "", fmt.Errorf("%s does not start a command: %s", m.asked()[0], o.argv[0])
	case len(m.asked()) > 1:
		return "", errors.New(strings.Join(m.asked(), " and ") + " exclude each other")
	case m.version:
		return versionText(), nil
	case m.listLandlock:
		return landlockList()
	case m.listCaps:
		return capList()
	case m.complete.OK:
		words := flags.SplitLine(m.complete.Value)
		if len(words) < 2 {
			return "", nil
		}
		table := new(options).table()
		list := table.Complete(words[1:len(words)-1], words[len(words)-1])
		if m.verbose {
			list = table.Described(list)
		} else {
			list = flags.WordsAlone(list)
		}
		return strings.Join(append(list, ""), "\n"), nil
	}
	return "", nil
}

// asked are the options that ask for information.
func (m *modeOptions) asked() (list []string) {
	for _, o := range [...]struct {
		name string
		on   bool
	}{{"--version", m.version}, {"--list-caps", m.listCaps}, {"--list-landlock", m.listLandlock}} {
		if o.on {
			list = append(list, o.name)
		}
	}
	return list
}

func versionText() string {
	text := "capset " + version.String()
	if inherit.Lacks != "" {
		text += " (" + inherit.Lacks + ")"
	}
	return text + "\n"
}

// plan resolves and plans a command line. Nothing is changed.
func (o *options) plan(from *cred.State, env []string) (*planned, error) {
	l, err := o.resolve(from, env)
	if err != nil {
		return nil, err
	}
	p, err := l.plan(from)
	if err == nil && o.keep.saved != nil {
		p.Warnings = append(p.Warnings, p.differsFrom(o.keep.saved)...)
	}
	return p, err
}

// state is what this process has. A capset that someone made setuid would take orders
// from anybody, so it refuses to run.
func state() (*cred.State, error) {
	from, err := self.State()
	switch {
	case err != nil:
	case from.UID.Real != from.UID.Effective || from.GID.Real != from.GID.Effective:
		err = errors.New("real and effective ids differ: capset refuses to run setuid or setgid")
	case hiddenSetid(&from):
		err = errors.New("the file of this program is setuid or setgid: capset refuses to run as that")
	}
	return &from, err
}

// hiddenSetid reports whether this program is setuid or setgid, for a caller whose ids
// its user namespace does not map: they are shown as 65534, as the file's owner may
// be, too. The kernel sets AT_SECURE then, and for file capabilities.
func hiddenSetid(from *cred.State) bool {
	const atSecure = 23   // include/uapi/linux/auxvec.h
	aux, _ := unix.Auxv() // there are no other errors than of other systems
	if !slices.Contains(aux, [2]uintptr{atSecure, 1}) {
		return false
	}
	dir, err := procfs.OpenOwn("self", unix.O_PATH|unix.O_DIRECTORY)
	if err == nil {
		defer unix.Close(dir)
		var st unix.Stat_t
		if err = unix.Fstatat(dir, "exe", &st, 0); err == nil {
			return st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0
		}
	}
	// Without /proc the sets tell: only file capabilities leave something permitted
	// that is not ambient. A setuid program of another user than root has nothing
	// permitted (cap_bprm_creds_from_file, security/commoncap.c).
	return from.Permitted&^from.Ambient == 0
}
