package report

import (
	"testing"

	"capsh/internal/rules/container"
)

// TestWorseThan: a verdict that might be worse is not hidden by one that is worse now.
func TestWorseThan(t *testing.T) {
	of := func(verdict, atWorst container.Verdict) *Assessed {
		return &Assessed{Assessment: container.Assessment{Verdict: verdict, AtWorst: atWorst}}
	}
	order := []*Assessed{
		of(container.Privileged, container.Privileged),
		of(container.OverPrivileged, container.OverPrivileged),
		of(container.Restricted, container.OverPrivileged),
		of(container.AsDefault, container.AsDefault),
		of(container.Restricted, container.Restricted),
	}
	for i, a := range order {
		for j, b := range order {
			if a.WorseThan(b) != (i < j) {
				t.Errorf("%v/%v, %v/%v: %v", a.Verdict, a.AtWorst, b.Verdict, b.AtWorst, a.WorseThan(b))
			}
		}
	}
}
