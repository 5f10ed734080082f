package procfs

import (
	"os"
	"strconv"
	"strings"

	"capsh/internal/rules/caps"
	"capsh/internal/rules/cred"

	"golang.org/x/sys/unix"
)

// LastCap is the highest capability of the kernel that r belongs to, as
// sys/kernel/cap_last_cap has it; unknown where that is missing.
func (r Root) LastCap() cred.Known[caps.Cap] {
	text, err := ReadFile(unix.AT_FDCWD, string(r)+"/sys/kernel/cap_last_cap", nil)
	n, numErr := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 8)
	return cred.Known[caps.Cap]{Value: caps.Cap(n), OK: err == nil && numErr == nil && n < caps.MaxBits}
}

// Self is this process's id in the PID namespace of r, as its link "self" says;
// where no procfs is mounted on /proc its own.
func (r Root) Self() (int, error) {
	text, err := os.Readlink(string(r) + "/self")
	if err != nil && r == Proc {
		return os.Getpid(), nil
	} else if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}
