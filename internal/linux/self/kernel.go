package self

import (
	"capsh/internal/rules/caps"
)

// KernelBits is how many capabilities the kernel has, as libcap finds it: the
// count that prctl admits to, or [caps.Named] where it does not tell. That is for
// showing; what acts on all capabilities takes [AllCaps].
func KernelBits() int {
	if n, err := CountBits(); err == nil {
		return n
	}
	return caps.Named
}

// AllCaps is all capabilities that the kernel has: as prctl tells, or as many as
// have names where it knows of no bounding set.
func AllCaps() (caps.Set, error) {
	n, err := CountBits()
	if err != nil && err != ErrNoBounding {
		return 0, err
	}
	if err != nil {
		n = caps.Named
	}
	return caps.First(n), nil
}

// CountBits searches for the number of capabilities that prctl(PR_CAPBSET_READ)
// answers for. ErrNoBounding is that it does not even know the first, or knows
// more than a set has room for; any other error is the failed call's.
func CountBits() (n int, err error) {
	high := caps.MaxBits + 1
	for n < high {
		mid := (n + high) / 2
		_, known, err := inBounding(caps.Cap(mid))
		if err != nil {
			return 0, err
		}
		if known {
			n = mid + 1
		} else {
			high = mid
		}
	}
	if n == 0 || n > caps.MaxBits {
		return 0, ErrNoBounding
	}
	return n, nil
}
