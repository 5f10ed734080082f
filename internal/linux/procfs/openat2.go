package procfs

import "golang.org/x/sys/unix"

// maxOpens is how often a look-up is tried that the kernel interrupts. Each try
// takes microseconds.
const maxOpens = 100_000

// Openat2 is openat2(2), tried again on EAGAIN: while it stands at "..", a rename or
// a mount anywhere on the host makes it give up (handle_dots, fs/namei.c). The error
// is an errno; EAGAIN is one that did not end.
func Openat2(dir int, path string, how *unix.OpenHow) (fd int, err error) {
	for range maxOpens {
		if fd, err = unix.Openat2(dir, path, how); err != unix.EAGAIN {
			break
		}
	}
	return fd, err
}
