package plan

import (
	"encoding/json"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The steps that only restrict, and the one that verifies the result.

// NoNewPrivs sets no_new_privs, for good.
type NoNewPrivs struct{}

func (NoNewPrivs) Name() string   { return "no_new_privs" }
func (NoNewPrivs) String() string { return "no_new_privs" }

func (NoNewPrivs) Simulate(st *cred.State) error {
	st.NoNewPrivs = cred.Is(true)
	return nil
}

// SetAppArmor asks for a profile at the execve.
type SetAppArmor struct {
	unchanged
	Label string `json:"label"`
}

func (SetAppArmor) Name() string     { return "apparmor_profile" }
func (s SetAppArmor) String() string { return "apparmor profile " + s.Label }

// SetSELinux asks for a label at the execve.
type SetSELinux struct {
	unchanged
	Label string `json:"label"`
}

func (SetSELinux) Name() string     { return "selinux_label" }
func (s SetSELinux) String() string { return "selinux label " + s.Label }

// RestrictLandlock enters a Landlock ruleset.
type RestrictLandlock struct{ Landlock }

func (RestrictLandlock) Name() string { return "landlock" }

func (s RestrictLandlock) String() string {
	text := "landlock " + strings.Join(s.Access.Names(), ",")
	for _, r := range s.Rules {
		text += "; allow " + strings.Join(r.Access.Names(), ",") + " " + r.Where()
	}
	return text
}

// MarshalJSON is the object of rights and rules, by names.
func (s RestrictLandlock) MarshalJSON() ([]byte, error) {
	type rule struct {
		Path   string   `json:"path,omitempty"`
		Port   *uint16  `json:"port,omitempty"`
		Rights []string `json:"rights"`
	}
	rules := []rule{}
	for _, r := range s.Rules {
		shown := rule{Path: r.Path, Rights: r.Access.Names()}
		if r.Path == "" {
			shown.Port = &r.Port
		}
		rules = append(rules, shown)
	}
	return json.Marshal(struct {
		Rights []string `json:"rights"`
		Rules  []rule   `json:"rules"`
	}{s.Access.Names(), rules})
}

// Simulate is landlock_restrict_self (security/landlock/syscalls.c).
func (s RestrictLandlock) Simulate(st *cred.State) error { return mayConfine(s.Name(), st) }

// FilterSeccomp loads a filter, an array of struct sock_filter from the file Path.
type FilterSeccomp struct {
	Path   string
	Filter []byte
}

func (FilterSeccomp) Name() string     { return "seccomp" }
func (s FilterSeccomp) String() string { return "seccomp filter " + s.Path }

// MarshalJSON is the object of the file and of how many instructions it has.
func (s FilterSeccomp) MarshalJSON() ([]byte, error) {
	const instruction = 8 // struct sock_filter
	return json.Marshal(struct {
		Path         string `json:"path"`
		Instructions int    `json:"instructions"`
	}{s.Path, len(s.Filter) / instruction})
}

// Simulate is seccomp_prepare_filter (kernel/seccomp.c).
func (s FilterSeccomp) Simulate(st *cred.State) error { return mayConfine(s.Name()+" "+s.Path, st) }

// mayConfine is the rule of both: a program that gains privileges at execve must not
// run under a filter that an unprivileged thread has set.
func mayConfine(what string, st *cred.State) error {
	if !st.NoNewPrivs.Value && !st.Effective.Has(caps.SysAdmin) {
		return fails(what, "it needs no_new_privs or CAP_SYS_ADMIN")
	}
	return nil
}

// Verify reads back all that was set and compares it with the plan.
type Verify struct{ unchanged }

func (Verify) Name() string   { return "verify" }
func (Verify) String() string { return "read everything back and compare" }
