package plan

import (
	"encoding/json"
	"fmt"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Step is one thing that a launch does to its thread. Each is a type with its
// operands, which JSON shows as they are marshalled.
type Step interface {
	// Name is the step's in JSON, "setresuid".
	Name() string
	// String is the step for people, one line.
	String() string
	// Simulate does to a state what the step does to a thread, by the kernel's
	// rules. The error is a *[Failure] where the kernel would refuse; the state is
	// as it was then.
	Simulate(st *cred.State) error
}

// Failure is a step that the kernel would refuse.
type Failure struct {
	// What is the step, and what it acts on where that is one thing.
	What string
	// Why is the rule that it breaks.
	Why string
	// Needs is the missing capability, if that is the reason.
	Needs caps.Set
}

func (f *Failure) Error() string {
	if f.Needs == 0 {
		return fmt.Sprintf("%s: would not be permitted (%s)", f.What, f.Why)
	}
	needs := ""
	for c := range f.Needs.All() {
		needs += c.OCI()
	}
	return fmt.Sprintf("%s: would not be permitted (needs %s, which is not in the permitted set)", f.What, needs)
}

func fails(what, why string) error        { return &Failure{What: what, Why: why} }
func needs(what string, c caps.Cap) error { return &Failure{What: what, Needs: c.Set()} }

// unchanged is the simulation of a step that changes nothing of a state.
type unchanged struct{}

func (unchanged) Simulate(*cred.State) error { return nil }

// Again is a step that changes nothing, provided that the state was read right: a
// seccomp filter may answer the calls that read it. It is done all the same, and is not
// shown. Where it is refused, the state has to be read in another way.
type Again struct{ Step }

// MarshalStep is a step as a JSON object: its name, its text, its operands.
func MarshalStep(s Step) ([]byte, error) {
	head, err := json.Marshal(struct {
		Step string `json:"step"`
		Text string `json:"text"`
	}{s.Name(), s.String()})
	if err != nil {
		return nil, err
	}
	operands, err := json.Marshal(s)
	if err != nil || string(operands) == "{}" {
		return head, err
	}
	return append(append(head[:len(head)-1], ','), operands[1:]...), nil
}
