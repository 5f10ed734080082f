package main

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/execve"
	"capsh/internal/ui/option"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

const predictUsage = `usage: capsh predict [option ...] COMMAND [ARG ...]
What COMMAND would hold if this process, or PID, executed it: before and after,
and by which rules. Nothing is run.
      --pid=PID[/TID]        as that process, in its root folder
First, in this order, by the kernel's rules and as far as they permit:
      --bounding=LIST        drop all others from the bounding set
      --inheritable=LIST     set the inheritable set
      --securebits=LIST      noroot,noroot_locked; a number; none
  -u, --user=USER[:GROUP]    set groups, gid and uid, and nothing else
      --ambient=LIST         raise these
      --no-new-privs         set no_new_privs
and  --json --format=text|json --proc=DIR --color=auto|always|never
LIST has commas between capabilities, or is all, none or a runtime the default
of which it is: docker, podman, containerd, cri-o, lxc. Whether the file may be
executed at all is not asked. For a whole launch see capset(1).
Exit status: 0; 1 if the kernel would refuse or the answer is not known; 2 for
wrong usage.
`

// prediction is what is asked of capsh predict.
type prediction struct {
	common
	target  target
	changes changes
	command string
	env     []string
}

// runPredict is capsh predict.
func runPredict(args, env []string, out *term.Output) (int, error) {
	q := prediction{env: env}
	if err := q.parse(args); err != nil {
		return exitUsage, err
	}
	before, exe, err := q.look()
	if err != nil {
		return exitNo, err
	}
	outcome, err := execve.Predict(before, exe)
	var refused *execve.Refused
	var unknown *execve.Unknown
	switch {
	case errors.As(err, &unknown) && unknown.What == "securebits":
		return exitNo, errors.New(err.Error() + "; --securebits says which")
	case err != nil && !errors.As(err, &refused):
		return exitNo, err
	}
	if q.json {
		out.Buf = schema.Line(out.Buf, func(j *schema.JSON) { j.Predict(&before, &exe, &outcome, refused) })
	}
	if refused != nil {
		return exitNo, refused
	}
	if !q.json {
		out.Buf = report.Predict(out.Buf, &before, &exe, &outcome, self.KernelBits(), out.TextWidth(), out.Color(q.color, env))
	}
	return exitYes, nil
}

// parse reads the command line: options up to the command.
func (q *prediction) parse(args []string) error {
	set := func(name string, to *cred.Known[caps.Set]) option.Option[setter] {
		return value(name, func(text string) (err error) {
			to.Value, err = parseSetOrDefault(text)
			to.OK = true
			return err
		})
	}
	user := value("user", q.changes.setUser)
	user.Short = 'u'
	argv, err := parseLeading(args, q.options(
		value("pid", q.target.set),
		set("bounding", &q.changes.bounding),
		set("inheritable", &q.changes.inheritable),
		value("securebits", q.changes.setSecurebits),
		user,
		set("ambient", &q.changes.ambient),
		flag("no-new-privs", &q.changes.noNewPrivs),
	))
	switch {
	case err != nil:
		return err
	case len(argv) == 0 || argv[0] == "":
		return errors.New("needs a COMMAND")
	}
	q.command = argv[0]
	return nil
}

// look reads the process and the file, both as the process sees them, and makes
// the changes that are to come first.
func (q *prediction) look() (before cred.State, exe execve.File, err error) {
	p, err := q.target.read(q.proc)
	if err != nil {
		return before, exe, err
	}
	at, names := files.Here, &userdb.DB{}
	elsewhere := q.target.given || q.proc != procfs.Proc
	if elsewhere {
		bpfiter.Securebits(q.proc, &p)
		if at, err = files.InRoot(q.proc, p.PID); err != nil {
			return before, exe, err
		}
		defer unix.Close(at.Dir)
		names.At = &at
	}
	if exe, err = q.find(at); err != nil {
		return before, exe, err
	}
	before = p.State
	if elsewhere {
		if before, exe, err = asSeenInside(before, exe); err != nil {
			return before, exe, err
		}
	}
	return before, exe, q.changes.apply(&before, names)
}

// find reads the file that execvp(3) would take for the command.
func (q *prediction) find(at files.Lookup) (execve.File, error) {
	if at.Chroot && strings.Contains(q.command, "/") && q.command[0] != '/' {
		return execve.File{}, errors.New(q.command + ": the path must begin with a slash, in the root folder of the process")
	}
	_, exe, err := at.Command(q.command, files.CommandPaths(q.command, q.env))
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
