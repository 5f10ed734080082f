package main

import (
	"fmt"

	"capsh/internal/linux/self"
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
	"capsh/internal/ui/flags"

	"golang.org/x/sys/unix"
)

// processOptions set what belongs to the process.
type processOptions struct {
	chdir, chroot, argv0 cred.Known[string]
	umask                cred.Known[uint32]
	rlimits              []plan.Rlimit
	death                cred.Known[flags.DeathSignal]
	ptracer              cred.Known[uint64]
	signals              plan.Signals
}

// resolve reads what they change.
func (p *processOptions) resolve(r *plan.Request) (err error) {
	r.Umask, r.Ptracer, r.Signals = p.umask, p.ptracer, p.signals
	if p.death.OK {
		r.DeathSignal = cred.Is(p.death.Value.Signal)
		if p.death.Value.Keep {
			if r.DeathSignal.Value, err = self.DeathSignal(); err != nil {
				return err
			}
		}
	}
	for _, limit := range p.rlimits {
		var now unix.Rlimit
		if err := unix.Prlimit(0, limit.Resource, nil, &now); err != nil {
			return fmt.Errorf("prlimit %s: %w", limit.Name, err)
		}
		limit.Raises = limit.Hard > now.Max
		r.Rlimits = append(r.Rlimits, limit)
	}
	return nil
}
