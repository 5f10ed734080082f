package apply

import "syscall"

// Exec replaces this program by the one at path, which finds the signals,
// limits and standard descriptors that this one was started with. It returns
// only if that failed; the signals are then as the command would have had them.
func Exec(path string, argv, env []string) error {
	if err := restore(); err != nil {
		return err
	}
	return wrap(syscall.Exec(path, argv, env), "execve", path)
}
