package main

import (
	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
)

// subjects are the processes that a command is about: --pid and the operands
// are one list.
type subjects struct {
	threads []flags.Thread
}

// option adds --pid.
func (s *subjects) option(o *flags.Options, help string) {
	flags.Do(o, "-p, --pid", help, flags.Processes, func(list []flags.Thread) error {
		s.threads = append(s.threads, list...)
		return nil
	})
}

// elsewhere says of an option that chooses processes what to use instead.
func elsewhere(name string) string {
	switch name {
	case "all", "a", "A", "e":
		return "all processes: capsh ps --all, capsh tree --all"
	case "container", "user", "cap":
		return "only process ids choose here; capsh ps --all --" + name + "=… lists them"
	case "name", "C":
		return "only process ids choose here; capsh ps NAME lists them"
	}
	return ""
}

// add takes operands, each as --pid does.
func (s *subjects) add(operands []string) error {
	for _, o := range operands {
		list, err := flags.ParseThreads(o)
		if err != nil {
			return exit.Hint(exit.With(exit.Usage, err), "processes by name: capsh ps NAME; those of a container: capsh ps --all --container=NAME")
		}
		s.threads = append(s.threads, list...)
	}
	return nil
}

// atMostOne refuses several processes.
func (s *subjects) atMostOne() error {
	if len(s.threads) > 1 {
		return usageError("only one process at a time, not %d", len(s.threads))
	}
	return nil
}

// list is the processes; where none was named it is this one, as the procfs has
// it.
func (s *subjects) list(r procfs.Root) ([]flags.Thread, error) {
	if len(s.threads) > 0 {
		return s.threads, nil
	}
	pid, err := r.Self()
	return []flags.Thread{{ThreadID: cred.ThreadID{PID: pid, TID: pid}}}, err
}

// read reads the processes with their other threads, if these count, and their
// user namespaces.
func (s *subjects) read(r procfs.Root) ([]cred.Process, error) {
	if len(s.threads) == 0 && r == procfs.Proc {
		p, err := self.Process(procfs.Options{UserNS: true})
		p.ThreadsRead = true // the runtime's have what this one has: nothing was changed
		return []cred.Process{p}, err
	}
	threads, err := s.list(r)
	if err != nil {
		return nil, err
	}
	list := make([]cred.Process, len(threads))
	for i, t := range threads {
		if list[i], err = r.Process(t.PID, t.TID, procfs.Options{Threads: !t.Alone, UserNS: true}); err != nil {
			return nil, err
		}
		list[i].ThreadsRead = list[i].ThreadsRead || t.Alone
	}
	return list, nil
}
