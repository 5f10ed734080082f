package trial

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Self is a path by which this process can execute its own program: the kernel's
// link to it or, without a procfs, the path that the kernel was given, in the
// working directory of then.
func Self() string {
	const link = "/proc/self/exe"
	if unix.Access(link, unix.X_OK) == nil {
		return link
	}
	const execfn = 31 // AT_EXECFN of getauxval(3)
	vector, err := unix.Auxv()
	for _, entry := range vector {
		if err == nil && entry[0] == execfn {
			return unix.BytePtrToString((*byte)(unsafe.Add(nil, entry[1])))
		}
	}
	return link
}
