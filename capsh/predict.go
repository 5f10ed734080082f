package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"

	"golang.org/x/sys/unix"
)

// predictCommand is capsh predict.
type predictCommand struct {
	view
	subjects
	changes changes
	command string
	env     []string
}

func (c *predictCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh predict [option ...] COMMAND [ARG ...]",
		About: `Shows which credentials COMMAND would have if this process, or PID, executed it,
before and after, and the rules that decide. Nothing is run.
`,
		Options: func(o *flags.Options) {
			c.subjects.option(o.Group("who"), "as that process, in its root directory")
			o.Group("changes before the execve, in this order")
			flags.Known(o, "--bounding", "drop all but LIST from the bounding set", &c.changes.bounding, setOrDefault)
			flags.Known(o, "--inheritable", "set the inheritable set", &c.changes.inheritable, setOrDefault)
			flags.Known(o, "--securebits", "set noroot,noroot_locked ...; a number; none", &c.changes.securebits, flags.Securebits)
			flags.Known(o, "-u, --user", "set groups, gid and uid, and nothing else", &c.changes.user, flags.Some(flags.UserSpec))
			flags.Known(o, "--ambient", "add these, if permitted and inheritable", &c.changes.ambient, setOrDefault)
			flags.Switch(o, "--no-new-privs", "set no_new_privs", &c.changes.noNewPrivs)
			c.outputs(o)
		},
		After: `LIST is comma-separated capabilities, all, none, or a runtime name (its default
set): docker, podman, containerd, cri-o, lxc. Permission to execute the file is
checked only for this process, unchanged. For a capset launch: capset --dry-run.
Exit status: 0; 1 if the kernel would refuse or the result is unknown; 2 for
wrong usage.
`,
		Leading: true,
		Refused: func(name string) string {
			if strings.HasPrefix(name, "cap-") || name == "keep" || name == "k" {
				return "what capset would do: capset --dry-run --keep=LIST -- COMMAND"
			}
			return ""
		},
	}
}

func (c *predictCommand) run(argv, env []string, out *term.Output) error {
	if len(argv) == 0 || argv[0] == "" {
		return usageError("needs a COMMAND")
	}
	if err := c.atMostOne(); err != nil {
		return err
	}
	c.command, c.env = argv[0], env
	before, exe, err := c.look()
	if err != nil {
		return err
	}
	outcome, err := execve.Predict(&before, &exe)
	var refused *execve.Refused
	var unknown *execve.Unknown
	switch {
	case errors.As(err, &unknown) && unknown.What == "securebits":
		return fmt.Errorf("%w; --securebits says which", err)
	case err != nil && !errors.As(err, &refused):
		return err
	}
	if c.json() {
		out.Buf = schema.Append(out.Buf, schema.NewPrediction(&before, &exe, &outcome, refused))
	}
	if refused != nil {
		return refused
	}
	if !c.json() {
		out.Buf = report.Predict(out.Buf, &before, &exe, &outcome, kernelBits(procfs.Proc), out.TextWidth(), out.Color(c.color, env))
	}
	return nil
}

// look reads the process and the file, both as the process sees them, and makes
// the changes that are to come first.
func (c *predictCommand) look() (before cred.State, exe execve.File, err error) {
	list, err := c.read(c.proc)
	if err != nil {
		return before, exe, err
	}
	p := &list[0]
	if len(c.threads) > 0 || c.proc != procfs.Proc {
		return c.lookElsewhere(p)
	}
	before = p.State
	if err = c.changes.apply(&before, &userdb.DB{}); err != nil {
		return before, exe, err
	}
	at := files.Here
	// As this process, which another state may not be.
	at.Permitted = before.Sets == p.Sets && before.UID == p.UID && before.GID == p.GID && slices.Equal(before.Groups, p.Groups)
	exe, err = c.find(at)
	return before, exe, err
}

// lookElsewhere is look for another process.
func (c *predictCommand) lookElsewhere(p *cred.Process) (before cred.State, exe execve.File, err error) {
	bpfiter.Securebits(c.proc, p)
	at, err := files.InRoot(c.proc, p.PID)
	if err != nil {
		return before, exe, err
	}
	defer unix.Close(at.Dir)
	own, err := self.UserNS()
	if err != nil {
		return before, exe, err
	}
	at.OtherFormats = !own.Inode.OK || own.Inode != p.UserNS.Inode
	if exe, err = c.find(at); err != nil {
		return before, exe, err
	}
	if p.UID.Real == cred.UnknownID || p.UID.Effective == cred.UnknownID { // is it root there?
		return before, exe, errors.New("a uid of the process is unknown: the user namespace of capsh does not show it")
	}
	if before, exe, err = asSeenInside(p.State, exe); err == nil {
		err = c.changes.apply(&before, &userdb.DB{At: &at})
	}
	return before, exe, err
}

// find reads the file that execvp(3) would take for the command.
func (c *predictCommand) find(at files.Lookup) (execve.File, error) {
	if at.Chroot && strings.Contains(c.command, "/") && c.command[0] != '/' {
		return execve.File{}, errors.New(c.command + ": the path must begin with a slash: it is looked up in the root directory of the process")
	}
	_, exe, err := at.Command(c.command, files.CommandPaths(c.command, c.env))
	return exe, err
}

// asSeenInside turns what we see of another process and a file into what that
// process sees.
func asSeenInside(s cred.State, f execve.File) (cred.State, execve.File, error) {
	own, err := self.UserNS()
	switch {
	case err != nil:
		return s, f, err
	case !own.Inode.OK || !s.UserNS.Inode.OK:
		return s, f, errors.New("the user namespace is unknown")
	case own.Inode.Value == s.UserNS.Inode.Value:
		return s, f, nil
	}
	return execve.Inside(s, f)
}
