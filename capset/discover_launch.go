package main

import (
	"fmt"
	"os"

	"capsh/internal/linux/trial"
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/exit"
)

// launchTrial is capset as the launch of one trial. The arguments are those of a
// launch, the set as a mask, and those that capset was given. It returns only
// where the command was not started, and says why on the trial's report.
func launchTrial(from *cred.State, args, env []string) int {
	report, rest, err := trial.LaunchArgs(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "capset:", err)
		return exit.Failed
	}
	answer, err := startTrial(from, rest[0], rest[1:], env)
	status := exit.Status(err, exit.Failed)
	trial.Refuse(report, trial.Refusal{Answer: answer, Status: status, Text: exit.Message(err)})
	return status
}

// startTrial launches the command with one set. Answer says that the error is what
// this set comes to, not a failure of capset.
func startTrial(from *cred.State, mask string, args, env []string) (answer bool, err error) {
	set, err := caps.ParseMask(mask)
	if err != nil {
		return false, err
	}
	o, _, err := parse(args)
	if err != nil {
		return false, err
	}
	o.keep = keepOptions{}
	l, err := o.resolve(from, env)
	if err != nil {
		return false, err
	}
	l.request.Keep = set
	p, err := l.plan(from)
	if err != nil && !p.leavesRaising() {
		return p != nil, err // there is a plan, and the command does not fit it
	}
	command, err := p.carryOut()
	if err != nil {
		return false, err
	}
	return true, p.exec(&command, func([]string) {})
}

// leavesRaising reports whether all that is wrong with a plan is that the file has no
// effective flag: the command has its set permitted, and may raise it by itself.
func (p *planned) leavesRaising() bool {
	if p == nil || !p.After.OK {
		return false
	}
	after := p.After.Value
	only := after.Effective == 0 && after.Permitted == p.request.Keep
	return only && after.UID == p.Want.UID && after.GID == p.Want.GID
}
