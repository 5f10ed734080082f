package plan

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// The steps that change the root and the working directory.

// Chroot changes the root directory to Path, which is open as FD, and the working
// directory to it.
type Chroot struct {
	Path string `json:"path"`
	FD   int    `json:"-"`
}

func (Chroot) Name() string     { return "chroot" }
func (s Chroot) String() string { return "chroot " + s.Path }

// Simulate is ksys_chroot (fs/open.c).
func (s Chroot) Simulate(st *cred.State) error {
	if !st.Effective.Has(caps.SysChroot) {
		return needs(s.String(), caps.SysChroot)
	}
	return nil
}

// Chdir changes the working directory to Path, which is open as FD; -1 where only
// the new user can look it up.
type Chdir struct {
	unchanged
	Path string `json:"path"`
	FD   int    `json:"-"`
}

func (Chdir) Name() string     { return "chdir" }
func (s Chdir) String() string { return "chdir " + s.Path }
