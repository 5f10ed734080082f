package schema

import (
	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"
)

// Decoded is a mask and the names of its bits: --decode.
type Decoded struct {
	Version      int      `json:"version"`
	Mask         string   `json:"mask"`
	Capabilities []string `json:"capabilities"`
}

// NewDecoded is the document of a mask.
func NewDecoded(set caps.Set) Decoded { return Decoded{Version, set.Mask(), set.OCINames()} }

// Mode is the mode of libcap that a thread is in: --mode.
type Mode struct {
	Version int                `json:"version"`
	PID     int                `json:"pid"`
	TID     int                `json:"tid"`
	Mode    cred.Known[string] `json:"mode"`
}

// NewMode is the document of a thread's mode.
func NewMode(p *cred.Process, mode cred.Known[cred.Mode]) Mode {
	return Mode{Version, p.PID, p.TID, text(mode)}
}

// Modes are the modes of libcap: --modes.
type Modes struct {
	Version int      `json:"version"`
	Modes   []string `json:"modes"`
}

// NewModes is the document of a list of modes.
func NewModes(list []cred.Mode) Modes {
	d := Modes{Version, []string{}}
	for _, m := range list {
		d.Modes = append(d.Modes, m.String())
	}
	return d
}
