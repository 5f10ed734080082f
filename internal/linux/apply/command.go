package apply

import (
	"strings"
	"syscall"
	"unsafe"

	"capsh/internal/linux/inherit"

	"golang.org/x/sys/unix"
)

// Command is what execve takes beside the path, made ready beforehand: under a
// seccomp filter there should be no more system calls than needed.
type Command struct {
	argv, env   []*byte
	words, vars []string
}

// NewCommand makes the arguments and the environment ready. EINVAL is a NUL in
// one of them.
func NewCommand(argv, env []string) (Command, error) {
	a, err := pointers(argv)
	if err != nil {
		return Command{}, err
	}
	e, err := pointers(env)
	return Command{a, e, argv, env}, err
}

func pointers(list []string) ([]*byte, error) {
	size := 0
	for _, s := range list {
		size += len(s) + 1
	}
	ptrs, text := make([]*byte, len(list)+1), make([]byte, size)
	for i, s := range list {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, wrap(unix.EINVAL, "execve", s)
		}
		ptrs[i] = &text[0]
		text = text[copy(text, s)+1:]
	}
	return ptrs, nil
}

// Exec replaces this program by the one at path; it returns only if that failed.
// What it will find has been restored (see restore), all but the limit of open
// files in a build that does not know it.
func (c *Command) Exec(path string) error {
	if !inherit.Exact {
		return wrap(syscall.Exec(path, c.words, c.vars), "execve", path)
	}
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return wrap(err, "execve", path)
	}
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(p)),
		uintptr(unsafe.Pointer(&c.argv[0])), uintptr(unsafe.Pointer(&c.env[0])))
	return failed(errno, "execve", path)
}
