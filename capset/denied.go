package main

import (
	"fmt"

	"capsh/internal/linux/files"

	"golang.org/x/sys/unix"
)

// denied names the file or directory whose mode denies this thread, which may be the
// command's user by now, to execute a file or to enter a directory; "" if none does.
func denied(at files.Lookup, path, do string) string {
	uid := unix.Geteuid()
	if dir := at.Denier(path); dir != "" {
		return fmt.Sprintf("uid %d may not search the directory %s", uid, dir)
	}
	if at == files.Here && unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) == unix.EACCES {
		return fmt.Sprintf("uid %d has no permission to %s %s", uid, do, path)
	}
	return ""
}
