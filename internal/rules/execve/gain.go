package execve

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Gain is what an execve of the right file can add to the permitted set: of the
// bounding set by fP, of the inheritable set, in the bounding set or not, by fI,
// and both by root's (P' = (I & fI) | (fP & bounding)). Under no_new_privs it
// adds nothing.
func Gain(s *cred.Sets) caps.Set { return (s.Bounding | s.Inheritable) &^ s.Permitted }
