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
	// Filter is loaded right before the first execve; nil for none.
	Filter *Filter
}

// NewCommand makes the arguments and the environment ready. EINVAL is a NUL in
// one of them.
func NewCommand(argv, env []string) (Command, error) {
	a, err := pointers(argv)
	if err != nil {
		return Command{}, err
	}
	e, err := pointers(env)
	return Command{argv: a, env: e, words: argv, vars: env}, err
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
// files in a build that does not know it. A [*FilterError] says that the filter
// could not be loaded, so that nothing was tried.
func (c *Command) Exec(path string) error {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return wrap(err, "execve", path)
	}
	if c.Filter != nil {
		if err := c.Filter.ready(); err != nil {
			return &FilterError{err}
		}
	}
	verdict, filterErrno, errno := c.enter(p)
	if c.Filter != nil {
		if err := c.Filter.error(verdict, filterErrno); err != nil {
			return &FilterError{err}
		}
		c.Filter = nil // for another path it is there
	}
	if !inherit.Exact() {
		errno, _ = syscall.Exec(path, c.words, c.vars).(syscall.Errno)
	}
	if errno == 0 { // an execve that goes well does not return
		return errFaked("execve " + path)
	}
	return failed(errno, "execve", path)
}

// enter loads the filter, if there is one, and executes the program.
//
//go:nosplit
//go:norace
func (c *Command) enter(path *byte) (verdict uint32, filterErrno, errno syscall.Errno) {
	if c.Filter != nil {
		verdict, filterErrno = c.Filter.load()
		if filterErrno != 0 || verdict != filterSeen {
			return verdict, filterErrno, 0
		}
	}
	if inherit.Exact() {
		_, _, errno = unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)),
			uintptr(unsafe.Pointer(&c.argv[0])), uintptr(unsafe.Pointer(&c.env[0])))
	}
	return verdict, 0, errno
}

// Exec replaces this program by the one at path, which finds the signals,
// limits and standard descriptors that this one was started with. It returns
// only if that failed; the signals are then as the command would have had them.
func Exec(path string, argv, env []string) error {
	command, err := NewCommand(argv, env)
	if err != nil {
		return err
	}
	if err := restore(); err != nil {
		return err
	}
	return command.Exec(path)
}
