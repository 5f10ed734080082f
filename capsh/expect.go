package main

import (
	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

// expectCommand is capsh expect.
type expectCommand struct {
	view
	subjects
	tap, quiet bool
}

func (c *expectCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh expect [option ...] EXPR ...",
		About: `Compares processes (this one without --pid) with expectations. Exit status 0 if
each EXPR is true of each process, 1 with a line for each that is false or
unknown, 2 for wrong usage. An EXPR must be true of all threads of a process.
  eff=net_bind_service   effective; prm, inh, bnd, amb are the other sets
  bnd<=docker            nothing beyond Docker's default; podman, containerd,
                         cri-o, lxc, systemd-nspawn have one too
  prm>=chown,setuid      these at least
  prm!~sys_admin,bpf     none of these; a set takes = != <= >= < > !~
  amb=none inh!=all      the set is empty; it is not exactly the full set
  nnp !nnp               no_new_privs is set; is not
  uid=0 egid!=daemon     uid gid, euid egid, suid sgid, fsuid fsgid
  groups>=4,adm          a set; groups=none
  seccomp=filter         off, strict, filter
  userns=initial         or the inode of a user namespace
  securebits=noroot+locked,keep_caps   a set; a number; none
  mode=HYBRID            libcap's mode
Quote expressions with !, < or >.
`,
		Options: func(o *flags.Options) {
			o.Group("what")
			c.subjects.option(o, "processes, or threads of them")
			flags.Switch(o, "--tap", "write the Test Anything Protocol", &c.tap)
			flags.Switch(o, "-q, --quiet", "print nothing; only set the exit status", &c.quiet)
			c.outputs(o)
		},
		Operand: completeExpression,
		Refused: elsewhere,
	}
}

func (c *expectCommand) run(texts, _ []string, out *term.Output) error {
	switch {
	case len(texts) == 0:
		return usageError("needs an EXPR")
	case c.tap && c.json():
		return usageError("--tap and --json exclude each other")
	case c.quiet && (c.tap || c.json()):
		return usageError("--quiet prints nothing: without --tap and --json")
	}
	list, err := parseExpectations(texts, c.proc)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	processes, err := c.read(c.proc)
	if err != nil {
		return err
	}
	worst := expect.Pass
	several := len(processes) > 1
	if c.tap {
		out.Printf("TAP version 13\n1..%d\n", len(processes)*len(list))
	}
	for i := range processes {
		p := &processes[i]
		verdicts, result := c.judge(list, p)
		worst = max(worst, result)
		switch {
		case c.quiet:
		case c.tap:
			out.Buf = report.TAP(out.Buf, p, list, verdicts, i*len(list), several)
		case c.json():
			out.Buf = schema.Append(out.Buf, schema.NewExpectations(p, list, verdicts))
		default:
			out.Buf = report.Expectations(out.Buf, p, verdicts, several)
		}
	}
	if worst != expect.Pass {
		return exit.Silent(exit.No)
	}
	return nil
}

// judge judges a process by all expressions. It asks for the securebits, which
// cost more than all else, only where the answer depends on them.
func (c *expectCommand) judge(list []expect.Expr, p *cred.Process) (verdicts []expect.Verdict, worst expect.Result) {
	verdicts, worst = judgeAll(list, p)
	if worst == expect.Unknown && !p.Securebits.OK {
		bpfiter.Securebits(c.proc, p)
		verdicts, worst = judgeAll(list, p)
	}
	return verdicts, worst
}

// judgeAll judges a process by all expressions, and says what is the worst of it.
func judgeAll(list []expect.Expr, p *cred.Process) (verdicts []expect.Verdict, worst expect.Result) {
	verdicts = make([]expect.Verdict, len(list))
	for i := range list {
		verdicts[i] = list[i].Judge(p)
		worst = max(worst, verdicts[i].Result)
	}
	return verdicts, worst
}

// parseExpectations parses all before anything is read.
func parseExpectations(texts []string, proc procfs.Root) ([]expect.Expr, error) {
	var names userdb.DB
	w := expect.World{Bits: kernelBits(proc), User: names.Files().UID, Group: names.Files().GID}
	list := make([]expect.Expr, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = expect.Parse(text, w); err != nil {
			return nil, err
		}
	}
	return list, nil
}
