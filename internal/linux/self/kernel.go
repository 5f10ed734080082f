package self

import (
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"capsh/internal/rules/caps"
)

// Kernel is what the kernel of this thread has.
type Kernel struct {
	// Bits is how many capabilities there are: as many as prctl(PR_CAPBSET_READ)
	// answers for or, where that is unknown, as many as have names.
	Bits int
	// Bounding says that prctl shows the bounding set, and so that Bits is known.
	Bounding bool
}

// All is the set of all capabilities of the kernel.
func (k Kernel) All() caps.Set { return caps.First(k.Bits) }

// ReadKernel asks the kernel what it has. The value that comes with an error is
// good for text, not for a change.
func ReadKernel() (Kernel, error) {
	_, k, err := readBounding()
	return k, err
}

// readBounding asks for each capability whether it is in the bounding set, up to
// the first that the kernel does not know. One that answers for more than a set
// has room for shows nothing, as to libcap.
func readBounding() (set caps.Set, k Kernel, err error) {
	for c := range caps.Cap(caps.MaxBits + 1) {
		in, err := cap.GetBound(cap.Value(c))
		known, err := answered(err, "prctl(PR_CAPBSET_READ)", c)
		switch {
		case err != nil:
			return 0, Kernel{Bits: caps.Named}, err
		case !known && c > 0:
			return set, Kernel{Bits: int(c), Bounding: true}, nil
		case !known:
			return 0, Kernel{Bits: caps.Named}, nil
		case in:
			set |= c.Set()
		}
	}
	return 0, Kernel{Bits: caps.Named}, nil
}
