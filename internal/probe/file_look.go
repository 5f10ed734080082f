package probe

import "golang.org/x/sys/unix"

// InRoot resolves paths in the root folder of a process, which takes the right
// to read it by ptrace(2). The caller closes Dir.
func (r Root) InRoot(pid int) (Lookup, error) {
	path := r.path(pid, pid) + "/root"
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if denied(err) {
		return Lookup{}, &pathError{"open " + path + ", which takes the right to trace the process", err}
	} else if err != nil {
		return Lookup{}, &pathError{"open " + path, err}
	}
	return Lookup{Dir: fd, Chroot: true}, nil
}

// ReadFile reads a whole small file.
func (l Lookup) ReadFile(path string) ([]byte, error) {
	fd, err := l.openAs(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, &pathError{path, err}
	}
	defer unix.Close(fd)
	text, err := readRest(fd, nil, false)
	if err != nil {
		return nil, &pathError{path, err}
	}
	return text, nil
}

// Mode is the st_mode of a file.
func (l Lookup) Mode(path string) (uint32, error) {
	fd, err := l.openAs(path, unix.O_PATH)
	if err != nil {
		return 0, &pathError{path, err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, &pathError{path, err}
	}
	return st.Mode, nil
}
