package main

import (
	"slices"

	"capsh/internal/linux/files"
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/catalog"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

// launch is what a command line resolves to: numbers, open files and paths. All
// that can be read is read; nothing is changed.
type launch struct {
	request plan.Request
	lookup  files.Lookup // in the root and the directory that the command will have
	// command is the command as it was typed; argv[0] may be another.
	command string
	argv    []string
	env     []string
	// inherited is capset's own environment, in a dry run.
	inherited []string
	paths     []string // where to look for the command

	dryRun   bool
	warnings []string // of the resolving; sentences without a full stop
}

func (l *launch) warning(text string) { l.warnings = append(l.warnings, text) }

// resolve resolves a command line for a process in the state from, whose user
// namespace it reads where that matters.
func (o *options) resolve(from *cred.State, env []string) (*launch, error) {
	l := &launch{lookup: files.Here, command: o.argv[0], argv: o.argv, dryRun: o.mode.dryRun}
	if o.process.argv0.OK {
		l.argv = append([]string{o.process.argv0.Value}, o.argv[1:]...)
	}
	r := &l.request
	r.BestEffort, r.AllowMismatch = o.mode.bestEffort, o.mode.allowMismatch
	if err := l.enter(&o.process); err != nil {
		return nil, err
	}
	user, err := o.user.of(from)
	if err != nil {
		return nil, err
	}
	id, err := user.resolve(r, l.accounts(), from)
	if err != nil {
		return nil, err
	}
	if r.Keep, err = o.keep.resolve(from); err != nil {
		return nil, err
	}
	if err := o.sets.resolve(r, from); err != nil {
		return nil, err
	}
	if err := o.confine.resolve(r, l); err != nil {
		return nil, err
	}
	if l.dryRun {
		l.inherited = slices.Clone(env)
	}
	if l.env, err = o.environ.resolve(env, id, user.spec.OK, l.warning); err != nil {
		return nil, err
	}
	l.paths = files.CommandPaths(l.command, l.env)
	if err := o.process.resolve(r); err != nil {
		return nil, err
	}
	if r.Lock || o.mode.dryRun {
		r.UserNamespaces = self.UserNamespaces()
	}
	if err := o.checkIDs(user, r, from); err != nil {
		return nil, err
	}
	if asked := r.Keep | r.Permitted.Value | r.Ambient.Value; !o.mode.quiet && catalog.Remarkable(asked) {
		from.UserNS.Inode, _ = procfs.Proc.Own("self").Namespace("user") // for warnings: where it is unknown they are general
	}
	return l, nil
}
