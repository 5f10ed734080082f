package plan

import (
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// OwnStdio makes a user the owner of standard descriptors, so that it can open
// /dev/stdout: an open(2) of that checks the owner and mode of the file again.
type OwnStdio struct {
	UID uint32 `json:"uid"`
	// FDs are among 0, 1 and 2.
	FDs []int `json:"descriptors"`
}

func (OwnStdio) Name() string { return "own_stdio" }

func (s OwnStdio) String() string {
	var names []string
	for _, fd := range s.FDs {
		names = append(names, StdioName(fd))
	}
	return "give " + strings.Join(names, ", ") + " to uid " + idText(s.UID)
}

// StdioName is the name of a standard descriptor.
func StdioName(fd int) string { return [...]string{"stdin", "stdout", "stderr"}[fd] }

// Simulate is setattr_prepare (fs/attr.c).
func (s OwnStdio) Simulate(st *cred.State) error {
	if !st.Effective.Has(caps.Chown) {
		return needs(s.String(), caps.Chown)
	}
	return nil
}
