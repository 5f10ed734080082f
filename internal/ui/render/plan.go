package render

import (
	"strconv"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/plan"
)

// Command is what a plan is to start.
type Command struct {
	Path string
	Argv []string
}

// Plan appends a plan as text: the states and the steps between them, then the
// warnings.
func Plan(b []byte, p *plan.Plan, c *Command) []byte {
	b = appendState(append(b, "before\n"...), &p.Before)
	b = append(b, "steps\n"...)
	for i := range p.Steps {
		b = appendNumber(b, i+1)
		b = AppendEscaped(b, p.Steps[i].String())
		b = append(b, '\n')
	}
	b = appendNumber(b, len(p.Steps)+1)
	b = AppendEscaped(append(b, "execve "...), c.Path)
	b = appendState(append(b, "\nbefore the execve\n"...), &p.Want)
	b = append(b, "after the execve\n"...)
	switch {
	case p.After.OK:
		b = appendState(b, &p.After.Value)
		for r := range p.Rules.All() {
			b = append(append(append(b, "  by          "...), r.String()...), '\n')
		}
	case p.Unforeseen != "":
		b = append(append(append(b, "  not known: "...), Escape(p.Unforeseen)...), '\n')
	default:
		b = append(b, "  nothing: it would be refused\n"...)
	}
	for _, w := range p.Warnings {
		b = append(append(b, "warning: "...), Escape(w)...)
		b = append(b, '\n')
	}
	return b
}

// appendNumber appends a step's number in four columns.
func appendNumber(b []byte, n int) []byte {
	if n < 10 {
		b = append(b, ' ')
	}
	return append(strconv.AppendInt(append(b, ' '), int64(n), 10), ' ')
}

// appendState appends the lines of one state.
func appendState(b []byte, s *cred.State) []byte {
	line := func(name, text string) {
		b = append(append(b, "  "...), name...)
		for range 12 - len(name) {
			b = append(b, ' ')
		}
		b = append(append(b, text...), '\n')
	}
	line("user", plan.IDText(s.UID))
	line("group", plan.IDText(s.GID))
	line("groups", plan.IDList(s.Groups))
	line("effective", plan.Names(s.Effective))
	line("permitted", plan.Names(s.Permitted))
	line("inheritable", plan.Names(s.Inheritable))
	line("bounding", plan.Names(s.Bounding))
	if s.AmbientSupported {
		line("ambient", plan.Names(s.Ambient))
	} else {
		line("ambient", "unsupported")
	}
	line("securebits", knownText(s.Securebits, cred.Securebits.String))
	line("new privs", knownText(s.NoNewPrivs, func(off bool) string {
		if off {
			return "off (no_new_privs)"
		}
		return "allowed"
	}))
	return b
}

func knownText[T any](v cred.Known[T], text func(T) string) string {
	if !v.OK {
		return "unknown"
	}
	return text(v.Value)
}

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
		j.Key("real").Uint(uint64(s.IDs.Real))
		j.Key("effective").Uint(uint64(s.IDs.Effective))
		j.Key("saved").Uint(uint64(s.IDs.Saved))
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
