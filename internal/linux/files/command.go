package files

import (
	"errors"
	"strconv"
	"strings"

	"capsh/internal/linux/procfs"
	"capsh/internal/rules/environ"
	"capsh/internal/rules/execve"

	"golang.org/x/sys/unix"
)

// CommandPaths are the paths that execvp(3) tries for a command: itself if it
// has a slash, else one for each folder of PATH.
func CommandPaths(name string, env []string) []string {
	if name == "" || strings.Contains(name, "/") {
		return []string{name}
	}
	path, ok := environ.Get(env, "PATH")
	if !ok {
		path = "/bin:/usr/bin"
	}
	list := make([]string, 0, 1+strings.Count(path, ":"))
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			dir = "."
		}
		list = append(list, dir+"/"+name)
	}
	return list
}

// NotFound is the name of a command that is at none of its paths.
type NotFound string

// Error tells a path from a name that was looked up in PATH.
func (name NotFound) Error() string {
	switch {
	case name == "":
		return "the command is empty"
	case strings.Contains(string(name), "/"):
		return string(name) + ": no such file"
	}
	return string(name) + ": not found in PATH"
}

// Found says which of its paths a command is.
type Found struct {
	// At is the one that was found, First the first that is there at all: what
	// this thread may not reach or execute, another user may. Both are the number
	// of paths where there is none.
	At, First int
}

// Command reads, as [Lookup.Executable] does, the first of the paths of a
// command that execvp(3) would not pass over, and says which that is. What is
// not allowed hides nothing farther down, and is the error if there is nothing.
// The error is a [NotFound] or a *[FileError].
func (l Lookup) Command(name string, paths []string) (found Found, exe execve.File, err error) {
	found = Found{len(paths), len(paths)}
	var refused error
	for i, path := range paths {
		exe, fileErr := l.Executable(path)
		var file *FileError
		errors.As(fileErr, &file)
		if file.missing() {
			continue
		}
		found.First = min(found.First, i)
		if !file.refused() {
			found.At = i
			return found, exe, fileErr
		}
		if refused == nil {
			refused = file
		}
	}
	if refused == nil {
		refused = NotFound(name)
	}
	return found, exe, refused
}

// missing and refused tell what execvp(3) passes over: a path that leads nowhere,
// and one that may not be gone, or executed. A file is there, whatever is wrong with
// its interpreter or its dynamic loader.
func (e *FileError) missing() bool {
	return e != nil && e.Of == "" && e.Call == "open" && (e.Err == unix.ENOENT || e.Err == unix.ENOTDIR)
}

func (e *FileError) refused() bool {
	return e != nil && e.Of == "" && (e.Call == "open" || e.Call == "execve") && e.Err == unix.EACCES
}

// OpenToAll says that any user may get to a file and execute it, by the modes of the
// file and of all folders on the way; false too where that cannot be told.
func (l Lookup) OpenToAll(path string) bool {
	fd, err := l.OpenFD(path, unix.O_PATH)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&0o001 == 0 {
		return false
	}
	// Where it really is: links, and the directory that a relative path starts in.
	var link [unix.PathMax]byte
	real, err := procfs.ReadOwnLink("self/fd/"+strconv.Itoa(fd), link[:])
	return err == nil && l.throughAll(path) && Here.throughAll(string(real))
}

// throughAll says that any user may search the folders that a path names.
func (l Lookup) throughAll(path string) bool {
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		fd, err := l.OpenFD(path[:i+1], unix.O_PATH)
		if err != nil {
			return false
		}
		var st unix.Stat_t
		err = unix.Fstat(fd, &st)
		unix.Close(fd)
		if err != nil || st.Mode&0o001 == 0 {
			return false
		}
	}
	return true
}
