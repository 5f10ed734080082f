package schema

import (
	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

// Plan writes a plan as an object: what capset(1), "JSON", documents.
func (j *JSON) Plan(p *plan.Plan, c *Command) {
	j.BeginObject()
	j.Version()
	j.Key("command").BeginObject()
	j.Key("path").String(c.Path)
	j.Key("argv").strings(c.Argv)
	j.EndObject()
	j.Key("steps").BeginArray()
	for i := range p.Steps {
		j.step(&p.Steps[i])
	}
	j.EndArray()
	j.Key("before").stateObject(&p.Before)
	j.Key("before_exec").stateObject(&p.Want)
	j.Key("after")
	if p.After.OK {
		j.stateObject(&p.After.Value)
	} else {
		j.Null()
	}
	j.Key("rules").BeginArray()
	for r := range p.Rules.All() {
		j.String(r.String())
	}
	j.EndArray()
	j.Key("unforeseen").KnownString(cred.Known[string]{Value: p.Unforeseen, OK: p.Unforeseen != ""})
	j.Key("warnings").strings(p.Warnings)
	j.EndObject()
}

func (j *JSON) stateObject(s *cred.State) {
	j.BeginObject()
	j.state(s)
	j.EndObject()
}

// step writes a step as an object: its name, its text, its operands.
func (j *JSON) step(s *plan.Step) {
	j.BeginObject()
	j.Key("step").String(s.Op.String())
	j.Key("text").String(s.String())
	switch s.Op {
	case plan.Capset:
		j.Key("effective").Set(s.Sets.Effective)
		j.Key("permitted").Set(s.Sets.Permitted)
		j.Key("inheritable").Set(s.Sets.Inheritable)
	case plan.DropBounding, plan.RaiseAmbient:
		j.Key("capabilities").Set(s.Set)
	case plan.Setgroups:
		j.Key("groups").numbers(s.Groups)
	case plan.Setresuid, plan.Setresgid:
		j.Key("real").KnownUint(newID(s.IDs.Real))
		j.Key("effective").KnownUint(newID(s.IDs.Effective))
		j.Key("saved").KnownUint(newID(s.IDs.Saved))
	case plan.SetSecurebits, plan.SetUmask, plan.SetDeathSignal, plan.SetPtracer:
		j.Key("value").Uint(s.Number)
	case plan.SetRlimit:
		j.Key("name").String(s.Rlimit.Name)
		j.Key("soft").Uint(s.Rlimit.Soft)
		j.Key("hard").Uint(s.Rlimit.Hard)
	case plan.Chroot, plan.Chdir:
		j.Key("path").String(s.Text)
	default:
		j.confinement(s)
	}
	j.EndObject()
}

// newID is unknown where the id stays.
func newID(id uint32) cred.Known[uint64] {
	return cred.Known[uint64]{Value: uint64(id), OK: id != cred.Unchanged}
}

// confinement writes the operands of the steps that come last.
func (j *JSON) confinement(s *plan.Step) {
	switch s.Op {
	case plan.SetAppArmor, plan.SetSELinux:
		j.Key("label").String(s.Text)
	case plan.RestrictLandlock:
		j.Key("rights").strings(plan.RightNames(s.Landlock.Access))
		j.Key("rules").BeginArray()
		for _, r := range s.Landlock.Rules {
			j.BeginObject()
			j.Key("path").String(r.Path)
			j.Key("rights").strings(plan.RightNames(r.Access))
			j.EndObject()
		}
		j.EndArray()
	case plan.SetSignals:
		j.Key("ignore").strings(plan.SignalNames(s.Signals.Ignore))
		j.Key("default").strings(plan.SignalNames(s.Signals.Default))
		j.Key("block").strings(plan.SignalNames(s.Signals.Block))
	case plan.FilterSeccomp:
		j.Key("path").String(s.Text)
		j.Key("instructions").Uint(uint64(len(s.Filter) / 8)) // struct sock_filter
	}
}

// Command is what a plan is to start.
type Command struct {
	Path string
	Argv []string
}
