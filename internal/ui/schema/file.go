package schema

import (
	"fmt"

	"capsh/internal/rules/cred"
	"capsh/internal/rules/filecap"
)

// File is what a file grants.
type File struct {
	Version         int                `json:"version"`
	Path            string             `json:"path"`
	Mode            string             `json:"mode"`
	UID             cred.Known[uint32] `json:"uid"`
	GID             cred.Known[uint32] `json:"gid"`
	Setuid          bool               `json:"setuid"`
	Setgid          bool               `json:"setgid"`
	HasCapabilities bool               `json:"has_capabilities"`
	Capabilities    *FileCaps          `json:"file_capabilities"`
	Honoured        cred.Known[bool]   `json:"honoured"`
	IgnoredBecause  []string           `json:"ignored_because"`
	UnknownBecause  []string           `json:"unknown_because"`
}

// FileCaps are file capabilities.
type FileCaps struct {
	XattrVersion int      `json:"xattr_version"`
	RootID       uint32   `json:"root_id"`
	Permitted    []string `json:"permitted"`
	Inheritable  []string `json:"inheritable"`
	Effective    bool     `json:"effective"`
	Setcap       string   `json:"setcap"`
}

// NewFile is the document of a file, on a kernel that has kernelBits capabilities.
// Capabilities are null where there are none, or none that are shown.
func NewFile(g *filecap.Grants, kernelBits int) File {
	d := File{
		Version: Version, Path: g.Path, Mode: fmt.Sprintf("0%o", g.Mode&0o7777), UID: cred.KnownID(g.UID), GID: cred.KnownID(g.GID),
		Setuid: g.Setuid(), Setgid: g.Setgid(), HasCapabilities: g.HasCaps,
		Honoured: g.Honoured(), IgnoredBecause: list(g.FlawTexts()), UnknownBecause: list(g.Doubts.Texts()),
	}
	if c := &g.Caps; g.CapsShown() {
		d.Capabilities = &FileCaps{
			XattrVersion: int(c.Version), RootID: c.RootID, Permitted: c.Permitted.OCINames(), Inheritable: c.Inheritable.OCINames(),
			Effective: c.Effective, Setcap: c.EPI().Text(kernelBits),
		}
	}
	return d
}
