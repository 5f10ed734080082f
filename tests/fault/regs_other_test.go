//go:build !amd64

package fault

import "errors"

const canInject = false

var errNoRegs = errors.New("the registers of this architecture are not known")

func skipCall(int) error          { return errNoRegs }
func setResult(int, uint64) error { return errNoRegs }
