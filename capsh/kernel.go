package main

import (
	"errors"

	"capsh/internal/linux/procfs"
	"capsh/internal/linux/self"
)

// kernelBits is how many capabilities the kernel has that a procfs is of; where it
// does not say, as many as this one.
func kernelBits(proc procfs.Root) int {
	if bits, err := toldBits(proc); err == nil {
		return bits
	}
	return self.KernelBits()
}

// toldBits is the same, but an error where another procfs does not say.
func toldBits(proc procfs.Root) (int, error) {
	if proc == procfs.Proc {
		return self.KernelBits(), nil
	}
	last := proc.LastCap()
	if !last.OK {
		return 0, errors.New(string(proc) + "/sys/kernel/cap_last_cap could not be read")
	}
	return int(last.Value) + 1, nil
}
