package main

import (
	"errors"

	"capsh/internal/linux/bpfiter"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/userdb"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/expect"
	"capsh/internal/ui/report"
	"capsh/internal/ui/schema"
	"capsh/internal/ui/term"
)

const expectUsage = `usage: capsh expect [--pid=PID[/TID]] [--tap] [--json] EXPR ...
Says in what a process, this one without --pid, is not as it should be: exit
status 0 if all of EXPR hold, 1 with a line for each that does not or is not
known, 2 for wrong usage. All threads of a process must be so.
  eff=net_bind_service   effective; prm, inh, bnd, amb are the other sets
  bnd<=docker            nothing beyond Docker's default; podman, containerd,
                         cri-o, lxc, systemd-nspawn have one too
  prm>=chown,setuid      these at least; a set takes = != <= >= < >
  amb=none inh!=all      no capability; all that the kernel has
  nnp !nnp               no_new_privs is set; is not
  uid=0 egid!=daemon     uid gid, euid egid, suid sgid, fsuid fsgid
  groups>=4,adm          a set; groups=none
  seccomp=filter         off, strict, filter
  userns=initial         or the inode of a user namespace
  securebits=noroot+locked,keep_caps   a set; a number; none
  mode=HYBRID            libcap's mode
Write !nnp, < and > in quotes. Options:
      --format=text|json  --proc=DIR  --color=auto|always|never
`

// runExpect is capsh expect.
func runExpect(args, _ []string, out *term.Output) (int, error) {
	var c common
	var t target
	var tap bool
	texts, err := parseCommand(args, c.options(value("pid", t.set), flag("tap", &tap)))
	switch {
	case err != nil:
		return exitUsage, err
	case len(texts) == 0:
		return exitUsage, errors.New("needs an EXPR")
	case tap && c.json:
		return exitUsage, errors.New("--tap and --json exclude each other")
	}
	list, err := parseExpectations(texts, c.proc)
	if err != nil {
		return exitUsage, err
	}
	p, err := t.read(c.proc)
	if err != nil {
		return exitNo, err
	}
	verdicts, worst := judgeAll(list, &p)
	if worst == expect.Unknown && !p.Securebits.OK { // to ask for these costs more than all else
		bpfiter.Securebits(c.proc, &p)
		verdicts, worst = judgeAll(list, &p)
	}
	status := exitYes
	if worst != expect.Holds {
		status = exitNo
	}
	switch {
	case tap:
		out.Buf = report.TAP(out.Buf, list, verdicts)
	case c.json:
		out.Buf = schema.Line(out.Buf, func(j *schema.JSON) { j.Expectations(&p, list, verdicts) })
	default:
		out.Buf = report.Expectations(out.Buf, verdicts)
	}
	return status, nil
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
