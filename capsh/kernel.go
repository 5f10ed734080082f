package main

import (
	"errors"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
)

// kernelBits is how many capabilities the kernel has that a procfs is of; where it
// does not say, as many as this one. It is for showing: where prctl does not say
// either, it is libcap's guess.
func kernelBits(proc procfs.Root) int {
	bits, err := reportedBits(proc)
	if err != nil {
		bits, _ = reportedBits(procfs.Proc)
	}
	return bits
}

// reportedBits is the same, but an error where another procfs does not say.
func reportedBits(proc procfs.Root) (int, error) {
	if proc == procfs.Proc {
		kernel, _ := self.ReadKernel()
		return kernel.Bits, nil
	}
	last := proc.LastCap()
	if !last.OK {
		return 0, errors.New(string(proc) + "/sys/kernel/cap_last_cap could not be read")
	}
	return int(last.Value) + 1, nil
}
