package apply

import (
	"syscall"

	"capsh/internal/inherit"
)

// Exec replaces this program by the one at path, which finds the signals,
// limits and standard descriptors that this one was started with. It returns
// only if that failed; the signals are then as the command would have had them.
func Exec(path string, argv, env []string) error {
	inherit.RestoreSignals()
	return wrap(syscall.Exec(path, argv, env), "execve", path) // restores RLIMIT_NOFILE
}
